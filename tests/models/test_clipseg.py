"""CLIPSeg by its seam, on a tiny random checkpoint, and how maps of probability become things."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="models need torch")
transformers = pytest.importorskip("transformers", reason="models need transformers")

from vlm_picking.conformance.tiny.clipseg import build_clipseg  # noqa: E402
from vlm_picking.errors import ModelError  # noqa: E402
from vlm_picking.models.base import roles_of  # noqa: E402
from vlm_picking.models.clipseg import FAMILY, ClipSegmenter, things  # noqa: E402
from vlm_picking.models.registry import load_model  # noqa: E402
from vlm_picking.models.sidecar import Sidecar  # noqa: E402

PHRASES = ["red mug", "mug", "banana"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return build_clipseg(tmp_path_factory.mktemp("clipseg"))


@pytest.fixture(scope="module")
def model(checkpoint):
    return load_model(str(checkpoint), device="cpu")


def blotches(height: int = 96, width: int = 161, *, seed: int = 0) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 255, (-(-height // 16), -(-width // 16), 3), dtype=np.uint8)
    return np.ascontiguousarray(np.kron(small, np.ones((16, 16, 1), np.uint8))[:height, :width])


def test_it_fits_the_seam(model):
    assert roles_of(model) == FAMILY.roles
    assert model.name


@pytest.mark.parametrize("size", [(96, 161), (64, 64), (33, 37), (5, 300)], ids=str)
def test_masks_lie_in_their_boxes_and_boxes_in_the_image(model, size):
    found = model.segment(blotches(*size), PHRASES)
    assert set(found.label) == set(PHRASES)
    assert found.mask.shape == (len(found), *size)
    for box, mask in zip(found.xyxy, found.mask, strict=True):
        rows, columns = np.nonzero(mask)
        assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_the_peak_is_that_of_the_whole_forward_of_the_library(model, checkpoint):
    """On an image of the model's own size nothing is resized."""
    rgb = blotches(64, 64)
    processor = transformers.CLIPSegProcessor.from_pretrained(checkpoint)
    network = transformers.CLIPSegForImageSegmentation.from_pretrained(checkpoint).eval()
    prompts = [f"a photo of a {phrase}" for phrase in PHRASES]
    inputs = processor(text=prompts, images=[rgb] * len(prompts), padding=True, return_tensors="pt")
    with torch.no_grad():
        maps = network(**inputs).logits.sigmoid().numpy()
    found = model.segment(rgb, PHRASES)
    for phrase, probability in zip(PHRASES, maps, strict=True):
        best = found[found.label == phrase].by_score()[0]
        assert best.score[0] == pytest.approx(probability.max(), abs=1e-4)
        row, column = np.unravel_index(probability.argmax(), probability.shape)
        assert best.mask[0, row, column]
        assert (probability[best.mask[0]] > 0.39).all()


def test_phrases_do_not_compete(model, checkpoint):
    rgb = blotches()
    together = model.segment(rgb, PHRASES)
    for phrase in PHRASES:
        alone = ClipSegmenter(checkpoint, device="cpu").segment(rgb, [phrase])
        same = together[together.label == phrase]
        np.testing.assert_allclose(same.score, alone.score, atol=1e-4)
        assert (same.mask == alone.mask).mean() > 0.999


def test_more_phrases_than_are_kept_or_decoded_at_once(model):
    many = [f"mug {i}" for i in range(70)]
    assert list(dict.fromkeys(model.segment(blotches(), many).label)) == many


def test_towers_run_once_for_each_image_and_text(checkpoint):
    model = ClipSegmenter(checkpoint, device="cpu")
    calls = []
    model._model.clip.vision_model.register_forward_hook(lambda *_: calls.append("image"))
    model._model.clip.text_model.register_forward_hook(lambda *_: calls.append("text"))
    model._model.decoder.register_forward_hook(lambda *_: calls.append("decoder"))
    first = model.segment(blotches(), PHRASES)
    again = model.segment(blotches(), PHRASES[::-1])
    assert calls == ["image", "text", "decoder"]
    assert sorted(again.score.tolist()) == sorted(first.score.tolist())
    model.segment(blotches(seed=1), PHRASES)
    assert calls == ["image", "text", "decoder", "image", "decoder"]


