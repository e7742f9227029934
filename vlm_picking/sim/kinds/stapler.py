"""Staplers: a flat base and a hinged arm above it, with a steel magazine and an anvil at the front."""

import numpy as np

from vlm_picking.sim.kinds.model import Part, about
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import extrude

_STEEL = (0.66, 0.66, 0.69)
_DARK = (0.06, 0.06, 0.065)
_COLOURS = ("red", "blue", "black", "black", "grey", "green", "yellow", "pink", "purple", "cyan", "orange", "white")


@kind("stapler", synonyms=("office stapler",), colours=_COLOURS, mass_kg=0.25, rest="stand_or_lie")
def stapler(rng: np.random.Generator) -> tuple[Part, ...]:
    """A stapler of 110 to 165 mm; its mouth opens towards +x, its base is below."""
    half, wide = rng.uniform(0.055, 0.082), rng.uniform(0.014, 0.018)
    lift, tall = rng.uniform(0.13, 0.30), rng.uniform(0.014, 0.019)
    reach = 1.86 * half
    crest = [(0.6 * reach, tall + 0.004), (0.25 * reach, tall + 0.007), (0.004, tall + 0.004), (-0.009, 0.6 * tall)]
    return assembled(rng, (half, wide, tall), lift, crest)


def assembled(
    rng: np.random.Generator,
    measures_m: tuple[float, float, float],
    lift: float,
    crest: list[tuple[float, float]],
    *,
    base_rgb: tuple | None = None,
    gloss: float = 0.5,
    has_grip: bool = True,
) -> tuple[Part, ...]:
    """A stapler from its measures.

    Args:
        rng: of the pad over the hinge, the grip and the badges.
        measures_m: half its length, half its width, and how tall the arm is.
        lift: how far the arm is open [rad].
        crest: the upper side of the arm, from the mouth to the hinge: places along it and above its lower side [m].
        base_rgb: of the base; None for the colour that is named.
        gloss: of the arm.
        has_grip: whether a dark grip may lie on the arm, over the mouth.
    """
    half, wide, tall = measures_m
    floor, slim = -0.024, 0.86 * wide
    back = -half + 0.010
    reach = 1.86 * half
    up = about("y", -lift)
    base = {"rgb": base_rgb, "gloss": 0.4}
    steel = {"rgb": _STEEL, "texture": "metal", "gloss": 0.9}

    def arm(x: float, z: float) -> tuple[float, float, float]:
        """A place on the arm: `x` along it from the hinge, `z` above its lower side."""
        base = floor + 0.012
        return (
            float(back + np.cos(lift) * x - np.sin(lift) * z),
            0.0,
            float(base + np.sin(lift) * x + np.cos(lift) * z),
        )

    # The lower side of the arm, from the hinge to the mouth.
    front = [(-0.010, 0.004), (reach - 0.004, 0.004), (reach, 0.008), (reach - 0.002, 0.6 * tall + 0.004)]
    stand_up = (float(np.sqrt(0.5)), float(np.sqrt(0.5)), 0.0, 0.0)
    side = extrude(np.array([*front, *crest]), 2 * slim)
    tilt = _times(up, stand_up)
    pad_rgb = _DARK if rng.random() < 0.6 else None
    parts = [
        Part(shape="box", size_m=(half, wide, 0.004), position_m=(0, 0, floor), solid=True, **base),
        Part(shape="cylinder", size_m=(wide, 0.004), position_m=(half, 0, floor), solid=True, **base),
        Part(shape="box", size_m=(0.011, 0.6 * wide, 0.0012), position_m=(half, 0, floor + 0.0045), **steel),
        Part(shape="box", size_m=(0.007, 0.3 * wide, 0.0015), position_m=(half, 0, floor + 0.005), rgb=_DARK),
        Part(shape="mesh", mesh=side, position_m=arm(0, 0), quat=tilt, gloss=gloss, solid=True),
        Part(
            shape="box",
            size_m=(0.47 * reach, 0.62 * wide, 0.0045),
            position_m=arm(0.545 * reach, 0.001),
            quat=up,
            **steel,
        ),
        Part(
            shape="box",
            size_m=(0.013, wide + 0.001, 0.011),
            position_m=(back, 0, floor + 0.010),
            rgb=pad_rgb,
            solid=True,
        ),
    ]
    if has_grip and rng.random() < 0.6:
        top = (0.13 * reach, 0.75 * slim, 0.0012)
        place = arm(0.80 * reach, 0.80 * tall + 0.0045)
        slope = about("y", -lift + 0.42 * tall / (0.4 * reach))
        parts.append(Part(shape="box", size_m=top, position_m=place, quat=slope, rgb=_DARK, gloss=0.1))
    if rng.random() < 0.5:
        badge = (0.12 * reach, 4e-4, 0.25 * tall)
        for y in (-slim, slim):
            x, _, z = arm(0.4 * reach, 0.6 * tall + 0.004)
            parts.append(Part(shape="box", size_m=badge, position_m=(x, y, z), quat=up, rgb=(0.9, 0.9, 0.88)))
    return tuple(parts)


def _times(a: tuple, b: tuple) -> tuple[float, float, float, float]:
    """The product of two quaternions w, x, y, z: first `b`, then `a`."""
    (aw, *av), (bw, *bv) = a, b
    vector = aw * np.array(bv) + bw * np.array(av) + np.cross(av, bv)
    return (float(aw * bw - np.dot(av, bv)), *(float(v) for v in vector))
