"""Fit which parts of a mask are the thing's own: `python -m vlm_picking.bench.fit_belonging --seed 13 --episodes 120`.

In bins like those of `bench picks` (development seeds!) every clear object is asked for as there. Where its best box
fits, it is known of each part of the mask by geometry whether it shows the object. What is printed goes to
vlm_picking/belonging.py.
"""

import argparse
from collections.abc import Iterator

import numpy as np

from vlm_picking.belonging import WEIGHTS, mask_parts
from vlm_picking.bench.cells import Shot, episode_seed, named_alone, photograph_cell
from vlm_picking.bench.fit_joining import fit
from vlm_picking.detections import box_iou
from vlm_picking.pipeline import PickingPipeline
from vlm_picking.prompt import parse_prompt
from vlm_picking.segmentation import masks_from_boxes

_SAME_THING_IOU = 0.5
_LEAST_SCORE = 0.3  # what is less likely is hardly picked


def parts_of(shot: Shot, pipeline: PickingPipeline) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each object that can be asked for and is found: terms (P, len(WEIGHTS)) of the parts of its mask, and whether
    each shows the object (P,).
    """
    frame, support = shot.frame, pipeline.support_of(shot.frame)
    for item, words in named_alone(shot.truth):
        query = parse_prompt(f"pick the {words}")
        scene = pipeline.look(frame, query)
        best = scene.named[scene.named.label == scene.wordings[query.targets[0]].phrase][:1]
        if not len(best) or best.score[0] < _LEAST_SCORE or box_iou(best.xyxy, [item.xyxy])[0, 0] < _SAME_THING_IOU:
            continue
        masked = masks_from_boxes(frame, best, support)
        (parts,) = mask_parts(frame, masked, support, pipeline.models.classifier)
        shown = [shot.truth.ids[masked.mask[0] & (parts.image == part)] for part in parts.label]
        yield parts.terms, np.array([(ids == item.id).mean() > 0.5 for ids in shown], bool)


def main() -> None:
    """Photograph, ask, fit, and print the weights with the share of parts that they tell right in bins left out."""
    from vlm_picking.config import PickingConfig
    from vlm_picking.models.suite import ModelSuite
    from vlm_picking.sim.scene import make_scene

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--episodes", type=int, default=120)
    options = parser.parse_args()
    pipeline = PickingPipeline(PickingConfig(), models=ModelSuite.load("embedded", device="cpu"), grippers=())
    bins = []
    for seed in (episode_seed(options.seed, number) for number in range(options.episodes)):
        shot = photograph_cell(make_scene(seed, held_out=True), np.random.default_rng((seed, 3)))
        bins.append(list(parts_of(shot, pipeline)))
    report(bins)


def report(bins: list[list[tuple[np.ndarray, np.ndarray]]]) -> None:
    """Fit to three of four bins, measure on the others, and print."""
    left_out = [row for some in bins[3::4] for row in some]
    known = [row for number, some in enumerate(bins) if number % 4 != 3 for row in some]
    weights, bias = fit(*(np.concatenate(column) for column in zip(*known, strict=True)))
    terms, own = (np.concatenate(column) for column in zip(*left_out, strict=True))
    right = ((terms @ weights + bias > 0) == own).mean()
    count = sum(len(own) for some in bins for _, own in some)
    print(f"{count} parts, {own.mean():.2f} the object's own, {right:.3f} told right")
    print(dict(zip(WEIGHTS, weights.round(3).tolist(), strict=True)), round(bias, 3))


if __name__ == "__main__":
    main()
