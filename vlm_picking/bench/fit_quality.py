"""Fit the planner's quality to physics: `python -m vlm_picking.bench.fit_quality GRIPPER,GRIPPER --seeds 9 12`.

In each episode of `bench picks` (development seeds!) every grasp that the planner lists is carried out, each from the
same start. For each kind of gripper a logistic model from a grasp's terms to "the asked object hangs in the gripper" is
fitted to all of them. Weights are at least 0 and stay near those of planning/quality.py, where what is printed goes.
"""

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from vlm_picking.bench.cells import episode_seed
from vlm_picking.bench.metrics import calibration_error
from vlm_picking.grasp import GripperKind
from vlm_picking.planning.quality import JAW, SUCTION, success

TABLES = {GripperKind.SUCTION: SUCTION, GripperKind.PARALLEL_JAW: JAW}
LEAST = {"measured": 0.4, "flatness": 0.5, "center": 0.3, "clearance": 0.5, "facing": 1.0}
"""Weights that stay above 0 though bins in simulation hardly tell: a quality shows what depth it stands on, and of
equals the one with more to spare comes first.
"""
_PRIOR_WEIGHT = 0.5
_FREE_BIAS = 0.02
_FOLDS = 5


@dataclass(frozen=True)
class Tried:
    """A grasp that was carried out in the bin `scene`."""

    scene: int
    kind: GripperKind
    terms: dict[str, float]
    held: bool


def tried(seed: int, gripper_names: tuple[str, ...]) -> list[Tried]:
    """Every grasp that is listed for the prompt of an episode, carried out."""
    from vlm_picking.bench.episodes import SUCCESS, Episode

    episode = Episode(seed, gripper_names)
    kinds = {gripper.name: gripper.kind for gripper in episode.grippers}
    attempts = [episode.planned(None)]
    attempts += [episode.planned(None, rank=rank) for rank in range(1, len(episode.result.grasps))]
    return [Tried(seed, kinds[a.gripper], a.terms, a.result == SUCCESS) for a in attempts if a.terms]


def fit_quality(
    terms: Sequence[dict[str, float]], held: np.ndarray, start: dict[str, float], share: np.ndarray | float = 1.0
) -> dict[str, float]:
    """Weights of a logistic model, each at least 0, drawn towards `start`.

    Args:
        terms: of N grasps.
        held: (N,) bool, whether each did.
        start: a table like those of planning/quality.py; what is returned has its keys.
        share: (N,) how much each counts, 1 on average.
    """
    from scipy.optimize import minimize

    names = [name for name in start if name != "bias"]
    # From the best grasp that there may be, so that the bias depends on no weight.
    x = np.array([[1.0, *(row[name] - 1 for name in names)] for row in terms])
    at_best = sum(start.values())
    y, before = np.asarray(held, float), np.array([at_best, *(start[name] for name in names)])
    stiffness = np.array([_FREE_BIAS, *([_PRIOR_WEIGHT] * len(names))])

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        logit, away = x @ weights, weights - before
        value = (share * (np.logaddexp(0, logit) - y * logit)).sum() + (stiffness * away**2).sum()
        return value, x.T @ (share * (1 / (1 + np.exp(-logit)) - y)) + 2 * stiffness * away

    bounds = [(None, None), *((LEAST.get(name, 0), None) for name in names)]
    found = minimize(loss, before, jac=True, bounds=bounds, method="L-BFGS-B").x
    table = {"bias": found[0] - found[1:].sum(), **dict(zip(names, found[1:], strict=True))}
    return {name: round(float(value), 2) for name, value in table.items()}


def predicted(terms: Sequence[dict[str, float]], table: dict[str, float]) -> np.ndarray:
    """Probability (N,) of success that a table gives grasps with these terms."""
    return success({name: np.array([row[name] for row in terms]) for name in table if name != "bias"}, table)


def fit_tables(grasps: Sequence[Tried]) -> dict[GripperKind, dict[str, float]]:
    """A table for each kind of gripper that carried out a grasp; of many grasps in one bin each counts less."""
    tables = {}
    for kind, start in TABLES.items():
        mine = [grasp for grasp in grasps if grasp.kind is kind]
        if mine:
            count = Counter(grasp.scene for grasp in mine)
            share = np.array([count[grasp.scene] ** -0.5 for grasp in mine])
            held = np.array([grasp.held for grasp in mine])
            tables[kind] = fit_quality([grasp.terms for grasp in mine], held, start, share / share.mean())
    return tables


def quality_in_bins_left_out(grasps: Sequence[Tried]) -> np.ndarray:
    """What tables that were fitted to other bins expect of each grasp (N,)."""
    fold = {scene: place % _FOLDS for place, scene in enumerate(sorted({grasp.scene for grasp in grasps}))}
    quality = np.zeros(len(grasps))
    for number in range(_FOLDS):
        tables = TABLES | fit_tables([grasp for grasp in grasps if fold[grasp.scene] != number])
        for place, grasp in enumerate(grasps):
            if fold[grasp.scene] == number:
                quality[place] = predicted([grasp.terms], tables[grasp.kind])[0]
    return quality


def best_held(grasps: Sequence[Tried], quality: Iterable[float]) -> tuple[int, int]:
    """In how many bins the grasp of the highest quality held, and in how many any did."""
    best: dict[int, tuple[float, bool]] = {}
    for grasp, value in zip(grasps, quality, strict=True):
        best[grasp.scene] = max(best.get(grasp.scene, (-1.0, False)), (float(value), grasp.held))
    return sum(held for _, held in best.values()), len({grasp.scene for grasp in grasps if grasp.held})


def report(grasps: Sequence[Tried]) -> None:
    """Print the tables, and how well they tell bins left out, beside what ships."""
    for kind, table in fit_tables(grasps).items():
        print(kind.value, table)
    held = np.array([grasp.held for grasp in grasps])
    ships = np.array([predicted([grasp.terms], TABLES[grasp.kind])[0] for grasp in grasps])
    print(f"{len(grasps)} grasps in {len({grasp.scene for grasp in grasps})} bins, {held.mean():.2f} held")
    for name, quality in {"ships": ships, "fitted, in bins left out": quality_in_bins_left_out(grasps)}.items():
        best, any_of_them = best_held(grasps, quality)
        error = calibration_error(quality, held)
        print(f"{name}: the best held in {best} bins, any in {any_of_them}; ECE {error:.3f}")


def main() -> None:
    """Carry out, fit, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("grippers", help="with commas between them")
    parser.add_argument("--seeds", type=int, nargs="+", default=[9, 12])
    parser.add_argument("--episodes", type=int, default=125)
    options = parser.parse_args()
    names = tuple(options.grippers.split(","))
    seeds = [episode_seed(seed, number) for seed in options.seeds for number in range(options.episodes)]
    report([grasp for seed in seeds for grasp in tried(seed, names)])


if __name__ == "__main__":
    main()
