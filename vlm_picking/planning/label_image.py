"""Which object a pixel shows: from masks, that may overlap, to one image of labels."""

from collections.abc import Iterator

import numpy as np

from vlm_picking.compiled import compiled

_OVERLAP = 0.1


def extents(masks: np.ndarray) -> np.ndarray:
    """(K, 4) int32: first row, row behind the last, first and last column alike of masks (K, H, W) bool; empty ones
    have no row."""
    return _boxes(_bytes(masks))


def apart(masks: np.ndarray, boxes: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split masks (K, H, W), none empty, into as few groups as possible in which they hardly overlap.

    Args:
        boxes: of each mask (see extents).

    Returns:
        For each group its indices (M,), and its image (H, W) int16 of labels 0..M-1: which of its masks holds a pixel,
        the smallest of several; -1: none.
    """
    pixels = _bytes(masks)
    area = _areas(pixels, boxes)
    labels, lost = _painted(pixels, boxes, np.argsort(-area, kind="stable"))
    if lost.sum() <= _OVERLAP * area.min():
        return [(np.arange(len(masks)), labels)]
    clash = np.eye(len(masks), dtype=bool)
    # What two masks share is lost to the larger in the image of labels, so few pairs need a look.
    most = np.where(area[:, None] >= area, lost[:, None], lost)
    doubtful = most > _OVERLAP * np.minimum(area[:, None], area)
    for one, other, shared in _overlapping(boxes, doubtful):
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
    parts = [(np.array(group), np.argsort(-area[group], kind="stable")) for group in groups]
    return [(group, _painted(_bytes(masks[group]), boxes[group], order)[0]) for group, order in parts]


def _overlapping(
    boxes: np.ndarray, doubtful: np.ndarray
) -> Iterator[tuple[int, int, tuple[slice, slice]]]:
    """Pairs of boxes that overlap, if doubtful (K, K), by their indices, and the window that both share."""
    edges = boxes[:, [0, 2, 1, 3]] * [1, 1, -1, -1]
    shared = np.maximum(edges[:, None], edges)
    overlap = np.triu(doubtful & (shared[..., 0] < -shared[..., 2]) & (shared[..., 1] < -shared[..., 3]), k=1)
    for one, other in np.argwhere(overlap).tolist():
        top, left, bottom, right = shared[one, other].tolist()
        yield one, other, (slice(top, -bottom), slice(left, -right))


def _bytes(masks: np.ndarray) -> np.ndarray:
    """Masks as a read-only array of bytes in order, whatever they come as: compiled code then sees one type."""
    pixels = np.ascontiguousarray(masks).view(np.uint8)
    pixels.setflags(write=False)
    return pixels


@compiled
def _boxes(masks: np.ndarray) -> np.ndarray:
    """See `extents`; masks are bytes."""
    count, rows, columns = masks.shape
    boxes, line = np.zeros((count, 4), np.int32), np.empty(columns, np.uint8)
    for k in range(count):
        line[:] = 0
        for row in range(rows):
            for column in range(columns):
                line[column] |= masks[k, row, column]
        left, right = 0, columns
        while left < columns and not line[left]:
            left += 1
        if left == columns:
            continue
        while not line[right - 1]:
            right -= 1
        top, bottom = np.int64(0), rows
        while not _holds(masks, k, top, left, right):
            top += 1
        while not _holds(masks, k, bottom - 1, left, right):
            bottom -= 1
        boxes[k, 0], boxes[k, 1], boxes[k, 2], boxes[k, 3] = top, bottom, left, right
    return boxes


@compiled
def _holds(masks: np.ndarray, k: int, row: int, left: int, right: int) -> bool:
    """Whether any byte of a row is not 0, between two columns."""
    for column in range(left, right):
        if masks[k, row, column]:
            return True
    return False


@compiled
def _areas(masks: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Pixels (K,) of masks within their boxes."""
    area = np.zeros(len(masks), np.int64)
    for k in range(len(masks)):
        for row in range(boxes[k, 0], boxes[k, 1]):
            for column in range(boxes[k, 2], boxes[k, 3]):
                area[k] += masks[k, row, column]
    return area


@compiled
def _painted(masks: np.ndarray, boxes: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The labels (H, W) int16 of masks painted one over the other in an order (K,), and how many pixels each lost."""
    labels, lost = np.full(masks.shape[1:], np.int16(-1), np.int16), np.zeros(len(masks), np.int64)
    for k in order:
        for row in range(boxes[k, 0], boxes[k, 1]):
            for column in range(boxes[k, 2], boxes[k, 3]):
                if masks[k, row, column]:
                    if labels[row, column] >= 0:
                        lost[labels[row, column]] += 1
                    labels[row, column] = k
    return labels, lost
