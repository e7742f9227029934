"""Pans: a frying pan or a saucepan with one long handle; things can fall in."""

from dataclasses import replace

import numpy as np

from vlm_picking.sim.kinds._vessel import wall
from vlm_picking.sim.kinds.model import Part, rod
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import TriMesh, loft, revolve

_COLOURS = ("black", "black", "black", "grey", "grey", "red", "blue", "green", "orange", "brown")

# How wide the handle is along its length, as a share.
SWELL = np.array([0.9, 0.75, 0.85, 1.0, 1.15, 1.0, 0.55])


@kind("pan", synonyms=("frying pan", "saucepan", "skillet", "pot"), colours=_COLOURS, mass_kg=0.5, rest="stand_or_lie")
def pan(rng: np.random.Generator) -> tuple[Part, ...]:
    """A pan of 120 to 160 mm across; with its handle, towards +x, 230 to 290 mm long."""
    is_deep = rng.random() < 0.3
    radius = rng.uniform(0.060, 0.068) if is_deep else rng.uniform(0.068, 0.080)
    half = rng.uniform(0.030, 0.038) if is_deep else rng.uniform(0.017, 0.022)
    foot, thick = (0.97 if is_deep else 0.8) * radius, 0.004
    grip = rng.uniform(0.110, 0.130)
    centre = -0.40 * grip
    profile = side_view(foot, radius, half, thick)
    finish = {"texture": "metal" if rng.random() < 0.4 else "plain", "gloss": 0.7}
    parts = [Part(shape="mesh", mesh=revolve(profile, segments=36), position_m=(centre, 0, 0), **finish)]
    if rng.random() < 0.35:
        # The coated bottom; the coat stops well before the wall, so that most of the inside keeps its paint.
        coat = (0.10, 0.10, 0.11) if rng.random() < 0.6 else (0.55, 0.55, 0.56)
        place = (centre, 0, thick - half + 2e-4)
        parts.append(Part(shape="cylinder", size_m=(0.68 * radius, 5e-4), position_m=place, rgb=coat, gloss=0.3))
    start, end = centre + 0.97 * radius, centre + radius + grip
    wood = rng.random() < 0.25
    rgb = (0.40, 0.24, 0.12) if wood else None if rng.random() < 0.5 else (0.06, 0.06, 0.06)
    wide, tall = rng.uniform(0.010, 0.013), rng.uniform(0.0055, 0.0075)
    rise, root = rng.uniform(0.004, 0.012), half - 0.010
    handle = handle_mesh((start, end), (wide, tall), (root, rise), SWELL)
    parts.append(Part(shape="mesh", mesh=handle, rgb=rgb, texture="wood" if wood else "plain"))
    steel = {"rgb": (0.6, 0.6, 0.62), "texture": "metal", "gloss": 0.9}
    eye = (end - 0.012, 0, root + 0.92 * rise)
    parts.append(Part(shape="cylinder", size_m=(0.0045, 1.12 * tall), position_m=eye, rgb=(0.03, 0.03, 0.03)))
    if rgb is not None:
        parts.append(Part(shape="box", size_m=(0.012, 0.011, 0.005), position_m=(start + 0.006, 0, root), **steel))
    bone = rod((start, 0, root), (end - 0.008, 0, root + rise), 0.008, visible=False, solid=True)
    return (*parts, *solid_vessel(foot, radius, half, centre), bone)


def side_view(foot: float, radius: float, half: float, thick: float) -> np.ndarray:
    """The profile (12, 2) of the vessel: up the outside, down the inside."""
    # Two points close together at each fold keep the bottom and the wall apart in the light.
    outside = [(0, -half), (foot - 0.004, -half), (foot, 0.003 - half), (radius, half - 0.001), (radius, half)]
    inside = [(radius - thick, half), (radius - thick - 0.0003, half - 0.001), (foot - thick, thick + 0.003 - half)]
    return np.array([*outside, *inside, (foot - thick - 0.003, thick - half), (0, thick - half)])


def handle_mesh(
    ends_m: tuple[float, float], section_m: tuple[float, float], lift_m: tuple[float, float], swell: np.ndarray
) -> TriMesh:
    """A handle along x of an oval section (half width, half height): `lift_m` is where it starts and its rise."""
    (start, end), (wide, tall), (root, rise) = ends_m, section_m, lift_m
    along = np.array([0.0, 0.1, 0.25, 0.55, 0.85, 0.96, 1.0])
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    rings = [
        np.column_stack([0 * turn + start + a * (end - start), s * wide * np.cos(turn), tall * s * np.sin(turn) + lift])
        for a, s, lift in zip(along, swell, root + rise * along, strict=True)
    ]
    return loft(np.array(rings))


def solid_vessel(foot: float, radius: float, half: float, x: float) -> list[Part]:
    """What collides of the vessel, unseen: its bottom and its wall, about `x`."""
    place = (x, 0, 0.004 - half)
    bottom = Part(shape="cylinder", size_m=(foot, 0.004), position_m=place, visible=False, solid=True)
    slats = wall((foot, radius - 0.002), (-half, half), 0.003, pieces=12)
    return [bottom, *(replace(slat, position_m=(slat.position_m[0] + x, *slat.position_m[1:])) for slat in slats)]
