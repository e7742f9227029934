"""SigLIP (Zhai et al. 2023) and SigLIP 2 (Tschannen et al. 2025): how well texts fit a whole image, each for itself.

They were trained with a sigmoid for each pair, so that a logit means something alone: presence is its sigmoid,
calibrated by vlm_picking.json where there is one. A choice among labels is a softmax over the same logits.

Checkpoints of SigLIP 2 with a fixed resolution say "siglip" in config.json. Those that say "siglip2" (NaFlex) keep the
picture's proportions: it is resized to as many whole patches as the model takes.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vlm_picking.errors import ModelError
from vlm_picking.models.base import Role
from vlm_picking.models.contrastive import ContrastiveModel
from vlm_picking.models.family import Family
from vlm_picking.models.loading import read_config
from vlm_picking.models.memory import checked_texts
from vlm_picking.models.pixels import PixelSpec, prepare, processor_settings


class SiglipScorer(ContrastiveModel):
    """An `ImageTextScorer` of the SigLIP family.

    Args:
        checkpoint: a directory as `save_pretrained` writes it, or "owner/name" on the hub.
        device: "auto", "cpu", "cuda" or "cuda:N".
        dtype: "float32", "bfloat16" or "float16".
        offline: never ask the hub.

    Raises:
        ModelError: the checkpoint, the device or the type can't be used.
    """

    def __init__(
        self, checkpoint: str | Path, *, device: str = "auto", dtype: str = "float32", offline: bool = False
    ) -> None:
        checkpoint = str(checkpoint)
        kind = read_config(checkpoint, offline=offline).get("model_type")
        classes = {"siglip": "SiglipModel", "siglip2": "Siglip2Model"}
        if kind not in classes:
            raise ModelError(f"{checkpoint!r} is of the family {kind!r}, not siglip or siglip2")
        super().__init__(
            checkpoint,
            model_class=classes[kind],
            tokenizer_class="AutoTokenizer",
            full_length=True,
            device=device,
            dtype=dtype,
            offline=offline,
        )
        self._bias = float(self._model.logit_bias.detach().float())
        self._flexible = kind == "siglip2"
        processor = "Siglip2ImageProcessorPil" if self._flexible else "SiglipImageProcessorPil"
        self._settings = processor_settings(checkpoint, offline=offline, processor=processor)
        if not self._flexible:
            self._spec = PixelSpec.of(self._settings, checkpoint)

    def presence(self, rgb: np.ndarray, phrases: Sequence[str]) -> np.ndarray:
        """See `ImageTextScorer.presence`."""
        if not checked_texts(phrases):
            return np.zeros(0, np.float32)
        logits = self._logits(rgb, [self._sidecar.prompt(phrase) for phrase in phrases]) + self._bias
        said = [self._sidecar.probability(logit, phrase) for logit, phrase in zip(logits, phrases, strict=True)]
        return np.array(said, np.float32)

    def _read(self, texts: list[str]) -> np.ndarray:
        return super()._read([text.lower() for text in texts])  # as in training; not every tokenizer does it

    def _pixels(self, rgb: np.ndarray) -> dict[str, object]:
        if not self._flexible:
            return {"pixel_values": prepare(rgb, self._spec, device=self._device, dtype=self._dtype)}
        torch = self._torch
        side, limit = int(self._settings["patch_size"]), int(self._settings["max_num_patches"])
        rows, columns = patch_grid(*rgb.shape[:2], patch_px=side, max_patches=limit)
        size = {"height": rows * side, "width": columns * side}
        spec = PixelSpec.of(self._settings | {"size": size}, self.name)
        picture = prepare(rgb, spec, device=self._device, dtype=self._dtype)[0]
        patches = picture.reshape(3, rows, side, columns, side).permute(1, 3, 2, 4, 0).flatten(2).flatten(0, 1)
        padded = torch.zeros(limit, patches.shape[1], device=self._device, dtype=self._dtype)
        padded[: len(patches)] = patches
        return {
            "pixel_values": padded[None],
            "pixel_attention_mask": (torch.arange(limit, device=self._device) < len(patches)).int()[None],
            "spatial_shapes": torch.tensor([[rows, columns]], device=self._device),
        }


def patch_grid(height: int, width: int, *, patch_px: int, max_patches: int) -> tuple[int, int]:
    """How many rows and columns of patches a picture becomes: all that fit into `max_patches` at its proportions.

    Found by halving an interval of scales, to the same 1e-5 as in training, for grids hang on where the search ends.
    """

    def grid(scale: float) -> tuple[int, int]:
        return tuple(max(1, math.ceil(length * scale / patch_px)) for length in (height, width))

    fits, too_large = 1e-6, 100.0
    while too_large - fits >= 1e-5:
        scale = (fits + too_large) / 2
        if math.prod(grid(scale)) <= max_patches:
            fits = scale
        else:
            too_large = scale
    return grid(fits)


FAMILY = Family(
    name="SigLIP, SigLIP 2",
    model_types=("siglip", "siglip2"),
    roles=frozenset({Role.SIMILARITY}),
    load=SiglipScorer,
    licence="Apache-2.0",
    checkpoints={
        "google/siglip-base-patch16-224": "203 M",
        "google/siglip-so400m-patch14-384": "878 M",
        "google/siglip2-base-patch16-224": "375 M",
        "google/siglip2-base-patch16-naflex": "375 M",
        "google/siglip2-so400m-patch14-384": "1.1 B",
    },
    encode_once=True,
    compiled=True,
    needs=("sentencepiece",),
)
