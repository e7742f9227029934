"""A second look: a classifier sees close up what a detector found, and the odds of both are fused."""

import numpy as np

from vlm_picking.detections import Detections, box_iou, suppress
from vlm_picking.frame import RgbdFrame
from vlm_picking.models.base import BoxClassifier

EQUAL_SAY = (0.5, 0.5, 0.0)
"""Weights of the detector's and the classifier's log-odds, and a bias, for a classifier that names none: their mean."""
_SAME_LOOK_IOU = 0.8  # boxes that overlap more show the same: one look serves both
_PART_SHARE = 2 / 3  # a box that lies in a better one by more than this share of itself shows a part of it
_SUREST = 1e-4  # neither model is surer than this, so that none overrules the other whatever it says


def verified(
    frame: RgbdFrame, found: Detections, classifier: BoxClassifier | None, *, expects_several: bool = False
) -> Detections:
    """`found` with the scores of both models, where the classifier knows the phrase; the order stays.

    The fusion is a logarithmic opinion pool (Genest 1986) whose weights the classifier brings along. That there is one
    is asked of a phrase's best box; further ones must also tell that there are several (`doubt_further`), unless
    `expects_several`: who asks for the leftmost mug knows of others. Where the classifier doubts further boxes, those
    that show a part of a better one (`parts`) are left out.

    Raises:
        ModelError: the classifier could not look.
    """
    if classifier is None:
        return found
    phrases = dict.fromkeys(found.label.tolist())
    known = np.isin(found.label, [phrase for phrase in phrases if classifier.knows(phrase)])
    if not known.any():
        return found
    probabilities = _looks(frame, found[known], classifier)
    label, fresh = found.label[known], found.score[known].astype(np.float64)
    whole = np.ones(len(label), bool)
    for phrase in dict.fromkeys(label.tolist()):
        rows = label == phrase
        closer = classifier.phrase_probability(probabilities[rows], phrase)
        odds = fused_odds(fresh[rows], closer, classifier.weights(phrase) or EQUAL_SAY)
        bias = classifier.further_bias(phrase)
        if bias > 0:
            whole[rows] = ~parts(found.xyxy[known][rows], odds)
        if not expects_several:
            odds[whole[rows]] = doubt_further(odds[whole[rows]], bias)
        fresh[rows] = 1 / (1 + np.exp(-odds))
    score = found.score.astype(np.float64)
    score[known] = fresh
    kept = np.ones(len(found), bool)
    kept[known] = whole
    return found.replace(score=score)[kept]


def _looks(frame: RgbdFrame, found: Detections, classifier: BoxClassifier) -> np.ndarray:
    """What the classifier says of each box, (N, K): several phrases' boxes of one thing are looked at once."""
    leaders = suppress(found.xyxy, found.score, max_iou=_SAME_LOOK_IOU)
    probabilities = classifier.classify_boxes(frame, found.xyxy[leaders])
    return probabilities[box_iou(found.xyxy, found.xyxy[leaders]).argmax(axis=1)]


def fused_odds(detected: np.ndarray, closer: np.ndarray, weights: tuple[float, float, float]) -> np.ndarray:
    """Probabilities (N,) of both models as one, in log-odds (N,) float64."""
    of_detector, of_classifier, bias = weights
    return of_detector * log_odds(detected) + of_classifier * log_odds(closer) + bias


def doubt_further(odds: np.ndarray, bias: float) -> np.ndarray:
    """Log-odds (N,) of the boxes of one phrase, less what speaks against there being several.

    Scores are calibrated to the best box of a phrase: to whether there is one. Most often there is only one, so each
    further box loses `bias`, less what the other further boxes speak for there being several: among eight likely mugs
    nobody doubts the ninth.
    """
    odds = np.asarray(odds, np.float64)
    if len(odds) < 2:
        return odds
    further = np.ones(len(odds), bool)
    further[odds.argmax()] = False
    likely = np.where(further, np.maximum(odds, 0), 0)
    lost = np.maximum(bias - (likely.sum() - likely), 0)
    return np.where(further, odds - lost, odds)


def parts(xyxy: np.ndarray, odds: np.ndarray) -> np.ndarray:
    """(N,) bool: which boxes (N, 4) of one phrase lie mostly in a better one that is no part itself."""
    low, high = np.maximum(xyxy[:, None, :2], xyxy[None, :, :2]), np.minimum(xyxy[:, None, 2:], xyxy[None, :, 2:])
    area = np.maximum((xyxy[:, 2:] - xyxy[:, :2]).prod(axis=1), 1e-6)
    inside = np.clip(high - low, 0, None).prod(axis=2) / area[:, None] > _PART_SHARE
    part = np.zeros(len(xyxy), bool)
    order = np.argsort(-np.asarray(odds), kind="stable")
    for rank, i in enumerate(order):
        better = order[:rank]
        part[i] = (inside[i, better] & ~part[better]).any()
    return part


def log_odds(probability: np.ndarray) -> np.ndarray:
    """Of probabilities of any shape, float64, kept within what a model may be sure of."""
    p = np.clip(np.asarray(probability, np.float64), _SUREST, 1 - _SUREST)
    return np.log(p / (1 - p))
