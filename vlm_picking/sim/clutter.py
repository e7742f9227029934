"""Unnamed distractors: small composites of primitives that no word of the vocabulary fits."""

import numpy as np

from vlm_picking.sim.colours import COLOURS, paint
from vlm_picking.sim.kinds.model import ObjectModel, Part, about, extents, rod
from vlm_picking.sim.meshes import extrude, revolve

# Textures that are at home on no kind alone, so that a texture is no hint.
_SURFACES = ("plain", "plain", "stripes", "board", "metal", "skin", "text")


def build_clutter(rng: np.random.Generator) -> ObjectModel:
    """One distractor of 40 to 160 mm; its kind and colour are None."""
    makers = (_star, _cross, _pyramid, _dumbbell, _block_stack, _stick, _puck, _knob)
    paints = [paint(str(rng.choice(COLOURS)), rng) for _ in range(2)]
    parts = makers[rng.integers(len(makers))](rng, paints, str(rng.choice(_SURFACES)))
    return ObjectModel(
        kind=None,
        colour=None,
        parts=parts,
        mass_kg=float(rng.uniform(0.05, 0.3)),
        half_extents_m=extents(parts),
        rest="flat" if rng.random() < 0.5 else "any",
        paint_rgb=paints[0],
    )


def _star(rng, paints, texture):
    points, outer = int(rng.integers(4, 8)), rng.uniform(0.03, 0.05)
    turn = np.arange(2 * points) * np.pi / points
    radius = np.where(np.arange(2 * points) % 2, rng.uniform(0.45, 0.6), 1.0) * outer
    outline = radius[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
    height = rng.uniform(0.01, 0.03)
    core = Part(shape="cylinder", size_m=(0.8 * outer, height / 2), visible=False, solid=True)
    return (Part(shape="mesh", mesh=extrude(outline, height), texture=texture), core)


def _cross(rng, paints, texture):
    arm, width, height = rng.uniform(0.03, 0.06), rng.uniform(0.008, 0.016), rng.uniform(0.008, 0.016)
    return (
        Part(shape="box", size_m=(arm, width, height), texture=texture, solid=True),
        Part(shape="box", size_m=(width, arm, height), rgb=paints[1], texture=texture, solid=True),
    )


def _pyramid(rng, paints, texture):
    radius, height = rng.uniform(0.025, 0.045), rng.uniform(0.04, 0.08)
    top = rng.uniform(0.0, 0.5) * radius
    profile = np.array([(0, -height / 2), (radius, -height / 2), (top, height / 2), (0, height / 2)])
    sides = int(rng.choice([3, 4, 24]))
    return (Part(shape="mesh", mesh=revolve(profile, segments=sides), texture=texture, solid=True),)


def _dumbbell(rng, paints, texture):
    half, ball = rng.uniform(0.03, 0.05), rng.uniform(0.012, 0.022)
    knobs = [
        Part(shape="sphere", size_m=(ball,), position_m=(s * half, 0, 0), texture=texture, solid=True)
        for s in (-1, 1)
    ]
    return (*knobs, rod((-half, 0, 0), (half, 0, 0), 0.4 * ball, rgb=paints[1], solid=True))


def _block_stack(rng, paints, texture):
    parts, floor = [], -0.02
    for k in range(int(rng.integers(2, 4))):
        size = rng.uniform(0.01, 0.024, 3)
        parts.append(
            Part(
                shape="box" if rng.random() < 0.6 else "ellipsoid",
                size_m=tuple(size),
                position_m=(
                    float(rng.uniform(-0.01, 0.01)),
                    float(rng.uniform(-0.01, 0.01)),
                    floor + size[2],
                ),
                rgb=None if k == 0 else tuple(rng.uniform(0.05, 0.95, 3)),
                texture=texture,
                solid=True,
            )
        )
        floor += 1.6 * size[2]
    return tuple(parts)


def _stick(rng, paints, texture):
    half, radius = rng.uniform(0.04, 0.08), rng.uniform(0.004, 0.009)
    shape = "box" if rng.random() < 0.5 else "capsule"
    if shape == "box":
        return (Part(shape="box", size_m=(half, radius, radius), texture=texture, solid=True),)
    bands = Part(
        shape="cylinder",
        size_m=(1.3 * radius, 0.15 * half),
        quat=about("y", np.pi / 2),
        rgb=paints[1],
    )
    return (rod((-half, 0, 0), (half, 0, 0), radius, texture=texture, solid=True), bands)


def _puck(rng, paints, texture):
    radius, half = rng.uniform(0.018, 0.032), rng.uniform(0.006, 0.012)
    disc = Part(shape="cylinder", size_m=(radius, half), texture=texture, solid=True)
    return (disc, Part(shape="box", size_m=(0.5 * radius, 0.15 * radius, half + 0.004), rgb=paints[1]))


def _knob(rng, paints, texture):
    waist = rng.uniform(0.006, 0.012)
    z = np.linspace(-0.03, 0.03, 9)
    radius = waist + 0.012 * (1 + np.cos(np.linspace(0, rng.uniform(2, 5) * np.pi, 9)))
    profile = np.column_stack([radius, z])
    core = rod((0, 0, -0.025), (0, 0, 0.025), waist + 0.014, shape="cylinder", visible=False, solid=True)
    return (Part(shape="mesh", mesh=revolve(profile, segments=18), texture=texture), core)
