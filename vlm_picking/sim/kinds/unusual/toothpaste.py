"""Toothpaste: a tube that is flat and wide at its crimped end and round at its cap, with a printed band."""

import numpy as np

from vlm_picking.sim.colours import PAINTS
from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import unusual_shapes
from vlm_picking.sim.kinds.toothpaste import WHITE, shoulder_and_cap, tube_mesh


@unusual_shapes("toothpaste")
def toothpaste(rng: np.random.Generator) -> tuple[Part, ...]:
    """A tube of 84 to 205 mm; its cap points along +x, its crimp is at -x and lies in the x-y plane.

    From a travel size to a family size, full or squeezed flat, of plastic or bare metal; its cap slim, flipping or as
    wide as the tube to stand on; printed with a block of text, bands, a coloured end, or hardly anything.
    """
    body, cap = rng.uniform(0.070, 0.155), rng.uniform(0.014, 0.034)
    size = np.clip(body / 0.125, 0.8, 1.1)
    wide, thick = rng.uniform(0.022, 0.030) * size, rng.uniform(0.012, 0.0195) * size
    start = -(body + cap) / 2
    fill = rng.uniform(0.0, 0.95)
    skin = {"texture": "metal" if rng.random() < 0.15 else "plain", "gloss": 0.6 if rng.random() < 0.7 else 0.15}
    parts = [Part(shape="mesh", mesh=tube_mesh(start, body, wide, thick, fill, (0.0, 1.0)), **skin, solid=True)]
    neck, cap_radius = start + body, rng.uniform(0.5, 1.08) * thick
    cap_rgb = WHITE if rng.random() < 0.7 else PAINTS[str(rng.choice(list(PAINTS)))]
    lid = "stripes" if rng.random() < 0.6 else "plain"
    parts += shoulder_and_cap(neck, thick, (cap_radius, cap / 2), cap_rgb, lid)
    fold = {"rgb": WHITE if rng.random() < 0.7 else None, "texture": "stripes"}
    parts.append(Part(shape="box", size_m=(0.005, wide + 3e-4, 0.0016), position_m=(start + 0.004, 0, 0), **fold))
    accent = PAINTS[str(rng.choice(["red", "blue", "green", "cyan", "white", "orange", "purple", "black"]))]
    low, ground = rng.uniform(0.15, 0.45), WHITE if rng.random() < 0.7 else accent
    bands = [
        ((low, low + rng.uniform(0.12, 0.42)), ground, "text"),
        ((0.84, 0.92), accent, "plain"),
        ((low - 0.07, low), accent, "plain"),
        ((0.03, rng.uniform(0.08, 0.14)), accent, "plain"),
    ]
    for (span, rgb, texture), share in zip(bands, (0.85, 0.45, 0.4, 0.3), strict=True):
        if rng.random() > share:
            continue
        band = tube_mesh(start, body, wide, thick, fill, span, skin_m=6e-4)
        parts.append(Part(shape="mesh", mesh=band, rgb=rgb, texture=texture, gloss=0.6))
    return tuple(parts)
