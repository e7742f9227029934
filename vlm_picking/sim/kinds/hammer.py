"""Hammers: a long handle and a steel head with a face and a claw or a wedge."""

import numpy as np

from vlm_picking.sim.kinds.model import Part, about, rod
from vlm_picking.sim.kinds.registry import held_out_variant, kind
from vlm_picking.sim.meshes import loft

_COLOURS = ("brown", "brown", "red", "blue", "yellow", "black", "orange", "green")


@kind("hammer", synonyms=("mallet", "claw hammer"), colours=_COLOURS, mass_kg=0.45, rest="flat")
def hammer(rng: np.random.Generator) -> tuple[Part, ...]:
    """A hammer of 190 to 270 mm; its head is at +x and strikes along +y."""
    half, radius = rng.uniform(0.085, 0.120), rng.uniform(0.010, 0.014)
    head, thick = rng.uniform(0.036, 0.048), rng.uniform(0.011, 0.014)
    steel = {"rgb": tuple(rng.uniform(0.22, 0.55) * np.ones(3)), "texture": "metal", "gloss": 0.8}
    parts = [
        wooden_handle(half, radius),
        Part(shape="box", size_m=(thick, 0.45 * head, thick), position_m=(half, 0.1 * head, 0), **steel),
        rod((half, 0.4 * head, 0), (half, head, 0), 1.15 * thick, shape="cylinder", **steel),
    ]
    if rng.random() < 0.3:
        parts.append(rod((-half, 0, 0), (-0.35 * half, 0, 0), 1.14 * radius, rgb=(0.06, 0.06, 0.06)))
    if rng.random() < 0.65:
        parts += claw(half, head, thick, 0.22, steel)
    else:
        wedge = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
        rings = [[(half + thick * a, -0.3 * head, thick * b) for a, b in wedge]]
        rings.append([(half + thick * a, -0.95 * head, 0.2 * thick * b) for a, b in wedge])
        parts.append(Part(shape="mesh", mesh=loft(np.array(rings)), **steel))
    solid = {"visible": False, "solid": True}
    parts.append(rod((-half, 0, 0), (half, 0, 0), radius, **solid))
    parts.append(Part(shape="box", size_m=(thick, 0.95 * head, thick), position_m=(half, 0, 0), **solid))
    return tuple(parts)


@held_out_variant("hammer", "mallet")
def mallet(rng: np.random.Generator) -> tuple[Part, ...]:
    """A mallet with a thick round head of rubber, or of the same wood as its handle."""
    half, radius = rng.uniform(0.090, 0.115), rng.uniform(0.013, 0.016)
    head, thick = rng.uniform(0.036, 0.046), rng.uniform(0.024, 0.030)
    look = {"texture": "wood", "gloss": 0.3} if rng.random() < 0.5 else {"rgb": (0.07, 0.07, 0.07), "gloss": 0.2}
    ends = {"rgb": tuple(rng.uniform(0.25, 0.6) * np.ones(3)), "gloss": 0.4}
    parts = [
        wooden_handle(half, radius),
        rod((half, -head, 0), (half, head, 0), thick, shape="cylinder", solid=True, **look),
        rod((-half, 0, 0), (half, 0, 0), radius, visible=False, solid=True),
    ]
    for side in (-1, 1):
        tip = (half, side * 1.04 * head, 0)
        parts.append(rod((half, side * 0.78 * head, 0), tip, 1.05 * thick, shape="cylinder", **ends))
    return tuple(parts)


def wooden_handle(half_m: float, radius_m: float) -> Part:
    """A turned handle along x."""
    along = np.array([0, 0.04, 0.2, 0.45, 0.6, 1.0])
    swell = np.array([0.8, 1.1, 1.0, 1.08, 0.8, 0.75]) * radius_m
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    ring = np.stack([0 * turn, np.cos(turn), 0.8 * np.sin(turn)], -1)
    rings = (
        ring[None] * swell[:, None, None] + np.column_stack([(2 * along - 1) * half_m, 0 * along, 0 * along])[:, None]
    )
    return Part(shape="mesh", mesh=loft(rings), texture="wood", gloss=0.3)


def claw(half: float, head: float, thick: float, lean_rad: float, steel: dict) -> list[Part]:
    """The two prongs of a claw behind the head."""
    return [
        Part(
            shape="box",
            size_m=(0.38 * thick, 0.42 * head, 0.35 * thick),
            position_m=(half + side * 0.55 * thick - 0.004, -0.62 * head, 0),
            quat=about("z", lean_rad - 0.12 * side),
            **steel,
        )
        for side in (-1, 1)
    ]
