"""Figures from answers and boxes: calibration error, matching of boxes, average precision."""

import numpy as np

from vlm_picking.detections import box_iou

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
_RECALLS = np.linspace(0.0, 1.0, 101)
_ON_HIDDEN = 0.5  # a box that lies on something too hidden to count by this much is neither right nor wrong

HIT, WRONG, IGNORED = 1, 0, -1


def share(part: float, whole: float) -> float | None:
    """`part / whole`; None where there is nothing to divide."""
    return float(part / whole) if whole else None


def wilson_interval(hits: int, n: int) -> list[float] | None:
    """The 95 % interval [low, high] of a share of `hits` in `n` (Wilson 1927); None where nothing was tried."""
    if not n:
        return None
    z, p = 1.959964, hits / n
    middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return [round(float((middle + side * half) / (1 + z * z / n)), 4) for side in (-1, 1)]


def calibration_bins(confidence: np.ndarray, right: np.ndarray, *, bins: int = 10) -> list[dict[str, float]]:
    """The bins of equal width that hold anything: `low`, `high`, mean `confidence`, share `right`, `n`."""
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        {
            "low": k / bins,
            "high": (k + 1) / bins,
            "confidence": float(confidence[which == k].mean()),
            "right": float(right[which == k].mean()),
            "n": int((which == k).sum()),
        }
        for k in range(bins)
        if (which == k).any()
    ]


def calibration_error(confidence: np.ndarray, right: np.ndarray, *, bins: int = 10) -> float | None:
    """Expected calibration error (Guo et al. 2017): mean of |confidence - share right| over bins, by their size."""
    table = calibration_bins(confidence, right, bins=bins)
    total = sum(row["n"] for row in table)
    return share(sum(row["n"] * abs(row["confidence"] - row["right"]) for row in table), total)


def match_boxes(xyxy: np.ndarray, true_xyxy: np.ndarray, hidden_xyxy: np.ndarray) -> np.ndarray:
    """Which boxes of one frame and one class are right.

    Each box, best first, takes the free true box that it overlaps most. What hits none of them but lies on something
    that is too hidden to count is ignored, at every threshold.

    Args:
        xyxy: (D, 4) boxes, best first.
        true_xyxy: (G, 4) boxes of what counts.
        hidden_xyxy: (H, 4) boxes of what has the name but does not count.

    Returns:
        (D, 10) of HIT, WRONG, IGNORED, one column for each of IOU_THRESHOLDS.
    """
    result = np.full((len(xyxy), len(IOU_THRESHOLDS)), WRONG)
    overlap = box_iou(xyxy, true_xyxy)
    excused = _on_hidden(xyxy, hidden_xyxy)
    for column, threshold in enumerate(IOU_THRESHOLDS):
        free = np.ones(len(true_xyxy), dtype=bool)
        for row in range(len(xyxy)):
            candidates = np.where(free, overlap[row], -1.0)
            if len(candidates) and candidates.max() >= threshold - 1e-9:
                free[candidates.argmax()] = False
                result[row, column] = HIT
            elif excused[row]:
                result[row, column] = IGNORED
    return result


def _on_hidden(xyxy: np.ndarray, hidden_xyxy: np.ndarray) -> np.ndarray:
    """(D,) bool: half of the box lies on something hidden, or their intersection over union is a half."""
    if not len(hidden_xyxy):
        return np.zeros(len(xyxy), dtype=bool)
    a, b = np.asarray(xyxy, float)[:, None], np.asarray(hidden_xyxy, float)[None]
    sides = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None)
    within = sides.prod(axis=-1) / np.maximum((a[..., 2:] - a[..., :2]).prod(axis=-1), 1e-9)
    return np.maximum(within, box_iou(xyxy, hidden_xyxy)).max(axis=1) >= _ON_HIDDEN


def average_precision(score: np.ndarray, outcome: np.ndarray, n_true: int) -> float:
    """Mean precision at 101 recalls, every recall at the best precision that reaches it (COCO).

    Args:
        score: (D,) of all frames.
        outcome: (D,) of HIT, WRONG, IGNORED.
        n_true: how many there were to find, at least 1.
    """
    kept = outcome != IGNORED
    order = np.argsort(-score[kept], kind="stable")
    hits = np.cumsum(outcome[kept][order] == HIT)
    if not len(hits):
        return 0.0
    precision = hits / np.arange(1, len(hits) + 1)
    best = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    return float(best[np.searchsorted(hits / n_true, _RECALLS - 1e-9)].mean())
