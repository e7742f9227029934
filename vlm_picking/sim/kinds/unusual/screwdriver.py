"""Screwdrivers: a handle of plastic or wood, a thin shaft and a flat, crossed or plain tip."""

import numpy as np

from vlm_picking.sim.kinds.model import Part, about, rod
from vlm_picking.sim.kinds.registry import unusual_shapes
from vlm_picking.sim.kinds.screwdriver import STEEL, fluted
from vlm_picking.sim.meshes import TriMesh, extrude, loft

_RUBBER = (0.06, 0.06, 0.065)


# Side views of handles from the end (0) to the neck (1): places along them, and shares of the full radius.
_FLUTED = ((0, 0.02, 0.1, 0.3, 0.6, 0.75, 0.84, 0.92, 1.0), (0.55, 0.8, 0.98, 1.0, 0.98, 0.85, 0.66, 0.75, 0.5))


_BELLY = ((0, 0.02, 0.1, 0.25, 0.5, 0.7, 0.82, 0.9, 0.95, 1.0), (0.6, 0.85, 0.97, 1, 0.93, 0.72, 0.62, 0.9, 0.98, 0.5))


_BARREL = ((0, 0.03, 0.12, 0.5, 0.85, 0.95, 1.0), (0.75, 0.94, 1.0, 1.0, 0.98, 0.8, 0.45))


_PEAR = ((0, 0.04, 0.15, 0.3, 0.5, 0.7, 0.85, 0.93, 1.0), (0.5, 0.86, 1.0, 0.97, 0.82, 0.66, 0.62, 0.68, 0.6))


@unusual_shapes("screwdriver")
def screwdriver(rng: np.random.Generator) -> tuple[Part, ...]:
    """A screwdriver of 140 to 300 mm, its handle 16 to 36 mm thick; its tip points along +x.

    Fluted plastic, two-component with rubber, wooden, insulated down its shaft, or slim for small screws.
    """
    form = str(rng.choice(["fluted", "fluted", "rubber", "rubber", "wood", "insulated", "slim"]))
    grip, radius = rng.uniform(0.078, 0.122), rng.uniform(0.0115, 0.018)
    shaft, thin = rng.uniform(0.070, 0.172), rng.uniform(0.0024, 0.0046)
    if form == "slim":
        grip, radius = rng.uniform(0.075, 0.105), rng.uniform(0.008, 0.0105)
        shaft, thin = rng.uniform(0.065, 0.110), rng.uniform(0.0018, 0.0026)
    if form == "fluted":
        return fluted(rng, grip, shaft, radius, thin)
    side = {"wood": _PEAR, "slim": _BARREL}.get(form) or (_BELLY, _BARREL, _FLUTED)[rng.integers(3)]
    look = {"texture": "wood", "gloss": 0.3} if form == "wood" else {"gloss": float(rng.uniform(0.15, 0.7))}
    start = -(grip + shaft) / 2
    neck, end = start + grip, start + grip + shaft
    section = _section(rng, plain=form == "wood")
    parts = [
        Part(shape="mesh", mesh=_turned(side, section, start, grip, radius), **look),
        *_blade(rng, neck, end, thin, sleeved=form == "insulated"),
        rod((start + radius, 0, 0), (neck - radius, 0, 0), radius, visible=False, solid=True),
        rod((neck, 0, 0), (end, 0, 0), max(thin, 0.003), visible=False, solid=True),
    ]
    if form in ("rubber", "insulated"):
        # Rubber lies in one or two wide bands of the handle; the rest keeps the colour that is named.
        bands = ((0.14, 0.55),) if rng.random() < 0.6 else ((0.12, 0.3), (0.52, 0.72))
        for span in bands:
            zone = _turned(side, section, start, grip, 1.025 * radius, span)
            parts.append(Part(shape="mesh", mesh=zone, rgb=_RUBBER, gloss=0.1))
    if form in ("wood", "slim"):
        # A steel ferrule at the neck of a wooden handle, a cap that turns at the end of a slim one.
        at, size = (neck - 0.004, 0.72 * radius) if form == "wood" else (start - 0.002, 0.8 * radius)
        parts.append(_disc(at, size, 0.006, rgb=STEEL, texture="metal", gloss=0.9))
    return tuple(parts)


