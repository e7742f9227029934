"""Oranges: a slightly flattened ball with pores and a green navel."""

import numpy as np

from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import kind


@kind("orange", synonyms=("tangerine",), colours=("orange",), mass_kg=0.18)
def orange(rng: np.random.Generator) -> tuple[Part, ...]:
    """An orange of 66 to 92 mm."""
    radius = rng.uniform(0.033, 0.046)
    size = (radius, radius, radius * rng.uniform(0.92, 0.98))
    return (
        Part(shape="ellipsoid", size_m=size, texture="peel", gloss=0.35, solid=True),
        Part(
            shape="ellipsoid",
            size_m=(0.09 * radius, 0.09 * radius, 0.06 * radius),
            position_m=(0.0, 0.0, size[2]),
            rgb=(0.25, 0.35, 0.10),
        ),
    )
