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
        rotation = self.camera_from_map.rotation
        local = (points_m - self.camera_from_map.translation_m) @ rotation
        cell = np.floor((local[..., :2] - self.origin_m) / CELL_M).astype(np.int32)
        rows, columns = self.top.shape
        return np.clip(cell[..., 1], 0, rows - 1), np.clip(cell[..., 0], 0, columns - 1), local[..., 2]


def upright_map(
    points: np.ndarray, labels: np.ndarray, known: np.ndarray, camera_from_bin: Transform, support: Support | None
) -> HeightMap:
    """The map seen straight from above of points (P, 3) [m, bin's frame] with labels (P,) and known (P,).

    Heights within the floor's own roughness count as floor; a wall without readings is still a wall.
    """
    objects = points[known & (labels >= 0)]
    low, high = np.percentile(objects[:, :2], [0.5, 99.5], axis=0)
    low, size = _extent(low, high)
    top, owner, measured = _painted(points, labels, known, low, size)
    top = _filled(top)
    band = _FLOOR_BAND_M[0]
    if support is not None:
        band = float(np.clip(3 * support.roughness_m, *_FLOOR_BAND_M))
        y, x = np.mgrid[: size[0], : size[1]] * CELL_M + low[::-1, None, None] + CELL_M / 2
        shell = support.shell_height(camera_from_bin.apply(np.stack([x, y, np.zeros_like(x)], axis=-1)))
        np.maximum(top, shell, out=top, where=measured < 0.5)
    top[(owner < 0) & (top < band)] = 0.0
    return HeightMap(camera_from_map=camera_from_bin, origin_m=low, top=top, owner=owner, measured=measured)


def leaning_map(upright: HeightMap, rotation: np.ndarray) -> HeightMap:
    """The same scene, solid below its surface, against another approach.

    Args:
        rotation: (3, 3) axes of the leaning map in the upright one's frame; z out of the bin, leaning.
    """
    top = upright.top
    lowest = cv2.erode(top, np.ones((3, 3), np.uint8))
    layers = np.clip(np.ceil((top - lowest) / _LAYER_M), 0, 40).astype(np.int32)
    rows, columns = np.indices(top.shape)
    repeat = (layers + 1).ravel()
    cell = np.repeat(np.arange(top.size), repeat)
    layer = np.arange(len(cell)) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    points = np.column_stack(
        [
            upright.origin_m[0] + (columns.ravel()[cell] + 0.5) * CELL_M,
            upright.origin_m[1] + (rows.ravel()[cell] + 0.5) * CELL_M,
            np.maximum(top.ravel()[cell] - layer * _LAYER_M, lowest.ravel()[cell]),
        ]
    ).astype(np.float32)
    local = points @ rotation.astype(np.float32)
    owner, share = upright.owner.ravel()[cell], upright.measured.ravel()[cell]
    mine = owner >= 0
    low, size = _extent(local[mine, :2].min(axis=0), local[mine, :2].max(axis=0))
    high, owned, measured = _painted(local, owner, share >= 0.5, low, size)
    floor = _filled(high)
    return HeightMap(
        camera_from_map=Transform(upright.camera_from_map.rotation @ rotation, upright.camera_from_map.translation_m),
        origin_m=low,
        top=floor,
        owner=owned,
        measured=measured,
    )


def _extent(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """The map's first corner (2,) [m], and its rows and columns, round objects between two corners."""
    low, high = low.astype(np.float64) - _MARGIN_M, high.astype(np.float64) + _MARGIN_M
    columns, rows = np.minimum(np.ceil((high - low) / CELL_M).astype(int), _LARGEST_MAP_CELLS)
    return low, (int(rows), int(columns))


def _painted(
    points: np.ndarray, labels: np.ndarray, known: np.ndarray, low: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tops (-inf where no point lies), owners and measured shares of points (P, 3) in cells."""
    rows, columns = size
    x = (points[:, 0] - np.float32(low[0])) * np.float32(1 / CELL_M)
    y = (points[:, 1] - np.float32(low[1])) * np.float32(1 / CELL_M)
    near = np.flatnonzero((x >= 0) & (y >= 0) & (x < columns) & (y < rows))
    flat = y[near].astype(np.int32) * np.int32(columns) + x[near].astype(np.int32)
    height, label, sure = points[near, 2], labels[near], known[near]
    top = np.full(rows * columns, -np.inf, np.float32)
    np.maximum.at(top, flat, height)
    owner = np.full(rows * columns, -1, np.int16)
    paints = (label >= 0) & (height > top[flat] - _SAME_SURFACE_M)
    owner[flat[paints]] = label[paints]
    top, owner = _closed(top.reshape(size), owner.reshape(size))
    size_flat = rows * columns
    everything = cv2.blur(np.bincount(flat, minlength=size_flat).astype(np.float32).reshape(size), (3, 3))
    surely = cv2.blur(np.bincount(flat[sure], minlength=size_flat).astype(np.float32).reshape(size), (3, 3))
    return top, owner, surely / np.maximum(everything, np.float32(1e-3))


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
