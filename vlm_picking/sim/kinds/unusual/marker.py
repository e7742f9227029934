"""Markers: a round or flat felt pen with a cap and clip, or uncapped with its nib."""

import numpy as np

from vlm_picking.sim.kinds.marker import WHITE, felt_pen
from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import unusual_shapes
from vlm_picking.sim.meshes import loft


@unusual_shapes("marker")
def marker(rng: np.random.Generator) -> tuple[Part, ...]:
    """A marker of 110 to 160 mm and 14 to 26 mm thick; its nib points along +x.

    Thick permanent markers, slim fineliners, and flat highlighters; in one colour, or on white, black or steel.
    """
    half, radius = rng.uniform(0.058, 0.076), rng.uniform(0.0085, 0.0115)
    form = str(rng.choice(["thick", "thick", "slim", "flat", "jumbo"]))
    if form == "slim":
        half, radius = rng.uniform(0.066, 0.080), rng.uniform(0.007, 0.0082)
    elif form == "flat":
        half, radius = rng.uniform(0.055, 0.066), rng.uniform(0.0095, 0.0125)
    elif form == "jumbo":
        half, radius = rng.uniform(0.055, 0.068), rng.uniform(0.0115, 0.013)
    if form == "flat":
        return _highlighter(rng, half, radius)
    shells = [None, None, WHITE, WHITE, (0.07, 0.07, 0.075), (0.6, 0.6, 0.62)]
    shell, capped = shells[rng.integers(len(shells))], rng.random() < 0.7
    joint = rng.uniform(-0.15, 0.35) * half
    plug = rng.uniform(0.006, 0.020)
    cap = (rng.uniform(0.55, 0.9) * radius, rng.uniform(0.7, 0.96) * half) if capped else None
    return felt_pen(rng, half, radius, joint=joint, plug=plug, shell=shell, cap=cap)


def _highlighter(rng: np.random.Generator, half: float, radius: float) -> tuple[Part, ...]:
    """A flat pen twice as wide as it is thick, with a cap in its own colour, in black or in white."""
    thin, joint = rng.uniform(0.5, 0.7) * radius, rng.uniform(0.05, 0.4) * half
    cap = (None, None, (0.07, 0.07, 0.075), WHITE)[rng.integers(4)]

    def flat(stations: list[tuple[float, float]], **paint) -> Part:
        """An oval body through stations (x, share of the width)."""
        turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        sides = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.6, np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** 0.6
        rings = [np.column_stack([0 * turn + x, w * radius * sides[0], w * thin * sides[1]]) for x, w in stations]
        return Part(shape="mesh", mesh=loft(np.array(rings)), **paint)

    tail = rng.uniform(0.7, 0.95)
    parts = [flat([(-half, 0.7 * tail), (0.004 - half, tail), (0.0, 1.0), (joint, 1.0)], gloss=0.5)]
    if rng.random() < 0.7:
        crown = rng.uniform(0.7, 0.95)
        parts.append(flat([(joint, 1.06), (0.8 * half, 1.04), (half - 0.003, crown), (half, 0.8 * crown)], rgb=cap))
        clip = (0.32 * (half - joint), 0.0025, 0.0012)
        place = (half - 1.1 * clip[0], 0.0, 1.06 * thin + 0.001)
        parts.append(Part(shape="box", size_m=clip, position_m=place, rgb=cap))
    else:
        nose = half - 0.012
        parts.append(flat([(joint, 0.97), (nose - 0.014, 0.8), (nose, 0.45)], rgb=cap or (0.07, 0.07, 0.075)))
        parts.append(flat([(nose, 0.36), (half - 0.004, 0.36), (half, 0.15)], gloss=0.0))
    if rng.random() < 0.6:
        label = (0.3 * (half + joint), 0.62 * radius, thin + 3e-4)
        at = (joint - half) / 2
        parts.append(Part(shape="box", size_m=label, position_m=(at, 0, 0), rgb=(0.94, 0.94, 0.92), texture="text"))
    body = Part(shape="box", size_m=(half, 0.95 * radius, 0.95 * thin), visible=False, solid=True)
    return (*parts, body)
