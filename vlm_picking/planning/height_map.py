"""Maps of heights: the scene as a gripper meets it that comes along a straight line.

A gripper that approaches along a map's -z meets, at each place under it, the highest surface there. A scene seen from
one side is taken for solid down to the floor (what no ray reached takes the lower side), so the map for a leaning
approach follows from the upright one.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from vlm_picking.depth import fill_holes
from vlm_picking.support import Support
from vlm_picking.transform import Transform

CELL_M = 0.003
_MARGIN_M = 0.12
_LARGEST_MAP_CELLS = 700
_FLOOR_BAND_M = (0.002, 0.006)
_SAME_SURFACE_M = 0.006
_LAYER_M = 0.005
_ENOUGH_POINTS = 3000
_DENSE = 1.0


@dataclass(frozen=True, eq=False, kw_only=True)
class HeightMap:
    """Highest surfaces in square cells, seen against an approach.

    Args:
        camera_from_map: z points against the approach.
        origin_m: (2,) x and y of the first cell's corner.
        top: (rows, columns) float32 [m], highest surface in each cell, finite everywhere.
        owner: (rows, columns) int16, the object to which that surface belongs; -1 for none.
        measured: (rows, columns) float32, share of the points in and around each cell that were measured.
    """

    camera_from_map: Transform
    origin_m: np.ndarray
    top: np.ndarray
    owner: np.ndarray
    measured: np.ndarray

    def to_camera(self, cells: np.ndarray, height_m: np.ndarray) -> np.ndarray:
        """Points (N, 3) [m, optical frame] of places (N, 2) in cells (x, y; whole numbers are cells' middles)."""
        xy = self.origin_m + (cells + 0.5) * CELL_M
        return self.camera_from_map.apply(np.column_stack([xy, height_m]))

    def cells_of(self, points_m: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows, columns (clipped) and heights [m] of points (..., 3) in the optical frame."""
        local = (points_m - self.camera_from_map.translation_m) @ self.camera_from_map.rotation
        return *self._cells(local[..., 0], local[..., 1]), local[..., 2]

    def cells_over(
        self, contact_m: np.ndarray, axes: tuple[np.ndarray, np.ndarray, np.ndarray], place_m: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The same (N, M) for places (M, 3) [m] along three axes (N, 3) from contacts (N, 3) [m, optical frame]."""
        rotation, origin = self.camera_from_map.rotation, self.camera_from_map.translation_m
        frames = np.stack([contact_m - origin, *axes], axis=1) @ rotation
        span = np.vstack([np.ones(len(place_m)), place_m.T]).astype(np.float32)
        x, y, height = (frames[..., k].astype(np.float32) @ span for k in range(3))
        return *self._cells(x, y), height

    def _cells(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows, columns = self.top.shape
        column = (x - x.dtype.type(self.origin_m[0])) * x.dtype.type(1 / CELL_M)
        row = (y - y.dtype.type(self.origin_m[1])) * y.dtype.type(1 / CELL_M)
        # Clipped first, so that cutting off the fraction is as good as floor.
        return np.clip(row, 0, rows - 1).astype(np.intp), np.clip(column, 0, columns - 1).astype(np.intp)


def upright_map(
    points: tuple[np.ndarray, np.ndarray, np.ndarray],
    labels: np.ndarray,
    known: np.ndarray,
    *,
    seen: np.ndarray,
    pixel_m: float,
    image_from_bin: np.ndarray,
    camera_from_bin: Transform,
    support: Support | None,
) -> HeightMap:
    """The map seen straight from above of an organised cloud: x, y, z, each (h, w) [m, bin's frame].

    Heights within the floor's own roughness count as floor; a wall without readings is still a wall.

    Args:
        labels: (h, w) int16, the objects of the points, -1 for none; known: (h, w) bool, whether they were measured.
        seen: indices into the flattened cloud of what was measured of the objects.
        pixel_m: how far points side by side are apart, about.
        image_from_bin: (3, 4) projection of homogeneous points to the cloud's columns and rows.
    """
    band = _FLOOR_BAND_M[0]
    if support is not None:
        band = float(np.clip(3 * support.roughness_m, *_FLOOR_BAND_M))
    x, y, z = points
    owned = labels >= 0
    seen = seen[:: max(1, len(seen) // _ENOUGH_POINTS)]
    low, size = _extent(*np.percentile([x.ravel()[seen], y.ravel()[seen]], [0.5, 99.5], axis=1))
    # The floor is a plane, so where it shows follows from the image at once; the rest is painted point by point.
    is_floor = ~owned & (z < band)
    cell_to_bin = np.array([[CELL_M, 0, low[0] + CELL_M / 2], [0, CELL_M, low[1] + CELL_M / 2], [0, 0, 1]])
    floor = cv2.warpPerspective(
        is_floor.view(np.uint8) << known.view(np.uint8),
        image_from_bin[:, [0, 1, 3]] @ cell_to_bin,
        size[::-1],
        flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
    )
    top = np.where(floor > 0, np.float32(0), np.float32(-np.inf))
    counts = np.stack([floor == 1, floor == 2], axis=-1).astype(np.float32)
    if 2 * pixel_m < _DENSE * CELL_M:
        others = _highest_of_four(np.where(is_floor | owned, np.float32(-np.inf), z))
        standing = np.concatenate([np.flatnonzero(owned), others])
    else:
        standing = np.flatnonzero(~is_floor)
    columns = (plane.ravel()[standing] for plane in (x, y, z, labels, known))
    top, owner, measured = _painted(*columns, low=low, top=top, counts=counts)
    top = _filled(top)
    if support is not None:
        unsure = np.flatnonzero(measured < 0.5)
        row, column = np.divmod(unsure.astype(np.int32), np.int32(size[1]))
        place = np.zeros((len(row), 3))
        place[:, 0] = (column + 0.5) * CELL_M + low[0]
        place[:, 1] = (row + 0.5) * CELL_M + low[1]
        # The floor itself has no height.
        sloping = (np.abs(place[:, :2]) > support.size_m / 2 - CELL_M).any(axis=1)
        unsure, place = unsure[sloping], place[sloping]
        shell = support.shell_height(camera_from_bin.apply(place)).astype(np.float32)
        top.ravel()[unsure] = np.maximum(top.ravel()[unsure], shell)
    top[(owner < 0) & (top < band)] = 0.0
    return HeightMap(camera_from_map=camera_from_bin, origin_m=low, top=top, owner=owner, measured=measured)


def leaning_map(upright: HeightMap, rotation: np.ndarray) -> HeightMap:
    """The same scene, solid below its surface, against another approach.

    What stands is moved point by point, with as many points below each edge as close it; the floor is a plane.

    Args:
        rotation: (3, 3) axes of the leaning map in the upright one's frame; z out of the bin, leaning.
    """
    lowest = cv2.erode(upright.top, np.ones((3, 3), np.uint8)).ravel()
    top, owner = upright.top.ravel(), upright.owner.ravel()
    standing = np.flatnonzero((top > 0) | (owner >= 0))
    layers = np.clip(np.ceil((top[standing] - lowest[standing]) / _LAYER_M), 0, 40).astype(np.int32)
    repeat = layers + 1
    cell = np.repeat(standing, repeat)
    layer = np.arange(len(cell)) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    row, column = np.divmod(cell.astype(np.int32), np.int32(upright.top.shape[1]))
    points = np.empty((1, len(cell), 3), np.float32)
    points[0, :, 0] = upright.origin_m[0] + (column + 0.5) * CELL_M
    points[0, :, 1] = upright.origin_m[1] + (row + 0.5) * CELL_M
    points[0, :, 2] = np.maximum(top[cell] - layer * np.float32(_LAYER_M), lowest[cell])
    x, y, z = (plane.ravel() for plane in cv2.split(cv2.transform(points, rotation.T)))
    owner, known = owner[cell], upright.measured.ravel()[cell] >= 0.5
    mine = owner >= 0
    own = np.stack([x[mine], y[mine]])
    low, size = _extent(own.min(axis=1), own.max(axis=1))
    column_m, row_m = (low[axis] + (np.arange(size[1 - axis]) + 0.5) * CELL_M for axis in (0, 1))
    floor = -(rotation[2, 0] * column_m[None, :] + rotation[2, 1] * row_m[:, None]) / rotation[2, 2]
    nothing, counts = np.full(size, -np.inf, np.float32), np.zeros((*size, 2), np.float32)
    high, owned, measured = _painted(x, y, z, owner, known, low=low, top=nothing, counts=counts)
    return HeightMap(
        camera_from_map=Transform(upright.camera_from_map.rotation @ rotation, upright.camera_from_map.translation_m),
        origin_m=low,
        top=np.maximum(high, floor.astype(np.float32)),
        owner=owned,
        measured=measured,
    )


def _extent(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """The map's first corner (2,) [m], and its rows and columns, round objects between two corners."""
    low, high = low.astype(np.float64) - _MARGIN_M, high.astype(np.float64) + _MARGIN_M
    columns, rows = np.minimum(np.ceil((high - low) / CELL_M).astype(int), _LARGEST_MAP_CELLS)
    return low, (int(rows), int(columns))


def _painted(
    x: np.ndarray,
    y: np.ndarray,
    z: np.ndarray,
    labels: np.ndarray,
    known: np.ndarray,
    *,
    low: np.ndarray,
    top: np.ndarray,
    counts: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tops, owners and measured shares of the cells, with P points painted over what is there.

    Args:
        x, y, z: (P,) [m, map's frame], with labels (P,) and known (P,).
        top: (rows, columns) float32 [m], tops before anything is painted; -inf where that is unknown.
        counts: (rows, columns, 2) float32, how many points were there before, unknown and known ones.
    """
    rows, columns = top.shape
    x, y = (np.float32(1 / CELL_M) * (v - np.float32(start)) for v, start in ((x, low[0]), (y, low[1])))
    inside = np.flatnonzero((x >= 0) & (y >= 0) & (x < columns) & (y < rows))
    # Of numpy's own index type, with which `maximum.at` is ten times faster.
    flat = (y[inside].astype(np.int32) * np.int32(columns) + x[inside].astype(np.int32)).astype(np.intp)
    z, labels = z[inside], labels[inside]
    painted = np.bincount(2 * flat + known[inside], minlength=2 * top.size).reshape(counts.shape)
    counts = cv2.blur(counts + painted.astype(np.float32), (3, 3))
    measured = counts[..., 1] / np.maximum(counts[..., 0] + counts[..., 1], np.float32(1e-3))
    highest, owner = top.ravel().copy(), np.full(top.size, -1, np.int16)
    np.maximum.at(highest, flat, z)
    mine = np.flatnonzero(labels >= 0)
    at = flat[mine]
    paints = z[mine] > highest[at] - np.float32(_SAME_SURFACE_M)
    owner[at[paints]] = labels[mine[paints]]
    top, owner = _closed(highest.reshape(top.shape), owner.reshape(top.shape))
    return top, owner, measured


def _highest_of_four(height: np.ndarray) -> np.ndarray:
    """Flat indices of the highest pixel in each 2 x 2 of an image (h, w), but for those that hold only -inf."""
    rows, columns = height.shape[0] // 2 * 2, height.shape[1] // 2 * 2
    index = np.arange(height.size, dtype=np.int32).reshape(height.shape)[:rows:2, :columns:2]
    best, chosen = height[:rows:2, :columns:2], index
    for down, right in ((0, 1), (1, 0), (1, 1)):
        other = height[down:rows:2, right:columns:2]
        chosen = np.where(other > best, index + np.int32(down * height.shape[1] + right), chosen)
        best = np.maximum(best, other)
    return chosen[best > -np.inf]


def _filled(top: np.ndarray) -> np.ndarray:
    """Fill what no ray reached (-inf): smoothly within a surface, in an object's shadow from the lower side."""
    return -np.nan_to_num(fill_holes(np.where(np.isfinite(top), -top, np.float32(np.nan))))


def _closed(top: np.ndarray, owner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Close gaps between rays: a cell without a point among cells with points takes the highest beside it."""
    kernel = np.ones((3, 3), np.uint8)
    reached = np.isfinite(top)
    gap = (cv2.morphologyEx(reached.astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0) & ~reached
    if gap.any():
        top = np.where(gap, cv2.dilate(top, kernel), top)
        owner = np.where(gap, cv2.dilate(owner, kernel), owner)
    return top, owner
