"""A bin whose place and size are known: given by settings instead of being found in the depth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vlm_picking.arrays import frozen_array
from vlm_picking.depth import filled_cloud, noise_m
from vlm_picking.errors import ConfigError, FrameError
from vlm_picking.frame import RgbdFrame
from vlm_picking.support import Support, interior_mask, scatter_on_floor
from vlm_picking.transform import Transform

_WALL_CELLS = 40  # as many as a bin that is found has
_BELOW_M = 0.012
_MOST_BELOW = 0.2


@dataclass(frozen=True, eq=False, kw_only=True)
class KnownBin:
    """Where a bin stands and how large its inside is.

    Args:
        reference_from_bin: the bin's frame in some frame (the camera's, the robot's): origin in the middle of the
            floor, z out of the bin, x and y along its sides.
        inner_m: (3,) length along x, along y, and height of the walls above the floor [m]; 0 where there are none.
    """

    reference_from_bin: Transform
    inner_m: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "inner_m", frozen_array(self.inner_m, name="inner_m", shape=(3,), dtype=np.float64, error=ConfigError)
        )

    @classmethod
    def of(cls, bin_pose: Sequence[float], bin_inner_m: Sequence[float]) -> "KnownBin | None":
        """From settings: x y z [m] and a quaternion x y z w, and the inner size; None where no pose is given."""
        if not bin_pose:
            return None
        pose = np.array(bin_pose, np.float64)
        return cls(
            reference_from_bin=Transform.from_quaternion(pose[3:], pose[:3]), inner_m=np.array(bin_inner_m, np.float64)
        )

    def support(self, frame: RgbdFrame, camera_from_reference: Transform) -> Support:
        """The bin's floor and walls as seen by a frame's camera; depth only tells how rough the floor is.

        Raises:
            FrameError: the camera would be below the floor, or much of what it sees in the bin lies below the floor:
                the bin does not stand where the settings say.
        """
        camera_from_bin = camera_from_reference @ self.reference_from_bin
        normal = camera_from_bin.rotation[:, 2]
        offset_m = float(-normal @ camera_from_bin.translation_m)
        if offset_m <= 0:
            raise FrameError(
                f"bin_pose puts the camera {-offset_m:.3f} m below the bin's floor; its z has to point out of the bin, "
                "towards the camera, and the pose is that of the bin in the camera's frame or in bin_frame"
            )
        cloud = filled_cloud(frame)
        known = np.isfinite(frame.depth_m)
        rise_m = np.full((4, _WALL_CELLS), self.inner_m[2])
        interior = interior_mask(cloud, camera_from_bin, self.inner_m[:2], rise_m)
        self._check(cloud[known & interior], normal, offset_m)
        inlier_share, roughness_m = scatter_on_floor(cloud, known, normal, offset_m)
        return Support(
            normal=normal,
            offset_m=offset_m,
            inlier_share=inlier_share,
            roughness_m=roughness_m,
            interior=interior,
            camera_from_bin=camera_from_bin,
            size_m=self.inner_m[:2],
            rise_m=rise_m,
        )

    @staticmethod
    def _check(inside: np.ndarray, normal: np.ndarray, offset_m: float) -> None:
        """Nothing is seen through a floor; a full bin hides it, so what lies above proves nothing."""
        if not len(inside):
            return
        height = inside @ normal.astype(np.float32) + np.float32(offset_m)
        below = height < -np.maximum(_BELOW_M, 3 * noise_m(inside[:, 2]))
        if below.mean() > _MOST_BELOW:
            raise FrameError(
                f"bin_pose does not fit the depth: {below.mean():.0%} of what is seen inside the bin lies below its "
                f"floor, by {-np.median(height[below]) * 1e3:.0f} mm; measure the bin's pose again, or leave bin_pose "
                "empty to have the bin found"
            )
