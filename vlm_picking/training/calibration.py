"""From logits to probabilities: a logistic curve, and how far it is from the truth."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize


@dataclass(frozen=True)
class Calibration:
    """probability = 1 / (1 + exp(-(scale * logit + bias)))."""

    scale: float
    bias: float

    def __call__(self, logit: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-np.clip(self.scale * logit + self.bias, -60, 60)))


def balanced_weights(present: np.ndarray) -> np.ndarray:
    """Weights under which "there" and "not there" are equally frequent: operators ask for what they expect
    to see.
    """
    there = present.mean()
    return np.where(present, 0.5 / max(there, 1e-9), 0.5 / max(1 - there, 1e-9)) / len(present)


def fit_calibration(logit: np.ndarray, present: np.ndarray) -> Calibration:
    """The logistic curve of the greatest likelihood (Platt 1999), both answers weighing the same.

    As there, the answers are held for not quite certain, so that a few that happen to be all right make no step of it.

    Args:
        logit: (N,) scores.
        present: (N,) bool, the truth; where all answers are the same there is no curve to find, and logits stay.
    """
    if present.all() or not present.any():
        return Calibration(1.0, 0.0)
    weight = balanced_weights(present)
    yes, no = np.count_nonzero(present), np.count_nonzero(~present)
    target = np.where(present, (yes + 1) / (yes + 2), 1 / (no + 2))

    def loss(x: np.ndarray) -> float:
        z = np.exp(np.clip(x[0], -4, 4)) * logit + x[1]
        return float((weight * (target * np.logaddexp(0, -z) + (1 - target) * np.logaddexp(0, z))).sum())

    best = minimize(loss, np.zeros(2), method="Nelder-Mead").x
    return Calibration(float(np.exp(np.clip(best[0], -4, 4))), float(best[1]))


def expected_calibration_error(probability: np.ndarray, present: np.ndarray, *, bins: int = 10) -> float:
    """Mean distance between what is said and how often it is true, in `bins` equal bins, both answers
    weighing the same.
    """
    weight = balanced_weights(present)
    which = np.minimum((probability * bins).astype(int), bins - 1)
    gap = np.bincount(which, weight * (probability - present), minlength=bins)
    return float(np.abs(gap).sum())
