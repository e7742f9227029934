"""Any model behind OpenAI's chat API: vLLM, SGLang and others in the hall, or hosted ones; see docs/remote.md.

Nothing is computed here: pictures and questions go out, replies come in. Every phrase is asked for in a request of its
own, pictures first, so that servers that remember the beginnings of prompts encode a picture once. What an operator
typed is a part of the message by itself, without characters that control tokens are made of.
"""

import base64
from collections.abc import Sequence

import cv2
import numpy as np

from vlm_picking.detections import Detections, suppress
from vlm_picking.errors import ModelError, ReplyError
from vlm_picking.models.base import Role, YesNo
from vlm_picking.models.chat_prompt import bare_text
from vlm_picking.models.family import Family
from vlm_picking.models.loading import require_packages
from vlm_picking.models.memory import checked_image, checked_texts
from vlm_picking.models.remote_address import RemoteAddress, key_from_environment
from vlm_picking.models.remote_client import ChatClient, Question
from vlm_picking.models.replies.completion import Completion, read_belief
from vlm_picking.models.replies.json_boxes import read_boxes
from vlm_picking.models.replies.yes_no import read_yes_no

# Beliefs where a server gives no probabilities: not measured, only on the right side of every sensible threshold.
STATED_YES = 0.98
STATED_BOX = 0.9

_MAX_ANSWER_TOKENS = 256
_MAX_BOX_TOKENS = 1024
_MAX_YES_NO_TOKENS = 16
_MAX_IOU = 0.7
_LEEWAY = 0.02  # of a side: as far beyond the picture a box may reach before its numbers are taken for another unit
_JPEG_QUALITY = 90

_ANSWER = "Answer the question about the picture in one or two sentences."
_YES_NO = "Answer the question about the picture with one word, yes or no."
_SEQUENCE = "The pictures show the same place one after the other, the oldest first. "
_DESCRIBE = "Describe the picture in one or two sentences."
_FIND = (
    "Find everything in the picture that the last line names. Reply with JSON only: "
    '[{{"bbox_2d": [x0, y0, x1, y1], "label": "..."}}], a box for each, or [] if there is none. {unit}'
)
_UNITS = {
    "thousandths": "The numbers go from 0 to 1000, from left to right and from top to bottom.",
    "pixels": "The numbers are pixels; the picture is {width} wide and {height} high.",
}


