"""Markers: a thick felt pen with a cap and clip, or uncapped with its nib."""

import numpy as np

from vlm_picking.sim.kinds.model import Part, about, rod
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import revolve

_COLOURS = (
    "black",
    "black",
    "red",
    "red",
    "blue",
    "blue",
    "green",
    "green",
    "orange",
    "purple",
    "pink",
    "yellow",
    "cyan",
)
WHITE = (0.9, 0.9, 0.88)


@kind(
    "marker",
    synonyms=("felt pen", "felt-tip pen", "highlighter", "pen"),
    colours=_COLOURS,
    mass_kg=0.03,
    rest="flat",
)
def marker(rng: np.random.Generator) -> tuple[Part, ...]:
    """A marker of 120 to 150 mm and 17 to 23 mm thick; its nib points along +x."""
    half, radius = rng.uniform(0.060, 0.075), rng.uniform(0.0085, 0.0115)
    shell = WHITE if rng.random() < 0.5 else None
    capped = rng.random() < 0.7
    joint = rng.uniform(-0.05, 0.25) * half
    plug = rng.uniform(0.010, 0.018)
    cap = (rng.uniform(0.55, 0.9) * radius, 0.85 * half) if capped else None
    return felt_pen(rng, half, radius, joint=joint, plug=plug, shell=shell, cap=cap)


def felt_pen(
    rng: np.random.Generator,
    half: float,
    radius: float,
    *,
    joint: float,
    plug: float,
    shell: tuple | None,
    cap: tuple[float, float] | None,
) -> tuple[Part, ...]:
    """A round pen along x.

    Args:
        rng: of the clip and of what is printed.
        half, radius: half its length, and its radius [m].
        joint, plug: where cap or nib begin, and how long the plug at the other end is [m].
        shell: colour of the barrel; None for that of the ink.
        cap: radius of the cap's end, and where the cap begins to taper [m]; None for an open pen.
    """
    lie = about("y", np.pi / 2)

    def turned(profile: list, **paint) -> Part:
        return Part(shape="mesh", mesh=revolve(np.array(profile), segments=18), quat=lie, **paint)

    parts = [
        rod((plug - half, 0, 0), (joint, 0, 0), radius, shape="cylinder", rgb=shell, gloss=0.4),
        turned([(0, -half), (0.72 * radius, -half), (0.88 * radius, plug - half), (0, plug - half)], gloss=0.5),
    ]
    if cap is not None:
        slim, (crown, shoulder) = 1.08 * radius, cap
        parts.append(turned([(0, joint), (slim, joint), (slim, shoulder), (crown, half), (0, half)], gloss=0.5))
        if rng.random() < 0.75:
            size = (0.38 * (half - joint), 0.32 * radius, 0.0022)
            place = (half - 1.2 * size[0], 0, slim + 0.003)
            parts.append(Part(shape="box", size_m=size, position_m=place, gloss=0.5))
            foot = (0.006, size[1], 0.003)
            parts.append(Part(shape="box", size_m=foot, position_m=(half - 0.012, 0, slim + 0.001), gloss=0.5))
    else:
        neck, nose = joint + 0.25 * (half - joint), half - 0.014
        grip = [(0, joint), (radius, joint), (radius, neck), (0.8 * radius, neck + 0.003)]
        cone = [(0.8 * radius, nose - 0.012), (0.42 * radius, nose), (0, nose)]
        parts.append(turned([*grip, *cone], gloss=0.4))
        nib = [(0, nose), (0.36 * radius, nose), (0.34 * radius, half - 0.005), (0.12 * radius, half), (0, half)]
        parts.append(turned(nib, rgb=(0.06, 0.06, 0.07), gloss=0.0))
    if shell is not None and cap is None or rng.random() < 0.6:
        low, high = plug - half + rng.uniform(0.004, 0.010), joint - rng.uniform(0.008, 0.016)
        if shell is not None:
            # A band in the colour of the ink, as most whiteboard markers wear.
            start = high - (0.7 if cap is None else 0.3) * (high - low)
            parts.append(rod((start, 0, 0), (high, 0, 0), radius + 3e-4, shape="cylinder", gloss=0.4))
        else:
            parts.append(
                rod((low, 0, 0), (high, 0, 0), radius + 3e-4, shape="cylinder", rgb=(0.94, 0.94, 0.92), texture="text")
            )
    parts.append(rod((-half, 0, 0), (half, 0, 0), 0.98 * radius, shape="cylinder", visible=False, solid=True))
    return tuple(parts)
