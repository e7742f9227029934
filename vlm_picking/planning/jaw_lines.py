"""What stands on lines between fingers that have landed, and how its sides face them, compiled.

Seven or so lines run along the closing direction, side by side over the fingers' width; their samples are counted from
the left. `edge` is the outermost sample that is held on a line, `touch` which lines a finger touches.
"""

import numpy as np

from vlm_picking.compiled import compiled

NOTHING, NARROW, NEIGHBOUR = range(1, 4)
"""Why nothing on the lines can be held; 0: it can."""
FACTS = ("left", "right", "crest", "tip", "slant", "twist", "side", "steep", "measured", "clear", "lines")
_LEFT, _RIGHT, _CREST, _TIP, _SLANT, _TWIST, _SIDE, _STEEP, _MEASURED, _CLEAR, _LINES = range(len(FACTS))


@compiled
def read_lines(
    top: np.ndarray, owner: np.ndarray, measured: np.ndarray, cell: np.ndarray, closing: np.ndarray, mine: np.ndarray,
    tip_m: np.ndarray, reach: np.ndarray, across: np.ndarray, half: int, insertion_m: float, above_tip_m: float,
    least_lines: int, sliver_m: float, narrowest_m: float, contact: float, finger: float, cell_m: float,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Read the lines of N landings.

    Args:
        top, owner, measured: of the map.
        cell: (N, 2) float32, middles between the fingers [cells, x and y]; closing: (N, 2) float32 unit vectors.
        mine: (N,) the objects that shall be held.
        tip_m: (N,) float32 [m], how deep the fingers may go at most.
        reach: (N,) float32, half the distance between the fingers [cells].
        across: (L,) float32, where the lines lie across the closing direction [cells].
        half: the lines have 2 half + 1 samples.
        insertion_m: how far the tips reach below the topmost point at most; above_tip_m: what is lower is not held.
        least_lines: on which something must be held.
        sliver_m: what is this wide or less must be held on nearly all lines; less than narrowest_m is not held at all.
        contact: within this of the outermost edge a line is touched [cells].
        finger: how thick a finger is [cells].

    Returns:
        (N,) int8 whether something can be held (see NOTHING), and if so FACTS (N, ...) float64: the first and the last
        sample, the height of the highest point [m] and of the tips [m], slant and twist of the sides [rad], how far
        they stand over the tips [m], how steep they are 0..1, the share measured, how far beyond the fingers something
        stands [cells from the middle], and the lines that both fingers touch.
    """
    count, lines, samples = len(cell), len(across), 2 * half + 1
    rows, columns = top.shape
    tops, owners, shares = top.ravel(), owner.ravel(), measured.ravel()
    verdict, facts = np.zeros(count, np.int8), np.zeros((count, len(FACTS)))
    under, level = np.empty((lines, samples), np.int32), np.empty((lines, samples), np.float32)
    own, held = np.empty((lines, samples), np.bool_), np.empty((lines, samples), np.bool_)
    first, last = np.empty(lines, np.int64), np.empty(lines, np.int64)
    at_left, at_right = np.empty(lines, np.bool_), np.empty(lines, np.bool_)
    last_x, last_y, width_cells = np.float32(columns - 1), np.float32(rows - 1), np.int32(columns)
    zero = np.float32(0)
    for n in range(count):
        cx, cy, c, s = cell[n, 0], cell[n, 1], closing[n, 0], closing[n, 1]
        inner = min(int(np.floor(reach[n] + np.float32(0.5))), half)
        crest = np.float32(-np.inf)
        for line in range(lines):
            off_x, off_y = s * across[line], c * across[line]
            for k in range(samples):
                along = np.float32(k - half)
                # The map ends where the scene does; what lies beyond repeats its last cell.
                x, y = np.rint(cx + c * along - off_x), np.rint(cy + s * along + off_y)
                x, y = x if x > zero else zero, y if y > zero else zero
                x, y = x if x < last_x else last_x, y if y < last_y else last_y
                under[line, k] = np.int32(y) * width_cells + np.int32(x)
            for k in range(samples):
                level[line, k] = tops[under[line, k]]
                own[line, k] = owners[under[line, k]] == mine[n]
            for k in range(half - inner, half + inner + 1):
                if own[line, k]:
                    crest = max(crest, level[line, k])
        # What stands higher between the fingers than the start of the search limits how deep they may go.
        tip = max(tip_m[n], crest - np.float32(insertion_m))
        foreign, touched, left, right, central = 0, 0, samples, np.int64(-1), False
        for line in range(lines):
            first[line], last[line] = -1, -1
            for k in range(samples):
                held[line, k] = False
            for k in range(half - inner, half + inner + 1):
                if level[line, k] <= tip + np.float32(above_tip_m):
                    continue
                if own[line, k]:
                    held[line, k] = True
                    first[line], last[line] = k if first[line] < 0 else first[line], k
                elif not _beside_own(own, line, k):
                    foreign += 1
            if first[line] >= 0:
                touched, left, right = touched + 1, min(left, first[line]), max(right, last[line])
            if abs(line - lines // 2) <= 1:
                central = central or held[line, half]
        width = right - left + 1
        if touched < least_lines or not central or (width * cell_m <= sliver_m and touched < lines - 2):
            verdict[n] = NOTHING
        elif width * cell_m < narrowest_m:
            verdict[n] = NARROW
        elif foreign > 1:
            verdict[n] = NEIGHBOUR
        if verdict[n]:
            continue
        lefts, rights = 0, 0
        for line in range(lines):
            at_left[line] = first[line] >= 0 and first[line] <= left + contact
            at_right[line] = first[line] >= 0 and last[line] >= right - contact
            lefts, rights = lefts + at_left[line], rights + at_right[line]
        facts[n, _LEFT], facts[n, _RIGHT], facts[n, _CREST], facts[n, _TIP] = left, right, crest, tip
        facts[n, _SLANT] = max(_slant(first, first, at_left, across), _slant(last, first, at_right, across))
        facts[n, _TWIST] = _twist(at_left, at_right, across, max(right - left, 1))
        facts[n, _SIDE] = facts[n, _STEEP] = np.inf
        for outward in (-1, 1):
            edge, touch = (first, at_left) if outward < 0 else (last, at_right)
            facts[n, _SIDE] = min(facts[n, _SIDE], _stands(level, held, edge, touch, outward) - tip)
            facts[n, _STEEP] = min(facts[n, _STEEP], _steepness(level, tip, edge, touch, outward, cell_m))
        facts[n, _MEASURED] = min(
            _share(shares, under, held, left, left + 2), _share(shares, under, held, right - 2, right)
        )
        facts[n, _CLEAR] = _next(level, tip, reach[n] + np.float32(finger))
        facts[n, _LINES] = min(lefts, rights)
    return verdict, facts


@compiled
def _beside_own(own: np.ndarray, line: int, k: int) -> bool:
    """Whether a sample lies beside one of the object's own: an outline is uncertain by a cell."""
    lines, samples = own.shape
    return (
        (k > 0 and own[line, k - 1])
        or (k + 1 < samples and own[line, k + 1])
        or (line > 0 and own[line - 1, k])
        or (line + 1 < lines and own[line + 1, k])
    )


@compiled
def _slant(edge: np.ndarray, first: np.ndarray, touch: np.ndarray, across: np.ndarray) -> float:
    """Angle [rad] between the object's side where it is touched and the finger's face.

    A convex side touches a flat finger along one line, wherever it is: only a side that slants over all its contact
    counts. `first` is below 0 on lines on which nothing is held.
    """
    lines, total, x, y = len(across), 0, 0.0, 0.0
    for line in range(lines):
        if touch[line]:
            total, x, y = total + 1, x + across[line], y + edge[line]
    x, y, spread, rise = x / max(total, 1), y / max(total, 1), 0.0, 0.0
    for line in range(lines):
        if touch[line]:
            spread += (across[line] - x) ** 2
            rise += (across[line] - x) * (edge[line] - y)
    slope = rise / max(spread, 1e-6)
    # A side that slants so much that only the finger's corner touches it.
    for border, beside in ((0, 1), (lines - 1, lines - 2)):
        if touch[border] and total == 1 and first[beside] >= 0:
            slope = (edge[border] - edge[beside]) / (across[1] - across[0])
    return np.arctan(abs(slope))


@compiled
def _twist(at_left: np.ndarray, at_right: np.ndarray, across: np.ndarray, width: int) -> float:
    """Angle [rad] between the closing direction and the line from contact to contact, as near as they come."""
    low_left = low_right = np.inf
    high_left = high_right = -np.inf
    for line in range(len(across)):
        if at_left[line]:
            low_left, high_left = min(low_left, across[line]), max(high_left, across[line])
        if at_right[line]:
            low_right, high_right = min(low_right, across[line]), max(high_right, across[line])
    return np.arctan(max(low_left - high_right, low_right - high_left, 0.0) / width)


@compiled
def _stands(level: np.ndarray, held: np.ndarray, edge: np.ndarray, touch: np.ndarray, outward: int) -> float:
    """Height [m] of the object within three cells of its side, where it is touched."""
    height = np.float32(-np.inf)
    for line in range(len(edge)):
        for step in range(3):
            k = min(max(edge[line] - outward * step, 0), level.shape[1] - 1)
            if touch[line] and held[line, k]:
                height = max(height, level[line, k])
    return height


@compiled
def _steepness(
    level: np.ndarray, tip_m: float, edge: np.ndarray, touch: np.ndarray, outward: int, cell_m: float
) -> float:
    """How near the touched side comes to upright, 0..1: the mean over the touched lines.

    A side that slopes at the height of the tips pushes itself out of the jaws. It is steep where the surface falls
    faster than friction needs, or, on something thin, where the full height stands right at the edge.
    """
    total, count, last = 0.0, 0, level.shape[1] - 1
    for line in range(len(edge)):
        if not touch[line]:
            continue
        inner, outer = min(max(edge[line] - outward, 0), last), min(max(edge[line] + outward, 0), last)
        deeper = min(max(edge[line] - 2 * outward, 0), last)
        fall = (level[line, inner] - level[line, outer]) / (2 * cell_m)
        full = max(level[line, edge[line]] - tip_m, 0) / max(level[line, deeper] - tip_m, 1e-3)
        total += min(max((fall - 0.8) / 1.0, (full - 0.55) / 0.35, 0.0), 1.0)
        count += 1
    return total / max(count, 1)


@compiled
def _share(shares: np.ndarray, under: np.ndarray, held: np.ndarray, start: int, stop: int) -> float:
    """Share of measured depth at what is held from one sample of the lines to another, both included."""
    total, count = 0.0, 0
    for line in range(held.shape[0]):
        for k in range(max(start, 0), min(stop + 1, held.shape[1])):
            if held[line, k]:
                total, count = total + shares[under[line, k]], count + 1
    return total / max(count, 1)


@compiled
def _next(level: np.ndarray, tip_m: float, beyond: float) -> float:
    """How far from the middle the first sample is, further out than `beyond`, that stands higher than the tips."""
    half = level.shape[1] // 2
    for step in range(int(np.floor(beyond)) + 1, half + 1):
        for line in range(level.shape[0]):
            if level[line, half - step] > tip_m or level[line, half + step] > tip_m:
                return step
    return np.inf
