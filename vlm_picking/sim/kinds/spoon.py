"""Spoons: an oval hollow bowl on a handle that is narrow at the neck; table spoons and kitchen spoons."""

import numpy as np

from vlm_picking.sim.kinds.model import Part, rod
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import TriMesh, loft, revolve

_COLOURS = ("grey", "grey", "grey", "grey", "brown", "brown", "white", "black", "red", "blue", "green", "yellow")


@kind(
    "spoon",
    synonyms=("tablespoon", "teaspoon", "soup spoon"),
    colours=_COLOURS,
    mass_kg=0.08,
    rest="flat",
)
def spoon(rng: np.random.Generator) -> tuple[Part, ...]:
    """A spoon of 150 to 270 mm; its bowl is at +x and opens towards +z."""
    kitchen = rng.random() < 0.35
    long, deep = rng.uniform(0.030, 0.038), rng.uniform(0.010, 0.015)
    wide = long * rng.uniform(0.64, 0.78)
    handle = rng.uniform(0.15, 0.19) if kitchen else rng.uniform(0.095, 0.135)
    finish = {"texture": str(rng.choice(["wood", "plain"])) if kitchen else "metal", "gloss": 0.15 if kitchen else 0.95}
    middle = handle / 2
    neck, end = middle - 0.93 * long, -(handle / 2 + long)
    thick = 0.0055 if kitchen else 0.003
    parts = [
        Part(shape="mesh", mesh=bowl_mesh(long, wide, deep), position_m=(middle, 0, 0), **finish),
        Part(shape="mesh", mesh=_handle(rng, neck, end, thick, kitchen=kitchen), **finish),
        rod((neck, 0, 0.0), (end + 0.005, 0, 0.001), max(thick, 0.004), visible=False, solid=True),
    ]
    return (*parts, *solid_bowl(middle, long, wide, deep))


def bowl_mesh(long_m: float, wide_m: float, deep_m: float) -> TriMesh:
    """The bowl, its rim at z = 0."""
    angle = np.linspace(0, np.pi / 2, 6)
    outside = np.column_stack([np.sin(angle), -deep_m * np.cos(angle)])
    inside = np.column_stack([0.91 * np.sin(angle[::-1]), -(deep_m - 0.002) * np.cos(angle[::-1]) + 3e-4])
    return revolve(np.concatenate([outside, inside]), segments=26, scale_xy=(long_m, wide_m))


def _handle(rng: np.random.Generator, neck_m: float, end_m: float, thick_m: float, *, kitchen: bool) -> TriMesh:
    along = np.array([0, 0.08, 0.25, 0.5, 0.75, 0.9, 0.98, 1.0])
    tail = rng.uniform(0.0085, 0.0115)
    width = np.interp(along, [0, 0.1, 0.3, 0.9], [0.0085, 0.0048, 0.0048, tail])
    if kitchen:
        width = np.interp(along, [0, 0.1, 1.0], [0.0095, 0.006, rng.uniform(0.0065, 0.0085)])
    width = width * np.array([1, 1, 1, 1, 1, 1, 0.72, 0.3])
    arch = rng.uniform(0.0, 0.010) * np.sin(np.pi * along) + rng.uniform(0.0, 0.006) * along
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    rings = [
        np.column_stack([np.full(12, neck_m + a * (end_m - neck_m)), w * np.cos(turn), h + thick_m * np.sin(turn)])
        for a, w, h in zip(along, width, arch, strict=True)
    ]
    return loft(np.array(rings))


def solid_bowl(middle: float, long: float, wide: float, deep: float) -> list[Part]:
    """What collides of the bowl, unseen: its floor and its rim."""
    floor = (0.62 * long, 0.62 * wide, 0.002)
    turn = np.linspace(0, 2 * np.pi, 9)[:-1]
    knots = [(float(middle + 0.9 * long * np.cos(a)), float(0.9 * wide * np.sin(a)), -0.003) for a in turn]
    return [
        Part(shape="box", size_m=floor, position_m=(middle, 0, 0.003 - deep), visible=False, solid=True),
        *(rod(knots[k - 1], knots[k], 0.003, visible=False, solid=True) for k in range(8)),
    ]
