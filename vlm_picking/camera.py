"""The pinhole camera: intrinsics, and the way between pixels and metres."""

from dataclasses import dataclass

import numpy as np

from vlm_picking.errors import FrameError


@dataclass(frozen=True)
class PinholeCamera:
    """Intrinsics of a rectified camera; optical axes x right, y down, z forward (REP 103).

    Args:
        width, height: size of the image [px].
        fx, fy: focal lengths [px].
        cx, cy: principal point [px]; the centre of the top left pixel is (0, 0).

    Raises:
        FrameError: a size or a focal length is not positive, or a number is not finite. Nothing is assumed in its
            place.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0:
            raise FrameError(f"camera size must be positive, got {self.width}x{self.height}; check camera_info")
        if not all(np.isfinite(v) for v in (self.fx, self.fy, self.cx, self.cy)):
            raise FrameError(
                f"camera intrinsics must be finite, got fx={self.fx} fy={self.fy} cx={self.cx} cy={self.cy}"
            )
        if self.fx <= 0 or self.fy <= 0:
            raise FrameError(
                f"the camera has no intrinsics (fx={self.fx}, fy={self.fy}); "
                "calibrate it, or let the driver publish camera_info"
            )

    def project(self, points_m: np.ndarray) -> np.ndarray:
        """Project points (..., 3) [m, optical frame] to pixels (..., 2) as (u, v); NaN for points behind the camera."""
        points = np.asarray(points_m, dtype=np.float64)
        z = np.where(points[..., 2] > 0, points[..., 2], np.nan)
        return np.stack([self.fx * points[..., 0] / z + self.cx, self.fy * points[..., 1] / z + self.cy], axis=-1)

    def deproject(self, uv: np.ndarray, depth_m: np.ndarray) -> np.ndarray:
        """Lift pixels (..., 2) at z-depths (...) [m] to points (..., 3) [m, optical frame]; NaN stays NaN."""
        uv = np.asarray(uv, dtype=np.float64)
        z = np.asarray(depth_m, dtype=np.float64)
        return np.stack([(uv[..., 0] - self.cx) * z / self.fx, (uv[..., 1] - self.cy) * z / self.fy, z], axis=-1)

    def deproject_image(self, depth_m: np.ndarray) -> np.ndarray:
        """Lift a depth image (H, W) [m] to an organised cloud (H, W, 3) f32 [m, optical frame]."""
        if depth_m.shape != (self.height, self.width):
            raise FrameError(f"depth is {depth_m.shape[1]}x{depth_m.shape[0]}, the camera {self.width}x{self.height}")
        z = np.asarray(depth_m, dtype=np.float32)
        cloud = np.empty((*z.shape, 3), dtype=np.float32)
        np.multiply(z, ((np.arange(self.width) - self.cx) / self.fx).astype(np.float32)[None, :], out=cloud[..., 0])
        np.multiply(z, ((np.arange(self.height) - self.cy) / self.fy).astype(np.float32)[:, None], out=cloud[..., 1])
        cloud[..., 2] = z
        return cloud

    def scaled_to(self, *, width: int, height: int) -> "PinholeCamera":
        """The same camera for a resized image; pixel centres are integers, so cx and cy move by half pixels."""
        sx, sy = width / self.width, height / self.height
        return PinholeCamera(
            width, height, self.fx * sx, self.fy * sy, (self.cx + 0.5) * sx - 0.5, (self.cy + 0.5) * sy - 0.5
        )
