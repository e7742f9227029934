"""Grounding DINO (Liu et al. 2023) and MM-Grounding DINO (Zhao et al. 2024): text and image are fused early.

All phrases are read as one text, "mug. red mug.", and each is scored by its own tokens alone: the mean of their
probabilities. (The library's post-processing decodes labels from tokens and can merge two phrases into a third.) As
phrases meet in the fusion, a phrase's score depends a little on what else is asked. The fusion can't be kept for
another text; the image backbone is run once an image, and the last answer is remembered.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vlm_picking.detections import Detections
from vlm_picking.errors import ModelError
from vlm_picking.models.base import Role
from vlm_picking.models.boxes import Seen, best_boxes, corners_px, in_passes, logit
from vlm_picking.models.family import Family
from vlm_picking.models.loading import choose_device, choose_dtype, load_pretrained, read_config
from vlm_picking.models.memory import ImageMemory, checked_texts
from vlm_picking.models.open_vocabulary import SidecarFacts, require_tokenizer
from vlm_picking.models.pixels import PixelSpec, prepare
from vlm_picking.models.sidecar import Sidecar

_CLASSES = {
    "grounding-dino": "GroundingDinoForObjectDetection",
    "mm-grounding-dino": "MMGroundingDinoForObjectDetection",
}
_START, _END, _STOP, _QUESTION = 101, 102, 1012, 1029  # the ids that the models have built in, to part phrases
_MAX_ASPECT = 8


class GroundingDinoDetector(SidecarFacts):
    """A `ZeroShotDetector`.

    Args:
        checkpoint: a directory as `save_pretrained` writes it, or "owner/name" on the hub.
        device: "auto", "cpu", "cuda" or "cuda:N".
        dtype: of the image backbone, "float32", "bfloat16" or "float16"; all else is always float32.
        offline: never ask the hub.

    Raises:
        ModelError: the checkpoint, the device or the type can't be used.
    """

    def __init__(
        self, checkpoint: str | Path, *, device: str = "auto", dtype: str = "float32", offline: bool = False
    ) -> None:
        checkpoint = str(checkpoint)
        family = read_config(checkpoint, offline=offline).get("model_type")
        import transformers

        if family not in _CLASSES:
            raise ModelError(f"{checkpoint!r} is of the family {family!r}, not of {' or '.join(_CLASSES)}")
        self._device = choose_device(device)
        self._dtype = choose_dtype(dtype)
        cls = getattr(transformers, _CLASSES[family])
        model = load_pretrained(cls, checkpoint, offline=offline, attn_implementation="eager")
        self._model = model.to(self._device).requires_grad_(False)
        backbone = self._model.model.backbone
        backbone.conv_encoder.to(self._dtype)
        self._encode = backbone.forward
        backbone.forward = self._recall
        self._tokenizer = require_tokenizer(transformers.BertTokenizer, checkpoint, offline=offline)
        if self._tokenizer.convert_tokens_to_ids(["[CLS]", "[SEP]", ".", "?"]) != [_START, _END, _STOP, _QUESTION]:
            raise ModelError(f"{checkpoint!r} has no tokenizer of BERT's English vocabulary, which {family} needs")
        self._pixels = PixelSpec.read(checkpoint, offline=offline, processor="GroundingDinoImageProcessorPil")
        self._sidecar = Sidecar.read(Path(checkpoint), name=Path(checkpoint).name)
        self._images: ImageMemory[Seen] = ImageMemory()
        self._features: tuple | None = None

    def detect(self, rgb: np.ndarray, phrases: Sequence[str]) -> Detections:
        """See `ZeroShotDetector.detect`."""
        import torch

        phrases = checked_texts(phrases)
        if not phrases:
            return Detections.empty()
        tokens = {phrase: self._tokens(phrase) for phrase in phrases}
        limit = self._model.config.max_text_len - 2
        passes = list(in_passes(phrases, lambda phrase: len(tokens[phrase]) + 1, limit=limit))

        def look(features: tuple, _: Sequence[str]) -> Detections:
            self._features = features
            try:
                parts = [self._ask({phrase: tokens[phrase] for phrase in asked}, *rgb.shape[:2]) for asked in passes]
            finally:
                self._features = None  # the memory of images alone decides how long they stay
            return Detections.merge(parts)

        with torch.inference_mode():
            return self._images.get(rgb, self._look).ask(phrases, look)

    def _tokens(self, phrase: str) -> list[int]:
        """A phrase's token ids, never one of those that part phrases."""
        ids = self._tokenizer(phrase.lower(), add_special_tokens=False, split_special_tokens=True)["input_ids"]
        ids = [i for i in ids if i not in (_START, _END, _STOP, _QUESTION, self._tokenizer.pad_token_id)]
        if not ids:
            raise ModelError(f"{self.name} can read no word of the phrase {phrase[:40]!r}: name the thing in words")
        return ids

    def _look(self, rgb: np.ndarray) -> Seen:
        """The pixels (1, 3, h, w), and what the image backbone makes of them."""
        import torch

        pixels = prepare(_canvas(rgb), self._pixels, device=self._device)
        mask = torch.ones(pixels.shape[:1] + pixels.shape[2:], dtype=torch.long, device=self._device)
        maps, positions = self._encode(pixels.to(self._dtype), mask)
        maps = [(feature_map.float(), inside) for feature_map, inside in maps]
        return Seen((pixels, maps, [position.float() for position in positions]))

    def _recall(self, pixels, mask):
        """Stands in for the image backbone when the whole model runs."""
        _, maps, positions = self._features
        return list(maps), list(positions)  # the model appends to them

    def _ask(self, tokens: dict[str, list[int]], height: int, width: int) -> Detections:
        """One pass over the model: phrases with their token ids, in an image of (height, width) [px]."""
        import torch

        ids, spans = [_START], {}
        for phrase, own in tokens.items():
            spans[phrase] = slice(len(ids), len(ids) + len(own))
            ids += [*own, _STOP]
        ids = torch.tensor([[*ids, _END]], device=self._device)
        outputs = self._model(pixel_values=self._features[0], input_ids=ids)
        probability = outputs.logits[0].sigmoid().cpu().numpy()
        xyxy = corners_px(outputs.pred_boxes[0].cpu().numpy(), *_canvas_size(height, width))
        xyxy = np.minimum(xyxy, np.array([width, height, width, height], np.float32))
        parts = []
        for phrase, span in spans.items():
            scores = logit(probability[:, span].mean(axis=1))
            kept, score = best_boxes(scores, xyxy, phrase=phrase, sidecar=self._sidecar)
            parts.append(Detections(xyxy[kept], score, np.array([phrase] * len(kept), dtype=object)))
        return Detections.merge(parts)


def _canvas_size(height: int, width: int) -> tuple[int, int]:
    """The picture's size; a sliver's is widened, for it has fewer places to look at than the model wants to."""
    least = -(-max(height, width) // _MAX_ASPECT)
    return max(height, least), max(width, least)


def _canvas(rgb: np.ndarray) -> np.ndarray:
    """The picture, with black below or to the right where it is a sliver."""
    height, width = _canvas_size(*rgb.shape[:2])
    return np.pad(rgb, ((0, height - rgb.shape[0]), (0, width - rgb.shape[1]), (0, 0)))


FAMILY = Family(
    name="Grounding DINO, MM-Grounding DINO",
    model_types=tuple(_CLASSES),
    roles=frozenset({Role.DETECTION}),
    load=GroundingDinoDetector,
    licence="Apache-2.0",
    checkpoints={
        "IDEA-Research/grounding-dino-tiny": "172 M",
        "IDEA-Research/grounding-dino-base": "233 M",
        "openmmlab-community/mm_grounding_dino_tiny_o365v1_goldg_v3det": "173 M",
    },
    compiled=True,
)
