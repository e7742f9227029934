"""What a detector overlooked: it sees a whole bin in a few hundred pixels and misses small things in it, whose outlines
depth still shows. A classifier looks at those close up.
"""

from collections.abc import Sequence

import numpy as np

from vlm_picking.colours import COLOURS, colour_shares
from vlm_picking.detections import Detections, box_iou
from vlm_picking.frame import RgbdFrame
from vlm_picking.language import lexicon
from vlm_picking.models.base import BoxClassifier
from vlm_picking.verification import log_odds

_COVERED_IOU = 0.5  # an outline that a box of the phrase overlaps by more was not overlooked
_LEAST_LIKELY = 0.02
COLOUR_SHARE = 0.5
"""Of an outline's pixels: it is not of a colour that fewer of them have."""


def looks_at_outlines(classifier: BoxClassifier | None, phrases: Sequence[str]) -> bool:
    """Whether `overlooked` needs outlines at all: cutting them out of the depth costs time."""
    return classifier is not None and any(classifier.outline_weights(phrase) for phrase in phrases)


def overlooked(
    frame: RgbdFrame, found: Detections, outlines: Detections, classifier: BoxClassifier, phrases: Sequence[str]
) -> Detections:
    """Outlines that may show one of `phrases` though no box of it is there, with the classifier's score.

    Of "red mug" the classifier judges the mug; half of the outline's pixels must be red.

    Args:
        found: what the detector found.
        outlines: what stands in the bin, with masks.
        phrases: what the detector was asked.

    Raises:
        ModelError: the classifier could not look.
    """
    weights = {phrase: classifier.outline_weights(phrase) for phrase in phrases}
    if not len(outlines) or not any(weights.values()):
        return Detections.empty()
    probabilities = classifier.classify_boxes(frame, outlines.xyxy)
    shares = [colour_shares(frame.rgb[mask]) for mask in outlines.mask] if any(map(asked_colours, phrases)) else []
    seen = []
    for phrase, pair in weights.items():
        colours = asked_colours(phrase)
        if pair is None or not colours <= set(COLOURS):
            continue
        odds = pair[0] * log_odds(classifier.phrase_probability(probabilities, phrase)) + pair[1]
        score = 1 / (1 + np.exp(-odds))
        likely = (score >= _LEAST_LIKELY) & is_overlooked(outlines.xyxy, found.xyxy[found.label == phrase])
        if colours:
            likely &= np.array([sum(share[colour] for colour in colours) for share in shares]) >= COLOUR_SHARE
        label = np.full(int(likely.sum()), phrase, object)
        seen.append(outlines[likely].replace(score=score[likely], label=label))
    return Detections.merge(seen)


def is_overlooked(outlines: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(N,) bool: outlines (N, 4) that none of a phrase's boxes (M, 4) covers."""
    return box_iou(outlines, boxes).max(axis=1, initial=0.0) <= _COVERED_IOU


def asked_colours(phrase: str) -> set[str]:
    """The colour words that `phrase` begins with."""
    *before, _ = phrase.split()
    return {word for word in before if word in lexicon.COLOURS or word in COLOURS}
