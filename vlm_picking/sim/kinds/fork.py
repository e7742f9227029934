"""Forks: a curved handle and three or four tines."""

import numpy as np

from vlm_picking.sim.kinds._compound import joined
from vlm_picking.sim.kinds.model import Part, rod
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import TriMesh, loft

_COLOURS = ("grey", "grey", "grey", "grey", "black", "white", "red", "blue", "green", "yellow", "pink")


@kind("fork", synonyms=("dinner fork", "table fork", "salad fork"), colours=_COLOURS, mass_kg=0.06, rest="flat")
def fork(rng: np.random.Generator) -> tuple[Part, ...]:
    """A fork of 170 to 235 mm; its tines point along +x and are 32 to 46 mm wide together."""
    handle, palm = rng.uniform(0.095, 0.130), rng.uniform(0.026, 0.036)
    tine, half = rng.uniform(0.045, 0.062), rng.uniform(0.016, 0.023)
    thick, count = rng.uniform(0.0035, 0.005), int(rng.choice([3, 4, 4]))
    grip, neck = rng.uniform(0.0075, 0.011), rng.uniform(0.004, 0.0055)
    start = -(handle + palm + tine) / 2
    crown = start + handle + palm
    shape = [
        (start, 0.35 * grip, thick),
        (start + 0.004, 0.8 * grip, thick),
        (start + 0.14 * handle, grip, thick),
        (start + 0.55 * handle, 0.75 * grip, thick),
        (start + 0.86 * handle, neck, 1.2 * thick),
        (start + handle, neck, 1.2 * thick),
        (start + handle + 0.35 * palm, 0.55 * half, thick),
        (start + handle + 0.7 * palm, 0.93 * half, thick),
        (crown, half, thick),
    ]
    width = 2 * half / (count + 0.75 * (count - 1))
    tines = []
    for y in np.linspace(width / 2 - half, half - width / 2, count):
        tines.append(
            [(crown - 0.003, y, 0.5 * width), (crown + 0.75 * tine, y, 0.46 * width), (crown + tine, y, 0.15 * width)]
        )
    dip = rng.uniform(0.004, 0.009)

    def lift(x: float) -> float:
        """The side view: the head dips behind the neck and rises to the points."""
        along = np.clip((x - start - 0.8 * handle) / (palm + tine + 0.2 * handle), 0.0, 1.0)
        return float(-dip * np.sin(np.pi * along) + 0.3 * dip * along)

    meshes = [flat_bar([(x, 0.0, w, t, lift(x)) for x, w, t in shape])]
    meshes += [flat_bar([(x, y, w, 0.8 * thick, lift(x)) for x, y, w in line]) for line in tines]
    finish = {"texture": "metal", "gloss": 0.95} if rng.random() < 0.7 else {"gloss": 0.5}
    size = ((tine + 0.5 * palm) / 2, 0.95 * half, 0.5 * thick)
    middle = (crown + (tine - 0.5 * palm) / 2, 0, 0.6 * lift(crown))
    parts = [
        Part(shape="mesh", mesh=joined(meshes), **finish),
        *solid_bodies((start + grip, start + handle), thick, middle_m=middle, size_m=size),
    ]
    if rng.random() < 0.3:
        band = flat_bar(
            [
                (start + a * handle, 0.0, w * grip, 1.06 * thick, 0.0)
                for a, w in ((0.1, 1.05), (0.14, 1.06), (0.2, 1.03))
            ]
        )
        parts.append(Part(shape="mesh", mesh=band, rgb=(0.06, 0.06, 0.06)))
    return tuple(parts)


def flat_bar(stations: list[tuple[float, float, float, float, float]]) -> TriMesh:
    """A flat bar with rounded sides through stations (x, y, half width, thickness, height) [m]."""
    turn = np.arange(10) * 2 * np.pi / 10
    round_off = np.column_stack([np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.5, np.sin(turn)])
    return loft(
        np.array(
            [
                np.column_stack([np.full(10, x), y + w * round_off[:, 0], z + 0.5 * t * round_off[:, 1]])
                for x, y, w, t, z in stations
            ]
        )
    )


def solid_bodies(handle_m: tuple[float, float], thick_m: float, *, middle_m: tuple, size_m: tuple) -> list[Part]:
    """What collides, unseen: the handle between two places on x, and a box of half extents about the head's middle."""
    start, end = handle_m
    unseen = {"visible": False, "solid": True}
    return [
        rod((start, 0, 0), (end, 0, 0), thick_m, **unseen),
        Part(shape="box", size_m=size_m, position_m=middle_m, **unseen),
    ]
