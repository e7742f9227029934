"""Bottles: body, shoulder, neck, cap and label."""

import numpy as np

from vlm_picking.sim.colours import PAINTS
from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import revolve

_COLOURS = ("green", "blue", "white", "brown", "red", "yellow", "cyan", "pink", "purple", "orange", "black")


@kind("bottle", synonyms=("flask",), colours=_COLOURS, mass_kg=0.35, rest="stand_or_lie")
def bottle(rng: np.random.Generator) -> tuple[Part, ...]:
    """A bottle of 48 to 68 mm across and 150 to 220 mm high."""
    radius, half = rng.uniform(0.024, 0.034), rng.uniform(0.075, 0.110)
    neck = radius * rng.uniform(0.36, 0.5)
    shoulder, throat = half * rng.uniform(0.15, 0.4), half * 0.72
    ease = np.linspace(0, np.pi, 9)
    slope = [
        (neck + (radius - neck) * (0.5 + 0.5 * np.cos(a)), shoulder + (throat - shoulder) * a / np.pi)
        for a in ease
    ]
    profile = [
        (0, -half),
        (0.9 * radius, -half),
        (radius, 0.006 - half),
        *slope,
        (neck, 0.9 * half),
        (0, 0.9 * half),
    ]
    cap = PAINTS[str(rng.choice(["white", "black", "red", "blue", "grey", "yellow"]))]
    parts = [
        Part(shape="mesh", mesh=revolve(np.array(profile), segments=26), gloss=0.9),
        Part(
            shape="cylinder",
            size_m=(1.2 * neck, 0.1 * half),
            position_m=(0, 0, 0.9 * half),
            rgb=cap,
            texture="stripes",
        ),
    ]
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
    top = Part(
        shape="cylinder",
        size_m=(1.2 * neck, (half - shoulder) / 2),
        position_m=(0, 0, (half + shoulder) / 2),
        visible=False,
        solid=True,
    )
    return (*parts, body, top)