def _section(rng: np.random.Generator, *, plain: bool) -> np.ndarray:
    """The cross-section of a handle as 24 shares of its radius: round, fluted, hexagonal or three-lobed."""
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    form = 0 if plain else int(rng.integers(4))
    hexagon = np.cos(np.pi / 6) / np.cos(turn % (np.pi / 3) - np.pi / 6)
    lobes = 1 - rng.uniform(0.06, 0.12) * (1 + np.cos(3 * turn))
    flutes = 1 - rng.uniform(0.06, 0.11) * (np.cos(int(rng.choice([4, 6, 8])) * turn) > 0)
    return (np.ones(24), flutes, hexagon, lobes)[form]


def _turned(side: tuple, section: np.ndarray, start: float, grip: float, radius: float, span=None) -> TriMesh:
    """A handle by its side view and cross-section, or only its `span` (shares of its length)."""
    along, swell = (np.array(values) for values in side)
    if span is not None:
        places = np.unique([*span, *along[(along > span[0]) & (along < span[1])]])
        along, swell = places, np.interp(places, along, swell)
    swell = swell * radius
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = np.stack([0 * turn, np.cos(turn) * section, np.sin(turn) * section], -1)
    spine = np.column_stack([start + along * grip, 0 * along, 0 * along])
    return loft(ring[None] * swell[:, None, None] + spine[:, None])


def _blade(rng: np.random.Generator, neck: float, end: float, thin: float, *, sleeved: bool) -> list[Part]:
    """A shaft, bright or blackened, round or hexagonal, perhaps with a bolster or a sleeve, and its tip."""
    rgb = STEEL if rng.random() < 0.75 else (0.14, 0.14, 0.15)
    steel = {"rgb": rgb, "texture": "metal", "gloss": 0.9}
    round_shaft, bolster, tip = rng.random() < 0.7, rng.random() < 0.3, str(rng.choice(["flat", "cross", "plain"]))
    last = end - (0.006 if tip == "flat" else 0.008 if tip == "cross" else 0.0)
    parts = [_disc((neck - 0.002 + last) / 2, thin, (last - neck + 0.002) / 2, sides=18 if round_shaft else 6, **steel)]
    if tip == "flat":
        parts.append(_flat_tip(end, thin, rgb))
    if tip == "cross":
        parts.append(rod((last - 0.001, 0, 0), (end, 0, 0), 0.6 * thin, shape="cylinder", **steel))
    if sleeved:
        parts.append(rod((neck - 0.002, 0, 0), (end - 0.016, 0, 0), 1.35 * thin, shape="cylinder", gloss=0.4))
    elif bolster:
        parts.append(_disc(neck + 0.004, 1.9 * thin, 0.007, sides=6, **steel))
    return parts


def _flat_tip(end: float, thin: float, rgb: tuple) -> Part:
    size = (0.009, 1.5 * thin, 0.35 * thin)
    return Part(shape="box", size_m=size, position_m=(end - 0.008, 0, 0), rgb=rgb, gloss=0.9)


def _disc(x: float, radius: float, half: float, *, sides: int = 0, **paint) -> Part:
    """A cylinder along x, or a prism of `sides`."""
    place = {"position_m": (x, 0, 0), "quat": about("y", np.pi / 2)}
    if not sides:
        return Part(shape="cylinder", size_m=(radius, half), **place, **paint)
    turn = np.arange(sides) * 2 * np.pi / sides
    outline = radius * np.column_stack([np.cos(turn), np.sin(turn)])
    return Part(shape="mesh", mesh=extrude(outline, 2 * half), **place, **paint)
