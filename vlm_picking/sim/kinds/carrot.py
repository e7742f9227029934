"""Carrots: a bent orange cone with rings and a green top."""

import numpy as np

from vlm_picking.sim.kinds._compound import joined
from vlm_picking.sim.kinds.model import Part, rod
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import TriMesh, loft


@kind(
    "carrot",
    colours=("orange", "orange", "orange", "orange", "orange", "orange", "purple", "yellow"),
    mass_kg=0.1,
    rest="flat",
)
def carrot(rng: np.random.Generator) -> tuple[Part, ...]:
    """A carrot of 110 to 180 mm and 28 to 44 mm, its tip at +x, with up to 90 mm of green."""
    long, radius = rng.uniform(0.110, 0.180), rng.uniform(0.014, 0.022)
    green = rng.uniform(0.045, 0.090) if rng.random() < 0.75 else rng.uniform(0.012, 0.024)
    start, bend = (green - long) / 2, rng.normal(0, 0.05)
    root = _root(rng, long, radius, start, bend)
    creases = [_crease(rng, long, radius, start, bend) for _ in range(int(rng.integers(3, 7)))]
    leaf = (rng.uniform(0.06, 0.14), rng.uniform(0.36, 0.52), rng.uniform(0.05, 0.1))
    parts = [
        Part(shape="mesh", mesh=root, texture="skin", gloss=0.25, solid=True),
        Part(shape="mesh", mesh=joined(creases), rgb=(0.50, 0.20, 0.03), gloss=0.0),
        Part(shape="mesh", mesh=leaf_mesh(rng, start, radius, green), rgb=leaf, texture="skin", gloss=0.1),
        rod((start, 0, 0), (start - 0.8 * green, 0, 0), 0.004, visible=False, solid=True),
    ]
    return tuple(parts)


def _girth(along: np.ndarray, radius_m: float) -> np.ndarray:
    """The radius at `along` (0 at the shoulder, 1 at the tip)."""
    along = np.asarray(along, dtype=np.float64)
    shoulder = np.sqrt(np.clip(along / 0.05, 0.12, 1.0))
    return radius_m * shoulder * np.maximum(1.0 - 0.42 * along - 0.5 * along**4, 0.03)


def spine_along(along: np.ndarray, long_m: float, start_m: float, bend: float) -> np.ndarray:
    """The middle line (N, 3) at `along`, from the shoulder at `start_m`; it bows along y by a share of the length."""
    along = np.asarray(along, dtype=np.float64)
    return np.stack([start_m + long_m * along, bend * long_m * (along - along**2) * 4, 0 * along], axis=-1)


def _root(rng, long_m: float, radius_m: float, start_m: float, bend: float) -> TriMesh:
    along = np.array([0.0, 0.02, 0.05, 0.14, 0.26, 0.4, 0.54, 0.68, 0.8, 0.9, 0.96, 1.0])
    girth = _girth(along, radius_m) * np.concatenate([[1, 1], rng.uniform(0.96, 1.04, 8), [1, 1]])
    return loft(rings_along(along, girth, spine_along(along, long_m, start_m, bend)))


def rings_along(along: np.ndarray, girth_m: np.ndarray, spine_m: np.ndarray) -> np.ndarray:
    """Circles (N, 14, 3) across the spine."""
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    circle = np.stack([0 * turn, np.cos(turn), np.sin(turn)], -1)
    return spine_m[:, None] + girth_m[:, None, None] * circle


def _crease(rng, long_m: float, radius_m: float, start_m: float, bend: float) -> TriMesh:
    """A dark line part of the way around."""
    at, half = rng.uniform(0.1, 0.85), 0.0011 / long_m
    along = np.array([at - half, at + half])
    rings = rings_along(along, 1.035 * _girth(along, radius_m), spine_along(along, long_m, start_m, bend))
    first, count = int(rng.integers(14)), int(rng.integers(5, 10))
    arc = rings[:, (first + np.arange(count)) % 14]
    inside = 0.85 * arc[:, ::-1] + 0.15 * spine_along(along, long_m, start_m, bend)[:, None]
    return loft(np.concatenate([arc, inside], axis=1))


def leaf_mesh(rng, start_m: float, radius_m: float, green_m: float) -> TriMesh:
    """Stalks that fan out from the shoulder, with flat leaflets when they are long."""
    meshes = []
    for fan in np.linspace(-0.55, 0.55, int(rng.integers(5, 8))):
        tilt, reach = rng.uniform(-0.25, 0.25), green_m * rng.uniform(0.75, 1.0)
        way = np.array([-np.cos(fan), np.sin(fan), np.sin(tilt)])
        foot = np.array([start_m + 0.002, 0.25 * radius_m * np.sign(fan), 0.0])
        meshes.append(_blade(foot, foot + reach * way, 0.0018))
        if green_m > 0.03:
            for step in (0.6, 0.95):
                for side in (-1, 1):
                    leaf = fan + side * 0.7
                    base = foot + step * reach * way * 0.9
                    tip = base + 0.22 * green_m * np.array([-np.cos(leaf), np.sin(leaf), 0.3 * side * np.sin(tilt)])
                    meshes.append(_blade(base, tip, 0.0042))
    return joined(meshes)


def _blade(foot_m: np.ndarray, tip_m: np.ndarray, half_m: float) -> TriMesh:
    """A flat stalk or leaflet: widest in its middle."""
    way = (tip_m - foot_m) / np.linalg.norm(tip_m - foot_m)
    side = np.cross(way, (0.0, 0.0, 1.0))
    cross = np.stack([side, 0.45 * np.cross(side, way), -side, -0.45 * np.cross(side, way)]) * half_m
    spine = [(0.0, 0.6), (0.5, 1.0), (1.0, 0.3)]
    return loft(np.array([foot_m + a * (tip_m - foot_m) + width * cross for a, width in spine]))
