"""Boxes for nouns and for colour-nouns over many frames, and their average precision."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from vlm_picking.bench.metrics import HIT, IGNORED, IOU_THRESHOLDS, average_precision, match_boxes, share
from vlm_picking.bench.scenes import EvaluationFrame, Thing
from vlm_picking.detections import Detections

MOST_BOXES = 100  # of one class in one frame, as COCO has it


@dataclass
class ClassBoxes:
    """All boxes that one class got: scores, outcomes at each IoU threshold, and how many things were to be found."""

    score: list[np.ndarray] = field(default_factory=list)
    outcome: list[np.ndarray] = field(default_factory=list)
    n_true: int = 0

    def add(self, found: Detections, true_xyxy: np.ndarray, hidden_xyxy: np.ndarray) -> np.ndarray:
        """Judge the boxes of one frame; returns (D,) outcomes at IoU 0.5, best box first."""
        best = found.by_score()[:MOST_BOXES]
        outcome = match_boxes(best.xyxy, true_xyxy, hidden_xyxy)
        self.score.append(best.score)
        self.outcome.append(outcome)
        self.n_true += len(true_xyxy)
        return outcome[:, 0]

    def columns(self) -> tuple[np.ndarray, np.ndarray]:
        """Scores (D,) and outcomes (D, 10) of all frames."""
        empty = np.zeros((0, len(IOU_THRESHOLDS)), int)
        return np.concatenate([np.zeros(0), *self.score]), np.concatenate([empty, *self.outcome])

    def ap(self) -> np.ndarray:
        """(10,) average precision at each IoU threshold."""
        score, outcome = self.columns()
        return np.array([average_precision(score, column, self.n_true) for column in outcome.T])

    def hits(self, threshold: float) -> int:
        """How many things were found at IoU 0.5 by boxes from `threshold` on."""
        score, outcome = self.columns()
        return int(((outcome[:, 0] == HIT) & (score >= threshold)).sum())


def split(frame: EvaluationFrame, kind: str, colour: str | None = None) -> tuple[list[Thing], list[Thing]]:
    """What counts for a noun or a colour-noun, and what has the name but does not count.

    The latter are things that are not clear, and for a colour those whose colour no word fits.
    """
    named = [thing for thing in frame.of_kind(kind) if thing.pixels and colour in (None, thing.colour)]
    if colour is not None:
        named += [thing for thing in frame.of_kind(kind) if thing.pixels and thing.colour is None]
    counts = [thing.clear and (colour is None or thing.colour == colour) for thing in named]
    return [t for t, c in zip(named, counts, strict=True) if c], [
        t for t, c in zip(named, counts, strict=True) if not c
    ]


def stack(things: list[Thing]) -> np.ndarray:
    """The boxes (N, 4) of things."""
    return np.array([thing.xyxy for thing in things], dtype=float).reshape(-1, 4)


def mean_ap(classes: Mapping[object, ClassBoxes]) -> tuple[float | None, float | None]:
    """Mean over the classes that were there at all, of AP at IoU 0.5 and of AP over IoU 0.5 to 0.95."""
    ap = np.array([boxes.ap() for boxes in classes.values() if boxes.n_true])
    return (float(ap[:, 0].mean()), float(ap.mean())) if len(ap) else (None, None)


def per_class(classes: Mapping[str, ClassBoxes], *, threshold: float) -> dict[str, dict[str, float | int | None]]:
    """AP at 0.5, AP over 0.5 to 0.95, recall at 0.5 of boxes from `threshold` on, and how many there were."""
    table = {}
    for name, boxes in classes.items():
        ap = boxes.ap() if boxes.n_true else None
        table[name] = {
            "ap50": None if ap is None else float(ap[0]),
            "ap": None if ap is None else float(ap.mean()),
            "recall50": share(boxes.hits(threshold), boxes.n_true),
            "n": boxes.n_true,
        }
    return table


def recall(classes: Mapping[object, ClassBoxes], *, threshold: float) -> float | None:
    """Share of all things that were found at IoU 0.5 by boxes from `threshold` on."""
    total = sum(boxes.n_true for boxes in classes.values())
    return share(sum(boxes.hits(threshold) for boxes in classes.values()), total)


def scored_hits(classes: Mapping[object, ClassBoxes]) -> tuple[np.ndarray, np.ndarray]:
    """Scores (D,) and whether they hit (D,) at IoU 0.5, of all boxes that are not ignored."""
    columns = [boxes.columns() for boxes in classes.values()]
    score = np.concatenate([np.zeros(0), *(s for s, _ in columns)])
    first = np.concatenate([np.zeros(0, int), *(o[:, 0] for _, o in columns)])
    return score[first != IGNORED], (first[first != IGNORED] == HIT).astype(float)
