"""Filling what is unknown in an image from what is known beside it, compiled."""

import numpy as np

from vlm_picking.compiled import compiled


@compiled
def fill(image: np.ndarray, alike: float) -> None:
    """Fill unknown pixels (not finite) of an image (H, W) float32 in place, unless nothing at all is known.

    A hole takes the mean of the nearest known pixels above, below, left and right, weighted by nearness, where they
    differ by less than `alike`, and the largest of them elsewhere. Holes with nothing known in their row and column
    wait until others are filled.
    """
    rows, columns = image.shape
    known = np.empty((rows, columns), np.bool_)
    below = np.empty((rows, columns), np.int32)
    before = image.size
    while True:
        holes = 0
        for row in range(rows):
            for column in range(columns):
                known[row, column] = np.isfinite(image[row, column])
                holes += not known[row, column]
        if holes == 0 or holes == before:
            return
        before = holes
        beneath = np.full(columns, np.int32(rows), np.int32)
        for row in range(rows - 1, -1, -1):
            for column in range(columns):
                beneath[column] = np.int32(row) if known[row, column] else beneath[column]
                below[row, column] = beneath[column]
        above = np.full(columns, np.int32(-1), np.int32)
        for row in range(rows):
            left = right = -1
            for column in range(columns):
                if known[row, column]:
                    above[column], left = row, column
                    continue
                if right < column:
                    right = column + 1
                    while right < columns and not known[row, right]:
                        right += 1
                far, near = np.float32(-np.inf), np.float32(np.inf)
                total = weight = np.float32(0)
                for side in range(4):
                    if side == 0:
                        there, across, steps, exists = above[column], column, row - above[column], above[column] >= 0
                    elif side == 1:
                        there, across, steps = below[row, column], column, below[row, column] - row
                        exists = below[row, column] < rows
                    elif side == 2:
                        there, across, steps, exists = row, left, column - left, left >= 0
                    else:
                        there, across, steps, exists = row, right, right - column, right < columns
                    if exists:
                        value, share = image[there, across], np.float32(1) / np.float32(steps)
                        far, near = max(far, value), min(near, value)
                        total += value * share
                        weight += share
                if weight > 0:
                    image[row, column] = total / weight if far - near < alike else far


@compiled
def fill_edges(
    image: np.ndarray, labels: np.ndarray, known: np.ndarray, box: tuple[int, int, int, int], reach: int, alike: float
) -> None:
    """Unknown pixels of objects that `fill` took for what lies behind take the mean of the object's own known pixels
    nearest to them, in place.

    Cameras read little at edges, and a hole at a step is filled from the far side, since it may be a shadow. It is none
    where a mask says that it is the object.

    Args:
        image: (H, W) float32, filled.
        labels: (H, W) int16, which object a pixel shows, -1 for none.
        known: (H, W) bool.
        box: first row, row behind the last, first and last column alike of all objects.
        reach: how far [px] an object's known pixels may be from an unknown one.
        alike: what is no farther than this from the object's own stays as it is.
    """
    top, bottom, left, right = box
    for row in range(top, bottom):
        for column in range(left, right):
            label, total, count = labels[row, column], 0.0, 0
            if label < 0 or known[row, column]:
                continue
            for away in range(1, reach + 1):
                for r in range(max(row - away, top), min(row + away + 1, bottom)):
                    for c in range(max(column - away, left), min(column + away + 1, right)):
                        if labels[r, c] == label and known[r, c]:
                            total, count = total + image[r, c], count + 1
                if count:
                    break
            if count and abs(image[row, column] - total / count) > alike:
                image[row, column] = total / count
