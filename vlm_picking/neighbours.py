"""What lies beside, on and in the things that were asked for, so that its pixels are not taken for theirs."""

import numpy as np

from vlm_picking.bin_view import detect_in_bin
from vlm_picking.config import PickingConfig
from vlm_picking.detections import Detections, box_iou
from vlm_picking.frame import RgbdFrame
from vlm_picking.models.suite import ModelSuite
from vlm_picking.segmentation import box_of
from vlm_picking.support import Support
from vlm_picking.verification import verified

_LEAST_SCORE = 0.25  # of the detector alone: what is less likely is not worth a closer look
_LEAST_SHARE = 0.3  # of the smaller box: what reaches less into another one has no pixels of it
_SAME_THING_IOU = 0.7  # boxes that overlap more show one thing under two names
_BETTER_FIT = 0.1  # IoU: who fits a little better may do so by chance


def neighbours(
    frame: RgbdFrame, support: Support | None, found: Detections, *, models: ModelSuite, config: PickingConfig
) -> Detections:
    """Things of other kinds that the models are sure of and whose boxes overlap with those of `found`.

    Empty where the detector has no list of kinds to ask for.

    Raises:
        ModelError: a model could not look.
    """
    detector = models.finder
    kinds = [] if detector is None else [kind for kind in detector.classes if kind not in set(found.label.tolist())]
    if not len(found) or not kinds:
        return Detections.empty()
    near = detect_in_bin(frame, support, detector, kinds)
    near = near[(near.score >= _LEAST_SCORE) & (_shared(near.xyxy, found.xyxy) >= _LEAST_SHARE).any(axis=1)]
    near = verified(frame, near, models.classifier, expects_several=True)
    near = near[near.score >= config.present_threshold].nms(_SAME_THING_IOU, class_agnostic=True)
    return near[box_iou(near.xyxy, found.xyxy).max(axis=1, initial=0.0) < _SAME_THING_IOU]


def claimed(found: Detections, near: Detections) -> np.ndarray | None:
    """(N, H, W) bool: for each detection the pixels of others that its mask has, too; None where there are none.

    What two masks share belongs to whose box it fills better: a pear on a plate fills the pear's.

    Args:
        found: N detections with masks; they claim pixels of each other, too.
        near: others, with masks.
    """
    everything = Detections.merge([found, near])
    others = np.zeros(found.mask.shape, bool)
    for i, mask in enumerate(found.mask):
        for j, other in enumerate(everything.mask):
            shared = mask & other
            if j == i or not shared.any():
                continue
            own, theirs = box_iou(box_of(shared)[None], everything.xyxy[[i, j]])[0]
            if theirs > own + _BETTER_FIT:
                others[i] |= other
    return others if others.any() else None


def _shared(boxes: np.ndarray, of: np.ndarray) -> np.ndarray:
    """(N, M) share of the smaller of two boxes that lies in the other one."""
    low, high = np.maximum(boxes[:, None, :2], of[None, :, :2]), np.minimum(boxes[:, None, 2:], of[None, :, 2:])
    area = [(side[:, 2:] - side[:, :2]).prod(axis=1) for side in (boxes, of)]
    smaller = np.maximum(np.minimum(area[0][:, None], area[1][None]), 1e-6)
    return np.clip(high - low, 0, None).prod(axis=2) / smaller
