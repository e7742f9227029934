"""Tells things that touch apart before one is grasped: grasps need to know whose each pixel is, answers do not."""

import numpy as np

from vlm_picking.belonging import belonging
from vlm_picking.config import PickingConfig
from vlm_picking.detections import Detections
from vlm_picking.frame import RgbdFrame
from vlm_picking.models.base import BoxClassifier
from vlm_picking.models.suite import ModelSuite
from vlm_picking.neighbours import claimed, neighbours
from vlm_picking.segmentation import masks_from_boxes
from vlm_picking.support import Support

_OTHERS = 0.4  # a part that is less likely to belong to a thing is left out of its mask
_LAST_RESORT = 0.02


def separated(
    frame: RgbdFrame,
    seen: Detections,
    named: np.ndarray,
    support: Support | None,
    *,
    models: ModelSuite,
    config: PickingConfig,
) -> tuple[Detections, np.ndarray]:
    """Leave out of masks by geometry what belongs to something else.

    Args:
        seen: N detections with masks.
        named: (N,) bool, which of them a model named; the others stay as they are.

    Returns:
        The same detections, and what each pixel of the image is worth to each, (N, H, W) float32 in 0..1: how likely it
        belongs to it less how likely it does not, for to lift the wrong thing is worse than to lift nothing.

    Raises:
        ModelError: a model could not look.
    """
    near = neighbours(frame, support, seen[named], models=models, config=config)
    masks, chance = seen.mask.copy(), np.ones(seen.mask.shape, np.float32)
    apart, chance[named] = without_others(frame, seen[named], near, support, models.classifier)
    masks[named] = apart.mask
    return seen.replace(mask=masks), np.maximum(2 * chance - 1, np.float32(_LAST_RESORT))


def without_others(
    frame: RgbdFrame, found: Detections, near: Detections, support: Support | None, classifier: BoxClassifier | None
) -> tuple[Detections, np.ndarray]:
    """Leave out of masks by geometry what neighbours have, and what a classifier takes for something else.

    Args:
        found: N detections with masks.
        near: their neighbours (`neighbours`).

    Returns:
        The same detections, and how likely each pixel belongs to them (N, H, W), as `belonging` gives it.

    Raises:
        ModelError: the classifier could not look.
    """
    others = claimed(found, masks_from_boxes(frame, near, support))
    if others is not None:
        found = masks_from_boxes(frame, found, support, others=others)
    chance = belonging(frame, found, support, classifier)
    unlikely = chance < _OTHERS
    if unlikely.any():
        others = unlikely if others is None else others | unlikely
        found = masks_from_boxes(frame, found, support, others=others)
        # Where that fits the box too badly, the rest has to do, if there is any.
        rest = found.mask & ~unlikely
        found = found.replace(mask=np.where(rest.any(axis=(1, 2), keepdims=True), rest, found.mask))
        chance = belonging(frame, found, support, classifier)
    return found, chance
