"""What chatting models share that write down where things are.

    class QwenModel(ChatDetector):              # a ChatModel with `detect`, which needs of the family
        def _request(self, phrase): ...         # -> str: the words that ask for `phrase`
        def _boxes(self, reply, picture): ...   # -> list of (x0, y0, x1, y1, confidence) [px of the camera's image]

`_boxes` reads `reply.text` with a parser of `vlm_picking.models.replies` (`cut=reply.cut`), which raises ReplyError,
and takes `reply.confidence(start, end)` of the characters that say a box: the geometric mean probability of their
tokens. It orders boxes and is no probability that the box is right; a sidecar (`vlm_picking.json`) calibrates it.
"""

from collections.abc import Sequence

import numpy as np

from vlm_picking.detections import Detections
from vlm_picking.errors import ReplyError
from vlm_picking.models.boxes import best_boxes, logit
from vlm_picking.models.chat import ChatModel, Picture, Reply
from vlm_picking.models.memory import checked_texts

_MAX_TOKENS = 512


class ChatDetector(ChatModel):
    """A chatting model that is a `ZeroShotDetector` as well: it writes down where things are, a reply a phrase."""

    @property
    def vocabulary(self) -> frozenset[str] | None:
        return self._sidecar.words

    @property
    def classes(self) -> tuple[str, ...]:
        return self._sidecar.classes

    @property
    def colours(self) -> frozenset[str] | None:
        return self._sidecar.colours

    def detect(self, rgb: np.ndarray, phrases: Sequence[str]) -> Detections:
        """See `ZeroShotDetector.detect`; a phrase of which the model names no place was looked for and not found."""
        phrases = checked_texts(phrases)
        if not phrases:
            return Detections.empty()
        requests = [self._request(self._writer.plain(phrase)) for phrase in phrases]
        (picture,) = self._pictures([rgb])
        replies = self._ask([picture], requests, max_tokens=_MAX_TOKENS)
        found = [self._found(phrase, reply, picture) for phrase, reply in zip(phrases, replies, strict=True)]
        return Detections.merge(found)

    def _request(self, phrase: str) -> str:
        raise NotImplementedError

    def _boxes(self, reply: Reply, picture: Picture) -> list[tuple[float, float, float, float, float]]:
        raise NotImplementedError

    def _found(self, phrase: str, reply: Reply, picture: Picture) -> Detections:
        boxes = np.array(self._boxes(reply, picture), float).reshape(-1, 5)
        if not len(boxes):
            return Detections.empty()
        height, width = picture.size_px
        xyxy = np.clip(boxes[:, :4], 0, [width, height, width, height])
        inside = (xyxy[:, 2:] > xyxy[:, :2]).all(axis=1)
        if not inside.any():
            raise ReplyError.about(f"{self.name} gave only empty boxes or boxes outside of the image", reply.text)
        xyxy = xyxy[inside]
        kept, score = best_boxes(logit(boxes[inside, 4]), xyxy, phrase=phrase, sidecar=self._sidecar)
        return Detections(xyxy[kept], score, np.array([phrase] * len(kept), dtype=object))
