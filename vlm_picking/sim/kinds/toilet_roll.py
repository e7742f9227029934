"""Toilet rolls: a wide soft roll of paper about a narrow card tube, mostly with a loose sheet."""

import numpy as np

from vlm_picking.sim.kinds._vessel import wall
from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import extrude, revolve

_CARD = (0.50, 0.37, 0.22)
SEAM = (0.72, 0.71, 0.69)
_COLOURS = ("white", "white", "white", "white", "white", "white", "pink", "yellow", "cyan")


@kind(
    "toilet roll",
    synonyms=("toilet paper", "toilet paper roll", "roll of toilet paper", "loo roll", "loo paper"),
    colours=_COLOURS,
    mass_kg=0.12,
    rest="stand_or_lie",
)
def toilet_roll(rng: np.random.Generator) -> tuple[Part, ...]:
    """A roll of 80 to 118 mm across and 92 to 106 mm high; its tube is 38 to 46 mm wide."""
    outer, half, tube = rng.uniform(0.040, 0.059), rng.uniform(0.046, 0.053), rng.uniform(0.019, 0.023)
    soft = 0.004
    paper = {"texture": str(rng.choice(["board", "plain", "peel"])), "gloss": 0.02}
    roll = [(tube, -half), (outer - soft, -half), (outer, soft - half), (outer, half - soft), (outer - soft, half)]
    roll = np.array([*roll, (tube, half), (tube, -half)])
    card = ring_profile(tube - 0.0022, tube, half + 5e-4)
    parts = [
        Part(shape="mesh", mesh=revolve(roll, segments=36), **paper),
        Part(shape="mesh", mesh=revolve(card, segments=28), rgb=_CARD, texture="board", gloss=0.02),
    ]
    # A few windings show on the ends.
    for share in rng.choice([0.25, 0.45, 0.62, 0.8], int(rng.integers(1, 4)), replace=False):
        at = tube + share * (outer - soft - tube)
        seam = revolve(ring_profile(at, at + 0.0012, half + 5e-4), segments=28)
        parts.append(Part(shape="mesh", mesh=seam, rgb=SEAM, gloss=0.02))
    if rng.random() < 0.7:
        parts += loose_sheet(rng, outer, half, paper)
    middle = (outer + tube) / 2
    return (*parts, *wall((middle, middle), (-half, half), (outer - tube) / 2))


def ring_profile(low_m: float, high_m: float, height_m: float) -> np.ndarray:
    """The closed profile (5, 2) of a ring between two radii, up to `height_m` to both sides."""
    return np.array(
        [(low_m, -height_m), (high_m, -height_m), (high_m, height_m), (low_m, height_m), (low_m, -height_m)]
    )


def loose_sheet(rng: np.random.Generator, outer_m: float, half_m: float, paper: dict) -> list[Part]:
    """A loose end: it leaves the roll along a tangent and curls away."""
    length, curl = rng.uniform(0.03, 0.075), rng.uniform(-6.0, 10.0)
    s = np.linspace(-0.02, length, 9)
    bend = np.where(s > 0, curl * s**2, -(s**2) / (2 * outer_m))
    over = np.column_stack([outer_m + 0.0012 + bend, s])
    under = over - [0.0014, 0.0]
    mesh = extrude(np.concatenate([over, under[::-1]]), 2 * half_m * 0.985)
    return [Part(shape="mesh", mesh=mesh, **paper)]
