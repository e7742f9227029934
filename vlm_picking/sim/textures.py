"""Procedural cube textures: six square faces stacked, (6 N, N, 3) uint8, times the paint of their part."""

from collections.abc import Callable

import cv2
import numpy as np

SIDE_PX = 64

Maker = Callable[[np.random.Generator], np.ndarray]


def _noise(rng: np.random.Generator, cells: int, low: float, high: float) -> np.ndarray:
    coarse = rng.uniform(low, high, (6 * cells, cells)).astype(np.float32)
    return cv2.resize(coarse, (SIDE_PX, 6 * SIDE_PX), interpolation=cv2.INTER_CUBIC)


def _grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(np.clip(values, 0, 255).astype(np.uint8)[..., None], 3, axis=-1)


def skin(rng: np.random.Generator) -> np.ndarray:
    """Mottled fruit skin with small dark speckles."""
    values = _noise(rng, 8, 205, 255)
    dots = rng.random(values.shape) < rng.uniform(0.0, 0.03)
    return _grey(np.where(dots, values - 60, values))


def peel(rng: np.random.Generator) -> np.ndarray:
    """Fine regular pores."""
    return _grey(_noise(rng, 32, 205, 255))


def porous(rng: np.random.Generator) -> np.ndarray:
    """Large and small dark pores, as of a sponge."""
    values = _noise(rng, 8, 225, 255)
    for face in range(6):
        for x, y in rng.integers(0, SIDE_PX, (45, 2)):
            centre = (int(x), face * SIDE_PX + int(y))
            cv2.circle(values, centre, int(rng.integers(1, 3)), float(rng.uniform(110, 180)), -1)
    return _grey(values)


def wood(rng: np.random.Generator) -> np.ndarray:
    """Long grain along one side."""
    grain = rng.uniform(170, 255, (6 * SIDE_PX, 1)).astype(np.float32)
    grain = cv2.GaussianBlur(np.repeat(grain, SIDE_PX, 1), (1, 5), 0)
    return _grey(grain + _noise(rng, 10, -18, 18))


def board(rng: np.random.Generator) -> np.ndarray:
    """Paper or cardboard: faint fibres and stains."""
    return _grey(_noise(rng, 6, 228, 255) + _noise(rng, 64, -9, 3))


def metal(rng: np.random.Generator) -> np.ndarray:
    """Brushed metal."""
    return _grey(_noise(rng, 3, 190, 255) + np.repeat(rng.uniform(-16, 8, (6 * SIDE_PX, 1)), SIDE_PX, 1))


def text(rng: np.random.Generator) -> np.ndarray:
    """A printed label: a heading, lines that stand for words, a bar code or a block."""
    out = np.full((6 * SIDE_PX, SIDE_PX, 3), 250, np.uint8)
    ink = tuple(int(v) for v in rng.uniform(0, 110, 3))
    accent = tuple(int(v) for v in rng.uniform(0, 230, 3))
    for face in range(6):
        _print_face(out[face * SIDE_PX : (face + 1) * SIDE_PX], rng, ink, accent)
    return out


def _print_face(face: np.ndarray, rng: np.random.Generator, ink: tuple, accent: tuple) -> None:
    y = int(rng.integers(4, 14))
    face[y : y + int(rng.integers(6, 14)), 6 : int(rng.integers(30, 58))] = accent
    for line in range(y + 18, SIDE_PX - 14, int(rng.integers(5, 9))):
        x = 6
        while x < SIDE_PX - 10:
            width = int(rng.integers(3, 11))
            face[line : line + 2, x : x + width] = ink
            x += width + 3
    if rng.random() < 0.5:
        for x in range(8, 34, 2):
            face[SIDE_PX - 12 : SIDE_PX - 3, x : x + int(rng.integers(1, 3))] = 20


def stripes(rng: np.random.Generator) -> np.ndarray:
    """Bands of light and darker tone."""
    period = int(rng.integers(8, 24))
    rows = np.where((np.arange(6 * SIDE_PX) // period) % 2 == 0, 255.0, rng.uniform(120, 190))
    return _grey(np.repeat(rows[:, None], SIDE_PX, 1))


def plain(rng: np.random.Generator) -> np.ndarray:
    """Slightly uneven moulded plastic or glaze."""
    return _grey(_noise(rng, 4, 236, 255))


def checks(rng: np.random.Generator) -> np.ndarray:
    """Squares of two tones, as of a tiled bench."""
    cell = int(rng.integers(1, 4))
    rows, columns = np.indices((6 * SIDE_PX, SIDE_PX)) // cell
    return _grey(np.where((rows + columns) % 2 == 0, 250.0, rng.uniform(120, 200)))


def speckled(rng: np.random.Generator) -> np.ndarray:
    """Grains of many tones, as of terrazzo."""
    grains = rng.choice([255.0, 215.0, 165.0, 110.0], (6 * SIDE_PX, SIDE_PX), p=(0.55, 0.2, 0.15, 0.1))
    return _grey(grains + _noise(rng, 6, -8, 8))


def woven(rng: np.random.Generator) -> np.ndarray:
    """Threads that cross over and under each other, as of coarse cloth."""
    rows, columns = np.indices((6 * SIDE_PX, SIDE_PX)) // 2
    over = (rows + columns) % 2 == 0
    warp, weft = rng.uniform(190, 255, 2)
    shade = rng.uniform(0.6, 0.85, over.shape) if rng.random() < 0.5 else rng.uniform(0.65, 0.8)
    return _grey(np.where(over, warp, weft * shade))


TEXTURES: dict[str, Maker] = {
    maker.__name__: maker for maker in (skin, peel, porous, wood, board, metal, text, stripes, plain)
}
# Surfaces that no training scene has: evaluation lays them under the bin.
HELD_OUT_SURFACES: dict[str, Maker] = {maker.__name__: maker for maker in (checks, speckled, woven)}
