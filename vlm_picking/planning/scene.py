"""What the planners look at: the cloud with filled holes, and a map of heights seen straight from above."""

from dataclasses import dataclass

import cv2
import numpy as np

from vlm_picking.camera import PinholeCamera
from vlm_picking.depth import fill_holes, filled_cloud, window_of
from vlm_picking.frame import RgbdFrame
from vlm_picking.support import Support
from vlm_picking.transform import Transform

CELL_M = 0.003
_MARGIN_M = 0.12
_LARGEST_MAP_CELLS = 700


@dataclass(frozen=True, eq=False, kw_only=True)
class Scene:
    """One frame, prepared for planning.

    Args:
        camera: the frame's camera.
        camera_from_bin: z points out of the bin, z = 0 is its floor (the farthest reading where no floor is known).
        cloud: (H, W, 3) float32 points [m, optical frame], holes filled; NaN only where nothing is known at all.
        known: (H, W) bool, where depth was measured.
        known_share: (H, W) float32, share of measured pixels in the 9 x 9 around each.
        height: (H, W) float32 above the floor [m].
        map_origin_m: (2,) x and y in the bin's frame of the map's first cell.
        map_height: (rows, columns) float32, highest surface in each cell; what no ray reached takes the lower side.
        map_measured: (rows, columns) float32, share of the points in and around each cell that were measured, not
            filled in.
    """

    camera: PinholeCamera
    camera_from_bin: Transform
    cloud: np.ndarray
    known: np.ndarray
    known_share: np.ndarray
    height: np.ndarray
    map_origin_m: np.ndarray
    map_height: np.ndarray
    map_measured: np.ndarray

    @property
    def up(self) -> np.ndarray:
        """(3,) direction out of the bin, in the optical frame."""
        return self.camera_from_bin.rotation[:, 2]

    def measured_around(self, points_m: np.ndarray) -> np.ndarray:
        """Share (N,) of pixels with a depth reading around points (N, 3) [m, optical frame]; 0 outside the image."""
        uv = np.nan_to_num(self.camera.project(points_m), nan=-1.0)
        column, row = np.rint(uv).astype(int).T
        inside = (column >= 0) & (row >= 0) & (column < self.camera.width) & (row < self.camera.height)
        clipped = np.clip(row, 0, self.camera.height - 1), np.clip(column, 0, self.camera.width - 1)
        return np.where(inside, self.known_share[clipped], 0.0)

    def heights_of(self, mask: np.ndarray) -> np.ndarray:
        """Highest measured point (rows, columns) of a mask (H, W) in each cell of the map; -inf where it has none."""
        rows, columns = self.map_height.shape
        window = window_of(mask)
        points = self.cloud[window][mask[window] & self.known[window]] - self.camera_from_bin.translation_m.astype(
            np.float32
        )
        in_bin = points @ self.camera_from_bin.rotation.astype(np.float32)
        cells = np.floor((in_bin[:, :2] - self.map_origin_m.astype(np.float32)) / np.float32(CELL_M)).astype(np.int32)
        inside = ((cells >= 0) & (cells < (columns, rows))).all(axis=1)
        top = np.full(rows * columns, -np.inf, np.float32)
        np.maximum.at(top, cells[inside] @ np.array([1, columns], np.int32), in_bin[inside, 2])
        return _bridged(top.reshape(rows, columns))


def build_scene(frame: RgbdFrame, support: Support | None, region: np.ndarray) -> Scene | None:
    """Prepare a frame for planning on the objects in `region` (H, W) bool.

    Returns:
        The scene, or None where the region holds no depth reading.
    """
    known = np.isfinite(frame.depth_m)
    if not (known & region).any():
        return None
    cloud = filled_cloud(frame)
    if support is None:
        farthest = float(np.percentile(frame.depth_m[known], 99))
        camera_from_bin = Transform(np.diag([1.0, -1.0, -1.0]), np.array([0.0, 0.0, farthest]))
    else:
        camera_from_bin = support.camera_from_bin
    rotation = camera_from_bin.rotation.astype(np.float32)
    origin = camera_from_bin.translation_m.astype(np.float32)
    in_bin = (cloud - origin) @ rotation
    of_objects = in_bin[known & region][:, :2]
    low, high = np.percentile(of_objects, [0.5, 99.5], axis=0)
    low, high = low - _MARGIN_M, high + _MARGIN_M
    columns, rows = np.minimum(np.ceil((high - low) / CELL_M).astype(int), _LARGEST_MAP_CELLS)
    cell = np.floor((in_bin[..., :2] - low.astype(np.float32)) / np.float32(CELL_M))
    near = (cell >= 0).all(axis=-1) & (cell[..., 0] < columns) & (cell[..., 1] < rows)
    flat = cell[near].astype(np.int32) @ np.array([1, columns], np.int32)
    top = np.full(rows * columns, -np.inf, np.float32)
    np.maximum.at(top, flat, in_bin[..., 2][near])
    # Heights are filled as depths are: between rays of one surface smoothly, in an object's shadow from the lower side.
    depth = np.where(np.isfinite(top), -top, np.float32(np.nan)).reshape(rows, columns)
    map_height = -fill_holes(depth)
    map_measured = _measured_share(flat, known[near], (rows, columns))
    if support is not None:
        # A wall without readings is still a wall.
        y, x = np.mgrid[:rows, :columns] * CELL_M + low[::-1, None, None] + CELL_M / 2
        shell = support.shell_height(camera_from_bin.apply(np.stack([x, y, np.zeros_like(x)], axis=-1)))
        np.maximum(map_height, shell, out=map_height, where=map_measured < 0.5)
    return Scene(
        camera=frame.camera,
        camera_from_bin=camera_from_bin,
        cloud=cloud,
        known=known,
        known_share=cv2.blur(known.astype(np.float32), (9, 9), borderType=cv2.BORDER_CONSTANT),
        height=in_bin[..., 2],
        map_origin_m=low.astype(np.float64),
        map_height=map_height,
        map_measured=map_measured,
    )


def _bridged(top: np.ndarray) -> np.ndarray:
    """Close gaps between rays: a cell without a point (-inf) among cells with points takes the highest beside it."""
    reached = np.isfinite(top)
    kernel = np.ones((3, 3), np.uint8)
    closed = cv2.morphologyEx(reached.astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0
    return np.where(reached | ~closed, top, cv2.dilate(top, kernel))


def _measured_share(flat: np.ndarray, known: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Share of measured points in windows of 3 x 3 cells; 0 where no ray arrived."""
    size = shape[0] * shape[1]
    everything = cv2.blur(np.bincount(flat, minlength=size).astype(np.float32).reshape(shape), (3, 3))
    measured = cv2.blur(np.bincount(flat[known], minlength=size).astype(np.float32).reshape(shape), (3, 3))
    return measured / np.maximum(everything, 1e-3)
