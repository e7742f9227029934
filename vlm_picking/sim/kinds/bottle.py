"""Bottles: body, shoulder, neck, cap and label."""

import numpy as np

from vlm_picking.sim.colours import PAINTS
from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import held_out_variant, kind
from vlm_picking.sim.meshes import loft, revolve

_COLOURS = ("green", "blue", "white", "brown", "red", "yellow", "cyan", "pink", "purple", "orange", "black")


@kind("bottle", synonyms=("flask",), colours=_COLOURS, mass_kg=0.35, rest="stand_or_lie")
def bottle(rng: np.random.Generator) -> tuple[Part, ...]:
    """A bottle of 48 to 68 mm across and 150 to 220 mm high."""
    radius, half = rng.uniform(0.024, 0.034), rng.uniform(0.075, 0.110)
    neck = radius * rng.uniform(0.36, 0.5)
    shoulder, throat = half * rng.uniform(0.15, 0.4), half * 0.72
    ease = np.linspace(0, np.pi, 9)
    slope = [
        (neck + (radius - neck) * (0.5 + 0.5 * np.cos(a)), shoulder + (throat - shoulder) * a / np.pi) for a in ease
    ]
    profile = [
        (0, -half),
        (0.9 * radius, -half),
        (radius, 0.006 - half),
        *slope,
        (neck, 0.9 * half),
        (0, 0.9 * half),
    ]
    cap = _cap(rng, neck, half)
    parts = [Part(shape="mesh", mesh=revolve(np.array(profile), segments=26), gloss=0.9), cap]
    if rng.random() < 0.75:
        middle = 0.5 * (shoulder - half)
        parts.append(
            Part(
                shape="cylinder",
                size_m=(radius + 4e-4, 0.6 * (shoulder - middle)),
                position_m=(0, 0, middle),
                rgb=(0.92, 0.92, 0.88),
                texture="text",
            )
        )
    body = Part(
        shape="cylinder",
        size_m=(radius, (half + shoulder) / 2),
        position_m=(0, 0, (shoulder - half) / 2),
        visible=False,
        solid=True,
    )
    return (*parts, body, _top(neck, shoulder, half))


@held_out_variant("bottle", "square")
def square(rng: np.random.Generator) -> tuple[Part, ...]:
    """A flat bottle of rounded rectangular section with a wide neck."""
    wide, half = rng.uniform(0.030, 0.038), rng.uniform(0.075, 0.100)
    deep, neck = wide * rng.uniform(0.5, 0.75), 0.42 * wide
    shoulder = half * rng.uniform(0.45, 0.58)
    turn = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    circle = np.column_stack([np.cos(turn), np.sin(turn)])
    corner = np.sign(circle) * np.abs(circle) ** 0.35 * (wide, deep)
    levels = [(corner * 0.94, -half), (corner, 0.006 - half), (corner, shoulder)]
    levels += [(0.5 * corner + 0.5 * neck * circle, 0.7 * half), (neck * circle, 0.78 * half), (neck * circle, half)]
    rings = np.array([np.column_stack([ring, np.full(len(ring), z)]) for ring, z in levels])
    parts = [Part(shape="mesh", mesh=loft(rings), gloss=0.9), _cap(rng, neck, half)]
    for side in (-1, 1):
        size = (0.72 * wide, 4e-4, 0.3 * (shoulder + half))
        place = (0, side * deep, 0.5 * (shoulder - half))
        parts.append(Part(shape="box", size_m=size, position_m=place, rgb=(0.92, 0.92, 0.88), texture="text"))
    body = Part(
        shape="box",
        size_m=(wide, deep, (half + shoulder) / 2),
        position_m=(0, 0, (shoulder - half) / 2),
        visible=False,
        solid=True,
    )
    return (*parts, body, _top(neck, shoulder, half))


def _cap(rng: np.random.Generator, neck_m: float, half_m: float) -> Part:
    return Part(
        shape="cylinder",
        size_m=(1.2 * neck_m, 0.1 * half_m),
        position_m=(0, 0, 0.9 * half_m),
        rgb=PAINTS[str(rng.choice(["white", "black", "red", "blue", "grey", "yellow"]))],
        texture="stripes",
    )


def _top(neck_m: float, shoulder_m: float, half_m: float) -> Part:
    return Part(
        shape="cylinder",
        size_m=(1.2 * neck_m, (half_m - shoulder_m) / 2),
        position_m=(0, 0, (half_m + shoulder_m) / 2),
        visible=False,
        solid=True,
    )
