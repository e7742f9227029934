"""Cartons: printed or plain packaging with tape, labels and stripes."""

import numpy as np

from vlm_picking.sim.colours import PAINTS, paint
from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import held_out_variant, kind
from vlm_picking.sim.meshes import loft

_COLOURS = ("brown", "brown", "brown", "white", "blue", "red", "yellow", "green", "orange", "pink")


@kind(
    "carton",
    synonyms=("packaging", "package", "packet", "box", "cardboard box", "parcel"),
    colours=_COLOURS,
    mass_kg=0.25,
)
def carton(rng: np.random.Generator) -> tuple[Part, ...]:
    """A box whose sides are 50 to 180 mm."""
    x, y, z = rng.uniform(0.05, 0.085), rng.uniform(0.035, 0.06), rng.uniform(0.02, 0.045)
    parts = [Part(shape="box", size_m=(x, y, z), texture="board", gloss=0.1, solid=True)]
    skin = 4e-4
    if rng.random() < 0.6:
        tape = (0.75, 0.62, 0.42) if rng.random() < 0.7 else (0.85, 0.85, 0.82)
        parts.append(Part(shape="box", size_m=(x + skin, rng.uniform(0.006, 0.011), z + skin), rgb=tape, gloss=0.7))
    else:
        band = paint(str(rng.choice(list(PAINTS))), rng)
        parts.append(
            Part(
                shape="box",
                size_m=(rng.uniform(0.008, 0.02), y + skin, z + skin),
                position_m=(0.55 * x, 0, 0),
                rgb=band,
            )
        )
    for side in (-1, 1):
        if rng.random() < 0.8:
            size = (0.4 * x * rng.uniform(0.6, 1), 0.5 * y * rng.uniform(0.6, 1), 3e-4)
            place = (-0.5 * x * rng.uniform(0.6, 1), rng.uniform(-0.3, 0.3) * y, side * (z + 2 * skin))
            parts.append(Part(shape="box", size_m=size, position_m=place, rgb=(0.95, 0.95, 0.93), texture="text"))
        if rng.random() < 0.6:
            size = (0.6 * x * rng.uniform(0.5, 1), 3e-4, 0.55 * z * rng.uniform(0.6, 1))
            place = (rng.uniform(-0.2, 0.2) * x, side * (y + 2 * skin), 0.0)
            parts.append(Part(shape="box", size_m=size, position_m=place, rgb=(0.95, 0.95, 0.93), texture="text"))
    return tuple(parts)


@held_out_variant("carton", "gable")
def gable(rng: np.random.Generator) -> tuple[Part, ...]:
    """A tall carton of square section, as of milk, whose top is folded to a ridge."""
    wide, high = rng.uniform(0.033, 0.042), rng.uniform(0.062, 0.080)
    roof, fin, edge = 0.55 * wide, 0.009, 0.0025
    base = -(roof + 2 * fin) / 2
    square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * wide
    ridge = np.column_stack([square[:, 0], np.sign(square[:, 1]) * edge])
    folds = (square, high), (ridge, high + roof), (ridge, high + roof + 2 * fin)
    rings = np.array([np.column_stack([ring, np.full(4, base + z)]) for ring, z in folds])
    band = paint(str(rng.choice(list(PAINTS))), rng)
    skin, look = 4e-4, {"texture": "board", "gloss": 0.2, "solid": True}
    parts = [
        Part(shape="box", size_m=(wide, wide, high), position_m=(0, 0, base), **look),
        Part(shape="mesh", mesh=loft(rings), **look),
        Part(
            shape="box",
            size_m=(wide + skin, wide + skin, rng.uniform(0.1, 0.18) * high),
            position_m=(0, 0, base - rng.uniform(0.5, 0.75) * high),
            rgb=band,
        ),
    ]
    for side in (-1, 1):
        for size, place in (
            ((0.7 * wide, 3e-4, 0.3 * high), (0, side * (wide + skin), base + 0.35 * high)),
            ((3e-4, 0.6 * wide, 0.22 * high), (side * (wide + skin), 0, base + 0.4 * high)),
        ):
            parts.append(Part(shape="box", size_m=size, position_m=place, rgb=(0.95, 0.95, 0.93), texture="text"))
    return tuple(parts)
