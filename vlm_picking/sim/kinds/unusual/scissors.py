"""Scissors: two steel blades crossed at a screw, and two thick finger loops of plastic."""

import numpy as np

from vlm_picking.sim.kinds.model import Part, about, rod
from vlm_picking.sim.kinds.registry import unusual_shapes
from vlm_picking.sim.kinds.scissors import STEEL, about_screw, finger_loop, screw, shank_bar, solid_loop
from vlm_picking.sim.meshes import extrude


@unusual_shapes("scissors")
def scissors(rng: np.random.Generator) -> tuple[Part, ...]:
    """Scissors of 125 to 260 mm, closed to widely open; the blades point along +x, the screw is near 0.

    Office scissors, children's with short round blades, tailor's shears with one long loop, slim ones all of
    metal; loops of one colour or lined with rubber, blades bright or dark.
    """
    form = str(rng.choice(["office", "office", "office", "child", "shears", "slim"]))
    blade, shank, width = {
        "office": (rng.uniform(0.070, 0.120), rng.uniform(0.026, 0.044), rng.uniform(0.014, 0.021)),
        "child": (rng.uniform(0.050, 0.070), rng.uniform(0.022, 0.030), rng.uniform(0.014, 0.019)),
        "shears": (rng.uniform(0.105, 0.135), rng.uniform(0.032, 0.044), rng.uniform(0.018, 0.025)),
        "slim": (rng.uniform(0.055, 0.095), rng.uniform(0.030, 0.050), rng.uniform(0.010, 0.014)),
    }[form]
    opening = rng.uniform(0.03, 0.38)
    screw_x = (shank + 0.045 - blade) / 2
    small = (rng.uniform(0.016, 0.026), rng.uniform(0.013, 0.017))
    loops = {1: small, -1: (small[0] * rng.uniform(1.0, 1.5), small[1] * rng.uniform(1.0, 1.2))}
    if form == "shears":
        loops = {1: (0.024, 0.0165), -1: (rng.uniform(0.032, 0.038), rng.uniform(0.016, 0.020))}
    elif form != "office":
        loops[-1] = small
    round_tip = form == "child" or rng.random() < 0.2
    dark = rng.random() < 0.15
    lining = ((0.07, 0.07, 0.075), (0.55, 0.55, 0.56))[rng.integers(2)] if rng.random() < 0.35 else None
    looks = {"texture": "metal", "gloss": 0.9} if form == "slim" else {"gloss": float(rng.uniform(0.2, 0.6))}
    parts = []
    for side in (-1, 1):
        long, wide = loops[side]
        thick = rng.uniform(0.0036, 0.0045) if form == "slim" else rng.uniform(0.0045, 0.0068)
        turn = about("z", side * opening)
        at = about_screw(screw_x, side * opening)
        outline = np.array([(-0.012, -0.5), (0.012, -0.55), (blade, 0.42), (0.97 * blade, 0.5), (-0.012, 0.5)])
        if round_tip:
            end = [(0.9 * blade, -0.22), (0.98 * blade, -0.1), (blade, 0.15), (0.98 * blade, 0.42), (0.93 * blade, 0.5)]
            outline = np.array([(-0.012, -0.5), (0.012, -0.55), *end, (-0.012, 0.5)])
        steel = extrude(outline * [1.0, -side * width], 0.0035)
        middle = (-shank - 0.75 * long, -side * (wide + 0.004))
        finish = {"rgb": (0.13, 0.13, 0.14) if dark else STEEL, "texture": "metal", "gloss": 0.9}
        parts += [
            Part(shape="mesh", mesh=steel, position_m=at(0, 0, side * 0.002), quat=turn, **finish),
            Part(shape="mesh", mesh=finger_loop(long, wide, thick), position_m=at(*middle), quat=turn, **looks),
            shank_bar(at(0.004, 0), at(-shank, -side * (wide + 0.001)), thick, looks),
            rod(at(0, 0), at(0.96 * blade, -side * 0.3 * width), 0.0045, visible=False, solid=True),
        ]
        if lining:
            inner = finger_loop(long - 0.85 * thick, wide - 0.85 * thick, 0.65 * thick)
            parts.append(Part(shape="mesh", mesh=inner, position_m=at(*middle), quat=turn, rgb=lining, gloss=0.1))
        parts += solid_loop(at, middle, (long, wide), thick)
    return (*parts, screw(rng, screw_x))
