"""Bolts: a hexagon head on a threaded shank."""

import numpy as np

from vlm_picking.sim.kinds.model import Part, about, rod
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import extrude, revolve


@kind(
    "bolt",
    synonyms=("screw", "hex bolt"),
    colours=("grey", "grey", "grey", "black"),
    mass_kg=0.1,
    rest="flat",
)
def bolt(rng: np.random.Generator) -> tuple[Part, ...]:
    """A bolt of 60 to 105 mm with a shank of 11 to 18 mm; its head is at -x."""
    radius, length = rng.uniform(0.0055, 0.009), rng.uniform(0.05, 0.085)
    head, tall = 1.85 * radius, 1.3 * radius
    finish = {"texture": "metal", "gloss": 0.9}
    turn = np.arange(6) * np.pi / 3
    hexagon = head * np.column_stack([np.cos(turn), np.sin(turn)])
    ridges = int(rng.integers(9, 14))
    z = np.linspace(0, length, 2 * ridges + 1)
    thread = np.column_stack([radius * np.where(np.arange(len(z)) % 2, 1.0, 0.82), z])
    shank = np.array([(0, 0), *thread, (0.6 * radius, length + 0.002), (0, length + 0.002)])
    lie, start = about("y", np.pi / 2), -(length + tall) / 2
    parts = [
        Part(shape="mesh", mesh=extrude(hexagon, tall), position_m=(start + tall / 2, 0, 0), quat=lie, **finish),
        *shank_parts(rng, shank, hexagon, radius=radius, length=length, head=head, tall=tall, finish=finish),
    ]
    return tuple(parts)


def shank_parts(
    rng: np.random.Generator,
    shank: np.ndarray,
    hexagon: np.ndarray,
    *,
    radius: float,
    length: float,
    head: float,
    tall: float,
    finish: dict,
) -> list[Part]:
    """The shank of that profile, what collides, and on some a nut: `hexagon` is its outline; all lengths in m."""
    lie, start = about("y", np.pi / 2), -(length + tall) / 2
    neck = start + tall
    parts = [
        Part(shape="mesh", mesh=revolve(shank, segments=14), position_m=(neck, 0, 0), quat=lie, **finish),
        rod((start, 0, 0), (neck, 0, 0), 0.93 * head, shape="cylinder", visible=False, solid=True),
        rod((neck, 0, 0), (neck + length, 0, 0), radius, visible=False, solid=True),
    ]
    if rng.random() < 0.3:
        nut = extrude(hexagon, 0.8 * tall)
        place = neck + rng.uniform(0.35, 0.8) * length
        parts.append(Part(shape="mesh", mesh=nut, position_m=(place, 0, 0), quat=lie, **finish))
    return parts
