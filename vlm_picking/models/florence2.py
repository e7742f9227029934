"""Florence-2 (Xiao et al. 2023): a captioner that also writes boxes and outlines, a task at a time.

Each phrase is a prompt of its own, so phrases do not compete. Florence-2 was hardly taught to say that something is
absent: it tends to point somewhere all the same, with a low probability.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from vlm_picking.detections import Detections
from vlm_picking.models.base import Role
from vlm_picking.models.family import Family
from vlm_picking.models.greedy import token_ids
from vlm_picking.models.locating import LocatingModel, Task
from vlm_picking.models.memory import checked_texts
from vlm_picking.models.replies.locations import FLORENCE_BINS, Shape, read_florence_boxes, read_florence_outlines

# The prompts that the model was trained with, of its tasks OPEN_VOCABULARY_DETECTION, CAPTION_TO_PHRASE_GROUNDING,
# REFERRING_EXPRESSION_SEGMENTATION and CAPTION.
_DETECT = Task(prompt="Locate {} in the image.", max_new_tokens=256)
_GROUND = Task(prompt="Locate the phrases in the caption: {}", max_new_tokens=512)
_SEGMENT = Task(prompt="Locate {} in the image with mask", max_new_tokens=800)
_CAPTION = Task(prompt="What does the image describe?", max_new_tokens=100, words=True)


class Florence2(LocatingModel):
    """A `ZeroShotDetector`, `PhraseSegmenter` and `Captioner`; arguments and errors as for `load_model`."""

    marks_before = 1

    def __init__(
        self, checkpoint: str | Path, *, device: str = "auto", dtype: str = "float32", offline: bool = False
    ) -> None:
        super().__init__("Florence2ForConditionalGeneration", checkpoint, device=device, dtype=dtype, offline=offline)
        self._model.generation_config.update(num_beams=1, early_stopping=False)
        codes = [*(f"<loc_{i}>" for i in range(FLORENCE_BINS)), "<poly>", "</poly>", "<sep>"]
        self._codes = token_ids(self._tokenizer, codes, self.name)

    def detect(self, rgb: np.ndarray, phrases: Sequence[str]) -> Detections:
        """See `ZeroShotDetector.detect`; by open-vocabulary detection."""
        phrases = checked_texts(phrases)
        replies = self._written(rgb, _DETECT, [self._prompt(_DETECT, phrase) for phrase in phrases])
        return Detections.merge(
            [
                self._located(rgb, reply, read_florence_boxes(reply.text, cut=reply.cut), phrase)
                for phrase, reply in zip(phrases, replies, strict=True)
            ]
        )

    def ground(self, rgb: np.ndarray, sentence: str) -> Detections:
        """Boxes of the phrases that the model finds in a sentence, with the model's words as labels."""
        (reply,) = self._written(rgb, _GROUND, [self._prompt(_GROUND, sentence)])
        shapes = read_florence_boxes(reply.text, cut=reply.cut)
        labels = dict.fromkeys(shape.label for shape in shapes)
        return Detections.merge(
            [self._located(rgb, reply, [s for s in shapes if s.label == label], label) for label in labels]
        )

    def segment(self, rgb: np.ndarray, phrases: Sequence[str]) -> Detections:
        """See `PhraseSegmenter.segment`; by referring expression segmentation, whose outlines are filled."""
        phrases = checked_texts(phrases)
        replies = self._written(rgb, _SEGMENT, [self._prompt(_SEGMENT, phrase) for phrase in phrases])
        parts = []
        for phrase, reply in zip(phrases, replies, strict=True):
            shapes = read_florence_outlines(reply.text, cut=reply.cut)
            if shapes:
                found = self._located(rgb, reply, shapes, phrase)
                parts.append(found.replace(mask=np.stack([_filled(rgb.shape[:2], shapes[i]) for i in found.id])))
        return Detections.merge(parts)

    def caption(self, rgb: np.ndarray) -> str:
        """See `Captioner.caption`."""
        return self._said(rgb, _CAPTION, _CAPTION.prompt)

    def _inputs(self, features, prompts: Sequence[str]) -> dict[str, object]:
        head = [self._model.config.image_token_id] * features.shape[1] + [self._tokenizer.bos_token_id]
        texts = self._tokenizer(list(prompts), add_special_tokens=False, verbose=False)["input_ids"]
        ids, mask = self._padded([[*head, *text, self._tokenizer.eos_token_id] for text in texts], left=False)
        return {"input_ids": ids, "attention_mask": mask, "mm_encoder_outputs": self._image(features, len(prompts))}


def _filled(size: tuple[int, int], shape: Shape) -> np.ndarray:
    """The outlines of a shape as a mask (H, W) bool."""
    mask = np.zeros(size, np.uint8)
    for part in shape.parts:
        cv2.fillPoly(mask, [np.floor(np.array(part) * size[::-1]).astype(np.int32)], 1)
    return mask.astype(bool)


FAMILY = Family(
    name="Florence-2",
    model_types=("florence2",),
    roles=frozenset({Role.DETECTION, Role.PHRASE_SEGMENTATION, Role.CAPTIONING}),
    load=Florence2,
    licence="MIT",
    checkpoints={
        "florence-community/Florence-2-base": "231 M",
        "florence-community/Florence-2-base-ft": "231 M",
        "florence-community/Florence-2-large": "777 M",
        "florence-community/Florence-2-large-ft": "777 M",
    },
)
