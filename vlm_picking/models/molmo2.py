"""Molmo 2 (Ai2 2025): chat about several images, and points at what phrases name.

An image is seen squashed into one square crop, and in as many overlapping crops as it needs to be seen at its own size,
8 at most; neighbouring patches are pooled into one token. Crops are cut from the image stretched to whole windows by
plain bilinear interpolation, without antialiasing, as the model was taught.

It finds points, not boxes: a detection is a square around the point, its side a sixteenth of the image's shorter side
and at least 8 pixels. It says where a thing is and not how large: have it segmented before it is measured.
"""

import numpy as np

from vlm_picking.errors import ModelError, ReplyError
from vlm_picking.models.base import Role
from vlm_picking.models.chat import Picture, Reply
from vlm_picking.models.chat_detector import ChatDetector
from vlm_picking.models.family import Family
from vlm_picking.models.pixels import PixelSpec, Resample, as_tensor
from vlm_picking.models.replies.points import read_points

_SHARE_OF_SHORTER_SIDE = 1 / 16
_LEAST_SIDE_PX = 8.0
_USUAL = {"max_crops": 8, "overlap_margins": (4, 4), "patch_size": 14, "pooling_size": (2, 2), "resample": 2}
_INTERPOLATION = {Resample.BILINEAR: "bilinear", Resample.BICUBIC: "bicubic"}
_PATCH = "<im_patch>"
_COLUMN = "<im_col>"
_MARKS = (_PATCH, _COLUMN, "<im_start>", "<low_res_im_start>", "<frame_start>", "<im_end>", "<frame_end>", "<im_low>")


class Molmo2Model(ChatDetector):
    """A `ZeroShotDetector`, `VisualAnswerer` and `Captioner`; arguments and errors as for `ChatModel`."""

    image_token = "<|image|>"
    max_images = 8
    always_begins = True

    def _look(self, rgb: np.ndarray, n_images: int) -> Picture:
        patches, pooling, grid = self._patches(rgb)
        torch = self._torch
        seen = self._model.model.get_image_features(
            patches.to(self._dtype),
            torch.from_numpy(pooling).to(self._device),
            torch.tensor([grid], device=self._device),
            return_dict=True,
        )
        return Picture(size_px=rgb.shape[:2], text=self._text(*grid), features=seen.pooler_output[0])

    def _token_extra(self, ids):
        marks = self._writer.tokenizer.convert_tokens_to_ids(list(_MARKS))
        return {"mm_token_type_ids": self._torch.isin(ids, ids.new_tensor(marks)).int()}

    def _request(self, phrase: str) -> str:
        return f'Point to every {phrase} in the image. If there is none, say "There are none."'

    def _boxes(self, reply: Reply, picture: Picture) -> list[tuple[float, float, float, float, float]]:
        height, width = picture.size_px
        half = max(_LEAST_SIDE_PX, min(height, width) * _SHARE_OF_SHORTER_SIDE) / 2
        boxes = []
        for point in read_points(reply.text, cut=reply.cut):
            if point.image != 0:
                raise ReplyError.about(f"it points at image {point.image + 1} of 1", reply.text)
            x, y = point.x * width, point.y * height
            boxes.append((x - half, y - half, x + half, y + half, reply.confidence(point.start, point.end)))
        return boxes

    def _patches(self, rgb: np.ndarray):
        """Patches of the squashed image and of its crops (1 + C, N, p * p * 3), normalised; the patches that each token
        pools (T, k), -1 for none; and how many rows and columns of tokens the squashed image and the crops have.
        """
        settings = _USUAL | self._settings
        spec = PixelSpec.of(settings, self.name)
        if spec.resample not in _INTERPOLATION or "height" not in (spec.size or {}):
            raise ModelError(f"the image processor of {self.name!r} can't be followed: {settings}")
        side, patch = spec.size["height"], int(settings["patch_size"])
        margins = tuple(int(margin) * patch for margin in settings["overlap_margins"])
        step = side - sum(margins)
        tiling = crop_tiling(*(n - sum(margins) for n in rgb.shape[:2]), step=step, most=int(settings["max_crops"]))
        picture = as_tensor(rgb, device=self._device)
        canvas = self._stretched(picture, tuple(n * step + sum(margins) for n in tiling), spec)
        crops = canvas.unfold(1, side, step).unfold(2, side, step).permute(1, 2, 0, 3, 4).flatten(0, 1)
        crops = self._torch.cat([self._stretched(picture, (side, side), spec)[None], crops])
        n = side // patch
        patches = crops.reshape(-1, 3, n, patch, n, patch).permute(0, 2, 4, 3, 5, 1).reshape(len(crops), n * n, -1)
        whole = np.arange(n * n).reshape(n, n)
        parts = patch_indices(tiling, n, tuple(int(margin) for margin in settings["overlap_margins"])) + n * n
        low, high = (pooled(indices, tuple(settings["pooling_size"])) for indices in (whole, parts))
        pooling = np.concatenate([low.reshape(-1, low.shape[2]), high.reshape(-1, high.shape[2])])
        return patches, pooling, (*low.shape[:2], *high.shape[:2])

    def _stretched(self, picture, size: tuple[int, int], spec: PixelSpec):
        stretch = self._torch.nn.functional.interpolate
        stretched = stretch(picture[None], size, mode=_INTERPOLATION[spec.resample], align_corners=False)[0]
        mean, std = (picture.new_tensor(values)[:, None, None] for values in (spec.mean, spec.std))
        return (stretched.round().clamp(0, 255) * spec.scale - mean) / std

    def _text(self, low_rows: int, low_columns: int, rows: int, columns: int) -> str:
        settings = self._writer.processor_settings
        column = settings.get("image_use_col_tokens", True)
        low_column = settings.get("use_single_crop_col_tokens")
        low_column = column if low_column is None else low_column
        start = "<low_res_im_start>" if settings.get("use_single_crop_start_token", True) else "<im_start>"
        low = (_PATCH * low_columns + (_COLUMN if low_column else "")) * low_rows
        high = (_PATCH * columns + (_COLUMN if column else "")) * rows
        return f"{start}{low}<im_end><im_start>{high}<im_end>"


