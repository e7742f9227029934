"""Brackets: metal angles and flat corners with screw holes."""

import numpy as np

from vlm_picking.sim.kinds._compound import joined, ring_plate
from vlm_picking.sim.kinds.model import Part, about
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import TriMesh, extrude

_COLOURS = ("grey", "grey", "grey", "grey", "black", "black", "white", "yellow", "brown")
_HOLE = {"rgb": (0.025, 0.025, 0.025), "gloss": 0.0}


@kind(
    "bracket",
    synonyms=("angle bracket", "corner bracket", "shelf bracket", "mounting bracket"),
    colours=_COLOURS,
    mass_kg=0.18,
)
def bracket(rng: np.random.Generator) -> tuple[Part, ...]:
    """A bracket with arms of 60 to 125 mm along +x and +z, 24 to 40 mm wide, 7 to 10 mm thick."""
    finish = {"texture": "metal", "gloss": 0.8} if rng.random() < 0.7 else {"gloss": 0.3}
    arms = rng.uniform(0.060, 0.125, 2)
    thick = rng.uniform(0.007, 0.010)
    if rng.random() < 0.25:
        return _flat_corner(rng, arms, thick, finish)
    half = rng.uniform(0.012, 0.020)
    back = 0.34 * arms
    parts = [Part(shape="mesh", mesh=standing(angle_outline(arms, thick, back), 2 * half), **finish)]
    hole = rng.uniform(0.26, 0.36) * half
    count = int(rng.integers(2, 4)) if arms.min() > 0.09 else 2
    stretch = 1.0 if rng.random() < 0.5 else rng.uniform(1.7, 2.4)
    for arm, length in enumerate(arms):
        reach = np.linspace(0.36, 0.84, count) * length - back[arm]
        spots = [(r, 0.0) for r in reach]
        depth = thick / 2 - back[1 - arm]
        parts.append(screw_holes(spots, hole, thick, arm, depth, stretch))
        parts.append(solid_arm(arm, length, thick, half, (back[arm], depth)))
    if rng.random() < 0.4:
        a, b = 0.5 * arms
        rib = np.array([(0.2 * thick, 0.2 * thick), (a, 0.8 * thick), (0.8 * thick, b)]) - back
        for y in (-0.85 * half, 0.85 * half):
            mesh = standing(rib, 0.8 * thick)
            parts.append(Part(shape="mesh", mesh=mesh, position_m=(0, y, 0), solid=True, **finish))
    return tuple(parts)


def angle_outline(arms_m: np.ndarray, thick_m: float, back_m: np.ndarray) -> np.ndarray:
    """The side view of an angle with a rounded outer corner."""
    (a, b), t = arms_m, thick_m
    turn = np.radians([180, 210, 240, 270])
    bend = 1.2 * t + 1.2 * t * np.column_stack([np.cos(turn), np.sin(turn)])
    return np.concatenate([bend, [(a, 0), (a, t), (t, t), (t, b), (0, b)]]) - back_m


def standing(outline_m: np.ndarray, width_m: float) -> TriMesh:
    """An outline in x and z, `width_m` wide along y."""
    mesh = extrude(outline_m, width_m)
    x, y, z = mesh.vertices.T
    return mesh.moved(np.column_stack([x, -z, y]))


def screw_holes(spots: list, radius_m: float, thick_m: float, arm: int, depth_m: float, stretch: float = 1.0) -> Part:
    """Screw holes through one arm: dark discs a little above both of its sides, slots when stretched."""
    turn = np.arange(12) * np.pi / 6
    loop = np.column_stack([stretch * np.cos(turn), np.sin(turn)])
    disc = ring_plate(radius_m * loop, 0.02 * radius_m * loop, thick_m + 7e-4)
    discs = [disc.moved(disc.vertices + (x, y, 0.0)) for x, y in spots]
    place, quat = ((0, 0, depth_m), about("z", 0.0)) if arm == 0 else ((depth_m, 0, 0), about("y", -np.pi / 2))
    return Part(shape="mesh", mesh=joined(discs), position_m=place, quat=quat, **_HOLE)


def _flat_corner(rng, arms_m: np.ndarray, thick_m: float, finish: dict) -> tuple[Part, ...]:
    """A flat corner: two bars in one plane."""
    (a, b), bar = arms_m, rng.uniform(0.016, 0.026)
    back = 0.3 * arms_m
    outline = np.array([(0, 0), (a, 0), (a, bar), (bar, bar), (bar, b), (0, b)]) - back
    hole = 0.2 * bar
    spots = [(r * a - back[0], bar / 2 - back[1]) for r in (0.5, 0.86)]
    spots += [(bar / 2 - back[0], r * b - back[1]) for r in (0.5, 0.86)]
    centres = [(a / 2 - back[0], bar / 2 - back[1], 0), (bar / 2 - back[0], b / 2 - back[1], 0)]
    sizes = [(a / 2, bar / 2, thick_m / 2), (bar / 2, b / 2, thick_m / 2)]
    bars = [
        Part(shape="box", size_m=size, position_m=centre, visible=False, solid=True)
        for size, centre in zip(sizes, centres, strict=True)
    ]
    return (
        Part(shape="mesh", mesh=extrude(outline, thick_m), **finish),
        screw_holes(spots, hole, thick_m, 0, 0.0),
        *bars,
    )


def solid_arm(arm: int, length: float, thick: float, half: float, shift: tuple[float, float]) -> Part:
    """What collides of arm 0 (along x) or 1 (along z), unseen: moved back along it, and out to its depth."""
    size, place = np.full(3, half), np.zeros(3)
    axis, other = (0, 2) if arm == 0 else (2, 0)
    size[axis], size[other] = length / 2, thick / 2
    place[axis], place[other] = length / 2 - shift[0], shift[1]
    return Part(shape="box", size_m=tuple(size), position_m=tuple(place), visible=False, solid=True)
