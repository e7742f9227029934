"""Bottles: body, shoulder, neck, cap and label."""

import numpy as np

from vlm_picking.sim.colours import PAINTS, paint
from vlm_picking.sim.kinds.model import Part, rod
from vlm_picking.sim.kinds.registry import unusual_shapes
from vlm_picking.sim.meshes import revolve

# Radius and half height [m]; neck over radius; where the shoulder starts and ends, as shares of the half height.
_FORMS = {
    "drink": ((0.024, 0.036), (0.070, 0.118), (0.33, 0.55), (0.10, 0.45), (0.65, 0.80)),
    "long neck": ((0.026, 0.036), (0.090, 0.128), (0.30, 0.42), (-0.10, 0.20), (0.30, 0.50)),
    "jar": ((0.020, 0.032), (0.034, 0.058), (0.62, 0.80), (0.40, 0.55), (0.62, 0.72)),
    "wash": ((0.025, 0.036), (0.070, 0.105), (0.38, 0.75), (0.50, 0.64), (0.70, 0.78)),
}


@unusual_shapes("bottle")
def bottle(rng: np.random.Generator) -> tuple[Part, ...]:
    """A bottle of 40 to 72 mm across and 68 to 256 mm high, of round or (some wash bottles) elliptic section.

    A drink bottle, some with a waist or ribs; a wine or beer bottle with a long neck; a low pill or sauce bottle
    with a wide cap; a wash bottle with a cap nearly as wide as its body, or a pump. Four in ten have no label.
    """
    form = str(rng.choice(list(_FORMS), p=(0.38, 0.22, 0.16, 0.24)))
    radius, half, neck, shoulder, throat = (rng.uniform(*span) for span in _FORMS[form])
    neck, shoulder, throat = neck * radius, shoulder * half, throat * half
    is_oval = form == "wash" and rng.random() < 0.5
    scale = (1.0, rng.uniform(0.72, 0.88) if is_oval else 1.0)
    ease = np.linspace(0, np.pi, 9)
    blend = (0.5 + 0.5 * np.cos(ease)) ** rng.uniform(0.7, 1.5)
    slope = np.column_stack([neck + (radius - neck) * blend, shoulder + (throat - shoulder) * ease / np.pi])
    heel = (0.9 * radius, -half), (radius, 0.006 - half)
    side = _side(rng, radius, 0.008 - half, shoulder - 0.002) if form == "drink" else np.empty((0, 2))
    tip = 0.97 * half
    profile = np.array([(0, -half), *heel, *side, *slope, (neck, tip), (0, tip)])
    gloss = 0.9 if rng.random() < 0.7 else 0.25
    parts = [Part(shape="mesh", mesh=revolve(profile, segments=26, scale_xy=scale), gloss=gloss)]
    if rng.random() < 0.6:
        parts += _labels(rng, radius, (0.012 - half, shoulder), scale)
    wide_cap = form == "jar" or (form == "wash" and rng.random() < 0.6)
    if form == "wash" and rng.random() < 0.35:
        parts += _pump(rng, neck, throat, half)
        cap_radius = 1.25 * neck
    else:
        cap_radius = min(rng.uniform(1.15, 1.35) * neck, 0.98 * radius * scale[1]) if wide_cap else 1.2 * neck
        parts.append(_cover(rng, cap_radius, throat if wide_cap else rng.uniform(0.76, 0.90) * half, half))
    return (*parts, *_bodies(radius, shoulder, throat, half, scale=scale, neck_m=cap_radius))


def _side(rng: np.random.Generator, radius: float, low: float, high: float) -> np.ndarray:
    """Points of a wall between two heights: straight, drawn in at a waist, or ribbed."""
    style = rng.random()
    if style < 0.5:
        return np.empty((0, 2))
    z = np.linspace(low, high, 11 if style < 0.75 else 25)
    share = (z - low) / (high - low)
    depth = rng.uniform(0.08, 0.20) * np.sin(np.pi * share) ** 4 if style < 0.75 else 0.05 * (np.arange(25) % 2)
    return np.column_stack([radius * (1 - depth), z])


