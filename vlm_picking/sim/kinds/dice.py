"""Dice: a rounded cube with one to six pips on its sides."""

import numpy as np

from vlm_picking.sim.kinds._compound import joined
from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import TriMesh, loft

_COLOURS = (
    "white",
    "white",
    "white",
    "red",
    "red",
    "blue",
    "green",
    "black",
    "yellow",
    "purple",
    "orange",
    "pink",
    "cyan",
)
_PIPS = {
    1: [(0, 0)],
    2: [(-1, -1), (1, 1)],
    3: [(-1, -1), (0, 0), (1, 1)],
    4: [(-1, -1), (-1, 1), (1, -1), (1, 1)],
    5: [(-1, -1), (-1, 1), (0, 0), (1, -1), (1, 1)],
    6: [(-1, -1), (-1, 0), (-1, 1), (1, -1), (1, 0), (1, 1)],
}


@kind("dice", synonyms=("die", "gaming die", "playing dice"), colours=_COLOURS, mass_kg=0.06)
def dice(rng: np.random.Generator) -> tuple[Part, ...]:
    """A die of 32 to 60 mm; opposite sides sum to seven."""
    half = rng.uniform(0.016, 0.030)
    light, dark = (0.93, 0.93, 0.9), (0.03, 0.03, 0.03)
    # A rim of the other tone lets the pips be seen on whatever paint the die gets.
    inner, rim = (dark, light) if rng.random() < 0.65 else (light, dark)
    pip = rng.uniform(0.19, 0.23) * half
    return (
        Part(shape="mesh", mesh=_rounded_cube(half, rng.uniform(0.12, 0.3) * half), gloss=0.7),
        Part(shape="mesh", mesh=_pips(half, 1.22 * pip, 2e-4), rgb=rim, gloss=0.2),
        Part(shape="mesh", mesh=_pips(half, pip, 5e-4), rgb=inner, gloss=0.2),
        Part(shape="box", size_m=(half, half, half), visible=False, solid=True),
    )


def _rounded_cube(half_m: float, bevel_m: float) -> TriMesh:
    """A cube whose edges are rounded by `bevel_m`."""
    turn = np.radians([9, 45, 81])[None] + np.arange(4)[:, None] * np.pi / 2
    unit = np.column_stack([np.cos(turn.ravel()), np.sin(turn.ravel())])
    signs = np.repeat(np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)]), 3, axis=0)
    rings = []
    for lift in np.radians([-90, -55, -15, 15, 55, 90]):
        # A quarter circle from the flat of one side over the edge to the next.
        flat = signs * (half_m - bevel_m) + bevel_m * max(float(np.cos(lift)), 0.02) * unit
        height = np.sign(lift) * (half_m - bevel_m) + bevel_m * np.sin(lift)
        rings.append(np.column_stack([flat, np.full(12, height)]))
    return loft(np.array(rings))


def _pips(half_m: float, radius_m: float, lift_m: float) -> TriMesh:
    """All 21 pips as thin discs on the six sides."""
    turn = np.arange(7) * 2 * np.pi / 7
    disc = radius_m * np.column_stack([np.cos(turn), np.sin(turn)])
    discs = []
    for axis, value in ((0, 1), (1, 2), (2, 3)):
        for side in (-1, 1):
            for spot in _PIPS[value if side > 0 else 7 - value]:
                loop = disc + 0.5 * half_m * np.array(spot)
                levels = (side * 0.97 * half_m, side * (half_m + lift_m))
                rings = [np.insert(loop, axis, level, axis=1) for level in levels]
                discs.append(loft(np.array(rings)))
    return joined(discs)
