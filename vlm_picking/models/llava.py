"""LLaVA-NeXT (Liu et al. 2024) and LLaVA-OneVision (Li et al. 2024): chat about images, seen whole and in tiles.

An image is seen twice: squashed into a square, and in the tiles of the layout that suits its aspect ratio best.
LLaVA-OneVision sees each of several images once, in a square that is filled up with grey.
"""

import math

import numpy as np

from vlm_picking.models.base import Role
from vlm_picking.models.chat import ChatModel, Picture
from vlm_picking.models.family import Family
from vlm_picking.models.pixels import PixelSpec, as_tensor, resize

_MAX_ASPECT = 16


class LlavaModel(ChatModel):
    """A `VisualAnswerer` and `Captioner`; arguments and errors as for `ChatModel`."""

    image_token = "<image>"

    @property
    def max_images(self) -> int:
        """LLaVA-NeXT was taught with one image."""
        return 8 if self._config.model_type == "llava_onevision" else 1

    def _look(self, rgb: np.ndarray, n_images: int) -> Picture:
        rgb = _not_too_thin(rgb)
        pixels = self._tiles(rgb) if n_images == 1 else self._filled_square(rgb)
        options = {"image_sizes": self._torch.tensor([rgb.shape[:2]], device=self._device)}
        if n_images > 1:
            options["batch_num_images"] = [n_images]
        seen = self._model.model.get_image_features(pixels[None].to(self._dtype), return_dict=True, **options)
        features = seen.pooler_output[0]
        return Picture(size_px=rgb.shape[:2], text=self.image_token * len(features), features=features)

    def _tiles(self, rgb: np.ndarray):
        """The whole image in a square, then its tiles row by row: (1 + T, 3, S, S), normalised."""
        spec, side = self._spec()
        picture = as_tensor(rgb, device=self._device)
        layout = best_layout(*rgb.shape[:2], self._settings["image_grid_pinpoints"])
        inner = inscribed(*rgb.shape[:2], layout)
        down, right = layout[0] - inner[0], layout[1] - inner[1]
        fitted = resize(picture, inner, spec.resample)
        margins = (right // 2, right - right // 2, down // 2, down - down // 2)
        fitted = self._torch.nn.functional.pad(fitted, margins)
        tiles = fitted.unfold(1, side, side).unfold(2, side, side).permute(1, 2, 0, 3, 4).flatten(0, 1)
        whole = resize(picture, (side, side), spec.resample)
        return self._normalised(self._torch.cat([whole[None], tiles]), spec)

    def _filled_square(self, rgb: np.ndarray):
        """The image in the middle of a square of the mean colour: (1, 3, S, S), normalised."""
        spec, side = self._spec()
        height, width = rgb.shape[:2]
        longer = max(height, width)
        grey = self._torch.tensor([int(value * 255) for value in spec.mean], device=self._device)
        square = grey[:, None, None].expand(3, longer, longer).float().clone()
        top, left = (longer - height) // 2, (longer - width) // 2
        square[:, top : top + height, left : left + width] = as_tensor(rgb, device=self._device)
        return self._normalised(resize(square, (side, side), spec.resample)[None], spec)

    def _spec(self) -> tuple[PixelSpec, int]:
        spec = PixelSpec.of(self._settings, self.name)
        side = spec.size.get("height") or spec.size["shortest_edge"]
        return spec, side

    def _normalised(self, pixels, spec: PixelSpec):
        mean, std = (pixels.new_tensor(values)[:, None, None] for values in (spec.mean, spec.std))
        return (pixels * spec.scale - mean) / std


def _not_too_thin(rgb: np.ndarray) -> np.ndarray:
    """The image, its edges repeated where it is so thin that none of it would be left in a layout."""
    height, width = rgb.shape[:2]
    least = -(-max(height, width) // _MAX_ASPECT)
    down, right = max(0, least - height), max(0, least - width)
    return np.pad(rgb, ((down // 2, down - down // 2), (right // 2, right - right // 2), (0, 0)), mode="edge")


def best_layout(height: int, width: int, layouts) -> tuple[int, int]:
    """The layout (h, w) [px] that keeps most of an image's pixels and, of those, is left empty least."""

    def kept_and_empty(layout) -> tuple[int, int]:
        scale = min(layout[1] / width, layout[0] / height)
        kept = min(int(width * scale) * int(height * scale), width * height)
        return kept, kept - layout[0] * layout[1]

    down, across = max(layouts, key=kept_and_empty)
    return int(down), int(across)


def inscribed(height: int, width: int, layout: tuple[int, int]) -> tuple[int, int]:
    """The size (h, w) [px] of an image that just fits into `layout`."""
    down, across = layout[0] / height, layout[1] / width
    if across < down:
        return min(math.ceil(height * across), layout[0]), layout[1]
    return layout[0], min(math.ceil(width * down), layout[1])


FAMILY = Family(
    name="LLaVA-NeXT, LLaVA-OneVision",
    model_types=("llava_next", "llava_onevision"),
    roles=frozenset({Role.ANSWERING, Role.CAPTIONING}),
    load=LlavaModel,
    licence="Apache-2.0 (with Vicuna or Llama 3: theirs)",
    checkpoints={
        "llava-hf/llava-v1.6-mistral-7b-hf": "7.6 B",
        "llava-hf/llava-onevision-qwen2-0.5b-ov-hf": "0.9 B",
        "llava-hf/llava-onevision-qwen2-7b-ov-hf": "8.0 B",
    },
)
