"""Gears: a toothed wheel with a bore, solid, with a hub, or with spokes."""

import numpy as np

from vlm_picking.sim.kinds._compound import block, joined, ring_plate
from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import TriMesh

_COLOURS = ("grey", "grey", "grey", "black", "yellow", "brown", "white", "red", "blue", "orange", "green")


@kind(
    "gear",
    synonyms=("gearwheel", "gear wheel", "cog", "cogwheel", "sprocket"),
    colours=_COLOURS,
    mass_kg=0.2,
    rest="flat",
)
def gear(rng: np.random.Generator) -> tuple[Part, ...]:
    """A spur gear of 56 to 112 mm across and 12 to 22 mm thick with 10 to 18 teeth."""
    outer, thick = rng.uniform(0.028, 0.056), rng.uniform(0.012, 0.022)
    teeth = int(np.clip(outer / 0.003 + rng.integers(-2, 3), 10, 18))
    root, bore = outer - 1.25 * outer * np.pi / (2 * teeth + 4), rng.uniform(0.16, 0.28) * outer
    finish = {"texture": "metal", "gloss": 0.9} if rng.random() < 0.6 else {"gloss": 0.4}
    profile = _teeth(outer, root, teeth)
    solid = [Part(shape="cylinder", size_m=(0.97 * outer, thick / 2), visible=False, solid=True)]
    if rng.random() < 0.5 and outer > 0.036:
        meshes = [ring_plate(profile, _circle(0.74 * root, len(profile)), thick), _spokes(rng, root, bore, thick)]
        meshes.append(_ring(1.7 * bore, bore, thick))
        return (Part(shape="mesh", mesh=joined(meshes), **finish), *solid)
    meshes = [ring_plate(profile, _circle(bore, len(profile)), thick)]
    if rng.random() < 0.6:
        hub = 1.3 * thick + 0.008
        meshes.append(_ring(1.9 * bore, bore, hub))
        solid.append(Part(shape="cylinder", size_m=(1.9 * bore, hub / 2), visible=False, solid=True))
    parts = [Part(shape="mesh", mesh=joined(meshes), **finish)]
    if rng.random() < 0.5 and outer > 0.036:
        dark = [_disc_at(k * np.pi / 3, 0.64 * root, 0.12 * root, thick + 6e-4) for k in range(6)]
        parts.append(Part(shape="mesh", mesh=joined(dark), rgb=(0.03, 0.03, 0.03), gloss=0.0))
    return (*parts, *solid)


def _teeth(outer_m: float, root_m: float, teeth: int) -> np.ndarray:
    """The outline (5 x teeth, 2) of a toothed wheel: tapered teeth with flat tips."""
    step = 2 * np.pi / teeth
    edges = np.array([-0.30, -0.15, 0.15, 0.30, 0.50]) * step
    radii = np.array([root_m, outer_m, outer_m, root_m, root_m])
    turn = (np.arange(teeth)[:, None] * step + edges).ravel()
    return np.tile(radii, teeth)[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])


def _circle(radius_m: float, points: int) -> np.ndarray:
    turn = np.arange(points) * 2 * np.pi / points
    return radius_m * np.column_stack([np.cos(turn), np.sin(turn)])


def _ring(outer_m: float, inner_m: float, height_m: float) -> TriMesh:
    return ring_plate(_circle(outer_m, 20), _circle(inner_m, 20), height_m)


def _spokes(rng, root_m: float, bore_m: float, thick_m: float) -> TriMesh:
    """Flat bars from the hub to the rim."""
    count, bars = int(rng.integers(3, 7)), []
    near, far = 1.4 * bore_m, 0.82 * root_m
    bar = block(((near + far) / 2, 0, 0), ((far - near) / 2, 0.085 * root_m, 0.35 * thick_m))
    for turn in np.arange(count) * 2 * np.pi / count:
        c, s = np.cos(turn), np.sin(turn)
        bars.append(bar.moved(bar.vertices @ np.array([(c, s, 0), (-s, c, 0), (0, 0, 1)])))
    return joined(bars)


def _disc_at(turn_rad: float, reach_m: float, radius_m: float, height_m: float) -> TriMesh:
    """A round mark on both sides of the wheel: a hole, seen from outside."""
    disc = ring_plate(_circle(radius_m, 8), _circle(0.02 * radius_m, 8), height_m)
    return disc.moved(disc.vertices + reach_m * np.array([np.cos(turn_rad), np.sin(turn_rad), 0.0]))
