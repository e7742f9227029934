"""Hammers: a long handle of wood, plastic or steel and a steel head with a face and a claw, a wedge or a ball."""

import numpy as np

from vlm_picking.sim.kinds.hammer import claw, wooden_handle
from vlm_picking.sim.kinds.model import Part, rod
from vlm_picking.sim.kinds.registry import unusual_shapes
from vlm_picking.sim.meshes import loft


@unusual_shapes("hammer")
def hammer(rng: np.random.Generator) -> tuple[Part, ...]:
    """A hammer of 155 to 285 mm; its steel head of 60 to 115 mm is at +x and strikes along +y.

    Claw, cross-peen, ball-peen, pick-ended, or a square club head; on a handle of wood, on one of plastic
    with ribs, or on a steel tube with a grip.
    """
    half, radius = rng.uniform(0.074, 0.132), rng.uniform(0.009, 0.015)
    head, thick = rng.uniform(0.033, 0.052), rng.uniform(0.0085, 0.015)
    form = str(rng.choice(["claw", "claw", "claw", "wedge", "wedge", "ball", "pick", "club"]))
    if form == "club":
        head, thick = rng.uniform(0.036, 0.046), rng.uniform(0.015, 0.019)
    grey = rng.uniform(0.10, 0.62) * np.ones(3)
    steel = {"rgb": tuple(grey), "texture": "metal", "gloss": float(rng.uniform(0.4, 0.9))}
    parts = _grip(rng, half, radius, steel)
    if form == "club":
        block, rim = (thick, 0.82 * head, thick), (0.8 * thick, head, 0.8 * thick)
        parts += [Part(shape="box", size_m=size, position_m=(half, 0, 0), **steel) for size in (block, rim)]
    else:
        parts.append(Part(shape="box", size_m=(thick, 0.45 * head, thick), position_m=(half, 0.1 * head, 0), **steel))
        parts += _face(rng, half, head, thick, steel)
    if form == "claw":
        parts += claw(half, head, thick, rng.uniform(0.05, 0.35), steel)
    elif form in ("wedge", "pick"):
        sharp, narrow = (0.2, 1.0) if form == "wedge" else (0.25, 0.3)
        if rng.random() < 0.4:
            sharp, narrow = narrow, sharp
        wedge, end = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]), rng.uniform(0.85, 1.0) * head
        rings = [[(half + thick * a, -0.3 * head, thick * b) for a, b in wedge]]
        rings.append([(half + narrow * thick * a, -end, sharp * thick * b) for a, b in wedge])
        parts.append(Part(shape="mesh", mesh=loft(np.array(rings)), **steel))
    elif form == "ball":
        parts.append(rod((half, -0.6 * head, 0), (half, 0, 0), 0.75 * thick, shape="cylinder", **steel))
        ball = 0.98 * thick
        parts.append(Part(shape="sphere", size_m=(ball,), position_m=(half, ball - 0.95 * head, 0), **steel))
    solid = {"visible": False, "solid": True}
    parts.append(rod((-half, 0, 0), (half, 0, 0), radius, **solid))
    parts.append(Part(shape="box", size_m=(thick, 0.95 * head, thick), position_m=(half, 0, 0), **solid))
    return tuple(parts)


def _grip(rng: np.random.Generator, half: float, radius: float, steel: dict) -> list[Part]:
    """A handle: turned wood with or without a dark end, ribbed plastic, or a steel tube in a thicker grip."""
    form = str(rng.choice(["wood", "wood", "plastic", "steel"]))
    if form == "wood":
        parts = [wooden_handle(half, radius)]
        if rng.random() < 0.3:
            parts.append(rod((-half, 0, 0), (-0.35 * half, 0, 0), 1.14 * radius, rgb=(0.06, 0.06, 0.06)))
        return parts
    split = rng.uniform(-0.2, 0.25) * half
    stem = {"rgb": (0.07, 0.07, 0.075), "gloss": 0.3} if form == "plastic" else steel
    parts = [
        rod((-half + radius, 0, 0), (split, 0, 0), 1.1 * radius, gloss=0.25),
        rod((split - 0.01, 0, 0), (half, 0, 0), rng.uniform(0.6, 0.85) * radius, shape="cylinder", **stem),
        rod((split - 0.004, 0, 0), (split + 0.006, 0, 0), 1.25 * radius, shape="cylinder", gloss=0.25),
    ]
    if rng.random() < 0.5:
        for x in np.linspace(0.12, 0.8, int(rng.integers(3, 7))):
            at = -half + x * (split + half)
            ring = {"shape": "cylinder", "rgb": (0.05, 0.05, 0.055), "gloss": 0.1}
            parts.append(rod((at, 0, 0), (at + 0.005, 0, 0), 1.14 * radius, **ring))
    return parts


def _face(rng: np.random.Generator, half: float, head: float, thick: float, steel: dict) -> list[Part]:
    """A neck and a face, round or square, flush with the body or wider."""
    wide = rng.uniform(0.95, 1.25) * thick
    if rng.random() < 0.3:
        side = 0.92 * wide
        return [Part(shape="box", size_m=(side, 0.3 * head, side), position_m=(half, 0.7 * head, 0), **steel)]
    neck = rod((half, 0.4 * head, 0), (half, 0.8 * head, 0), 0.8 * wide, shape="cylinder", **steel)
    start = rng.uniform(0.4, 0.7) * head
    return [neck, rod((half, start, 0), (half, head, 0), wide, shape="cylinder", **steel)]
