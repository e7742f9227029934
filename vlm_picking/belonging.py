"""Which parts of a mask belong to what was asked for: where things touch, geometry takes some of one for another's.

Depth cuts a box into parts, of which a mask takes the fewest that fill the box: the marker on a banana fills its box,
too. How likely a part is the banana's says a logistic model that `vlm_picking.bench.fit_belonging` fits to simulated
bins: a classifier looks at the part alone, and its hue and what it adds are compared with the rest.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import find_objects

from vlm_picking.colours import COLOURS, colour_shares
from vlm_picking.detections import Detections, box_iou
from vlm_picking.frame import RgbdFrame
from vlm_picking.models.base import BoxClassifier
from vlm_picking.overlooked import COLOUR_SHARE, asked_colours
from vlm_picking.segmentation import LEAST_IN_BOX, box_of, cut_and_joined
from vlm_picking.support import Support
from vlm_picking.verification import log_odds

WEIGHTS = {
    "looks like it": 0.41,
    "looks like another": -0.21,
    "fills the box": 1.91,
    "needed": 5.47,
    "other hue": -0.74,
}
"""Of each term of `MaskParts`, in its order, in log-odds that a part belongs to what its box was found for."""
BIAS = 3.29
_SMALLEST_PX = 20


@dataclass(frozen=True, eq=False)
class MaskParts:
    """The P parts of one mask, and what speaks for each.

    Args:
        image: (H, W) int32, a label for each part, in the mask and beyond it.
        label: (P,) labels; none where the mask has only one part, or the classifier does not know the phrase.
        terms: (P, len(WEIGHTS)).
    """

    image: np.ndarray
    label: np.ndarray
    terms: np.ndarray


def mask_parts(
    frame: RgbdFrame, found: Detections, support: Support | None, classifier: BoxClassifier
) -> list[MaskParts]:
    """The parts of each of N masks.

    Raises:
        ModelError: the classifier could not look.
    """
    patches, joined, count = cut_and_joined(frame, support)
    size = np.bincount(joined.ravel(), minlength=count + 1)
    described = []
    for box, mask, phrase in zip(found.xyxy, found.mask, found.label.tolist(), strict=True):
        x0, y0, x1, y1 = np.maximum(np.floor(box + 0.5), 0).astype(int)
        within = np.bincount(joined[y0:y1, x0:x1].ravel(), minlength=count + 1)
        # What reaches far out of the box was joined with something else, so that the mask has patches of it.
        finer = np.where(patches.label > 0, count + patches.label, 0)
        image = np.where((within > LEAST_IN_BOX * size)[joined], joined, finer)
        in_mask = np.bincount(image[mask], minlength=count + patches.count + 1)
        label = 1 + np.flatnonzero(in_mask[1:] >= _SMALLEST_PX)
        if len(label) < 2 or not classifier.knows(phrase):
            described.append(MaskParts(image, np.zeros(0, int), np.zeros((0, len(WEIGHTS)))))
            continue
        looks = _looks(frame, image, label, phrase, classifier)
        terms = *looks, *_fits(image, box, mask, label), _other_hue(frame, image, mask, label)
        described.append(MaskParts(image, label, np.stack(terms, axis=1)))
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
    for row, parts in zip(chance, mask_parts(frame, found, support, classifier), strict=True):
        of_label = np.ones(int(parts.image.max()) + 1, np.float32)
        of_label[parts.label] = 1 / (1 + np.exp(-(parts.terms @ np.array(list(WEIGHTS.values())) + BIAS)))
        row[:] = of_label[parts.image]
    return chance


def _looks(
    frame: RgbdFrame, image: np.ndarray, label: np.ndarray, phrase: str, classifier: BoxClassifier
) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds that each part looks like what the phrase names, and like something else. A red fork looks like another
    one than the green fork.
    """
    windows = find_objects(image)
    places = [windows[part - 1] for part in label]
    kinds = classifier.classify_boxes(frame, np.array([[x.start, y.start, x.stop, y.stop] for y, x in places]))
    asked = classifier.phrase_probability(kinds, phrase)
    colours = asked_colours(phrase)
    if colours and colours <= set(COLOURS):
        parts = zip(places, label, strict=True)
        shares = [colour_shares(frame.rgb[place][image[place] == part]) for place, part in parts]
        share = np.array([sum(of_part[colour] for colour in colours) for of_part in shares])
        asked = asked * np.minimum(share / COLOUR_SHARE, 1)
    return log_odds(asked), log_odds(kinds.sum(axis=1) - asked)


def _fits(image: np.ndarray, box: np.ndarray, mask: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each part how well it fills the box alone, and how much less the mask does without it (IoU)."""
    alone = np.array([_fit(mask & (image == part), box) for part in label])
    rest = np.array([_fit(mask & (image != part), box) for part in label])
    return alone, _fit(mask, box) - rest


def _fit(mask: np.ndarray, box: np.ndarray) -> float:
    return float(box_iou(box_of(mask)[None], box[None])[0, 0]) if mask.any() else 0.0


def _other_hue(frame: RgbdFrame, image: np.ndarray, mask: np.ndarray, label: np.ndarray) -> np.ndarray:
    """For each part how far its hue is from that of the other parts, 0 to 3."""
    lab = cv2.cvtColor(frame.rgb[mask][None], cv2.COLOR_RGB2LAB)[0, :, 1:].astype(np.float64)
    is_part = image[mask][None] == label[:, None]
    number, total = is_part.sum(axis=1, keepdims=True), is_part @ lab
    others = (total.sum(axis=0) - total) / np.maximum(number.sum() - number, 1)
    return np.minimum(np.linalg.norm(total / number - others, axis=1) / 20, 3)
