"""Colour words for pixels: used where no model was asked ("pick anything red")."""

from collections.abc import Collection

import cv2
import numpy as np

# Typical sRGB values of the words; several where a word spans light and dark.
_PROTOTYPES: tuple[tuple[str, tuple[int, int, int]], ...] = (
    ("red", (200, 30, 35)),
    ("red", (130, 20, 25)),
    ("orange", (240, 130, 20)),
    ("yellow", (240, 215, 40)),
    ("yellow", (190, 165, 30)),
    ("green", (40, 150, 60)),
    ("green", (130, 200, 70)),
    ("green", (20, 80, 35)),
    ("cyan", (40, 190, 200)),
    ("cyan", (20, 120, 130)),
    ("blue", (35, 80, 200)),
    ("blue", (20, 35, 110)),
    ("blue", (90, 150, 225)),
    ("purple", (130, 60, 170)),
    ("purple", (75, 30, 100)),
    ("pink", (240, 130, 175)),
    ("pink", (225, 80, 150)),
    ("brown", (125, 80, 45)),
    ("brown", (75, 45, 25)),
    ("black", (25, 25, 28)),
    ("grey", (120, 120, 122)),
    ("grey", (75, 75, 77)),
    ("grey", (165, 165, 167)),
    ("white", (235, 235, 232)),
)
COLOURS: tuple[str, ...] = tuple(dict.fromkeys(name for name, _ in _PROTOTYPES))

_NEUTRAL = frozenset(("white", "grey", "black"))
# Words for what one paint may look like in another light.
_NEAR = {
    "red": ("orange", "brown", "pink"),
    "orange": ("red", "brown", "yellow"),
    "yellow": ("orange", "brown", "green"),
    "green": ("yellow", "cyan"),
    "cyan": ("green", "blue"),
    "blue": ("cyan", "purple"),
    "purple": ("blue", "pink"),
    "pink": ("purple", "red"),
    "brown": ("red", "orange", "yellow"),
}


def _lab(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor((np.asarray(rgb, np.float32) / 255).reshape(-1, 1, 3), cv2.COLOR_RGB2LAB).reshape(-1, 3)


def colour_shares(rgb: np.ndarray) -> dict[str, float]:
    """Share of each colour word among pixels.

    Args:
        rgb: (P, 3) uint8 pixels, P >= 1.

    Each pixel gets the word of the nearest prototype in CIELAB; lightness counts half, since a bin is lit unevenly.
    """
    scale = np.array([0.5, 1.0, 1.0], np.float32)
    pixels = _lab(rgb) * scale
    prototypes = _lab(np.array([value for _, value in _PROTOTYPES])) * scale
    nearest = ((pixels[:, None] - prototypes[None]) ** 2).sum(axis=-1).argmin(axis=1)
    counts = np.bincount(nearest, minlength=len(_PROTOTYPES)) / len(pixels)
    shares = dict.fromkeys(COLOURS, 0.0)
    for (name, _), share in zip(_PROTOTYPES, counts, strict=True):
        shares[name] += float(share)
    return shares


def other_hues(rgb: np.ndarray, colours: Collection[str]) -> float:
    """Share of pixels (P, 3) uint8 with another hue than some colour words name; 0 where no hue is known or named.

    Black, white and grey speak against no hue: a red screwdriver has a blade, and a lamp its shadows.
    """
    fine = _NEUTRAL.union(colours, *(_NEAR.get(colour, ()) for colour in colours))
    if not set(colours) & set(COLOURS) or not len(rgb):
        return 0.0
    return sum(share for colour, share in colour_shares(rgb).items() if colour not in fine)
