"""Scissors: two steel blades crossed at a screw, and two thick finger loops of plastic."""

from collections.abc import Callable

import numpy as np

from vlm_picking.sim.kinds.model import Part, about, rod
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import TriMesh, extrude, loft

STEEL = (0.68, 0.68, 0.71)
_COLOURS = ("red", "blue", "black", "green", "orange", "yellow", "purple", "pink", "cyan")


@kind("scissors", synonyms=("scissor", "shears", "pair of scissors"), colours=_COLOURS, mass_kg=0.12, rest="flat")
def scissors(rng: np.random.Generator) -> tuple[Part, ...]:
    """Scissors of 150 to 230 mm, slightly or widely open; the blades point along +x, the screw is near 0."""
    blade, shank = rng.uniform(0.075, 0.115), rng.uniform(0.030, 0.042)
    width, opening = rng.uniform(0.015, 0.021), rng.uniform(0.04, 0.30)
    screw_x = (shank + 0.045 - blade) / 2
    parts = []
    for side in (-1, 1):
        long, wide = rng.uniform(0.021, 0.030), rng.uniform(0.015, 0.019)
        thick = rng.uniform(0.0048, 0.0065)
        turn = about("z", side * opening)
        at = about_screw(screw_x, side * opening)
        outline = np.array([(-0.012, -0.5), (0.012, -0.55), (blade, 0.42), (0.97 * blade, 0.5), (-0.012, 0.5)])
        steel = extrude(outline * [1.0, -side * width], 0.0035)
        middle = (-shank - 0.75 * long, -side * (wide + 0.004))
        finish = {"rgb": STEEL, "texture": "metal", "gloss": 0.9}
        parts += [
            Part(shape="mesh", mesh=steel, position_m=at(0, 0, side * 0.002), quat=turn, **finish),
            Part(shape="mesh", mesh=finger_loop(long, wide, thick), position_m=at(*middle), quat=turn, gloss=0.5),
            shank_bar(at(0.004, 0), at(-shank, -side * (wide + 0.001)), thick, {"gloss": 0.5}),
            rod(at(0, 0), at(0.96 * blade, -side * 0.3 * width), 0.0045, visible=False, solid=True),
        ]
        parts += solid_loop(at, middle, (long, wide), thick)
    return (*parts, screw(rng, screw_x))


def shank_bar(start: tuple, end: tuple, thick_m: float, look: dict) -> Part:
    """A square bar in the x-y plane from the screw to a loop."""
    (x0, y0, _), (x1, y1, _) = start, end
    size = (float(np.hypot(x1 - x0, y1 - y0)) / 2, thick_m + 0.001, thick_m)
    turn = about("z", float(np.arctan2(y1 - y0, x1 - x0)))
    middle = ((x0 + x1) / 2, (y0 + y1) / 2, 0.0)
    return Part(shape="box", size_m=size, position_m=middle, quat=turn, solid=True, **look)


def finger_loop(long_m: float, wide_m: float, thick_m: float) -> TriMesh:
    """A finger loop: an elliptical ring in the x-y plane with a round section."""
    turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    around = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    centre = np.column_stack([long_m * np.cos(turn), wide_m * np.sin(turn), 0 * turn])
    outward = np.column_stack([np.cos(turn), np.sin(turn), 0 * turn])
    ring = outward[:, None] * np.cos(around)[None, :, None] + np.array([0, 0, 1.0]) * np.sin(around)[None, :, None]
    return loft(centre[:, None] + thick_m * ring, capped=False)


def about_screw(screw_m: float, angle_rad: float) -> Callable[..., tuple[float, float, float]]:
    """Where a place of a blade lies once the blade has turned about the screw, at `screw_m` on x."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)

    def at(x: float, y: float, z: float = 0.0) -> tuple[float, float, float]:
        return (float(screw_m + cos * x - sin * y), float(sin * x + cos * y), z)

    return at


def solid_loop(at: Callable, middle_m: tuple, radii_m: tuple[float, float], thick_m: float) -> list[Part]:
    """What collides of a finger loop, unseen: six rods about its middle."""
    (x, y), (long, wide) = middle_m, radii_m
    knots = [at(x + long * np.cos(a), y + wide * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 7)[:-1]]
    return [rod(knots[k - 1], knots[k], thick_m, visible=False, solid=True) for k in range(6)]


def screw(rng: np.random.Generator, screw_m: float) -> Part:
    """The screw that the blades turn about."""
    rgb = (0.35, 0.35, 0.37) if rng.random() < 0.6 else (0.85, 0.85, 0.86)
    return Part(shape="cylinder", size_m=(0.0055, 0.0065), position_m=(screw_m, 0, 0), rgb=rgb, gloss=0.9)
