"""SmolVLM (Marafioti et al. 2025) and Idefics3 (Laurençon et al. 2024): chat about images, seen in tiles and whole.

An image is resized to the length that the checkpoint wants, stretched to whole tiles, cut into them row by row and seen
once more squashed into one; what is no larger than a tile is seen once. Several images are seen so each for itself.
"""

import math

import numpy as np

from vlm_picking.errors import ModelError
from vlm_picking.models.base import Role
from vlm_picking.models.chat import ChatModel, Picture
from vlm_picking.models.family import Family
from vlm_picking.models.pixels import PixelSpec, as_tensor, resize

_LONGEST_PX = 4096
_AROUND = "<fake_token_around_image>"
_WHOLE = "<global-img>"


class SmolVlmModel(ChatModel):
    """A `VisualAnswerer` and `Captioner`; arguments and errors as for `ChatModel`."""

    image_token = "<image>"
    max_images = 4

    def _look(self, rgb: np.ndarray, n_images: int) -> Picture:
        tiles, (down, across) = self._tiles(rgb)
        seen = self._model.model.get_image_features(tiles[None].to(self._dtype), return_dict=True)
        features = seen.pooler_output[0]
        text = self._text(down, across, n_tokens=len(features) // len(tiles))
        return Picture(size_px=rgb.shape[:2], text=text, features=features)

    def _tiles(self, rgb: np.ndarray):
        """The tiles row by row and the whole image last, (T, 3, S, S), normalised, and how many rows and columns of
        tiles there are; none where the whole image is all.
        """
        settings = self._settings
        try:
            longest, side = (int(settings[key]["longest_edge"]) for key in ("size", "max_image_size"))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"the image processor of {self.name!r} can't be followed: {error!r}") from error
        spec = PixelSpec.of(settings, self.name)
        picture = as_tensor(rgb, device=self._device)
        if settings.get("do_resize", True):
            picture = resize(picture, scaled_size(*picture.shape[1:], longest=longest), spec.resample)
        rows = columns = 0
        tiles = []
        if settings.get("do_image_splitting", True):
            picture = resize(picture, whole_tiles(*picture.shape[1:], side=side), spec.resample)
            rows, columns = (n // side for n in picture.shape[1:])
            if rows * columns == 1:
                rows = columns = 0
            else:
                tiles = list(picture.unfold(1, side, side).unfold(2, side, side).permute(1, 2, 0, 3, 4).flatten(0, 1))
        tiles.append(resize(picture, (side, side), spec.resample))
        pixels = self._torch.stack(tiles)
        mean, std = (pixels.new_tensor(values)[:, None, None] for values in (spec.mean, spec.std))
        return (pixels * spec.scale - mean) / std, (rows, columns)

    def _text(self, rows: int, columns: int, *, n_tokens: int) -> str:
        image = self.image_token * n_tokens
        lines = [
            "".join(f"{_AROUND}<row_{row}_col_{column}>{image}" for column in range(1, columns + 1)) + "\n"
            for row in range(1, rows + 1)
        ]
        tiles = "".join(lines) + "\n" if lines else ""
        return f"{tiles}{_AROUND}{_WHOLE}{image}{_AROUND}"


def scaled_size(height: int, width: int, *, longest: int) -> tuple[int, int]:
    """The size (h, w) [px] of an image whose longer side becomes `longest`, the shorter one even and at least 1."""
    ratio = width / height
    if width >= height:
        shorter = int(longest / ratio)
        size = max(1, shorter + shorter % 2), longest
    else:
        shorter = int(longest * ratio)
        size = longest, max(1, shorter + shorter % 2)
    return _limited(*size)


def _limited(height: int, width: int) -> tuple[int, int]:
    ratio = width / height
    if width >= height and width > _LONGEST_PX:
        return max(1, int(_LONGEST_PX / ratio)), _LONGEST_PX
    if height > width and height > _LONGEST_PX:
        return _LONGEST_PX, max(1, int(_LONGEST_PX * ratio))
    return height, width


def whole_tiles(height: int, width: int, *, side: int) -> tuple[int, int]:
    """The size (h, w) [px] in multiples of `side` that an image is stretched to: its longer side first, rounded up,
    then the shorter one in proportion, rounded up.
    """
    ratio = width / height
    if width >= height:
        width = math.ceil(width / side) * side
        return math.ceil(int(width / ratio) / side) * side, width
    height = math.ceil(height / side) * side
    return height, math.ceil(int(height * ratio) / side) * side


FAMILY = Family(
    name="SmolVLM, Idefics3",
    model_types=("smolvlm", "idefics3"),
    roles=frozenset({Role.ANSWERING, Role.CAPTIONING}),
    load=SmolVlmModel,
    licence="Apache-2.0",
    checkpoints={
        "HuggingFaceTB/SmolVLM2-256M-Video-Instruct": "256 M",
        "HuggingFaceTB/SmolVLM2-500M-Video-Instruct": "507 M",
        "HuggingFaceTB/SmolVLM2-2.2B-Instruct": "2.2 B",
        "HuggingFaceM4/Idefics3-8B-Llama3": "8.5 B",
    },
)
