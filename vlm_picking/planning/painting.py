"""Points painted into maps of heights, compiled."""

import cv2
import numpy as np

from vlm_picking.compiled import compiled

_AROUND = np.ones((3, 3), np.uint8)


@compiled
def heights(depth_m: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(h, w) float32 [m], z of the points of a depth image, from pixels to another frame by `matrix` (see Cloud)."""
    rows, columns = depth_m.shape
    z = np.empty((rows, columns), np.float32)
    across = (matrix[2, 0] * np.arange(columns) + matrix[2, 2]).astype(np.float32)
    shift = np.float32(matrix[2, 3])
    for row in range(rows):
        down = np.float32(matrix[2, 1] * row)
        for column in range(columns):
            z[row, column] = (down + across[column]) * depth_m[row, column] + shift
    return z


@compiled
def some_points(
    depth_m: np.ndarray, labels: np.ndarray, known: np.ndarray, matrix: np.ndarray, enough: int
) -> tuple[np.ndarray, np.ndarray]:
    """Points (P, 3) float32 [m] of measured pixels on objects, evenly chosen, and whose each is (P,).

    Args:
        depth_m, labels, known: (h, w).
        matrix: from pixels to the points' frame (see Cloud).
        enough: fewer than twice as many are returned.
    """
    rows, columns = depth_m.shape
    count = 0
    for row in range(rows):
        for column in range(columns):
            count += (labels[row, column] >= 0) & known[row, column]
    every = max(1, count // enough)
    points, owner = np.empty((-(-count // every), 3), np.float32), np.empty(-(-count // every), np.int16)
    seen = 0
    for row in range(rows):
        for column in range(columns):
            if labels[row, column] < 0 or not known[row, column]:
                continue
            if seen % every == 0:
                place = seen // every
                owner[place] = labels[row, column]
                for k in range(3):
                    ray = matrix[k, 0] * column + matrix[k, 1] * row + matrix[k, 2]
                    points[place, k] = ray * depth_m[row, column] + matrix[k, 3]
            seen += 1
    return points, owner


@compiled
def floor_shown(
    height: np.ndarray, labels: np.ndarray, known: np.ndarray, image_from_cells: np.ndarray, band_m: float,
    top: np.ndarray, counts: np.ndarray,
) -> None:  # fmt: skip
    """Where an image (h, w) shows the floor, the cells there get height 0 and count one point.

    The floor is a plane, so where it shows follows from the image at once.

    Args:
        height: (h, w) [m]; below `band_m` and without a label it is floor.
        image_from_cells: (3, 3) projection of cells (column, row, 1) on the floor.
        top: (rows, columns) float32, written to; -inf where no floor shows.
        counts: (2, rows, columns) int32, written to: points that were not measured, and that were.
    """
    rows, columns = top.shape
    h, last_u, last_v = image_from_cells, height.shape[1] - 1, height.shape[0] - 1
    per_u, per_v, per_w = h[0, 0], h[1, 0], h[2, 0]
    x, y = np.empty(columns, np.int32), np.empty(columns, np.int32)
    for row in range(rows):
        u0, v0, w0 = h[0, 1] * row + h[0, 2], h[1, 1] * row + h[1, 2], h[2, 1] * row + h[2, 2]
        for column in range(columns):
            w = per_w * column + w0
            u, v = np.rint((per_u * column + u0) / w), np.rint((per_v * column + v0) / w)
            inside = (u >= 0) & (v >= 0) & (u <= last_u) & (v <= last_v)
            x[column], y[column] = np.int32(u) if inside else np.int32(-1), np.int32(v) if inside else np.int32(-1)
        for column in range(columns):
            r, c = y[column], x[column]
            shows = c >= 0 and labels[r, c] < 0 and height[r, c] < band_m
            measured = shows and known[r, c]
            top[row, column] = np.float32(0) if shows else np.float32(-np.inf)
            counts[0, row, column], counts[1, row, column] = shows and not measured, measured


@compiled
def paint_image(
    depth_m: np.ndarray, height: np.ndarray, labels: np.ndarray, known: np.ndarray, ray: np.ndarray,
    band_m: float, dense: bool, alike_m: float, top: np.ndarray, counts: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Paint the points of an image (h, w) that are no floor over what is there.

    Args:
        depth_m, labels, known: (h, w); height: (h, w) as `heights` gives it.
        ray: (2, 4) float32, x and y as in Cloud's matrix, but in cells.
        band_m: below it, what has no label is floor.
        dense: of what has no label the highest of each 2 x 2 pixels is enough.
        alike_m: an object owns a cell of which it reaches the top but for this.
        top, counts: as in `floor_shown`, written to.

    Returns:
        (rows, columns) int16, the objects that own the cells; -1 for none.
    """
    rows, columns = depth_m.shape
    owner, under = np.full(top.shape, np.int16(-1), np.int16), np.empty((rows, columns), np.int32)
    tops, unknown, measured, owners = top.ravel(), counts[0].ravel(), counts[1].ravel(), owner.ravel()
    _cells_under(depth_m, ray, top.shape, under)
    other = np.empty((rows, columns), np.float32)
    for row in range(rows):
        for column in range(columns):
            is_other = (labels[row, column] < 0) & (height[row, column] >= band_m)
            other[row, column] = height[row, column] if is_other else np.float32(-np.inf)
    side = 2 if dense else 1
    for row in range(0, rows - rows % side, side):
        for column in range(0, columns - columns % side, side):
            high, at_row, at_column = other[row, column], row, column
            if dense:
                right, below, across = other[row, column + 1], other[row + 1, column], other[row + 1, column + 1]
                at_column += right > high
                high = max(high, right)
                lower, later = max(below, across), across > below
                at_column = column + later if lower > high else at_column
                at_row, high = row + (lower > high), max(high, lower)
            cell = under[at_row, at_column]
            if high > -np.inf and cell >= 0:
                tops[cell] = max(tops[cell], high)
                measured[cell] += known[at_row, at_column]
                unknown[cell] += not known[at_row, at_column]
    for owns in (False, True):
        for row in range(rows):
            for column in range(columns):
                cell = under[row, column]
                if labels[row, column] < 0 or cell < 0:
                    continue
                if not owns:
                    tops[cell] = max(tops[cell], height[row, column])
                    measured[cell] += known[row, column]
                    unknown[cell] += not known[row, column]
                elif height[row, column] > tops[cell] - alike_m:
                    owners[cell] = labels[row, column]
    return owner


@compiled
def _cells_under(depth_m: np.ndarray, ray: np.ndarray, shape: tuple[int, int], under: np.ndarray) -> None:
    """The flat index (h, w) int32 of the cell under each pixel's point, -1 outside the map; written to `under`."""
    rows, columns = depth_m.shape
    high, wide, line = np.float32(shape[0]), np.float32(shape[1]), np.int32(shape[1])
    ax, bx, cx, dx = ray[0]
    ay, by, cy, dy = ray[1]
    for row in range(rows):
        x0, y0 = bx * np.float32(row) + cx, by * np.float32(row) + cy
        for column in range(columns):
            x = (ax * np.float32(column) + x0) * depth_m[row, column] + dx
            y = (ay * np.float32(column) + y0) * depth_m[row, column] + dy
            inside = (x >= 0) & (y >= 0) & (x < wide) & (y < high)
            under[row, column] = np.int32(y) * line + np.int32(x) if inside else np.int32(-1)


@compiled
def measured_share(counts: np.ndarray) -> np.ndarray:
    """(rows, columns) float32, share of the points in and around each cell that were measured.

    Args:
        counts: (2, rows, columns), points that were not measured, and that were.
    """
    rows, columns = counts.shape[1:]
    share, down = np.empty((rows, columns), np.float32), np.empty((2, columns), np.int32)
    for row in range(rows):
        # The border mirrors what lies within it.
        above, below = abs(row - 1), row + 1 if row + 1 < rows else max(rows - 2, 0)
        above = min(above, rows - 1)
        for k in range(2):
            for column in range(columns):
                down[k, column] = counts[k, above, column] + counts[k, row, column] + counts[k, below, column]
        for column in range(columns):
            left, right = min(abs(column - 1), columns - 1), column + 1 if column + 1 < columns else max(columns - 2, 0)
            measured = down[1, left] + down[1, column] + down[1, right]
            total = measured + down[0, left] + down[0, column] + down[0, right]
            share[row, column] = np.float32(measured) / np.float32(max(total, 1))
    return share


def close_gaps(top: np.ndarray, owner: np.ndarray) -> None:
    """Close gaps between rays, in place: a cell without a point among cells with points takes the highest beside it.

    Args:
        top: (rows, columns) float32 [m], -inf without a point; owner: (rows, columns) int16.
    """
    reached = (top > -np.inf).view(np.uint8)
    _take_highest(top, owner, np.flatnonzero(cv2.morphologyEx(reached, cv2.MORPH_CLOSE, _AROUND) != reached))


@compiled
def _take_highest(top: np.ndarray, owner: np.ndarray, cells: np.ndarray) -> None:
    """Flat `cells` (N,) take the height and the owner of what is highest in and beside each, in place."""
    rows, columns = top.shape
    highest, owners = np.empty(len(cells), np.float32), np.empty(len(cells), np.int16)
    for k in range(len(cells)):
        row, column = cells[k] // columns, cells[k] % columns
        highest[k], owners[k] = -np.inf, -1
        for r in range(max(row - 1, 0), min(row + 2, rows)):
            for c in range(max(column - 1, 0), min(column + 2, columns)):
                higher = top[r, c] > highest[k]
                highest[k] = top[r, c] if higher else highest[k]
                owners[k] = owner[r, c] if higher else owners[k]
    for k in range(len(cells)):
        top[cells[k] // columns, cells[k] % columns] = highest[k]
        owner[cells[k] // columns, cells[k] % columns] = owners[k]


@compiled
def raise_walls(
    top: np.ndarray, owner: np.ndarray, measured: np.ndarray, over_x: np.ndarray, over_y: np.ndarray,
    unseen_x: np.ndarray, unseen_y: np.ndarray, band_m: float,
) -> None:  # fmt: skip
    """Cells without readings are as high as the bin's own shape at least, and what is hardly higher than the floor is
    floor; in place.

    Args:
        top, owner, measured: as in HeightMap.
        over_x: (columns,) float32 [m], the bin's height over the columns, and over_y (rows,) over the rows; -inf where
            they cross the floor.
        unseen_x, unseen_y: the same where the image cuts walls off; what stands there and is no object is that high.
        band_m: how rough the floor is.
    """
    for row in range(top.shape[0]):
        for column in range(top.shape[1]):
            if measured[row, column] < 0.5:
                top[row, column] = max(top[row, column], max(over_x[column], over_y[row]))
            if owner[row, column] < 0 and top[row, column] < band_m:
                top[row, column] = 0
            elif owner[row, column] < 0:
                top[row, column] = max(top[row, column], max(unseen_x[column], unseen_y[row]))
