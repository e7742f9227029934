"""SAM 2 (Ravi et al. 2024): as SAM, the mask of the thing in a box, with a faster image encoder (Hiera).

Its image checkpoints carry the video model too; only the part for still images is loaded.
"""

from pathlib import Path

import numpy as np

from vlm_picking.models.base import Role
from vlm_picking.models.boxes import full_size, masks_in_boxes
from vlm_picking.models.family import Family
from vlm_picking.models.loading import choose_device, choose_dtype, load_pretrained
from vlm_picking.models.memory import ImageMemory
from vlm_picking.models.pixels import PixelSpec, Resample, prepare, processor_settings
from vlm_picking.models.sidecar import Sidecar

# What its image processor does where preprocessor_config.json is silent; the class itself needs torchvision.
PROCESSOR_DEFAULTS = {
    "size": {"height": 1024, "width": 1024},
    "resample": Resample.BILINEAR,
    "image_mean": (0.485, 0.456, 0.406),
    "image_std": (0.229, 0.224, 0.225),
}


class Sam2Segmenter:
    """A `BoxSegmenter`.

    Args:
        checkpoint: a directory as `save_pretrained` writes it, or "owner/name" on the hub.
        device: "auto", "cpu", "cuda" or "cuda:N".
        dtype: of the image encoder, "float32", "bfloat16" or "float16"; prompts and masks are always float32.
        offline: never ask the hub.

    Raises:
        ModelError: the checkpoint, the device or the type can't be used.
    """

    def __init__(
        self, checkpoint: str | Path, *, device: str = "auto", dtype: str = "float32", offline: bool = False
    ) -> None:
        checkpoint = str(checkpoint)
        from transformers import Sam2Model

        self._device = choose_device(device)
        self._dtype = choose_dtype(dtype)
        self._model = load_pretrained(Sam2Model, checkpoint, offline=offline).to(self._device).requires_grad_(False)
        self._model.vision_encoder.to(self._dtype)
        for projection in (self._model.mask_decoder.conv_s0, self._model.mask_decoder.conv_s1):
            projection.to(self._dtype)  # they belong to the decoder, but work while the image is encoded
        settings = processor_settings(checkpoint, offline=offline)
        self._pixels = PixelSpec.of(PROCESSOR_DEFAULTS | settings, checkpoint)
        self._sidecar = Sidecar.read(Path(checkpoint), name=Path(checkpoint).name)
        self._images: ImageMemory[list] = ImageMemory()

    @property
    def name(self) -> str:
        return self._sidecar.name

    def masks(self, rgb: np.ndarray, xyxy: np.ndarray) -> np.ndarray:
        """See `BoxSegmenter.masks`."""
        import torch

        with torch.inference_mode():
            embeddings = self._images.get(rgb, self._look)
            height, width = rgb.shape[:2]
            side = self._pixels.resized(height, width)

            def decode(boxes: np.ndarray) -> np.ndarray:
                boxes = boxes * np.tile([side[1] / width, side[0] / height], 2)
                boxes = torch.from_numpy(boxes.astype(np.float32)).to(self._device)
                outputs = self._model(image_embeddings=embeddings, input_boxes=boxes[None], multimask_output=False)
                return full_size(outputs.pred_masks[0, :, 0], (height, width))

            return masks_in_boxes(xyxy, height, width, decode)

    def _look(self, rgb: np.ndarray) -> list:
        """Image embeddings of three scales, (1, D, h, w) float32 each."""
        pixels = prepare(rgb, self._pixels, device=self._device, dtype=self._dtype)
        return [level.float() for level in self._model.get_image_embeddings(pixels)]


FAMILY = Family(
    name="SAM 2",
    model_types=("sam2", "sam2_video"),
    roles=frozenset({Role.BOX_SEGMENTATION}),
    load=Sam2Segmenter,
    licence="Apache-2.0",
    checkpoints={
        "facebook/sam2.1-hiera-tiny": "39 M",
        "facebook/sam2.1-hiera-base-plus": "81 M",
        "facebook/sam2.1-hiera-large": "224 M",
    },
    encode_once=True,
    compiled=True,
)
