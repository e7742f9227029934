"""Qwen2.5-VL (Bai et al. 2025) and Qwen3-VL (2025): chat about several images, and boxes as JSON.

Both see an image in its own aspect ratio. Qwen2.5-VL gives boxes in pixels of the image as it was resized for the
model, Qwen3-VL in thousandths of the image's sides.
"""

import math
from types import SimpleNamespace

import numpy as np

from vlm_picking.models.base import Role
from vlm_picking.models.chat import Picture, Reply
from vlm_picking.models.chat_detector import ChatDetector
from vlm_picking.models.family import Family
from vlm_picking.models.pixels import PixelSpec, as_tensor, resize
from vlm_picking.models.replies.json_boxes import read_boxes


class QwenVlModel(ChatDetector):
    """A `ZeroShotDetector`, `VisualAnswerer` and `Captioner`; arguments and errors as for `ChatModel`."""

    image_token = "<|image_pad|>"
    max_images = 8

    def _look(self, rgb: np.ndarray, n_images: int) -> Picture:
        patches, grid = self._patches(rgb)
        seen = self._model.model.get_image_features(patches.to(self._dtype), grid, return_dict=True)
        features = seen.pooler_output[0]
        return Picture(
            size_px=rgb.shape[:2],
            text=self.image_token * len(features),
            features=features,
            layers=tuple(layer[0] for layer in getattr(seen, "deepstack_features", None) or ()),
            extra={"image_grid_thw": grid},
        )

    def _joined(self, pictures):
        layers = [list(layer) for layer in zip(*(picture.layers for picture in pictures), strict=True)]
        return SimpleNamespace(pooler_output=[picture.features for picture in pictures], deepstack_features=layers)

    def _token_extra(self, ids):
        return {"mm_token_type_ids": (ids == self._config.image_token_id).int()}

    def _request(self, phrase: str) -> str:
        return (
            f'Find every "{phrase}" in the image. Write the boxes as JSON, '
            f'[{{"bbox_2d": [x1, y1, x2, y2], "label": "{phrase}"}}], or [] if there is none.'
        )

    def _boxes(self, reply: Reply, picture: Picture) -> list[tuple[float, float, float, float, float]]:
        height, width = picture.size_px
        if self._config.model_type == "qwen2_5_vl":
            _, down, across = picture.extra["image_grid_thw"][0].tolist()
            patch = self._config.vision_config.patch_size
            scale = np.array([width / (across * patch), height / (down * patch)])
        else:
            scale = np.array([width / 1000, height / 1000])
        return [
            (*(np.array(box.xyxy) * np.tile(scale, 2)), reply.confidence(box.start, box.end))
            for box in read_boxes(reply.text, cut=reply.cut)
        ]

    def _patches(self, rgb: np.ndarray):
        """Patches (N, 3 * frames * p * p) in the order of the model, each block of merged ones together, and how many
        they are, (1, 3) int64: frames, down, across.
        """
        settings = self._settings
        patch, merge, frames = (int(settings[key]) for key in ("patch_size", "merge_size", "temporal_patch_size"))
        spec = PixelSpec.of(settings, self.name)
        least, most = spec.size["shortest_edge"], spec.size["longest_edge"]  # in spite of their names, areas [px^2]
        height, width = fitted_size(*rgb.shape[:2], step=patch * merge, least_px2=least, most_px2=most)
        picture = resize(as_tensor(rgb, device=self._device), (height, width), spec.resample)
        mean, std = (picture.new_tensor(values)[:, None, None] for values in (spec.mean, spec.std))
        picture = (picture * spec.scale - mean) / std
        down, across = height // patch, width // patch
        blocks = picture.reshape(3, down // merge, merge, patch, across // merge, merge, patch)
        blocks = blocks.permute(1, 4, 2, 5, 0, 3, 6)[:, :, :, :, :, None].expand(-1, -1, -1, -1, -1, frames, -1, -1)
        grid = self._torch.tensor([[1, down, across]], device=self._device)
        return blocks.reshape(down * across, 3 * frames * patch * patch), grid


def fitted_size(height: int, width: int, *, step: int, least_px2: int, most_px2: int) -> tuple[int, int]:
    """The size (h, w) [px] in steps of `step` that is nearest to (height, width) within the limits of area."""
    h, w = round(height / step) * step, round(width / step) * step
    if h * w > most_px2:
        shrink = math.sqrt(height * width / most_px2)
        return tuple(max(step, math.floor(side / shrink / step) * step) for side in (height, width))
    if h * w < least_px2:
        grow = math.sqrt(least_px2 / (height * width))
        return tuple(math.ceil(side * grow / step) * step for side in (height, width))
    return h, w


FAMILY = Family(
    name="Qwen2.5-VL, Qwen3-VL",
    model_types=("qwen2_5_vl", "qwen3_vl"),
    roles=frozenset({Role.DETECTION, Role.ANSWERING, Role.CAPTIONING}),
    load=QwenVlModel,
    licence="Apache-2.0 (Qwen2.5-VL-3B: Qwen Research, not for commerce)",
    checkpoints={
        "Qwen/Qwen2.5-VL-7B-Instruct": "8.3 B",
        "Qwen/Qwen3-VL-2B-Instruct": "2.1 B",
        "Qwen/Qwen3-VL-4B-Instruct": "4.4 B",
        "Qwen/Qwen3-VL-8B-Instruct": "8.8 B",
    },
)
