"""Calculators: a flat body with a display and rows of keys."""

import numpy as np

from vlm_picking.sim.colours import PAINTS
from vlm_picking.sim.kinds._compound import block, joined
from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import TriMesh

_COLOURS = ("black", "black", "black", "grey", "grey", "white", "blue", "pink", "red", "green", "cyan")
_DARK, _LIGHT = (0.06, 0.06, 0.07), (0.90, 0.90, 0.87)
# Segments of a digit, each (x, y, half width, half height) in units of half its height.
_SEGMENTS = ((0, 0.9, 0.4, 0.12), (0, 0, 0.4, 0.12), (0, -0.9, 0.4, 0.12)) + tuple(
    (x, y, 0.12, 0.42) for x in (-0.45, 0.45) for y in (-0.45, 0.45)
)


@kind("calculator", synonyms=("pocket calculator",), colours=_COLOURS, mass_kg=0.15, rest="stand_or_lie")
def calculator(rng: np.random.Generator) -> tuple[Part, ...]:
    """A calculator of 112 to 170 mm by 68 to 100 mm; its face is up and its display at +y."""
    y = rng.uniform(0.056, 0.085)
    x, z = y * rng.uniform(0.56, 0.68), rng.uniform(0.006, 0.010)
    key = _LIGHT if rng.random() < 0.55 else _DARK if rng.random() < 0.6 else (0.45, 0.46, 0.48)
    special = PAINTS[str(rng.choice(["orange", "red", "blue", "yellow", "green", "grey"]))]
    glass = tuple(np.array([(0.52, 0.60, 0.47), (0.62, 0.66, 0.58), (0.40, 0.50, 0.42)])[rng.integers(3)])
    top, screen = rng.uniform(0.62, 0.72) * y, rng.uniform(0.15, 0.2) * y
    plain, marked = _keys(rng, x, y, z, top - screen - 0.1 * y)
    back = rng.uniform(0.2, 0.4) * y
    return (
        Part(shape="box", size_m=(x, y, z), gloss=0.4, solid=True),
        Part(shape="mesh", mesh=block((0, top, z), (0.88 * x, screen + 0.003, 8e-4)), rgb=_DARK, gloss=0.8),
        Part(shape="mesh", mesh=block((0, top, z), (0.80 * x, screen, 0.0013)), rgb=glass, gloss=0.9),
        Part(shape="mesh", mesh=_digits(rng, x, top, screen, z), rgb=(0.04, 0.05, 0.04), gloss=0.0),
        Part(shape="mesh", mesh=plain, rgb=key, gloss=0.5),
        Part(shape="mesh", mesh=marked, rgb=special, gloss=0.5),
        Part(shape="box", size_m=(0.55 * x, back, 5e-4), position_m=(0, -0.3 * y, -z), rgb=_DARK, texture="stripes"),
        Part(shape="box", size_m=(0.6 * x, 0.12 * y, 5e-4), position_m=(0, 0.5 * y, -z), rgb=_LIGHT, texture="text"),
    )


def _keys(rng, x_m: float, y_m: float, z_m: float, top_m: float) -> tuple[TriMesh, TriMesh]:
    """The keys below `top_m`, plain ones and those of another colour."""
    columns, rows = int(rng.choice([4, 4, 5])), int(rng.integers(4, 6))
    wide, tall = 1.8 * x_m / columns, (top_m + 0.92 * y_m) / rows
    plain, marked = [], []
    for row in range(rows):
        for column in range(columns):
            centre = ((column + 0.5) * wide - 0.9 * x_m, top_m - (row + 0.5) * tall, z_m)
            button = block(centre, (0.38 * wide, 0.36 * tall, 0.0028))
            (marked if column == columns - 1 or (row == 0 and column == 0) else plain).append(button)
    return joined(plain), joined(marked)


def _digits(rng, x_m: float, y_m: float, screen_m: float, z_m: float) -> TriMesh:
    """Four to six figures at the right end of the display."""
    size, bars = 0.62 * screen_m, []
    for place in range(int(rng.integers(3, 6))):
        centre = 0.72 * x_m - (1 + place * 1.75) * size * 0.8
        for keep, (a, b, w, h) in zip(rng.random(7) < 0.72, _SEGMENTS, strict=True):
            if keep or b == 0:
                bars.append(block((centre + a * size, y_m + b * size, z_m + 0.0012), (w * size, h * size, 5e-4)))
    return joined(bars)
