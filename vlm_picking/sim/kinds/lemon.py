"""Lemons: a spindle with a nipple at both ends."""

import numpy as np

from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import revolve


@kind("lemon", colours=("yellow",), mass_kg=0.1)
def lemon(rng: np.random.Generator) -> tuple[Part, ...]:
    """A lemon of 65 to 90 mm in length."""
    half, radius = rng.uniform(0.033, 0.045), rng.uniform(0.023, 0.029)
    z = np.linspace(-1, 1, 21)
    body = np.sqrt(np.clip(1 - (z / 0.86) ** 2, 0, None)) ** 0.9
    tip = 0.24 * np.sqrt(np.clip(1 - np.abs(z) ** 6, 0, None))
    profile = np.column_stack([np.maximum(body, tip) * radius, z * half])
    return (
        Part(shape="mesh", mesh=revolve(profile, segments=24), texture="peel", gloss=0.4),
        Part(shape="ellipsoid", size_m=(radius, radius, 0.93 * half), visible=False, solid=True),
    )
