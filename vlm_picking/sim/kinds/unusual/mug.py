"""Mugs: an open cylinder with a handle; things can fall in."""

import numpy as np

from vlm_picking.sim.colours import PAINTS
from vlm_picking.sim.kinds._vessel import wall
from vlm_picking.sim.kinds.model import Part, rod
from vlm_picking.sim.kinds.mug import solid_base
from vlm_picking.sim.kinds.registry import unusual_shapes
from vlm_picking.sim.meshes import revolve, sweep

# Radius and half height [m], and foot over rim radius.
_FORMS = {
    "straight": ((0.035, 0.047), (0.038, 0.058), (0.92, 1.0)),
    "tapered": ((0.037, 0.048), (0.038, 0.058), (0.78, 0.92)),
    "barrel": ((0.034, 0.044), (0.036, 0.052), (0.85, 1.0)),
    "flared foot": ((0.033, 0.040), (0.046, 0.064), (1.05, 1.20)),
    "espresso": ((0.027, 0.034), (0.025, 0.034), (0.78, 0.95)),
    "wide": ((0.044, 0.052), (0.028, 0.040), (0.76, 0.90)),
}


@unusual_shapes("mug")
def mug(rng: np.random.Generator) -> tuple[Part, ...]:
    """A mug or cup of 54 to 104 mm across and 50 to 128 mm high; its foot is never under 0.76 of its rim.

    Straight, tapered with a rounded heel, bellied, on a broad foot, an espresso cup or a wide cup; of glazed or matt
    ware, enamel with a dark rim, or steel; one colour, lined, banded, printed, dipped. Its handle is a D, a round
    ring, or an ear, of thin or thick wire or a wide strap.
    """
    form = str(rng.choice(list(_FORMS), p=(0.27, 0.25, 0.15, 0.1, 0.11, 0.12)))
    radius, half, foot = (rng.uniform(*span) for span in _FORMS[form])
    foot, thick = foot * radius, rng.uniform(0.0022, 0.0045)
    knots = _knots(rng, form, (foot, radius), half)
    outside = _side(form, knots)
    inside = (outside[1:] - (thick, 0.0))[::-1]
    inside[:, 1] = np.maximum(inside[:, 1], 0.008 - half)
    finish = rng.random()
    look = {"texture": "metal" if finish < 0.15 else "skin" if finish < 0.27 else "plain"}
    look["gloss"] = 0.7 if rng.random() < 0.75 else 0.15
    profile = np.array([(0, -half), *outside, *inside, (0, 0.008 - half)])
    parts = [Part(shape="mesh", mesh=revolve(profile, segments=32), **look)]
    is_lined = rng.random() < 0.35
    if is_lined:
        over, under = inside[::-1] + (-5e-4, 5e-4), inside + (0.0, -1e-4)
        lining = np.array([(0, over[0, 1]), *over, *under, (0, over[0, 1] - 6e-4)])
        rgb = (0.9, 0.9, 0.87) if rng.random() < 0.6 else PAINTS[str(rng.choice(list(PAINTS)))]
        parts.append(Part(shape="mesh", mesh=revolve(lining, segments=32), rgb=rgb, gloss=0.7))
    parts += _decor(rng, outside, half, may_paint_rim=not is_lined)
    grip = half * rng.uniform(0.50, 0.74)
    path = _loop(rng, outside, grip, rng.uniform(-0.1, 0.9) * (0.9 * half - grip))
    girth = rng.uniform(0.0038, 0.0062)
    shell = [
        slat
        for (r0, z0), (r1, z1) in zip(knots, knots[1:], strict=False)
        for slat in wall((r0 - 0.002, r1 - 0.002), (z0, z1), 0.0025)
    ]
    return (
        *parts,
        *_handle(path, squash=rng.uniform(0.9, 1.9), radii_m=(girth, girth)),
        solid_base(foot, half),
        *shell,
    )


