"""Books: two boards and a spine around pale pages."""

import numpy as np

from vlm_picking.sim.colours import PAINTS, paint
from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import unusual_shapes


@unusual_shapes("book")
def book(rng: np.random.Generator) -> tuple[Part, ...]:
    """A book of 100 to 230 mm by 76 to 170 mm, 7 to 46 mm thick; its spine is at -y.

    A hardback whose boards stand out over the pages, with a round or a flat spine; a paperback flush with them; a
    thin booklet; a notebook with an elastic. Upright, square or wide; bare, titled, with a picture or a jacket band.
    """
    form = str(rng.choice(["hardback", "paperback", "booklet", "notebook"], p=(0.38, 0.34, 0.14, 0.14)))
    x = rng.uniform(0.050, 0.115)
    y = np.clip(x * rng.uniform(0.62, 1.0), 0.038, 0.085)
    z = {
        "hardback": (0.008, 0.023),
        "paperback": (0.005, 0.018),
        "booklet": (0.0035, 0.005),
        "notebook": (0.005, 0.010),
    }
    z = rng.uniform(*z[form])
    board = {"hardback": rng.uniform(0.0012, 0.0022), "booklet": 0.0006}.get(form, 0.0009)
    gloss = 0.7 if rng.random() < 0.4 else 0.15
    inset = rng.uniform(0.002, 0.005) if form == "hardback" else 0.0006
    paper = (0.9, 0.87, 0.76) if rng.random() < 0.6 else (0.93, 0.93, 0.91)
    pages = (x - inset, y - inset / 2, z - 2 * board)
    middle = (0, -inset / 2, 0)
    weave = {"texture": "board" if form != "paperback" and rng.random() < 0.3 else "plain", "gloss": gloss}
    parts = [
        Part(shape="box", size_m=(x, y, board), position_m=(0, 0, z - board), **weave),
        Part(shape="box", size_m=(x, y, board), position_m=(0, 0, board - z), **weave),
        Part(shape="box", size_m=pages, position_m=middle, rgb=paper, texture="wood", gloss=0.0),
        Part(shape="box", size_m=(x, y, z), visible=False, solid=True),
    ]
    spine = None if rng.random() < 0.75 else PAINTS[str(rng.choice(list(PAINTS)))]
    if form == "hardback" and rng.random() < 0.5:
        bow = rng.uniform(0.002, 0.005)
        parts.append(Part(shape="ellipsoid", size_m=(x, bow, z), position_m=(0, 0.001 - y, 0), rgb=spine, gloss=gloss))
        parts.append(Part(shape="box", size_m=(x, board, z), position_m=(0, board - y, 0), rgb=spine, gloss=gloss))
    else:
        parts.append(Part(shape="box", size_m=(x, board, z), position_m=(0, board - y, 0), rgb=spine, gloss=gloss))
    if spine is not None and form != "booklet":
        # Cloth that runs from the spine onto both boards.
        cloth = (x + 1e-4, rng.uniform(0.08, 0.2) * y, z + 1e-4)
        parts.append(Part(shape="box", size_m=cloth, position_m=(0, cloth[1] - y, 0), rgb=spine, gloss=0.1))
    if form == "notebook":
        strap = PAINTS[str(rng.choice(["black", "black", "red", "grey", "white", "green"]))]
        size = (x + 6e-4, 0.0025, z + 6e-4) if rng.random() < 0.75 else (0.0025, y + 6e-4, z + 6e-4)
        place = (0, 0.72 * y, 0) if size[0] > x else (0.72 * x, 0, 0)
        parts.append(Part(shape="box", size_m=size, position_m=place, rgb=strap))
    if form != "notebook" or rng.random() < 0.3:
        for side in (1, -1):
            parts += _cover(rng, x, y, side * (z + 2e-4))
        if z > 0.006 and rng.random() < 0.6:
            title = {"rgb": (0.93, 0.92, 0.85), "texture": "text"}
            place = (rng.uniform(-0.2, 0.2) * x, -y - 2e-4, 0)
            parts.append(Part(shape="box", size_m=(0.6 * x, 2e-4, 0.5 * z), position_m=place, **title))
    return tuple(parts)


def _cover(rng: np.random.Generator, x: float, y: float, top: float) -> list[Part]:
    """What is printed on one side: nothing, a title, a picture, a block of text, a band across, in layers."""
    parts = []

    def sheet(size: tuple[float, float], place: tuple[float, float], rgb: tuple, texture: str) -> None:
        lift = np.sign(top) * (abs(top) + 1.5e-4 * len(parts))
        at = (place[0] * x, place[1] * y, float(lift))
        size_m = (size[0] * x, size[1] * y, 2e-4)
        parts.append(Part(shape="box", size_m=size_m, position_m=at, rgb=rgb, texture=texture, gloss=0.4))

    ink = (0.93, 0.92, 0.85) if rng.random() < 0.6 else PAINTS[str(rng.choice(["yellow", "white", "orange", "cyan"]))]
    picture = paint(str(rng.choice(list(PAINTS))), rng)
    if rng.random() < 0.3:
        texture = "stripes" if rng.random() < 0.4 else "plain" if rng.random() < 0.5 else "skin"
        sheet(tuple(rng.uniform(0.15, 0.6, 2)), (rng.uniform(-0.35, 0.0), rng.uniform(-0.2, 0.3)), picture, texture)
    if rng.random() < 0.15:
        sheet((rng.uniform(0.08, 0.2), 0.995), (rng.uniform(-0.7, 0.7), 0.0), picture, "plain")
    if rng.random() < 0.6:
        sheet(tuple(rng.uniform((0.12, 0.4), (0.45, 0.75))), (rng.uniform(0.1, 0.5), rng.uniform(0, 0.15)), ink, "text")
    elif rng.random() < 0.3:
        sheet((0.7, 0.7), (0.0, 0.05), ink, "text")
    return parts
