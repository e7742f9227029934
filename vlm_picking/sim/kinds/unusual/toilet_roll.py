"""Toilet rolls: a wide soft roll of paper about a narrow card tube, mostly with a loose sheet."""

import numpy as np

from vlm_picking.sim.kinds._vessel import wall
from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import unusual_shapes
from vlm_picking.sim.kinds.toilet_roll import SEAM, loose_sheet, ring_profile
from vlm_picking.sim.meshes import revolve


@unusual_shapes("toilet roll")
def toilet_roll(rng: np.random.Generator) -> tuple[Part, ...]:
    """A roll of 70 to 124 mm across and 86 to 116 mm high; its tube is 32 to 50 mm wide.

    A full roll or one that is nearly used up, of a soft or a sharp edge; smooth, embossed in bands or quilted, of
    white or pale paper about a tube of brown, grey or white card; half of them with a loose sheet.
    """
    is_used = rng.random() < 0.25
    outer = rng.uniform(0.035, 0.042) if is_used else rng.uniform(0.042, 0.062)
    half, tube = rng.uniform(0.043, 0.058), rng.uniform(0.016, 0.025)
    soft = rng.uniform(0.0015, 0.0055)
    paper = {"texture": str(rng.choice(["board", "plain", "peel", "skin"])), "gloss": 0.02}
    roll = [(tube, -half), (outer - soft, -half), (outer, soft - half), (outer, half - soft), (outer - soft, half)]
    if rng.random() < 0.3:
        # Embossed bands around the roll.
        count = 2 * int(rng.integers(3, 9)) + 1
        bands = np.linspace(-0.85, 0.85, count) * half
        roll[3:3] = [(outer - 0.0012 * (k % 2), z) for k, z in enumerate(bands)]
    roll = np.array([*roll, (tube, half), (tube, -half)])
    card = ring_profile(tube - rng.uniform(0.0014, 0.0030), tube, half + 5e-4)
    card_rgb = ((0.50, 0.37, 0.22), (0.62, 0.50, 0.34), (0.45, 0.44, 0.42), (0.82, 0.80, 0.75))[rng.integers(4)]
    parts = [
        Part(shape="mesh", mesh=revolve(roll, segments=36), **paper),
        Part(shape="mesh", mesh=revolve(card, segments=28), rgb=card_rgb, texture="board", gloss=0.02),
    ]
    # A few windings show on the ends.
    for share in rng.choice([0.25, 0.45, 0.62, 0.8], int(rng.integers(0, 4)), replace=False):
        at = tube + share * (outer - soft - tube)
        seam = revolve(ring_profile(at, at + 0.0012, half + 5e-4), segments=28)
        parts.append(Part(shape="mesh", mesh=seam, rgb=SEAM, gloss=0.02))
    if rng.random() < 0.5:
        parts += loose_sheet(rng, outer, half, paper)
    middle = (outer + tube) / 2
    return (*parts, *wall((middle, middle), (-half, half), (outer - tube) / 2))