def _knots(
    rng: np.random.Generator, form: str, ends: tuple[float, float], half: float
) -> tuple[tuple[float, float], ...]:
    """Points (radius, z) of the wall from the foot to the rim."""
    foot, radius = ends
    low, high = (foot, -half), (radius, half)
    if form == "straight":
        return low, high
    middle = {
        "barrel": (radius * rng.uniform(1.04, 1.13), rng.uniform(-0.15, 0.1) * half),
        "flared foot": (radius, rng.uniform(-0.6, -0.1) * half),
        "wide": (0.5 * (foot + radius) + 0.32 * (radius - foot), -0.35 * half),
    }.get(form, (radius, rng.uniform(-0.75, -0.1) * half))
    return low, middle, high


def _side(form: str, knots: tuple[tuple[float, float], ...]) -> np.ndarray:
    """The outline (M, 2), from the foot to the rim, with a small bevel at the foot."""
    r, z = np.array(knots).T
    heights = np.linspace(z[0] + 0.003, z[-1], 9)
    radii = np.interp(heights, z, r)
    if form in ("barrel", "wide"):
        radii = np.polyval(np.polyfit(z, r, 2), heights)
    elif form != "straight":
        heights = np.sort(np.append(heights, z[1]))
        radii = np.interp(heights, z, r)
    return np.array([(r[0] - 0.002, z[0]), *np.column_stack([radii, heights])])


def _decor(rng: np.random.Generator, outside: np.ndarray, half: float, *, may_paint_rim: bool) -> list[Part]:
    """A painted rim, a band, a print, a dipped foot, or nothing."""
    style = rng.random()
    rgb = (0.9, 0.9, 0.88) if rng.random() < 0.35 else PAINTS[str(rng.choice(list(PAINTS)))]
    if style < 0.15:
        return [] if not may_paint_rim else [_skin(outside, (0.9 * half, half + 2e-4), {"rgb": rgb})]
    if style < 0.30:
        middle, wide = rng.uniform(-0.3, 0.5) * half, rng.uniform(0.06, 0.3) * half
        return [_skin(outside, (middle - wide, middle + wide), {"rgb": rgb})]
    if style < 0.45:
        look = {"rgb": rgb if rng.random() < 0.7 else None, "texture": "text"}
        return [_skin(outside, (-rng.uniform(0.2, 0.6) * half, rng.uniform(0.2, 0.6) * half), look)]
    if style < 0.55:
        return [_skin(outside, (0.006 - half, rng.uniform(-0.6, 0.0) * half), {"rgb": rgb})]
    return []


def _skin(outside: np.ndarray, span: tuple[float, float], look: dict) -> Part:
    """A painted belt on the wall between two heights."""
    r, z = outside.T
    heights = np.array([span[0], *z[(z > span[0]) & (z < span[1])], span[1]])
    radii = np.interp(heights, z, r)
    outer = np.column_stack([radii + 5e-4, heights])
    belt = np.array([*outer, *(outer - (7e-4, 0.0))[::-1], outer[0]])
    return Part(shape="mesh", mesh=revolve(belt, segments=32), **look)


def _loop(rng: np.random.Generator, outside: np.ndarray, grip: float, lift: float) -> np.ndarray:
    """The axis (13, 3) of a handle that spans `lift` plus and minus `grip`: a D, a ring or an ear."""
    turn = np.linspace(-np.pi / 2, np.pi / 2, 13)
    bulge = np.cos(turn)
    style = rng.random()
    if style < 0.45:
        bulge = np.abs(np.cos(turn)) ** rng.uniform(0.55, 0.8)
    elif style < 0.7:
        bulge = bulge * (1 + rng.uniform(0.2, 0.4) * np.sin(turn))
    height = lift + grip * np.sin(turn)
    base = np.interp(height[[0, -1]], outside[:, 1], outside[:, 0])
    start = np.interp(height, height[[0, -1]], base) - 0.002
    return np.column_stack([start + rng.uniform(0.021, 0.034) * bulge, 0 * turn, height])


def _handle(path: np.ndarray, *, squash: float, radii_m: tuple[float, float] = (0.0052, 0.005)) -> tuple[Part, ...]:
    knots = path[np.round(np.array([1, 4, 8, 11]) / 12 * (len(path) - 1)).astype(int)]
    bones = [rod(knots[k], knots[k + 1], radii_m[1], visible=False, solid=True) for k in range(3)]
    return Part(shape="mesh", mesh=sweep(path, radii_m[0], segments=10, squash=squash), gloss=0.7), *bones
