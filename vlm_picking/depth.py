"""Depth images: filling holes and taking normals, for whole images at once."""

from collections.abc import Iterator
from functools import lru_cache

import cv2
import numpy as np

from vlm_picking.camera import PinholeCamera
from vlm_picking.frame import RgbdFrame


def noise_m(depth_m: np.ndarray | float) -> np.ndarray | float:
    """How far a reading at `depth_m` may lie from the truth [m]; grows with the square of the distance (stereo)."""
    return 0.002 + 0.0025 * np.square(depth_m)


def fill_holes(depth_m: np.ndarray, *, same_surface_m: float = 0.02) -> np.ndarray:
    """Fill unknown readings from the nearest known ones to the left, right, above and below.

    A hole between readings of one surface (they differ by less than `same_surface_m`) is interpolated, weighted by
    nearness; a hole at a step is the shadow that a near object throws, so it takes the farthest of the four.

    Args:
        depth_m: (H, W) [m], NaN where unknown.

    Returns:
        (H, W) float32 [m]; finite everywhere unless nothing at all is known, then all NaN. What was filled is
        `isnan(depth_m)`.
    """
    filled = np.array(depth_m, np.float32, order="C")
    flat, known = filled.ravel(), np.isfinite(filled)
    holes = np.flatnonzero(~known).astype(np.int32)
    while 0 < len(holes) < filled.size:
        far = np.full(len(holes), -np.inf, np.float32)
        near = np.full(len(holes), np.inf, np.float32)
        total = np.zeros(len(holes), np.float32)
        weight = np.zeros(len(holes), np.float32)
        for beside, exists, distance in _four_neighbours(known, holes):
            value = flat.take(beside, mode="wrap")
            np.maximum(far, value, out=far, where=exists)
            np.minimum(near, value, out=near, where=exists)
            share = exists / distance
            weight += share
            value[~exists] = 0
            value *= share
            total += value
        reached = weight > 0
        value = np.where(far - near < same_surface_m, total / np.maximum(weight, np.float32(1e-9)), far)
        flat[holes[reached]] = value[reached]
        known.ravel()[holes[reached]] = True
        holes = holes[~reached]
    return filled


def _four_neighbours(known: np.ndarray, holes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """For holes (N,), indices into a flattened image, the nearest readings above, below, left and right.

    Yields:
        Their indices (anything where there is none), whether there is one, and how far away it is [px].
    """
    rows, columns = known.shape
    row, column = np.divmod(holes, np.int32(columns))
    # Holes are looked at in runs: along rows as they are, along columns in the turned image, and brought back in order.
    turned = np.flatnonzero(cv2.transpose(known.view(np.uint8)) == 0).astype(np.int32)
    turned_column, turned_row = np.divmod(turned, np.int32(rows))
    rank = np.empty(known.size, np.int32)
    rank[turned_row * np.int32(columns) + turned_column] = np.arange(len(turned), dtype=np.int32)
    rank = rank.take(holes)
    upright = tuple(end.take(rank) for end in _runs(turned, turned_row))
    for place, last, stride, (start, stop) in (
        (row, rows - 1, columns, upright),
        (column, columns - 1, 1, _runs(holes, column)),
    ):
        steps = place - start + np.int32(1)
        yield holes - steps * np.int32(stride), start > 0, steps.astype(np.float32)
        steps = stop - place + np.int32(1)
        yield holes + steps * np.int32(stride), stop < last, steps.astype(np.float32)


def _runs(holes: np.ndarray, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last places (N,) of the runs of holes in which holes (N,), in order, lie at places (N,) on lines."""
    begins = place == 0
    begins[1:] |= holes[1:] != holes[:-1] + 1
    begins[:1] = True
    first = np.flatnonzero(begins)
    length = np.diff(first, append=len(holes))
    start = place[first]
    return np.repeat(start, length), np.repeat(start + (length - 1).astype(np.int32), length)


@lru_cache(maxsize=2)
def filled_depth(frame: RgbdFrame) -> np.ndarray:
    """A frame's depth without holes (see fill_holes), read-only; worked out once for all stages of the frame."""
    filled = fill_holes(frame.depth_m)
    filled.setflags(write=False)
    return filled


@lru_cache(maxsize=2)
def filled_cloud(frame: RgbdFrame) -> np.ndarray:
    """(H, W, 3) float32 points [m, optical frame] of filled_depth, read-only."""
    cloud = frame.camera.deproject_image(filled_depth(frame))
    cloud.setflags(write=False)
    return cloud


def window_of(mask: np.ndarray, *, margin_px: int = 0) -> tuple[slice, slice]:
    """Rows and columns of the smallest window round a mask that is not empty, and a margin as far as the image goes."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        slice(max(0, int(rows[0]) - margin_px), int(rows[-1]) + 1 + margin_px),
        slice(max(0, int(columns[0]) - margin_px), int(columns[-1]) + 1 + margin_px),
    )


def normals(depth_m: np.ndarray, camera: PinholeCamera, *, radius_px: int = 2) -> np.ndarray:
    """Unit normals, towards the camera, of planes fitted in windows of (2 radius_px + 1)^2 pixels.

    The inverse depth of a plane is linear in the pixel (u, v), so its slopes from two separable filters give the
    normal.

    Args:
        depth_m: (H, W) [m], without holes (see fill_holes).

    Returns:
        (H, W, 3) float32 in the optical frame.
    """
    inverse = 1.0 / np.asarray(depth_m, np.float32)
    ramp = np.arange(-radius_px, radius_px + 1, dtype=np.float32)
    slope = ramp / np.square(ramp).sum()
    mean = np.full(len(ramp), 1.0 / len(ramp), np.float32)
    du = cv2.sepFilter2D(inverse, -1, slope, mean, borderType=cv2.BORDER_REPLICATE)
    dv = cv2.sepFilter2D(inverse, -1, mean, slope, borderType=cv2.BORDER_REPLICATE)
    u = (np.arange(camera.width, dtype=np.float32) - np.float32(camera.cx))[None, :]
    v = (np.arange(camera.height, dtype=np.float32) - np.float32(camera.cy))[:, None]
    normal = np.empty((*inverse.shape, 3), np.float32)
    normal[..., 0] = -du * np.float32(camera.fx)
    normal[..., 1] = -dv * np.float32(camera.fy)
    normal[..., 2] = du * u + dv * v - inverse
    normal /= np.sqrt(np.einsum("hwc,hwc->hw", normal, normal))[..., None]
    return normal
