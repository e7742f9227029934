"""How little each object is covered by its neighbours."""

import numpy as np

from vlm_picking.compiled import compiled

_COVERED_BY_M = 0.008
_RING_PX = 4
_DIAGONAL_PX = _RING_PX // 2
_EIGHT = tuple(
    (dy * reach, dx * reach)
    for dy, dx, reach in (
        *((dy, dx, _RING_PX) for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))),
        *((dy, dx, _DIAGONAL_PX) for dy, dx in ((1, 1), (1, -1), (-1, -1), (-1, 1))),
    )
)
_ENOUGH_EDGES = 3_000


def on_top(height: np.ndarray, labels: np.ndarray, known: np.ndarray, count: int) -> np.ndarray:
    """How little each object is covered (K,): looks across its outline in eight directions.

    Args:
        height: (h, w) float32 [m], labels: (h, w) int16, known: (h, w) bool; of `count` objects.
    """
    seen, covered = _across_outlines(height, labels, known, count)
    return 1.0 - covered / np.maximum(seen, 1)


@compiled
def _across_outlines(
    height: np.ndarray, labels: np.ndarray, known: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """How many looks (K,) across each object's outline see something else, and to how many (K,) it lies higher."""
    rows, columns = labels.shape
    edge, edges = np.empty(labels.size, np.int32), 0
    for row in range(1, rows - 1):
        for column in range(1, columns - 1):
            label = labels[row, column]
            if label >= 0 and (
                labels[row, column - 1] != label
                or labels[row, column + 1] != label
                or labels[row - 1, column] != label
                or labels[row + 1, column] != label
            ):
                edge[edges] = row * columns + column
                edges += 1
    seen, covered = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for place in range(0, edges, 1 + edges // _ENOUGH_EDGES):
        row, column = edge[place] // columns, edge[place] % columns
        label = labels[row, column]
        for dy, dx in _EIGHT:
            # The image's last pixels go on beyond its border.
            r, c = min(max(row + dy, 0), rows - 1), min(max(column + dx, 0), columns - 1)
            if labels[r, c] == label or not known[r, c]:
                continue
            own = height[row, column]
            r_back, c_back = min(max(row - dy, 0), rows - 1), min(max(column - dx, 0), columns - 1)
            if labels[r_back, c_back] == label:
                own = max(own, height[r_back, c_back])
            seen[label] += 1
            covered[label] += height[r, c] > own + np.float32(_COVERED_BY_M)
    return seen, covered
