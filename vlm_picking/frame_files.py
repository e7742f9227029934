"""Frames on disk: .npz files, and images with their depth and intrinsics beside them."""

import math
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np
import yaml

from vlm_picking.camera import PinholeCamera
from vlm_picking.errors import FrameError
from vlm_picking.frame import RgbdFrame

_NPZ_KEYS = ("rgb", "depth_m", "fx", "fy", "cx", "cy")
_CAMERA_HELP = (
    "give 'fx,fy,cx,cy' or a YAML file with fx, fy, cx, cy or with a camera_matrix as camera_calibration writes it"
)


def read_npz(path: Path) -> RgbdFrame:
    """Read a frame file: rgb (H, W, 3) u8, depth_m (H, W) f32 [m], fx, fy, cx, cy [px]; stamp_ns and frame_id if there.

    Raises:
        FrameError: the file is no such frame; the message names the keys that are missing.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            values = {key: archive[key] for key in archive.files}
    except (OSError, EOFError, ValueError, BadZipFile) as error:
        raise FrameError(f"{path} is no frame file (.npz): {error}") from error
    missing = [key for key in _NPZ_KEYS if key not in values]
    if missing:
        raise FrameError(f"{path} lacks {', '.join(missing)}; a frame file holds {', '.join(_NPZ_KEYS)}")
    rgb = values["rgb"]
    if rgb.ndim != 3:
        raise FrameError(f"{path}: rgb must have shape (H, W, 3), got {rgb.shape}")
    camera = PinholeCamera(rgb.shape[1], rgb.shape[0], *(float(values[key]) for key in ("fx", "fy", "cx", "cy")))
    extra = {}
    if "stamp_ns" in values:
        extra["stamp_ns"] = int(values["stamp_ns"])
    if "frame_id" in values:
        extra["frame_id"] = str(values["frame_id"])
    return RgbdFrame(rgb, values["depth_m"], camera, **extra)


def write_npz(path: Path, frame: RgbdFrame) -> None:
    """Write a frame file that `read_npz` reads."""
    camera = frame.camera
    np.savez_compressed(
        path,
        rgb=frame.rgb,
        depth_m=frame.depth_m,
        fx=camera.fx,
        fy=camera.fy,
        cx=camera.cx,
        cy=camera.cy,
        stamp_ns=frame.stamp_ns,
        frame_id=frame.frame_id,
    )


def read_image(path: Path) -> np.ndarray:
    """Read a colour picture as (H, W, 3) uint8 RGB.

    Raises:
        FrameError: no picture can be read there.
    """
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise FrameError(f"{path} is no picture that can be read; PNG and JPEG are")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def write_image(path: Path, rgb: np.ndarray) -> None:
    """Write (H, W, 3) uint8 RGB as a picture; folders on the way are made.

    Raises:
        FrameError: the file's ending names no picture format, or the place can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        written = cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    except cv2.error as error:
        raise FrameError(f"can't write {path}: use an ending such as .png or .jpg") from error
    if not written:
        raise FrameError(f"can't write {path}: check the folder's permissions")


def read_depth(path: Path) -> np.ndarray:
    """Read a depth image (H, W) f32 [m], NaN where unknown: .npy in metres, or a 16-bit picture in millimetres.

    Raises:
        FrameError: the file is neither.
    """
    if path.suffix == ".npy":
        try:
            depth = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise FrameError(f"{path} is no depth array (.npy): {error}") from error
        depth = depth[..., 0] if depth.ndim == 3 and depth.shape[2] == 1 else depth
        return depth.astype(np.float32)
    raw = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if raw is None or raw.dtype != np.uint16 or raw.ndim != 2:
        raise FrameError(f"{path} is no depth image: use a .npy in metres or a 16-bit grey PNG in millimetres")
    return np.where(raw == 0, np.nan, raw * np.float32(1e-3)).astype(np.float32)


def read_camera(text: str, *, width: int, height: int) -> PinholeCamera:
    """Read intrinsics from 'fx,fy,cx,cy' or from a YAML file.

    Raises:
        FrameError: neither; the message says what is read.
    """
    values = text.split(",")
    if len(values) == 4:
        try:
            return PinholeCamera(width, height, *(float(value) for value in values))
        except ValueError as error:
            raise FrameError(f"camera '{text}': {error}; {_CAMERA_HELP}") from error
    try:
        data = yaml.safe_load(Path(text).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FrameError(f"no intrinsics in '{text}': {error}; {_CAMERA_HELP}") from error
    try:
        if "camera_matrix" in data:
            fx, _, cx, _, fy, cy, *_ = (float(v) for v in data["camera_matrix"]["data"])
        else:
            fx, fy, cx, cy = (float(data[key]) for key in ("fx", "fy", "cx", "cy"))
    except (KeyError, TypeError, ValueError) as error:
        raise FrameError(f"no intrinsics in '{text}'; {_CAMERA_HELP}") from error
    return PinholeCamera(width, height, fx, fy, cx, cy)


def read_picture(image: Path, depth: Path | None, camera: str | None) -> RgbdFrame:
    """Build a frame from a picture with its depth image and its intrinsics.

    A colour picture that has a whole multiple of the depth's pixels is scaled down to it; the intrinsics are the
    depth's. Without `depth` the frame has no reading at all: questions about what is seen still work, grasps don't.

    Raises:
        FrameError: a file can't be read, the sizes don't fit, or depth comes without intrinsics.
    """
    rgb = read_image(image)
    height, width = rgb.shape[:2]
    if depth is None:
        far = float(max(width, height))
        intrinsics = read_camera(camera, width=width, height=height) if camera else None
        empty = np.full((height, width), np.nan, np.float32)
        return RgbdFrame(rgb, empty, intrinsics or PinholeCamera(width, height, far, far, width / 2, height / 2))
    if camera is None:
        raise FrameError(f"depth without intrinsics: add --camera; {_CAMERA_HELP}")
    depth_m = read_depth(depth)
    if depth_m.shape != (height, width):
        factor = height / depth_m.shape[0]
        if not math.isclose(width / depth_m.shape[1], factor) or factor != int(factor):
            raise FrameError(
                f"colour is {width}x{height} and depth {depth_m.shape[1]}x{depth_m.shape[0]}; "
                "use depth aligned to colour"
            )
        height, width = depth_m.shape
        rgb = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    return RgbdFrame(rgb, depth_m, read_camera(camera, width=width, height=height))
