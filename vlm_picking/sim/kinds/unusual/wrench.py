"""Wrenches: a flat steel bar with an open jaw, a ring or a screw-driven jaw at its ends."""

import numpy as np

from vlm_picking.sim.kinds.model import Part, about, rod
from vlm_picking.sim.kinds.registry import unusual_shapes
from vlm_picking.sim.kinds.wrench import jaw_outline, solid_ends
from vlm_picking.sim.meshes import extrude, revolve

_DARK = (0.07, 0.07, 0.075)


@unusual_shapes("wrench")
def wrench(rng: np.random.Generator) -> tuple[Part, ...]:
    """A wrench of 135 to 275 mm; its open jaw, or its first ring, points along +x.

    Combination, double open, double ring, and adjustable ones, the last at times in a dark grip.
    """
    form = str(rng.choice(["combination", "combination", "open", "open", "rings", "adjustable"]))
    half, thick = rng.uniform(0.055, 0.110), rng.uniform(0.0072, 0.010)
    jaw = rng.uniform(0.013, 0.019) + 0.06 * (half - 0.05)
    bar = rng.uniform(0.32, 0.48) * jaw
    finish = {"texture": "metal", "gloss": float(rng.uniform(0.5, 0.95))}
    if form == "adjustable":
        jaw, thick = rng.uniform(0.019, 0.026), rng.uniform(0.009, 0.012)
        parts, outer = _adjustable(rng, half, thick, jaw, finish), 0.8 * jaw
    else:
        outer = rng.uniform(0.75, 1.0) * jaw
        parts = _bar(rng, half - 0.6 * jaw, bar, thick, finish)
        for x, radius, ring in ((half, jaw, form == "rings"), (-half, outer, form != "open")):
            parts.append(_ring(rng, x, radius, thick, finish) if ring else _open(rng, x, radius, thick, finish))
    parts += solid_ends(half, jaw, outer, thick)
    parts.append(Part(shape="box", size_m=(half, bar, thick / 2), visible=False, solid=True))
    return tuple(parts)


def _open(rng: np.random.Generator, x: float, radius: float, thick: float, finish: dict) -> Part:
    """An open jaw at one end of the bar."""
    outline = jaw_outline(radius, rng.uniform(0.40, 0.54), rng.uniform(0.95, 1.2))
    turn = rng.uniform(-0.3, 0.3) + (0.0 if x > 0 else np.pi)
    mesh = extrude(outline, thick * rng.uniform(0.9, 1.1))
    return Part(shape="mesh", mesh=mesh, position_m=(x, 0, 0), quat=about("z", turn), **finish)


def _ring(rng: np.random.Generator, x: float, radius: float, thick: float, finish: dict) -> Part:
    """A ring at one end of the bar, its hole round or with six sides."""
    outer, inner, tall = 0.88 * radius, rng.uniform(0.54, 0.66) * radius, rng.uniform(0.55, 0.75) * thick
    ring = [(inner, -tall), (0.95 * outer, -tall), (outer, -0.6 * tall), (outer, 0.6 * tall)]
    ring = np.array([*ring, (0.95 * outer, tall), (inner, tall), (inner, -tall)])
    return Part(shape="mesh", mesh=revolve(ring, segments=24), position_m=(x, 0, 0), **finish)


def _bar(rng: np.random.Generator, half: float, wide: float, thick: float, finish: dict) -> list[Part]:
    """The bar between the ends: flat, round, or with a panel sunk into it, dark or with an engraving."""
    form = int(rng.integers(3))
    if form == 0:
        return [rod((-half, 0, 0), (half, 0, 0), 0.5 * thick + 0.001, **finish)]
    parts = [Part(shape="box", size_m=(half, wide, 0.36 * thick), **finish)]
    if form == 1:
        for y in (-0.8 * wide, 0.8 * wide):
            parts.append(Part(shape="box", size_m=(half, 0.2 * wide, 0.5 * thick), position_m=(0, y, 0), **finish))
    panel = (rng.uniform(0.4, 0.75) * half, 0.5 * wide, 0.36 * thick + 2e-4)
    look = rng.random()
    if look < 0.3:
        parts.append(Part(shape="box", size_m=panel, rgb=_DARK, gloss=0.3))
    elif look < 0.5:
        parts.append(Part(shape="box", size_m=panel, rgb=(0.75, 0.75, 0.77), texture="text", gloss=0.6))
    return parts


def _adjustable(rng: np.random.Generator, half: float, thick: float, jaw: float, finish: dict) -> list[Part]:
    """A head with a fixed jaw, a sliding one below it and the worm screw that moves it; a tapered handle."""
    gap, tail = rng.uniform(0.10, 0.65) * jaw, 0.8 * jaw
    body = [
        (-1.3, -0.3),
        (-0.7, -0.8),
        (0.05, -0.95),
        (0.05, 0.25),
        (0.95, 0.25),
        (1.05, 0.6),
        (0.3, 1.05),
        (-0.7, 0.8),
    ]
    fixed = extrude(np.array([*body, (-1.3, 0.4)]) * jaw, thick)
    slide = np.array([(0.0, 0.0), (0.95, 0.0), (1.0, -0.25), (0.35, -0.8), (0.0, -0.8)]) * jaw
    slide = extrude(slide + (0.05 * jaw, 0.25 * jaw - gap), 0.8 * thick)
    tilt = about("z", rng.uniform(-0.3, 0.1))
    place = {"position_m": (half, 0, 0), "quat": tilt}
    near, far, wide = half - 0.9 * jaw, -half, rng.uniform(0.35, 0.45) * jaw
    outline = np.array(
        [(near, -wide), (near, wide), (0.4 * far, 0.75 * wide), (far, 1.1 * wide), (far - 0.5 * tail, 0)]
    )
    outline = np.concatenate([outline, [(far, -1.1 * wide), (0.4 * far, -0.75 * wide)]])
    parts = [
        Part(shape="mesh", mesh=fixed, **place, **finish),
        Part(shape="mesh", mesh=slide, **place, **finish),
        Part(shape="mesh", mesh=extrude(outline, 0.8 * thick), **finish),
        Part(
            shape="cylinder",
            size_m=(0.24 * jaw, 0.3 * jaw),
            position_m=(half - 0.25 * jaw, -0.3 * jaw, 0.25 * thick),
            quat=about("x", np.pi / 2),
            rgb=(0.3, 0.3, 0.31),
            texture="metal",
            gloss=0.8,
        ),
    ]
    if rng.random() < 0.4:
        start, end = (far - 0.3 * tail, 0, 0), (rng.uniform(-0.1, 0.3) * half, 0, 0)
        parts.append(rod(start, end, max(1.1 * wide, 0.55 * thick), rgb=_DARK, gloss=0.15))
    else:
        hole = {"shape": "cylinder", "size_m": (0.5 * wide, 0.4 * thick + 2e-4), "rgb": _DARK}
        parts.append(Part(position_m=(far, 0, 0), **hole))
    return parts
