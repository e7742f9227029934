"""Depth images: filling holes and taking normals, for whole images at once."""

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
    from vlm_picking.holes import fill

    filled = np.array(depth_m, np.float32, order="C")
    fill(filled, np.float32(same_surface_m))
    return filled


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
