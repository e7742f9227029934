"""Cartons: parcels, packets and drink bricks, bare or printed, with tape, labels, bands and lids."""

import numpy as np

from vlm_picking.sim.colours import PAINTS, paint
from vlm_picking.sim.kinds.model import Part, rod
from vlm_picking.sim.kinds.registry import unusual_shapes

_PALE = (0.95, 0.95, 0.93)


# Half sizes [m] along x, y and z.
_FORMS = {
    "parcel": ((0.045, 0.090), (0.035, 0.062), (0.018, 0.048)),
    "packet": ((0.050, 0.095), (0.028, 0.050), (0.010, 0.022)),
    "cube": ((0.030, 0.055), (0.030, 0.055), (0.028, 0.050)),
    "stick": ((0.065, 0.105), (0.016, 0.030), (0.015, 0.028)),
    "brick": ((0.045, 0.080), (0.024, 0.038), (0.018, 0.034)),
}


@unusual_shapes("carton")
def carton(rng: np.random.Generator) -> tuple[Part, ...]:
    """A box with flat ends whose sides are 20 to 210 mm.

    A taped parcel, a thin packet, a cube, a long stick of a box, or a drink brick with a straw or a cap; of raw or
    glossy board; bare, taped, banded, two-coloured, with printed panels or labels, or with a lid that goes over it.
    """
    form = str(rng.choice(list(_FORMS), p=(0.34, 0.24, 0.14, 0.14, 0.14)))
    x, y, z = (rng.uniform(*span) for span in _FORMS[form])
    texture, gloss = ("board", 0.1) if form == "parcel" or rng.random() < 0.5 else ("plain", rng.uniform(0.2, 0.8))
    half = np.array([x, y, z])
    parts = [Part(shape="box", size_m=(x, y, z), texture=texture, gloss=gloss, solid=True)]
    style = rng.random()
    if form == "brick":
        parts += _opening(rng, half)
    elif form == "cube" and style < 0.5:
        parts += _lid(rng, half, texture)
    elif style < (0.7 if form == "parcel" else 0.15):
        tape = (0.75, 0.62, 0.42) if rng.random() < 0.6 else (0.85, 0.85, 0.82) if rng.random() < 0.7 else None
        tape = paint(str(rng.choice(list(PAINTS))), rng) if tape is None else tape
        parts.append(_belt(half, 1, (0.0, rng.uniform(0.006, 0.013) / y), tape, gloss=0.7))
        if rng.random() < 0.25:
            parts.append(_belt(half, 0, (rng.uniform(-0.3, 0.3), 0.008 / x), tape, gloss=0.7))
    if rng.random() < (0.25 if form == "parcel" else 0.6):
        band = paint(str(rng.choice(list(PAINTS))), rng)
        middle, share = (rng.uniform(-0.6, 0.6), rng.uniform(0.06, 0.28))
        if rng.random() < 0.35:
            middle, share = 0.55, 0.45
        parts.append(_belt(half + 1e-4, int(rng.random() < 0.3), (middle, share), band, gloss=gloss))
    if rng.random() < 0.75:
        parts += _panels(rng, half + 7e-4)
    return tuple(parts)


def _belt(half: np.ndarray, axis: int, along: tuple[float, float], rgb: tuple, *, gloss: float = 0.3) -> Part:
    """A band around the box across `axis`: its middle and its half width as shares of the half size."""
    middle, share = along
    size, place = half + 4e-4, np.zeros(3)
    size[axis], place[axis] = share * half[axis], middle * half[axis]
    return Part(shape="box", size_m=_floats(size), position_m=_floats(place), rgb=rgb, gloss=gloss)


def _panels(rng: np.random.Generator, half: np.ndarray) -> list[Part]:
    """Labels or printed panels on the four long faces, each with its own place and size."""
    whole = rng.random() < 0.35
    rgb = _PALE if rng.random() < 0.7 else paint(str(rng.choice(["yellow", "white", "cyan", "orange"])), rng)
    parts = []
    for axis, other in ((2, 1), (1, 2)):
        for side in (-1, 1):
            if rng.random() < 0.3:
                continue
            size, place = np.full(3, 3e-4), np.zeros(3)
            cover = rng.uniform(0.6, 0.9, 2) if whole else rng.uniform(0.2, 0.6, 2)
            for k, share in zip((0, other), cover, strict=True):
                size[k] = share * half[k]
                place[k] = rng.uniform(-1, 1) * (0.95 - share) * half[k]
            place[axis] = side * half[axis]
            look = {"rgb": rgb, "texture": "text" if rng.random() < 0.85 else "stripes"}
            parts.append(Part(shape="box", size_m=_floats(size), position_m=_floats(place), **look))
    return parts


def _lid(rng: np.random.Generator, half: np.ndarray, texture: str) -> list[Part]:
    """A lid that goes over the top, with a ribbon or without."""
    x, y, z = half
    deep = rng.uniform(0.2, 0.45) * z
    rgb = None if rng.random() < 0.4 else paint(str(rng.choice(list(PAINTS))), rng)
    size, place = (x + 0.0016, y + 0.0016, deep), (0, 0, z - deep + 0.001)
    parts = [Part(shape="box", size_m=size, position_m=place, rgb=rgb, texture=texture, solid=True)]
    if rng.random() < 0.5:
        ribbon = paint(str(rng.choice(list(PAINTS))), rng)
        parts += [_belt(half + 0.0018, axis, (0.0, 0.14), ribbon, gloss=0.7) for axis in (0, 1)]
    return parts


def _opening(rng: np.random.Generator, half: np.ndarray) -> list[Part]:
    """At the +x end of a drink brick: a screw cap, or the foil of a straw's hole; some carry the straw on a side."""
    x, y, z = half
    rgb = paint(str(rng.choice(["white", "red", "blue", "green", "yellow"])), rng)
    if rng.random() < 0.5:
        radius = rng.uniform(0.5, 0.75) * min(y, z)
        start, end = (x, 0.2 * (y - radius), 0), (x + rng.uniform(0.006, 0.011), 0.2 * (y - radius), 0)
        return [rod(start, end, radius, shape="cylinder", rgb=rgb, texture="stripes", solid=True)]
    foil = rod((x, 0, 0), (x + 6e-4, 0, 0), 0.004, shape="cylinder", rgb=(0.75, 0.75, 0.77), gloss=0.9)
    straw = rod((-0.8 * x, -0.4 * y, z + 0.0018), (0.7 * x, 0.4 * y, z + 0.0018), 0.0018, rgb=rgb)
    return [foil, straw]


def _floats(values: np.ndarray) -> tuple[float, float, float]:
    return tuple(float(v) for v in values)
