"""Flashlights: a grip, a flared head with a bright lens, a switch."""

import numpy as np

from vlm_picking.sim.colours import PAINTS
from vlm_picking.sim.kinds.flashlight import STEEL, belt_clip, dome, metal_band, rubber_sleeve, solid_cylinders
from vlm_picking.sim.kinds.model import Part, about, rod
from vlm_picking.sim.kinds.registry import unusual_shapes
from vlm_picking.sim.meshes import revolve

# Lengths of grip and head, radii of grip and head [m].
_FORMS = {
    "club": ((0.070, 0.140), (0.034, 0.058), (0.0120, 0.0185), (0.020, 0.033)),
    "pocket": ((0.062, 0.100), (0.018, 0.030), (0.0090, 0.0140), (0.0110, 0.0175)),
    "lantern": ((0.075, 0.105), (0.030, 0.045), (0.0180, 0.0225), (0.028, 0.036)),
}


@unusual_shapes("flashlight")
def flashlight(rng: np.random.Generator) -> tuple[Part, ...]:
    """A flashlight of 85 to 208 mm; it shines along +x through a lens of 21 to 72 mm.

    A club with a flared head, a slim pocket light whose head is hardly wider than its grip, or a stout lamp; of
    plastic, rubber or anodised metal, its grip smooth or ribbed; some with a clip along the grip or a lanyard stub.
    """
    form = str(rng.choice(list(_FORMS), p=(0.5, 0.32, 0.18)))
    grip, head, radius, wide = (rng.uniform(*span) for span in _FORMS[form])
    wide = max(wide, 1.15 * radius)
    start = -(grip + head) / 2
    neck, front = start + grip, start + grip + head
    flare = rng.uniform(0.2, 0.9)
    ease = rng.uniform(0.25, 0.65)
    outline = [
        (0.0, start),
        (0.85 * radius, start),
        (radius, start + 0.004),
        (radius, neck),
        ((1 - ease) * radius + ease * wide, neck + 0.5 * flare * head),
        (wide, neck + flare * head),
        (wide, front),
        (0.0, front),
    ]
    lie = about("y", np.pi / 2)
    bezel = (STEEL, STEEL, (0.06, 0.06, 0.06), None)[rng.integers(4)]
    finish = {"texture": "metal" if rng.random() < 0.3 else "plain", "gloss": rng.uniform(0.15, 0.8)}
    parts = [
        Part(shape="mesh", mesh=revolve(np.array(outline), segments=20), quat=lie, **finish),
        metal_band(front - 0.004, 1.04 * wide, rng.uniform(0.002, 0.006), bezel),
        Part(
            shape="mesh",
            mesh=dome(rng.uniform(0.10, 0.40) * wide, 0.9 * wide, 18),
            position_m=(front, 0, 0),
            quat=lie,
            rgb=((1.0, 0.97, 0.72), (1.0, 0.97, 0.72), (0.86, 0.94, 1.0), (0.80, 0.81, 0.82))[rng.integers(4)],
            gloss=1.0,
        ),
    ]
    if rng.random() < 0.7:
        grooves, count = rng.uniform(0.15, 0.45) * grip, 2 * int(rng.integers(3, 10)) + 1
        ribs = np.linspace(-grooves, grooves, count)
        swell = np.where(np.arange(count) % 2, rng.uniform(1.04, 1.12), 0.99) * radius
        parts.append(rubber_sleeve(rng, ribs, swell, start + 0.5 * grip))
    button = PAINTS[str(rng.choice(["red", "orange", "white", "green", "grey", "black", "black"]))]
    parts.append(
        Part(
            shape="mesh",
            mesh=dome(rng.uniform(0.002, 0.005), rng.uniform(0.35, 0.55) * radius, 10),
            position_m=(neck - 0.012, 0, 0.97 * radius),
            rgb=button,
        )
    )
    if rng.random() < 0.2:
        parts.append(rod((start - 0.010, 0, 0), (start + 0.002, 0, 0), 0.003, rgb=(0.06, 0.06, 0.06)))
    parts.append(metal_band(start + 0.004, 1.06 * radius, 0.006, STEEL if rng.random() < 0.5 else None))
    if rng.random() < 0.35:
        parts.append(belt_clip(start, neck, radius))
    spans = ((start, neck + 0.3 * head, radius), (neck + 0.6 * flare * head, front + 0.004, wide))
    return (*parts, *solid_cylinders(spans))
