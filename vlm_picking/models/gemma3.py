"""Gemma 3 (Gemma Team 2025): chat about several images, each squashed into a square whatever its aspect ratio.

The crops of "pan and scan", which the library leaves out unless it is told to make them, are not made: an image costs
256 tokens. The tokens of an image see each other in both directions, those of the text look back only.
"""

import numpy as np

from vlm_picking.models.base import Role
from vlm_picking.models.chat import ChatModel, Picture
from vlm_picking.models.family import Family
from vlm_picking.models.pixels import PixelSpec, prepare


class Gemma3Model(ChatModel):
    """A `VisualAnswerer` and `Captioner`; arguments and errors as for `ChatModel`."""

    image_token = "<start_of_image>"
    max_images = 8

    def _look(self, rgb: np.ndarray, n_images: int) -> Picture:
        pixels = prepare(rgb, PixelSpec.of(self._settings, self.name), device=self._device, dtype=self._dtype)
        features = self._model.model.get_image_features(pixels, return_dict=True).pooler_output[0]
        inner = self._writer.tokenizer.convert_ids_to_tokens(self._config.image_token_id) * len(features)
        begin, end = self._writer.tokenizer.convert_ids_to_tokens(
            [self._config.boi_token_index, self._config.eoi_token_index]
        )
        return Picture(size_px=rgb.shape[:2], text=f"\n\n{begin}{inner}{end}\n\n", features=features)

    def _joined(self, pictures):
        from transformers.modeling_outputs import BaseModelOutputWithPooling

        return BaseModelOutputWithPooling(pooler_output=self._torch.stack([picture.features for picture in pictures]))

    def _token_extra(self, ids):
        return {"token_type_ids": (ids == self._config.image_token_id).int()}


FAMILY = Family(
    name="Gemma 3",
    model_types=("gemma3",),
    roles=frozenset({Role.ANSWERING, Role.CAPTIONING}),
    load=Gemma3Model,
    licence="Gemma Terms of Use (commerce allowed, with prohibited uses)",
    checkpoints={
        "google/gemma-3-4b-it": "4.3 B",
        "google/gemma-3-12b-it": "12.2 B",
        "google/gemma-3-27b-it": "27.4 B",
    },
)
