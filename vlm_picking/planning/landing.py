"""Where fingers come down: starts of lines on the objects, and the nearest free places to both sides, compiled.

Heights are in whole steps of `unit_m` above `before_m` below the floor here, as landing_heights gives them.
"""

import numpy as np

from vlm_picking.compiled import compiled

HITS, SHALLOW, NOTHING, WIDE, PALM = range(5)
"""Why a line gives no landing at a depth: what `land` counts."""


@compiled
def is_seen(owner: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Which of the wanted objects (K,) own a cell of a map (rows, columns)."""
    seen = np.zeros(len(wanted), np.bool_)
    for row in range(owner.shape[0]):
        for column in range(owner.shape[1]):
            label = owner[row, column]
            if label >= 0:
                seen[label] = wanted[label]
    return seen


@compiled
def starts(
    top: np.ndarray, owner: np.ndarray, wanted: np.ndarray, each: int, cell_m: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A grid over each object, its rims and its middle, in the order of cells.

    Args:
        top, owner: (rows, columns) as in HeightMap.
        wanted: (K,) bool, which objects.
        each: about how many on each of them; a third of that on rims.

    Returns:
        Starts (N, 2) int32 [cells, x and y], their objects (N,) int64, and the directions (K,) across each object's
        length [rad].
    """
    rows, columns = top.shape
    count = len(wanted)
    size, x_mean, y_mean = np.zeros(count, np.int64), np.zeros(count), np.zeros(count)
    for row in range(rows):
        for column in range(columns):
            label = owner[row, column]
            if label >= 0 and wanted[label]:
                size[label] += 1
                x_mean[label] += column
                y_mean[label] += row
    step = np.empty(count, np.int64)
    for label in range(count):
        x_mean[label], y_mean[label] = x_mean[label] / max(size[label], 1), y_mean[label] / max(size[label], 1)
        step[label] = max(1, int(np.ceil(np.sqrt(size[label] / each))))
    xx, yy, xy = np.zeros(count), np.zeros(count), np.zeros(count)
    nearest, central = np.full(count, np.inf), np.full(count, -1)
    # Rims and edges: the highest of their neighbourhood, as the middle of a mug is not. Best first.
    most = each // 3
    rims, rim = np.zeros(count, np.int64), np.empty((count, most), np.int64)
    raised = np.empty((count, most), np.float32)
    chosen = np.zeros(top.size, np.bool_)
    for row in range(rows):
        for column in range(columns):
            label, cell = owner[row, column], row * columns + column
            if label < 0 or not wanted[label]:
                continue
            x, y, half = column - x_mean[label], row - y_mean[label], step[label] // 2
            xx[label], yy[label], xy[label] = xx[label] + x * x, yy[label] + y * y, xy[label] + x * y
            chosen[cell] = column % step[label] == half and row % step[label] == half
            off = x * x + y * y
            if off < nearest[label]:
                nearest[label], central[label] = off, cell
            height = np.float32(top[row, column] - 0.2 * np.sqrt(off) * cell_m + 0.001 * ((row * 7 + column * 13) % 11))
            place = rims[label]
            if place < most:
                rims[label] += 1
            elif most == 0 or height <= raised[label, most - 1]:
                continue
            else:
                place = most - 1
            while place > 0 and raised[label, place - 1] < height:
                raised[label, place], rim[label, place] = raised[label, place - 1], rim[label, place - 1]
                place -= 1
            raised[label, place], rim[label, place] = height, cell
    turn = np.empty(count)
    for label in range(count):
        turn[label] = 0.5 * np.arctan2(2 * xy[label], xx[label] - yy[label]) + np.pi / 2
        if central[label] >= 0:
            chosen[central[label]] = True
        for k in range(rims[label]):
            chosen[rim[label, k]] = True
    cells = np.flatnonzero(chosen)
    places, owners = np.empty((len(cells), 2), np.int32), np.empty(len(cells), np.int64)
    for k in range(len(cells)):
        places[k, 0], places[k, 1] = cells[k] % columns, cells[k] // columns
        owners[k] = owner[places[k, 1], places[k, 0]]
    return places, owners, turn


@compiled
def land(
    landing: np.ndarray, top: np.ndarray, cells: np.ndarray, owners: np.ndarray, index: np.ndarray, dx: np.ndarray,
    dy: np.ndarray, depths: np.ndarray, steps: tuple[float, float], tips: tuple[float, float, float],
    jaws: tuple[float, float, float, float], palm: tuple[float, float, float, float],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """The nearest places to both sides of N starts at which fingers can come down, for A directions and D depths.

    Args:
        landing: (maps, rows, columns) uint16 [whole steps], the highest surface under a finger over each cell.
        top: (rows, columns) float32 [m].
        cells: (N, 2) int32, starts (x and y), on objects owners (N,).
        index: (K, A) which of the maps is that of the objects' directions.
        dx, dy: (K, A, 2 half + 1) int32, where the samples of their lines lie from the start [cells].
        depths: (D,) float32 [m], how deep the tips go below the start.
        steps: unit_m and before_m.
        tips: the gap below them [m], the shallowest grip [m], and of the start's height how much the last depth is at
            most.
        jaws: cell_m, the fingers' thickness, how far they may be apart and how far they open [m].
        palm: how high it is over the tips, half its length, how far knuckles reach beyond the inner faces, and what is
            to spare beside them [m].

    Returns:
        For M landings, depth by depth: their lines (M,), start A + direction; how many samples the fingers are to the
        sides of the start (M, 2), right and left; the heights of their tips (M,) float32 [m]. And how many lines failed
        for which reason (5,).
    """
    count, directions, half = len(cells), index.shape[1], dx.shape[2] // 2
    rows, columns = top.shape
    unit_m, before_m = np.float32(steps[0]), np.float32(steps[1])
    per_unit, above_m = np.float32(1 / steps[0]), np.float32(tips[0] - steps[1])
    below_m, shallowest_m = np.float32(tips[0] - 1e-5), np.float32(tips[1])
    cell_m, thickness_m = np.float32(jaws[0]), np.float32(jaws[1])
    sides = np.zeros((len(depths), count * directions, 2), np.int16)
    tip_of, works = np.empty(sides.shape[:2], np.float32), np.zeros(sides.shape[:2], np.bool_)
    failed, under = np.zeros(5, np.int64), np.empty(2 * half + 1, np.uint16)
    for n in range(count):
        x, y, label = cells[n, 0], cells[n, 1], owners[n]
        within = half <= x < columns - half and half <= y < rows - half
        high = top[y, x]
        for a in range(directions):
            map_, line = landing[index[label, a]], n * directions + a
            for k in range(2 * half + 1):
                c, r = x + dx[label, a, k], y + dy[label, a, k]
                if not within:
                    c, r = min(max(c, 0), columns - 1), min(max(r, 0), rows - 1)
                under[k] = map_[r, c]
            left_low, right_low = under[half], under[half]
            for k in range(half):
                left_low, right_low = min(left_low, under[k]), min(right_low, under[half + 1 + k])
            level = np.float32(max(left_low, right_low)) * unit_m + above_m
            # Most lines find no place low enough for either finger: they need no look at each depth.
            if high - level < shallowest_m:
                failed[SHALLOW] += len(depths)
                continue
            for d in range(len(depths)):
                depth = depths[d]
                if d == len(depths) - 1:
                    # Something flat may be held by its upper part alone where its sides are blocked further down.
                    depth = min(depth, np.float32(tips[2]) * max(high, np.float32(0)))
                tip = max(high - depth, level)
                free = np.uint16((tip - below_m + before_m) * per_unit)
                right, left = 0, 0
                while right < half and under[half + right] > free:
                    right += 1
                while left < half and under[half - left] > free:
                    left += 1
                between = (right + left) * cell_m - thickness_m
                if under[half + right] > free or under[half - left] > free:
                    failed[HITS] += 1
                elif high - tip < shallowest_m:
                    failed[SHALLOW] += 1
                elif right + left == 0:
                    failed[NOTHING] += 1
                elif between > np.float32(jaws[2]):
                    failed[WIDE] += 1
                elif _palm_hits(under, tip, 0.5 * (right - left), between, steps, jaws, palm):
                    failed[PALM] += 1
                else:
                    sides[d, line, 0], sides[d, line, 1], tip_of[d, line], works[d, line] = right, left, tip, True
    found = np.flatnonzero(works)
    pairs, heights = np.empty((len(found), 2), np.int16), np.empty(len(found), np.float32)
    for k in range(len(found)):
        d, line = found[k] // (count * directions), found[k] % (count * directions)
        pairs[k], heights[k], found[k] = sides[d, line], tip_of[d, line], line
    return found, pairs, heights, failed


@compiled
def _palm_hits(
    under: np.ndarray, tip_m: float, shift: float, between_m: float, steps: tuple[float, float],
    jaws: tuple[float, float, float, float], palm: tuple[float, float, float, float],
) -> bool:  # fmt: skip
    """Whether anything under the palm stands so high that it comes down on it.

    Args:
        under: (2 half + 1,) as in `land`, the samples of one line.
        shift: of the middle between the fingers from the start [samples].
        steps, jaws, palm: as in `land`.
    """
    limit = np.uint16((tip_m + np.float32(palm[0]) + np.float32(steps[1])) * np.float32(1 / steps[0]))
    reach = (max(palm[1], min(between_m, jaws[3]) / 2 + palm[2]) + palm[3]) / jaws[0]
    half = len(under) // 2
    for k in range(len(under)):
        if under[k] > limit and abs(k - half - shift) < reach:
            return True
    return False


@compiled
def unlike(place: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Rows (M,), in no order, the best of each that are alike: they have one key `place` (N,); the first of equals."""
    size = 64
    while size < 2 * len(place):
        size *= 2
    slots = np.full(size, -1)
    for row in range(len(place)):
        slot = (place[row] * 0x9E3779B1 >> 8) & (size - 1)
        while slots[slot] >= 0 and place[slots[slot]] != place[row]:
            slot = (slot + 1) & (size - 1)
        if slots[slot] < 0 or score[row] > score[slots[slot]]:
            slots[slot] = row
    return slots[slots >= 0]
