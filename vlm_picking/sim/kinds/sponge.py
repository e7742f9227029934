"""Sponges: a porous block, mostly with a rough layer of another colour."""

import numpy as np

from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import kind

_COLOURS = ("yellow", "yellow", "pink", "blue", "orange", "green")


@kind("sponge", synonyms=("scrubber", "scouring pad"), colours=_COLOURS, mass_kg=0.03)
def sponge(rng: np.random.Generator) -> tuple[Part, ...]:
    """A sponge of 80 to 120 mm by 55 to 80 mm, 24 to 44 mm thick."""
    x, y, z = rng.uniform(0.04, 0.06), rng.uniform(0.028, 0.04), rng.uniform(0.012, 0.022)
    parts = [Part(shape="box", size_m=(x, y, z), texture="porous", gloss=0.0, solid=True)]
    if rng.random() < 0.75:
        pad = (0.08, 0.28, 0.12) if rng.random() < 0.7 else (0.2, 0.2, 0.22)
        parts.append(
            Part(
                shape="box",
                size_m=(1.01 * x, 1.01 * y, 0.004),
                position_m=(0, 0, z),
                rgb=pad,
                texture="porous",
                gloss=0.0,
            )
        )
    return tuple(parts)
