"""SAM by its seam, on a tiny random checkpoint."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="models need torch")
pytest.importorskip("transformers", reason="models need transformers")

from tests.models.pictures import ODD_PICTURES, SLIVERS, blotches, noise  # noqa: E402
from vlm_picking.conformance.tiny.sam import build  # noqa: E402
from vlm_picking.errors import ModelError  # noqa: E402
from vlm_picking.models.base import BoxSegmenter, Role, roles_of  # noqa: E402
from vlm_picking.models.registry import load_detector, load_model  # noqa: E402

BOXES = np.array([[10, 10, 60, 60], [40, 20, 150, 90], [0, 0, 160, 96]], np.float32)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return build(tmp_path_factory.mktemp("sam"))


@pytest.fixture(scope="module")
def segmenter(checkpoint):
    return load_model(str(checkpoint), device="cpu", offline=True)


@pytest.fixture(scope="module")
def library(checkpoint):
    """The library's own model and processor."""
    from transformers import SamImageProcessorPil, SamModel, SamProcessor

    processor = SamProcessor(SamImageProcessorPil.from_pretrained(checkpoint))
    return SamModel.from_pretrained(checkpoint).eval(), processor


def test_it_fits_the_seam(segmenter, checkpoint):
    assert isinstance(segmenter, BoxSegmenter)
    assert roles_of(segmenter) == {Role.BOX_SEGMENTATION}
    assert segmenter.name == checkpoint.name
    with pytest.raises(ModelError, match="no zero-shot detection; it can be used for segmentation by box"):
        load_detector(str(checkpoint), offline=True)


@pytest.mark.parametrize("shape", [(96, 160), (211, 97), (64, 64)])
def test_the_masks_are_the_librarys(segmenter, library, shape):
    import torch

    model, processor = library
    rgb = blotches(*shape)
    boxes = BOXES * np.tile([shape[1] / 160, shape[0] / 96], 2)
    inputs = processor(rgb, input_boxes=[boxes.tolist()], return_tensors="pt")
    with torch.no_grad():
        outputs = model(
            pixel_values=inputs["pixel_values"], input_boxes=inputs["input_boxes"].float(), multimask_output=False
        )
    (stock,) = processor.post_process_masks(
        outputs.pred_masks, inputs["original_sizes"], inputs["reshaped_input_sizes"]
    )
    ours = segmenter.masks(rgb, boxes)
    assert 0.02 < ours.mean() < 0.98, "a mask that is all of one kind proves nothing"
    assert (ours == stock[:, 0].numpy()).mean() > 0.995


@pytest.mark.parametrize("rgb", ODD_PICTURES, ids=lambda rgb: str(rgb.shape))
def test_the_pixels_are_those_of_the_librarys_processor(segmenter, library, rgb):
    from vlm_picking.models.pixels import prepare

    stock = library[1].image_processor(rgb, return_tensors="pt")["pixel_values"]
    ours = prepare(rgb, segmenter._pixels)
    assert ours.shape == stock.shape
    assert (ours - stock).abs().max() < 1.5 / 255 / 0.224


def test_an_image_is_encoded_once(segmenter):
    runs = []
    hook = segmenter._model.vision_encoder.register_forward_hook(lambda *_: runs.append(1))
    rgb = noise(50, 70)
    first = segmenter.masks(rgb, BOXES[:1] / 4)
    np.testing.assert_array_equal(segmenter.masks(rgb.copy(), BOXES[:1] / 4), first)
    segmenter.masks(rgb, BOXES / 4)
    assert len(runs) == 1
    segmenter.masks(255 - rgb, BOXES / 4)
    hook.remove()
    assert len(runs) == 2


def test_many_boxes_are_the_same_as_one_by_one(segmenter):
    rgb = blotches()
    corners = np.random.default_rng(1).uniform(0, 80, (20, 2))
    boxes = np.hstack([corners, corners + 16])
    together = segmenter.masks(rgb, boxes)
    alone = np.concatenate([segmenter.masks(rgb, box[None]) for box in boxes])
    assert together.shape == (20, 96, 160)
    assert (together == alone).mean() > 0.999


@pytest.mark.parametrize("shape", SLIVERS)
def test_slivers_have_masks_too(segmenter, shape):
    masks = segmenter.masks(noise(*shape), [[0, 0, shape[1], shape[0]]])
    assert masks.shape == (1, *shape) and masks.dtype == bool


def test_no_boxes_no_masks(segmenter):
    assert segmenter.masks(blotches(), np.zeros((0, 4))).shape == (0, 96, 160)


def test_what_can_not_be_used_is_refused(segmenter):
    with pytest.raises(ModelError, match="boxes must be"):
        segmenter.masks(blotches(), [[9, 9, 3, 3]])
    with pytest.raises(ModelError, match="uint8"):
        segmenter.masks(np.zeros((8, 8)), BOXES)


def test_lower_precision_gives_nearly_the_same(segmenter, checkpoint):
    coarse = load_model(str(checkpoint), device="cpu", dtype="bfloat16", offline=True)
    assert (coarse.masks(blotches(), BOXES) == segmenter.masks(blotches(), BOXES)).mean() > 0.95
