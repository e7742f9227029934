"""CLIP (Radford et al. 2021): how well texts fit a whole image.

CLIP was trained to choose among texts, so a similarity says little alone. Whether an image shows a thing is asked as a
choice between "a photo of a red mug" and neutral texts, which fit whatever lies in a bin: the best of these stands
against the phrase, and the probability is a softmax over the two. Similarities of real checkpoints lie close together
and their scale is steep, so calibrate before a presence decides anything: `score_calibration` of vlm_picking.json; its
scale and bias apply to the difference of both logits.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vlm_picking.models.base import Role
from vlm_picking.models.contrastive import ContrastiveModel
from vlm_picking.models.family import Family
from vlm_picking.models.memory import checked_texts
from vlm_picking.models.pixels import PixelSpec, prepare

NEUTRAL = ("a photo of a bin", "a photo of something else")


class ClipScorer(ContrastiveModel):
    """An `ImageTextScorer` of the CLIP family.

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
        super().__init__(
            checkpoint,
            model_class="CLIPModel",
            tokenizer_class="CLIPTokenizer",
            full_length=False,
            device=device,
            dtype=dtype,
            offline=offline,
        )
        self._spec = PixelSpec.read(checkpoint, offline=offline, processor="CLIPImageProcessorPil")

    def presence(self, rgb: np.ndarray, phrases: Sequence[str]) -> np.ndarray:
        """See `ImageTextScorer.presence`: each phrase against the neutral text that fits best."""
        if not checked_texts(phrases):
            return np.zeros(0, np.float32)
        logits = self._logits(rgb, [*NEUTRAL, *(self._sidecar.prompt(phrase) for phrase in phrases)])
        above = logits[len(NEUTRAL) :] - logits[: len(NEUTRAL)].max()
        said = [self._sidecar.probability(logit, phrase) for logit, phrase in zip(above, phrases, strict=True)]
        return np.array(said, np.float32)

    def _pixels(self, rgb: np.ndarray) -> dict[str, object]:
        return {"pixel_values": prepare(rgb, self._spec, device=self._device, dtype=self._dtype)}


FAMILY = Family(
    name="CLIP",
    model_types=("clip",),
    roles=frozenset({Role.SIMILARITY}),
    load=ClipScorer,
    licence="MIT",
    checkpoints={
        "openai/clip-vit-base-patch32": "151 M",
        "openai/clip-vit-base-patch16": "150 M",
        "openai/clip-vit-large-patch14": "428 M",
        "openai/clip-vit-large-patch14-336": "428 M",
    },
    encode_once=True,
    compiled=True,
)
