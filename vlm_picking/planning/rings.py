"""What the camera sees on rings round spots, and how cups meet it: loops over spots, compiled.

Rings are counted from the inside: one within the lip, two on it, and two beside it.
"""

import numpy as np

from vlm_picking.compiled import compiled, compiled_sums

LIP, BESIDE = slice(1, 3), slice(3, 5)
"""Which rings are on the lip, and which beside it."""
_RINGS, _FITTED = 5, 3
_ON_LIP, _OUTERMOST, _FIRST_BESIDE = LIP.start, LIP.stop - 1, BESIDE.start
_STEP = 0.6  # of the radius, for half of a rim that hangs free: undoes small overhangs at once
_SINKS_M = 0.004
_HIDES_M = 0.006
"""What is seen higher above a cup's plane, and is not the object, stands between it and the camera."""


@compiled
def first_planes(
    depth_m: np.ndarray, labels: np.ndarray, known: np.ndarray, lens: np.ndarray, contact: np.ndarray,
    owner: np.ndarray, place: np.ndarray, radius: float,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """See cup_rim.py's `first_normals`.

    Args:
        depth_m, labels, known, lens: of the scene.
        place: (M, 2) float32, where to look, in radii.
    """
    fx, fy, cx, cy = lens
    count, rows, columns = len(contact), depth_m.shape[0], depth_m.shape[1]
    normals, moved = np.empty((count, 3), np.float32), contact.copy()
    x, y, z = np.empty(len(place), np.float32), np.empty(len(place), np.float32), np.empty(len(place), np.float32)
    use = np.empty(len(place), np.float32)
    for n in range(count):
        px, py, pz = contact[n]
        reach, u0, v0 = radius * fx / pz, px / pz * fx + cx, py / pz * fy + cy
        for k in range(len(place)):
            row = min(max(int(np.rint(v0 + reach * place[k, 1])), 0), rows - 1)
            column = min(max(int(np.rint(u0 + reach * place[k, 0])), 0), columns - 1)
            depth = depth_m[row, column]
            x[k] = (np.float32(column) - cx) * (depth / fx) - px
            y[k] = (np.float32(row) - cy) * (depth / fy) - py
            z[k] = depth - pz
            mine = (labels[row, column] == owner[n]) & known[row, column]
            use[k] = mine & (abs(z[k]) < np.float32(1.5) * radius)
        a, b, c = _plane(x, y, z, use)
        length = np.sqrt(a * a + b * b + 1)
        normals[n, 0], normals[n, 1], normals[n, 2] = a / length, b / length, -1 / length
        moved[n, 2] += min(max(c, -_SINKS_M), _SINKS_M)
    return normals, moved


@compiled_sums
def _plane(x: np.ndarray, y: np.ndarray, z: np.ndarray, weight: np.ndarray) -> tuple[float, float, float]:
    """Least squares z = a x + b y + c over points (M,), the mean of which is near 0: a, b and c."""
    n = sx = sy = sz = sxx = syy = sxy = sxz = syz = 0.0
    for k in range(len(weight)):
        w, px, py, pz = np.float64(weight[k]), np.float64(x[k]), np.float64(y[k]), np.float64(z[k])
        wx, wy = w * px, w * py
        n, sx, sy, sz = n + w, sx + wx, sy + wy, sz + w * pz
        sxx, syy, sxy, sxz, syz = sxx + wx * px, syy + wy * py, sxy + wx * py, sxz + wx * pz, syz + wy * pz
    n = max(n, 1.0)
    mx, my, mz = sx / n, sy / n, sz / n
    xx, yy, xy, xz, yz = sxx - sx * mx, syy - sy * my, sxy - sx * my, sxz - sx * mz, syz - sy * mz
    ridge = 1e-9 + 1e-3 * (xx + yy)
    xx, yy = xx + ridge, yy + ridge
    determinant = xx * yy - xy * xy
    a, b = (xz * yy - yz * xy) / determinant, (yz * xx - xz * xy) / determinant
    return a, b, mz - a * mx - b * my


@compiled_sums
def _spread(off: np.ndarray, weight: np.ndarray) -> float:
    """The root mean square of values (M,) with weights (M,)."""
    square, n = 0.0, 0.0
    for k in range(len(weight)):
        square, n = square + weight[k] * off[k] * off[k], n + weight[k]
    return np.sqrt(square / max(n, 1.0))


@compiled
def axes_across(normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors (N, 3) across each normal (N, 3) float32."""
    first, second = np.empty_like(normal), np.empty_like(normal)
    for n in range(len(normal)):
        _axes(normal[n, 0], normal[n, 1], normal[n, 2], first[n], second[n])
    return first, second


@compiled
def _axes(nx: float, ny: float, nz: float, first: np.ndarray, second: np.ndarray) -> None:
    """Writes two unit vectors (3,) across a normal."""
    # Without a branch, as in Duff et al. 2017; a cup has no preferred direction.
    sign = np.float32(1) if nz >= 0 else np.float32(-1)
    scale = -np.float32(1) / (sign + nz)
    cross = nx * ny * scale
    first[0], first[1], first[2] = np.float32(1) + sign * nx * nx * scale, sign * cross, -sign * nx
    second[0], second[1], second[2] = cross, sign + ny * ny * scale, -ny


@compiled
def _look(
    depth_m: np.ndarray, lens: np.ndarray, corner: np.ndarray, first: np.ndarray, second: np.ndarray,
    normal: np.ndarray, place: np.ndarray, above_m: np.ndarray, pixel: np.ndarray,
) -> None:  # fmt: skip
    """What the camera sees towards places above a plane, and how high it lies over that plane.

    Args:
        corner, first, second, normal: (3,) float32, the plane's origin [m, optical frame] and unit vectors.
        place: (2, M) float32 [m] along the first two.
        above_m: (M,) float32, how far above the plane to look; the heights are written to it.
        pixel: (M,) int32, the indices of the pixels are written to it; -1 - index of the nearest outside the image.
    """
    fx, fy, cx, cy = lens
    rows, columns = depth_m.shape
    line, last_u, last_v = np.int32(columns), np.float32(columns - 1), np.float32(rows - 1)
    per_x, per_y = normal[0] / fx, normal[1] / fy
    per_depth = normal[2] - per_x * cx - per_y * cy
    level = corner[0] * normal[0] + corner[1] * normal[1] + corner[2] * normal[2]
    flat = depth_m.ravel()
    px, py, pz = corner
    ax, ay, az = first
    bx, by, bz = second
    nx, ny, nz = normal
    zero, nearest_m, outside = np.float32(0), np.float32(1e-3), np.int32(-1)
    # Written so that the compiler takes eight places at once.
    for k in range(len(pixel)):
        a, b, up = place[0, k], place[1, k], above_m[k]
        x, y = px + a * ax + b * bx + up * nx, py + a * ay + b * by + up * ny
        z = pz + a * az + b * bz + up * nz
        z = z if z > nearest_m else nearest_m
        u, v = np.rint(x / z * fx + cx), np.rint(y / z * fy + cy)
        column, row = u if u > zero else zero, v if v > zero else zero
        column, row = column if column < last_u else last_u, row if row < last_v else last_v
        index = np.int32(row) * line + np.int32(column)
        above_m[k] = (column * per_x + row * per_y) + per_depth
        pixel[k] = index if (column == u) & (row == v) else outside - index
    for k in range(len(pixel)):
        index = pixel[k] if pixel[k] >= 0 else -1 - pixel[k]
        above_m[k] = above_m[k] * flat[index] - level


@compiled
def turned_cups(
    depth_m: np.ndarray, labels: np.ndarray, known: np.ndarray, lens: np.ndarray, contact: np.ndarray,
    normal: np.ndarray, owner: np.ndarray, place: np.ndarray, circle: np.ndarray, radius: float, looks: int,
    follows: tuple[float, float],
) -> tuple[np.ndarray, ...]:  # fmt: skip
    """See cup_rim.py's `seated`: what makes up Seats.

    Args:
        depth_m, labels, known, lens: of the scene.
        place: (2, M) float32 [m], all places on the rings; circle: (D, 2) float32, directions of one ring.
        looks: further ones go along the normals.
        follows: how far the lip may give way [m] at no distance, and how much more at one of 1 m.
    """
    count, places, directions = len(contact), place.shape[1], len(circle)
    fitted = _FITTED * directions
    contacts, normals = np.empty((count, 3), np.float32), np.empty((count, 3), np.float32)
    sealed, inwards = np.empty((count, _RINGS), np.float32), np.empty((count, 3), np.float32)
    measured, pressed = np.empty(count, np.float32), np.empty(count, np.float32)
    gives, may = np.empty(count, np.float32), np.empty(count, np.float32)
    first, second = np.empty(3, np.float32), np.empty(3, np.float32)
    height, pixel = np.empty(places, np.float32), np.empty(places, np.int32)
    own, other, read = np.empty(places, np.float32), np.empty(places, np.float32), np.empty(places, np.float32)
    near, off = np.empty(fitted, np.float32), np.empty(fitted, np.float32)
    x, y = place[0], place[1]
    label_of, known_at, reach = labels.ravel(), known.ravel(), np.float32(3) * radius
    for n in range(count):
        _axes(normal[n, 0], normal[n, 1], normal[n, 2], first, second)
        height[:] = 0
        for _ in range(looks):
            for k in range(places):
                height[k] = min(max(height[k], -reach), reach)
            _look(depth_m, lens, contact[n], first, second, normal[n], place, height, pixel)
        close = np.float32(0.8) * radius
        # Without branches: which places are the object's own can't be foretold.
        for k in range(places):
            index = pixel[k] if pixel[k] >= 0 else -1 - pixel[k]
            own[k] = (pixel[k] >= 0) & (label_of[index] == owner[n])
            other[k] = (pixel[k] >= 0) & (label_of[index] != owner[n])
            read[k] = (pixel[k] >= 0) & known_at[index]
        for k in range(fitted):
            near[k] = own[k] if abs(height[k]) < close else np.float32(0)
        a, b, c = _plane(x, y, height, near)
        for k in range(fitted):
            off[k] = height[k] - c - a * x[k] - b * y[k]
        most = np.float32(2 * _spread(off, near) + 5e-4)
        for k in range(fitted):
            near[k] = near[k] if abs(off[k]) < most else np.float32(0)
        a, b, c = _plane(x, y, height, near)
        for k in range(places):
            height[k] -= c + a * x[k] + b * y[k]
            # The object goes on there, most likely; whether there is room for a cup, the map of heights tells.
            hidden = other[k] if height[k] > _HIDES_M else np.float32(0)
            shown = np.float32(1) - hidden
            height[k], own[k], read[k] = shown * height[k], own[k] + hidden, shown * read[k]
        length = np.sqrt(1 + a * a + b * b)
        for k in range(3):
            normals[n, k] = (normal[n, k] - a * first[k] - b * second[k]) / length
            contacts[n, k] = contact[n, k] + min(max(c, -_SINKS_M), _SINKS_M) * normal[n, k]
        may[n] = follows[0] + follows[1] * contacts[n, 2] ** 2
        measured[n], high = read[:fitted].sum() / fitted, 0
        for k in range(fitted, places):
            high += (height[k] > 2 * may[n] + np.float32(0.002)) & (own[k] == 0)
        pressed[n] = high / (places - fitted)
        gives[n] = _rims(height, own, may[n], circle, sealed[n], inwards[n])
        _axes(normals[n, 0], normals[n, 1], normals[n, 2], first, second)
        dx, dy = inwards[n, 0] * _STEP * radius, inwards[n, 1] * _STEP * radius
        for k in range(3):
            inwards[n, k] = dx * first[k] + dy * second[k]
    return contacts, normals, sealed, measured, pressed, gives, may, inwards


@compiled_sums
def _rims(
    off: np.ndarray, own: np.ndarray, follows_m: float, circle: np.ndarray, sealed: np.ndarray, away: np.ndarray
) -> float:
    """How well each ring meets the object.

    A lip sinks on a round surface until it meets it: what counts is how even a ring is, not how deep it lies.

    Args:
        off: (M,) how high the object lies over the rim's plane at all places [m]; own: (M,) 1 where it is the object.
        follows_m: how far the lip may give way.
        sealed: (rings,) is written to, the share of each that meets the object.
        away: its first two elements are written to, the mean direction in which the outermost ring of the lip and the
            first beside it meet it.

    Returns:
        How far the lip gives way [m], root mean square.
    """
    directions, square, none = len(circle), np.float32(0), np.float32(0)
    away[0] = away[1] = 0
    for ring in range(_RINGS):
        start = ring * directions
        level, reach = np.float32(0), np.float32(3) * follows_m
        for _ in range(2):
            total = count = np.float32(0)
            for k in range(start, start + directions):
                near = own[k] if abs(off[k] - level) < reach else none
                total, count = total + near * off[k], count + near
            level, reach = total / max(count, np.float32(1)), np.float32(1.5) * follows_m
        good = x = y = give = np.float32(0)
        for k in range(start, start + directions):
            departure = abs(off[k] - level)
            meets = own[k] if departure < follows_m else none
            least = own[k] * min(departure, 2 * follows_m)
            good, give = good + meets, give + least * least
            x, y = x + meets * circle[k - start, 0], y + meets * circle[k - start, 1]
        if _ON_LIP <= ring <= _OUTERMOST:
            square += give
        if ring == _OUTERMOST or ring == _FIRST_BESIDE:
            away[0] += x / (2 * directions)
            away[1] += y / (2 * directions)
        sealed[ring] = good / directions
    return np.sqrt(square / ((_OUTERMOST - _ON_LIP + 1) * directions))
