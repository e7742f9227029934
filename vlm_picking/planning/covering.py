"""How little each object is covered by its neighbours."""

import cv2
import numpy as np

_COVERED_BY_M = 0.008
_RING_PX = 4
_DIAGONAL_PX = _RING_PX // 2
_EIGHT = tuple(
    (dy * reach, dx * reach)
    for dy, dx, reach in (
        *((dy, dx, _RING_PX) for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))),
        *((dy, dx, _DIAGONAL_PX) for dy, dx in ((1, 1), (1, -1), (-1, -1), (-1, 1))),
    )
)
_ENOUGH_EDGES = 3_000


def on_top(height: np.ndarray, labels: np.ndarray, known: np.ndarray, count: int) -> np.ndarray:
    """How little each object is covered (K,): looks across its outline in eight directions."""
    x, y, width, height_px = cv2.boundingRect((labels >= 0).view(np.uint8))
    round_all = (
        slice(max(y - _RING_PX - 1, 0), y + height_px + _RING_PX + 1),
        slice(max(x - _RING_PX - 1, 0), x + width + _RING_PX + 1),
    )
    height, labels, known = height[round_all], labels[round_all], known[round_all]
    # A border as wide as the look is far, in which the image's last pixels go on.
    border = (_RING_PX,) * 4
    labels = cv2.copyMakeBorder(labels, *border, cv2.BORDER_REPLICATE)
    height = cv2.copyMakeBorder(height, *border, cv2.BORDER_REPLICATE).ravel()
    known = cv2.copyMakeBorder(known.view(np.uint8), *border, cv2.BORDER_REPLICATE).ravel()
    columns = labels.shape[1]
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    edge = (cv2.dilate(labels, cross) != cv2.erode(labels, cross)) & (labels >= 0)
    edge[: _RING_PX + 1] = edge[-_RING_PX - 1 :] = False
    edge[:, : _RING_PX + 1] = edge[:, -_RING_PX - 1 :] = False
    here, labels = np.flatnonzero(edge), labels.ravel()
    here = here[:: 1 + len(here) // _ENOUGH_EDGES]
    label, level = labels[here], height[here]
    steps = np.array([dy * columns + dx for dy, dx in _EIGHT])[:, None]
    there, back = here + steps, here - steps
    beyond = (labels.take(there) != label) & (known.take(there) > 0)
    own = np.where(labels.take(back) == label, np.maximum(height.take(back), level), level)
    higher = beyond & (height.take(there) > own + np.float32(_COVERED_BY_M))
    seen = np.bincount(label, weights=np.count_nonzero(beyond, axis=0), minlength=count)
    covered = np.bincount(label, weights=np.count_nonzero(higher, axis=0), minlength=count)
    return 1.0 - covered / np.maximum(seen, 1)
