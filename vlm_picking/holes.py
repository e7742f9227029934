"""Filling what is unknown in an image from what is known in the same row and column, compiled."""

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
