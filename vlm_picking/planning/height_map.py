"""Maps of heights: the scene as a gripper meets it that comes along a straight line.

A gripper that approaches along a map's -z meets, at each place under it, the highest surface there. A scene seen from
one side is taken for solid down to the floor (what no ray reached takes the lower side), so the map for a leaning
approach follows from the upright one.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from vlm_picking.depth import fill_holes
from vlm_picking.planning.workspace import WORKSPACE
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


@dataclass(frozen=True, eq=False)
class Cloud:
    """An organised cloud (h, w) whose points are worked out where they are wanted.

    Args:
        depth_m: (h, w) float32 [m].
        matrix: (3, 4) float64, from a pixel's homogeneous coordinates (column, row, 1) times its depth, and 1, to the
            bin's frame.
    """

    depth_m: np.ndarray
    matrix: np.ndarray

    def height(self) -> np.ndarray:
        """(h, w) float32 [m], z of all points; good until the next call in the same thread."""
        a, b, c, shift = self.matrix[2]
        rows, columns = self.depth_m.shape
        z = WORKSPACE.array("height", (rows, columns), np.float32)
        np.add.outer((b * np.arange(rows)).astype(np.float32), (a * np.arange(columns) + c).astype(np.float32), out=z)
        z *= self.depth_m
        z += np.float32(shift)
        return z

    def at(self, pixel: np.ndarray) -> np.ndarray:
        """(3, P) float32 [m], the points at P indices into the flattened cloud; good until the next call."""
        row, column = np.divmod(pixel.astype(np.int32), np.int32(self.depth_m.shape[1]))
        rays = WORKSPACE.array("rays", (3, len(pixel)), np.float32)
        rays[0], rays[1], rays[2] = column, row, 1
        points = WORKSPACE.array("points", rays.shape, np.float32)
        np.matmul(self.matrix[:, :3].astype(np.float32), rays, out=points)
        points *= self.depth_m.ravel().take(pixel)
        points += self.matrix[:, 3:].astype(np.float32)
        return points


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
        rotation, origin = self.camera_from_map.rotation.T, self.camera_from_map.translation_m
        frames = np.empty((3, len(contact_m), 4), np.float32)  # x, y and z of the corner and the axes
        for k, vector in enumerate((contact_m - origin, *axes)):
            frames[:, :, k] = rotation @ vector.T
        span = np.empty((4, len(place_m)), np.float32)
        span[0], span[1:] = 1, place_m.T
        x, y, height = (frames.reshape(-1, 4) @ span).reshape(3, len(contact_m), len(place_m))
        return *self._cells(x, y), height

    def _cells(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows, columns = self.top.shape
        column = (x - x.dtype.type(self.origin_m[0])) * x.dtype.type(1 / CELL_M)
        row = (y - y.dtype.type(self.origin_m[1])) * y.dtype.type(1 / CELL_M)
        # Clipped first, so that cutting off the fraction is as good as floor.
        return np.clip(row, 0, rows - 1).astype(np.intp), np.clip(column, 0, columns - 1).astype(np.intp)


def upright_map(
    cloud: Cloud,
    height: np.ndarray,
    labels: np.ndarray,
    known: np.ndarray,
    *,
    some: np.ndarray,
    pixel_m: float,
    image_from_bin: np.ndarray,
    camera_from_bin: Transform,
    support: Support | None,
) -> HeightMap:
    """The map seen straight from above of an organised cloud (h, w) and its heights (h, w) [m, bin's frame].

    Heights within the floor's own roughness count as floor; a wall without readings is still a wall.

    Args:
        labels: (h, w) int16, the objects of the points, -1 for none; known: (h, w) bool, whether they were measured.
        some: (3, P) [m, bin's frame], some of what was measured of the objects.
        pixel_m: how far points side by side are apart, about.
        image_from_bin: (3, 4) projection of homogeneous points to the cloud's columns and rows.
    """
    band = _FLOOR_BAND_M[0]
    if support is not None:
        band = float(np.clip(3 * support.roughness_m, *_FLOOR_BAND_M))
    low, size = _extent(*_outer(some[:2, :: max(1, some.shape[1] // _ENOUGH_POINTS)]))
    # The floor is a plane, so where it shows follows from the image at once; the rest is painted point by point.
    is_floor = (labels < 0) & (height < band)
    cell_to_bin = np.array([[CELL_M, 0, low[0] + CELL_M / 2], [0, CELL_M, low[1] + CELL_M / 2], [0, 0, 1]])
    floor = cv2.warpPerspective(
        is_floor.view(np.uint8) << known.view(np.uint8),
        image_from_bin[:, [0, 1, 3]] @ cell_to_bin,
        size[::-1],
        flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
    )
    top = np.where(floor > 0, np.float32(0), np.float32(-np.inf))
    counts = cv2.merge([(floor == 1).astype(np.float32), (floor == 2).astype(np.float32)])
    if 2 * pixel_m < _DENSE * CELL_M:
        owned = labels >= 0
        others = WORKSPACE.array("others", height.shape, np.float32)
        np.copyto(others, height)
        np.copyto(others, np.float32(-np.inf), where=is_floor | owned)
        standing = np.concatenate([np.flatnonzero(owned), _highest_of_four(others)])
    else:
        standing = np.flatnonzero(~is_floor)
    columns = (*cloud.at(standing), labels.ravel().take(standing), known.ravel().take(standing))
    top, owner, measured = _painted(*columns, low=low, top=top, counts=counts)
    top = _filled(top)
    if support is not None:
        x, y = ((np.arange(count) + 0.5) * CELL_M + start for count, start in zip(size[::-1], low, strict=True))
        # The floor itself has no height.
        half_x, half_y = support.size_m / 2 - CELL_M
        unsure = (measured < 0.5) & ((np.abs(x) > half_x) | (np.abs(y) > half_y)[:, None])
        # The bin's sides rise along its axes, so its shape is the higher one of two profiles.
        place = np.zeros((size[1] + size[0], 3))
        place[: size[1], 0], place[size[1] :, 1] = x, y
        over_x, over_y = np.split(support.shell_height(camera_from_bin.apply(place)).astype(np.float32), [size[1]])
        np.maximum(top, np.maximum.outer(over_y, over_x), out=top, where=unsure)
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


def _outer(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two corners (2,) between which all but a few outliers of places (2, P) lie."""
    outliers = places.shape[1] // 200
    ordered = np.sort(places, axis=1)
    return ordered[:, outliers], ordered[:, -1 - outliers]


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
    upper, lower = height[:rows:2], height[1:rows:2]
    highest = np.maximum(upper[:, :columns:2], upper[:, 1:columns:2])
    np.maximum(highest, lower[:, :columns:2], out=highest)
    np.maximum(highest, lower[:, 1:columns:2], out=highest)
    row, column = np.divmod(np.flatnonzero(highest > -np.inf).astype(np.int32), np.int32(columns // 2))
    first = 2 * row * np.int32(height.shape[1]) + 2 * column
    chosen, best = first, height.ravel().take(first)
    for step in (1, height.shape[1], height.shape[1] + 1):
        other = height.ravel().take(first + np.int32(step))
        chosen = np.where(other > best, first + np.int32(step), chosen)
        best = np.maximum(best, other)
    return chosen


def _filled(top: np.ndarray) -> np.ndarray:
    """Fill what no ray reached (-inf): smoothly within a surface, in an object's shadow from the lower side."""
    unknown = top == -np.inf
    if unknown.all():
        return np.zeros_like(top)
    below = -top
    below[unknown] = np.nan
    filled = fill_holes(below)
    return np.negative(filled, out=filled)


def _closed(top: np.ndarray, owner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Close gaps between rays: a cell without a point among cells with points takes the highest beside it."""
    kernel = np.ones((3, 3), np.uint8)
    reached = (top > -np.inf).view(np.uint8)
    gap = cv2.bitwise_xor(cv2.morphologyEx(reached, cv2.MORPH_CLOSE, kernel), reached)
    if cv2.countNonZero(gap):
        top = cv2.copyTo(cv2.dilate(top, kernel), gap, top)
        owner = cv2.copyTo(cv2.dilate(owner, kernel), gap, owner)
    return top, owner
