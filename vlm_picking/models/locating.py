"""What Florence-2 and PaliGemma share: a picture is encoded once, and each prompt makes the model write locations.

The models give no scores: a box's is the geometric mean of the probabilities of its location tokens. It is not
calibrated; the sidecar's calibration applies to its logit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vlm_picking.detections import Detections
from vlm_picking.errors import ModelError, ReplyError
from vlm_picking.models.boxes import best_boxes, logit
from vlm_picking.models.greedy import OperatorText, Written, write
from vlm_picking.models.loading import choose_device, choose_dtype, load_pretrained
from vlm_picking.models.memory import ImageMemory, checked_texts
from vlm_picking.models.pixels import PixelSpec, prepare
from vlm_picking.models.replies.locations import Shape
from vlm_picking.models.sidecar import Sidecar
from vlm_picking.models.tokens import load_tokenizer

_BATCH = 16


@dataclass(frozen=True, kw_only=True)
class Task:
    """A prompt, and how much is written for it.

    Args:
        prompt: "{}" stands for the operator's words.
        max_new_tokens: where the model is stopped.
        words: words are asked for, so locations are barred, and it may not end at once.
    """

    prompt: str
    max_new_tokens: int
    words: bool = False


@dataclass(eq=False)
class _Seen:
    """An image's features (1, N, D), and what was written about it by prompt."""

    features: object
    written: dict[str, Written] = field(default_factory=dict)


class LocatingModel:
    """The half of a family's adapter that is alike.

    A subclass names its `tasks` (those with `words` are for words only), the `extra_marks` that have a meaning in its
    prompts, gives `_codes`, the ids of its location tokens, and `_inputs`. Arguments and errors as for `load_model`.
    """

    extra_marks: tuple[str, ...] = ()
    marks_before = 0  # tokens that the model writes before the first word

    def __init__(self, model_class: str, checkpoint: str | Path, *, device: str, dtype: str, offline: bool) -> None:
        import transformers

        checkpoint = str(checkpoint)
        self._device, self._dtype = choose_device(device), choose_dtype(dtype)
        model_class = getattr(transformers, model_class)
        model = load_pretrained(model_class, checkpoint, offline=offline, dtype=self._dtype)
        self._model = model.to(self._device).requires_grad_(False)
        text = model.config.get_text_config()
        known = model.get_input_embeddings().num_embeddings
        self._tokenizer = load_tokenizer(checkpoint, vocab_size=known, offline=offline)
        self._operator = OperatorText(self._tokenizer, extra=self.extra_marks)
        self._pixels = PixelSpec.read(checkpoint, offline=offline)
        self._max_tokens = int(text.max_position_embeddings)
        self._sidecar = Sidecar.read(Path(checkpoint), name=Path(checkpoint).name)
        self._images: ImageMemory[_Seen] = ImageMemory()

    @property
    def name(self) -> str:
        return self._sidecar.name

    @property
    def vocabulary(self) -> frozenset[str] | None:
        return self._sidecar.vocabulary

    @property
    def classes(self) -> tuple[str, ...]:
        return self._sidecar.classes

    @property
    def colours(self) -> frozenset[str] | None:
        return self._sidecar.colours

    def _inputs(self, features, prompts: Sequence[str]) -> dict[str, object]:
        """Arguments of the model's `generate` for prompts about the image with `features` (1, N, D)."""
        raise NotImplementedError

    def _prompt(self, task: Task, words: str) -> str:
        (words,) = checked_texts([words])
        return task.prompt.replace("{}", self._operator.plain(words))

    def _written(self, rgb: np.ndarray, task: Task, prompts: Sequence[str]) -> list[Written]:
        """What the model writes for each prompt; asked again of the same image, it is remembered."""
        seen = self._seen(rgb)
        new = [prompt for prompt in dict.fromkeys(prompts) if prompt not in seen.written]
        for i in range(0, len(new), _BATCH):
            batch = new[i : i + _BATCH]
            replies = write(
                self._model,
                self._tokenizer,
                self._inputs(seen.features, batch),
                max_new_tokens=task.max_new_tokens,
                min_new_tokens=1 + self.marks_before if task.words else 0,
                barred=self._codes if task.words else (),
            )
            seen.written |= dict(zip(batch, replies, strict=True))
        return [seen.written[prompt] for prompt in prompts]

    def _said(self, rgb: np.ndarray, task: Task, prompt: str) -> str:
        (reply,) = self._written(rgb, task, [prompt])
        if not reply.text.strip():
            raise ReplyError(f"{self.name} wrote nothing")
        return reply.text.strip()

    def _seen(self, rgb: np.ndarray) -> _Seen:
        import torch

        def look(rgb: np.ndarray) -> _Seen:
            with torch.inference_mode():
                pixels = prepare(rgb, self._pixels, device=self._device, dtype=self._dtype)
                return _Seen(self._model.get_image_features(pixels).pooler_output)

        return self._images.get(rgb, look)

    def _located(self, rgb: np.ndarray, reply: Written, shapes: Sequence[Shape], label: str) -> Detections:
        """Shapes of one label as boxes [px] without doubles; `id` is the index of the shape."""
        if not shapes:
            return Detections.empty()
        xyxy = np.array([shape.xyxy for shape in shapes]) * np.tile(rgb.shape[1::-1], 2)
        confidence = np.array([reply.confidence(shape.start, shape.end) for shape in shapes])
        kept, score = best_boxes(logit(confidence), xyxy, phrase=label, sidecar=self._sidecar)
        return Detections(xyxy[kept], score, np.array([label] * len(kept), dtype=object), id=kept)

    def _padded(self, rows: Sequence[Sequence[int]], *, left: bool) -> tuple[object, object]:
        """Token ids of unlike length as tensors (B, L) of ids and of what counts.

        Raises:
            ModelError: a row is longer than the model reads.
        """
        import torch

        longest = max(map(len, rows))
        if longest > self._max_tokens:
            raise ModelError(f"a prompt takes {longest} tokens, {self.name} reads {self._max_tokens}: shorten it")
        gaps = [longest - len(row) for row in rows]
        pad = self._tokenizer.pad_token_id
        pairs = [([pad] * gap, [0] * gap) for gap in gaps]
        ids = [gap + list(row) if left else list(row) + gap for (gap, _), row in zip(pairs, rows, strict=True)]
        mask = [
            gap + [1] * len(row) if left else [1] * len(row) + gap for (_, gap), row in zip(pairs, rows, strict=True)
        ]
        return torch.tensor(ids, device=self._device), torch.tensor(mask, device=self._device)

    def _image(self, features, n: int) -> dict[str, object]:
        """`mm_encoder_outputs` for a batch of n prompts about one image; fresh each time, as `generate` changes it."""
        from transformers.modeling_outputs import BaseModelOutputWithPooling

        return {"image": BaseModelOutputWithPooling(pooler_output=features.expand(n, -1, -1))}
