"""Bowls: an open, wide, rounded vessel; things can fall in."""

import numpy as np

from vlm_picking.sim.colours import PAINTS
from vlm_picking.sim.kinds._vessel import squeezed, wall
from vlm_picking.sim.kinds.bowl import solid_base
from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import unusual_shapes
from vlm_picking.sim.meshes import revolve

_ACCENTS = ("blue", "white", "white", "black", "brown", "red", "green", "grey", "cyan", "yellow")


# Radius and half height [m], foot over radius, and how round the side is: 1 for a quarter of an ellipse.
_FORMS = {
    "soup": ((0.050, 0.082), (0.021, 0.034), (0.38, 0.60), (0.8, 1.1)),
    "deep": ((0.046, 0.064), (0.028, 0.040), (0.40, 0.62), (0.5, 0.9)),
    "shallow": ((0.070, 0.095), (0.016, 0.023), (0.40, 0.65), (0.7, 1.2)),
    "straight": ((0.042, 0.075), (0.020, 0.034), (0.74, 0.92), (0.4, 0.8)),
}


@unusual_shapes("bowl")
def bowl(rng: np.random.Generator) -> tuple[Part, ...]:
    """A round or oval bowl of 84 to 190 mm across and 32 to 80 mm high, its sides always curved around.

    A soup bowl, a deep rice bowl, a shallow pasta bowl, a dish with steep sides; some with a narrow lip, two
    lugs, another colour in the well, rings outside; glazed, matt, brushed metal or wood.
    """
    form = str(rng.choice(list(_FORMS), p=(0.4, 0.22, 0.2, 0.18)))
    radius, half, foot, round_ = (rng.uniform(*span) for span in _FORMS[form])
    foot, thick = foot * radius, rng.uniform(0.0028, 0.0050)
    scale = (1.0, rng.uniform(0.70, 0.88) if form in ("straight", "shallow") and rng.random() < 0.35 else 1.0)
    rise = np.linspace(0, np.pi / 2, 9)
    out = foot + (radius - foot) * np.sin(rise) ** round_
    z = -half + 2 * half * (1 - np.cos(rise)) ** rng.uniform(0.85, 1.15)
    if rng.random() < 0.3:
        out[-1] += rng.uniform(0.001, 0.05) * radius
    inside = np.column_stack([out - thick, np.maximum(z, 2 * thick - half)])[::-1]
    profile = np.array([(0, -half), *np.column_stack([out, z]), *inside, (0, 2 * thick - half)])
    finish = rng.random()
    texture = "metal" if finish < 0.13 else "wood" if finish < 0.22 else "skin" if finish < 0.34 else "plain"
    look = {"texture": texture, "gloss": 0.15 if texture == "wood" or rng.random() < 0.25 else 0.75}
    parts = [Part(shape="mesh", mesh=revolve(profile, segments=36, scale_xy=scale), **look)]
    accent = {"rgb": PAINTS[str(rng.choice(_ACCENTS))], "gloss": 0.7}
    style = rng.random()
    if style < 0.2:
        # A skin over the floor and the lower wall, a little proud of them: the rim keeps the paint that is named.
        up = inside[::-1][: int(rng.integers(4, 7))]
        over, under = up + (-4e-4, 4e-4), up[::-1] + (1e-4, -1e-4)
        skin = np.array([(0, over[0, 1]), *over, *under, (0, over[0, 1] - 5e-4)])
        parts.append(Part(shape="mesh", mesh=revolve(skin, segments=36, scale_xy=scale), **accent))
    elif style < 0.5:
        parts.append(_ring(float(out[-1]), (half - rng.uniform(0.003, 0.010), half + 8e-4), scale, accent))
    if rng.random() < 0.25:
        low = rng.uniform(-0.4, 0.6) * half
        heights = np.array([low, low + rng.uniform(0.002, 0.005)])
        belt = np.column_stack([np.interp(heights, z, out), heights])
        belt = np.array([*(belt + (5e-4, 0.0)), *(belt - (8e-4, 0.0))[::-1], belt[0] + (5e-4, 0.0)])
        edge = accent | {"rgb": PAINTS[str(rng.choice(_ACCENTS))]}
        parts.append(Part(shape="mesh", mesh=revolve(belt, segments=36, scale_xy=scale), **edge))
    lugs = _lugs(rng, radius, half, look) if rng.random() < 0.14 else ()
    knee = (float(out[5]) - 0.002, float(z[5]))
    lower = wall((foot, knee[0]), (0.003 - half, knee[1]), 0.003, pieces=8)
    upper = wall((knee[0], 0.98 * radius), (knee[1], half), 0.003, pieces=8)
    slats = (squeezed(slat, scale[1]) for slat in (*lower, *upper))
    return (*parts, *lugs, solid_base(foot * scale[1], half), *slats)


def _ring(radius: float, span: tuple[float, float], scale: tuple, look: dict) -> Part:
    """A thin painted hoop around the bowl between two heights."""
    low, high = span
    hoop = [(radius - 0.005, low), (radius + 8e-4, low), (radius + 8e-4, high), (radius - 0.005, high)]
    return Part(shape="mesh", mesh=revolve(np.array([*hoop, hoop[0]]), segments=36, scale_xy=scale), **look)


def _lugs(rng: np.random.Generator, radius: float, half: float, look: dict) -> list[Part]:
    """Two flat ears at the rim."""
    wide, long = rng.uniform(0.012, 0.020), rng.uniform(0.006, 0.010)
    places = [(side * (radius + 0.5 * long), 0, half - 0.006) for side in (-1, 1)]
    return [Part(shape="ellipsoid", size_m=(long, wide, 0.0035), position_m=at, solid=True, **look) for at in places]
