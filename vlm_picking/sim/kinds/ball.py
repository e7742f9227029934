"""Balls: tennis balls, baseballs, footballs, small basketballs, beach balls and plain rubber ones."""

import numpy as np

from vlm_picking.sim.colours import PAINTS, paint
from vlm_picking.sim.kinds._compound import joined
from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import TriMesh, loft

_COLOURS = ("yellow", "yellow", "white", "white", "red", "blue", "green", "orange", "pink", "purple", "black", "cyan")
_WHITE, _BLACK = (0.93, 0.93, 0.90), (0.05, 0.05, 0.05)


@kind(
    "ball",
    synonyms=("toy ball",),
    colours=_COLOURS,
    mass_kg=0.12,
)
def ball(rng: np.random.Generator) -> tuple[Part, ...]:
    """A ball of 60 to 104 mm with the seams, patches or segments of one sort."""
    radius = rng.uniform(0.030, 0.052)
    make = (_seamed, _seamed, _patched, _patched, _ribbed, _segmented, _segmented, _striped)[rng.integers(8)]
    surface, marks = make(rng, radius)
    return (Part(shape="sphere", size_m=(radius,), solid=True, **surface), *marks)


def _seamed(rng, radius):
    """One long wave around the ball, as of tennis balls (white) and baseballs (red)."""
    seam = _ribbon(_wave(0.25), 0.07 * radius, radius)
    colour = _WHITE if rng.random() < 0.6 else (0.75, 0.06, 0.06) if rng.random() < 0.6 else _BLACK
    return {"texture": "skin", "gloss": 0.1}, (Part(shape="mesh", mesh=seam, rgb=colour, gloss=0.1),)


def _patched(rng, radius):
    """Twelve pentagons or round spots on the corners of an icosahedron."""
    golden = (1 + np.sqrt(5)) / 2
    corners = [(0, a, b * golden) for a in (-1, 1) for b in (-1, 1)]
    corners = np.array([np.roll(corner, turn) for corner in corners for turn in range(3)])
    sides, reach = (5 if rng.random() < 0.7 else 10), rng.uniform(0.38, 0.44)
    patches = joined([_patch(corner, radius, sides, reach) for corner in corners])
    colour = _BLACK if sides == 5 and rng.random() < 0.7 else _WHITE
    return {"gloss": 0.4}, (Part(shape="mesh", mesh=patches, rgb=colour, gloss=0.4),)


def _ribbed(rng, radius):
    """The black lines of a basketball: two great circles and a wave."""
    turn = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    circle = np.column_stack([np.cos(turn), np.sin(turn), 0 * turn])
    lines = [circle, circle[:, [0, 2, 1]], _wave(0.12)]
    mesh = joined([_ribbon(line, 0.045 * radius, radius) for line in lines])
    return {"texture": "peel", "gloss": 0.2}, (Part(shape="mesh", mesh=mesh, rgb=_BLACK, gloss=0.1),)


def _segmented(rng, radius):
    """Segments from pole to pole and two caps, as of beach balls."""
    others = [PAINTS[str(rng.choice(list(PAINTS)))] for _ in range(3)] if rng.random() < 0.4 else [_WHITE] * 3
    marks = [
        Part(shape="mesh", mesh=_segment(radius, k * 2 * np.pi / 3, np.pi / 3), rgb=rgb, gloss=0.8)
        for k, rgb in enumerate(others)
    ]
    poles = joined([_patch((0, 0, side), 1.012 * radius, 10, 0.28) for side in (-1, 1)])
    return {"gloss": 0.8}, (*marks, Part(shape="mesh", mesh=poles, rgb=_WHITE, gloss=0.8))


def _striped(rng, radius):
    """A rubber ball: plain or with a belt."""
    if rng.random() < 0.3:
        return {"gloss": 0.8}, ()
    turn = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    belt = _ribbon(np.column_stack([np.cos(turn), np.sin(turn), 0 * turn]), rng.uniform(0.1, 0.22) * radius, radius)
    rgb = _WHITE if rng.random() < 0.6 else paint(str(rng.choice(list(PAINTS))), rng)
    return {"gloss": 0.8}, (Part(shape="mesh", mesh=belt, rgb=rgb, gloss=0.8),)


def _wave(bend: float) -> np.ndarray:
    """A closed curve (36, 3) on the unit sphere that swings to and fro four times."""
    turn = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    x = (1 - bend) * np.cos(turn) + bend * np.cos(3 * turn)
    y = (1 - bend) * np.sin(turn) - bend * np.sin(3 * turn)
    return np.column_stack([x, y, 2 * np.sqrt(bend * (1 - bend)) * np.sin(2 * turn)])


def _ribbon(path: np.ndarray, half_width_m: float, radius_m: float) -> TriMesh:
    """A band along a closed `path` (N, 3) on the unit sphere, a little above the surface."""
    along = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0)
    side = np.cross(path, along / np.linalg.norm(along, axis=1, keepdims=True)) * half_width_m
    low, high = 0.93 * radius_m * path, 1.012 * radius_m * path
    return loft(np.stack([low - side, high - side, high + side, low + side], axis=1), capped=False)


def _patch(centre, radius_m: float, sides: int, reach_rad: float) -> TriMesh:
    """A bulging polygon on the sphere around the direction `centre`."""
    axis = np.asarray(centre, dtype=np.float64) / np.linalg.norm(centre)
    first = np.cross(axis, (0.3, 0.5, 0.8) if abs(axis[2]) < 0.7 else (0.9, 0.3, 0.1))
    first /= np.linalg.norm(first)
    second = np.cross(axis, first)
    turn = np.arange(sides) * 2 * np.pi / sides
    flat = np.cos(turn)[:, None] * first + np.sin(turn)[:, None] * second
    # The chords between the corners of a pentagon cut below the sphere unless the patch is lifted.
    lift = 1.012 if sides > 5 else 1.045
    steps = [(0.9, reach_rad), (lift, reach_rad), (1.03, 0.55 * reach_rad), (1.025, 0.1 * reach_rad)]
    return loft(np.array([r * radius_m * (np.cos(a) * axis + np.sin(a) * flat) for r, a in steps]))


def _segment(radius_m: float, start_rad: float, span_rad: float) -> TriMesh:
    """A slice of the ball between two meridians, a little above the surface."""
    turn = start_rad + np.linspace(0, span_rad, 6)
    rings = []
    for height in np.linspace(-1.45, 1.45, 11):
        arc = np.column_stack([np.cos(height) * np.cos(turn), np.cos(height) * np.sin(turn)])
        loop = np.concatenate([arc, [(0.0, 0.0)]]) * 1.02 * radius_m
        rings.append(np.column_stack([loop, np.full(7, 1.02 * radius_m * np.sin(height))]))
    return loft(np.array(rings))
