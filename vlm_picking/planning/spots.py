"""Where cups may begin: on a grid over the objects' inner parts, their innermost spots and their middles."""

import cv2
import numpy as np

from vlm_picking.compiled import compiled
from vlm_picking.planning.scene import Scene

_SPOTS = 600
_SPOTS_OF_EACH = (20, 160)
_MANY_PIXELS, _SPARSEST, _ENOUGH_PIXELS = 8_000, 3, 5_000


def spots(scene: Scene, radius_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and owners (N,) of spots, and where the objects (K, 3) are taken to balance [m, optical frame]."""
    top, left = (side.start for side in scene.window)
    inner, (low, high, first, last), size = _inner(scene.labels[scene.window].copy())
    # With a frame of nothing, from which the distances count.
    low, first = max(low - 1, 0), max(first - 1, 0)
    top, left = top + low, left + first
    edge_px = cv2.distanceTransform(inner[low : high + 1, first : last + 1], cv2.DIST_L2, 3)
    # Of many pixels every fourth or ninth tells as much.
    every = int(np.clip(np.sqrt(size / _MANY_PIXELS) + 1, 1, _SPARSEST))
    row, column, owner, deep = _pixels(edge_px, *scene.images, top, left, every)
    balance = _balance(scene, top + every * row, left + every * column, owner)
    radius_px = np.float32(radius_m * scene.camera.fx)
    fits = _fitting(scene.depth_m, scene.readable, row, column, owner, deep, (top, left, every), radius_px)
    if len(fits):
        objects = np.count_nonzero(np.bincount(owner[fits]))
        each = int(np.clip(_SPOTS // objects, *_SPOTS_OF_EACH))
        fits = fits[_on_grid(row[fits], column[fits], owner[fits], deep[fits], len(balance), each)]
    return top + every * row[fits], left + every * column[fits], owner[fits], balance


def _balance(scene: Scene, row: np.ndarray, column: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """The middles (K, 3) [m, optical frame] of the boxes round what is seen of the objects at pixels (N,).

    They lie nearer to the centres of mass than the means of seen points do, which lean towards the camera.
    """
    every = max(1, len(row) // _ENOUGH_PIXELS)
    along = scene.longer_side
    axes = np.stack([along, np.cross(scene.up, along)])
    some = (values[::every].copy() for values in (row, column, owner))
    between = _between_ends(scene.depth_m, scene.lens, *some, axes, scene.middle_m)
    return scene.middle_m + (between[..., None] * axes).sum(axis=0)


@compiled
def _inner(labels: np.ndarray) -> tuple[np.ndarray, tuple[int, int, int, int], int]:
    """Pixels (h, w) uint8 that have the label of those above and to the left; 0 at the border and where there is none.

    Returns:
        Besides, first row, row behind the last, first and last column alike of these pixels, and how many they are.
    """
    rows, columns = labels.shape
    inner, size = np.zeros((rows, columns), np.uint8), 0
    top, bottom, left, right = rows, 0, columns, 0
    for row in range(1, rows - 1):
        for column in range(1, columns - 1):
            label = labels[row, column]
            if label >= 0 and labels[row, column - 1] == label and labels[row - 1, column] == label:
                inner[row, column] = 1
                size += 1
                top, bottom = min(top, row), row + 1
                left, right = min(left, column), max(right, column + 1)
    return inner, (min(top, bottom), bottom, min(left, right), right), size


@compiled
def _pixels(
    edge_px: np.ndarray, depth_m: np.ndarray, labels: np.ndarray, known: np.ndarray, top: int, left: int, every: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns, objects and distances from the edge (N,) of measured inner pixels, of which each `every`th counts.

    Args:
        edge_px: (h, w) float32, distances from the edge, in a window that begins at row `top` and column `left` of the
            images (H, W).
    """
    rows, columns = edge_px.shape
    most = (rows // every + 1) * (columns // every + 1)
    row, column, owner = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    deep, count = np.empty(most, np.float32), 0
    for r in range(0, rows, every):
        for c in range(0, columns, every):
            if edge_px[r, c] > 0 and known[top + r, left + c]:
                row[count], column[count], deep[count] = r // every, c // every, edge_px[r, c]
                owner[count] = labels[top + r, left + c]
                count += 1
    return row[:count], column[:count], owner[:count], deep[:count]


@compiled
def _between_ends(
    depth_m: np.ndarray, lens: np.ndarray, row: np.ndarray, column: np.ndarray, owner: np.ndarray, axes: np.ndarray,
    middle_m: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """How far (A, K) [m] the middle between both ends of objects lies from `middle_m` (K, 3), along axes (A, K, 3)."""
    fx, fy, cx, cy = lens
    low, high = np.zeros(axes.shape[:2]), np.zeros(axes.shape[:2])
    for n in range(len(row)):
        k, z = owner[n], np.float64(depth_m[row[n], column[n]])
        x, y = (column[n] - cx) / fx * z - middle_m[k, 0], (row[n] - cy) / fy * z - middle_m[k, 1]
        z -= middle_m[k, 2]
        for axis in range(len(axes)):
            place = x * axes[axis, k, 0] + y * axes[axis, k, 1] + z * axes[axis, k, 2]
            low[axis, k], high[axis, k] = min(low[axis, k], place), max(high[axis, k], place)
    return (low + high) / 2


@compiled
def _fitting(
    depth_m: np.ndarray, readable: np.ndarray, row: np.ndarray, column: np.ndarray, owner: np.ndarray,
    deep: np.ndarray, grid: tuple[int, int, int], radius_px: float,
) -> np.ndarray:  # fmt: skip
    """Which (M,) of N pixels lie deep enough within readable objects for a cup, or as deep as a narrow one allows.

    Args:
        grid: row and column of the first pixel, and how far pixels side by side are apart.
        radius_px: of the cup, at 1 m.
    """
    count = len(readable)
    size, total, most = np.zeros(count, np.int64), np.zeros(count), np.zeros(count)
    top, left, every = grid
    for n in range(len(row)):
        size[owner[n]] += 1
        total[owner[n]] += depth_m[top + every * row[n], left + every * column[n]]
        most[owner[n]] = max(most[owner[n]], deep[n])
    fits = np.empty(len(row), np.bool_)
    for n in range(len(row)):
        k = owner[n]
        wanted = 0.75 * radius_px * size[k] / max(total[k], 1e-6)
        fits[n] = readable[k] and deep[n] >= max(min(wanted, 0.8 * most[k]), 1.0)
    return np.flatnonzero(fits)


@compiled
def _on_grid(
    row: np.ndarray, column: np.ndarray, owner: np.ndarray, deep: np.ndarray, count: int, each: int
) -> np.ndarray:
    """Which (M,) of N pixels lie on grids of about `each` on each of `count` objects, at their middles, and deepest."""
    size, x, y = np.zeros(count, np.int64), np.zeros(count), np.zeros(count)
    for n in range(len(row)):
        size[owner[n]] += 1
        x[owner[n]] += column[n]
        y[owner[n]] += row[n]
    nearest, deepest = np.full(count, np.inf), np.zeros(count)
    middle, inmost, chosen = np.full(count, -1), np.full(count, -1), np.empty(len(row), np.bool_)
    for n in range(len(row)):
        k = owner[n]
        step = max(1, int(np.sqrt(size[k] / each)))
        chosen[n] = column[n] % step == step // 2 and row[n] % step == step // 2
        off = (column[n] - x[k] / size[k]) ** 2 + (row[n] - y[k] / size[k]) ** 2
        if off < nearest[k]:
            nearest[k], middle[k] = off, n
        if deep[n] > deepest[k]:
            deepest[k], inmost[k] = deep[n], n
    for k in range(count):
        if size[k] > 0:
            chosen[middle[k]] = chosen[inmost[k]] = True
    return np.flatnonzero(chosen)
