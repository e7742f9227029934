"""Pears: a round belly that narrows to a neck, with a stem."""

import numpy as np

from vlm_picking.sim.kinds.model import Part, rod
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import revolve

_OUTLINE = np.array(
    [(0.08, 0.03), (0.42, 0.0), (0.74, 0.08), (0.93, 0.19), (1.0, 0.31), (0.95, 0.43), (0.81, 0.54)]
    + [(0.62, 0.65), (0.49, 0.75), (0.43, 0.84), (0.37, 0.92), (0.24, 0.98), (0.06, 0.99)]
)


@kind("pear", colours=("green", "green", "yellow", "yellow", "brown", "red"), mass_kg=0.17)
def pear(rng: np.random.Generator) -> tuple[Part, ...]:
    """A pear of 62 to 78 mm across and 88 to 120 mm high."""
    radius, half = rng.uniform(0.031, 0.039), rng.uniform(0.044, 0.060)
    half = max(half, 1.3 * radius)
    neck = rng.uniform(0.85, 1.15)
    outline = _OUTLINE.copy()
    outline[7:, 0] *= neck
    round_mesh = revolve(np.column_stack([outline[:, 0] * radius, (2 * outline[:, 1] - 1) * half]), segments=22)
    # The neck leans a little to one side.
    lean = rng.uniform(0.0, 0.010)
    vertices = round_mesh.vertices.copy()
    up = np.clip(vertices[:, 2] / half, 0, 1)
    vertices[:, 0] += lean * up**2
    top = (lean, 0.0, 0.95 * half)
    tip = (lean + rng.uniform(-0.008, 0.012), 0.0, half + rng.uniform(0.012, 0.020))
    parts = [
        Part(shape="mesh", mesh=round_mesh.moved(vertices), texture="skin", gloss=0.35),
        rod(top, tip, 0.0026, rgb=(0.22, 0.13, 0.05)),
        Part(shape="sphere", size_m=(0.0055,), position_m=(0, 0, -0.96 * half), rgb=(0.16, 0.11, 0.05)),
    ]
    if rng.random() < 0.25:
        leaf = (float(tip[0] + 0.010), 0.004, float(half + 0.008))
        parts.append(
            Part(shape="ellipsoid", size_m=(0.017, 0.009, 0.0015), position_m=leaf, rgb=(0.10, 0.40, 0.10), gloss=0.2)
        )
    belly = 0.62 * half
    parts.append(
        Part(
            shape="ellipsoid",
            size_m=(radius, radius, belly),
            position_m=(0, 0, belly - half),
            visible=False,
            solid=True,
        )
    )
    thin = 0.43 * neck * radius
    parts.append(rod((0, 0, -0.3 * half), (lean, 0, half - thin), thin, visible=False, solid=True))
    return tuple(parts)
