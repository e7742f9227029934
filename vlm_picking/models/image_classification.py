"""Image classifiers of transformers (ResNet, He et al. 2016; ConvNeXt; ViT; DINOv2; ...), asked about boxes close up.

A detector proposes, a classifier looks again at what is in the box with all pixels that the camera has of it, as in
R-CNN (Girshick et al. 2014). A checkpoint with three input channels sees colour; one with six sees the close-ups with
depth of `vlm_picking.closeup`, from which shape and metric size can be told.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from vlm_picking.closeup import as_input, closeups
from vlm_picking.errors import ModelError, did_you_mean
from vlm_picking.frame import RgbdFrame
from vlm_picking.models.base import Role
from vlm_picking.models.boxes import checked_boxes
from vlm_picking.models.class_words import ClassWords
from vlm_picking.models.family import Family
from vlm_picking.models.loading import choose_device, choose_dtype, load_pretrained, read_config
from vlm_picking.models.memory import FrameMemory
from vlm_picking.models.pixels import PixelSpec, processor_settings
from vlm_picking.models.sidecar import Sidecar

_COLOUR, _WITH_DEPTH = 3, 6  # channels
_BOXES_AT_ONCE = 64

_Box = tuple[int, int, int, int]


class ImageClassifier:
    """A `BoxClassifier`.

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
        self._sidecar = Sidecar.read(Path(checkpoint), name=Path(checkpoint).name)
        _require_head(checkpoint, offline=offline)
        from transformers import AutoModelForImageClassification

        self._device, self._dtype = choose_device(device), choose_dtype(dtype)
        model = load_pretrained(AutoModelForImageClassification, checkpoint, offline=offline, dtype=self._dtype)
        self._model = model.to(self._device)
        config = self._model.config
        if config.problem_type not in (None, "single_label_classification"):
            raise ModelError(f"{checkpoint!r} does {config.problem_type}; take a classifier of one label an image")
        self._channels = int(config.num_channels)
        if self._channels not in (_COLOUR, _WITH_DEPTH):
            raise ModelError(
                f"{checkpoint!r} takes {self._channels} channels; train one with num_channels {_COLOUR} (colour) or "
                f"{_WITH_DEPTH} (close-ups with depth, as vlm_picking.closeup makes them)"
            )
        settings = processor_settings(checkpoint, offline=offline)
        if self._channels == _WITH_DEPTH:  # `as_input` scales them; only their size is the checkpoint's own
            settings |= {"do_resize": True, "do_normalize": False}
        self._spec = PixelSpec.of(settings, checkpoint)
        self._side_px = _side_px(self._spec, checkpoint)
        self._mean, self._std = _normalisation(self._spec, settings)
        labels = [config.id2label[i] for i in sorted(config.id2label)]
        self._words = ClassWords.of(labels, self._sidecar.categories, name=self.name)
        self._frames: FrameMemory[dict[_Box, np.ndarray]] = FrameMemory()

    @property
    def name(self) -> str:
        return self._sidecar.name

    @property
    def classes(self) -> tuple[str, ...]:
        return self._words.classes

    def weights(self, phrase: str) -> tuple[float, float, float] | None:
        """See `BoxClassifier.weights`; they are in the checkpoint's sidecar."""
        return self._sidecar.weights(phrase)

    def further_bias(self, phrase: str) -> float:
        """See `BoxClassifier.further_bias`. Of a word for several classes ("fruit") there often are several."""
        return self._sidecar.further_bias if len(self._words.indices(phrase)) == 1 else 0.0

    def outline_weights(self, phrase: str) -> tuple[float, float] | None:
        """See `BoxClassifier.outline_weights`; they are in the checkpoint's sidecar."""
        return self._sidecar.outline_fusion if self.knows(phrase) else None

    def knows(self, phrase: str) -> bool:
        """See `BoxClassifier.knows`."""
        return bool(self._words.indices(phrase))

    def phrase_probability(self, probabilities: np.ndarray, phrase: str) -> np.ndarray:
        """See `BoxClassifier.phrase_probability`."""
        probabilities = np.asarray(probabilities, np.float32)
        if probabilities.ndim != 2 or probabilities.shape[1] != len(self.classes):
            raise ModelError(f"probabilities must be (N, {len(self.classes)}), got {probabilities.shape}")
        indices = self._words.indices(phrase)
        if not indices:
            raise ModelError(
                f"the {self.name} model can't tell {phrase!r} from others; {did_you_mean(phrase, self.classes)}"
            )
        return np.minimum(probabilities[:, list(indices)].sum(axis=1), np.float32(1))

    def classify_boxes(self, frame: RgbdFrame, xyxy: np.ndarray) -> np.ndarray:
        """See `BoxClassifier.classify_boxes`. Boxes are rounded to pixels, and each is looked at once a frame."""
        if not isinstance(frame, RgbdFrame):
            raise ModelError(f"{self.name} looks at boxes of an RgbdFrame, got {type(frame).__name__}")
        height, width = frame.rgb.shape[:2]
        boxes: list[_Box] = [tuple(map(round, box)) for box in checked_boxes(xyxy, height, width).tolist()]
        known = self._frames.get(frame, dict)
        new = [box for box in dict.fromkeys(boxes) if box not in known and box[0] < box[2] and box[1] < box[3]]
        for first in range(0, len(new), _BOXES_AT_ONCE):
            some = new[first : first + _BOXES_AT_ONCE]
            known.update(zip(some, self._look(frame, np.array(some)), strict=True))
        nothing = np.zeros(len(self.classes), np.float32)
        return np.array([known.get(box, nothing) for box in boxes], np.float32).reshape(-1, len(self.classes))

    def _look(self, frame: RgbdFrame, boxes: np.ndarray) -> np.ndarray:
        """Probabilities (n, K) float32 of a few boxes."""
        import torch

        pixels, side_m = closeups(frame, boxes, side_px=self._side_px)
        if self._channels == _WITH_DEPTH:
            values = as_input(pixels, side_m)
        else:
            scaled = (pixels[..., :3] * np.float32(self._spec.scale) - self._mean) / self._std
            values = np.ascontiguousarray(np.moveaxis(scaled, -1, 1))
        with torch.inference_mode():
            try:
                logits = self._model(pixel_values=torch.from_numpy(values).to(self._device, self._dtype)).logits
            except ValueError as error:
                raise ModelError(f"{self.name} can't take close-ups of {self._side_px} px: {error}") from error
            shares = logits.float().softmax(dim=-1).cpu().numpy()
        if not np.isfinite(shares).all():
            raise ModelError(f"{self.name} gave probabilities that are no numbers; with dtype float16 try float32")
        return shares[:, list(self._words.outputs)]


