"""Plates: a flat well and a rim, or one wide curve; plain or painted."""

import numpy as np

from vlm_picking.sim.colours import PAINTS
from vlm_picking.sim.kinds._vessel import squeezed, wall
from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import unusual_shapes
from vlm_picking.sim.meshes import revolve


@unusual_shapes("plate")
def plate(rng: np.random.Generator) -> tuple[Part, ...]:
    """A round or oval plate of 124 to 224 mm across and 14 to 34 mm high.

    With a wide, narrow or deep rim about a flat well, a coupe plate that curves up all the way, a saucer with a ring
    for the cup; glazed or matt, banded, with a painted well, or plain.
    """
    form = str(rng.choice(["rimmed", "coupe", "saucer"], p=(0.58, 0.26, 0.16)))
    radius = rng.uniform(0.062, 0.082) if form == "saucer" else rng.uniform(0.070, 0.112)
    half, thick = rng.uniform(0.0075, 0.0165), rng.uniform(0.003, 0.0045)
    scale = (1.0, rng.uniform(0.72, 0.88) if form != "saucer" and rng.random() < 0.18 else 1.0)
    well, step = radius * rng.uniform(0.50, 0.80), rng.uniform(0.04, 0.09) * radius
    ledge = rng.uniform(-0.15, 0.55) * half
    if form == "coupe":
        rise = np.linspace(0, 1, 6)[1:-1]
        bend = np.column_stack([well + (radius - well) * rise, 2 * half * rise ** rng.uniform(1.4, 2.4) - half])
        step = 0.0
        top, under = bend[::-1] + (-0.001, 0.0045), bend
    else:
        # Two points close together at each fold keep the well and the rim flat, and so the fold sharp.
        top = [(well + step + 0.0015, ledge), (well + step - 0.001, ledge - 0.001)]
        under = [(well + step, ledge - thick)]
    top = np.array(top)
    top = np.column_stack([top[:, 0], np.minimum(top[:, 1], half - 2e-4)])
    lip = [(radius + 0.001, half - 0.001), (radius, half), (radius - 0.002, half)]
    floor = [(well, 0.0055 - half), (well - 0.003, thick - half), (0, thick - half)]
    outline = np.array([(0, -half), (0.94 * well, -half), *under, (radius, half - thick), *lip, *top, *floor])
    gloss = 0.8 if rng.random() < 0.7 else 0.15
    look = {"texture": "skin" if rng.random() < 0.12 else "plain", "gloss": gloss}
    parts = [Part(shape="mesh", mesh=revolve(outline, segments=40, scale_xy=scale), **look)]
    surface = np.array([*floor[::-1], *top[::-1], *lip[:1:-1]])

    def band(low: float, high: float, rgb: tuple, texture: str = "plain") -> Part:
        """A painted ring on what is seen from above, between two radii [m]."""
        r, z = surface.T
        radii = np.array([low, *r[(r > low) & (r < high)], high])
        over = np.column_stack([radii, np.interp(radii, r, z) + 4e-4])
        ring = np.array([*over, *(over - (0.0, 0.001))[::-1], over[0]])
        mesh = revolve(ring, segments=40, scale_xy=scale)
        return Part(shape="mesh", mesh=mesh, rgb=rgb, texture=texture, gloss=gloss)

    decor, rim = rng.random(), radius - well - step
    accent = PAINTS[str(rng.choice(["blue", "red", "green", "grey", "brown", "white", "black", "cyan", "yellow"]))]
    if decor < 0.22:
        parts.append(band(radius - rng.uniform(0.1, 0.4) * rim, radius - 5e-4, accent))
    elif decor < 0.36:
        inner, outer = well + step, radius - 0.002
        parts += [band(inner + 0.06 * rim, inner + 0.18 * rim, accent), band(outer - 0.2 * rim, outer, accent)]
    elif decor < 0.48:
        parts.append(band(0.86 * well, 0.94 * well, accent))
    elif decor < 0.56:
        parts.append(band(2e-4, rng.uniform(0.35, 0.8) * well, accent))
    if form == "saucer":
        parts.append(band(0.44 * well, 0.49 * well, accent if decor > 0.8 else (0.6, 0.6, 0.6)))
    foot = Part(
        shape="cylinder", size_m=(scale[1] * well, 0.003), position_m=(0, 0, 0.003 - half), visible=False, solid=True
    )
    slats = wall((well, radius - 0.002), (0.003 - half, half - 0.002), 0.0028, pieces=14)
    return (*parts, foot, *(squeezed(slat, scale[1]) for slat in slats))
