"""One RGB-D frame: what a camera saw at one moment."""

from dataclasses import dataclass

import numpy as np

from vlm_picking.arrays import frozen_array
from vlm_picking.camera import PinholeCamera
from vlm_picking.errors import FrameError


@dataclass(frozen=True, eq=False)
class RgbdFrame:
    """Colour and depth, aligned pixel by pixel, with the camera that made them.

    Args:
        rgb: (H, W, 3) uint8, in the order red, green, blue.
        depth_m: (H, W) float32, distance along the optical axis [m]; NaN where unknown (REP 118). Zero, negative and
            infinite readings become NaN here.
        camera: intrinsics for this size.
        frame_id: the optical frame's name in TF.
        stamp_ns: when the frame was taken [ns].

    Raises:
        FrameError: shapes or types do not fit together.
    """

    rgb: np.ndarray
    depth_m: np.ndarray
    camera: PinholeCamera
    frame_id: str = "camera_color_optical_frame"
    stamp_ns: int = 0

    def __post_init__(self) -> None:
        if getattr(self.rgb, "dtype", None) != np.uint8:
            raise FrameError(f"rgb must be uint8, got {getattr(self.rgb, 'dtype', type(self.rgb).__name__)}")
        size = (self.camera.height, self.camera.width)
        rgb = frozen_array(self.rgb, name="rgb", shape=(None, None, 3), dtype=np.uint8, error=FrameError)
        depth = frozen_array(self.depth_m, name="depth_m", shape=(None, None), dtype=np.float32, error=FrameError)
        for name, array in (("colour image", rgb), ("depth image", depth)):
            if array.shape[:2] != size:
                raise FrameError(
                    f"the {name} is {array.shape[1]}x{array.shape[0]} but its camera_info says {size[1]}x{size[0]}; "
                    "use depth aligned to colour and the camera_info of that image"
                )
        unknown = ~(np.isfinite(depth) & (depth > 0))
        if (unknown & ~np.isnan(depth)).any():
            depth = frozen_array(
                np.where(unknown, np.float32(np.nan), depth), name="depth_m", shape=size, dtype=np.float32
            )
        object.__setattr__(self, "rgb", rgb)
        object.__setattr__(self, "depth_m", depth)

    @property
    def valid_depth_share(self) -> float:
        """Share of the pixels that have a depth reading, 0..1."""
        return float(np.isfinite(self.depth_m).mean())
