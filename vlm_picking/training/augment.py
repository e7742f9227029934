"""Random changes of a frame that keep its words true: no hue shift that would rename a colour."""

import cv2
import numpy as np

_INTO_BIN = 0.8  # of the views: as the detector sees a bin that is known from depth (`bin_view`)


def random_view(rgb: np.ndarray, ids: np.ndarray, size: int, rng: np.random.Generator):
    """A flipped, cropped, recoloured copy of a frame, squashed to `size` x `size` as the detector sees it.

    Returns:
        rgb (size, size, 3) uint8; ids (size, size), the instance map that goes with it; kept (256,), the
        share of every instance's pixels that the crop left in the view.
    """
    whole = np.bincount(ids.ravel(), minlength=256)
    rgb, ids = (into_bin if rng.random() < _INTO_BIN else _zoom)(rgb, ids, rng)
    kept = np.bincount(ids.ravel(), minlength=256) / np.maximum(whole, 1)
    if rng.random() < 0.5:
        rgb, ids = rgb[:, ::-1], ids[:, ::-1]
    if rng.random() < 0.35:
        rgb, ids = rgb[::-1], ids[::-1]
    if rng.random() < 0.2:  # a softer camera
        factor = rng.uniform(0.5, 0.9)
        rgb = cv2.resize(np.ascontiguousarray(rgb), None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    rgb = squash(np.ascontiguousarray(rgb), size)
    ids = cv2.resize(np.ascontiguousarray(ids), (size, size), interpolation=cv2.INTER_NEAREST)
    return relight(rgb, rng), ids, kept


def squash(rgb: np.ndarray, size: int) -> np.ndarray:
    """Resize to a square without keeping the aspect ratio, by area where it shrinks."""
    shrinks = rgb.shape[0] >= size and rgb.shape[1] >= size
    return cv2.resize(rgb, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def into_bin(rgb: np.ndarray, ids: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """About what a view of the bin alone shows: all things, and some of what lies around them."""
    for axis in (0, 1):
        seen = np.flatnonzero(ids.any(axis=1 - axis))
        if not len(seen):
            return rgb, ids
        have, low, high = ids.shape[axis], int(seen[0]), int(seen[-1]) + 1
        want = min(have, max(int((high - low) * rng.uniform(1.02, 1.35)), have // 2))
        slack = want - (high - low)
        start = int(np.clip(low - round(slack * rng.uniform(0.1, 0.9)), 0, have - want))
        rgb, ids = (np.take(a, np.arange(start, start + want), axis) for a in (rgb, ids))
    return rgb, ids


def _zoom(rgb: np.ndarray, ids: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Nearer by a crop, or farther by a plain border: bins and cameras differ in size and distance."""
    if rng.random() < 0.3:
        return rgb, ids
    scale, aspect = np.exp(rng.uniform(np.log(0.62), np.log(1.6))), np.exp(rng.uniform(-0.12, 0.12))
    for axis, factor in ((0, scale / aspect), (1, scale * aspect)):
        have = ids.shape[axis]
        want = max(32, int(have * factor))
        if want < have:
            start = int(rng.integers(0, have - want + 1))
            rgb, ids = (np.take(a, np.arange(start, start + want), axis) for a in (rgb, ids))
        elif want > have:
            before = int(rng.integers(0, want - have + 1))
            margins = [(0, 0), (0, 0)]
            margins[axis] = (before, want - have - before)
            rgb, ids = _bordered(rgb, margins), np.pad(ids, margins)
    return rgb, ids


def _bordered(rgb: np.ndarray, margins: list[tuple[int, int]]) -> np.ndarray:
    (top, bottom), (left, right) = margins
    colour = tuple(float(v) for v in np.median(rgb[0], axis=0))  # about what lies around the bin
    return cv2.copyMakeBorder(np.ascontiguousarray(rgb), top, bottom, left, right, cv2.BORDER_CONSTANT, value=colour)


def relight(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Exposure, contrast, gamma and a faint tint in one table a channel; then a little saturation and
    noise.
    """
    level = np.linspace(0, 1, 256)
    gain, lift = rng.uniform(0.75, 1.25), rng.uniform(-0.05, 0.05)
    gamma = np.exp(rng.uniform(-0.2, 0.2))
    tables = [
        np.clip(255 * (gain * tint * level**gamma + lift), 0, 255).astype(np.uint8)
        for tint in rng.uniform(0.95, 1.05, 3)
    ]
    rgb = cv2.LUT(rgb, np.stack(tables, axis=-1)[None])
    if rng.random() < 0.5:
        grey = cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        keep = rng.uniform(0.75, 1.25)
        rgb = cv2.addWeighted(rgb, keep, grey, 1 - keep, 0)
    if rng.random() < 0.2:
        noise = rng.integers(-12, 13, rgb.shape[:2], dtype=np.int16)
        rgb = np.clip(rgb.astype(np.int16) + noise[..., None], 0, 255).astype(np.uint8)
    return rgb
