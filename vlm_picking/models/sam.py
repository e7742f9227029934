"""SAM (Kirillov et al. 2023): the mask of the thing in a box. The image is encoded once; a box more costs little."""

from pathlib import Path

import numpy as np

from vlm_picking.models.base import Role
from vlm_picking.models.boxes import full_size, masks_in_boxes
from vlm_picking.models.family import Family
from vlm_picking.models.loading import choose_device, choose_dtype, load_pretrained
from vlm_picking.models.memory import ImageMemory
from vlm_picking.models.pixels import PixelSpec, prepare
from vlm_picking.models.sidecar import Sidecar


class SamSegmenter:
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
        from transformers import SamModel

        self._device = choose_device(device)
        self._dtype = choose_dtype(dtype)
        self._model = load_pretrained(SamModel, checkpoint, offline=offline).to(self._device).requires_grad_(False)
        self._model.vision_encoder.to(self._dtype)
        self._pixels = PixelSpec.read(checkpoint, offline=offline, processor="SamImageProcessorPil")
        self._sidecar = Sidecar.read(Path(checkpoint), name=Path(checkpoint).name)
        self._images: ImageMemory[object] = ImageMemory()

    @property
    def name(self) -> str:
        return self._sidecar.name

    def masks(self, rgb: np.ndarray, xyxy: np.ndarray) -> np.ndarray:
        """See `BoxSegmenter.masks`."""
        import torch

        with torch.inference_mode():
            embeddings = self._images.get(rgb, self._look)
            height, width = rgb.shape[:2]
            inner = self._pixels.resized(height, width)

            def decode(boxes: np.ndarray) -> np.ndarray:
                boxes = boxes * np.tile([inner[1] / width, inner[0] / height], 2)
                boxes = torch.from_numpy(boxes.astype(np.float32)).to(self._device)
                outputs = self._model(image_embeddings=embeddings, input_boxes=boxes[None], multimask_output=False)
                return full_size(outputs.pred_masks[0, :, 0], (height, width), inner, padded=self._pixels.pad)

            return masks_in_boxes(xyxy, height, width, decode)

    def _look(self, rgb: np.ndarray):
        """Image embeddings (1, D, h, w) float32."""
        pixels = prepare(rgb, self._pixels, device=self._device, dtype=self._dtype)
        return self._model.get_image_embeddings(pixels).float()


FAMILY = Family(
    name="SAM",
    model_types=("sam",),
    roles=frozenset({Role.BOX_SEGMENTATION}),
    load=SamSegmenter,
    licence="Apache-2.0",
    checkpoints={
        "facebook/sam-vit-base": "94 M",
        "facebook/sam-vit-large": "312 M",
        "facebook/sam-vit-huge": "641 M",
    },
    encode_once=True,
    compiled=True,
)
