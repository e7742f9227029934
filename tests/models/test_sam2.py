"""SAM 2 by its seam, on tiny random checkpoints: the still-image model, and the video model as the hub has it."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="models need torch")
pytest.importorskip("transformers", reason="models need transformers")

from tests.models.pictures import ODD_PICTURES, SLIVERS, blotches, noise  # noqa: E402
from vlm_picking.conformance.tiny.sam2 import TINY  # noqa: E402
from vlm_picking.models.base import Role, roles_of  # noqa: E402
from vlm_picking.models.registry import load_model  # noqa: E402

BOXES = np.array([[10, 10, 60, 60], [40, 20, 150, 90], [0, 0, 160, 96]], np.float32)


@pytest.fixture(scope="module", params=TINY)
def checkpoint(request, tmp_path_factory):
    return TINY[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def segmenter(checkpoint):
    return load_model(str(checkpoint), device="cpu", offline=True)


def by_the_documented_rule(rgb: np.ndarray, side: int):
    """The class that processes images needs torchvision; what it does: squash to a square, ImageNet's mean and std."""
    import torch
    from PIL import Image

    square = np.asarray(Image.fromarray(rgb).resize((side, side), Image.Resampling.BILINEAR), np.float32) / 255
    square = (square - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    return torch.from_numpy(square.transpose(2, 0, 1)[None].astype(np.float32))


def test_it_fits_the_seam(segmenter, checkpoint):
    assert roles_of(segmenter) == {Role.BOX_SEGMENTATION}
    assert segmenter.name == checkpoint.name


@pytest.mark.parametrize("rgb", ODD_PICTURES, ids=lambda rgb: str(rgb.shape))
def test_the_pixels_follow_the_documented_rule(segmenter, rgb):
    from vlm_picking.models.pixels import prepare

    assert (prepare(rgb, segmenter._pixels) - by_the_documented_rule(rgb, 128)).abs().max() < 1.5 / 255 / 0.224


def test_the_masks_are_those_of_the_whole_forward(segmenter, checkpoint):
    import torch
    from torch.nn.functional import interpolate
    from transformers import Sam2Model

    rgb = blotches()
    model = Sam2Model.from_pretrained(checkpoint).eval()
    boxes = torch.from_numpy(BOXES * np.tile([128 / 160, 128 / 96], 2))[None].float()
    with torch.no_grad():
        outputs = model(by_the_documented_rule(rgb, 128), input_boxes=boxes, multimask_output=False)
    stock = interpolate(outputs.pred_masks[0], (96, 160), mode="bilinear")[:, 0] > 0
    ours = segmenter.masks(rgb, BOXES)
    assert 0.02 < ours.mean() < 0.98, "a mask that is all of one kind proves nothing"
    assert (ours == stock.numpy()).mean() > 0.995


def test_an_image_is_encoded_once(segmenter):
    runs = []
    hook = segmenter._model.vision_encoder.register_forward_hook(lambda *_: runs.append(1))
    rgb = noise(50, 70)
    first = segmenter.masks(rgb, BOXES[:1] / 4)
    np.testing.assert_array_equal(segmenter.masks(rgb.copy(), BOXES[:1] / 4), first)
    segmenter.masks(rgb, BOXES / 4)
    hook.remove()
    assert len(runs) == 1


@pytest.mark.parametrize("shape", SLIVERS)
def test_slivers_have_masks_too(segmenter, shape):
    masks = segmenter.masks(noise(*shape), [[0, 0, shape[1], shape[0]]])
    assert masks.shape == (1, *shape) and masks.dtype == bool


def test_many_boxes_are_the_same_as_one_by_one(segmenter):
    rgb = blotches()
    corners = np.random.default_rng(1).uniform(0, 80, (20, 2))
    boxes = np.hstack([corners, corners + 16])
    alone = np.concatenate([segmenter.masks(rgb, box[None]) for box in boxes])
    assert (segmenter.masks(rgb, boxes) == alone).mean() > 0.999
    assert segmenter.masks(rgb, boxes[:0]).shape == (0, 96, 160)


def test_lower_precision_gives_nearly_the_same(segmenter, checkpoint):
    coarse = load_model(str(checkpoint), device="cpu", dtype="bfloat16", offline=True)
    assert (coarse.masks(blotches(), BOXES) == segmenter.masks(blotches(), BOXES)).mean() > 0.95
