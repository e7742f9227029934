"""Screwdrivers: a fluted handle, a thin shaft and a flat tip."""

import numpy as np

from vlm_picking.sim.kinds.model import Part, about, rod
from vlm_picking.sim.kinds.registry import held_out_variant, kind
from vlm_picking.sim.meshes import loft

STEEL = (0.62, 0.62, 0.65)
_COLOURS = ("red", "yellow", "blue", "green", "orange", "black", "purple", "pink", "cyan")


@kind("screwdriver", colours=_COLOURS, mass_kg=0.12, rest="flat")
def screwdriver(rng: np.random.Generator) -> tuple[Part, ...]:
    """A screwdriver of 170 to 250 mm; its tip points along +x."""
    grip, shaft = rng.uniform(0.08, 0.11), rng.uniform(0.09, 0.14)
    radius, thin = rng.uniform(0.0125, 0.017), rng.uniform(0.0028, 0.0042)
    return fluted(rng, grip, shaft, radius, thin)


@held_out_variant("screwdriver", "stubby")
def stubby(rng: np.random.Generator) -> tuple[Part, ...]:
    """A short, thick screwdriver of 85 to 110 mm."""
    grip, shaft = rng.uniform(0.052, 0.064), rng.uniform(0.033, 0.046)
    radius, thin = rng.uniform(0.017, 0.020), rng.uniform(0.0034, 0.0046)
    return fluted(rng, grip, shaft, radius, thin)


def fluted(rng: np.random.Generator, grip: float, shaft: float, radius: float, thin: float) -> tuple[Part, ...]:
    """A screwdriver with a fluted handle: its length, that of the shaft, their radii [m]."""
    start = -(grip + shaft) / 2
    along = np.array([0, 0.02, 0.1, 0.3, 0.6, 0.75, 0.84, 0.92, 1.0])
    swell = np.array([0.55, 0.8, 0.98, 1.0, 0.98, 0.85, 0.66, 0.75, 0.5]) * radius
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    flute = 1 - 0.09 * (np.cos(6 * turn) > 0)
    ring = np.stack([0 * turn, np.cos(turn) * flute, np.sin(turn) * flute], -1)
    rings = ring[None] * swell[:, None, None] + np.column_stack([start + along * grip, 0 * along, 0 * along])[:, None]
    neck, end = start + grip, start + grip + shaft
    parts = [
        Part(shape="mesh", mesh=loft(rings), gloss=0.6),
        rod(
            (neck - 0.002, 0, 0),
            (end - 0.006, 0, 0),
            thin,
            shape="cylinder",
            rgb=STEEL,
            texture="metal",
            gloss=0.9,
        ),
        Part(
            shape="box",
            size_m=(0.009, 1.5 * thin, 0.35 * thin),
            position_m=(end - 0.008, 0, 0),
            rgb=STEEL,
            gloss=0.9,
        ),
        rod((start + radius, 0, 0), (neck - radius, 0, 0), radius, visible=False, solid=True),
        rod((neck, 0, 0), (end, 0, 0), max(thin, 0.003), visible=False, solid=True),
    ]
    if rng.random() < 0.6:
        ends = (0.07, 0.07, 0.07) if rng.random() < 0.6 else (0.9, 0.9, 0.88)
        parts.append(
            Part(
                shape="cylinder",
                size_m=(0.9 * radius, 0.004),
                position_m=(start + 0.001, 0, 0),
                quat=about("y", np.pi / 2),
                rgb=ends,
            )
        )
    return tuple(parts)
