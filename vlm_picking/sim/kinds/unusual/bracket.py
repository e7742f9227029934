"""Brackets: metal angles, shelf brackets with a strut, steps, channels and flat corners, all with screw holes."""

import numpy as np

from vlm_picking.sim.kinds.bracket import angle_outline, screw_holes, solid_arm, standing
from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import unusual_shapes
from vlm_picking.sim.meshes import extrude


@unusual_shapes("bracket")
def bracket(rng: np.random.Generator) -> tuple[Part, ...]:
    """A bracket with arms of 50 to 150 mm along +x and +z, 18 to 50 mm wide, 4 to 10 mm thick.

    An angle, plain or with ribs, a shelf bracket with a strut, a step, a channel, or a flat corner or T.
    """
    finish = {"texture": "metal", "gloss": 0.8} if rng.random() < 0.6 else {"gloss": float(rng.uniform(0.1, 0.5))}
    form = str(rng.choice(["angle", "angle", "angle", "shelf", "bent", "flat"]))
    arms = rng.uniform(0.050, 0.130, 2)
    if form == "flat":
        return _flat_corner(rng, rng.uniform(0.060, 0.125, 2), rng.uniform(0.007, 0.010), finish)
    thick, half = rng.uniform(0.004, 0.010), rng.uniform(0.010, 0.025)
    if form == "bent":
        return _bent(rng, thick, half, finish)
    if form == "shelf":
        arms, half = rng.uniform(0.080, 0.150, 2), rng.uniform(0.009, 0.014)
    back = 0.34 * arms
    parts = [Part(shape="mesh", mesh=standing(angle_outline(arms, thick, back), 2 * half), **finish)]
    hole = rng.uniform(0.22, 0.36) * half
    count = int(rng.integers(2, 4)) if arms.min() > 0.09 else int(rng.integers(1, 3))
    stretch = 1.0 if rng.random() < 0.5 else rng.uniform(1.5, 2.4)
    for arm, length in enumerate(arms):
        reach = np.linspace(0.36 if count > 1 else 0.6, 0.84, count) * length - back[arm]
        aside = 0.45 * half if half > 0.018 and rng.random() < 0.5 else 0.0
        spots = [(r, y) for r in reach for y in ((-aside, aside) if aside else (0.0,))]
        depth = thick / 2 - back[1 - arm]
        parts.append(screw_holes(spots, hole if not aside else 0.6 * hole, thick, arm, depth, stretch))
        parts.append(solid_arm(arm, length, thick, half, (back[arm], depth)))
    if form == "shelf":
        parts.append(_strut(rng, arms, thick, back, half, finish))
    elif rng.random() < 0.4:
        a, b = rng.uniform(0.35, 0.75) * arms
        rib = np.array([(0.2 * thick, 0.2 * thick), (a, 0.8 * thick), (0.8 * thick, b)]) - back
        # Two cheeks at the sides, or one web in the middle.
        for y in (-0.85 * half, 0.85 * half) if rng.random() < 0.6 else (0.0,):
            mesh = standing(rib, 0.8 * thick)
            parts.append(Part(shape="mesh", mesh=mesh, position_m=(0, y, 0), solid=True, **finish))
    return tuple(parts)


def _strut(rng, arms_m: np.ndarray, thick_m: float, back_m: np.ndarray, half_m: float, finish: dict) -> Part:
    """The slanting brace of a shelf bracket."""
    (a, b), width = rng.uniform(0.6, 0.85) * arms_m, rng.uniform(0.005, 0.009)
    low, high = np.array([a, thick_m / 2]) - back_m, np.array([thick_m / 2, b]) - back_m
    across = np.array([high[1] - low[1], low[0] - high[0]])
    across *= width / 2 / np.linalg.norm(across)
    outline = np.array([low - across, low + across, high + across, high - across])
    return Part(shape="mesh", mesh=standing(outline, rng.uniform(0.7, 1.6) * half_m), solid=True, **finish)


