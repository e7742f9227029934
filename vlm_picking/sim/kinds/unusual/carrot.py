"""Carrots: a bent orange cone with rings and a green top."""

import numpy as np

from vlm_picking.sim.kinds._compound import joined
from vlm_picking.sim.kinds.carrot import leaf_mesh, rings_along, spine_along
from vlm_picking.sim.kinds.model import Part, rod
from vlm_picking.sim.kinds.registry import unusual_shapes
from vlm_picking.sim.meshes import TriMesh, loft


@unusual_shapes("carrot")
def carrot(rng: np.random.Generator) -> tuple[Part, ...]:
    """A carrot of 85 to 200 mm and 24 to 50 mm, its tip at +x, with up to 90 mm of green, or with none.

    Slender and pointed, blunt and nearly a cylinder, or short and stout; straight or bent.
    """
    form = str(rng.choice(["usual", "usual", "slender", "blunt", "stout"]))
    long, radius, taper, tip = {
        "usual": (rng.uniform(0.110, 0.180), rng.uniform(0.014, 0.022), rng.uniform(0.32, 0.52), 0.0),
        "slender": (rng.uniform(0.140, 0.200), rng.uniform(0.012, 0.016), rng.uniform(0.45, 0.65), 0.0),
        "blunt": (rng.uniform(0.100, 0.170), rng.uniform(0.014, 0.020), rng.uniform(0.10, 0.28), 0.1),
        "stout": (rng.uniform(0.085, 0.120), rng.uniform(0.019, 0.025), rng.uniform(0.30, 0.55), 0.0),
    }[form]
    cut = rng.random() < 0.15
    leafy = rng.random() < 0.65
    green = 0.004 if cut else rng.uniform(0.045, 0.090) if leafy else rng.uniform(0.012, 0.024)
    start, bend = (green - long) / 2, rng.normal(0, 0.06)
    side = (radius, taper, tip)
    root = _root(rng, long, side, start, bend)
    creases = [_crease(rng, long, side, start, bend) for _ in range(int(rng.integers(2, 9)))]
    leaf = (rng.uniform(0.06, 0.14), rng.uniform(0.36, 0.52), rng.uniform(0.05, 0.1))
    parts = [
        Part(shape="mesh", mesh=root, texture="skin", gloss=0.25, solid=True),
        Part(shape="mesh", mesh=joined(creases), rgb=(0.50, 0.20, 0.03), gloss=0.0),
    ]
    if cut:
        stub = rod((start - 0.003, 0, 0), (start + 0.004, 0, 0), 0.42 * radius, shape="cylinder", rgb=leaf, gloss=0.1)
        return (*parts, stub)
    parts += [
        Part(shape="mesh", mesh=leaf_mesh(rng, start, radius, green), rgb=leaf, texture="skin", gloss=0.1),
        rod((start, 0, 0), (start - 0.8 * green, 0, 0), 0.004, visible=False, solid=True),
    ]
    return tuple(parts)


def _girth(along: np.ndarray, side: tuple[float, float, float]) -> np.ndarray:
    """The radius [m] at `along` (0 at the shoulder, 1 at the tip).

    `side` is the largest radius [m], what is lost along the root, and how blunt the tip is (0 to 0.1).
    """
    radius_m, taper, tip = side
    along = np.asarray(along, dtype=np.float64)
    shoulder = np.sqrt(np.clip(along / 0.05, 0.12, 1.0))
    return radius_m * shoulder * np.maximum(1.0 - taper * along - (0.92 - taper) * along ** (4 + 100 * tip), 0.03)


def _root(rng, long_m: float, side: tuple, start_m: float, bend: float) -> TriMesh:
    along = np.array([0.0, 0.02, 0.05, 0.14, 0.26, 0.4, 0.54, 0.68, 0.8, 0.9, 0.96, 1.0])
    girth = _girth(along, side) * np.concatenate([[1, 1], rng.uniform(0.96, 1.04, 8), [1, 1]])
    return loft(rings_along(along, girth, spine_along(along, long_m, start_m, bend)))


def _crease(rng, long_m: float, side: tuple, start_m: float, bend: float) -> TriMesh:
    """A dark line part of the way around."""
    at, half = rng.uniform(0.1, 0.85), 0.0011 / long_m
    along = np.array([at - half, at + half])
    rings = rings_along(along, 1.035 * _girth(along, side), spine_along(along, long_m, start_m, bend))
    first, count = int(rng.integers(14)), int(rng.integers(5, 10))
    arc = rings[:, (first + np.arange(count)) % 14]
    inside = 0.85 * arc[:, ::-1] + 0.15 * spine_along(along, long_m, start_m, bend)[:, None]
    return loft(np.concatenate([arc, inside], axis=1))
