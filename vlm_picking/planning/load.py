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
_WALL_M = 0.02
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
    the object's highest parts stand 20 mm above the plane through all that is seen of it. What lies across the walls,
    all of it higher than they are and some of it beyond them, is not inside. What is narrower than 70 mm holds nothing
    that could fall into it.

    Args:
        map_: seen straight from above.
        on_top: (K,) as in Scene; where nothing lies higher beside an object there is no need to look.
    """
    share, inside = np.zeros(len(on_top)), np.zeros(len(on_top), bool)
    windows = _windows(map_.owner, len(on_top))
    looked_at = (windows[:, 1] > windows[:, 0]) & (on_top < _FREE_ON_TOP)
    for index, (top, bottom, left, right) in zip(np.flatnonzero(looked_at), windows[looked_at].tolist(), strict=True):
        window = slice(top, bottom), slice(left, right)
        own, sides, (cells, loaded, surrounded) = _sides(map_.owner[window], map_.top[window], index)
        share[index] = loaded / cells
        if share[index] > _LEAST_SHARE and surrounded > _LEAST_SURROUNDED * loaded:
            inside[index] = _within_walls(own, map_.top[window], sides >= _SIDES)
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
def _sides(owner: np.ndarray, top: np.ndarray, index: int) -> tuple[np.ndarray, np.ndarray, tuple[int, int, int]]:
    """On how many sides cells that lie higher than an object beside them have it.

    Args:
        owner, top: (R, C) of the object's window.

    Returns:
        Which cells (R, C) are the object's own, the sides (R, C) int8, 0 for what is its own or lies no higher, and how
        many cells are its own, have it on three sides at least, and on all four.
    """
    rows, columns = top.shape
    own, sides = np.empty((rows, columns), np.bool_), np.zeros((rows, columns), np.int8)
    left, right = np.full(rows, columns), np.full(rows, -1)
    up, down = np.full(columns, rows), np.full(columns, -1)
    cells, lowest, beside = 0, np.empty((rows, columns), np.float32), np.empty(columns, np.float32)
    line = np.empty(columns, np.float32)
    for row in range(rows):
        for column in range(columns):
            own[row, column] = owner[row, column] == index
            line[column] = top[row, column] if own[row, column] else np.float32(np.inf)
            if own[row, column]:
                cells += 1
                left[row], right[row] = min(left[row], column), column
                up[column], down[column] = min(up[column], row), row
        _least_in_reach(line, lowest[row])
    loaded = surrounded = 0
    for row in range(rows):
        beside[:] = np.float32(np.inf)
        for other in range(max(row - _NEAR_CELLS, 0), min(row + _NEAR_CELLS + 1, rows)):
            for column in range(columns):
                value = lowest[other, column]
                beside[column] = value if value < beside[column] else beside[column]
        for column in range(columns):
            if own[row, column] or not top[row, column] > beside[column] + np.float32(_HIGHER_BY_M):
                continue
            seen = int(left[row] <= column) + int(right[row] >= column)
            seen += int(up[column] <= row) + int(down[column] >= row)
            sides[row, column] = seen
            loaded, surrounded = loaded + (seen >= _SIDES), surrounded + (seen == _ALL_SIDES)
    return own, sides, (cells, loaded, surrounded)


@compiled
def _least_in_reach(values: np.ndarray, least: np.ndarray) -> None:
    """The least (C,) of values (C,) up to four to either side, written to `least`."""
    count = len(values)
    least[:] = values
    for step in range(1, _NEAR_CELLS + 1):
        for k in range(count - step):
            least[k] = values[k + step] if values[k + step] < least[k] else least[k]
        for k in range(step, count):
            least[k] = values[k - step] if values[k - step] < least[k] else least[k]


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
