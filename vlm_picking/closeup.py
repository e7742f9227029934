"""Close-ups: what a box shows, cut out of a frame from near, with the shape and the metric size that depth gives it.

A detector sees a whole bin in a few hundred pixels; most of the camera's pixels are lost on it. A close-up has them.
"""

import cv2
import numpy as np

from vlm_picking.frame import RgbdFrame

CONTEXT = 1.3  # side of a close-up, relative to the longer side of its box
_CORE = 0.5  # of the box, from whose depth the distance of the thing is taken
_RELIEF_STEP_M = 0.002
_NEAR_M = 0.1  # what the network takes for 1


def closeups(frame: RgbdFrame, xyxy: np.ndarray, *, side_px: int, context: float = CONTEXT) -> np.ndarray:
    """Square cut-outs around the middle of boxes.

    Args:
        xyxy: (N, 4) boxes [px].
        side_px: S, of a close-up.
        context: side of what is cut out, relative to the longer side of the box.

    Returns:
        pixels: (N, S, S, 4) uint8: red, green, blue, and relief: how much nearer to the camera than the thing's middle
            a point is, in steps of 2 mm from 128; 0 where depth has no reading.
        side_m: (N,) float32, how long the cut-out's side is at the thing's distance [m]; NaN without depth.
    """
    pixels = np.zeros((len(xyxy), side_px, side_px, 4), np.uint8)
    side_m = np.full(len(xyxy), np.nan, np.float32)
    known = np.isfinite(frame.depth_m)
    depth_m = np.where(known, frame.depth_m, np.float32(0))
    for index, box in enumerate(np.asarray(xyxy, np.float64)):
        centre, side = (box[:2] + box[2:]) / 2, max(box[2:] - box[:2]) * context
        scale = side_px / max(side, 1.0)
        # Pixel centres lie at halves: the window's corner becomes the corner of the close-up.
        shift = (side_px / 2 - 0.5) - scale * (centre - 0.5)
        move = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        pixels[index, ..., :3] = _cut(frame.rgb, move, side_px, shrinks=scale < 1)
        distance_m = _distance_m(frame.depth_m, box)
        if not np.isfinite(distance_m):
            continue
        side_m[index] = side * distance_m / frame.camera.fx
        near = cv2.warpAffine(depth_m, move, (side_px, side_px), flags=cv2.INTER_NEAREST, borderValue=0)
        relief = np.clip(128 + np.round((distance_m - near) / _RELIEF_STEP_M), 1, 255)
        pixels[index, ..., 3] = np.where(near > 0, relief, 0)
    return pixels, side_m


def as_input(pixels: np.ndarray, side_m: np.ndarray) -> np.ndarray:
    """(N, 6, S, S) float32 of what `closeups` gives: colour from -1 to 1; relief [0.1 m], 0 where it is not known, and
    whether it is; the logarithm of the side [0.1 m], 0 where it is not known.
    """
    n, height, width, _ = pixels.shape
    out = np.zeros((n, 6, height, width), np.float32)
    out[:, :3] = np.moveaxis(pixels[..., :3], -1, 1) * np.float32(2 / 255) - 1
    known = pixels[..., 3] > 0
    out[:, 3] = np.where(known, (pixels[..., 3].astype(np.float32) - 128) * np.float32(_RELIEF_STEP_M / _NEAR_M), 0)
    out[:, 4] = known
    out[:, 5] = np.nan_to_num(np.log(side_m / np.float32(_NEAR_M)))[:, None, None]
    return out


def _cut(rgb: np.ndarray, move: np.ndarray, side_px: int, *, shrinks: bool) -> np.ndarray:
    if not shrinks:
        return cv2.warpAffine(rgb, move, (side_px, side_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # Linear interpolation would skip pixels: cut out at the frame's own scale first, then shrink by area.
    scale = move[0, 0]
    whole = max(int(round(side_px / scale)), 1)
    cut = np.array([[1, 0, move[0, 2] / scale], [0, 1, move[1, 2] / scale]])
    cut[:, 2] += 0.5 / scale - 0.5
    window = cv2.warpAffine(rgb, cut, (whole, whole), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cv2.resize(window, (side_px, side_px), interpolation=cv2.INTER_AREA)


def _distance_m(depth_m: np.ndarray, box: np.ndarray) -> float:
    """The median depth in the middle of a box, of all of it where the middle has none; NaN where that has none."""
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    for part in (_CORE, 1.0):
        low = np.maximum(np.floor(centre - part * half).astype(int), 0)
        high = np.maximum(np.ceil(centre + part * half).astype(int), 0)
        inside = depth_m[low[1] : high[1], low[0] : high[0]]
        inside = inside[np.isfinite(inside)]
        if len(inside):
            return float(np.median(inside))
    return float("nan")
