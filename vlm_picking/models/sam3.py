"""SAM 3 (Meta 2025): boxes and masks of all that a phrase names, and the mask of the thing in a box.

A checkpoint is a detector, which works by phrases and says besides how sure it is that the image shows such a thing at
all (presence), and a tracker, which works by boxes as SAM 2 does; both look through one image encoder, which runs once
an image. The detector runs once a phrase, so that phrases never influence each other.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vlm_picking.detections import Detections
from vlm_picking.errors import ModelError
from vlm_picking.models.base import Role
from vlm_picking.models.boxes import best_boxes, full_size, logit, masks_in_boxes
from vlm_picking.models.family import Family
from vlm_picking.models.loading import choose_device, choose_dtype, load_pretrained
from vlm_picking.models.memory import ImageMemory, TextMemory, checked_texts
from vlm_picking.models.open_vocabulary import SidecarFacts, require_tokenizer
from vlm_picking.models.pixels import PixelSpec, Resample, prepare, processor_settings
from vlm_picking.models.sidecar import Sidecar

# What its image processor does where preprocessor_config.json is silent; the class itself needs torchvision.
PROCESSOR_DEFAULTS = {
    "size": {"height": 1008, "width": 1008},
    "resample": Resample.BILINEAR,
    "image_mean": (0.5, 0.5, 0.5),
    "image_std": (0.5, 0.5, 0.5),
}


class Sam3Segmenter(SidecarFacts):
    """A `ZeroShotDetector` and `PhraseSegmenter` (both give boxes with masks), and a `BoxSegmenter`.

    Args:
        checkpoint: a directory as `save_pretrained` writes it, or "owner/name" on the hub.
        device: "auto", "cpu", "cuda" or "cuda:N".
        dtype: of the image and text encoders, "float32", "bfloat16" or "float16"; all else is always float32.
        offline: never ask the hub.

    Raises:
        ModelError: the checkpoint, the device or the type can't be used.
    """

    def __init__(
        self, checkpoint: str | Path, *, device: str = "auto", dtype: str = "float32", offline: bool = False
    ) -> None:
        checkpoint = str(checkpoint)
        from transformers import CLIPTokenizer, Sam3VideoModel

        self._device = choose_device(device)
        self._dtype = choose_dtype(dtype)
        model = load_pretrained(Sam3VideoModel, checkpoint, offline=offline)
        self._model = model.to(self._device).requires_grad_(False)
        self._detector, self._tracker = self._model.detector_model, self._model.tracker_model
        for encoder in (self._detector.vision_encoder, self._detector.text_encoder, self._detector.text_projection):
            encoder.to(self._dtype)
        self._tokenizer = require_tokenizer(
            CLIPTokenizer, checkpoint, offline=offline, vocab_size=self._detector.vocab_size
        )
        self._max_tokens = int(self._detector.config.text_config.max_position_embeddings)
        settings = processor_settings(checkpoint, offline=offline)
        self._pixels = PixelSpec.of(PROCESSOR_DEFAULTS | settings, checkpoint)
        self._sidecar = Sidecar.read(Path(checkpoint), name=Path(checkpoint).name)
        self._images: ImageMemory[tuple[object, TextMemory[Detections]]] = ImageMemory()
        self._images_for_boxes: ImageMemory[list] = ImageMemory()
        self._texts: TextMemory[tuple] = TextMemory()

    def detect(self, rgb: np.ndarray, phrases: Sequence[str]) -> Detections:
        """See `ZeroShotDetector.detect`; detections come with masks."""
        return self.segment(rgb, phrases)

    def segment(self, rgb: np.ndarray, phrases: Sequence[str]) -> Detections:
        """See `PhraseSegmenter.segment`."""
        import torch

        phrases = checked_texts(phrases)
        if not phrases:
            return Detections.empty()
        with torch.inference_mode():
            texts = dict(zip(phrases, self._texts.get(phrases, self._read), strict=True))
            seen, known = self._images.get(rgb, self._look)

            def find(new: list[str]) -> list[Detections]:
                return [self._find(seen, phrase, texts[phrase], rgb.shape[:2]) for phrase in new]

            return Detections.merge(known.get(phrases, find))

    def masks(self, rgb: np.ndarray, xyxy: np.ndarray) -> np.ndarray:
        """See `BoxSegmenter.masks`."""
        import torch

        tracker = self._tracker
        with torch.inference_mode():
            *fine, coarse = self._images_for_boxes.get(rgb, self._look_for_boxes)
            height, width = rgb.shape[:2]
            side = self._pixels.resized(height, width)

            def decode(boxes: np.ndarray) -> np.ndarray:
                boxes = boxes * np.tile([side[1] / width, side[0] / height], 2)
                boxes = torch.from_numpy(boxes.astype(np.float32)).to(self._device)
                sparse, dense = tracker.prompt_encoder(
                    input_points=None, input_labels=None, input_boxes=boxes[None], input_masks=None
                )
                masks, *_ = tracker.mask_decoder(
                    image_embeddings=coarse,
                    image_positional_embeddings=tracker.get_image_wide_positional_embeddings(),
                    sparse_prompt_embeddings=sparse,
                    dense_prompt_embeddings=dense,
                    high_resolution_features=fine,
                    multimask_output=False,
                )
                return full_size(masks[0, :, 0], (height, width))

            return masks_in_boxes(xyxy, height, width, decode)

    def _look(self, rgb: np.ndarray):
        """What the image encoder makes of the image, float32, and a memory for what was found in it."""
        pixels = prepare(rgb, self._pixels, device=self._device, dtype=self._dtype)
        seen = self._detector.get_vision_features(pixels)
        return type(seen)(
            last_hidden_state=seen.last_hidden_state.float(),
            fpn_hidden_states=tuple(level.float() for level in seen.fpn_hidden_states),
            fpn_position_encoding=tuple(level.float() for level in seen.fpn_position_encoding),
        ), TextMemory(capacity=64)

    def _look_for_boxes(self, rgb: np.ndarray) -> list:
        """The same for the tracker: features of three scales, (1, D, h, w) each, finest first."""
        seen, _ = self._images.get(rgb, self._look)
        levels, _ = self._model.get_vision_features_for_tracker(seen)
        levels[-1] = levels[-1] + self._tracker.no_memory_embedding
        grids = self._tracker.backbone_feature_sizes
        return [level.permute(1, 2, 0).reshape(1, -1, *grid) for level, grid in zip(levels, grids, strict=True)]

    def _read(self, phrases: list[str]) -> list[tuple]:
        """For each phrase the features (1, n, D) of its tokens and their mask (1, n)."""
        length = {p: len(self._tokenizer(p, split_special_tokens=True)["input_ids"]) for p in phrases}
        longest = max(phrases, key=length.get)
        if length[longest] > self._max_tokens:
            raise ModelError(
                f"the phrase {longest[:40]!r}... takes {length[longest]} tokens, "
                f"{self.name} reads {self._max_tokens}: shorten it"
            )
        tokens = self._tokenizer(
            phrases,
            padding="max_length",
            max_length=self._max_tokens,
            split_special_tokens=True,
            return_tensors="pt",
        ).to(self._device)
        features = self._detector.get_text_features(**tokens).pooler_output.float()
        return list(zip(features.split(1), tokens["attention_mask"].split(1), strict=True))

    def _find(self, seen, phrase: str, text: tuple, size: tuple[int, int]) -> Detections:
        """The detector's answer to one phrase in an image of (height, width) [px]."""
        from transformers.modeling_outputs import BaseModelOutputWithPooling

        features, mask = text
        outputs = self._detector(
            vision_embeds=seen, text_embeds=BaseModelOutputWithPooling(pooler_output=features), attention_mask=mask
        )
        probability = (outputs.pred_logits[0].sigmoid() * outputs.presence_logits[0].sigmoid()).cpu().numpy()
        scale = np.array([*size[::-1], *size[::-1]], np.float32)
        xyxy = np.clip(outputs.pred_boxes[0].cpu().numpy() * scale, 0, scale)
        xyxy[:, 2:] = np.maximum(xyxy[:, :2], xyxy[:, 2:])
        kept, score = best_boxes(logit(probability), xyxy, phrase=phrase, sidecar=self._sidecar)
        masks = full_size(outputs.pred_masks[0, kept.tolist()].sigmoid() - 0.5, size)
        return Detections(xyxy[kept], score, np.array([phrase] * len(kept), dtype=object), mask=masks)


FAMILY = Family(
    name="SAM 3",
    model_types=("sam3_video",),
    roles=frozenset({Role.DETECTION, Role.PHRASE_SEGMENTATION, Role.BOX_SEGMENTATION}),
    load=Sam3Segmenter,
    licence="SAM License",
    checkpoints={"facebook/sam3": "848 M"},
    compiled=True,
)
