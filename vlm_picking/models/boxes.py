"""Which of many raw boxes to keep."""

import numpy as np

from vlm_picking.detections import box_iou


def suppress(xyxy: np.ndarray, score: np.ndarray, *, max_iou: float) -> np.ndarray:
    """Greedy non-maximum suppression: indices (K,) into the N boxes, best first, no two overlapping more
    than `max_iou`.
    """
    left = np.argsort(-score, kind="stable")
    kept: list[int] = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(int(best))
        left = left[box_iou(xyxy[best : best + 1], xyxy[left])[0] <= max_iou] if len(left) else left
    return np.array(kept, int)
