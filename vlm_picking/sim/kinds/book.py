"""Books: two boards and a spine around pale pages."""

import numpy as np

from vlm_picking.sim.colours import PAINTS, paint
from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import held_out_variant, kind

_COLOURS = ("red", "blue", "green", "black", "brown", "purple", "yellow", "cyan", "pink", "orange", "white")


@kind("book", synonyms=("textbook", "paperback"), colours=_COLOURS, mass_kg=0.35, rest="flat")
def book(rng: np.random.Generator) -> tuple[Part, ...]:
    """A book of 130 to 210 mm by 95 to 150 mm, 14 to 34 mm thick; its spine is at -y."""
    x = rng.uniform(0.065, 0.105)
    y, z, board = x * rng.uniform(0.66, 0.76), rng.uniform(0.007, 0.017), 0.0014
    upper, lower, pages, solid = _block(x, y, z, board)
    spine = Part(shape="box", size_m=(x, board, z), position_m=(0, board - y, 0), gloss=0.3)
    parts = [upper, lower, spine, pages, solid]
    top = z + 2e-4
    heading = (rng.uniform(0.25, 0.5) * x, rng.uniform(0.5, 0.75) * y, 2e-4)
    ink = (0.93, 0.92, 0.85) if rng.random() < 0.6 else PAINTS["yellow"]
    parts.append(Part(shape="box", size_m=heading, position_m=(0.4 * x, 0, top), rgb=ink, texture="text"))
    if rng.random() < 0.6:
        picture = paint(str(rng.choice(list(PAINTS))), rng)
        size = (rng.uniform(0.15, 0.3) * x, rng.uniform(0.3, 0.6) * y, 2e-4)
        parts.append(Part(shape="box", size_m=size, position_m=(-0.45 * x, 0, top), rgb=picture, texture="stripes"))
    if rng.random() < 0.6:
        parts.append(
            Part(
                shape="box",
                size_m=(0.5 * x, 0.35 * y, 2e-4),
                position_m=(0, 0.3 * y, -top),
                rgb=ink,
                texture="text",
            )
        )
    parts.append(
        Part(
            shape="box",
            size_m=(0.6 * x, 2e-4, 0.5 * z),
            position_m=(0, -y - 2e-4, 0),
            rgb=ink,
            texture="text",
        )
    )
    return tuple(parts)


@held_out_variant("book", "spiral")
def spiral(rng: np.random.Generator) -> tuple[Part, ...]:
    """A notepad bound by a wire spiral along its short side, at -x."""
    x = rng.uniform(0.070, 0.105)
    y, z, board = x * rng.uniform(0.62, 0.78), rng.uniform(0.007, 0.012), 0.0014
    wire = {"rgb": tuple(rng.choice([0.12, 0.75]) * np.ones(3)), "texture": "metal", "gloss": 0.8}
    parts = list(_block(x, y, z, board))
    for place in np.linspace(-0.9, 0.9, int(rng.integers(9, 13))) * y:
        size, middle = (0.009, 0.0022, z + 0.0025), (-x + 0.002, float(place), 0)
        parts.append(Part(shape="box", size_m=size, position_m=middle, **wire))
    ink = (0.93, 0.92, 0.85) if rng.random() < 0.6 else paint(str(rng.choice(list(PAINTS))), rng)
    size, place = (rng.uniform(0.1, 0.25) * x, rng.uniform(0.4, 0.65) * y, 2e-4), rng.uniform(-0.2, 0.4) * x
    parts.append(Part(shape="box", size_m=size, position_m=(place, 0, z + 2e-4), rgb=ink, texture="text"))
    return tuple(parts)


def _block(x: float, y: float, z: float, board: float) -> tuple[Part, ...]:
    """Two boards, the pages between them, and what collides; half sizes [m]."""
    pages = (x - 0.003, y - 0.003, z - 2 * board)
    return (
        Part(shape="box", size_m=(x, y, board), position_m=(0, 0, z - board), gloss=0.3),
        Part(shape="box", size_m=(x, y, board), position_m=(0, 0, board - z), gloss=0.3),
        Part(shape="box", size_m=pages, rgb=(0.9, 0.87, 0.76), texture="wood", gloss=0.0),
        Part(shape="box", size_m=(x, y, z), visible=False, solid=True),
    )
