"""Bowls: an open, wide, rounded vessel; things can fall in."""

import numpy as np

from vlm_picking.sim.kinds._vessel import wall
from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import held_out_variant, kind
from vlm_picking.sim.meshes import loft, revolve

_COLOURS = (
    "red",
    "yellow",
    "green",
    "blue",
    "pink",
    "white",
    "white",
    "grey",
    "cyan",
    "orange",
    "black",
    "purple",
)


@kind("bowl", synonyms=("dish", "soup bowl"), colours=_COLOURS, mass_kg=0.3, rest="stand_or_lie")
def bowl(rng: np.random.Generator) -> tuple[Part, ...]:
    """A bowl of 110 to 160 mm across and 45 to 65 mm high."""
    radius, half, thick = rng.uniform(0.055, 0.080), rng.uniform(0.022, 0.032), 0.004
    foot = 0.45 * radius
    rise = np.linspace(0, np.pi / 2, 9)
    outside = [(foot + (radius - foot) * np.sin(a), -half + 2 * half * (1 - np.cos(a))) for a in rise]
    inside = [(r - thick, max(z, 2 * thick - half)) for r, z in reversed(outside)]
    profile = np.array([(0, -half), *outside, *inside, (0, 2 * thick - half)])
    parts = [Part(shape="mesh", mesh=revolve(profile, segments=36), gloss=0.7)]
    if rng.random() < 0.35:
        top, low = half + 8e-4, half - 0.004
        ring = [(radius - 0.005, low), (radius + 8e-4, low), (radius + 8e-4, top), (radius - 0.005, top)]
        ring = np.array([*ring, ring[0]])
        parts.append(Part(shape="mesh", mesh=revolve(ring, segments=36), rgb=(0.1, 0.12, 0.3), gloss=0.7))
    lower = wall((foot, 0.8 * radius), (0.003 - half, -0.2 * half), 0.003, pieces=8)
    upper = wall((0.8 * radius, 0.97 * radius), (-0.2 * half, half), 0.003, pieces=8)
    return (*parts, solid_base(foot, half), *lower, *upper)


@held_out_variant("bowl", "octagonal")
def octagonal(rng: np.random.Generator) -> tuple[Part, ...]:
    """A bowl of eight straight sides that lean outwards, with a broad flat rim."""
    radius, half, thick = rng.uniform(0.058, 0.080), rng.uniform(0.022, 0.030), 0.004
    foot, rim = radius * rng.uniform(0.5, 0.62), 0.88 * radius
    outside = [(0, -half), (foot, -half), (rim, half - thick), (radius, half - thick), (radius, half)]
    inside = [(rim - thick, half), (foot - thick, 2 * thick - half), (0, 2 * thick - half)]
    profile = np.array(outside + inside)
    body = Part(shape="mesh", mesh=loft(_flat_sided(profile), profile=profile), gloss=0.7)
    return (body, solid_base(foot, half), *wall((foot, 0.95 * radius), (0.003 - half, half), 0.003, pieces=8))


def _flat_sided(profile: np.ndarray) -> np.ndarray:
    """Rings (M, 16, 3) of an octagon with short bevels, so that its sides are lit as flat ones."""
    turn = np.concatenate([(k * np.pi / 4 - 0.36, k * np.pi / 4 + 0.36) for k in range(8)])
    reach = np.maximum(profile[:, :1], 1e-4)
    x, y = reach * np.cos(turn), reach * np.sin(turn)
    return np.stack([x, y, np.broadcast_to(profile[:, 1:], x.shape)], axis=-1)


def solid_base(foot_m: float, half_m: float) -> Part:
    """What collides of the foot, unseen."""
    return Part(shape="cylinder", size_m=(foot_m, 0.004), position_m=(0, 0, 0.004 - half_m), visible=False, solid=True)
