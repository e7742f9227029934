"""Bananas: a tapered arc with five soft edges and dark ends."""

import numpy as np

from vlm_picking.sim.kinds.model import Part, rod
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import sweep


@kind("banana", colours=("yellow", "yellow", "yellow", "yellow", "green"), mass_kg=0.12, rest="flat")
def banana(rng: np.random.Generator) -> tuple[Part, ...]:
    """A banana of 150 to 200 mm along its arc, lying on its side."""
    length, thick = rng.uniform(0.15, 0.20), rng.uniform(0.015, 0.019)
    bend = rng.uniform(1.1, 1.7)
    bow = length / bend
    turn = np.linspace(-bend / 2, bend / 2, 17)
    # The arc bends in the x-y plane; `sweep` wants x-z, so the parts are laid down by a quarter turn.
    path = np.column_stack([bow * np.sin(turn), 0 * turn, bow * (np.cos(turn) - np.cos(bend / 4))])
    along = np.linspace(0, 1, len(path))
    taper = np.clip(np.minimum((along + 0.05) / 0.22, (1.06 - along) / 0.16), 0, 1) ** 0.6
    radius = thick * np.maximum(taper, 0.3)
    down = (float(np.sqrt(0.5)), float(np.sqrt(0.5)), 0.0, 0.0)
    tips = [
        Part(
            shape="mesh",
            mesh=sweep(path[cut], 1.06 * radius[cut], segments=6),
            quat=down,
            rgb=(0.18, 0.12, 0.05),
        )
        for cut in (slice(0, 2), slice(-2, None))
    ]
    knots = path[[0, 5, 11, 16]][:, [0, 2]] * [1, -1]
    bones = [rod((*knots[k], 0.0), (*knots[k + 1], 0.0), 0.8 * thick, visible=False, solid=True) for k in range(3)]
    flesh = Part(shape="mesh", mesh=sweep(path, radius, segments=6), quat=down, texture="skin", gloss=0.2)
    return (flesh, *tips, *bones)
