"""What lies on an object or in it, and would be lifted along with it."""

from dataclasses import dataclass

import cv2
import numpy as np

from vlm_picking.compiled import compiled
from vlm_picking.planning.height_map import CELL_M, HeightMap

_HIGHER_BY_M = 0.008
_NEAR_CELLS = 4
_SIDES, _ALL_SIDES = 3, 4
_LEAST_SHARE, _LEAST_SURROUNDED = 0.15, 0.4
_WALL_M = 0.025
_HIGHEST, _EDGES = 0.97, 0.05
_LEAST_SUNK, _LEAST_INSIDE = 0.15, 0.5
_FREE_ON_TOP = 0.98
_LEAST_WIDTH_CELLS = 0.07 / CELL_M


@dataclass(frozen=True, eq=False)
class Load:
    """What lies on K objects.

    Args:
        share: (K,) of an object's size; what only leans over its edge doesn't count.
        inside: (K,) bool, whether it lies in an object with walls, so that this can't be lifted without it.
    """

    share: np.ndarray
    inside: np.ndarray


def load_of(map_: HeightMap, on_top: np.ndarray) -> Load:
    """What lies on each object: cells higher than it is beside them, from which it is seen on three sides at least.

    It lies inside a pan, say, and is lifted along with it, if it is 15 % of what is seen of the object or more, and
    much of it has the object on all four sides. From what is flat things slide off jaws, so there have to be walls:
    the object's highest parts stand 25 mm above the plane through all that is seen of it. What lies across the walls,
    all of it higher than they are and some of it beyond them, is not inside. What is narrower than 70 mm holds nothing
    that could fall into it.

    Args:
        map_: seen straight from above.
        on_top: (K,) as in Scene; where nothing lies higher beside an object there is no need to look.
    """
    share, inside = np.zeros(len(on_top)), np.zeros(len(on_top), bool)
    for index, (top, bottom, left, right) in enumerate(_windows(map_.owner, len(on_top)).tolist()):
        if top == bottom or on_top[index] >= _FREE_ON_TOP:
            continue
        window = slice(top, bottom), slice(left, right)
        own, top_m = map_.owner[window] == index, map_.top[window]
        sides = _sides(own, top_m)
        load = sides >= _SIDES
        share[index] = np.count_nonzero(load) / np.count_nonzero(own)
        if share[index] > _LEAST_SHARE and np.mean(sides[load] == _ALL_SIDES) > _LEAST_SURROUNDED:
            inside[index] = _within_walls(own, top_m, load)
    return Load(share, inside)


def _within_walls(own: np.ndarray, top_m: np.ndarray, load: np.ndarray) -> bool:
    """Whether a load (R, C) lies within the walls of an object, if it has any.

    Args:
        own, top_m: (R, C) of the object's window: which cells are its own, and their heights [m].
    """
    if min(cv2.minAreaRect(_ends_of_rows(own))[1]) < _LEAST_WIDTH_CELLS:
        return False
    height = top_m - _plane(own, top_m)
    wall = np.quantile(height[own], _HIGHEST)
    if wall <= _WALL_M:
        return False
    return bool(np.mean(height[load] < wall) > _LEAST_SUNK) or _stays_inside(own, load, height > _HIGHER_BY_M)


def _stays_inside(own: np.ndarray, load: np.ndarray, standing: np.ndarray) -> bool:
    """Whether a load (R, C) is part of standing things that end within the object, and not at its window's border."""
    parts, label = cv2.connectedComponents((standing & ~own).astype(np.uint8))
    rim = np.ones(own.shape, bool)
    rim[1:-1, 1:-1] = False
    inside = np.isin(label, label[rim], invert=True)
    return bool(parts > 1 and np.mean(inside[load]) > _LEAST_INSIDE)


def _ends_of_rows(own: np.ndarray) -> np.ndarray:
    """(2 R, 2) int32, the first and the last cell of each row that has one: their hull is that of all cells."""
    row = np.flatnonzero(own.any(axis=1)).astype(np.int32)
    first, last = own.argmax(axis=1)[row], own.shape[1] - 1 - own[:, ::-1].argmax(axis=1)[row]
    return np.column_stack([np.concatenate([first, last]).astype(np.int32), np.concatenate([row, row])])


def _sides(own: np.ndarray, top: np.ndarray) -> np.ndarray:
    """On how many sides (R, C) of cells that lie higher than an object beside them it is seen; 0 for other cells."""
    kernel = np.ones((2 * _NEAR_CELLS + 1, 2 * _NEAR_CELLS + 1), np.uint8)
    beside = cv2.erode(np.where(own, top, np.float32(1e3)), kernel)
    return _enclosed(own, top > beside + np.float32(_HIGHER_BY_M))


@compiled
def _windows(owner: np.ndarray, count: int) -> np.ndarray:
    """(K, 4): first row, row behind the last, first and last column alike of each object's cells; all 0 without one."""
    windows = np.zeros((count, 4), np.int64)
    for row in range(owner.shape[0]):
        for column in range(owner.shape[1]):
            label = owner[row, column]
            if label < 0:
                continue
            if windows[label, 1] == 0:
                windows[label] = row, row, column, column
            windows[label, 1] = row + 1
            windows[label, 2] = min(windows[label, 2], column)
            windows[label, 3] = max(windows[label, 3], column + 1)
    return windows


@compiled
def _enclosed(own: np.ndarray, higher: np.ndarray) -> np.ndarray:
    """On how many sides (R, C) int8 of cells that are higher than an object it is seen."""
    rows, columns = own.shape
    left, right = np.full(rows, columns), np.full(rows, -1)
    up, down = np.full(columns, rows), np.full(columns, -1)
    for row in range(rows):
        for column in range(columns):
            if own[row, column]:
                left[row], right[row] = min(left[row], column), column
                up[column], down[column] = min(up[column], row), row
    around = np.zeros((rows, columns), np.int8)
    for row in range(rows):
        for column in range(columns):
            if higher[row, column] and not own[row, column]:
                sides = int(left[row] <= column) + int(right[row] >= column)
                around[row, column] = sides + int(up[column] <= row) + int(down[column] >= row)
    return around


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
