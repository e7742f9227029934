"""What the families of chatting models share: a picture is encoded once, then asked about as often as one likes.

A family is a subclass in a file of its own:

    class LlavaModel(ChatModel):                # answers, captions, says how probable a yes is
        image_token = "<image>"                 # what its chat template writes in the place of an image
        max_images = 1                          # how many images a question may come with

        def _look(self, rgb, n_images): ...     # -> Picture: the encoded image (H, W, 3) uint8, one of n_images

`_look` finds the loaded model in `self._model`, its config in `self._config`, image processor settings in
`self._settings` and what one resizes with in `vlm_picking.models.pixels`; it calls the model's `get_image_features` on
one image and keeps that image's item of `pooler_output`. Where a model takes more than `input_ids`, `attention_mask`
and `mm_encoder_outputs`, `Picture.extra` holds what belongs to images ("image_grid_thw") and `_token_extra(ids)` gives
what belongs to tokens ("mm_token_type_ids"). `_joined(pictures)` may be overridden where the encoder's output is more
than a list of `pooler_output`. `__init__` may be extended, first calling this one.

A family that writes down where things are is a `ChatDetector` (chat_detector.py). Nothing is sampled: a reply to the
same question about the same picture is remembered instead of being written again.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vlm_picking.errors import ModelError, ReplyError
from vlm_picking.models.base import YesNo
from vlm_picking.models.chat_prompt import PromptWriter
from vlm_picking.models.loading import choose_device, choose_dtype, load_pretrained
from vlm_picking.models.memory import ImageMemory, TextMemory, checked_image
from vlm_picking.models.pixels import processor_settings
from vlm_picking.models.replies.yes_no import NO, YES
from vlm_picking.models.sidecar import Sidecar

_MAX_ANSWER_TOKENS = 128
_BATCH = 16  # questions about a picture at a time
_DESCRIBE = "Describe this picture in one or two sentences."


@dataclass(frozen=True, eq=False, kw_only=True)
class Picture:
    """An image that the model has looked at.

    Args:
        size_px: (height, width) of the camera's image.
        text: what stands for it in the prompt, with as many image tokens as there are features.
        features: its item of the image encoder's `pooler_output`.
        layers: its items of `deepstack_features`, where the encoder gives them.
        extra: arguments of the model's forward for this image, joined along axis 0.
        replies: what was written about it, by the greatest number of tokens and the question.
        beliefs: how probable yes was, by the question.
    """

    size_px: tuple[int, int]
    text: str
    features: object
    layers: tuple[object, ...] = ()
    extra: Mapping[str, object] = field(default_factory=dict)
    replies: dict[int, TextMemory["Reply"]] = field(default_factory=dict)
    beliefs: TextMemory[YesNo] = field(default_factory=TextMemory)


@dataclass(frozen=True)
class Reply:
    """What a model wrote.

    Args:
        text: without control tokens.
        cut: it was stopped at its greatest length.
        ends: for each token, how long the text is after it [characters].
        log_probabilities: of the tokens.
    """

    text: str
    cut: bool
    ends: tuple[int, ...]
    log_probabilities: tuple[float, ...]

    def confidence(self, start: int, end: int) -> float:
        """The geometric mean probability of the tokens of text[start:end]."""
        begins = (0, *self.ends[:-1])
        spans = zip(begins, self.ends, self.log_probabilities, strict=True)
        chosen = [value for first, last, value in spans if first < end and last > start]
        return math.exp(sum(chosen) / len(chosen)) if chosen else 0.0


class ChatModel:
    """A `VisualAnswerer` and `Captioner`; see the module's text for what a family adds.

    Args:
        checkpoint: a directory as `save_pretrained` writes it, or "owner/name" on the hub.
        device: "auto", "cpu", "cuda" or "cuda:N".
        dtype: "float32", "bfloat16" or "float16".
        offline: never ask the hub.

    Raises:
        ModelError: the checkpoint, the device or the type can't be used.
    """

    image_token = "<image>"
    max_images = 1
    always_begins = False  # see PromptWriter

    def __init__(
        self, checkpoint: str | Path, *, device: str = "auto", dtype: str = "float32", offline: bool = False
    ) -> None:
        import torch
        from transformers import AutoModelForImageTextToText, GenerationConfig

        checkpoint = str(checkpoint)
        self._torch = torch
        self._device = choose_device(device)
        self._dtype = choose_dtype(dtype)
        self._writer = PromptWriter(
            checkpoint, image_token=self.image_token, always_begins=self.always_begins, offline=offline
        )
        self._settings = processor_settings(checkpoint, offline=offline)
        model = load_pretrained(AutoModelForImageTextToText, checkpoint, offline=offline, dtype=self._dtype)
        self._model = model.to(self._device).requires_grad_(False)
        self._config = model.config
        self._sidecar = Sidecar.read(Path(checkpoint), name=Path(checkpoint).name)
        tokenizer = self._writer.tokenizer
        if max(tokenizer.get_vocab().values()) >= model.get_input_embeddings().num_embeddings:
            raise ModelError(f"{checkpoint!r} has no tokenizer that fits its model: it knows more tokens")
        ends = model.generation_config.eos_token_id
        ends = [ends] if isinstance(ends, int) else list(ends or [tokenizer.eos_token_id])
        self._ends = frozenset(ends) | {tokenizer.eos_token_id}
        self._pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else ends[0]
        # Checkpoints bring settings for talk (temperature, penalties for repetition) that spoil coordinates.
        model.generation_config = GenerationConfig(eos_token_id=sorted(self._ends), pad_token_id=self._pad)
        text_config = self._config.get_text_config()
        self._max_tokens = getattr(text_config, "max_position_embeddings", None) or 1 << 20
        yes, no = self._writer.first_ids(YES), self._writer.first_ids(NO)
        self._yes, self._no = sorted(yes - no), sorted(no - yes)
        self._images: ImageMemory[Picture] = ImageMemory()
        self._frames: TextMemory[Picture] = TextMemory(capacity=max(1, self.max_images))

    @property
    def name(self) -> str:
        return self._sidecar.name

    def answer(self, images: Sequence[np.ndarray], question: str) -> str:
        """See `VisualAnswerer.answer`."""
        return self._write(self._pictures(images), question)

    def caption(self, rgb: np.ndarray) -> str:
        """See `Captioner.caption`."""
        return self._write(self._pictures([rgb]), _DESCRIBE)

    def yes_probability(self, images: Sequence[np.ndarray], question: str) -> YesNo:
        """See `VisualAnswerer.yes_probability`: the model's belief in the words that the answer may begin with."""
        text = f"{self._writer.plain(question)} Answer with yes or no."
        pictures = self._pictures(images)
        if len(pictures) > 1:
            return self._believe(pictures, text)
        (belief,) = pictures[0].beliefs.get([text], lambda texts: [self._believe(pictures, each) for each in texts])
        return belief

    def _look(self, rgb: np.ndarray, n_images: int) -> Picture:
        raise NotImplementedError

    def _joined(self, pictures: Sequence[Picture]):
        """What the image encoder would give for all `pictures` at once."""
        from transformers.modeling_outputs import BaseModelOutputWithPooling

        return BaseModelOutputWithPooling(pooler_output=[picture.features for picture in pictures])

    def _token_extra(self, ids) -> dict[str, object]:
        """More arguments of the model's forward, for tokens (B, L)."""
        return {}

    def _pictures(self, images: Sequence[np.ndarray]) -> list[Picture]:
        """The images as the model sees them, encoded now or remembered."""
        if not 1 <= len(images) <= self.max_images:
            raise ModelError(f"{self.name} takes 1 to {self.max_images} images with a question, got {len(images)}")
        with self._torch.inference_mode():
            if len(images) == 1:
                return [self._images.get(images[0], lambda rgb: self._look(rgb, 1))]
            n, checked = len(images), [checked_image(rgb) for rgb in images]
            keys = [f"{n} {rgb.shape} {hashlib.blake2b(rgb, digest_size=16).hexdigest()}" for rgb in checked]
            by_key = dict(zip(keys, checked, strict=True))
            return self._frames.get(keys, lambda new: [self._look(by_key[key], n) for key in new])

    def _write(self, pictures: Sequence[Picture], question: str) -> str:
        (reply,) = self._ask(pictures, [question], max_tokens=_MAX_ANSWER_TOKENS)
        text = reply.text.strip()
        if not text:
            raise ReplyError(f"{self.name} wrote nothing")
        sentences = max(text.rfind(mark) for mark in ".!?") + 1 if reply.cut else 0
        return text[:sentences] or text

    def _ask(self, pictures: Sequence[Picture], texts: Sequence[str], *, max_tokens: int) -> list[Reply]:
        """A reply to each of `texts`, all of them about the same pictures."""

        def write(texts: list[str]) -> list[Reply]:
            batches = [texts[at : at + _BATCH] for at in range(0, len(texts), _BATCH)]
            return [reply for batch in batches for reply in self._generate(pictures, batch, max_tokens)]

        if len(pictures) > 1:
            return write(list(texts))
        return pictures[0].replies.setdefault(max_tokens, TextMemory()).get(texts, write)

    def _inputs(self, pictures: Sequence[Picture], texts: Sequence[str], *, room: int) -> dict[str, object]:
        """Arguments of the model's forward for a batch of texts about the same pictures."""
        torch = self._torch
        rows = [self._writer.tokens(text, [picture.text for picture in pictures]) for text in texts]
        longest = max(map(len, rows))
        if longest + room > self._max_tokens:
            raise ModelError(f"{self.name} takes {self._max_tokens} tokens, not {longest + room}: shorten the text")
        ids = torch.tensor([[self._pad] * (longest - len(row)) + row for row in rows], device=self._device)
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows], device=self._device)
        every = list(pictures) * len(rows)
        extra = {key: torch.cat([picture.extra[key] for picture in every]) for key in pictures[0].extra}
        features = {"image": self._joined(every)}
        return {
            "input_ids": ids,
            "attention_mask": mask,
            "mm_encoder_outputs": features,
            **extra,
            **self._token_extra(ids),
        }

    def _generate(self, pictures: Sequence[Picture], texts: Sequence[str], max_tokens: int) -> list[Reply]:
        inputs = self._inputs(pictures, texts, room=max_tokens)
        watch = _Probabilities()
        with self._torch.inference_mode():
            out = self._computed(
                self._model.generate,
                **inputs,
                max_new_tokens=max_tokens,
                do_sample=False,
                logits_processor=[watch],
            )
            written = out[:, inputs["input_ids"].shape[1] :].tolist()
            logs = self._torch.stack(watch.steps, dim=1).cpu().numpy()
        if not np.isfinite(logs).all():
            raise self._no_numbers()
        return [self._reply(ids, log) for ids, log in zip(written, logs, strict=True)]

    def _reply(self, ids: list[int], log_probabilities: np.ndarray) -> Reply:
        stop = next((at for at, token in enumerate(ids) if token in self._ends), None)
        ids = ids[:stop]
        texts = [self._writer.tokenizer.decode(ids[: n + 1], skip_special_tokens=True) for n in range(len(ids))]
        return Reply(
            text=texts[-1] if texts else "",
            cut=stop is None,
            ends=tuple(map(len, texts)),
            log_probabilities=tuple(log_probabilities[: len(ids)].tolist()),
        )

    def _believe(self, pictures: Sequence[Picture], text: str) -> YesNo:
        if not (self._yes and self._no):
            raise ModelError(f"{self.name} has no words for yes and no")
        inputs = self._inputs(pictures, [text], room=1)
        with self._torch.inference_mode():
            logits = self._computed(self._model, **inputs, logits_to_keep=1, use_cache=False).logits[0, -1].float()
            yes, no, both, whole = (
                float(each.logsumexp(0))
                for each in (logits[self._yes], logits[self._no], logits[self._yes + self._no], logits)
            )
        if not math.isfinite(yes - no):
            raise self._no_numbers()
        return YesNo(probability=1 / (1 + math.exp(min(no - yes, 700))), mass=min(1.0, math.exp(both - whole)))

    def _computed(self, call, **inputs):
        try:
            return call(**inputs)
        except RuntimeError as error:
            why = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ModelError(f"{self.name} could not compute: {why}") from error

    def _no_numbers(self) -> ModelError:
        return ModelError(f"{self.name} gave scores that are no numbers; with dtype float16 try bfloat16 or float32")


class _Probabilities:
    """Notes how probable each token was that greedy decoding took, and changes nothing."""

    def __init__(self) -> None:
        self.steps: list[object] = []

    def __call__(self, input_ids, scores):
        self.steps.append(scores.float().log_softmax(dim=-1).amax(dim=-1))
        return scores
