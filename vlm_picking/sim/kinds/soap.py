"""Soap: a smooth, rounded bar with a pressed mark, sometimes with foam on it."""

import numpy as np

from vlm_picking.sim.kinds._compound import joined
from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import TriMesh, extrude, loft, revolve

_COLOURS = ("white", "white", "pink", "yellow", "green", "cyan", "purple", "orange", "blue")
_FOAM = (0.95, 0.96, 0.98)


@kind("soap", synonyms=("soap bar", "bar of soap", "hand soap"), colours=_COLOURS, mass_kg=0.12, rest="flat")
def soap(rng: np.random.Generator) -> tuple[Part, ...]:
    """A bar of 70 to 100 mm by 46 to 64 mm, 22 to 36 mm thick."""
    x, y, z = rng.uniform(0.035, 0.050), rng.uniform(0.023, 0.032), rng.uniform(0.011, 0.018)
    corner = rng.uniform(0.45, 1.0)
    height = np.array([-1, -0.93, -0.55, 0, 0.55, 0.93, 1]) * z
    reach = np.array([0.70, 0.87, 0.98, 1, 0.98, 0.87, 0.70])
    parts = [
        Part(shape="mesh", mesh=_pillow(x, y, corner, height, reach), gloss=0.8, solid=True),
    ]
    rim = rng.uniform(0.52, 0.62)
    for side in (-1, 1):
        ridge = _ring(rim * x, rim * y, corner, side * z)
        parts.append(Part(shape="mesh", mesh=ridge, gloss=0.8))
        parts.append(_letters(int(rng.integers(3, 6)), 0.48 * x, 0.24 * y, side * z))
    if rng.random() < 0.6:
        parts.append(_foam(rng, x, y, z))
    return tuple(parts)


def _oval(x_m: float, y_m: float, corner: float) -> np.ndarray:
    """A closed outline (28, 2) between an ellipse (`corner` 1) and a rectangle (0)."""
    turn = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    c, s = np.cos(turn), np.sin(turn)
    return np.column_stack([x_m * np.sign(c) * np.abs(c) ** corner, y_m * np.sign(s) * np.abs(s) ** corner])


def _pillow(x_m: float, y_m: float, corner: float, height_m: np.ndarray, reach: np.ndarray) -> TriMesh:
    oval = _oval(x_m, y_m, corner)
    rings = [np.column_stack([r * oval, np.full(len(oval), h)]) for h, r in zip(height_m, reach, strict=True)]
    return loft(np.array(rings))


def _ring(x_m: float, y_m: float, corner: float, height_m: float) -> TriMesh:
    section = ((0.0, -0.001), (0.001, 0.0016), (0.0035, 0.0016), (0.0045, -0.001))
    rings = []
    for grow, up in section:
        oval = _oval(x_m + grow, y_m + grow, corner)
        rings.append(np.column_stack([oval, np.full(len(oval), height_m + up)]))
    return loft(np.array(rings), capped=False)


def _foam(rng: np.random.Generator, x: float, y: float, z: float) -> Part:
    """A cluster of bubbles on one face, near its edge."""
    around, side = rng.uniform(0, 2 * np.pi), rng.choice([-1.0, 1.0])
    rise = np.linspace(0, np.pi, 5)
    bubbles = []
    for _ in range(int(rng.integers(5, 9))):
        angle, out = around + rng.normal(0, 0.55), rng.uniform(0.45, 0.85)
        place = (out * x * np.cos(angle), out * y * np.sin(angle), side * 0.92 * z)
        bubble = rng.uniform(0.004, 0.009) * np.column_stack([np.sin(rise), -np.cos(rise)])
        bubbles.append(_moved(revolve(bubble, segments=7), place))
    return Part(shape="mesh", mesh=joined(bubbles), rgb=_FOAM, gloss=0.9)


def _letters(count: int, long_m: float, tall_m: float, height_m: float) -> Part:
    """Raised strokes that stand for the name pressed into the bar."""
    step = 2 * long_m / count
    outline = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * [0.28 * step, tall_m]
    stroke = extrude(outline, 0.0022)
    strokes = [_moved(stroke, ((k + 0.5) * step - long_m, 0.0, height_m)) for k in range(count)]
    return Part(shape="mesh", mesh=joined(strokes), gloss=0.8)


def _moved(mesh: TriMesh, by_m: tuple[float, float, float]) -> TriMesh:
    return mesh.moved(mesh.vertices + np.array(by_m))
