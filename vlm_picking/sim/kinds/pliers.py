"""Pliers: two bowed grips, a round joint and a pair of steel jaws."""

import numpy as np

from vlm_picking.sim.kinds.model import Part, about, rod
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import extrude, sweep

_COLOURS = ("red", "red", "blue", "yellow", "orange", "black", "green", "purple")

# How thick a grip is along its length, as a share.
GIRTH = np.array([0.75, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.95, 0.6])


@kind("pliers", synonyms=("plier", "pincers", "pair of pliers"), colours=_COLOURS, mass_kg=0.22, rest="flat")
def pliers(rng: np.random.Generator) -> tuple[Part, ...]:
    """Pliers of 160 to 210 mm; their jaws point along +x, open by 0 to 20 degrees."""
    grip, long_nosed = rng.uniform(0.100, 0.125), rng.random() < 0.4
    jaw = rng.uniform(0.058, 0.072) if long_nosed else rng.uniform(0.040, 0.050)
    root, tip = rng.uniform(0.013, 0.016), rng.uniform(0.003, 0.004) if long_nosed else rng.uniform(0.008, 0.011)
    thick, radius = rng.uniform(0.011, 0.013), rng.uniform(0.0078, 0.0095)
    opening, joint = rng.uniform(0.0, 0.17), (grip - jaw) / 2
    steel = {"rgb": tuple(rng.uniform(0.25, 0.55) * np.ones(3)), "texture": "metal", "gloss": 0.85}
    bow, spread = rng.uniform(0.022, 0.028) + 0.06 * opening, rng.uniform(0.015, 0.022) + 0.12 * opening
    parts = []
    for side in (-1, 1):
        outline = jaw_outline(jaw, root, tip) * [1, side]
        parts.append(jaw_part(outline, thick, joint, side * opening, steel))
        path, girth = grip_line(joint, grip, side, bow, spread), radius * GIRTH
        parts.append(grip_sleeve(path, girth, gloss=0.5))
        parts += tang_and_bones(joint, grip, path, (bow, spread), radius, side, steel)
    return (*parts, *hub_and_pin(root, thick, joint, steel))


def jaw_outline(jaw: float, root: float, tip: float) -> np.ndarray:
    """The outline (7, 2) of the upper jaw with its edge along +x: its length, and its height at root and tip."""
    outline = [(-0.010, 0.0005), (-0.006, 0.9 * root), (0.006, root), (0.4 * jaw, 0.5 * (root + tip))]
    return np.array([*outline, (0.97 * jaw, tip), (jaw, 0.6 * tip), (jaw, 0.0005)])


def jaw_part(outline: np.ndarray, thick: float, joint: float, turn_rad: float, steel: dict) -> Part:
    """A jaw, turned about the joint."""
    mesh, quat = extrude(outline, thick), about("z", turn_rad)
    return Part(shape="mesh", mesh=mesh, position_m=(joint, 0, 0), quat=quat, solid=True, **steel)


def grip_line(joint: float, grip: float, side: int, bow: float, spread: float) -> np.ndarray:
    """The middle line (9, 3) of a grip, in x and z as `sweep` wants it."""
    along = np.linspace(0, 1, 9)
    # A cubic from the joint: out quickly to the bow, then back a little to the spread at the end.
    knots = np.interp(along, [0, 0.12, 0.45, 0.7, 1.0], [0.006, 0.010, bow, bow, spread])
    return np.column_stack([joint - grip * (0.10 + 0.90 * along), 0 * along, side * knots])


def grip_sleeve(path: np.ndarray, girth: np.ndarray, **look) -> Part:
    """A sleeve about a line in x and z; a quarter turn lays z along y."""
    mesh = sweep(path, girth, segments=10, squash=0.85)
    return Part(shape="mesh", mesh=mesh, quat=about("x", -np.pi / 2), **look)


def tang_and_bones(
    joint: float,
    grip: float,
    path: np.ndarray,
    spread: tuple[float, float],
    radius: float,
    side: int,
    steel: dict,
) -> list[Part]:
    """The steel that shows between joint and grip, and what collides of the grip, unseen.

    `spread` is how far the grip is out in its middle and at its end [m].
    """
    tang = rod((joint, 0.0, 0.0), (joint - 0.2 * grip, float(path[1, 2]), 0.0), 0.0055, **steel)
    places = zip((0.0, 0.5, 1.0), (0.006, *spread), strict=True)
    knots = [(joint - share * grip, side * out, 0.0) for share, out in places]
    return [tang, *(rod(knots[k], knots[k + 1], 0.85 * radius, visible=False, solid=True) for k in range(2))]


def hub_and_pin(root: float, thick: float, joint: float, steel: dict) -> tuple[Part, Part]:
    """The joint and its rivet."""
    place, rivet = (joint, 0, 0), {"rgb": (0.12, 0.12, 0.12), "gloss": 0.6}
    return (
        Part(shape="cylinder", size_m=(1.05 * root, 0.5 * thick + 0.0005), position_m=place, **steel),
        Part(shape="cylinder", size_m=(0.42 * root, 0.5 * thick + 0.0015), position_m=place, **rivet),
    )
