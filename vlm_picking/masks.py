"""Masks of what was detected: from a model that segments where one is set, else from depth and colour."""

from collections.abc import Callable

import numpy as np

from vlm_picking.detections import Detections, box_iou
from vlm_picking.errors import ModelError
from vlm_picking.frame import RgbdFrame
from vlm_picking.models.base import BoxClassifier, PhraseSegmenter
from vlm_picking.models.suite import ModelSuite
from vlm_picking.segmentation import masks_from_boxes
from vlm_picking.support import Support

# A segment whose box overlaps a detection's by less belongs to something else.
_SAME_BOX_IOU = 0.5
_HARDLY, _SURELY = 0.02, 0.9  # probabilities of a classifier that may take an outline out of a mask


def with_masks(
    frame: RgbdFrame,
    found: Detections,
    support: Support | None,
    models: ModelSuite,
    *,
    outlines: Callable[[], Detections],
) -> Detections:
    """Give each detection a mask: its detector's own, the box segmenter's, the phrase segmenter's, or geometry's.

    Args:
        outlines: what stands in the bin, cut apart by depth; called where geometry makes masks and a classifier can
            tell what of it is something else (`something_else`).

    Returns:
        The same detections, in the same order. Where a segmenter has no pixels for one, geometry looks for some.

    Raises:
        ModelError: a segmenter or the classifier could not look.
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
        others = None
        if support is not None and models.classifier is not None:
            others = something_else(frame, found[lacking], outlines(), models.classifier)
        masks[lacking] = masks_from_boxes(frame, found[lacking], support, others=others).mask
    return found.replace(mask=masks)


def something_else(
    frame: RgbdFrame, found: Detections, outlines: Detections, classifier: BoxClassifier
) -> np.ndarray | None:
    """(N, H, W) bool: what a classifier surely takes for another thing than each detection, such as a pear on a plate.

    None where nothing is. An outline that fills a detection's box is that thing, whatever the classifier says.

    Raises:
        ModelError: the classifier could not look.
    """
    if not len(outlines) or not any(map(classifier.knows, found.label.tolist())):
        return None
    probabilities = classifier.classify_boxes(frame, outlines.xyxy)
    apart = box_iou(found.xyxy, outlines.xyxy) < _SAME_BOX_IOU
    others = np.zeros((len(found), *frame.rgb.shape[:2]), bool)
    for row, phrase in enumerate(found.label.tolist()):
        if classifier.knows(phrase):
            hardly = classifier.phrase_probability(probabilities, phrase) < _HARDLY
            which = apart[row] & hardly & (probabilities.max(axis=1) > _SURELY)
            others[row] = outlines.mask[which].any(axis=0)
    return others if others.any() else None


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
