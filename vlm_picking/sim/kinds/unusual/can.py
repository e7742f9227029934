"""Cans of drink, food and paint: a cylinder with bright rims, a lid, and a print, beads or nothing on its side."""

import numpy as np

from vlm_picking.sim.colours import PAINTS, paint
from vlm_picking.sim.kinds.can import STEEL
from vlm_picking.sim.kinds.model import Part, rod
from vlm_picking.sim.kinds.registry import unusual_shapes
from vlm_picking.sim.meshes import revolve


@unusual_shapes("can")
def can(rng: np.random.Generator) -> tuple[Part, ...]:
    """A can of 50 to 86 mm across and 66 to 170 mm high, never lower than 0.85 of its width.

    A drink can, from slim to half a litre, with a drawn-in neck and a tab; a food can, smooth or with beads, with a
    ring, a bare lid or a plastic cover, wrapped in a label, banded or unprinted; a tin whose lid is pressed in.
    """
    form = str(rng.choice(["drink", "food", "tin"], p=(0.45, 0.38, 0.17)))
    if form == "drink":
        radius = rng.uniform(0.025, 0.036)
        half, neck = radius * rng.uniform(1.45, 2.35), rng.uniform(0.78, 0.90) * radius
    else:
        radius = rng.uniform(0.030, 0.043)
        half = np.clip(radius * rng.uniform(0.85, 1.7), 0.033, 0.066)
        neck = rng.uniform(0.95, 0.99) * radius
    shell = [(0, -half), (neck, -half), (radius, 0.008 - half)]
    if form == "food" and rng.random() < 0.5:
        count = 2 * int(rng.integers(4, 10)) + 1
        beads = np.linspace(-0.6, 0.6, count) * half
        shell += [(radius * (1 - 0.03 * (k % 2)), z) for k, z in enumerate(beads)]
    drop = 0.014 if form == "drink" else 0.005
    shell += [(radius, half - drop), (neck, half - 0.002), (0, half - 0.002)]
    is_metal = rng.random() < 0.25
    finish = {"texture": "metal" if is_metal else "plain", "gloss": 0.8 if rng.random() < 0.7 else 0.3}
    parts = [Part(shape="mesh", mesh=revolve(np.array(shell), segments=28), **finish)]
    metal = {"texture": "metal", "gloss": 0.9}
    shine = STEEL if rng.random() < 0.8 else (0.72, 0.56, 0.26)
    for end in (-1, 1):
        parts += _end(neck, half, end, rgb=shine, **metal)
    parts += _print(rng, radius, half - max(drop, 0.009))
    top = rng.random()
    if form == "tin":
        cover = {"rgb": None if top < 0.5 else shine, "texture": "plain" if top < 0.5 else "metal", "gloss": 0.7}
        parts.append(rod((0, 0, half - 0.002), (0, 0, half + 0.0025), 0.78 * neck, shape="cylinder", **cover))
        parts.append(rod((0, 0, half), (0, 0, half + 0.003), 0.62 * neck, shape="cylinder", **cover))
    elif form == "food" and top < 0.2:
        lid = tuple(rng.uniform(0.6, 0.95, 3)) if top < 0.1 else (0.93, 0.93, 0.91)
        parts.append(rod((0, 0, half - 0.006), (0, 0, half + 0.002), radius + 0.0012, shape="cylinder", rgb=lid))
    elif form == "drink" or top < 0.6:
        parts += _tab(rng, neck, half)
    return (*parts, Part(shape="cylinder", size_m=(radius, half), visible=False, solid=True))


def _end(neck: float, half: float, end: int, **look) -> list[Part]:
    """The rim and the sunk lid at one end, -1 the foot or 1 the top."""
    rim = np.array([(0.9 * neck, 0), (0.9 * neck, 0.0045), (neck + 0.001, 0.0045), (neck + 0.001, 0), (0.9 * neck, 0)])
    height = half - 0.004 if end > 0 else -half - 0.0005
    place = (0, 0, end * (half - 0.001))
    return [
        Part(shape="mesh", mesh=revolve(rim, segments=28), position_m=(0, 0, height), **look),
        Part(shape="cylinder", size_m=(0.92 * neck, 0.001), position_m=place, **look),
    ]


def _print(rng: np.random.Generator, radius: float, reach: float) -> list[Part]:
    """What is printed or glued around a can within `reach` of its middle: nothing, a wrapper, bands, or a picture."""
    style, pale = rng.random(), (0.92, 0.92, 0.9)
    accent = paint(str(rng.choice(list(PAINTS))), rng)
    if style < 0.32:
        spans = []
    elif style < 0.62:
        low = rng.uniform(-0.95, 0.4) * reach
        high = min(low + rng.uniform(0.4, 1.3) * reach, 0.97 * reach)
        spans = [(low, high, pale if rng.random() < 0.6 else accent, "text")]
    elif style < 0.85:
        middle, wide = rng.uniform(-0.5, 0.5) * reach, rng.uniform(0.06, 0.2) * reach
        spans = [(middle - wide, middle + wide, accent, "plain")]
        if rng.random() < 0.5:
            spans.append((-0.95 * reach, -0.7 * reach, pale if rng.random() < 0.5 else accent, "plain"))
    else:
        spans = [(-0.7 * reach, 0.7 * reach, None, "text")]
    skin = radius + 4e-4
    return [
        rod((0, 0, low), (0, 0, high), skin, shape="cylinder", rgb=rgb, texture=texture, gloss=0.6)
        for low, high, rgb, texture in spans
    ]


def _tab(rng: np.random.Generator, neck: float, half: float) -> list[Part]:
    """A pull tab: a plate and its ring, and the score of the mouth."""
    shade = (0.5, 0.5, 0.52) if rng.random() < 0.8 else tuple(rng.uniform(0.1, 0.8, 3))
    long, wide = rng.uniform(0.008, 0.012), rng.uniform(0.005, 0.008)
    ring = np.array([(0.55 * wide, -8e-4), (wide, -8e-4), (wide, 8e-4), (0.55 * wide, 8e-4), (0.55 * wide, -8e-4)])
    shift = rng.uniform(0.15, 0.35) * neck
    look = {"rgb": shade, "gloss": 0.9}
    return [
        Part(shape="box", size_m=(long / 2, 0.7 * wide, 8e-4), position_m=(shift - long, 0, half + 0.001), **look),
        Part(shape="mesh", mesh=revolve(ring, segments=16), position_m=(shift, 0, half + 0.001), **look),
    ]