class RemoteModel:
    """A `ZeroShotDetector`, `VisualAnswerer` and `Captioner` on a server.

    Nothing is asked of the server until it is needed: it may start later than we do.

    Args:
        checkpoint: "remote:MODEL@http://host:port/v1", settings behind "#"; see RemoteAddress.
        device, dtype: the server has its own.
        offline: keeps away from the hub, not from a server that was named.

    Raises:
        ModelError: the name or the key in the environment can't be used, or `openai` is missing.
    """

    vocabulary: frozenset[str] | None = None
    classes: tuple[str, ...] = ()
    colours: frozenset[str] | None = None

    def __init__(self, checkpoint: str, *, device: str = "auto", dtype: str = "float32", offline: bool = False) -> None:
        self._address = RemoteAddress.parse(str(checkpoint))
        require_packages(["openai"], why="a model on a server")
        self._client = ChatClient(self._address, key=key_from_environment())

    @property
    def name(self) -> str:
        return self._address.model

    @property
    def max_images(self) -> int:
        return self._address.max_images

    def answer(self, images: Sequence[np.ndarray], question: str) -> str:
        """See `VisualAnswerer.answer`; a reply that was stopped at its greatest length ends in "..."."""
        return self._write(images, _ANSWER, question)

    def caption(self, rgb: np.ndarray) -> str:
        """See `Captioner.caption`."""
        return self._write([rgb], _DESCRIBE)

    def yes_probability(self, images: Sequence[np.ndarray], question: str) -> YesNo:
        """See `VisualAnswerer.yes_probability`.

        Where the server gives no probabilities, STATED_YES or what it leaves stands for the yes or no that was written,
        and the mass is NaN.
        """
        content = self._content(images, _YES_NO, question)
        (reply,) = self._client.ask([Question(content, _MAX_YES_NO_TOKENS, probabilities="alternatives")])
        belief = read_belief(reply)
        if belief is None:
            says_yes = read_yes_no(reply.text)
            belief = YesNo(probability=STATED_YES if says_yes else 1 - STATED_YES, mass=float("nan"))
        return belief

    def detect(self, rgb: np.ndarray, phrases: Sequence[str]) -> Detections:
        """See `ZeroShotDetector.detect`; a phrase that the model gives no box for was looked for and not found.

        Scores are geometric mean probabilities of the tokens that say a box, STATED_BOX where the server gives none;
        both order boxes at best and are not calibrated.
        """
        phrases = checked_texts(phrases)
        if not phrases:
            return Detections.empty()
        picture, (width, height) = self._picture(rgb)
        unit = _UNITS[self._address.coordinates].format(width=width, height=height)
        questions = [
            Question([picture, *_words(_FIND.format(unit=unit), phrase)], _MAX_BOX_TOKENS, probabilities="tokens")
            for phrase in phrases
        ]
        replies = self._client.ask(questions)
        sent_wh = (1000, 1000) if self._address.coordinates == "thousandths" else (width, height)
        found = [self._found(phrase, reply, rgb, sent_wh) for phrase, reply in zip(phrases, replies, strict=True)]
        return Detections.merge(found)

    def _write(self, images: Sequence[np.ndarray], instruction: str, question: str | None = None) -> str:
        (reply,) = self._client.ask([Question(self._content(images, instruction, question), _MAX_ANSWER_TOKENS)])
        return f"{reply.text}..." if reply.cut else reply.text

    def _content(self, images: Sequence[np.ndarray], instruction: str, question: str | None) -> list[dict]:
        if not 1 <= len(images) <= self.max_images:
            raise ModelError(f"{self.name} takes 1 to {self.max_images} images with a question, got {len(images)}")
        if len(images) > 1:
            instruction = _SEQUENCE + instruction.replace("the picture", "the pictures")
        return [*(self._picture(rgb)[0] for rgb in images), *_words(instruction, question)]

    def _picture(self, rgb: np.ndarray) -> tuple[dict, tuple[int, int]]:
        """A part of a message with a picture, and its (width, height) as sent."""
        rgb = checked_image(rgb)
        height, width = rgb.shape[:2]
        shrink = min(1.0, self._address.max_side_px / max(height, width))
        if shrink < 1:
            size_wh = max(1, round(width * shrink)), max(1, round(height * shrink))
            rgb = cv2.resize(rgb, size_wh, interpolation=cv2.INTER_AREA)
        kind = self._address.image
        quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if kind == "jpeg" else []
        _, data = cv2.imencode(".jpg" if kind == "jpeg" else ".png", rgb[..., ::-1], quality)
        url = f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
        return {"type": "image_url", "image_url": {"url": url}}, (rgb.shape[1], rgb.shape[0])

    def _found(self, phrase: str, reply: Completion, rgb: np.ndarray, sent_wh: tuple[int, int]) -> Detections:
        boxes = read_boxes(reply.text, cut=reply.cut)
        if not boxes:
            return Detections.empty()
        share = np.array([box.xyxy for box in boxes]) / np.tile(sent_wh, 2)
        if share.min() < -_LEEWAY or share.max() > 1 + _LEEWAY:
            other = next(unit for unit in _UNITS if unit != self._address.coordinates)
            why = f"{self.name} gave a box beyond the picture; if it counts in {other}, add #coordinates={other}"
            raise ReplyError.about(why, reply.text)
        share = np.clip(share, 0, 1)
        if not (share[:, 2:] > share[:, :2]).all():
            raise ReplyError.about(f"{self.name} gave a box without an area", reply.text)
        stated = (reply.confidence(box.start, box.end) for box in boxes)
        score = np.array([STATED_BOX if value is None else value for value in stated], np.float32)
        xyxy = share * np.tile([rgb.shape[1], rgb.shape[0]], 2)
        kept = suppress(xyxy, score, max_iou=_MAX_IOU)
        return Detections(xyxy[kept], score[kept], np.array([phrase] * len(kept), dtype=object))


def _words(instruction: str, operators_text: str | None) -> list[dict]:
    """Parts of a message: what we say and what the operator said, each for itself.

    Raises:
        ModelError: of the operator's text nothing is left without control tokens.
    """
    if operators_text is None:
        return [{"type": "text", "text": instruction}]
    # Many chat templates write parts one after the other with nothing between them.
    return [{"type": "text", "text": f"{instruction}\n"}, {"type": "text", "text": bare_text(operators_text)}]


FAMILY = Family(
    name="remote",
    model_types=("remote",),
    roles=frozenset({Role.DETECTION, Role.ANSWERING, Role.CAPTIONING}),
    load=RemoteModel,
    licence="that of the server's model",
    checkpoints={},
    needs=("openai",),
)
