"""OWL-ViT (Minderer et al. 2022) and OWLv2 (2023): open-vocabulary boxes, one set of logits for every phrase.

The image is encoded once and asked often. Unlike the library's post-processing, phrases do not compete for
boxes: "mug" and "red mug" are both answered, and every phrase keeps its best box, so that "not there" can be
told from "not sure".
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vlm_picking.detections import Detections, suppress
from vlm_picking.errors import ModelError
from vlm_picking.models.base import Role
from vlm_picking.models.family import Family
from vlm_picking.models.loading import choose_device, choose_dtype, load_pretrained, read_config
from vlm_picking.models.memory import ImageMemory, TextMemory, checked_texts
from vlm_picking.models.pixels import PixelSpec, as_tensor, normalised, prepare
from vlm_picking.models.resizing import blurred_resize_matrix
from vlm_picking.models.sidecar import Sidecar
from vlm_picking.models.tokens import load_tokenizer, tokenised

_MAX_IOU = 0.4
_MAX_BOXES = 100  # a phrase, before suppression


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

        classes = {"owlvit": "OwlViTForObjectDetection", "owlv2": "Owlv2ForObjectDetection"}
        if family not in classes:
            raise ModelError(f"{checkpoint!r} is of the family {family!r}, not owlvit or owlv2")
        self._torch = torch
        self._device = choose_device(device)
        self._dtype = choose_dtype(dtype)
        cls = getattr(transformers, classes[family])
        self._model = load_pretrained(cls, checkpoint, offline=offline, dtype=self._dtype).to(self._device)
        for head in (self._model.class_head, self._model.box_head, self._model.layer_norm):
            head.float()
        self._model.requires_grad_(False)
        text = self._model.config.text_config
        self._tokenizer = load_tokenizer(checkpoint, vocab_size=text.vocab_size, offline=offline, cls="CLIPTokenizer")
        self._max_tokens = int(text.max_position_embeddings)
        self._pads = family == "owlv2"
        processor = "Owlv2ImageProcessorPil" if self._pads else "OwlViTImageProcessorPil"
        self._spec = PixelSpec.read(checkpoint, offline=offline, processor=processor)
        self._sidecar = Sidecar.read(Path(checkpoint), name=Path(checkpoint).name)
        self._texts: TextMemory[object] = TextMemory()
        self._images: ImageMemory[tuple[object, np.ndarray, TextMemory[Detections]]] = ImageMemory()

    @property
    def name(self) -> str:
        return self._sidecar.name

    @property
    def vocabulary(self) -> frozenset[str] | None:
        return self._sidecar.words

    @property
    def classes(self) -> tuple[str, ...]:
        return self._sidecar.classes

    @property
    def colours(self) -> frozenset[str] | None:
        return self._sidecar.colours

    @property
    def prefers_bin_view(self) -> bool:
        """See `PrefersBinView`; the checkpoint's sidecar says so."""
        return self._sidecar.bin_view

    def detect(self, rgb: np.ndarray, phrases: Sequence[str]) -> Detections:
        """See `ZeroShotDetector.detect`."""
        phrases = checked_texts(phrases)
        if not phrases:
            return Detections.empty()
        with self._torch.inference_mode():
            features, xyxy, found = self._images.get(rgb, self._look)
            return Detections.merge(found.get(phrases, lambda new: self._find(features, xyxy, new)))

    def _find(self, features, xyxy: np.ndarray, phrases: list[str]) -> list[Detections]:
        """The boxes of each phrase among those that `_look` gave."""
        members = [self._sidecar.members(phrase) for phrase in phrases]
        texts = list(dict.fromkeys(text for asked in members for text in asked))
        text = self._torch.stack(self._texts.get(texts, self._read))
        logits, _ = self._model.class_predictor(features, text[None])
        logits = logits[0].float().cpu().numpy()
        if not np.isfinite(logits).all():
            raise ModelError(f"{self.name} gave scores that are no numbers; with dtype float16 try float32")
        # A fruit is where the best of apple, lemon, ... is.
        logits = np.stack([logits[:, [texts.index(t) for t in asked]].max(axis=1) for asked in members], axis=1)
        parts = []
        for column, phrase in enumerate(phrases):
            score = self._sidecar.probability(logits[:, column], phrase)
            order = np.argsort(-logits[:, column], kind="stable")[:_MAX_BOXES]
            order = order[(score[order] >= self._sidecar.floor) | (np.arange(len(order)) == 0)]
            kept = order[suppress(xyxy[order], logits[order, column], max_iou=_MAX_IOU)]
            parts.append(Detections(xyxy[kept], score[kept], np.array([phrase] * len(kept), dtype=object)))
        return parts

    def _look(self, rgb: np.ndarray) -> tuple[object, np.ndarray, TextMemory[Detections]]:
        """Features (1, P, D), boxes (P, 4) in pixels of `rgb`, and what was found among them so far: nothing."""
        prepared = prepare_owlv2 if self._pads else prepare
        pixels = prepared(rgb, self._spec, device=self._device, dtype=self._dtype)
        feature_map, _ = self._model.image_embedder(pixels)
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
        return features[:, self._torch.from_numpy(inside).to(self._device)], xyxy[inside], TextMemory()

    def _read(self, phrases: list[str]):
        """Text embeddings (Q, D)."""
        prompts = [self._sidecar.prompt(phrase) for phrase in phrases]
        tokens = tokenised(self._tokenizer, prompts, max_tokens=self._max_tokens, model=self.name)
        text = self._model.owlvit if hasattr(self._model, "owlvit") else self._model.owlv2
        return text.get_text_features(**tokens.to(self._device)).pooler_output.float()


def prepare_owlv2(rgb: np.ndarray, spec: PixelSpec, *, device: str = "cpu", dtype=None):
    """A picture (H, W, 3) uint8 as OWLv2 wants it, (1, 3, h, w): black below or to the right makes it square, it is
    blurred before it shrinks, and grey levels are not rounded.
    """
    picture = as_tensor(rgb, device=device)
    height, width = rgb.shape[:2]
    h, w = spec.resized(height, width)
    side = max(height, width)
    down = blurred_resize_matrix(side, h, picture.device)[:, :height]  # the black rows add nothing
    across = blurred_resize_matrix(side, w, picture.device)[:, :width]
    return normalised(down @ (picture @ across.T), spec, dtype=dtype)


FAMILY = Family(
    name="OWL-ViT, OWLv2",
    model_types=("owlvit", "owlv2"),
    roles=frozenset({Role.DETECTION}),
    load=OwlDetector,
    licence="Apache-2.0",
    checkpoints={
        "google/owlvit-base-patch32": "153 M",
        "google/owlv2-base-patch16-ensemble": "155 M",
        "google/owlv2-large-patch14-ensemble": "438 M",
    },
    encode_once=True,
    compiled=True,
)