def crop_tiling(height: int, width: int, *, step: int, most: int) -> tuple[int, int]:
    """How many windows of `step` pixels down and across suit an image of (height, width), `most` altogether: those that
    it must be enlarged least to fill, or else those that it must be shrunk least to fit.

    Sides may be 0 or less: the image is then smaller than the margins of a window.
    """
    tilings = [(down, across) for down in range(1, most + 1) for across in range(1, most + 1) if down * across <= most]
    tilings.sort(key=lambda tiling: (tiling[0] * tiling[1], tiling[0]))
    with np.errstate(divide="ignore"):
        scales = np.float32(np.array(tilings) * step) / np.float32([height, width])
    scale = scales.min(axis=1)
    if (scale < 1).all():
        return tilings[int(scale.argmax())]
    return tilings[int(np.where(scale < 1, np.float32(10e9), scale).argmin())]


def patch_indices(tiling: tuple[int, int], n: int, margins: tuple[int, int]) -> np.ndarray:
    """Which patch of overlapping crops of n x n patches shows each place of the image: of crops that overlap, each
    gives what is not in its margins (before, behind) to its neighbours.
    """
    before, behind = margins
    crops = np.arange(tiling[0] * tiling[1] * n * n).reshape(*tiling, n, n)

    def kept(k: int, count: int) -> slice:
        return slice(before if k else 0, n - behind if k < count - 1 else n)

    rows = [
        np.hstack([crops[i, j, kept(i, tiling[0]), kept(j, tiling[1])] for j in range(tiling[1])])
        for i in range(tiling[0])
    ]
    return np.vstack(rows)


def pooled(indices: np.ndarray, window: tuple[int, int]) -> np.ndarray:
    """Indices (h, w) by windows of (a, b): (h / a, w / b, a * b), rounded up, filled up with -1 on all sides."""
    gaps = [-side % step for side, step in zip(indices.shape, window, strict=True)]
    filled = np.pad(indices, [(gap // 2, gap - gap // 2) for gap in gaps], constant_values=-1)
    rows, columns = filled.shape[0] // window[0], filled.shape[1] // window[1]
    return filled.reshape(rows, window[0], columns, window[1]).transpose(0, 2, 1, 3).reshape(rows, columns, -1)


FAMILY = Family(
    name="Molmo 2",
    model_types=("molmo2",),
    roles=frozenset({Role.DETECTION, Role.ANSWERING, Role.CAPTIONING}),
    load=Molmo2Model,
    licence="Apache-2.0",
    checkpoints={"allenai/Molmo2-4B": "4.9 B", "allenai/Molmo2-8B": "8.7 B"},
)
