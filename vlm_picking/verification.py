"""A second look: a classifier sees close up what a detector found, and the odds of both are fused."""

import numpy as np

from vlm_picking.detections import Detections, box_iou, suppress
from vlm_picking.frame import RgbdFrame
from vlm_picking.models.base import BoxClassifier

EQUAL_SAY = (0.5, 0.5, 0.0)
"""Weights of the detector's and the classifier's log-odds, and a bias, for a classifier that names none: their mean."""
_SAME_LOOK_IOU = 0.8  # boxes that overlap more show the same: one look serves both
_SAME_THING_IOU = 0.4  # what a detector and depth show of one thing may overlap by no more
_PART_SHARE = 2 / 3  # a box that lies in a better one by more than this share of itself shows a part of it
_SUREST = 1e-4  # neither model is surer than this, so that none overrules the other whatever it says


def verified(
    frame: RgbdFrame,
    found: Detections,
    classifier: BoxClassifier | None,
    *,
    further: Detections | None = None,
    expects_several: bool = False,
) -> Detections:
    """`found` with the scores of both models, where the classifier knows the phrase; the order stays.

    The fusion is a logarithmic opinion pool (Genest 1986) whose weights the classifier brings along. That there is one
    is asked of a phrase's best box; further ones must also tell that there are several (`doubt_further`), unless
    `expects_several`: who asks for the leftmost mug knows of others. Where the classifier doubts further boxes, those
    that show a part of a better one (`parts`) are left out.

    Args:
        further: what the classifier found alone (`overlooked`); it comes last. What overlaps a better box of its phrase
            is left out, be it further or not.

    Raises:
        ModelError: the classifier could not look.
    """
    if classifier is None:
        return found
    is_box = np.ones(len(found), bool)
    if further is not None and len(further):
        found = Detections.merge([found, further if found.mask is not None else further.replace(mask=None)])
        is_box = np.arange(len(found)) < len(is_box)
    phrases = [phrase for phrase in dict.fromkeys(found.label.tolist()) if classifier.knows(phrase)]
    known = np.isin(found.label, phrases)
    if not known.any():
        return found
    odds = log_odds(found.score)
    odds[known & is_box] = _fused(frame, found[known & is_box], classifier)
    kept = np.ones(len(found), bool)
    for phrase in phrases:
        rows = np.flatnonzero(found.label == phrase)
        whole = np.ones(len(rows), bool)
        if not is_box[rows].all():
            whole[:] = False
            whole[suppress(found.xyxy[rows], odds[rows], max_iou=_SAME_THING_IOU)] = True
        bias = classifier.further_bias(phrase)
        if bias > 0:
            whole &= ~parts(found.xyxy[rows], odds[rows])
        if not expects_several:
            odds[rows[whole]] = doubt_further(odds[rows[whole]], bias)
        kept[rows] = whole
    score = found.score.astype(np.float64)
    score[known] = 1 / (1 + np.exp(-odds[known]))
    return found.replace(score=score)[kept]


def _fused(frame: RgbdFrame, found: Detections, classifier: BoxClassifier) -> np.ndarray:
    """Log-odds (N,) of both models for boxes whose phrases the classifier knows."""
    odds = np.zeros(len(found))
    if not len(found):
        return odds
    probabilities = _looks(frame, found, classifier)
    for phrase in dict.fromkeys(found.label.tolist()):
        rows = found.label == phrase
        closer = classifier.phrase_probability(probabilities[rows], phrase)
        odds[rows] = fused_odds(found.score[rows], closer, classifier.weights(phrase) or EQUAL_SAY)
    return odds


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
