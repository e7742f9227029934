"""Pliers: two bowed grips, a round joint and a pair of steel jaws, long, short, slanted or rounded."""

import numpy as np

from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.pliers import (
    GIRTH,
    grip_line,
    grip_sleeve,
    hub_and_pin,
    jaw_outline,
    jaw_part,
    tang_and_bones,
)
from vlm_picking.sim.kinds.registry import unusual_shapes


@unusual_shapes("pliers")
def pliers(rng: np.random.Generator) -> tuple[Part, ...]:
    """Pliers of 105 to 220 mm; their jaws point along +x, open by 0 to 25 degrees.

    Combination, long-nosed (straight or bent) and slip-joint pliers, side cutters and pincers.
    """
    form = str(rng.choice(["combination", "combination", "long", "long", "cutter", "pincers", "slip"]))
    grip = rng.uniform(0.085, 0.135)
    jaw, root, tip = {
        "combination": (rng.uniform(0.036, 0.054), rng.uniform(0.012, 0.017), rng.uniform(0.006, 0.011)),
        "long": (rng.uniform(0.052, 0.078), rng.uniform(0.011, 0.016), rng.uniform(0.0025, 0.0045)),
        "cutter": (rng.uniform(0.022, 0.032), rng.uniform(0.014, 0.018), rng.uniform(0.004, 0.007)),
        "pincers": (rng.uniform(0.030, 0.042), rng.uniform(0.010, 0.013), rng.uniform(0.008, 0.012)),
        "slip": (rng.uniform(0.045, 0.060), rng.uniform(0.013, 0.017), rng.uniform(0.007, 0.010)),
    }[form]
    if form == "slip":
        grip = rng.uniform(0.125, 0.160)
    thick, radius = rng.uniform(0.0095, 0.0135), rng.uniform(0.0062, 0.0098)
    opening, joint = rng.uniform(0.0, 0.22), (grip - jaw) / 2
    steel = {"rgb": tuple(rng.uniform(0.12, 0.6) * np.ones(3)), "texture": "metal", "gloss": 0.85}
    bow, spread = rng.uniform(0.017, 0.029) + 0.06 * opening, rng.uniform(0.012, 0.026) + 0.12 * opening
    tilt = rng.choice([-1, 1]) * rng.uniform(0.3, 0.6) if form == "slip" else 0.0
    hook = rng.choice([-1, 1]) * rng.uniform(0.010, 0.02) if form == "long" and rng.random() < 0.3 else 0.0
    rubber = ((0.06, 0.06, 0.065), (0.5, 0.5, 0.5))[rng.integers(2)] if rng.random() < 0.4 else None
    lower, upper = ((0, 4), (3, 9), (6, 9))[rng.integers(3)]
    parts = []
    for side in (-1, 1):
        outline = jaw_outline(jaw, root, tip)
        if form == "pincers":
            # Round jaws that meet only at their edges.
            bulge = [(-0.010, 0.0005), (0.0, root), (0.3 * jaw, 1.6 * root), (0.7 * jaw, 1.5 * root), (jaw, 0.4 * root)]
            hollow = [(jaw, 0.0005), (0.85 * jaw, 0.0005), (0.65 * jaw, 0.9 * root), (0.35 * jaw, 0.9 * root)]
            outline = np.array([*bulge, *hollow, (0.15 * jaw, 0.0005)])
        outline = outline * [1, side]
        outline[:, 1] += hook * np.clip(outline[:, 0] / jaw - 0.5, 0.0, 0.5) * 2
        parts.append(jaw_part(outline, thick, joint, side * opening + tilt, steel))
        path, girth = grip_line(joint, grip, side, bow, spread), radius * GIRTH
        parts.append(grip_sleeve(path, girth, gloss=0.5))
        if rubber:
            parts.append(grip_sleeve(path[lower:upper], 1.05 * girth[lower:upper], rgb=rubber, gloss=0.1))
        parts += tang_and_bones(joint, grip, path, (bow, spread), radius, side, steel)
    return (*parts, *hub_and_pin(root, thick, joint, steel))
