"""Which parts of a mask belong to what was asked for: where things touch, geometry takes some of one for another's.

Depth cuts a box into parts, of which a mask takes the fewest that fill the box: the marker on a banana fills its box,
too. How likely a part is the banana's says a logistic model that `vlm_picking.bench.fit_belonging` fits to simulated
bins: a classifier looks at the part alone, and its hue and what it adds are compared with the rest.
"""

import cv2
import numpy as np
from scipy.ndimage import find_objects

from vlm_picking.detections import Detections, box_iou
from vlm_picking.frame import RgbdFrame
from vlm_picking.models.base import BoxClassifier
from vlm_picking.segmentation import box_of, cut_and_joined
from vlm_picking.support import Support
from vlm_picking.verification import log_odds

WEIGHTS = {
    "looks like it": 0.41,
    "looks like another": -0.27,
    "fills the box": 1.54,
    "needed": 8.46,
    "other hue": -0.59,
}
"""Of each term of `part_terms`, in its order, in log-odds that a part belongs to what its box was found for."""
BIAS = 2.84
_SMALLEST_PX = 20


def part_terms(
    frame: RgbdFrame, found: Detections, support: Support | None, classifier: BoxClassifier
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The parts of each mask that has several, and what speaks for them.

    Args:
        found: N detections with masks.

    Returns:
        For each detection the parts (P,), labels of `cut_and_joined`, and their terms (P, len(WEIGHTS)); no part where
        the mask has only one, or the classifier does not know the phrase.

    Raises:
        ModelError: the classifier could not look.
    """
    _, joined, count = cut_and_joined(frame, support)
    windows = find_objects(joined, max_label=count)
    nothing = np.zeros(0, int), np.zeros((0, len(WEIGHTS)))
    described = []
    for box, mask, phrase in zip(found.xyxy, found.mask, found.label.tolist(), strict=True):
        in_mask = np.bincount(joined[mask], minlength=count + 1)
        parts = 1 + np.flatnonzero(in_mask[1:] >= _SMALLEST_PX)
        if len(parts) < 2 or not classifier.knows(phrase):
            described.append(nothing)
            continue
        places = [windows[part - 1] for part in parts]
        boxes = np.array([[x.start, y.start, x.stop, y.stop] for y, x in places], np.float32)
        kinds = classifier.classify_boxes(frame, boxes)
        asked = classifier.phrase_probability(kinds, phrase)
        looks = log_odds(asked), log_odds(kinds.sum(axis=1) - asked)
        terms = *looks, *_fits(joined, box, mask, parts), _other_hue(frame, joined, mask, parts)
        described.append((parts, np.stack(terms, axis=1)))
    return described


def belonging(
    frame: RgbdFrame, found: Detections, support: Support | None, classifier: BoxClassifier | None
) -> np.ndarray:
    """How likely each pixel of N masks belongs to what was found, (N, H, W) float32; 1 where nobody can tell.

    Raises:
        ModelError: the classifier could not look.
    """
    chance = np.ones((len(found), *frame.depth_m.shape), np.float32)
    if classifier is None or not any(map(classifier.knows, found.label.tolist())):
        return chance
    _, joined, count = cut_and_joined(frame, support)
    for row, (parts, terms) in zip(chance, part_terms(frame, found, support, classifier), strict=True):
        of_label = np.ones(count + 1, np.float32)
        of_label[parts] = 1 / (1 + np.exp(-(terms @ np.array(list(WEIGHTS.values())) + BIAS)))
        row[:] = of_label[joined]
    return chance


def _fits(
    joined: np.ndarray, box: np.ndarray, mask: np.ndarray, parts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """For each part how well it fills the box alone, and how much less the mask does without it (IoU)."""
    alone = np.array([_fit(mask & (joined == part), box) for part in parts])
    rest = np.array([_fit(mask & (joined != part), box) for part in parts])
    return alone, _fit(mask, box) - rest


def _fit(mask: np.ndarray, box: np.ndarray) -> float:
    return float(box_iou(box_of(mask)[None], box[None])[0, 0]) if mask.any() else 0.0


def _other_hue(frame: RgbdFrame, joined: np.ndarray, mask: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """For each part how far its hue is from that of the other parts, 0 to 3."""
    lab = cv2.cvtColor(frame.rgb[mask][None], cv2.COLOR_RGB2LAB)[0, :, 1:].astype(np.float64)
    is_part = joined[mask][None] == parts[:, None]
    number, total = is_part.sum(axis=1, keepdims=True), is_part @ lab
    others = (total.sum(axis=0) - total) / np.maximum(number.sum() - number, 1)
    return np.minimum(np.linalg.norm(total / number - others, axis=1) / 20, 3)
