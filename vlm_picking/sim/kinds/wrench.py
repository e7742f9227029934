"""Wrenches: a flat steel bar with an open jaw at one end and a ring or a second jaw at the other."""

import numpy as np

from vlm_picking.sim.kinds.model import Part, about
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import extrude, revolve


def jaw_outline(radius_m: float, gap: float = 0.46, lobe: float = 1.0) -> np.ndarray:
    """The outline of an open jaw about the origin, its mouth towards +x, its neck towards -x.

    `gap` is half the mouth as a share of the radius; `lobe` stretches the jaw along x.
    """
    turn = np.linspace(np.radians(38), np.radians(322), 19)
    arc = radius_m * np.column_stack([lobe * np.cos(turn), np.sin(turn)])
    half, depth = gap * radius_m, -0.15 * radius_m
    mouth = np.array(
        [
            (0.95 * lobe * radius_m, -half),
            (depth, -half),
            (depth - 0.3 * radius_m, 0),
            (depth, half),
            (0.95 * lobe * radius_m, half),
        ]
    )
    return np.concatenate([arc, mouth])


@kind("wrench", synonyms=("spanner",), colours=("grey", "grey", "grey", "black"), mass_kg=0.25, rest="flat")
def wrench(rng: np.random.Generator) -> tuple[Part, ...]:
    """A wrench of 150 to 230 mm; its open jaw points along +x."""
    half, thick = rng.uniform(0.060, 0.090), rng.uniform(0.006, 0.009)
    jaw, bar = rng.uniform(0.017, 0.023), rng.uniform(0.0065, 0.009)
    finish = {"texture": "metal", "gloss": 0.9}
    tilt = rng.uniform(-0.26, 0.26)
    parts = [
        Part(shape="box", size_m=(half - 0.6 * jaw, bar, 0.36 * thick), **finish),
        Part(
            shape="mesh",
            mesh=extrude(jaw_outline(jaw), thick),
            position_m=(half, 0, 0),
            quat=about("z", tilt),
            **finish,
        ),
        Part(shape="box", size_m=(half, bar, thick / 2), visible=False, solid=True),
    ]
    if rng.random() < 0.6:
        outer = 0.85 * jaw
        ring = [
            (0.58 * outer, -0.6 * thick),
            (outer, -0.6 * thick),
            (outer, 0.6 * thick),
            (0.58 * outer, 0.6 * thick),
        ]
        ring = np.array([*ring, ring[0]])
        parts.append(Part(shape="mesh", mesh=_tube(ring), position_m=(-half, 0, 0), **finish))
    else:
        outer = 0.9 * jaw
        turn = about("z", np.pi + rng.uniform(-0.26, 0.26))
        parts.append(
            Part(shape="mesh", mesh=extrude(jaw_outline(outer), thick), position_m=(-half, 0, 0), quat=turn, **finish)
        )
    parts += solid_ends(half, jaw, outer, thick)
    return tuple(parts)


def _tube(profile: np.ndarray):
    return revolve(profile, segments=24)


def solid_ends(half: float, front: float, back: float, thick: float) -> list[Part]:
    """What collides at the ends, unseen: discs of the radii `front` and `back`."""
    return [
        Part(shape="cylinder", size_m=(0.95 * radius, thick / 2), position_m=(x, 0, 0), visible=False, solid=True)
        for x, radius in ((half, front), (-half, back))
    ]