def _bent(rng, thick_m: float, half_m: float, finish: dict) -> tuple[Part, ...]:
    """A strip bent twice: a step with feet to both sides, or a channel with two walls."""
    t, foot, rise = thick_m, rng.uniform(0.032, 0.060), rng.uniform(0.022, 0.055)
    if rng.random() < 0.5:
        outline = [(-foot, 0), (t / 2, 0), (t / 2, rise), (foot, rise), (foot, rise + t), (-t / 2, rise + t)]
        outline += [(-t / 2, t), (-foot, t)]
        boxes = [(-foot, t / 2, 0, t), (-t / 2, t / 2, 0, rise + t), (-t / 2, foot, rise, rise + t)]
        plates = [(-0.6 * foot, t / 2), (0.6 * foot, rise + t / 2)]
    else:
        outline = [(-foot, 0), (foot, 0), (foot, rise), (foot - t, rise), (foot - t, t), (t - foot, t)]
        outline += [(t - foot, rise), (-foot, rise)]
        boxes = [(-foot, foot, 0, t), (-foot, t - foot, 0, rise), (foot - t, foot, 0, rise)]
        plates = [(-0.45 * foot, t / 2), (0.45 * foot, t / 2)]
    middle = (rise + t) / 2
    parts = [Part(shape="mesh", mesh=standing(np.array(outline) - (0, middle), 2 * half_m), **finish)]
    hole = rng.uniform(0.25, 0.4) * min(half_m, 0.016)
    parts += [screw_holes([(x, 0.0)], hole, t, 0, z - middle) for x, z in plates]
    for x0, x1, z0, z1 in boxes:
        size, place = ((x1 - x0) / 2, half_m, (z1 - z0) / 2), ((x0 + x1) / 2, 0.0, (z0 + z1) / 2 - middle)
        parts.append(Part(shape="box", size_m=size, position_m=place, visible=False, solid=True))
    return tuple(parts)


def _flat_corner(rng, arms_m: np.ndarray, thick_m: float, finish: dict) -> tuple[Part, ...]:
    """Two bars in one plane, as a corner or as a T."""
    (a, b), bar = arms_m, rng.uniform(0.015, 0.028)
    hole = rng.uniform(0.16, 0.24) * bar
    if rng.random() < 0.3:
        half, stem = a / 2, (bar / 2, -bar / 2)
        outline = [(-half, 0), (half, 0), (half, bar), (stem[0], bar), (stem[0], b), (stem[1], b), (stem[1], bar)]
        outline, back = np.array([*outline, (-half, bar)]), np.array([0.0, 0.3 * b])
        bars = [(-half, half, 0, bar), (stem[1], stem[0], 0, b)]
        spots = [(-0.75 * half, bar / 2), (0.75 * half, bar / 2), (0.0, 0.55 * b), (0.0, 0.86 * b)]
    else:
        outline = np.array([(0, 0), (a, 0), (a, bar), (bar, bar), (bar, b), (0, b)])
        back, bars = 0.3 * arms_m, [(0, a, 0, bar), (0, bar, 0, b)]
        spots = [(r * a, bar / 2) for r in (0.5, 0.86)] + [(bar / 2, r * b) for r in (0.5, 0.86)]
    parts = [Part(shape="mesh", mesh=extrude(outline - back, thick_m), **finish)]
    parts.append(screw_holes([(x - back[0], y - back[1]) for x, y in spots], hole, thick_m, 0, 0.0))
    for x0, x1, y0, y1 in bars:
        size = ((x1 - x0) / 2, (y1 - y0) / 2, thick_m / 2)
        place = ((x0 + x1) / 2 - back[0], (y0 + y1) / 2 - back[1], 0.0)
        parts.append(Part(shape="box", size_m=size, position_m=place, visible=False, solid=True))
    return tuple(parts)
