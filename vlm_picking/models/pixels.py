"""From the camera's picture to a model's tensor, on the model's device, as the checkpoint's own processor does it.

torchvision is not needed, nor Pillow.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vlm_picking.errors import ModelError
from vlm_picking.models.loading import hub_is_offline
from vlm_picking.models.memory import checked_image
from vlm_picking.models.resizing import Resample, resize


@dataclass(frozen=True, kw_only=True)
class PixelSpec:
    """What a checkpoint's image processor does with a picture, in this order.

    Args:
        size: how large the picture becomes, as preprocessor_config.json says it: {"height", "width"},
            {"shortest_edge"}, {"shortest_edge", "longest_edge"}, {"longest_edge"}, or None to leave it.
        resample: the filter.
        crop: (h, w) [px] cut from the middle, black where the picture is smaller; None: all of it.
        scale: what grey levels 0..255 are multiplied by.
        mean, std: of each channel, after scaling.
        pad: (h, w) [px] to fill up to with zeros below and to the right, after all else; None: not.
    """

    size: Mapping[str, int] | None
    resample: Resample = Resample.BICUBIC
    crop: tuple[int, int] | None = None
    scale: float = 1 / 255
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    pad: tuple[int, int] | None = None

    @classmethod
    def read(cls, checkpoint: str, *, offline: bool = False, processor: str | None = None) -> "PixelSpec":
        """What the image processor of a checkpoint does.

        Args:
            checkpoint: a directory, or "owner/name" on the hub.
            offline: look into the local cache only.
            processor: the class of transformers whose defaults hold where the file is silent; when None, the class
                that the file names.

        Raises:
            ModelError: there is no such file, or it says what can't be followed.
        """
        return cls.of(processor_settings(checkpoint, offline=offline, processor=processor), checkpoint)

    @classmethod
    def of(cls, settings: Mapping[str, object], checkpoint: str) -> "PixelSpec":
        """The same from settings that were read by `processor_settings`."""
        try:
            resizes, normalises = settings.get("do_resize", True), settings.get("do_normalize", True)
            crops, pads = settings.get("do_center_crop"), settings.get("do_pad") and settings.get("pad_size")
            return cls(
                size=_size(settings["size"]) if resizes else None,
                resample=Resample(settings.get("resample", Resample.BICUBIC)),
                crop=_height_width(settings["crop_size"]) if crops else None,
                scale=float(settings.get("rescale_factor", 1 / 255)) if settings.get("do_rescale", True) else 1.0,
                mean=tuple(map(float, settings["image_mean"])) if normalises else (0.0, 0.0, 0.0),
                std=tuple(map(float, settings["image_std"])) if normalises else (1.0, 1.0, 1.0),
                pad=_height_width(settings["pad_size"]) if pads else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"the image processor of {checkpoint!r} can't be followed: {error!r}") from error

    def resized(self, height: int, width: int) -> tuple[int, int]:
        """The size (h, w) [px] to which a picture of (height, width) is resized, before cropping and padding."""
        if self.size is None:
            return height, width
        if "height" in self.size:
            return self.size["height"], self.size["width"]
        short, long = sorted((height, width))
        edge, limit = self.size.get("shortest_edge"), self.size.get("longest_edge")
        if edge is None:  # in SAM's way
            return tuple(max(1, int(side * (limit / long) + 0.5)) for side in (height, width))
        exact_edge = float(edge)
        if limit is not None and long / short * edge > limit:  # in DETR's way
            exact_edge = limit * short / long
            edge = round(exact_edge)
        long_edge = int(exact_edge * long / short) if edge != short else long
        return (edge, long_edge) if height <= width else (long_edge, edge)


def processor_settings(checkpoint: str, *, offline: bool = False, processor: str | None = None) -> dict[str, object]:
    """preprocessor_config.json (or the image part of processor_config.json), filled up with the defaults of its class.

    Arguments and errors as for `PixelSpec.read`.
    """
    import transformers
    from transformers.image_processing_base import ImageProcessingMixin

    try:
        settings, _ = ImageProcessingMixin.get_image_processor_dict(
            checkpoint, local_files_only=offline or hub_is_offline()
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        why = (str(error).strip() or repr(error)).splitlines()[0]
        raise ModelError(f"{checkpoint!r} has no image processor: {why}") from error
    named = str(settings.get("image_processor_type") or settings.get("feature_extractor_type") or "")
    named = named.removesuffix("Fast").replace("FeatureExtractor", "ImageProcessor") + "Pil"
    defaults = getattr(transformers, processor or named, None)
    if defaults is None:
        return settings
    try:
        filled = vars(defaults(**settings))
    except (TypeError, ValueError) as error:
        raise ModelError(f"the image processor of {checkpoint!r} can't be followed: {error}") from error
    return settings | {key: value for key, value in filled.items() if value is not None}


def prepare(rgb: np.ndarray, spec: PixelSpec, *, device: str = "cpu", dtype=None):
    """A picture (H, W, 3) uint8 as a model wants it: a tensor (1, 3, h, w) on `device`, of `dtype` or float32.

    Raises:
        ModelError: it is no picture.
    """
    from torch.nn.functional import pad

    picture = as_tensor(rgb, device=device)
    picture = resize(picture, spec.resized(*rgb.shape[:2]), spec.resample)
    if spec.crop is not None:
        down, right = (wanted - have for wanted, have in zip(spec.crop, picture.shape[1:], strict=True))
        top, left = -(-down // 2), -(-right // 2)
        picture = pad(picture, (left, right - left, top, down - top))
    return normalised(picture, spec, dtype=dtype)


def normalised(picture, spec: PixelSpec, *, dtype=None):
    """The last steps of `prepare`: a tensor (3, H, W), 0..255, scaled, normalised and padded to (1, 3, h, w)."""
    import torch
    from torch.nn.functional import pad

    mean, std = (torch.tensor(values, device=picture.device)[:, None, None] for values in (spec.mean, spec.std))
    picture = (picture * spec.scale - mean) / std
    if spec.pad is not None:
        picture = pad(picture, (0, spec.pad[1] - picture.shape[2], 0, spec.pad[0] - picture.shape[1]))
    return picture[None].to(dtype or torch.float32)


def as_tensor(rgb: np.ndarray, *, device: str = "cpu"):
    """A picture (H, W, 3) uint8 as a tensor (3, H, W) float32, 0..255, on `device`; it travels there as uint8."""
    import torch

    rgb = checked_image(rgb)
    if not rgb.flags.writeable:
        rgb = rgb.copy()  # torch warns of arrays that it could write through
    return torch.from_numpy(rgb).to(device).permute(2, 0, 1).float()


def _size(size: object) -> dict[str, int]:
    """A size of preprocessor_config.json as one of the rules of `PixelSpec`."""
    if isinstance(size, int):
        return {"height": size, "width": size}
    kept = {key: int(value) for key, value in dict(size).items() if value is not None}
    if set(kept) not in ({"height", "width"}, {"shortest_edge"}, {"shortest_edge", "longest_edge"}, {"longest_edge"}):
        raise ValueError(f"no rule for the size {kept}")
    return kept


def _height_width(size: object) -> tuple[int, int]:
    size = _size(size)
    return size["height"], size["width"]
