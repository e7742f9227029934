"""Cans: a painted cylinder with bright rims, a lid and mostly a label."""

import numpy as np

from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import held_out_variant, kind
from vlm_picking.sim.meshes import revolve

STEEL = (0.72, 0.72, 0.74)
_COLOURS = ("red", "blue", "green", "yellow", "orange", "white", "black", "purple", "grey", "cyan", "pink")


@kind(
    "can",
    synonyms=("tin", "tin can", "soda can", "drink can"),
    colours=_COLOURS,
    mass_kg=0.35,
    rest="stand_or_lie",
)
def can(rng: np.random.Generator) -> tuple[Part, ...]:
    """A soda or food can of 62 to 80 mm across and 95 to 125 mm high."""
    radius, half = rng.uniform(0.031, 0.040), rng.uniform(0.048, 0.062)
    neck = 0.85 * radius if rng.random() < 0.6 else 0.97 * radius
    return _can(rng, radius, half, neck)


@held_out_variant("can", "flat")
def flat(rng: np.random.Generator) -> tuple[Part, ...]:
    """A flat can, as of tuna, of 84 to 100 mm across and 34 to 46 mm high."""
    radius, half = rng.uniform(0.042, 0.050), rng.uniform(0.017, 0.023)
    return _can(rng, radius, half, 0.95 * radius)


def _can(rng: np.random.Generator, radius: float, half: float, neck: float) -> tuple[Part, ...]:
    shell = np.array(
        [
            (0, -half),
            (neck, -half),
            (radius, 0.008 - half),
            (radius, half - 0.012),
            (neck, half - 0.002),
            (0, half - 0.002),
        ]
    )
    parts = [Part(shape="mesh", mesh=revolve(shell, segments=28), gloss=0.8)]
    for end in (-1, 1):
        rim = np.array([(0.9 * neck, 0), (0.9 * neck, 0.0045), (neck + 0.001, 0.0045), (neck + 0.001, 0)])
        height = half - 0.004 if end > 0 else -half - 0.0005
        parts.append(
            Part(
                shape="mesh",
                mesh=revolve(rim, segments=28),
                position_m=(0, 0, height),
                rgb=STEEL,
                texture="metal",
                gloss=0.9,
            )
        )
        parts.append(
            Part(
                shape="cylinder",
                size_m=(0.92 * neck, 0.001),
                position_m=(0, 0, end * (half - 0.001)),
                rgb=STEEL,
                texture="metal",
                gloss=0.9,
            )
        )
    if rng.random() < 0.75:
        low, high = sorted(rng.uniform(-0.55, 0.55, 2) * half)
        high = max(high, low + 0.4 * half)
        parts.append(
            Part(
                shape="cylinder",
                size_m=(radius + 4e-4, (high - low) / 2),
                position_m=(0, 0, (high + low) / 2),
                rgb=(0.92, 0.92, 0.9),
                texture="text",
                gloss=0.6,
            )
        )
    parts.append(
        Part(
            shape="box",
            size_m=(0.010, 0.006, 0.0008),
            position_m=(0.008, 0, half + 0.001),
            rgb=(0.5, 0.5, 0.52),
            gloss=0.9,
        )
    )
    return (*parts, Part(shape="cylinder", size_m=(radius, half), visible=False, solid=True))