def test_a_sidecar_calibrates_scores(tmp_path):
    checkpoint = build_clipseg(tmp_path / "clipseg")
    raw = ClipSegmenter(checkpoint, device="cpu").segment(blotches(64, 64), ["mug"]).score.max()
    Sidecar(name="calibrated", scale=0.1, bias=-3.0).write(checkpoint)
    said = ClipSegmenter(checkpoint, device="cpu").segment(blotches(64, 64), ["mug"]).score.max()
    logit = np.log(raw / (1 - raw))
    assert said == pytest.approx(1 / (1 + np.exp(-(0.1 * logit - 3))), rel=0.02)


def test_no_phrases_is_no_detections(model):
    assert len(model.segment(blotches(), [])) == 0


@pytest.mark.parametrize(
    ("rgb", "phrases", "told"),
    [
        (blotches(), ["mug", " "], "empty phrase"),
        (blotches(), ["mug " * 500], "shorten it"),
        (np.zeros((8, 8), np.uint8), ["mug"], "uint8"),
    ],
    ids=["empty", "too long", "no picture"],
)
def test_what_can_not_be_asked_is_refused(model, rgb, phrases, told):
    with pytest.raises(ModelError, match=told):
        model.segment(rgb, phrases)


def test_weights_that_give_no_numbers_are_an_error(checkpoint):
    model = ClipSegmenter(checkpoint, device="cpu")
    with torch.no_grad():
        model._model.decoder.film_add.bias.fill_(float("nan"))
    with pytest.raises(ModelError, match="no numbers"):
        model.segment(blotches(), ["mug"])


def map_with(**peaks: float) -> np.ndarray:
    """A map of 60 x 100 with two squares, apart: left at (10, 10) of 20 pixels, right at (10, 60) of 10."""
    probability = np.full((60, 100), 0.01, np.float32)
    probability[10:30, 10:30] = peaks.get("left", 0.01)
    probability[10:20, 60:70] = peaks.get("right", 0.01)
    return probability


def test_things_apart_are_told_apart_best_first():
    found = things(map_with(left=0.7, right=0.9), "mug", floor=0.05)
    np.testing.assert_allclose(found.score, [0.9, 0.7])
    assert found.xyxy.tolist() == [[60, 10, 70, 20], [10, 10, 30, 30]]
    assert found.mask.sum(axis=(1, 2)).tolist() == [100, 400]
    assert set(found.label) == {"mug"}


def test_what_is_hardly_there_is_there_with_its_low_score():
    found = things(map_with(left=0.04, right=0.03), "mug", floor=0.05)
    assert found.score.tolist() == [pytest.approx(0.04)]
    assert found.xyxy.tolist() == [[10, 10, 30, 30]]


def test_a_weaker_thing_counts_from_the_floor_on():
    assert len(things(map_with(left=0.3, right=0.2), "mug", floor=0.05)) == 2
    assert len(things(map_with(left=0.3, right=0.2), "mug", floor=0.25)) == 1


def test_specks_are_no_things_unless_nothing_else_is_there():
    wide = np.zeros((200, 200), np.float32)
    wide[10:40, 10:40] = 0.6
    wide[100, 100] = 0.5
    assert len(things(wide, "mug", floor=0.05)) == 1
    wide[10:40, 10:40] = 0.0
    assert things(wide, "mug", floor=0.05).xyxy.tolist() == [[100, 100, 101, 101]]


def test_an_even_map_is_one_thing():
    found = things(np.full((8, 9), 0.2, np.float32), "mug", floor=0.05)
    assert found.xyxy.tolist() == [[0, 0, 9, 8]]
    assert found.mask.all()
