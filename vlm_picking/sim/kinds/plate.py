"""Plates: a flat well and a wide, gently rising rim."""

import numpy as np

from vlm_picking.sim.colours import PAINTS
from vlm_picking.sim.kinds._vessel import wall
from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import revolve

_COLOURS = ("white", "white", "white", "blue", "green", "yellow", "red", "grey", "pink", "cyan", "black", "orange")


@kind("plate", synonyms=("dinner plate", "saucer"), colours=_COLOURS, mass_kg=0.35, rest="stand_or_lie")
def plate(rng: np.random.Generator) -> tuple[Part, ...]:
    """A plate of 150 to 210 mm across and 20 to 30 mm high."""
    radius, half, thick = rng.uniform(0.075, 0.105), rng.uniform(0.010, 0.015), 0.004
    well, step = radius * rng.uniform(0.56, 0.66), 0.06 * radius
    ledge = 0.15 * half
    outside = [(0, -half), (0.94 * well, -half), (well + step, ledge - thick), (radius, half - thick)]
    # Two points close together at each fold keep the well and the rim flat, and so the fold sharp.
    lip = [(radius + 0.001, half - 0.001), (radius, half), (radius - 0.002, half)]
    fold = [(well + step + 0.0015, ledge), (well + step - 0.001, ledge - 0.001), (well, 0.0055 - half)]
    inside = [*lip, *fold, (well - 0.003, thick - half), (0, thick - half)]
    outside += inside
    parts = [Part(shape="mesh", mesh=revolve(np.array(outside), segments=40), gloss=0.8)]

    def band(low: float, high: float, rgb: tuple) -> Part:
        """A painted ring on the rim between the shares `low` and `high` of its width."""
        span = radius - well - step
        r0, r1 = well + step + low * span, well + step + high * span
        z0, z1 = ledge + low * (half - ledge) + 3e-4, ledge + high * (half - ledge) + 3e-4
        ring = np.array([(r0, z0 - 0.001), (r1, z1 - 0.001), (r1, z1), (r0, z0), (r0, z0 - 0.001)])
        return Part(shape="mesh", mesh=revolve(ring, segments=40), rgb=rgb, gloss=0.8)

    decor = rng.random()
    accent = PAINTS[str(rng.choice(["blue", "red", "green", "grey", "brown", "white", "black", "cyan"]))]
    if decor < 0.35:
        parts.append(band(0.75, 0.99, accent))
    elif decor < 0.55:
        parts += [band(0.08, 0.2, accent), band(0.8, 0.95, accent)]
    elif decor < 0.75:
        parts.append(band(0.04, 0.18, accent))
    foot = Part(shape="cylinder", size_m=(well, 0.003), position_m=(0, 0, 0.003 - half), visible=False, solid=True)
    return (*parts, foot, *wall((well, radius - 0.002), (0.003 - half, half - 0.002), 0.0028, pieces=14))
