"""Pliers: two bowed grips, a round joint and a pair of steel jaws."""

import numpy as np

from vlm_picking.sim.kinds.model import Part, about, rod
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import extrude, sweep

_COLOURS = ("red", "red", "blue", "yellow", "orange", "black", "green", "purple")


@kind("pliers", synonyms=("plier", "pincers", "pair of pliers"), colours=_COLOURS, mass_kg=0.22, rest="flat")
def pliers(rng: np.random.Generator) -> tuple[Part, ...]:
    """Pliers of 160 to 210 mm; their jaws point along +x, open by 0 to 20 degrees."""
    grip, long_nosed = rng.uniform(0.100, 0.125), rng.random() < 0.4
    jaw = rng.uniform(0.058, 0.072) if long_nosed else rng.uniform(0.040, 0.050)
    root, tip = rng.uniform(0.013, 0.016), rng.uniform(0.003, 0.004) if long_nosed else rng.uniform(0.008, 0.011)
    thick, radius = rng.uniform(0.011, 0.013), rng.uniform(0.0078, 0.0095)
    opening, joint = rng.uniform(0.0, 0.17), (grip - jaw) / 2
    steel = {"rgb": tuple(rng.uniform(0.25, 0.55) * np.ones(3)), "texture": "metal", "gloss": 0.85}
    bow, spread = rng.uniform(0.022, 0.028) + 0.06 * opening, rng.uniform(0.015, 0.022) + 0.12 * opening
    along = np.linspace(0, 1, 9)
    # A cubic from the joint: out quickly to the bow, then back a little to the spread at the end.
    knots = np.interp(along, [0, 0.12, 0.45, 0.7, 1.0], [0.006, 0.010, bow, bow, spread])
    parts = []
    for side in (-1, 1):
        outline = [(-0.010, 0.0005), (-0.006, 0.9 * root), (0.006, root), (0.4 * jaw, 0.5 * (root + tip))]
        outline = np.array([*outline, (0.97 * jaw, tip), (jaw, 0.6 * tip), (jaw, 0.0005)]) * [1, side]
        parts.append(
            Part(
                shape="mesh",
                mesh=extrude(outline, thick),
                position_m=(joint, 0, 0),
                quat=about("z", side * opening),
                solid=True,
                **steel,
            )
        )
        # `sweep` wants x-z; a quarter turn lays z along y.
        path = np.column_stack([joint - grip * (0.10 + 0.90 * along), 0 * along, side * knots])
        girth = radius * np.array([0.75, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.95, 0.6])
        grips = sweep(path, girth, segments=10, squash=0.85)
        parts.append(Part(shape="mesh", mesh=grips, quat=about("x", -np.pi / 2), gloss=0.5))
        tang = [(joint, 0.0, 0.0), (joint - 0.2 * grip, side * float(knots[1]), 0.0)]
        parts.append(rod(*tang, 0.0055, **steel))
        bones = [(joint, side * 0.006, 0.0), (joint - 0.5 * grip, side * bow, 0.0), (joint - grip, side * spread, 0.0)]
        parts += [rod(bones[k], bones[k + 1], 0.85 * radius, visible=False, solid=True) for k in range(2)]
    hub = Part(shape="cylinder", size_m=(1.05 * root, 0.5 * thick + 0.0005), position_m=(joint, 0, 0), **steel)
    rivet = {"rgb": (0.12, 0.12, 0.12), "gloss": 0.6}
    pin = Part(shape="cylinder", size_m=(0.42 * root, 0.5 * thick + 0.0015), position_m=(joint, 0, 0), **rivet)
    return (*parts, hub, pin)
