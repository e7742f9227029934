"""OWL-ViT (Minderer et al. 2022) and OWLv2 (2023): open-vocabulary boxes, one set of logits for every phrase.

The image is encoded once and asked often. Unlike the library's post-processing, phrases do not compete for
boxes: "mug" and "red mug" are both answered, and every phrase keeps its best box, so that "not there" can be
told from "not sure".
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from vlm_picking.detections import Detections, suppress
from vlm_picking.errors import ModelError
from vlm_picking.models.loading import choose_device, load_pretrained, read_config
from vlm_picking.models.sidecar import Sidecar

_MAX_IOU = 0.4
_MAX_BOXES = 100  # a phrase, before suppression
_TEXT_CACHE = 512


class OwlDetector:
    """A `ZeroShotDetector` of the OWL family.

    Args:
        checkpoint: a directory as `save_pretrained` writes it, or "owner/name" on the hub.
        device: "auto", "cpu", "cuda" or "cuda:N".
        dtype: of the encoders, "float32", "bfloat16" or "float16"; the heads always compute in float32, for
            boxes would snap to a grid of pixels.
        offline: never ask the hub.

    Raises:
        ModelError: the checkpoint, the device or the type can't be used.
    """

    def __init__(
        self, checkpoint: str | Path, *, device: str = "auto", dtype: str = "float32", offline: bool = False
    ) -> None:
        checkpoint = str(checkpoint)
        family = read_config(checkpoint, offline=offline).get("model_type")
        import torch
        import transformers
        from transformers.image_processing_base import ImageProcessingMixin

        classes = {"owlvit": "OwlViTForObjectDetection", "owlv2": "Owlv2ForObjectDetection"}
        if family not in classes:
            raise ModelError(f"{checkpoint!r} is of the family {family!r}, not owlvit or owlv2")
        if dtype not in ("float32", "bfloat16", "float16"):
            raise ModelError(f"unknown dtype {dtype!r}; known: bfloat16, float16, float32")
        self._torch = torch
        self._device = choose_device(device)
        self._dtype = getattr(torch, dtype)
        cls = getattr(transformers, classes[family])
        self._model = load_pretrained(cls, checkpoint, offline=offline, dtype=self._dtype).to(self._device)
        for head in (self._model.class_head, self._model.box_head, self._model.layer_norm):
            head.float()
        self._model.requires_grad_(False)
        try:
            self._tokenizer = transformers.CLIPTokenizer.from_pretrained(checkpoint, local_files_only=offline)
            settings, _ = ImageProcessingMixin.get_image_processor_dict(checkpoint, local_files_only=offline)
            self._mean = np.array(settings["image_mean"], np.float32)
            self._std = np.array(settings["image_std"], np.float32)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ModelError(
                f"{checkpoint!r} has no tokenizer or image processor: {str(error).splitlines()[0]}"
            ) from error
        # Without its files the tokenizer comes up empty and says nothing.
        if len(self._tokenizer) != self._model.config.text_config.vocab_size:
            raise ModelError(f"{checkpoint!r} has no tokenizer that fits its {family} model")
        self._size = int(self._model.config.vision_config.image_size)
        self._pads = family == "owlv2"
        self._max_tokens = int(self._model.config.text_config.max_position_embeddings)
        self._sidecar = Sidecar.read(Path(checkpoint), name=Path(checkpoint).name)
        self._texts: OrderedDict[str, object] = OrderedDict()
        self._frame: tuple[bytes, object, np.ndarray] | None = None

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

    def detect(self, rgb: np.ndarray, phrases: Sequence[str]) -> Detections:
        """See `ZeroShotDetector.detect`."""
        phrases = list(dict.fromkeys(phrases))
        if not phrases:
            return Detections.empty()
        if not all(phrase.strip() for phrase in phrases):
            raise ModelError(f"an empty phrase names nothing: {phrases}")
        torch = self._torch
        with torch.inference_mode():
            features, xyxy = self._look(rgb)
            text = self._read(phrases)
            logits, _ = self._model.class_predictor(features, text[None])
            logits = logits[0].float().cpu().numpy()
        if not np.isfinite(logits).all():
            raise ModelError(f"{self.name} gave scores that are no numbers; with dtype float16 try float32")
        parts = []
        for column, phrase in enumerate(phrases):
            score = self._sidecar.probability(logits[:, column], phrase)
            order = np.argsort(-logits[:, column], kind="stable")[:_MAX_BOXES]
            order = order[(score[order] >= self._sidecar.floor) | (np.arange(len(order)) == 0)]
            kept = order[suppress(xyxy[order], logits[order, column], max_iou=_MAX_IOU)]
            parts.append(Detections(xyxy[kept], score[kept], np.array([phrase] * len(kept), dtype=object)))
        return Detections.merge(parts)

    def _look(self, rgb: np.ndarray) -> tuple[object, np.ndarray]:
        """Features (1, P, D) and boxes (P, 4) in pixels of `rgb`; the last image is remembered."""
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
            raise ModelError(f"the image must be (H, W, 3) uint8, got {rgb.shape} {rgb.dtype}")
        rgb = np.ascontiguousarray(rgb)
        digest = hashlib.blake2b(rgb, digest_size=16, key=repr(rgb.shape).encode()).digest()
        if self._frame is None or self._frame[0] != digest:
            feature_map, _ = self._model.image_embedder(self._pixels(rgb))
            feature_map = feature_map.float()
            features = feature_map.flatten(1, 2)
            boxes = self._model.box_predictor(features, feature_map)[0].float().cpu().numpy()
            height, width = rgb.shape[:2]
            scale = np.full(2, max(height, width)) if self._pads else np.array([width, height])
            low, high = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
            xyxy = np.concatenate([low, high], axis=1) * np.tile(scale, 2)
            inside = (boxes[:, :2] * scale < [width, height]).all(axis=1)  # the padding holds no objects
            inside |= not inside.any()
            xyxy = np.clip(xyxy, 0, np.array([width, height, width, height]))
            self._frame = (digest, features[:, self._torch.from_numpy(inside).to(self._device)], xyxy[inside])
        return self._frame[1], self._frame[2]

    def _pixels(self, rgb: np.ndarray):
        """The image as the family wants it, normalised: (1, 3, S, S)."""
        picture = _padded(rgb, self._size) if self._pads else _squashed(rgb, self._size)
        pixels = np.ascontiguousarray(((picture - self._mean) / self._std).transpose(2, 0, 1))[None]
        return self._torch.from_numpy(pixels).to(self._device, self._dtype)

    def _read(self, phrases: Sequence[str]):
        """(Q, D) text embeddings; those of phrases that were read before come from memory."""
        new = [phrase for phrase in phrases if phrase not in self._texts]
        if new:
            tokens = self._tokenizer(
                [self._sidecar.prompt(phrase) for phrase in new], padding="longest", return_tensors="pt"
            )
            length = tokens["input_ids"].shape[1]
            if length > self._max_tokens:
                longest = max(new, key=len)
                raise ModelError(
                    f"the phrase {longest[:40]!r}... takes {length} tokens, "
                    f"{self.name} reads {self._max_tokens}: shorten it"
                )
            text = self._model.owlvit if hasattr(self._model, "owlvit") else self._model.owlv2
            found = text.get_text_features(**tokens.to(self._device)).pooler_output.float()
            self._texts.update(zip(new, found, strict=True))
        for phrase in phrases:
            self._texts.move_to_end(phrase)
        embeddings = self._torch.stack([self._texts[phrase] for phrase in phrases])
        while len(self._texts) > _TEXT_CACHE:
            self._texts.popitem(last=False)
        return embeddings


def _squashed(rgb: np.ndarray, size: int) -> np.ndarray:
    """OWL-ViT: a square without regard to the aspect ratio; (size, size, 3) float32, 0..1."""
    shrinks = rgb.shape[0] >= size and rgb.shape[1] >= size
    squashed = cv2.resize(rgb, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return squashed.astype(np.float32) / 255


def _padded(rgb: np.ndarray, size: int) -> np.ndarray:
    """OWLv2: black below or to the right makes it square; blurred before it shrinks; (size, size, 3)
    float32, 0..1.
    """
    height, width = rgb.shape[:2]
    side = max(height, width)
    square = cv2.copyMakeBorder(rgb, 0, side - height, 0, side - width, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    square = square.astype(np.float32) / 255
    if side > size:
        square = cv2.GaussianBlur(square, (0, 0), sigmaX=(side / size - 1) / 2)
    return cv2.resize(square, (size, size), interpolation=cv2.INTER_LINEAR)
