"""Springs: a wound wire, straight, conical or barrelled."""

import numpy as np

from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import TriMesh, loft

_COLOURS = ("grey", "grey", "grey", "grey", "black", "red", "blue", "yellow", "green")


@kind("spring", synonyms=("coil", "coil spring"), colours=_COLOURS, mass_kg=0.1, rest="any")
def spring(rng: np.random.Generator) -> tuple[Part, ...]:
    """A spring of 60 to 120 mm, 30 to 55 mm across, of wire of 5 to 7 mm."""
    radius, half = rng.uniform(0.014, 0.024), rng.uniform(0.032, 0.060)
    wire = rng.uniform(0.0025, 0.0036)
    turns = float(np.clip(round(2 * half / (wire * rng.uniform(3.8, 5.2))), 5, 10))
    along = np.linspace(0, 1, int(turns * 11))
    # The ends are closed: the wire rises slowly there.
    rise = np.interp(along, [0, 0.9 / turns, 1 - 0.9 / turns, 1], [0.0, 2.1 * wire, 2 * half - 2.1 * wire, 2 * half])
    style = rng.choice(["straight", "cone", "barrel"], p=[0.6, 0.2, 0.2])
    shape = {"straight": 1 + 0 * along, "cone": 1.1 - 0.5 * along, "barrel": 0.7 + 0.4 * np.sin(np.pi * along)}[style]
    angle = 2 * np.pi * turns * along
    path = np.column_stack([radius * shape * np.cos(angle), radius * shape * np.sin(angle), rise - half])
    finish = {"texture": "metal", "gloss": 0.95}
    coil = Part(shape="mesh", mesh=_wire(path, wire), **finish)
    solid = []
    for low, high in ((-1.0, -0.33), (-0.33, 0.33), (0.33, 1.0)):
        reach = radius * float(np.interp((low + high) / 4 + 0.5, along, shape)) + wire
        solid.append(
            Part(
                shape="cylinder",
                size_m=(reach, half * (high - low) / 2),
                position_m=(0, 0, half * (low + high) / 2),
                visible=False,
                solid=True,
            )
        )
    return (coil, *solid)


def _wire(path_m: np.ndarray, radius_m: float) -> TriMesh:
    """A tube along a path (M, 3) that winds about the z axis."""
    tangent = np.gradient(path_m, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    outward = path_m * [1.0, 1.0, 0.0]
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    upward = np.cross(tangent, outward)
    upward /= np.linalg.norm(upward, axis=1, keepdims=True)
    around = np.linspace(0, 2 * np.pi, 7)[:-1]
    ring = outward[:, None] * np.cos(around)[None, :, None] + upward[:, None] * np.sin(around)[None, :, None]
    return loft(path_m[:, None] + radius_m * ring)
