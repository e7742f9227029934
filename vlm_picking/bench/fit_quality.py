"""Fit the planner's quality to physics: `python -m vlm_picking.bench.fit_quality robotiq_2f85 --episodes 200`.

Each episode of the development seeds carries out the planner's best candidate and, from the same start, another of its
candidates, for each of the grippers ("suction_30mm,suction_15mm": those of a kind share a table); a logistic model from
a candidate's terms to "the asked object hangs in the gripper" is fitted to all of them. Weights are at least 0 and stay
near those in planning/quality.py where the episodes say little. The table that is printed goes there.
"""

import argparse
from collections.abc import Sequence

import numpy as np

from vlm_picking.bench.metrics import calibration_error
from vlm_picking.planning.quality import JAW, SUCTION

DEVELOPMENT_SEED = 3_005_000_000
LEAST = {"measured": 0.4, "flatness": 0.5, "center": 0.5, "clearance": 0.5}
"""Weights that stay above 0 though bins in simulation hardly tell: a quality shows what depth it stands on, and of
equals the one with more to spare comes first.
"""
_PRIOR_WEIGHT = 0.15
_FREE_BIAS = 0.02


def fit_quality(terms: Sequence[dict[str, float]], success: np.ndarray, start: dict[str, float]) -> dict[str, float]:
    """Weights of a logistic model, each at least 0, drawn towards `start`.

    Args:
        terms: of N grasps.
        success: (N,) bool, whether each held.
        start: a table like those of planning/quality.py; what is returned has its keys.
    """
    from scipy.optimize import minimize

    names = [name for name in start if name != "bias"]
    x = np.array([[1.0, *(row[name] for name in names)] for row in terms])
    y, before = np.asarray(success, float), np.array([start["bias"], *(start[name] for name in names)])
    stiffness = np.array([_FREE_BIAS, *([_PRIOR_WEIGHT] * len(names))])

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        logit = x @ weights
        away = weights - before
        value = np.logaddexp(0, logit).sum() - y @ logit + (stiffness * away**2).sum()
        return value, x.T @ (1 / (1 + np.exp(-logit)) - y) + 2 * stiffness * away

    bounds = [(None, None), *((LEAST.get(name, 0), None) for name in names)]
    found = minimize(loss, before, jac=True, bounds=bounds, method="L-BFGS-B").x
    return {name: round(float(value), 2) for name, value in zip(("bias", *names), found, strict=True)}


def predicted(terms: Sequence[dict[str, float]], table: dict[str, float]) -> np.ndarray:
    """Probability (N,) of success that a table gives grasps with these terms."""
    logit = [table["bias"] + sum(w * row[name] for name, w in table.items() if name != "bias") for row in terms]
    return 1 / (1 + np.exp(-np.array(logit)))


def main() -> None:
    """Run episodes, fit, and print the table with its calibration error on the episodes that it was fitted to."""
    from vlm_picking.bench.episodes import Attempt, Episode

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("grippers", help="of one kind, with commas between them")
    parser.add_argument("--episodes", type=int, default=200)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    rows: list[Attempt] = []
    for number in range(options.episodes):
        for name in options.grippers.split(","):
            episode = Episode(DEVELOPMENT_SEED + number, (name,))
            rows.append(episode.planned(None))
            others = len(episode.result.grasps) - 1
            if others > 0:
                rows.append(episode.planned(None, rank=1 + int(rng.integers(others))))
    rows = [row for row in rows if row.terms]
    terms, success = [row.terms for row in rows], np.array([row.result == "success" for row in rows])
    table = fit_quality(terms, success, JAW if "antipodal" in terms[0] else SUCTION)
    print(table)
    print(
        f"{len(rows)} grasps, {success.mean():.2f} held, ECE {calibration_error(predicted(terms, table), success):.3f}"
    )


if __name__ == "__main__":
    main()
