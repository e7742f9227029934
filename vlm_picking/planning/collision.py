"""Room along the straight approach, read off rows of heights: what would the fingers or the palm come down on?

A gripper that comes straight down meets, at each place under it, the highest surface there; so its fingers are free
exactly where the map of heights stays below their tips. Cells that no ray reached hold the lower side (see scene.py).
"""

import numpy as np

from vlm_picking.planning.scene import CELL_M


def highest_between(height: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Highest surface (K,) among samples first..last (K,), both included, over all lines of `height` (K, L, S)."""
    index = np.arange(height.shape[2])
    chosen = (index >= first[:, None]) & (index <= last[:, None])
    return np.where(chosen, height.max(axis=1), -np.inf).max(axis=1)


def free_beyond(height: np.ndarray, tip: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Distance (K,) [m] from the fingers' outer faces to the nearest surface above the tips; inf where none is seen."""
    index = np.arange(height.shape[2])
    high = height.max(axis=1) > tip[:, None]
    beyond = np.maximum(index - right[:, None], left[:, None] - index)
    distance = np.where(high & (beyond > 0), beyond - 1, np.inf).min(axis=1)
    return distance * CELL_M
