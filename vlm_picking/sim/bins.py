"""The bin, standing on a table: crates, trays, totes, slotted and wire baskets, cardboard boxes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vlm_picking.sim.kinds.model import Part, about, rod

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
    """A bin of 0.36 to 0.56 m by 0.25 to 0.48 m by 0.05 to 0.25 m, of any shape, or a crate of the size given."""
    build = _crate
    if inner_m is None:
        length = rng.uniform(0.36, 0.56)
        shape = str(rng.choice(list(_SHAPES), p=[share for share, *_ in _SHAPES.values()]))
        _, depth_m, build = _SHAPES[shape]
        inner_m = (float(length), float(length * rng.uniform(0.68, 0.85)), float(rng.uniform(*depth_m)))
        if build is _cardboard and colour is None:
            colour = str(rng.choice(["brown", "brown", "white"]))
    chosen = str(rng.choice(BIN_COLOURS, p=(0.28, 0.2, 0.14, 0.12, 0.16, 0.1))) if colour is None else colour
    rgb = np.clip(np.array(_PLASTICS[chosen]) * rng.uniform(0.75, 1.25) + rng.uniform(-0.02, 0.02, 3), 0.02, 1)
    surface = "wood" if chosen == "brown" else str(rng.choice(["plain", "plain", "board"]))
    look = {"texture": surface, "gloss": float(rng.uniform(0.0, 0.4)), "solid": True}
    rgb = tuple(float(v) for v in rgb)
    return Bin(inner_m=inner_m, colour=chosen, parts=build(rng, inner_m, rgb, look))


def _crate(rng: np.random.Generator, inner_m: tuple, rgb: tuple, look: dict) -> tuple[Part, ...]:
    """Closed walls with a flat lip and sometimes ribs."""
    x, y, depth = inner_m[0] / 2, inner_m[1] / 2, inner_m[2]
    thick, lip = rng.uniform(0.003, 0.009), rng.uniform(0.006, 0.014)
    floor_rgb = (
        rgb if rng.random() < 0.75 else tuple(float(v) for v in np.clip(np.array(rgb) * rng.uniform(0.6, 1.5), 0, 1))
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


def _plates(inner_m: tuple, thick_m: float, **look) -> list[Part]:
    """The floor, always seen, and four walls of twice `thick_m`."""
    x, y, depth = inner_m[0] / 2, inner_m[1] / 2, inner_m[2]
    parts = [Part(shape="box", size_m=(x, y, 0.01), position_m=(0, 0, -0.01), **look | {"visible": True})]
    for side in (-1, 1):
        for size, place in (
            ((thick_m, y, depth / 2 + 0.01), (side * (x + thick_m), 0, depth / 2 - 0.01)),
            ((x + 2 * thick_m, thick_m, depth / 2 + 0.01), (0, side * (y + thick_m), depth / 2 - 0.01)),
        ):
            parts.append(Part(shape="box", size_m=size, position_m=place, **look))
    return parts


def _rounded(rng: np.random.Generator, inner_m: tuple, rgb: tuple, look: dict) -> tuple[Part, ...]:
    """Closed walls with a thick round lip."""
    x, y, depth = inner_m[0] / 2, inner_m[1] / 2, inner_m[2]
    thick, lip = rng.uniform(0.003, 0.005), rng.uniform(0.006, 0.011)
    parts = _plates((*inner_m[:2], depth - lip), thick, rgb=rgb, **look)
    x, y = x + lip, y + lip
    corners = [(-x, -y), (x, -y), (x, y), (-x, y)]
    for k, corner in enumerate(corners):
        ends = (*corner, depth - lip), (*corners[k - 1], depth - lip)
        parts.append(rod(*ends, lip, rgb=rgb, **look | {"solid": False}))
    return tuple(parts)


def _cardboard(rng: np.random.Generator, inner_m: tuple, rgb: tuple, look: dict) -> tuple[Part, ...]:
    """Thin walls whose flaps are folded outwards."""
    x, y, depth = inner_m[0] / 2, inner_m[1] / 2, inner_m[2]
    thick, look = 0.002, look | {"texture": "board", "gloss": 0.05}
    parts = _plates(inner_m, thick, rgb=rgb, **look)
    shade = {"rgb": tuple(min(1.0, 1.1 * v) for v in rgb), "texture": "board", "gloss": 0.05}
    flap = rng.uniform(0.3, 0.48) * inner_m[1] / 2
    for side in (-1, 1):
        for axis, reach in (("y", x), ("x", y)):
            droop = rng.uniform(0.35, 1.1)
            out, down = reach + thick + flap * np.cos(droop), depth - flap * np.sin(droop)
            size = (flap, y, thick / 2) if axis == "y" else (x, flap, thick / 2)
            place = (side * out, 0, down) if axis == "y" else (0, side * out, down)
            turn = about(axis, side * droop if axis == "y" else -side * droop)
            parts.append(Part(shape="box", size_m=size, position_m=place, quat=turn, **shade))
    return tuple(parts)


def _slotted(rng: np.random.Generator, inner_m: tuple, rgb: tuple, look: dict) -> tuple[Part, ...]:
    """Walls of a few level boards with gaps between them."""
    depth, boards = inner_m[2], int(rng.integers(2, 5))
    share = rng.uniform(0.6, 0.8)
    step = depth / (boards - 1 + share)
    rows = [(k * step, k * step + share * step) for k in range(boards)]
    posts = [(end, end + 0.06) for end in (0.0, 0.94)]
    return _lattice(inner_m, rng.uniform(0.003, 0.007), rows, posts, rgb=rgb, **look)


def _wire(rng: np.random.Generator, inner_m: tuple, rgb: tuple, look: dict) -> tuple[Part, ...]:
    """Walls of upright wires between rails, round a closed floor."""
    depth, wires = inner_m[2], int(rng.integers(12, 20))
    rows = [(z, z + 0.006) for z in np.linspace(0.0, depth - 0.006, 4)]
    bars = [(end, end + 0.012) for end in np.linspace(0.0, 0.988, wires)]
    return _lattice(inner_m, rng.uniform(0.002, 0.0035), rows, bars, rgb=rgb, **look | {"gloss": 0.7})


def _lattice(inner_m: tuple, thick_m: float, rows: list, bars: list, **look) -> tuple[Part, ...]:
    """Solid walls that show only `rows`, from height to height [m], and `bars`, from share to share of a side."""
    x, y, depth = inner_m[0] / 2 + thick_m, inner_m[1] / 2 + thick_m, inner_m[2]
    parts = _plates(inner_m, thick_m, visible=False, **look)
    look = look | {"solid": False}
    for side in (-1, 1):
        for axis, reach, half in ((0, x, y), (1, y, x + thick_m)):
            pieces = [(0.0, half, (low + high) / 2, (high - low) / 2) for low, high in rows]
            # Bars stand back by a hair so that they never fight with the rows for the same pixels.
            pieces += [((low + high - 1) * half, (high - low) * half, depth / 2, depth / 2) for low, high in bars]
            for number, (along, wide, middle, high) in enumerate(pieces):
                thin = thick_m if number < len(rows) else 0.8 * thick_m
                size = (thin, wide, high) if axis == 0 else (wide, thin, high)
                place = (side * reach, along, middle) if axis == 0 else (along, side * reach, middle)
                parts.append(Part(shape="box", size_m=size, position_m=place, **look))
    return tuple(parts)


# The share of bins, the range of depths [m] and the builder of each shape.
_SHAPES: dict[str, tuple[float, tuple[float, float], Callable[..., tuple[Part, ...]]]] = {
    "crate": (0.36, (0.09, 0.18), _crate),
    "tray": (0.12, (0.05, 0.09), _crate),
    "tote": (0.12, (0.18, 0.25), _crate),
    "rounded": (0.12, (0.08, 0.18), _rounded),
    "cardboard": (0.12, (0.08, 0.2), _cardboard),
    "slotted": (0.08, (0.09, 0.18), _slotted),
    "wire": (0.08, (0.08, 0.16), _wire),
}
