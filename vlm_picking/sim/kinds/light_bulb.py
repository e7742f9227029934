"""Light bulbs: a glass globe or candle on a threaded metal base."""

import numpy as np

from vlm_picking.sim.kinds.model import Part, about, rod
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import revolve

_COLOURS = (
    "white",
    "white",
    "white",
    "white",
    "white",
    "white",
    "yellow",
    "yellow",
    "orange",
    "blue",
    "green",
    "red",
    "pink",
)
# Glass from the neck (0) to the crown (1): share of the length, share of the largest radius.
_SHAPES = {
    "pear": [(0, 0.5), (0.08, 0.53), (0.25, 0.7), (0.42, 0.91), (0.58, 1), (0.74, 0.95), (0.88, 0.7), (0.97, 0.34)],
    "globe": [(0, 0.36), (0.07, 0.4), (0.15, 0.68), (0.3, 0.91), (0.5, 1), (0.7, 0.94), (0.87, 0.7), (0.97, 0.33)],
    "candle": [(0, 0.6), (0.1, 0.8), (0.25, 0.98), (0.36, 1), (0.55, 0.86), (0.72, 0.6), (0.88, 0.28), (0.96, 0.14)],
}


@kind("light bulb", synonyms=("bulb", "lightbulb", "lamp bulb"), colours=_COLOURS, mass_kg=0.06, rest="flat")
def light_bulb(rng: np.random.Generator) -> tuple[Part, ...]:
    """A bulb of 100 to 125 mm and 42 to 84 mm across; its crown points along +x."""
    shape = str(rng.choice(["pear", "globe", "candle"], p=(0.65, 0.2, 0.15)))
    radius = {"pear": rng.uniform(0.029, 0.035), "globe": rng.uniform(0.036, 0.042), "candle": 0.0215}[shape]
    glass = rng.uniform(2.2, 2.6) * radius if shape != "globe" else 2.1 * radius
    glass = 3.4 * radius if shape == "candle" else glass
    base, base_radius = rng.uniform(0.027, 0.033), 0.0135 if shape != "candle" else 0.0115
    start = -(base + 0.006 + glass) / 2
    neck, lie = start + 0.006 + base, about("y", np.pi / 2)
    outline = [(max(r * radius, base_radius if z == 0 else 0), z * glass) for z, r in _SHAPES[shape]]
    metal = (0.62, 0.62, 0.64) if rng.random() < 0.7 else (0.66, 0.50, 0.22)
    z = np.linspace(0, base, 11)
    thread = np.column_stack([base_radius * np.where(np.arange(11) % 2, 1.08, 0.9), z])
    steel = {"rgb": metal, "texture": "metal", "gloss": 0.9}
    parts = [
        Part(
            shape="mesh",
            mesh=revolve(np.array([(0, 0), *outline, (0, glass)]), segments=24),
            position_m=(neck, 0, 0),
            quat=lie,
            gloss=0.95,
        ),
        Part(
            shape="mesh",
            mesh=revolve(np.array([(0, 0), *thread, (0, base)]), segments=18),
            position_m=(start + 0.006, 0, 0),
            quat=lie,
            **steel,
        ),
        rod((start + 0.001, 0, 0), (start + 0.007, 0, 0), 0.68 * base_radius, shape="cylinder", rgb=(0.05, 0.05, 0.05)),
        rod((start, 0, 0), (start + 0.002, 0, 0), 0.35 * base_radius, shape="cylinder", **steel),
    ]
    if shape == "pear" and rng.random() < 0.4:
        # The cooling collar of an LED bulb.
        foot = max(1.08 * base_radius, 0.56 * radius)
        collar = [(0, -0.001), (foot, -0.001), (0.74 * radius, 0.26 * glass), (0, 0.26 * glass)]
        grey = tuple(rng.uniform(0.35, 0.8) * np.ones(3))
        parts.append(
            Part(
                shape="mesh",
                mesh=revolve(np.array(collar), segments=24),
                position_m=(neck, 0, 0),
                quat=lie,
                rgb=grey,
                gloss=0.4,
            )
        )
    middle = neck + (0.58 if shape == "pear" else 0.5 if shape == "globe" else 0.4) * glass
    half = (neck + glass - middle, radius, radius)
    parts.append(Part(shape="ellipsoid", size_m=half, position_m=(middle, 0, 0), visible=False, solid=True))
    parts.append(rod((start, 0, 0), (middle, 0, 0), base_radius, shape="cylinder", visible=False, solid=True))
    return tuple(parts)
