"""Masks of what was detected: from a model that segments where one is set, else from depth and colour."""

import numpy as np

from vlm_picking.detections import Detections, box_iou
from vlm_picking.errors import ModelError
from vlm_picking.frame import RgbdFrame
from vlm_picking.models.base import PhraseSegmenter
from vlm_picking.models.suite import ModelSuite
from vlm_picking.segmentation import masks_from_boxes
from vlm_picking.support import Support

# A segment whose box overlaps a detection's by less belongs to something else.
_SAME_BOX_IOU = 0.5


def with_masks(
    frame: RgbdFrame,
    found: Detections,
    support: Support | None,
    models: ModelSuite,
) -> Detections:
    """Give each detection a mask: its detector's own, the box segmenter's, the phrase segmenter's, or geometry's.

    Returns:
        The same detections, in the same order. Where a segmenter has no pixels for one, geometry looks for some.

    Raises:
        ModelError: a segmenter could not look.
    """
    if not len(found) or found.mask is not None:
        return found
    if models.box_segmenter is not None:
        masks = np.array(models.box_segmenter.masks(frame.rgb, found.xyxy), dtype=bool)
        wanted = (len(found), *frame.rgb.shape[:2])
        if masks.shape != wanted:
            raise ModelError(f"{models.box_segmenter.name} gave masks of shape {masks.shape} where {wanted} is needed")
    elif models.phrase_segmenter is not None:
        masks = _by_phrase(frame, found, models.phrase_segmenter)
    else:
        masks = np.zeros((len(found), *frame.rgb.shape[:2]), bool)
    lacking = ~masks.any(axis=(1, 2))
    if lacking.any():
        masks[lacking] = masks_from_boxes(frame, found[lacking], support).mask
    return found.replace(mask=masks)


def by_geometry(found: Detections, models: ModelSuite) -> bool:
    """Whether `with_masks` has nothing but geometry for the masks of what a detector found."""
    return found.mask is None and models.box_segmenter is None and models.phrase_segmenter is None


def _by_phrase(frame: RgbdFrame, found: Detections, segmenter: PhraseSegmenter) -> np.ndarray:
    """(N, H, W) bool. For each detection the segment of its phrase that fills its box best; empty where none does."""
    masks = np.zeros((len(found), *frame.rgb.shape[:2]), bool)
    segments = segmenter.segment(frame.rgb, list(dict.fromkeys(found.label.tolist())))
    if not len(segments):
        return masks
    overlap = box_iou(found.xyxy, segments.xyxy) * (found.label[:, None] == segments.label[None])
    for row, column in enumerate(overlap.argmax(axis=1)):
        if overlap[row, column] >= _SAME_BOX_IOU:
            masks[row] = segments.mask[column]
    return masks
