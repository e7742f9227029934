"""OmDet-Turbo (Zhao et al. 2024): phrases and a task sentence that names them all, "Detect mug, red mug."

The image backbone and its encoder run once an image; the decoder runs for every question. It picks the places that it
looks at by the phrases, so a phrase's score depends a little on what else is asked.

Nothing here needs torchvision, but the checkpoint on the hub has a backbone of timm, which does.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vlm_picking.detections import Detections
from vlm_picking.models.base import Role
from vlm_picking.models.boxes import Seen, best_boxes, corners_px, in_passes
from vlm_picking.models.family import Family
from vlm_picking.models.loading import choose_device, choose_dtype, load_pretrained, read_config, require_packages
from vlm_picking.models.memory import ImageMemory, checked_texts
from vlm_picking.models.open_vocabulary import SidecarFacts, require_tokenizer
from vlm_picking.models.pixels import PixelSpec, prepare
from vlm_picking.models.sidecar import Sidecar


class OmDetDetector(SidecarFacts):
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
        config = read_config(checkpoint, offline=offline)
        if (config.get("backbone_config") or {}).get("model_type", "timm_backbone") == "timm_backbone":
            require_packages(("torchvision", "timm"), why=f"OmDet-Turbo with a backbone of timm, as in {checkpoint!r},")
        import transformers

        self._device = choose_device(device)
        self._dtype = choose_dtype(dtype)
        cls = transformers.OmDetTurboForObjectDetection
        model = load_pretrained(cls, checkpoint, offline=offline, attn_implementation="eager")
        self._model = model.to(self._device).requires_grad_(False)
        self._model.vision_backbone.to(self._dtype)
        self._tokenizer = require_tokenizer(
            transformers.CLIPTokenizer, checkpoint, offline=offline, vocab_size=self._model.vocab_size
        )
        self._max_tokens = int(self._model.config.text_config.max_position_embeddings)
        self._pixels = PixelSpec.read(checkpoint, offline=offline, processor="DetrImageProcessorPil")
        self._sidecar = Sidecar.read(Path(checkpoint), name=Path(checkpoint).name)
        self._images: ImageMemory[Seen] = ImageMemory()

    def detect(self, rgb: np.ndarray, phrases: Sequence[str]) -> Detections:
        """See `ZeroShotDetector.detect`."""
        import torch

        phrases = checked_texts(phrases)
        if not phrases:
            return Detections.empty()
        framing = self._n_tokens("Detect .")
        passes = list(in_passes(phrases, lambda p: self._n_tokens(f"{p},") - 2, limit=self._max_tokens - framing))

        def look(features: Sequence, _: Sequence[str]) -> Detections:
            return Detections.merge([self._ask(features, asked, *rgb.shape[:2]) for asked in passes])

        with torch.inference_mode():
            return self._images.get(rgb, self._look).ask(phrases, look)

    def _look(self, rgb: np.ndarray) -> Seen:
        """What the encoder makes of the image: features of three scales."""
        pixels = prepare(rgb, self._pixels, device=self._device, dtype=self._dtype)
        maps = [feature_map.float() for feature_map in self._model.vision_backbone(pixels)]
        return Seen(self._model.encoder(maps, return_dict=True).extracted_states)

    def _ask(self, features: Sequence, phrases: list[str], height: int, width: int) -> Detections:
        """One pass over the decoder, in an image of (height, width) [px]."""
        import torch

        classes = self._read(phrases)
        task = self._read([f"Detect {', '.join(phrases)}."])
        structure = torch.tensor([len(phrases)])
        texts = self._model.get_language_embedding(*classes, *task, structure)
        outputs = self._model.decoder(features, *texts, return_dict=True)
        logits = outputs.decoder_classes[-1][0].cpu().numpy()
        xyxy = corners_px(outputs.decoder_coords[-1][0].cpu().numpy(), height, width)
        parts = []
        for column, phrase in enumerate(phrases):
            kept, score = best_boxes(logits[:, column], xyxy, phrase=phrase, sidecar=self._sidecar)
            parts.append(Detections(xyxy[kept], score, np.array([phrase] * len(kept), dtype=object)))
        return Detections.merge(parts)

    def _read(self, texts: list[str]) -> tuple:
        """Token ids and their mask, (T, n) each; control tokens in the text are read as plain characters."""
        tokens = self._tokenizer(texts, padding="longest", split_special_tokens=True, return_tensors="pt")
        tokens = tokens.to(self._device)
        return tokens["input_ids"], tokens["attention_mask"]

    def _n_tokens(self, text: str) -> int:
        return len(self._tokenizer(text, split_special_tokens=True)["input_ids"])


FAMILY = Family(
    name="OmDet-Turbo",
    model_types=("omdet-turbo",),
    roles=frozenset({Role.DETECTION}),
    load=OmDetDetector,
    licence="Apache-2.0",
    checkpoints={"omlab/omdet-turbo-swin-tiny-hf": "115 M (its backbone is timm's: needs torchvision)"},
    encode_once=True,
)
