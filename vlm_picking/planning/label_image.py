"""Which object a pixel shows: from masks, that may overlap, to one image of labels."""

import numpy as np

from vlm_picking.compiled import compiled

_OVERLAP = 0.1


def extents(masks: np.ndarray) -> np.ndarray:
    """(K, 4) int32: first row, row behind the last, first and last column alike of masks (K, H, W) bool; empty ones
    have no row."""
    pixels = _bytes(masks)
    widest = next(word for word in (np.uint64, np.uint32, np.uint8) if not pixels.shape[2] % np.dtype(word).itemsize)
    return _boxes(pixels.view(widest))


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
    # What two masks share is lost to the larger in the image of labels, so few pairs need a look.
    most = np.where(area[:, None] >= area, lost[:, None], lost)
    smaller = np.minimum(area[:, None], area)
    doubtful = most > _OVERLAP * smaller
    clash = _shared(pixels, boxes, doubtful) > _OVERLAP * smaller
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


def _bytes(masks: np.ndarray) -> np.ndarray:
    """Masks as a read-only array of bytes in order, whatever they come as: compiled code then sees one type."""
    pixels = np.ascontiguousarray(masks).view(np.uint8)
    pixels.setflags(write=False)
    return pixels


@compiled
def _boxes(masks: np.ndarray) -> np.ndarray:
    """See `extents`; masks (K, H, words) are bytes, several in a word."""
    count, rows, words = masks.shape
    boxes, line = np.zeros((count, 4), np.int32), np.empty(words, masks.dtype)
    for k in range(count):
        line[:] = 0
        top, bottom = rows, 0
        for row in range(rows):
            filled = line[0] ^ line[0]
            for word in range(words):
                filled |= masks[k, row, word]
            if filled:
                top, bottom = min(top, row), row + 1
                for word in range(words):
                    line[word] |= masks[k, row, word]
        if top < bottom:
            column = np.flatnonzero(line.view(np.uint8))
            boxes[k, 0], boxes[k, 1], boxes[k, 2], boxes[k, 3] = top, bottom, column[0], column[-1] + 1
    return boxes


@compiled
def _shared(masks: np.ndarray, boxes: np.ndarray, doubtful: np.ndarray) -> np.ndarray:
    """(K, K) how many pixels two masks share; 0 for one with itself and for pairs that are not doubtful (K, K).

    Args:
        masks: bytes; boxes: of each (see extents).
    """
    shared = np.zeros(doubtful.shape, np.int64)
    for one in range(len(masks)):
        for other in range(one + 1, len(masks)):
            if not doubtful[one, other]:
                continue
            left, right = max(boxes[one, 2], boxes[other, 2]), min(boxes[one, 3], boxes[other, 3])
            for row in range(max(boxes[one, 0], boxes[other, 0]), min(boxes[one, 1], boxes[other, 1])):
                for column in range(left, right):
                    shared[one, other] += masks[one, row, column] & masks[other, row, column]
            shared[other, one] = shared[one, other]
    return shared


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
