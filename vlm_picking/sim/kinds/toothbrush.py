"""Toothbrushes: a long moulded handle with grips, a thin neck and a head of bristles."""

import numpy as np

from vlm_picking.sim.colours import PAINTS
from vlm_picking.sim.kinds.model import Part, rod
from vlm_picking.sim.kinds.registry import kind
from vlm_picking.sim.meshes import TriMesh, loft, revolve

_COLOURS = ("blue", "red", "green", "pink", "purple", "orange", "yellow", "cyan", "white", "black")
WHITE = (0.94, 0.95, 0.95)


@kind("toothbrush", synonyms=("tooth brush", "dental brush"), colours=_COLOURS, mass_kg=0.06, rest="any")
def toothbrush(rng: np.random.Generator) -> tuple[Part, ...]:
    """A toothbrush of 165 to 205 mm; its head is at +x and its bristles point towards +z."""
    half, head = rng.uniform(0.082, 0.102), rng.uniform(0.028, 0.036)
    wide, thick = rng.uniform(0.0070, 0.0092), rng.uniform(0.0052, 0.0070)
    brush = rng.uniform(0.0072, 0.0090)
    along = np.array([0, 0.02, 0.10, 0.3, 0.5, 0.6, 0.72, 0.80, 0.84, 0.97, 1.0])
    width = wide * np.array([0.4, 0.8, 1.0, 0.92, 1.0, 0.8, 0.5, 0.5, 0, 0, 0])
    width[-3:] = brush * np.array([0.8, 0.95, 0.4])
    width[-3] = brush
    tall = thick * np.array([0.4, 0.8, 1.0, 1.0, 1.0, 0.85, 0.6, 0.55, 0.5, 0.5, 0.4])
    bow = rng.uniform(-0.004, 0.006) * np.sin(np.pi * along)
    parts = [Part(shape="mesh", mesh=moulded(half, along, width, tall, bow), gloss=0.6)]
    rows, foot = int(rng.integers(4, 7)), float(bow[-2]) + 0.4 * thick
    parts += bristles(rng, half - 0.005 - head, head, brush, foot, rows=rows, low_m=0.0045)
    if rng.random() < 0.75:
        parts += grip_dots(rng, half, (0.55 * wide, thick + 0.0006), along, bow)
    grip = rod((0.006 - half, 0, 0), (0.45 * half, 0, float(bow[4])), thick, visible=False, solid=True)
    neck = rod((0.4 * half, 0, 0), (half - 0.004, 0, 0), 0.0035, visible=False, solid=True)
    return (*parts, grip, neck, solid_head(half, head, brush))


def bristles(
    rng: np.random.Generator,
    start_m: float,
    long_m: float,
    wide_m: float,
    foot_m: float,
    *,
    rows: int,
    low_m: float,
    is_plain: bool = False,
) -> list[Part]:
    """Rows of tufts, half as high as `low_m` or more; every other row is dyed, unless plain, and the last is higher."""
    dye = PAINTS[str(rng.choice(["blue", "cyan", "green", "red", "pink", "purple"]))]
    step, tufts = long_m / rows, []
    for row in range(rows):
        height = rng.uniform(low_m, 0.0055) + (0.001 if row == rows - 1 else 0.0)
        tufts.append(
            Part(
                shape="box",
                size_m=(0.40 * step, 0.88 * wide_m, height),
                position_m=(float(start_m + (row + 0.5) * step), 0, foot_m + height),
                rgb=dye if row % 2 and not is_plain else WHITE,
                gloss=0.05,
            )
        )
    return tufts


def moulded(half_m: float, along: np.ndarray, width_m: np.ndarray, tall_m: np.ndarray, bow_m: np.ndarray) -> TriMesh:
    """Oval sections at places from -half (0) to half (1): half widths, half heights, and how high their middles lie."""
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    rings = [
        np.column_stack([np.full(12, (2 * a - 1) * half_m), w * np.cos(turn), b + h * np.sin(turn)])
        for a, w, h, b in zip(along, width_m, tall_m, bow_m, strict=True)
    ]
    return loft(np.array(rings))


def grip_dots(
    rng: np.random.Generator, half_m: float, size_m: tuple[float, float], along: np.ndarray, bow_m: np.ndarray
) -> list[Part]:
    """A few oval dots on the handle, white or in some colour."""
    accent = WHITE if rng.random() < 0.6 else PAINTS[str(rng.choice(list(PAINTS)))]
    parts = []
    for x in np.linspace(-0.62, -0.05, int(rng.integers(2, 5))) * half_m:
        lift = float(np.interp((x / half_m + 1) / 2, along, bow_m))
        size = (rng.uniform(0.003, 0.007), *size_m)
        dot = revolve(np.array([(0, -1), (0.7, -0.7), (1, 0), (0.7, 0.7), (0, 1)]) * size[2], segments=10)
        dot = dot.moved(dot.vertices / size[2] * size)
        parts.append(Part(shape="mesh", mesh=dot, position_m=(float(x), 0, lift), rgb=accent, gloss=0.2))
    return parts


def solid_head(half_m: float, head_m: float, wide_m: float) -> Part:
    """What collides of the head and its bristles, unseen."""
    size, place = (head_m / 2, wide_m, 0.0065), (half_m - 0.004 - head_m / 2, 0, 0.0065)
    return Part(shape="box", size_m=size, position_m=place, visible=False, solid=True)
