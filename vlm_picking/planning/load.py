"""What lies in an object and would be lifted out along with it."""

import cv2
import numpy as np
from scipy.ndimage import find_objects

from vlm_picking.planning.height_map import CELL_M, HeightMap

_HIGHER_BY_M = 0.008
_NEAR_CELLS = 4
_SIDES = 3
_LEAST_SHARE = 0.15
_WALL_M = 0.025
_HIGHEST, _EDGES = 0.97, 0.05
_LEAST_SUNK = 0.15
_FREE_ON_TOP = 0.98
_LEAST_WIDTH_CELLS = 0.07 / CELL_M


def is_laden(map_: HeightMap, on_top: np.ndarray) -> np.ndarray:
    """Whether (K,) other things lie in an object with walls, such as a pan, so that none can be lifted without them.

    They lie higher than the object beside them, which is seen on three sides of them at least, and are as large as 15 %
    of what is seen of it. From what is flat they slide off, so it has to have walls: its highest parts stand 25 mm
    above the plane through all that is seen of it. What lies across the walls alone, all of it higher than they are, is
    not in it. What is narrower than 70 mm holds nothing that could fall into it.

    Args:
        map_: seen straight from above.
        on_top: (K,) as in Scene; where nothing lies higher beside an object there is no need to look.
    """
    laden = np.zeros(len(on_top), bool)
    for index, window in enumerate(find_objects(map_.owner + np.int16(1), len(on_top))):
        if window is None or on_top[index] >= _FREE_ON_TOP:
            continue
        own, top = map_.owner[window] == index, map_.top[window]
        if min(own.shape) < _LEAST_WIDTH_CELLS or min(cv2.minAreaRect(_ends_of_rows(own))[1]) < _LEAST_WIDTH_CELLS:
            continue
        load = _load(own, top)
        if np.count_nonzero(load) <= _LEAST_SHARE * np.count_nonzero(own):
            continue
        height = top - _plane(own, top)
        wall = np.quantile(height[own], _HIGHEST)
        laden[index] = wall > _WALL_M and np.mean(height[load] < wall) > _LEAST_SUNK
    return laden


def _ends_of_rows(own: np.ndarray) -> np.ndarray:
    """(2 R, 2) int32, the first and the last cell of each row that has one: their hull is that of all cells."""
    row = np.flatnonzero(own.any(axis=1)).astype(np.int32)
    first, last = own.argmax(axis=1)[row], own.shape[1] - 1 - own[:, ::-1].argmax(axis=1)[row]
    return np.column_stack([np.concatenate([first, last]).astype(np.int32), np.concatenate([row, row])])


def _load(own: np.ndarray, top: np.ndarray) -> np.ndarray:
    """Cells (R, C) bool that lie higher than an object beside them and within three of its sides."""
    kernel = np.ones((2 * _NEAR_CELLS + 1, 2 * _NEAR_CELLS + 1), np.uint8)
    beside = cv2.erode(np.where(own, top, np.float32(1e3)), kernel)
    load = top > beside + np.float32(_HIGHER_BY_M)
    load &= ~own
    row, column = np.nonzero(load)
    sides = np.zeros(len(row), np.uint8)
    for seen, place, line in ((own, row, column), (own.T, column, row)):
        some, first, last = seen.any(axis=0), seen.argmax(axis=0), len(seen) - 1 - seen[::-1].argmax(axis=0)
        sides += some[line] & (place >= first[line])
        sides += some[line] & (place <= last[line])
    load[row, column] = sides >= _SIDES
    return load


def _plane(own: np.ndarray, top: np.ndarray) -> np.ndarray:
    """(R, C) [m] heights of the plane through what is seen of an object, but for what its edges show beside it."""
    row, column = np.nonzero(own)
    height = top[own].astype(np.float64)
    basis = np.column_stack([row, column, np.ones(len(row))])
    slope = np.linalg.lstsq(basis, height, rcond=None)[0]
    off = height - basis @ slope
    solid = off >= np.quantile(off, _EDGES)
    x, y, level = np.linalg.lstsq(basis[solid], height[solid], rcond=None)[0]
    return np.add.outer(x * np.arange(own.shape[0]) + level, y * np.arange(own.shape[1]))
