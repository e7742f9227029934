"""Pans: a frying pan or a saucepan with one long handle; things can fall in."""

import numpy as np

from vlm_picking.sim.kinds.model import Part, rod
from vlm_picking.sim.kinds.pan import SWELL, handle_mesh, side_view, solid_vessel
from vlm_picking.sim.kinds.registry import unusual_shapes
from vlm_picking.sim.meshes import revolve


@unusual_shapes("pan")
def pan(rng: np.random.Generator) -> tuple[Part, ...]:
    """A pan of 104 to 172 mm across; with its handle, towards +x, 200 to 300 mm long.

    A frying pan with sloping or rounded sides, a straight saute pan, or a saucepan; painted, cast or brushed metal;
    its handle slim or broad, flat or bulged, rising or level, of plastic, wood, steel or the paint of the pan.
    """
    form = str(rng.choice(["frying", "saute", "saucepan"], p=(0.5, 0.2, 0.3)))
    is_deep = form == "saucepan"
    radius = rng.uniform(0.052, 0.070) if is_deep else rng.uniform(0.062, 0.086)
    half = rng.uniform(0.026, 0.042) if is_deep else rng.uniform(0.014, 0.024)
    foot = {"frying": rng.uniform(0.68, 0.86), "saute": 0.96, "saucepan": rng.uniform(0.88, 0.98)}[form] * radius
    thick, grip = rng.uniform(0.0025, 0.0048), rng.uniform(0.090, 0.132)
    centre = -0.40 * grip
    profile = side_view(foot, radius, half, thick)
    finish = {"texture": "metal" if rng.random() < 0.4 else "plain", "gloss": 0.7 if rng.random() < 0.7 else 0.15}
    parts = [Part(shape="mesh", mesh=revolve(profile, segments=36), position_m=(centre, 0, 0), **finish)]
    if rng.random() < 0.35:
        # The coated bottom; the coat stops well before the wall, so that most of the inside keeps its paint.
        coat = (0.10, 0.10, 0.11) if rng.random() < 0.6 else tuple(rng.uniform(0.45, 0.75) * np.ones(3))
        place = (centre, 0, thick - half + 2e-4)
        parts.append(
            Part(
                shape="cylinder",
                size_m=(rng.uniform(0.55, 0.70) * min(radius, foot / 0.88), 5e-4),
                position_m=place,
                rgb=coat,
                gloss=0.3,
            )
        )
    start, end = centre + 0.97 * radius, centre + radius + grip
    wood = rng.random() < 0.25
    rgb = (0.40, 0.24, 0.12) if wood else None if rng.random() < 0.45 else (0.06, 0.06, 0.06)
    if rgb is not None and not wood and rng.random() < 0.35:
        rgb = (0.62, 0.62, 0.64)
    wide, tall = rng.uniform(0.0075, 0.0140), rng.uniform(0.0045, 0.0075)
    swell = 1.0 + rng.uniform(-0.5, 1.2) * (SWELL - 1.0)
    rise, root = rng.uniform(0.0, 0.020), half - rng.uniform(0.008, 0.011)
    handle = handle_mesh((start, end), (wide, tall), (root, rise), swell)
    parts.append(Part(shape="mesh", mesh=handle, rgb=rgb, texture="wood" if wood else "plain"))
    steel = {"rgb": (0.6, 0.6, 0.62), "texture": "metal", "gloss": 0.9}
    eye = (end - 0.012, 0, root + 0.92 * rise)
    parts.append(
        Part(shape="cylinder", size_m=(min(0.0045, 0.5 * wide), 1.12 * tall), position_m=eye, rgb=(0.03, 0.03, 0.03))
    )
    if rgb is not None:
        parts.append(Part(shape="box", size_m=(0.012, 0.9 * wide, 0.005), position_m=(start + 0.006, 0, root), **steel))
    bone = rod((start, 0, root), (end - 0.008, 0, root + rise), (wide + tall) / 2.2, visible=False, solid=True)
    return (*parts, *solid_vessel(foot, radius, half, centre), bone)
