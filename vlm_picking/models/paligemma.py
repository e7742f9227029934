"""PaliGemma (Beyer et al. 2024) and PaliGemma 2 (Steiner et al. 2024): short prompts, boxes as location tokens.

The checkpoints named "mix" follow prompts; those named "pt" have to be trained first. Each phrase is a prompt of its
own ("detect red mug"), so phrases do not compete; a reply without a box means that there is none. Referring
segmentation ("segment red mug") is left out: its sixteen codes need a decoder that transformers does not have.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vlm_picking.detections import Detections
from vlm_picking.errors import ModelError
from vlm_picking.models.base import Role, YesNo
from vlm_picking.models.family import Family
from vlm_picking.models.greedy import token_ids
from vlm_picking.models.locating import LocatingModel, Task
from vlm_picking.models.memory import checked_texts
from vlm_picking.models.replies.locations import PALIGEMMA_BINS, read_paligemma_boxes
from vlm_picking.models.replies.yes_no import NO, YES

_DETECT = Task(prompt="detect {}", max_new_tokens=256)
_ANSWER = Task(prompt="answer en {}", max_new_tokens=64, words=True)
_CAPTION = Task(prompt="caption en", max_new_tokens=100, words=True)


class PaliGemma(LocatingModel):
    """A `ZeroShotDetector`, `VisualAnswerer` and `Captioner`; arguments and errors as for `load_model`."""

    extra_marks = (";",)  # parts the things to detect
    max_images = 1

    def __init__(
        self, checkpoint: str | Path, *, device: str = "auto", dtype: str = "float32", offline: bool = False
    ) -> None:
        super().__init__("PaliGemmaForConditionalGeneration", checkpoint, device=device, dtype=dtype, offline=offline)
        codes = [*(f"<loc{i:04}>" for i in range(PALIGEMMA_BINS)), *(f"<seg{i:03}>" for i in range(128))]
        self._codes = token_ids(self._tokenizer, codes, self.name)
        yes, no = ({self._ids(word)[0] for word in words} for words in (YES, NO))
        if not (yes - no and no - yes):
            raise ModelError(f"{self.name} has no words for yes and no: its tokenizer is that of another model")
        self._yes, self._no = sorted(yes - no), sorted(no - yes)

    def detect(self, rgb: np.ndarray, phrases: Sequence[str]) -> Detections:
        """See `ZeroShotDetector.detect`."""
        phrases = checked_texts(phrases)
        replies = self._written(rgb, _DETECT, [self._prompt(_DETECT, phrase) for phrase in phrases])
        return Detections.merge(
            [
                self._located(rgb, reply, read_paligemma_boxes(reply.text, cut=reply.cut), phrase)
                for phrase, reply in zip(phrases, replies, strict=True)
            ]
        )

    def answer(self, images: Sequence[np.ndarray], question: str) -> str:
        """See `VisualAnswerer.answer`."""
        return self._said(self._only(images), _ANSWER, self._prompt(_ANSWER, question))

    def yes_probability(self, images: Sequence[np.ndarray], question: str) -> YesNo:
        """See `VisualAnswerer.yes_probability`; from the first token of the answer, in one forward pass."""
        import torch

        seen = self._seen(self._only(images))
        inputs = self._inputs(seen.features, [self._prompt(_ANSWER, question)])
        with torch.inference_mode():
            logs = self._model(**inputs, logits_to_keep=1).logits[0, -1].float().log_softmax(-1)
        yes, no = (float(logs[ids].logsumexp(0)) for ids in (self._yes, self._no))
        if not np.isfinite(no - yes):
            raise ModelError(f"{self.name} gave scores that are no numbers; with dtype float16 try bfloat16")
        return YesNo(1 / (1 + float(np.exp(min(no - yes, 700)))), min(1.0, float(np.exp(yes) + np.exp(no))))

    def caption(self, rgb: np.ndarray) -> str:
        """See `Captioner.caption`."""
        return self._said(rgb, _CAPTION, _CAPTION.prompt)

    def _only(self, images: Sequence[np.ndarray]) -> np.ndarray:
        if len(images) != 1:
            raise ModelError(f"{self.name} looks at one image at a time, not at {len(images)}")
        return images[0]

    def _ids(self, text: str) -> list[int]:
        return self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]

    def _inputs(self, features, prompts: Sequence[str]) -> dict[str, object]:
        import torch

        head = [self._model.config.image_token_id] * features.shape[1] + [self._tokenizer.bos_token_id]
        ids, mask = self._padded([[*head, *self._ids(prompt + "\n")] for prompt in prompts], left=True)
        return {
            "input_ids": ids,
            "attention_mask": mask,
            "token_type_ids": torch.zeros_like(ids),  # all of it is prefix, read in both directions
            "mm_encoder_outputs": self._image(features, len(prompts)),
        }


FAMILY = Family(
    name="PaliGemma 1, 2",
    model_types=("paligemma",),
    roles=frozenset({Role.DETECTION, Role.ANSWERING, Role.CAPTIONING}),
    load=PaliGemma,
    licence="Gemma",
    checkpoints={
        "google/paligemma-3b-mix-224": "2.9 B",
        "google/paligemma2-3b-mix-448": "3.0 B",
        "google/paligemma2-10b-mix-448": "9.7 B",
    },
)
