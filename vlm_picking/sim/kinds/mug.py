"""Mugs: an open cylinder with a handle; things can fall in."""

import numpy as np

from vlm_picking.sim.kinds._vessel import wall
from vlm_picking.sim.kinds.model import Part, rod
from vlm_picking.sim.kinds.registry import held_out_variant, kind
from vlm_picking.sim.meshes import revolve, sweep

_COLOURS = (
    "red",
    "orange",
    "yellow",
    "green",
    "blue",
    "purple",
    "pink",
    "black",
    "white",
    "grey",
    "cyan",
    "brown",
)


@kind("mug", synonyms=("cup", "coffee mug", "coffee cup"), colours=_COLOURS, mass_kg=0.3, rest="stand_or_lie")
def mug(rng: np.random.Generator) -> tuple[Part, ...]:
    """A mug of 74 to 92 mm across and 80 to 108 mm high."""
    radius, half, thick = rng.uniform(0.037, 0.046), rng.uniform(0.040, 0.054), 0.0035
    foot = radius * rng.uniform(0.82, 1.0)
    outside = [(0, -half), (foot, -half), (radius, -0.5 * half), (radius, half)]
    inside = [
        (radius - thick, half),
        (radius - thick, -0.5 * half),
        (foot - thick, 0.008 - half),
        (0, 0.008 - half),
    ]
    parts = [Part(shape="mesh", mesh=revolve(np.array(outside + inside), segments=32), gloss=0.7)]
    if rng.random() < 0.3:
        lining = [(0, 0.009 - half), (foot - thick - 5e-4, 0.009 - half)]
        lining += [(radius - thick - 5e-4, -0.5 * half), (radius - thick - 5e-4, 0.97 * half)]
        back = [(r - 3e-4, z) for r, z in reversed(lining[1:])] + [(0, 0.0095 - half)]
        parts.append(
            Part(
                shape="mesh",
                mesh=revolve(np.array(lining + back), segments=32),
                rgb=(0.9, 0.9, 0.87),
                gloss=0.7,
            )
        )
    elif rng.random() < 0.3:
        parts.append(
            Part(
                shape="mesh",
                mesh=revolve(_band(radius, -0.2 * half, 0.3 * half), segments=32),
                rgb=tuple(rng.uniform(0.7, 0.95, 3)) if rng.random() < 0.5 else (0.9, 0.9, 0.88),
                texture="text",
            )
        )
    reach, grip = rng.uniform(0.024, 0.032), half * rng.uniform(0.6, 0.72)
    turn = np.linspace(-np.pi / 2, np.pi / 2, 13)
    square = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.6
    path = np.column_stack([radius - 0.002 + reach * square, 0 * turn, grip * np.sin(turn)])
    shell = wall((radius - 0.002, radius - 0.002), (-half, half), 0.0025)
    return (*parts, *_handle(path, squash=1.25), solid_base(foot, half), *shell)


@held_out_variant("mug", "conical")
def conical(rng: np.random.Generator) -> tuple[Part, ...]:
    """A mug that widens from its foot to its rim, with an angular handle."""
    radius, half, thick = rng.uniform(0.044, 0.050), rng.uniform(0.046, 0.060), 0.0035
    foot = radius * rng.uniform(0.56, 0.66)
    outside = [(0, -half), (foot, -half), (radius, half)]
    inside = [(radius - thick, half), (foot - thick, 0.008 - half), (0, 0.008 - half)]
    body = Part(shape="mesh", mesh=revolve(np.array(outside + inside), segments=32), gloss=0.7)
    reach, grip = rng.uniform(0.026, 0.034), 0.7 * half
    lean = (radius - foot) / (2 * half)
    corners = np.array([(0, -grip), (reach, -grip), (reach, grip), (0, grip)])
    path = np.concatenate([np.linspace(a, b, 6, endpoint=False) for a, b in zip(corners, corners[1:], strict=False)])
    path = np.array([(0.5 * (foot + radius) - 0.002 + lean * z + x, 0, z) for x, z in [*path, corners[-1]]])
    shell = wall((foot - 0.002, radius - 0.002), (-half, half), 0.0025)
    return (body, *_handle(path, squash=1.6), solid_base(foot, half), *shell)


def _handle(path: np.ndarray, *, squash: float) -> tuple[Part, ...]:
    knots = path[np.round(np.array([1, 4, 8, 11]) / 12 * (len(path) - 1)).astype(int)]
    bones = [rod(knots[k], knots[k + 1], 0.005, visible=False, solid=True) for k in range(3)]
    return Part(shape="mesh", mesh=sweep(path, 0.0052, segments=10, squash=squash), gloss=0.7), *bones


def solid_base(foot_m: float, half_m: float) -> Part:
    """What collides of the foot, unseen."""
    return Part(
        shape="cylinder",
        size_m=(0.95 * foot_m, 0.004),
        position_m=(0, 0, 0.004 - half_m),
        visible=False,
        solid=True,
    )


def _band(radius_m: float, low_m: float, high_m: float) -> np.ndarray:
    inner, outer = radius_m - 2e-4, radius_m + 5e-4
    return np.array([(inner, low_m), (outer, low_m), (outer, high_m), (inner, high_m), (inner, low_m)])
