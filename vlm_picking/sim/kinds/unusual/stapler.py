"""Staplers: a flat base and a hinged arm above it, with a steel magazine and an anvil at the front."""

import numpy as np

from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import unusual_shapes
from vlm_picking.sim.kinds.stapler import assembled


@unusual_shapes("stapler")
def stapler(rng: np.random.Generator) -> tuple[Part, ...]:
    """A stapler of 85 to 200 mm; its mouth opens towards +x, its base is below.

    Desk staplers with a round or an angular arm, small ones, long heavy ones; base and top of one or two colours.
    """
    form = str(rng.choice(["round", "round", "angular", "slim", "mini", "heavy"]))
    half, wide = rng.uniform(0.055, 0.082), rng.uniform(0.0125, 0.018)
    lift, tall = rng.uniform(0.08, 0.30), rng.uniform(0.012, 0.019)
    if form == "mini":
        half, wide, tall = rng.uniform(0.037, 0.047), rng.uniform(0.012, 0.016), rng.uniform(0.011, 0.015)
    elif form == "heavy":
        half, wide, tall = rng.uniform(0.074, 0.090), rng.uniform(0.017, 0.021), rng.uniform(0.018, 0.024)
    base_rgb = ((0.06, 0.06, 0.065), (0.6, 0.6, 0.62))[rng.integers(2)] if rng.random() < 0.35 else None
    gloss = float(rng.uniform(0.1, 0.7))
    reach = 1.86 * half
    if form == "angular":
        crest = [(0.8 * reach, tall + 0.003), (0.3 * reach, 1.1 * tall + 0.004), (-0.008, 1.1 * tall + 0.004)]
    elif form == "slim":
        crest = [(0.55 * reach, 0.75 * tall + 0.004), (0.02, 0.8 * tall + 0.004), (-0.009, 0.5 * tall)]
    else:
        crown = rng.uniform(0.003, 0.009)
        crest = [(0.6 * reach, tall + 0.004), (0.25 * reach, tall + crown), (0.004, tall + 0.002)]
        crest.append((-0.009, 0.6 * tall))
    has_grip = form in ("round", "heavy")
    return assembled(rng, (half, wide, tall), lift, crest, base_rgb=base_rgb, gloss=gloss, has_grip=has_grip)
