"""Forks: a curved handle and two to four tines; of steel, of plastic, or of steel in a coloured handle."""

import numpy as np

from vlm_picking.sim.kinds._compound import joined
from vlm_picking.sim.kinds.fork import flat_bar, solid_bodies
from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import unusual_shapes

_STEEL = {"rgb": (0.62, 0.62, 0.65), "texture": "metal", "gloss": 0.95}


# Half widths along the handle from its end (0) to the neck (1), as shares of the widest.
_HANDLES = (
    ((0, 0.03, 0.14, 0.55, 0.86, 1.0), (0.35, 0.8, 1.0, 0.75, 0.5, 0.48)),
    ((0, 0.02, 0.1, 0.5, 0.9, 1.0), (0.75, 0.95, 1.0, 0.9, 0.75, 0.6)),
    ((0, 0.05, 0.2, 0.4, 0.7, 1.0), (0.25, 0.6, 1.0, 0.72, 0.45, 0.42)),
    ((0, 0.02, 0.2, 0.22, 0.6, 1.0), (0.9, 1.0, 0.95, 0.7, 0.55, 0.5)),
)


@unusual_shapes("fork")
def fork(rng: np.random.Generator) -> tuple[Part, ...]:
    """A fork of 135 to 265 mm; its tines point along +x and are 22 to 50 mm wide together.

    Table and dessert forks, wide salad forks, and carving forks with two long tines.
    """
    form = str(rng.choice(["table", "table", "table", "dessert", "salad", "carving"]))
    handle, palm = rng.uniform(0.095, 0.130), rng.uniform(0.022, 0.038)
    tine, half = rng.uniform(0.040, 0.064), rng.uniform(0.012, 0.018)
    count, slot = int(rng.choice([3, 4, 4])), rng.uniform(0.6, 1.0)
    if form == "table":
        half = rng.uniform(0.0145, 0.023)
    elif form == "dessert":
        handle, palm, tine = rng.uniform(0.080, 0.1), rng.uniform(0.022, 0.028), rng.uniform(0.034, 0.046)
    elif form == "salad":
        half, tine = rng.uniform(0.018, 0.025), rng.uniform(0.032, 0.045)
    elif form == "carving":
        handle, palm, tine = rng.uniform(0.11, 0.14), rng.uniform(0.02, 0.03), rng.uniform(0.07, 0.095)
        half, count, slot = rng.uniform(0.011, 0.016), 2, rng.uniform(1.6, 2.4)
    thick = rng.uniform(0.0032, 0.005)
    grip, neck = rng.uniform(0.0065, 0.0115), rng.uniform(0.0035, 0.0055)
    start = -(handle + palm + tine) / 2
    crown = start + handle + palm
    along, share = _HANDLES[rng.integers(len(_HANDLES))]
    shape = [
        (start + a * handle, grip * w, thick * (1.2 if a > 0.8 else 1.0)) for a, w in zip(along, share, strict=True)
    ]
    # A palm with round shoulders, or one that widens straight to the tines.
    shoulder = rng.uniform(0.4, 1.0)
    palms = [(0.35, 0.3 + 0.25 * shoulder), (0.7, 0.7 + 0.23 * shoulder), (1.0, 1.0)]
    root = [(start + handle + a * palm, max(neck, w * half), thick) for a, w in palms]
    width = 2 * half / (count + slot * (count - 1))
    point = rng.uniform(0.15, 0.35)
    tines = [
        [(crown - 0.003, y, 0.5 * width), (crown + 0.75 * tine, y, 0.46 * width), (crown + tine, y, point * width)]
        for y in np.linspace(width / 2 - half, half - width / 2, count)
    ]
    dip = rng.uniform(0.003, 0.011)

    def lift(x: float) -> float:
        """The side view: the head dips behind the neck and rises to the points."""
        ahead = np.clip((x - start - 0.8 * handle) / (palm + tine + 0.2 * handle), 0.0, 1.0)
        return float(-dip * np.sin(np.pi * ahead) + 0.3 * dip * ahead)

    tail = flat_bar([(x, 0.0, w, t, lift(x)) for x, w, t in shape])
    head = [flat_bar([(x, 0.0, w, t, lift(x)) for x, w, t in [(start + handle, neck, 1.2 * thick), *root]])]
    head += [flat_bar([(x, y, w, 0.8 * thick, lift(x)) for x, y, w in line]) for line in tines]
    finish = {"texture": "metal", "gloss": 0.95} if rng.random() < 0.65 else {"gloss": float(rng.uniform(0.15, 0.6))}
    palm_size = ((tine + 0.5 * palm) / 2, 0.95 * half, 0.5 * thick)
    centre = (crown + (tine - 0.5 * palm) / 2, 0, 0.6 * lift(crown))
    parts = solid_bodies((start + grip, start + handle), thick, middle_m=centre, size_m=palm_size)
    if rng.random() < 0.3:
        parts += _scales(rng, [(x, 0.0, max(w, 0.007), 2.0 * t, lift(x)) for x, w, t in shape[:-1]], thick)
        return (Part(shape="mesh", mesh=joined([tail, *head]), **_STEEL), *parts)
    if rng.random() < 0.25:
        places = ((0.1, 1.05), (0.14, 1.06), (0.2, 1.03))
        band = flat_bar([(start + a * handle, 0.0, w * grip, 1.06 * thick, 0.0) for a, w in places])
        parts.append(Part(shape="mesh", mesh=band, rgb=(0.06, 0.06, 0.06)))
    return (Part(shape="mesh", mesh=joined([tail, *head]), **finish), *parts)


def _scales(rng: np.random.Generator, stations: list, thick_m: float) -> list[Part]:
    """A thick handle of plastic or wood around the steel, often with rivets."""
    wood = rng.random() < 0.5
    look = {"texture": "wood", "gloss": 0.2} if wood else {"gloss": float(rng.uniform(0.3, 0.6))}
    parts = [Part(shape="mesh", mesh=flat_bar(stations), **look)]
    if rng.random() < 0.7:
        for share in np.linspace(0.2, 0.8, int(rng.integers(2, 4))):
            x = stations[0][0] + share * (stations[-1][0] - stations[0][0])
            parts.append(Part(shape="cylinder", size_m=(0.0022, 1.06 * thick_m), position_m=(x, 0, 0), **_STEEL))
    return parts
