"""Tape rolls: a flat ring of tape around a paper core."""

import numpy as np

from vlm_picking.sim.kinds._vessel import wall
from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import revolve

_COLOURS = ("brown", "grey", "black", "yellow", "red", "blue", "green", "white", "orange", "cyan")


@kind(
    "tape",
    synonyms=("tape roll", "roll of tape", "duct tape", "adhesive tape"),
    colours=_COLOURS,
    mass_kg=0.15,
)
def tape(rng: np.random.Generator) -> tuple[Part, ...]:
    """A roll of 80 to 116 mm across and 18 to 48 mm wide."""
    outer, half = rng.uniform(0.040, 0.058), rng.uniform(0.009, 0.024)
    inner = outer * rng.uniform(0.58, 0.75)
    core = inner - 0.003

    def ring(low: float, high: float, height: float) -> np.ndarray:
        return np.array([(low, -height), (high, -height), (high, height), (low, height), (low, -height)])

    roll = Part(shape="mesh", mesh=revolve(ring(inner, outer, half), segments=36), gloss=0.6)
    paper = revolve(ring(core, inner, half + 4e-4), segments=36)
    paper_part = Part(shape="mesh", mesh=paper, rgb=(0.62, 0.50, 0.34), texture="board", gloss=0.05)
    middle = (outer + inner) / 2
    return (roll, paper_part, *wall((middle, middle), (-half, half), (outer - inner) / 2))
