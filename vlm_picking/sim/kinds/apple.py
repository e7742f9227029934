"""Apples: a dimpled body with a stem."""

import numpy as np

from vlm_picking.sim.kinds.model import Part, rod
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import revolve


@kind("apple", colours=("red", "red", "green", "yellow"), mass_kg=0.16)
def apple(rng: np.random.Generator) -> tuple[Part, ...]:
    """An apple of 66 to 86 mm."""
    radius = rng.uniform(0.033, 0.043)
    turn = np.linspace(-np.pi / 2, np.pi / 2, 17)
    dimple = 1.0 - 0.55 * np.exp(-(((np.pi / 2 - turn) / 0.33) ** 2)) - 0.3 * np.exp(-(((turn + np.pi / 2) / 0.3) ** 2))
    profile = np.column_stack([np.cos(turn) * (1 + 0.06 * np.sin(turn)), 0.92 * np.sin(turn) * dimple]) * radius
    return (
        Part(shape="mesh", mesh=revolve(profile), texture="skin", gloss=0.5),
        rod((0, 0, 0.35 * radius), (0.1 * radius, 0, 0.95 * radius), 0.0018, rgb=(0.25, 0.15, 0.06)),
        Part(shape="ellipsoid", size_m=(radius, radius, 0.85 * radius), visible=False, solid=True),
    )
