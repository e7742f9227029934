"""Pillow's resize on a tensor, on any device, without torchvision.

A resize along one axis is a matrix; a picture is resized by two products, the values rounded to whole grey levels after
each as Pillow does. Matrices are kept by size. As in Pillow 13 the rows come first, but the columns where the height
shrinks by more than twice what the width does [px]. Until version 12 the rows always came first, which differs by a
grey level, and by some more where noise is stretched.
"""

import math
from enum import IntEnum
from functools import lru_cache

import numpy as np


class Resample(IntEnum):
    """Filters, by the numbers that Pillow and preprocessor_config.json give them."""

    NEAREST = 0
    LANCZOS = 1
    BILINEAR = 2
    BICUBIC = 3
    BOX = 4
    HAMMING = 5


_SUPPORT = {
    Resample.BOX: 0.5,
    Resample.BILINEAR: 1.0,
    Resample.HAMMING: 1.0,
    Resample.BICUBIC: 2.0,
    Resample.LANCZOS: 3.0,
}
_WEIGHT_STEPS = 2.0**22  # Pillow's weights are fixed-point numbers of 22 bits


def resize(rgb, size: tuple[int, int], resample: Resample | int, *, rounded: bool = True):
    """A picture in another size, with antialiasing, as `PIL.Image.resize` gives it.

    Args:
        rgb: tensor (C, H, W) float32, 0..255.
        size: (h, w) [px].
        resample: the filter.
        rounded: to whole grey levels 0..255 after each direction, as Pillow does with uint8 pictures; else values
            stay as they come, also above 255 and below 0.

    Returns:
        Tensor (C, h, w) float32 on the device of `rgb`.
    """
    resample = Resample(resample)
    height, width = rgb.shape[1:]
    down_first = height - size[0] > max(0, 2 * (width - size[1]))
    for down in (down_first, not down_first):
        if down and size[0] != height:
            rgb = _rounded(_matrix(height, size[0], resample, rgb.device) @ rgb, rounded)
        if not down and size[1] != width:
            rgb = _rounded(rgb @ _matrix(width, size[1], resample, rgb.device).T, rounded)
    return rgb


def _rounded(values, rounded: bool):
    return (values + 0.5).floor_().clamp_(0, 255) if rounded else values


@lru_cache(maxsize=64)
def _matrix(n_in: int, n_out: int, resample: Resample, device):
    import torch

    return torch.from_numpy(resize_matrix(n_in, n_out, resample).astype(np.float32)).to(device)


def resize_matrix(n_in: int, n_out: int, resample: Resample) -> np.ndarray:
    """Weights (n_out, n_in) that resize one axis."""
    ratio = n_in / n_out
    if resample is Resample.NEAREST:
        steps = np.cumsum(np.r_[ratio / 2, np.full(n_out - 1, ratio)])  # Pillow adds up, rounding on the way
        return np.eye(n_in)[np.minimum(steps.astype(int), n_in - 1)]
    centre = (np.arange(n_out) + 0.5) * ratio
    stretch = max(ratio, 1.0)
    reach = _SUPPORT[resample] * stretch
    first = np.maximum((centre - reach + 0.5).astype(int), 0)
    last = np.minimum((centre + reach + 0.5).astype(int), n_in)
    at = np.arange(n_in)
    weights = _kernel((at + 0.5 - centre[:, None]) / stretch, resample)
    weights = np.where((at >= first[:, None]) & (at < last[:, None]), weights, 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.round(weights * _WEIGHT_STEPS) / _WEIGHT_STEPS


@lru_cache(maxsize=64)
def blurred_resize_matrix(n_in: int, n_out: int, device):
    """Weights (n_out, n_in) float32 on `device` that shrink one axis as scikit-image does: Gaussian blur, then linear
    interpolation, both mirrored at the ends.
    """
    import torch

    sigma = max(0.0, (n_in / n_out - 1) / 2)
    reach = int(4 * sigma + 0.5)
    offset = np.arange(-reach, reach + 1)
    bell = np.exp(-0.5 * (offset / sigma) ** 2) if sigma > 0 else np.ones(1)
    blur = np.zeros((n_in, n_in), np.float32)
    np.add.at(blur, (np.arange(n_in)[:, None], _mirrored(np.arange(n_in)[:, None] + offset, n_in)), bell / bell.sum())
    place = (np.arange(n_out) + 0.5) * (n_in / n_out) - 0.5
    first = np.floor(place).astype(int)
    share = (place - first).astype(np.float32)[:, None]
    weights = (1 - share) * blur[_mirrored(first, n_in)] + share * blur[_mirrored(first + 1, n_in)]
    return torch.from_numpy(weights).to(device)


def _mirrored(index: np.ndarray, n: int) -> np.ndarray:
    """Indices into n values that go on mirrored about the first and the last: 2 1 0 1 2 3 2 1."""
    return n - 1 - np.abs(np.mod(index, max(2 * n - 2, 1)) - (n - 1))


def _kernel(x: np.ndarray, resample: Resample) -> np.ndarray:
    """The filter at distances x [px of the smaller picture]."""
    away = np.abs(x)
    match resample:
        case Resample.BOX:
            return ((x > -0.5) & (x <= 0.5)).astype(float)
        case Resample.BILINEAR:
            return np.clip(1 - away, 0, None)
        case Resample.HAMMING:
            return np.where(away < 1, np.sinc(x) * (0.54 + 0.46 * np.cos(math.pi * x)), 0.0)
        case Resample.BICUBIC:  # Keys 1981 with a = -0.5
            near = (1.5 * away - 2.5) * away**2 + 1
            far = ((-0.5 * away + 2.5) * away - 4) * away + 2
            return np.where(away < 1, near, np.where(away < 2, far, 0.0))
        case _:
            return np.where((x >= -3) & (x < 3), np.sinc(x) * np.sinc(x / 3), 0.0)
