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


def fit_calibration(
    logit: np.ndarray, present: np.ndarray, *, near: Calibration | None = None, pull: float = 0.02
) -> Calibration:
    """The logistic curve of the greatest likelihood (Platt 1999), both answers weighing the same.

    Args:
        logit: (N,) scores.
        present: (N,) bool, the truth.
        near: a curve that the result shall resemble, for data that are few.
        pull: how much it shall, as a weight of the squared difference of log scale and bias.
    """
    weight = balanced_weights(present)
    sign = np.where(present, 1.0, -1.0)
    start = np.zeros(2) if near is None else np.array([np.log(near.scale), near.bias])
    pull = 0.0 if near is None else pull

    def loss(x: np.ndarray) -> float:
        likelihood = np.logaddexp(0, -sign * (np.exp(x[0]) * logit + x[1]))
        return float((weight * likelihood).sum() + pull * ((x - start) ** 2).sum())

    best = minimize(loss, start, method="Nelder-Mead").x
    return Calibration(float(np.exp(best[0])), float(best[1]))


def expected_calibration_error(probability: np.ndarray, present: np.ndarray, *, bins: int = 10) -> float:
    """Mean distance between what is said and how often it is true, in `bins` equal bins, both answers
    weighing the same.
    """
    weight = balanced_weights(present)
    which = np.minimum((probability * bins).astype(int), bins - 1)
    gap = np.bincount(which, weight * (probability - present), minlength=bins)
    return float(np.abs(gap).sum())