def _require_head(checkpoint: str, *, offline: bool) -> None:
    """Raise ModelError where config.json says that a checkpoint is for something else; ViTs serve many ends."""
    architectures = read_config(checkpoint, offline=offline).get("architectures") or ()
    if architectures and not any("ForImageClassification" in str(name) for name in architectures):
        raise ModelError(
            f"{checkpoint!r} is a {architectures[0]}, without a head that classifies images; fine-tune it with "
            "transformers' AutoModelForImageClassification on your classes, or take a checkpoint that was"
        )


def _side_px(spec: PixelSpec, checkpoint: str) -> int:
    """The side of what the network gets: a close-up has margins of its own, so none is cut off."""
    height, width = spec.crop or (spec.resized(1, 1) if spec.size is not None else (0, 0))
    if height != width or height <= 0:
        raise ModelError(f"the image processor of {checkpoint!r} must name a square size: height and width, 224 each")
    return height


def _normalisation(spec: PixelSpec, settings: Mapping[str, object]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (3,) float32 of scaled grey levels; EfficientNet's processor has steps of its own."""
    mean, std = np.array(spec.mean, np.float32), np.array(spec.std, np.float32)
    if settings.get("rescale_offset"):
        mean = mean + 1
    if settings.get("include_top"):
        std = std * np.array(settings["image_std"], np.float32)
    return mean, std


FAMILY = Family(
    name="Image classifiers",
    model_types=(
        *("resnet", "regnet", "convnext", "convnextv2", "efficientnet", "mobilenet_v1", "mobilenet_v2"),
        *("vit", "deit", "beit", "dinov2", "dinov2_with_registers", "swin", "swinv2"),
    ),
    roles=frozenset({Role.CLASSIFICATION}),
    load=ImageClassifier,
    licence="Apache-2.0; ConvNeXt V2: CC-BY-NC",
    checkpoints={
        "microsoft/resnet-50": "26 M",
        "facebook/convnextv2-tiny-1k-224": "29 M",
        "google/vit-base-patch16-224": "87 M",
        "facebook/dinov2-base-imagenet1k-1-layer": "88 M",
        "microsoft/swin-tiny-patch4-window7-224": "28 M",
        "google/efficientnet-b0": "5 M",
    },
    encode_once=True,
)
