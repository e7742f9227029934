"""Pipe fittings: an elbow or a tee with a collar around every mouth."""

import numpy as np

from vlm_picking.sim.kinds.model import Part, about, rod
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import revolve, sweep

_COLOURS = ("white", "white", "grey", "grey", "black", "brown", "orange", "blue", "green")
_DEPTH_M = 0.012


@kind(
    "pipe",
    synonyms=("pipe fitting", "fitting"),
    colours=_COLOURS,
    mass_kg=0.12,
)
def pipe(rng: np.random.Generator) -> tuple[Part, ...]:
    """A fitting of 60 to 120 mm for pipes of 28 to 42 mm."""
    radius = rng.uniform(0.014, 0.020)
    reach = radius * rng.uniform(2.8, 3.8)
    finish = {"texture": "metal" if rng.random() < 0.4 else "plain", "gloss": 0.6}
    if rng.random() < 0.6:
        return _elbow(rng, radius, reach, finish)
    return _tee(rng, radius, reach, finish)


def _elbow(rng: np.random.Generator, radius: float, reach: float, finish: dict) -> tuple[Part, ...]:
    """One quarter turn from the mouth at +x to the mouth at +z."""
    bend = min(radius * rng.uniform(1.2, 1.8), reach - 0.018)
    shift = (reach - radius) / 2
    turn = np.linspace(0, np.pi / 2, 9)
    arc = [(bend * (1 - np.sin(a)), 0, bend * (1 - np.cos(a))) for a in turn]
    inner = reach - _DEPTH_M
    path = np.array([(inner, 0, 0), *arc, (0, 0, inner)]) - [shift, 0, shift]
    parts = [Part(shape="mesh", mesh=sweep(path, radius, segments=16), **finish)]
    paint = _collar_paint(rng)
    for axis, place in (("x", (reach - shift, 0.0, -shift)), ("z", (-shift, 0.0, reach - shift))):
        parts += _mouth(axis, 1.0, place, radius, finish | paint)
    knots = path[[0, 5, 10]]
    parts += [rod(knots[k], knots[k + 1], radius, visible=False, solid=True) for k in range(2)]
    return tuple(parts)


def _tee(rng: np.random.Generator, radius: float, reach: float, finish: dict) -> tuple[Part, ...]:
    """A straight run along x and a branch to +z."""
    reach, shift = 0.85 * reach, (0.85 * reach - radius) / 2
    inner = reach - _DEPTH_M
    paint = _collar_paint(rng)
    parts = [
        rod((-inner, 0, -shift), (inner, 0, -shift), radius, shape="cylinder", **finish),
        rod((0, 0, -shift), (0, 0, inner - shift), radius, shape="cylinder", **finish),
    ]
    for sign in (-1.0, 1.0):
        parts += _mouth("x", sign, (sign * reach, 0.0, -shift), radius, finish | paint)
    return (*parts, *_mouth("z", 1.0, (0.0, 0.0, reach - shift), radius, finish | paint))


def _collar_paint(rng: np.random.Generator) -> dict:
    if rng.random() < 0.2:
        return {"rgb": tuple(rng.uniform(0.04, 0.25) * np.ones(3)), "texture": "plain"}
    return {}


def _mouth(axis: str, sign: float, place: tuple, radius: float, look: dict) -> list[Part]:
    """A solid collar that ends at `place` and opens towards `sign` * `axis`, with a dark hole in it."""
    outer, inner = 1.3 * radius, 0.98 * radius
    # A collar of another paint is short: the fitting is called after the colour of its body.
    low = -(1.1 if "rgb" in look else 1.7) * _DEPTH_M
    ring = [(inner, low), (outer, low), (outer, 0.0), (inner, 0.0), (inner, low)]
    tilt = {"x": sign * np.pi / 2, "z": 0.0 if sign > 0 else np.pi}[axis]
    outwards = sign * np.array([axis == "x", False, axis == "z"])
    end, floor = np.array(place) + low * outwards, np.array(place) - (_DEPTH_M - 0.001) * outwards
    bottom = tuple(floor - 0.001 * outwards), tuple(floor + 0.001 * outwards)
    return [
        Part(shape="mesh", mesh=revolve(np.array(ring), segments=22), position_m=place, quat=about("y", tilt), **look),
        rod(*bottom, inner, shape="cylinder", rgb=(0.03, 0.03, 0.03), gloss=0.0),
        rod(tuple(end), place, outer, shape="cylinder", visible=False, solid=True),
    ]
