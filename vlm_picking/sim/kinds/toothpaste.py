"""Toothpaste: a tube that is flat and wide at its crimped end and round at its cap, with a printed band."""

import numpy as np

from vlm_picking.sim.colours import PAINTS
from vlm_picking.sim.kinds.model import Part, about
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import TriMesh, loft

_COLOURS = ("white", "white", "blue", "red", "green", "cyan", "orange", "pink", "purple", "yellow")
WHITE = (0.93, 0.93, 0.92)


@kind(
    "toothpaste",
    synonyms=("toothpaste tube", "tube of toothpaste", "tooth paste"),
    colours=_COLOURS,
    mass_kg=0.13,
)
def toothpaste(rng: np.random.Generator) -> tuple[Part, ...]:
    """A tube of 130 to 195 mm; its cap points along +x, its crimp is at -x and lies in the x-y plane."""
    body, cap = rng.uniform(0.100, 0.145), rng.uniform(0.020, 0.032)
    wide, thick = rng.uniform(0.024, 0.030), rng.uniform(0.014, 0.019)
    start = -(body + cap) / 2
    fill = rng.uniform(0.35, 0.9)
    parts = [Part(shape="mesh", mesh=tube_mesh(start, body, wide, thick, fill, (0.0, 1.0)), gloss=0.6, solid=True)]
    neck, cap_radius = start + body, rng.uniform(0.55, 0.95) * thick
    cap_rgb = WHITE if rng.random() < 0.7 else PAINTS[str(rng.choice(list(PAINTS)))]
    parts += shoulder_and_cap(neck, thick, (cap_radius, cap / 2), cap_rgb, "stripes")
    fold = {"rgb": WHITE, "texture": "stripes"}
    parts.append(Part(shape="box", size_m=(0.005, wide + 3e-4, 0.0016), position_m=(start + 0.004, 0, 0), **fold))
    accent = PAINTS[str(rng.choice(["red", "blue", "green", "cyan", "white", "orange"]))]
    low = rng.uniform(0.22, 0.35)
    for span, rgb, texture in (
        ((low, low + rng.uniform(0.2, 0.32)), WHITE, "text"),
        ((0.84, 0.92), accent, "plain"),
        ((low - 0.07, low), accent, "plain"),
    ):
        band = tube_mesh(start, body, wide, thick, fill, span, skin_m=6e-4)
        parts.append(Part(shape="mesh", mesh=band, rgb=rgb, texture=texture, gloss=0.6))
    return tuple(parts)


def tube_mesh(
    start_m: float,
    body_m: float,
    wide_m: float,
    thick_m: float,
    fill: float,
    span: tuple[float, float],
    *,
    skin_m: float = 0.0,
) -> TriMesh:
    """The part `span` (0 the crimp, 1 the shoulder) of the tube, grown by `skin_m`; `fill` is how full it is."""
    turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    rings = []
    for along in np.linspace(*span, 5):
        y = wide_m + (thick_m - wide_m) * along + skin_m
        z = 0.0014 + (thick_m - 0.0014) * along ** (0.5 + 0.5 * (1 - fill)) + skin_m
        x = start_m + along * body_m
        rings.append(np.column_stack([np.full(20, x), y * np.cos(turn), z * np.sin(turn)]))
    return loft(np.array(rings))


def shoulder_and_cap(neck_m: float, thick_m: float, cap_m: tuple[float, float], rgb: tuple, texture: str) -> list[Part]:
    """The white shoulder at `neck_m`, and a cap beyond it of that radius and half length."""
    turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    rings = [
        np.column_stack([np.full(20, neck_m + dx), r * thick_m * np.cos(turn), r * thick_m * np.sin(turn)])
        for dx, r in ((0.0, 1.0), (0.007, 0.62))
    ]
    return [
        Part(shape="mesh", mesh=loft(np.array(rings)), rgb=WHITE, gloss=0.5),
        Part(
            shape="cylinder",
            size_m=cap_m,
            position_m=(neck_m + 0.006 + cap_m[1], 0, 0),
            quat=about("y", np.pi / 2),
            rgb=rgb,
            texture=texture,
            solid=True,
        ),
    ]
