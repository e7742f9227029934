"""The shape of a bin round its flat floor: where the walls begin, and how they rise."""

import numpy as np

from vlm_picking.transform import Transform

CELL_M = 0.005
_ROW_CELL_M = 0.015
_MOST_POINTS = 2000
_LOWEST_WALL_M = 0.03
_UNDER_WALL_M = 0.02
_LARGEST_BIN_M = 2.0
_BEYOND_M, _BEHIND_TOP_M, _ALIKE_M = 0.01, 0.015, 0.01
_LINES = 4096


def orientation(floor: np.ndarray, high: np.ndarray) -> float:
    """Angle [rad] of the bin's sides in the floor's plane.

    It makes the box around the floor's points (N, 2) tight, and gathers the points well above the floor (M, 2),
    most of which belong to walls, on few lines.
    """
    floor, high = floor[:: 1 + len(floor) // _MOST_POINTS], high[:: 1 + len(high) // _MOST_POINTS]
    coarse = np.deg2rad(np.arange(0, 90, 3.0))
    best = coarse[int(np.argmin(_disorder(floor, high, coarse)))]
    fine = best + np.deg2rad(np.arange(-3, 3.01, 0.25))
    return float(fine[int(np.argmin(_disorder(floor, high, fine)))])


def _disorder(floor: np.ndarray, high: np.ndarray, angles: np.ndarray) -> np.ndarray:
    cost = np.empty(len(angles))
    for i, angle in enumerate(angles):
        low, high_end = np.percentile(floor @ turned_by(angle), [2, 98], axis=0)
        cost[i] = (high_end - low).prod()
    cost /= cost.min()
    if len(high) > 50:
        lines = np.empty(len(angles))
        for i, angle in enumerate(angles):
            cells = np.floor((high @ turned_by(angle)) / CELL_M).astype(int)
            lines[i] = sum(np.square(np.bincount(column % _LINES)).sum() for column in cells.T)
        cost -= 0.5 * lines / lines.max()
    return cost


def turned_by(angle: float) -> np.ndarray:
    """(2, 2) matrix; `points @ turned_by(a)` gives coordinates along axes that lie turned by the angle."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def walls(
    flat: np.ndarray, height: np.ndarray, on_floor: np.ndarray, *, steps: int = 40
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Find the flat floor's rectangle and how the bin rises around it.

    Args:
        flat: (N, 2) points along the bin's sides [m].
        height: (N,) above the floor [m].
        on_floor: (N,) bool.

    Returns:
        (2,) low and (2,) high corners of the rectangle [m], (4, steps) heights outwards from its sides +x, -x, +y, -y
        [m], and (4,) bool, on which of them the top of the wall was not seen, or nothing beyond the floor.
    """
    low, high = np.percentile(flat[on_floor], [1, 99], axis=0)
    rise, cut_off = np.zeros((4, steps)), np.zeros(4, bool)
    for axis in (0, 1):
        other = 1 - axis
        middle, half = (low[other] + high[other]) / 2, (high[other] - low[other]) / 2
        strip = np.abs(flat[:, other] - middle) < 0.8 * half
        along, across, z = flat[strip, axis], flat[strip, other], height[strip]
        centre = (low[axis] + high[axis]) / 2
        for k, sign in enumerate((1, -1)):
            outward = sign * (along - centre)
            begin, profile, cut_off[2 * axis + k] = _profile(
                outward, across, z, extent=sign * ((high if sign > 0 else low)[axis] - centre), steps=steps
            )
            (high if sign > 0 else low)[axis] = centre + sign * begin
            rise[2 * axis + k] = profile
    return low, high, rise, cut_off


def supposed_rise(rise_m: np.ndarray, cut_off: np.ndarray) -> np.ndarray:
    """Heights (4, K) of walls as `walls` gives them, those that are cut off (4,) as high as the highest of all."""
    supposed = rise_m.copy()
    for side in np.flatnonzero(cut_off):
        supposed[side, np.argmax(rise_m[side]) :] = rise_m.max()
    return supposed


def _profile(
    outward: np.ndarray, across: np.ndarray, height: np.ndarray, *, extent: float, steps: int
) -> tuple[float, np.ndarray, bool]:
    """Where the wall on one side begins (distance from the centre), the heights from there outwards, and whether
    the wall's top, or all beyond the floor, was not seen.
    """
    if extent > _LARGEST_BIN_M:
        return extent, np.zeros(steps), False
    count = int(np.ceil(extent / CELL_M)) + steps
    level = _levels(outward, across, height, count)
    known = np.flatnonzero(np.isfinite(level))
    # The wall begins where the floor ends; only where the floor goes on past it (a table) may it lie further in.
    rim = _rim(level, known[known >= int((extent - _UNDER_WALL_M) / CELL_M)])
    if rim is None:
        rim = _rim(level, known[known >= int(extent / CELL_M / 2)])
    if rim is None:
        return extent, np.zeros(steps), bool(known.max(initial=0) * CELL_M < extent + _BEYOND_M)
    filled = np.interp(np.arange(count), known, level[known])
    # An object near a wall raises a row, and none lowers it: what lies further out bounds the wall from above.
    filled[: rim + 1] = np.minimum.accumulate(filled[rim::-1])[::-1]
    flat_rows = np.flatnonzero(filled[:rim] < 0.01)
    begin = int(flat_rows[-1]) + 1 if len(flat_rows) else min(int(extent / CELL_M), rim)
    profile = np.maximum(filled[begin : begin + steps], 0.0)
    profile[max(rim - begin, 0) :] = profile.max()
    profile = np.concatenate([profile, np.full(steps - len(profile), profile[-1])])
    return begin * CELL_M, profile, not _shows_top(level, known, rim)


def _shows_top(level: np.ndarray, known: np.ndarray, rim: int) -> bool:
    """Whether the image shows a wall's top, not only its face: two rows alike, and something well behind them."""
    alike = rim > 0 and abs(level[rim] - level[rim - 1]) < _ALIKE_M
    return bool(alike and (known[-1] - rim) * CELL_M >= _BEHIND_TOP_M)


def _rim(level: np.ndarray, outer: np.ndarray) -> int | None:
    """The row of the wall's top: where the first rise on the way out is highest; None where nothing rises."""
    high = np.flatnonzero(level[outer] > _LOWEST_WALL_M)
    if not len(high):
        return None
    outer = outer[high[0] :]
    falls = np.flatnonzero(level[outer] < 0.5 * np.maximum.accumulate(level[outer]))
    outer = outer[: falls[0]] if len(falls) else outer
    return int(outer[np.flatnonzero(level[outer] > 0.7 * level[outer].max())[-1]])


def _levels(outward: np.ndarray, across: np.ndarray, height: np.ndarray, count: int) -> np.ndarray:
    """Height (count,) of the lowest parts of the rows at each distance; NaN where too little of a row was seen.

    The highest point of each cell counts, since a wall that stands upright spans all heights within one cell.
    """
    row = np.floor(outward / CELL_M).astype(int)
    column = ((across - across.min()) / _ROW_CELL_M).astype(int) if len(across) else np.zeros(0, int)
    columns = int(column.max(initial=0)) + 1
    ahead = (row >= 0) & (row < count)
    top = np.full(count * columns, -np.inf)
    np.maximum.at(top, row[ahead] * columns + column[ahead], height[ahead])
    top = np.sort(np.where(np.isfinite(top), top, np.nan).reshape(count, columns), axis=1)
    seen = np.isfinite(top).sum(axis=1)
    lowest = top[np.arange(count), (0.15 * np.maximum(seen - 1, 0)).astype(int)]
    return np.where(seen >= max(3, 0.25 * columns), lowest, np.nan)


def shell_height(
    camera_from_bin: Transform, size_m: np.ndarray, rise_m: np.ndarray, points_m: np.ndarray
) -> np.ndarray:
    """Height (...) of the bin's surface straight below points (..., 3) [m, optical frame]; 0 over the flat floor."""
    points = np.asarray(points_m)
    axes = camera_from_bin.rotation.astype(points.dtype)
    origin = camera_from_bin.translation_m.astype(points.dtype)
    surface = np.zeros(points.shape[:-1], points.dtype)
    for axis in (0, 1):
        along = points @ axes[:, axis] - origin @ axes[:, axis]
        beyond = np.abs(along) - points.dtype.type(size_m[axis] / 2)
        cell = np.where(np.isfinite(beyond), beyond / points.dtype.type(CELL_M) + 1, 0)
        cell = np.clip(cell, -1, rise_m.shape[1] - 1).astype(np.int32)
        side = 2 * axis + (along < 0)
        np.maximum(surface, np.where(cell >= 0, rise_m[side, cell], 0), out=surface)
    return surface
