"""Nuts: a thick hexagon with a threaded hole."""

import numpy as np

from vlm_picking.sim.kinds.model import Part, about
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import loft, revolve


@kind(
    "nut",
    synonyms=("hex nut", "lock nut"),
    colours=("grey", "grey", "grey", "yellow", "black"),
    mass_kg=0.06,
    rest="stand_or_lie",
)
def nut(rng: np.random.Generator) -> tuple[Part, ...]:
    """A nut of 30 to 50 mm across its flats and 14 to 24 mm thick."""
    flats = rng.uniform(0.015, 0.025)
    half, hole = flats * rng.uniform(0.42, 0.5), flats * rng.uniform(0.52, 0.62)
    finish = {"texture": "metal", "gloss": 0.9}
    turn = np.arange(36) * 2 * np.pi / 36
    hexagon = flats / np.cos((turn + np.pi / 6) % (np.pi / 3) - np.pi / 6)
    round_off = np.minimum(hexagon, 1.03 * flats)
    z = np.linspace(-half, half, 7)
    thread = [(np.full(36, hole * (1.0 if k % 2 else 1.09)), z[k]) for k in range(6, -1, -1)]
    chamfer = half - 0.12 * flats
    outside = [(round_off, -half), (hexagon, -chamfer), (hexagon, chamfer), (round_off, half)]
    rings = [np.column_stack([r * np.cos(turn), r * np.sin(turn), np.full(36, h)]) for r, h in (*outside, *thread)]
    profile = np.array([(np.mean(r), h) for r, h in (*outside, *thread)])
    parts = [Part(shape="mesh", mesh=loft(np.array(rings), capped=False, profile=profile), **finish)]
    style = rng.random()
    if style < 0.2:
        wide, low = 1.3 * flats, -half - 0.001
        flange = [(hole, low), (wide, low), (wide, low + 0.003), (1.05 * flats, low + 0.006), (hole, low + 0.006)]
        parts.append(Part(shape="mesh", mesh=revolve(np.array([*flange, flange[0]]), segments=28), **finish))
    elif style < 0.45:
        # The nylon ring of a lock nut.
        nylon = [(0.88 * hole, 0.6 * half), (1.2 * hole, 0.6 * half), (1.2 * hole, half + 0.002)]
        nylon = [*nylon, (0.88 * hole, half + 0.002), (0.88 * hole, 0.6 * half)]
        rgb = (0.08, 0.22, 0.65) if rng.random() < 0.6 else (0.88, 0.88, 0.86)
        parts.append(Part(shape="mesh", mesh=revolve(np.array(nylon), segments=24), rgb=rgb, gloss=0.2))
    middle, thick = (flats + hole) / 2, (flats - hole) / 2
    for angle in np.arange(6) * np.pi / 3:
        place = (float(middle * np.cos(angle)), float(middle * np.sin(angle)), 0.0)
        size = (thick, 1.1 * middle * float(np.tan(np.pi / 6)), half)
        parts.append(
            Part(shape="box", size_m=size, position_m=place, quat=about("z", angle), visible=False, solid=True)
        )
    return tuple(parts)