def _labels(rng: np.random.Generator, radius: float, span: tuple[float, float], scale: tuple) -> list[Part]:
    """A label around the body between two heights, of paper or in a colour, printed or not, some edged."""
    low, high = span
    reach = rng.uniform(0.3, 0.95) * (high - low) / 2
    middle = rng.uniform(low + reach, high - reach)
    colours = str(rng.choice(["white", "white", "yellow", "red", "blue", "green", "black", "orange"]))
    rgb = (0.92, 0.92, 0.88) if rng.random() < 0.55 else paint(colours, rng)
    bands = [(middle - reach, middle + reach, rgb, "text" if rng.random() < 0.8 else "plain")]
    if rng.random() < 0.35:
        edge = paint(str(rng.choice(list(PAINTS))), rng)
        bands.append((middle + 0.7 * reach, middle + reach, edge, "plain"))
    parts = []
    for layer, (bottom, top, shade, texture) in enumerate(bands, 1):
        skin = radius + 4e-4 * layer
        ring = np.array([(0, bottom), (skin, bottom), (skin, top), (0, top)])
        mesh = revolve(ring, segments=26, scale_xy=scale)
        parts.append(Part(shape="mesh", mesh=mesh, rgb=shade, texture=texture, gloss=0.4))
    return parts


def _cover(rng: np.random.Generator, radius: float, low: float, high: float) -> Part:
    """A cap between two heights; some taper, some wear the paint of the body."""
    taper = rng.uniform(0.75, 1.0)
    profile = np.array([(0, low), (radius, low), (taper * radius, high), (0, high)])
    rgb = PAINTS[str(rng.choice(["white", "white", "black", "red", "blue", "grey", "yellow", "green"]))]
    return Part(
        shape="mesh",
        mesh=revolve(profile, segments=22),
        rgb=None if rng.random() < 0.15 else rgb,
        texture="stripes" if rng.random() < 0.5 else "plain",
    )


def _pump(rng: np.random.Generator, neck: float, throat: float, half: float) -> list[Part]:
    """A collar, a stem and a spout towards +x."""
    look = {"rgb": (0.92, 0.92, 0.9) if rng.random() < 0.6 else (0.07, 0.07, 0.08), "gloss": 0.5}
    collar, reach = 0.35 * throat + 0.65 * 0.85 * half, rng.uniform(0.024, 0.034)
    return [
        rod((0, 0, throat), (0, 0, collar), 1.25 * neck, shape="cylinder", **look),
        rod((0, 0, collar), (0, 0, half), 0.0045, shape="cylinder", **look),
        rod((-0.008, 0, half - 0.005), (reach, 0, half - 0.007), 0.005, solid=True, **look),
    ]


def _bodies(radius: float, shoulder: float, throat: float, half: float, *, scale: tuple, neck_m: float) -> list[Part]:
    """What collides, unseen: the body, the shoulder as a cone, the neck with its cap."""
    unseen = {"visible": False, "solid": True}
    cone = np.array([(0, shoulder), (0.98 * radius, shoulder), (neck_m, throat), (0, throat)])
    tall, middle = (half + shoulder) / 2, (shoulder - half) / 2
    if scale[1] == 1.0:
        body = Part(shape="cylinder", size_m=(radius, tall), position_m=(0, 0, middle), **unseen)
    else:
        drum = np.array([(0, -half), (radius, -half), (radius, shoulder), (0, shoulder)])
        body = Part(shape="mesh", mesh=revolve(drum, segments=20, scale_xy=scale), **unseen)
    return [
        body,
        Part(shape="mesh", mesh=revolve(cone, segments=14, scale_xy=scale), **unseen),
        Part(shape="cylinder", size_m=(neck_m, (half - throat) / 2), position_m=(0, 0, (half + throat) / 2), **unseen),
    ]
