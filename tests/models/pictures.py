"""Pictures that tests show to models."""

from importlib.metadata import version

import numpy as np
import pytest

# Of pixels that are resized both ways; `resizing` goes the way of Pillow 13, which differs by a few grey levels.
needs_pillow_13 = pytest.mark.skipif(
    int(version("pillow").split(".")[0]) < 13, reason="Pillow resizes rows and columns in another order before 13"
)


def blotches(height: int = 96, width: int = 160, *, seed: int = 0) -> np.ndarray:
    """Soft blotches, (height, width, 3) uint8."""
    small = np.random.default_rng(seed).integers(0, 255, (-(-height // 16), -(-width // 16), 3), dtype=np.uint8)
    return np.kron(small, np.ones((16, 16, 1), np.uint8))[:height, :width]


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng((height, width)).integers(0, 256, (height, width, 3), dtype=np.uint8)


def scenery(height: int, width: int) -> np.ndarray:
    """Soft shades with a hard-edged patch, as photographs have them."""
    y, x = np.mgrid[:height, :width]
    shade = 127 + 90 * np.sin(x / 23)[..., None] * np.cos(y[..., None] / np.array([17, 29, 41]))
    shade[height // 4 : height // 2, width // 3 : width // 2] = (250, 10, 90)
    return shade.clip(0, 255).astype(np.uint8)


SLIVERS = [(1, 160), (96, 1), (1, 1), (7, 300)]
ODD_PICTURES = [noise(61, 133), scenery(211, 97), scenery(481, 641)]
