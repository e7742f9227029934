"""Fit which grasps hold what was asked for: `python -m vlm_picking.bench.fit_holding --seeds 13 6 --episodes 245`.

In bins like those of `bench picks` (development seeds!) the embedded model is asked to pick one object, as there. Of
each grasp that is planned it is known whose the points are that it would hold. What is printed goes to
vlm_picking/holding.py.
"""

import argparse

import numpy as np

from vlm_picking.bench.cells import choose_target, episode_seed, photograph_cell
from vlm_picking.bench.fit_joining import fit
from vlm_picking.holding import BIAS, WEIGHTS, holding_terms, what_is_held
from vlm_picking.pipeline import PickingPipeline
from vlm_picking.planning import plan_grasps
from vlm_picking.separation import separated

_ITS_OWN = 0.7  # share of what stands in the jaws that has to be the thing's
_MOST = {"max_per_object": 8, "max_candidates": 16}


def grasps_of(seed: int, pipeline: PickingPipeline) -> tuple[np.ndarray, np.ndarray]:
    """Terms (M, len(WEIGHTS)) of the grasps for a prompt, and whether each holds the asked object (M,)."""
    from vlm_picking.sim.scene import make_scene

    rng = np.random.default_rng((seed, 3))
    shot = photograph_cell(make_scene(seed, held_out=True), rng)
    frame, chosen = shot.frame, choose_target(shot.truth, rng)
    none = np.zeros((0, len(WEIGHTS))), np.zeros(0, bool)
    if chosen is None:
        return none
    item, words = chosen
    seen = pipeline.run(frame, f"pick the {words}", plan=False).detections
    if not len(seen):
        return none
    support, named = pipeline.support_of(frame), np.ones(len(seen), bool)
    seen, worth = separated(frame, seen, named, support, models=pipeline.models, config=pipeline.config)
    likelihood = seen.score[:, None, None] * worth
    grasps = plan_grasps(frame, seen, pipeline.grippers, support=support, likelihood=likelihood, **_MOST).candidates
    rows = [seen.id.tolist().index(grasp.object_id) for grasp in grasps]
    terms = holding_terms(frame, seen, worth, rows, grasps, pipeline.grippers, support)
    own = np.zeros(len(grasps), bool)
    for place, (window, held) in enumerate(what_is_held(frame, grasps, pipeline.grippers, support)):
        ids = shot.truth.ids[window][held]
        own[place] = (ids == item.id).sum() > _ITS_OWN * (ids > 0).sum()
    return terms, own


def main() -> None:
    """Photograph, ask, plan, fit, and print the weights with what they tell right in bins left out."""
    from vlm_picking.config import PickingConfig

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[13, 6])
    parser.add_argument("--episodes", type=int, default=245)
    parser.add_argument("--gripper", default="suction_30mm,suction_15mm,robotiq_2f85,wsg_50_long_fingers")
    options = parser.parse_args()
    config = PickingConfig(grippers=tuple(options.gripper.split(",")))
    pipeline = PickingPipeline.from_config(config)
    seeds = [episode_seed(seed, number) for seed in options.seeds for number in range(options.episodes)]
    bins = [grasps_of(seed, pipeline) for seed in seeds]
    report([some for some in bins if len(some[1])])


def report(bins: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Fit to three of four bins, of which each counts alike, measure on the others, and print beside what ships."""
    known, left_out = [some for number, some in enumerate(bins) if number % 4 != 3], bins[3::4]
    terms, own = (np.concatenate(column) for column in zip(*known, strict=True))
    weight = np.concatenate([np.full(len(of_bin), 1 / len(of_bin)) for _, of_bin in known])
    weights, bias = fit(terms, own, weight / weight.mean())
    for name, (w, b) in {"fitted": (weights, bias), "ships": (np.array(list(WEIGHTS.values())), BIAS)}.items():
        right = np.mean([((some @ w + b > 0) == of_bin).mean() for some, of_bin in left_out])
        print(f"{name}: {right:.3f} told right,", dict(zip(WEIGHTS, w.round(3).tolist(), strict=True)), round(b, 3))


if __name__ == "__main__":
    main()
