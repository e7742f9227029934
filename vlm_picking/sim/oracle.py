"""A detector that knows the truth: it sets the pipeline's errors apart from a model's."""

from collections.abc import Sequence

import numpy as np

from vlm_picking.detections import Detections
from vlm_picking.errors import ModelError
from vlm_picking.sim.colours import COLOURS, colour_word
from vlm_picking.sim.kinds import KINDS, kind_of_noun
from vlm_picking.sim.truth import FrameTruth, TrueObject

_ANYTHING = frozenset({"object", "thing", "item"})


class OracleDetector:
    """Answers phrases about one rendered frame from its truth; a ZeroShotDetector.

    Args:
        truth: of the frame that `detect` will be asked about.
        least_visible: objects of which less can be seen are not reported, 0..1.
    """

    name = "oracle"
    classes: tuple[str, ...] = tuple(KINDS)
    colours: frozenset[str] | None = frozenset(COLOURS)
    vocabulary: frozenset[str] | None = frozenset(
        word for name, entry in KINDS.items() for word in (name, *entry.synonyms)
    )

    def __init__(self, truth: FrameTruth, *, least_visible: float = 0.1) -> None:
        self._truth = truth
        self._least_visible = least_visible

    def detect(self, rgb: np.ndarray, phrases: Sequence[str]) -> Detections:
        """Exact boxes and masks of what the phrases name, score 1; nothing for a noun that is not there.

        Raises:
            ModelError: `rgb` is no image of the frame, or a phrase has an attribute other than a colour.
        """
        if rgb.shape[:2] != self._truth.ids.shape:
            height, width = self._truth.ids.shape
            raise ModelError(
                f"the oracle knows a {width}x{height} frame, not one of {rgb.shape[1]}x{rgb.shape[0]}; "
                "give it the truth of the frame that is asked about"
            )
        found = [(phrase, item) for phrase in phrases for item in self._matching(phrase)]
        if not found:
            return Detections.empty()
        return Detections(
            xyxy=np.array([item.xyxy for _, item in found], dtype=np.float32),
            score=np.ones(len(found), dtype=np.float32),
            label=np.array([phrase for phrase, _ in found], dtype=object),
            mask=np.stack([self._truth.ids == item.id for _, item in found]),
        )

    def _matching(self, phrase: str) -> list[TrueObject]:
        attributes, noun = split_phrase(phrase)
        seen = [item for item in self._truth.objects if item.visible >= self._least_visible]
        if noun not in _ANYTHING:
            kind = kind_of_noun(noun)
            seen = [item for item in seen if kind is not None and item.kind == kind]
        colours = []
        for word in attributes:
            colour = colour_word(word)
            if colour is None:
                raise ModelError(
                    f"the oracle knows colours, not {word!r}; ask for {noun!r} or for a coloured one"
                )
            colours.append(colour)
        return [item for item in seen if all(item.colour == colour for colour in colours)]


def split_phrase(phrase: str) -> tuple[tuple[str, ...], str]:
    """Attributes and noun: ("red",), "coffee mug" of "red coffee mug".

    The noun is the longest known end of the phrase; where none is known, what follows the leading colours.
    """
    words = phrase.lower().split()
    for start in range(len(words)):
        noun = " ".join(words[start:])
        if noun in _ANYTHING or kind_of_noun(noun) is not None:
            return tuple(words[:start]), noun
    start = 0
    while start < len(words) - 1 and colour_word(words[start]) is not None:
        start += 1
    return tuple(words[:start]), " ".join(words[start:])
