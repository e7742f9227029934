"""Spoons: an oval or round hollow bowl on a handle that is narrow at the neck; from tea spoons to kitchen spoons."""

import numpy as np

from vlm_picking.sim.kinds._compound import block, joined
from vlm_picking.sim.kinds.model import Part, rod
from vlm_picking.sim.kinds.registry import unusual_shapes
from vlm_picking.sim.kinds.spoon import bowl_mesh, solid_bowl
from vlm_picking.sim.meshes import TriMesh, loft

_STEEL = {"rgb": (0.62, 0.62, 0.65), "texture": "metal", "gloss": 0.95}


# Half widths along the handle from the neck (0) to its end (1), as shares of the widest.
_ALONG = (0, 0.08, 0.25, 0.5, 0.75, 0.9, 0.98, 1.0)


_HANDLES = (
    (0.85, 0.5, 0.48, 0.62, 0.85, 1.0, 0.72, 0.3),
    (0.85, 0.6, 0.7, 0.8, 0.92, 1.0, 0.95, 0.8),
    (0.85, 0.48, 0.45, 0.55, 0.8, 0.9, 0.4, 0.15),
    (0.85, 0.55, 0.5, 0.6, 0.98, 1.0, 0.98, 0.9),
)


@unusual_shapes("spoon")
def spoon(rng: np.random.Generator) -> tuple[Part, ...]:
    """A spoon of 125 to 305 mm, its bowl 26 to 66 mm wide, at +x and open towards +z.

    Table, tea and round soup spoons, serving spoons with slots, and kitchen spoons of wood or plastic.
    """
    form = str(rng.choice(["table", "table", "tea", "soup", "serving", "kitchen", "kitchen"]))
    long, ratio, handle = {
        "table": (rng.uniform(0.028, 0.038), rng.uniform(0.62, 0.80), rng.uniform(0.095, 0.140)),
        "tea": (rng.uniform(0.021, 0.026), rng.uniform(0.62, 0.78), rng.uniform(0.082, 0.105)),
        "soup": (rng.uniform(0.022, 0.030), rng.uniform(0.88, 1.0), rng.uniform(0.095, 0.130)),
        "serving": (rng.uniform(0.036, 0.046), rng.uniform(0.62, 0.78), rng.uniform(0.13, 0.185)),
        "kitchen": (rng.uniform(0.030, 0.044), rng.uniform(0.60, 0.84), rng.uniform(0.145, 0.215)),
    }[form]
    wide, deep, kitchen = ratio * long, long * rng.uniform(0.22, 0.42), form == "kitchen"
    metal = {"texture": "metal", "gloss": 0.95} if rng.random() < 0.8 else {"gloss": float(rng.uniform(0.2, 0.6))}
    dull = {"texture": str(rng.choice(["wood", "plain"])), "gloss": 0.15}
    finish = dull if kitchen else metal
    riveted = not kitchen and rng.random() < 0.25
    middle = handle / 2
    neck, end = middle - 0.93 * long, -(handle / 2 + long)
    thick = rng.uniform(0.0045, 0.0062) if kitchen else rng.uniform(0.0022, 0.0034)
    bowl = _STEEL if riveted else finish
    arch = rng.uniform(0.0, (0.010, 0.006))
    tail = _handle(rng, (neck, end), thick, arch, stick=kitchen)
    parts = [
        Part(shape="mesh", mesh=bowl_mesh(long, wide, deep), position_m=(middle, 0, 0), **bowl),
        Part(shape="mesh", mesh=tail, **bowl),
        rod((neck, 0, 0.0), (end + 0.005, 0, 0.001), max(thick, 0.004), visible=False, solid=True),
    ]
    if riveted:
        look = {"texture": "wood", "gloss": 0.2} if rng.random() < 0.5 else {"gloss": 0.4}
        cover = _handle(rng, (neck, end), 2.2 * thick, arch, stick=True, first=0.3)
        parts.append(Part(shape="mesh", mesh=cover, **look))
    if form in ("serving", "kitchen") and rng.random() < 0.4:
        gaps = [block((0.0, y * wide, 0.0), (0.45 * long, 0.06 * wide, 0.0006)) for y in (-0.34, 0.0, 0.34)]
        slots = Part(shape="mesh", mesh=joined(gaps), position_m=(middle, 0, 0.0028 - 0.86 * deep), rgb=(0.03,) * 3)
        parts.append(slots)
    return (*parts, *solid_bowl(middle, long, wide, deep))


def _handle(
    rng: np.random.Generator,
    ends_m: tuple[float, float],
    thick_m: float,
    arch_m: np.ndarray,
    *,
    stick: bool,
    first: float = 0.0,
) -> TriMesh:
    """A handle from neck to end, or from the share `first` of it: flat and shaped, or a plain stick."""
    part = np.array(_ALONG)
    if stick:
        width = np.interp(part, [0, 0.1, 1.0], [0.0095, rng.uniform(0.0055, 0.007), rng.uniform(0.0065, 0.0105)])
        width = width * np.array([1, 1, 1, 1, 1, 1, 0.8, 0.4])
    else:
        width = rng.uniform(0.0075, 0.0125) * np.array(_HANDLES[rng.integers(len(_HANDLES))])
    along = first + (1 - first) * part
    height = arch_m[0] * np.sin(np.pi * along) + arch_m[1] * along
    places = ends_m[0] + along * (ends_m[1] - ends_m[0])
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    rings = [
        np.column_stack([np.full(12, x), w * np.cos(turn), h + thick_m * np.sin(turn)])
        for x, w, h in zip(places, width, height, strict=True)
    ]
    return loft(np.array(rings))
