"""The bin: an open box with walls, a lip and sometimes ribs, standing on a table."""

from dataclasses import dataclass

import numpy as np

from vlm_picking.sim.kinds.model import Part

_PLASTICS = {
    "grey": (0.35, 0.36, 0.38),
    "blue": (0.08, 0.16, 0.42),
    "black": (0.09, 0.09, 0.10),
    "green": (0.08, 0.28, 0.15),
    "brown": (0.42, 0.29, 0.17),
    "white": (0.80, 0.80, 0.78),
}
BIN_COLOURS: tuple[str, ...] = tuple(_PLASTICS)


@dataclass(frozen=True, eq=False, kw_only=True)
class Bin:
    """An open box whose inner floor is at z = 0 of the world, centred on the origin.

    `inner_m` is (length along x, width along y, depth of the walls).
    """

    inner_m: tuple[float, float, float]
    colour: str
    parts: tuple[Part, ...]


def make_bin(rng: np.random.Generator, *, colour: str | None = None, inner_m: tuple | None = None) -> Bin:
    """A bin of 0.36 to 0.56 m by 0.27 to 0.40 m by 0.09 to 0.18 m, or of the size given."""
    if inner_m is None:
        length = rng.uniform(0.36, 0.56)
        inner_m = (float(length), float(length * rng.uniform(0.68, 0.85)), float(rng.uniform(0.09, 0.18)))
    chosen = str(rng.choice(BIN_COLOURS, p=(0.28, 0.2, 0.14, 0.12, 0.16, 0.1))) if colour is None else colour
    rgb = np.clip(
        np.array(_PLASTICS[chosen]) * rng.uniform(0.75, 1.25) + rng.uniform(-0.02, 0.02, 3), 0.02, 1
    )
    surface = "wood" if chosen == "brown" else str(rng.choice(["plain", "plain", "board"]))
    look = {"texture": surface, "gloss": float(rng.uniform(0.0, 0.4)), "solid": True}
    rgb = tuple(float(v) for v in rgb)
    return Bin(inner_m=inner_m, colour=chosen, parts=_walls(rng, inner_m, rgb, look))


def _walls(rng: np.random.Generator, inner_m: tuple, rgb: tuple, look: dict) -> tuple[Part, ...]:
    x, y, depth = inner_m[0] / 2, inner_m[1] / 2, inner_m[2]
    thick, lip = rng.uniform(0.003, 0.009), rng.uniform(0.006, 0.014)
    floor_rgb = (
        rgb
        if rng.random() < 0.75
        else tuple(float(v) for v in np.clip(np.array(rgb) * rng.uniform(0.6, 1.5), 0, 1))
    )
    parts = [Part(shape="box", size_m=(x, y, 0.01), position_m=(0, 0, -0.01), rgb=floor_rgb, **look)]
    has_ribs = rng.random() < 0.4
    for side in (-1, 1):
        wall = ((thick, y, depth / 2 + 0.01), (side * (x + thick), 0, depth / 2 - 0.01))
        parts.append(Part(shape="box", size_m=wall[0], position_m=wall[1], rgb=rgb, **look))
        wall = ((x + 2 * thick, thick, depth / 2 + 0.01), (0, side * (y + thick), depth / 2 - 0.01))
        parts.append(Part(shape="box", size_m=wall[0], position_m=wall[1], rgb=rgb, **look))
        edge = {"rgb": rgb, "texture": look["texture"], "gloss": look["gloss"]}
        rim = ((lip / 2, y + lip, 0.003), (side * (x + 2 * thick + lip / 2 - 0.001), 0, depth - 0.003))
        parts.append(Part(shape="box", size_m=rim[0], position_m=rim[1], **edge))
        rim = ((x + 2 * thick, lip / 2, 0.003), (0, side * (y + 2 * thick + lip / 2 - 0.001), depth - 0.003))
        parts.append(Part(shape="box", size_m=rim[0], position_m=rim[1], **edge))
        if has_ribs:
            for place in np.linspace(-0.8, 0.8, 5) * x:
                rib = (float(place), side * (y - 0.002), depth / 2)
                parts.append(Part(shape="box", size_m=(0.003, 0.003, depth / 2), position_m=rib, **edge))
    return tuple(parts)
