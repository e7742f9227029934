"""Maps of heights: the scene as a gripper meets it that comes along a straight line.

A gripper that approaches along a map's -z meets, at each place under it, the highest surface there. A scene seen from
one side is taken for solid down to the floor (what no ray reached takes the lower side), so the map for a leaning
approach follows from the upright one.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from vlm_picking.depth import fill_holes
from vlm_picking.planning.layers import layers_below, paint_points, points_below
from vlm_picking.planning.painting import (
    close_gaps,
    floor_shown,
    measured_share,
    paint_image,
    raise_walls,
)
from vlm_picking.support import Support
from vlm_picking.transform import Transform

CELL_M = 0.003
UNIT_M, BEFORE_M = 1e-4, 0.05
"""A height in whole steps: of UNIT_M above the lowest plausible surface, which is BEFORE_M below the floor."""
_MARGIN_M = 0.12
_LARGEST_MAP_CELLS = 700
_FLOOR_BAND_M = (0.002, 0.006)
_SAME_SURFACE_M = 0.006
_LAYER_M, _MOST_LAYERS = np.float32(0.005), 40
_ENOUGH_POINTS = 3000
_MOST_POINTS = 1_000_000  # a full bin has a tenth of that
_DENSE = 1.0


@dataclass(frozen=True, eq=False)
class Cloud:
    """An organised cloud (h, w) whose points are worked out where they are wanted.

    Args:
        depth_m: (h, w) float32 [m].
        height_m: (h, w) float32 [m], z of the points.
        labels: (h, w) int16, the objects that they belong to, -1 for none.
        known: (h, w) bool, whether they were measured.
        matrix: (3, 4) float64, from a pixel's homogeneous coordinates (column, row, 1) times its depth, and 1, to the
            bin's frame.
    """

    depth_m: np.ndarray
    height_m: np.ndarray
    labels: np.ndarray
    known: np.ndarray
    matrix: np.ndarray

@dataclass(frozen=True, eq=False, kw_only=True)
class HeightMap:
    """Highest surfaces in square cells, seen against an approach.

    Args:
        camera_from_map: z points against the approach.
        origin_m: (2,) x and y of the first cell's corner.
        top: (rows, columns) float32 [m], highest surface in each cell, finite everywhere.
        owner: (rows, columns) int16, the object to which that surface belongs; -1 for none.
        measured: (rows, columns) float32, share of the points in and around each cell that were measured.
        floor: (rows, columns) bool, where nothing stands on the bin's floor.
    """

    camera_from_map: Transform
    origin_m: np.ndarray
    top: np.ndarray
    owner: np.ndarray
    measured: np.ndarray
    floor: np.ndarray

    @cached_property
    def steps(self) -> np.ndarray:
        """(rows, columns) uint16, the highest surfaces in whole steps: OpenCV dilates these several times faster."""
        return np.clip((self.top + BEFORE_M) / UNIT_M, 0, 65_535).astype(np.uint16)

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
    *,
    some: np.ndarray,
    pixel_m: float,
    image_from_bin: np.ndarray,
    camera_from_bin: Transform,
    support: Support | None,
) -> HeightMap:
    """The map seen straight from above of an organised cloud (h, w) in the bin's frame.

    Heights within the floor's own roughness count as floor; a wall without readings is still a wall, and of one whose
    top the image cuts off the lower part is as high as the rest.

    Args:
        some: (P, 3) [m, bin's frame], some of what was measured of the objects.
        pixel_m: how far points side by side are apart, about.
        image_from_bin: (3, 4) projection of homogeneous points to the cloud's columns and rows.
    """
    band = _FLOOR_BAND_M[0]
    if support is not None:
        band = float(np.clip(3 * support.roughness_m, *_FLOOR_BAND_M))
    low, size = _extent(*_outer(some[:: max(1, len(some) // _ENOUGH_POINTS), :2]))
    top, counts = np.empty(size, np.float32), np.empty((2, *size), np.int32)
    cell_to_bin = np.array([[CELL_M, 0, low[0] + CELL_M / 2], [0, CELL_M, low[1] + CELL_M / 2], [0, 0, 1]])
    band_m = np.float32(band)
    image = cloud.height_m, cloud.labels, cloud.known
    floor_shown(*image, image_from_bin[:, [0, 1, 3]] @ cell_to_bin, band_m, top, counts)
    to_cells = cloud.matrix[:2] - np.array([[0, 0, 0, low[0]], [0, 0, 0, low[1]]])
    ray = (to_cells / CELL_M).astype(np.float32)
    dense = 2 * pixel_m < _DENSE * CELL_M
    owner = paint_image(cloud.depth_m, *image, ray, band_m, dense, np.float32(_SAME_SURFACE_M), top, counts)
    measured = measured_share(counts)
    close_gaps(top, owner)
    top = _filled(top)
    over, unseen = ([np.full(count, -np.inf, np.float32) for count in size[::-1]] for _ in range(2))
    if support is not None:
        # The bin's sides rise along its axes, so its shape is the higher one of two profiles.
        place = [np.zeros((count, 3)) for count in size[::-1]]
        for axis in (0, 1):
            place[axis][:, axis] = (np.arange(len(place[axis])) + 0.5) * CELL_M + low[axis]
        rise = np.split(support.obstacle_height(camera_from_bin.apply(np.concatenate(place))), [size[1]])
        for axis in (0, 1):
            along = place[axis][:, axis]
            # The floor itself has no height.
            beyond = np.abs(along) > support.size_m[axis] / 2 - CELL_M
            over[axis][beyond] = rise[axis][beyond]
            beyond &= support.cut_off[2 * axis + (along < 0)]
            unseen[axis][beyond] = rise[axis][beyond]
    raise_walls(top, owner, measured, *over, *unseen, band_m)
    return HeightMap(
        camera_from_map=camera_from_bin, origin_m=low, top=top, owner=owner, measured=measured, floor=top == 0
    )


def _leaning_map(upright: HeightMap, points: np.ndarray, cells: np.ndarray, rotation: np.ndarray) -> HeightMap:
    """The same scene, solid below its surface, against another approach.

    Args:
        points: (P, 3) what stands in the upright map, with as many points below each edge as close it, and their
            cells (P,). The floor is a plane.
        rotation: (3, 3) axes of the leaning map in the upright one's frame; z out of the bin, leaning.
    """
    points = cv2.transform(points[None], rotation.T)[0]
    own = points[upright.owner.ravel()[cells] >= 0, :2]
    low, size = _extent(own.min(axis=0), own.max(axis=0))
    column_m, row_m = (low[axis] + (np.arange(size[1 - axis]) + 0.5) * CELL_M for axis in (0, 1))
    floor = -(rotation[2, 0] * column_m[None, :] + rotation[2, 1] * row_m[:, None]) / rotation[2, 2]
    high, counts = np.full(size, -np.inf, np.float32), np.zeros((2, *size), np.int32)
    alike_m = np.float32(_SAME_SURFACE_M)
    owned = paint_points(points, cells, upright.owner, upright.measured, low, CELL_M, alike_m, high, counts)
    measured = measured_share(counts)
    close_gaps(high, owned)
    return HeightMap(
        camera_from_map=Transform(upright.camera_from_map.rotation @ rotation, upright.camera_from_map.translation_m),
        origin_m=low,
        top=np.maximum(high, floor.astype(np.float32)),
        owner=owned,
        measured=measured,
        floor=high <= floor,
    )


class LeaningMaps:
    """The same scene against approaches that lean, each map made when it is first asked for."""

    def __init__(self, upright: HeightMap) -> None:
        self._upright = upright
        self._maps: dict[tuple[float, float], HeightMap] = {}

    @cached_property
    def is_ragged(self) -> bool:
        """Whether the scene is no surface but noise throughout, of which a leaning map would take seconds."""
        below, _ = self._layers
        return int(below.sum()) > _MOST_POINTS

    def towards(self, heading: float, lean: float) -> HeightMap:
        """The map whose z leans by `lean` towards `heading`, in the bin's frame [rad]."""
        if (heading, lean) not in self._maps:
            self._maps[heading, lean] = _leaning_map(self._upright, *self._points, _leaning_axes(lean, heading))
        return self._maps[heading, lean]

    @cached_property
    def _layers(self) -> tuple[np.ndarray, np.ndarray]:
        return layers_below(self._upright.top, self._upright.owner, _LAYER_M, _MOST_LAYERS)

    @cached_property
    def _points(self) -> tuple[np.ndarray, np.ndarray]:
        return points_below(self._upright.top, self._upright.origin_m, CELL_M, *self._layers, _LAYER_M)


def _leaning_axes(lean: float, heading: float) -> np.ndarray:
    """(3, 3) axes of a map whose z leans by `lean` towards `heading`, in the bin's frame."""
    c, s, ch, sh = np.cos(lean), np.sin(lean), np.cos(heading), np.sin(heading)
    z = np.array([s * ch, s * sh, c])
    x = np.array([c * ch, c * sh, -s])
    return np.column_stack([x, np.cross(z, x), z])


def _outer(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two corners (2,) between which all but a few outliers of places (P, 2) lie."""
    outliers = len(places) // 200
    ordered = np.sort(places, axis=0)
    return ordered[outliers], ordered[-1 - outliers]


def _extent(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """The map's first corner (2,) [m], and its rows and columns, round objects between two corners."""
    low, high = low.astype(np.float64) - _MARGIN_M, high.astype(np.float64) + _MARGIN_M
    columns, rows = np.minimum(np.ceil((high - low) / CELL_M).astype(int), _LARGEST_MAP_CELLS)
    return low, (int(rows), int(columns))


def _filled(top: np.ndarray) -> np.ndarray:
    """Fill what no ray reached (-inf): smoothly within a surface, in an object's shadow from the lower side."""
    filled = fill_holes(-top)
    return np.negative(filled, out=filled) if np.isfinite(filled[0, 0]) else np.zeros_like(top)
