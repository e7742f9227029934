"""Which object a pixel shows: from masks, that may overlap, to one image of labels."""

from collections.abc import Iterator

import cv2
import numpy as np

_OVERLAP = 0.1


def extents(masks: np.ndarray) -> list[tuple[slice, slice]]:
    """Rows and columns of the smallest window round each of the masks (K, H, W) bool; empty for an empty mask."""
    boxes = [cv2.boundingRect(np.ascontiguousarray(mask).view(np.uint8)) for mask in masks]
    return [(slice(y, y + height), slice(x, x + width)) for x, y, width, height in boxes]


def label_image(masks: np.ndarray, windows: list[tuple[slice, slice]], area: np.ndarray) -> np.ndarray:
    """(H, W) int16: which of the masks (K, H, W) holds a pixel (the smallest of several); -1: none.

    Args:
        windows: of each mask (see extents).
        area: (K,) pixels of each mask.
    """
    labels = np.full(masks.shape[1:], -1, np.int16)
    for index in np.argsort(-area, kind="stable"):
        np.copyto(labels[windows[index]], np.int16(index), where=masks[index][windows[index]])
    return labels


def apart(masks: np.ndarray, windows: list[tuple[slice, slice]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split masks (K, H, W), none empty, into as few groups as possible in which they hardly overlap.

    Returns:
        For each group its indices (M,), and its label image (H, W) int16 with 0..M-1 (see label_image).
    """
    area = np.array([np.count_nonzero(mask[window]) for mask, window in zip(masks, windows, strict=True)])
    labels = label_image(masks, windows, area)
    if area.sum() - np.count_nonzero(labels >= 0) <= _OVERLAP * area.min():
        return [(np.arange(len(masks)), labels)]
    clash = np.eye(len(masks), dtype=bool)
    # What two masks share is lost to the larger in the image of labels, so few pairs need a look.
    lost = area - np.bincount(labels[labels >= 0], minlength=len(masks))
    most = np.where(area[:, None] >= area, lost[:, None], lost)
    doubtful = most > _OVERLAP * np.minimum(area[:, None], area)
    for one, other, shared in _overlapping(windows, doubtful):
        both = np.count_nonzero(masks[one][shared] & masks[other][shared])
        clash[one, other] = clash[other, one] = both > _OVERLAP * min(area[one], area[other])
    groups: list[list[int]] = []
    for index in range(len(masks)):
        home = next((group for group in groups if not clash[index, group].any()), None)
        if home is None:
            groups.append([index])
        else:
            home.append(index)
    if len(groups) == 1:
        return [(np.arange(len(masks)), labels)]
    return [
        (np.array(group), label_image(masks[group], [windows[index] for index in group], area[group]))
        for group in groups
    ]


def _overlapping(
    windows: list[tuple[slice, slice]], doubtful: np.ndarray
) -> Iterator[tuple[int, int, tuple[slice, slice]]]:
    """Pairs of windows that overlap, if doubtful (K, K), by their indices, and the window that both share."""
    edges = np.array([[rows.start, columns.start, -rows.stop, -columns.stop] for rows, columns in windows])
    shared = np.maximum(edges[:, None], edges)
    overlap = np.triu(doubtful & (shared[..., 0] < -shared[..., 2]) & (shared[..., 1] < -shared[..., 3]), k=1)
    for one, other in np.argwhere(overlap).tolist():
        top, left, bottom, right = shared[one, other].tolist()
        yield one, other, (slice(top, -bottom), slice(left, -right))
