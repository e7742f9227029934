"""Image messages as arrays, without cv_bridge: live ones and those of a recording look alike. No ROS is imported here.

A message is anything with the fields of sensor_msgs/Image, or with those of sensor_msgs/CompressedImage. An encoding
that nobody knows is refused by name.
"""

from typing import Any

import cv2
import numpy as np

from vlm_picking.camera import PinholeCamera
from vlm_picking.errors import FrameError

# Encoding -> OpenCV's conversion to RGB; None where only the channels have to be picked.
_PACKED = {
    "rgb8": (3, None),
    "bgr8": (3, [2, 1, 0]),
    "rgba8": (4, [0, 1, 2]),
    "bgra8": (4, [2, 1, 0]),
    "mono8": (1, None),
}
_MOSAIC = {
    # ROS names the first two pixels of the first two rows, OpenCV those of the second row and column.
    "bayer_rggb8": cv2.COLOR_BayerBG2RGB,
    "bayer_bggr8": cv2.COLOR_BayerRG2RGB,
    "bayer_gbrg8": cv2.COLOR_BayerGR2RGB,
    "bayer_grbg8": cv2.COLOR_BayerGB2RGB,
}
_YUV = {
    "yuv422": cv2.COLOR_YUV2RGB_UYVY,
    "uyvy": cv2.COLOR_YUV2RGB_UYVY,
    "yuv422_yuy2": cv2.COLOR_YUV2RGB_YUY2,
    "yuyv": cv2.COLOR_YUV2RGB_YUY2,
}
_DEPTH = {"16UC1": ("u2", 1e-3), "mono16": ("u2", 1e-3), "32FC1": ("f4", 1.0)}

COLOR_ENCODINGS = (*_PACKED, *_MOSAIC, *_YUV)
DEPTH_ENCODINGS = tuple(_DEPTH)
_COMPRESSED_DEPTH_HEADER = 12  # bytes before the PNG: an enum, then two float32 for the quantisation of 32FC1


def camera_from_info(info: Any) -> PinholeCamera:
    """The camera of a rectified image, from a sensor_msgs/CameraInfo: P, or K where a driver leaves P empty.

    Raises:
        FrameError: there are no intrinsics.
    """
    p, k = ([float(value) for value in matrix] for matrix in (info.p, info.k))
    fx, fy, cx, cy = (p[0], p[5], p[2], p[6]) if p[0] else (k[0], k[4], k[2], k[5])
    return PinholeCamera(int(info.width), int(info.height), fx, fy, cx, cy)


def decode_color(message: Any) -> np.ndarray:
    """Read a colour image as (H, W, 3) uint8 in the order red, green, blue.

    Raises:
        FrameError: the encoding is unknown or the data is short of what the header says.
    """
    if _is_compressed(message):
        image = _decompress(message, cv2.IMREAD_COLOR)
        return np.ascontiguousarray(image[..., ::-1])
    encoding = message.encoding
    if encoding in _PACKED:
        channels, order = _PACKED[encoding]
        pixels = _pixels(message, np.dtype("u1"), channels)
        if channels == 1:
            return np.repeat(pixels, 3, axis=2)
        return np.ascontiguousarray(pixels if order is None else pixels[..., order])
    if encoding in _MOSAIC:
        return cv2.cvtColor(np.ascontiguousarray(_pixels(message, np.dtype("u1"), 1)[..., 0]), _MOSAIC[encoding])
    if encoding in _YUV:
        if message.width % 2:
            raise FrameError(f"{encoding} needs an even width, got {message.width}")
        return cv2.cvtColor(np.ascontiguousarray(_pixels(message, np.dtype("u1"), 2)), _YUV[encoding])
    hint = "; is this the depth image on the colour topic?" if encoding in _DEPTH else ""
    raise FrameError(f"colour encoding '{encoding}' is not supported{hint}; known: {', '.join(COLOR_ENCODINGS)}")


def decode_depth(message: Any) -> np.ndarray:
    """Read a depth image as (H, W) float32 [m]; zeros and readings that are not finite become NaN (REP 118).

    Raises:
        FrameError: the encoding is unknown or the data is short of what the header says.
    """
    if _is_compressed(message):
        raw, metres_per_unit = _decompress_depth(message), 1e-3
    elif message.encoding in _DEPTH:
        kind, metres_per_unit = _DEPTH[message.encoding]
        raw = _pixels(message, np.dtype(kind).newbyteorder(">" if message.is_bigendian else "<"), 1)[..., 0]
    else:
        hint = "; is this the colour image on the depth topic?" if message.encoding in COLOR_ENCODINGS else ""
        raise FrameError(
            f"depth encoding '{message.encoding}' is not supported{hint}; "
            "known: 16UC1 and mono16 (millimetres), 32FC1 (metres)"
        )
    depth_m = raw.astype(np.float32) * np.float32(metres_per_unit)
    depth_m[~(np.isfinite(depth_m) & (depth_m > 0))] = np.nan
    return depth_m


def _is_compressed(message: Any) -> bool:
    return hasattr(message, "format")


def _pixels(message: Any, dtype: np.dtype, channels: int) -> np.ndarray:
    """The pixels (H, W, channels), without the padding at the end of the rows."""
    height, width, step = message.height, message.width, message.step
    row = width * channels * dtype.itemsize
    if not height or not width:
        raise FrameError(f"the image is {width}x{height}; the driver sent an empty frame")
    if step < row:
        raise FrameError(f"a row of {width} pixels in '{message.encoding}' takes {row} bytes, but step says {step}")
    needed = step * (height - 1) + row
    data = np.frombuffer(message.data, np.uint8)
    if len(data) < needed:
        raise FrameError(
            f"{width}x{height} pixels in '{message.encoding}' take {needed} bytes, but the message holds {len(data)}"
        )
    rows = np.lib.stride_tricks.as_strided(data, (height, row), (step, 1), writeable=False)
    return np.ascontiguousarray(rows).view(dtype).reshape(height, width, channels)


def _decompress(message: Any, flags: int, *, skip: int = 0) -> np.ndarray:
    data = np.frombuffer(message.data, np.uint8)[skip:]
    image = cv2.imdecode(data, flags) if len(data) else None
    if image is None:
        raise FrameError(f"{len(message.data)} compressed bytes, format '{message.format}', are no JPEG or PNG")
    return image


def _decompress_depth(message: Any) -> np.ndarray:
    """The millimetres (H, W) of a 16UC1 depth image in `compressed` or `compressedDepth` transport."""
    kind = message.format.split(";")[0].strip()
    if kind not in ("16UC1", "mono16") or "rvl" in message.format.lower():
        raise FrameError(
            f"compressed depth of format '{message.format}' is not supported; known: 16UC1 as PNG "
            "('16UC1; compressedDepth png'); use the raw transport otherwise"
        )
    skip = _COMPRESSED_DEPTH_HEADER if "compresseddepth" in message.format.lower() else 0
    raw: Any = _decompress(message, cv2.IMREAD_UNCHANGED, skip=skip)
    if raw.dtype != np.uint16 or raw.ndim != 2:
        raise FrameError(f"compressed depth holds {raw.dtype} of shape {raw.shape}; 16 bit in one channel is needed")
    return raw
