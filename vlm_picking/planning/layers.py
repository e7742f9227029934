"""What stands in a map of heights, solid below its surface, as points for a map against another approach; compiled."""

import numpy as np

from vlm_picking.compiled import compiled


@compiled
def layers_below(top: np.ndarray, owner: np.ndarray, layer_m: float, most: int) -> tuple[np.ndarray, np.ndarray]:
    """How many points (rows * columns,) int32 `points_below` puts in each cell of a map, and how low each ends [m].

    Args:
        top, owner: as in HeightMap.
        layer_m: how far points below each other are apart; `most`: of them at most.
    """
    rows, columns = top.shape
    below, lowest = np.zeros(top.size, np.int32), np.empty(top.size, np.float32)
    for row in range(rows):
        for column in range(columns):
            high = top[row, column]
            if not (high > 0 or owner[row, column] >= 0):
                continue
            low, cell = high, row * columns + column
            for r in range(max(row - 1, 0), min(row + 2, rows)):
                for c in range(max(column - 1, 0), min(column + 2, columns)):
                    low = min(low, top[r, c])
            lowest[cell] = low
            below[cell] = 1 + min(int(np.ceil((high - low) / np.float32(layer_m))), most)
    return below, lowest


@compiled
def points_below(
    top: np.ndarray, origin_m: np.ndarray, cell_m: float, below: np.ndarray, lowest: np.ndarray, layer_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Points (P, 3) float32 [m, map's frame] of what stands in a map, and below its edges as many as close them.

    Args:
        top, origin_m: as in HeightMap.
        below, lowest: what `layers_below` gives for them.
        layer_m: how far points below each other are apart.

    Returns:
        The points, and the flat cells (P,) to which they belong.
    """
    columns = top.shape[1]
    total = below.sum()
    points, cells = np.empty((total, 3), np.float32), np.empty(total, np.int32)
    place = 0
    for cell in range(top.size):
        x = np.float32(origin_m[0] + (cell % columns + 0.5) * cell_m)
        y = np.float32(origin_m[1] + (cell // columns + 0.5) * cell_m)
        for layer in range(below[cell]):
            z = max(top[cell // columns, cell % columns] - np.float32(layer) * np.float32(layer_m), lowest[cell])
            points[place, 0], points[place, 1], points[place, 2] = x, y, z
            cells[place] = cell
            place += 1
    return points, cells


@compiled
def paint_points(
    points: np.ndarray, cells: np.ndarray, labels: np.ndarray, measured: np.ndarray, low: np.ndarray, cell_m: float,
    alike_m: float, top: np.ndarray, counts: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Paint points (P, 3) [m, map's frame] over what is there; the rest as in painting.py's `paint_image`.

    Args:
        cells: (P,) where the points' labels and measured shares stand in those of another map.
        low: (2,) the corner of the map that is painted [m].
    """
    rows, columns = top.shape
    owner = np.full(top.shape, np.int16(-1), np.int16)
    tops, unknown, known, owners = top.ravel(), counts[0].ravel(), counts[1].ravel(), owner.ravel()
    label_of, share_of = labels.ravel(), measured.ravel()
    low_x, low_y, per_m = np.float32(low[0]), np.float32(low[1]), np.float32(1 / cell_m)
    for owns in (False, True):
        for k in range(len(points)):
            x, y, z = (points[k, 0] - low_x) * per_m, (points[k, 1] - low_y) * per_m, points[k, 2]
            label = label_of[cells[k]]
            if not (x >= 0 and y >= 0 and x < columns and y < rows) or (owns and label < 0):
                continue
            cell = int(y) * columns + int(x)
            if not owns:
                tops[cell] = max(tops[cell], z)
                known[cell] += share_of[cells[k]] >= 0.5
                unknown[cell] += share_of[cells[k]] < 0.5
            elif z > tops[cell] - alike_m:
                owners[cell] = label
    return owner
