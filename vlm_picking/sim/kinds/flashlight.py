"""Flashlights: a grip, a flared head with a bright lens, a switch."""

import numpy as np

from vlm_picking.sim.colours import PAINTS
from vlm_picking.sim.kinds.model import Part, about, rod
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import TriMesh, revolve

_COLOURS = ("black", "black", "black", "black", "grey", "grey", "yellow", "red", "blue", "green", "orange")
STEEL = (0.66, 0.66, 0.68)


@kind("flashlight", synonyms=("torch", "flash light", "pocket lamp"), colours=_COLOURS, mass_kg=0.2, rest="flat")
def flashlight(rng: np.random.Generator) -> tuple[Part, ...]:
    """A flashlight of 120 to 200 mm; it shines along +x through a lens of 40 to 62 mm."""
    grip, head = rng.uniform(0.080, 0.130), rng.uniform(0.036, 0.055)
    radius, wide = rng.uniform(0.0125, 0.0175), rng.uniform(0.021, 0.032)
    start = -(grip + head) / 2
    neck, front = start + grip, start + grip + head
    flare = rng.uniform(0.35, 0.7)
    outline = [
        (0.0, start),
        (0.85 * radius, start),
        (radius, start + 0.004),
        (radius, neck),
        (0.55 * radius + 0.45 * wide, neck + 0.5 * flare * head),
        (wide, neck + flare * head),
        (wide, front),
        (0.0, front),
    ]
    lie = about("y", np.pi / 2)
    parts = [
        Part(shape="mesh", mesh=revolve(np.array(outline), segments=20), quat=lie, gloss=0.6),
        metal_band(front - 0.004, 1.04 * wide, 0.005, STEEL if rng.random() < 0.7 else (0.06, 0.06, 0.06)),
        Part(
            shape="mesh",
            mesh=dome(rng.uniform(0.007, 0.011), 0.9 * wide, 18),
            position_m=(front, 0, 0),
            quat=lie,
            rgb=(1.0, 0.97, 0.72) if rng.random() < 0.7 else (0.86, 0.94, 1.0),
            gloss=1.0,
        ),
    ]
    if rng.random() < 0.7:
        grooves = rng.uniform(0.3, 0.45) * grip
        ribs = np.linspace(-grooves, grooves, 13)
        swell = np.where(np.arange(13) % 2, 1.09, 0.99) * radius
        parts.append(rubber_sleeve(rng, ribs, swell, start + 0.5 * grip))
    button = PAINTS[str(rng.choice(["red", "orange", "white", "green", "grey"]))]
    parts.append(
        Part(
            shape="mesh",
            mesh=dome(0.005, rng.uniform(0.006, 0.009), 10),
            position_m=(neck - 0.012, 0, 0.97 * radius),
            rgb=button,
        )
    )
    parts.append(metal_band(start + 0.004, 1.06 * radius, 0.006, STEEL if rng.random() < 0.5 else None))
    if rng.random() < 0.5:
        parts.append(belt_clip(start, neck, radius))
    spans = ((start, neck + 0.3 * head, radius), (neck + 0.6 * flare * head, front + 0.004, wide))
    return (*parts, *solid_cylinders(spans))


def dome(height_m: float, radius_m: float, segments: int) -> TriMesh:
    """A flat-footed cap that bulges along +z."""
    lift = np.linspace(0, np.pi / 2, 5)
    cap = np.column_stack([radius_m * np.cos(lift), height_m * np.sin(lift)])
    return revolve(np.concatenate([[(0.0, -0.003), (radius_m, -0.003)], cap]), segments=segments)


def metal_band(x_m: float, radius_m: float, half_m: float, rgb: tuple | None) -> Part:
    """A band about the x axis at `x_m`, `half_m` half as wide; None wears the paint of the light."""
    return Part(
        shape="cylinder",
        size_m=(radius_m, half_m),
        position_m=(x_m, 0, 0),
        quat=about("y", np.pi / 2),
        rgb=rgb,
        texture="metal",
        gloss=0.9,
    )


def rubber_sleeve(rng: np.random.Generator, places_m: np.ndarray, radii_m: np.ndarray, x_m: float) -> Part:
    """A ribbed sleeve about the x axis, its middle at `x_m`: radii at places along it; of rubber or painted."""
    rubber = np.concatenate([[(0, places_m[0])], np.column_stack([radii_m, places_m]), [(0, places_m[-1])]])
    return Part(
        shape="mesh",
        mesh=revolve(rubber, segments=14),
        position_m=(x_m, 0, 0),
        quat=about("y", np.pi / 2),
        rgb=None if rng.random() < 0.7 else (0.07, 0.07, 0.075),
    )


def belt_clip(start_m: float, neck_m: float, radius_m: float) -> Part:
    """A steel clip along the grip."""
    height = -1.3 * radius_m
    return rod((start_m + 0.012, 0, height), (neck_m - 0.02, 0, height), 0.003, rgb=STEEL, gloss=0.9)


def solid_cylinders(spans_m: tuple[tuple[float, float, float], ...]) -> list[Part]:
    """What collides, unseen: cylinders along x, each from, to and of a radius."""
    solid = {"shape": "cylinder", "visible": False, "solid": True}
    return [rod((low, 0, 0), (high, 0, 0), radius, **solid) for low, high, radius in spans_m]
