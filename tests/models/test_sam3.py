"""SAM 3 by its seam, on a tiny random checkpoint."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="models need torch")
pytest.importorskip("transformers", reason="models need transformers")

from tests.models.pictures import ODD_PICTURES, SLIVERS, blotches, noise  # noqa: E402
from vlm_picking.conformance.tiny.sam3 import build  # noqa: E402
from vlm_picking.errors import ModelError  # noqa: E402
from vlm_picking.models.base import Role, roles_of  # noqa: E402
from vlm_picking.models.registry import load_detector, load_model  # noqa: E402

PHRASES = ["mug", "red mug", "apple"]
BOXES = np.array([[10, 10, 60, 60], [40, 20, 150, 90], [0, 0, 160, 96]], np.float32)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return build(tmp_path_factory.mktemp("sam3"))


@pytest.fixture(scope="module")
def segmenter(checkpoint):
    return load_model(str(checkpoint), device="cpu", offline=True)


def by_the_documented_rule(rgb: np.ndarray):
    """The class that processes images needs torchvision; what it does: squash to a square, from -1 to 1."""
    import torch
    from PIL import Image

    square = np.asarray(Image.fromarray(rgb).resize((112, 112), Image.Resampling.BILINEAR), np.float32)
    return torch.from_numpy((square / 127.5 - 1).transpose(2, 0, 1)[None])


def test_it_fits_the_seam(segmenter, checkpoint):
    assert roles_of(segmenter) == {Role.DETECTION, Role.PHRASE_SEGMENTATION, Role.BOX_SEGMENTATION}
    assert segmenter.vocabulary is None and segmenter.classes == () and segmenter.colours is None
    assert segmenter.name == checkpoint.name


@pytest.mark.parametrize("rgb", ODD_PICTURES, ids=lambda rgb: str(rgb.shape))
def test_the_pixels_follow_the_documented_rule(segmenter, rgb):
    from vlm_picking.models.pixels import prepare

    assert (prepare(rgb, segmenter._pixels) - by_the_documented_rule(rgb)).abs().max() < 1.5 / 255 / 0.5


def test_phrases_find_what_the_whole_forward_finds(segmenter, checkpoint):
    import torch
    from torch.nn.functional import interpolate
    from transformers import CLIPTokenizer, Sam3Model

    rgb = blotches()
    model = Sam3Model.from_pretrained(checkpoint).eval()
    text = CLIPTokenizer.from_pretrained(checkpoint)(
        "red mug", padding="max_length", max_length=32, return_tensors="pt"
    )
    with torch.no_grad():
        outputs = model(pixel_values=by_the_documented_rule(rgb), **text)
    scores = (outputs.pred_logits.sigmoid() * outputs.presence_logits.sigmoid())[0]
    best = int(scores.argmax())
    box = np.clip(outputs.pred_boxes[0, best].numpy() * [160, 96, 160, 96], 0, [160, 96, 160, 96])
    mask = interpolate(outputs.pred_masks[:, best : best + 1].sigmoid(), (96, 160), mode="bilinear")[0, 0] > 0.5
    ours = segmenter.segment(rgb, ["red mug"]).by_score()[0]
    assert ours.score[0] == pytest.approx(float(scores[best]), abs=1e-3)
    assert np.abs(ours.xyxy[0] - box).max() < 0.5
    assert 0.02 < ours.mask[0].mean() < 0.98, "a mask that is all of one kind proves nothing"
    assert (ours.mask[0] == mask.numpy()).mean() > 0.99


def test_boxes_give_the_masks_of_the_librarys_own_tracker(segmenter, checkpoint):
    import torch
    from torch.nn.functional import interpolate
    from transformers import Sam3TrackerModel

    rgb = blotches()
    model = Sam3TrackerModel.from_pretrained(checkpoint).eval()
    boxes = torch.from_numpy(BOXES * np.tile([112 / 160, 112 / 96], 2))[None].float()
    with torch.no_grad():
        outputs = model(by_the_documented_rule(rgb), input_boxes=boxes, multimask_output=False)
    stock = interpolate(outputs.pred_masks[0], (96, 160), mode="bilinear")[:, 0] > 0
    ours = segmenter.masks(rgb, BOXES)
    assert 0.02 < ours.mean() < 0.98
    assert (ours == stock.numpy()).mean() > 0.995


def test_every_phrase_has_its_best_box_with_a_mask(segmenter):
    found = segmenter.segment(blotches(), PHRASES)
    assert set(found.label) == set(PHRASES)
    assert found.mask.shape == (len(found), 96, 160)
    assert (found.xyxy >= 0).all() and (found.xyxy <= [160, 96, 160, 96]).all()
    np.testing.assert_array_equal(segmenter.detect(blotches(), PHRASES).xyxy, found.xyxy)


def test_phrases_never_influence_each_other(segmenter, checkpoint):
    rgb = blotches(seed=3)
    phrases = [
        f"{colour} {noun}" for colour in ("red", "blue", "green", "white") for noun in ("mug", "cup", "box", "fork")
    ]
    together = segmenter.segment(rgb, phrases)
    other = load_model(str(checkpoint), device="cpu", offline=True)
    for phrase in phrases[::5]:
        alone = other.segment(rgb, [phrase])
        same = together[together.label == phrase]
        np.testing.assert_allclose(same.score, alone.score, atol=1e-5)
        np.testing.assert_allclose(same.xyxy, alone.xyxy, atol=1e-2)


def test_the_image_is_encoded_once_for_phrases_and_boxes(segmenter):
    encoded, decoded = [], []
    segmenter._detector.vision_encoder.register_forward_hook(lambda *_: encoded.append(1))
    segmenter._detector.detr_decoder.register_forward_hook(lambda *_: decoded.append(1))
    rgb = noise(70, 90)
    first = segmenter.segment(rgb, PHRASES)
    segmenter.masks(rgb, BOXES[:1] / 2)
    again = segmenter.segment(rgb.copy(), [*PHRASES, "banana"])
    assert (len(encoded), len(decoded)) == (1, 4), "what was asked before is remembered"
    np.testing.assert_array_equal(again[: len(first)].xyxy, first.xyxy)
    segmenter.masks(255 - rgb, BOXES[:1] / 2)
    assert len(encoded) == 2


def test_presence_weighs_every_score(segmenter):
    """An image that shows no such thing lowers all its boxes."""
    import torch

    rgb = blotches(seed=5)
    head = segmenter._detector.detr_decoder.presence_head
    last = [module for module in head.modules() if isinstance(module, torch.nn.Linear)][-1]
    before = segmenter.segment(rgb, ["mug"]).by_score().score[0]
    bias = last.bias.clone()
    last.bias -= 8
    segmenter.segment(255 - rgb, ["mug"])
    after = segmenter.segment(rgb, ["mug"]).by_score().score
    last.bias.copy_(bias)
    assert before > 0.1 and len(after) == 1 and after[0] < 0.01


@pytest.mark.parametrize("phrase", ["mug <|endoftext|> apple", "<|startoftext|>mug", "\x00mug", "Red MUG ☕"])
def test_no_text_of_an_operator_is_a_control_token(segmenter, phrase):
    ids = []
    hook = segmenter._detector.text_encoder.register_forward_pre_hook(
        lambda _, args, options: ids.append(options["input_ids"]), with_kwargs=True
    )
    assert set(segmenter.segment(blotches(), [phrase]).label) == {phrase}
    hook.remove()
    tokenizer = segmenter._tokenizer
    assert (ids[0] == tokenizer.eos_token_id).sum() == (ids[0] == tokenizer.bos_token_id).sum() == 1


@pytest.mark.parametrize(
    ("phrases", "told"), [(["mug", " "], "empty phrase"), (["mug " * 300], "shorten it")], ids=["empty", "too long"]
)
def test_phrases_that_can_not_be_asked(segmenter, phrases, told):
    with pytest.raises(ModelError, match=told):
        segmenter.segment(blotches(), phrases)


def test_nothing_asked_nothing_found(segmenter):
    assert len(segmenter.segment(blotches(), [])) == 0
    assert segmenter.masks(blotches(), np.zeros((0, 4))).shape == (0, 96, 160)


@pytest.mark.parametrize("shape", SLIVERS)
def test_slivers_are_looked_at_too(segmenter, shape):
    found = segmenter.segment(noise(*shape), ["mug"])
    assert len(found) and found.mask.shape[1:] == shape
    assert segmenter.masks(noise(*shape), [[0, 0, shape[1], shape[0]]]).shape == (1, *shape)


def test_lower_precision_gives_nearly_the_same(segmenter, checkpoint):
    coarse = load_detector(str(checkpoint), device="cpu", dtype="bfloat16", offline=True)
    scores = [model.detect(blotches(), PHRASES).by_score().score[0] for model in (coarse, segmenter)]
    assert scores[0] == pytest.approx(scores[1], abs=0.05)
    assert (coarse.masks(blotches(), BOXES) == segmenter.masks(blotches(), BOXES)).mean() > 0.95
