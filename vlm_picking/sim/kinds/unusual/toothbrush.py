"""Toothbrushes: a long moulded handle with grips, a thin neck and a head of bristles."""

import numpy as np

from vlm_picking.sim.kinds.model import Part, rod
from vlm_picking.sim.kinds.registry import unusual_shapes
from vlm_picking.sim.kinds.toothbrush import WHITE, bristles, grip_dots, moulded, solid_head


@unusual_shapes("toothbrush")
def toothbrush(rng: np.random.Generator) -> tuple[Part, ...]:
    """A toothbrush of 140 to 215 mm; its head is at +x and its bristles point towards +z.

    Moulded, straight and flat, of wood, short and stout for children, or with the thick grip of an electric one.
    """
    form = str(rng.choice(["moulded", "moulded", "straight", "wood", "child", "electric"]))
    half, head = rng.uniform(0.082, 0.104), rng.uniform(0.024, 0.036)
    wide, thick = rng.uniform(0.0060, 0.0092), rng.uniform(0.0045, 0.0070)
    brush = rng.uniform(0.0062, 0.0090)
    if form == "child":
        half, head, wide = rng.uniform(0.070, 0.080), rng.uniform(0.019, 0.025), rng.uniform(0.0085, 0.0115)
    elif form == "electric":
        half, head, brush = rng.uniform(0.094, 0.108), rng.uniform(0.016, 0.022), rng.uniform(0.0070, 0.0085)
        wide = rng.uniform(0.0110, 0.0145)
        thick = rng.uniform(0.85, 1.0) * wide
    along = np.array([0, 0.02, 0.10, 0.3, 0.5, 0.6, 0.72, 0.80, 0.84, 0.97, 1.0])
    along[8] = 1.0 - 0.5 * (head + 0.006) / half
    width = {
        "straight": [0.85, 0.95, 1.0, 1.0, 0.95, 0.9, 0.75, 0.65, 0, 0, 0],
        "wood": [0.6, 0.9, 1.0, 0.95, 0.85, 0.75, 0.62, 0.58, 0, 0, 0],
        "electric": [0.8, 0.95, 1.0, 1.0, 0.92, 0.7, 0.26, 0.24, 0, 0, 0],
    }.get(form, [0.4, 0.8, 1.0, 0.92, 1.0, rng.uniform(0.6, 0.85), rng.uniform(0.4, 0.55), 0.5, 0, 0, 0])
    width = wide * np.array(width)
    width[-3:] = brush * np.array([0.8, 0.95, 0.4])
    width[-3] = brush
    tall = thick * np.array([0.4, 0.8, 1.0, 1.0, 1.0, 0.85, 0.6, 0.55, 0.5, 0.5, 0.4])
    if form == "electric":
        tall[5:] = [0.7 * thick, 0.26 * thick, 0.24 * thick, 0.0032, 0.0032, 0.0026]
    bow = rng.uniform(-0.004, 0.006) * np.sin(np.pi * along)
    look = {"texture": "wood", "gloss": 0.15} if form == "wood" else {"gloss": float(rng.uniform(0.2, 0.7))}
    parts = [Part(shape="mesh", mesh=moulded(half, along, width, tall, bow), **look)]
    rows, is_plain = int(rng.integers(3, 8)), rng.random() < 0.35
    foot = float(bow[-2]) + 0.8 * float(tall[-2])
    parts += bristles(rng, half - 0.005 - head, head, brush, foot, rows=rows, low_m=0.0042, is_plain=is_plain)
    if form != "wood" and rng.random() < 0.35:
        # A rubber or contrasting grip around the middle of the handle.
        first, last = rng.uniform(0.08, 0.2), rng.uniform(0.34, 0.52)
        places = np.linspace(first, last, 6)
        sides = [np.interp(places, along, side) for side in (width, tall, bow)]
        sheath = moulded(half, places, 1.06 * sides[0], 1.06 * sides[1], sides[2])
        dark = (0.08, 0.08, 0.085) if rng.random() < 0.4 else WHITE
        parts.append(Part(shape="mesh", mesh=sheath, rgb=dark, gloss=0.15))
    elif form != "wood" and rng.random() < 0.6:
        parts += grip_dots(rng, half, (0.55 * wide, thick + 0.0006), along, bow)
    reach = 0.15 if form == "electric" else 0.45
    grip = rod((thick - half, 0, 0), (reach * half, 0, float(bow[4])), thick, visible=False, solid=True)
    neck = rod(((reach - 0.05) * half, 0, 0), (half - 0.004, 0, 0), 0.0035, visible=False, solid=True)
    return (*parts, grip, neck, solid_head(half, head, brush))
