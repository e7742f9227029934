"""Grounding DINO and MM-Grounding DINO by their seam, on tiny random checkpoints."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="models need torch")
pytest.importorskip("transformers", reason="models need transformers")

from tests.models.pictures import ODD_PICTURES, SLIVERS, blotches, noise  # noqa: E402
from vlm_picking.conformance.tiny.grounding_dino import TINY  # noqa: E402
from vlm_picking.detections import box_iou  # noqa: E402
from vlm_picking.errors import ModelError  # noqa: E402
from vlm_picking.models.base import Role, roles_of  # noqa: E402
from vlm_picking.models.registry import load_detector  # noqa: E402

PHRASES = ["mug", "red mug", "apple"]
START, END, STOP, QUESTION = 101, 102, 1012, 1029


@pytest.fixture(scope="module", params=TINY)
def checkpoint(request, tmp_path_factory):
    return TINY[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def detector(checkpoint):
    return load_detector(str(checkpoint), device="cpu", offline=True)


@pytest.fixture
def asked(detector):
    """The texts, as token ids, that the whole model was run with."""
    ids = []
    hook = detector._model.register_forward_pre_hook(
        lambda _, args, options: ids.append(options["input_ids"][0].tolist()), with_kwargs=True
    )
    yield ids
    hook.remove()


@pytest.fixture(scope="module")
def library(checkpoint):
    """The library's own model and processor."""
    from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor

    model = AutoModelForZeroShotObjectDetection.from_pretrained(checkpoint, attn_implementation="eager")
    return model.eval(), AutoProcessor.from_pretrained(checkpoint)


def test_it_fits_the_seam(detector, checkpoint):
    assert roles_of(detector) == {Role.DETECTION}
    assert detector.vocabulary is None and detector.classes == () and detector.colours is None
    assert detector.name == checkpoint.name


@pytest.mark.parametrize("shape", [(96, 160), (160, 96), (301, 211)])
def test_scores_and_boxes_are_those_of_the_whole_forward(detector, library, shape):
    import torch

    model, processor = library
    rgb = blotches(*shape)
    inputs = processor(images=rgb, text=[PHRASES], return_tensors="pt")
    with torch.no_grad():
        outputs = model(**inputs)
    probability = outputs.logits[0].sigmoid().numpy()
    ids = inputs["input_ids"][0].tolist()
    spans, first = [], 1
    while first < len(ids) - 1:
        last = ids.index(STOP, first)
        spans.append(slice(first, last))
        first = last + 1
    found = detector.detect(rgb, PHRASES)
    for phrase, span in zip(PHRASES, spans, strict=True):
        scores = probability[:, span].mean(axis=1)
        x, y, w, h = outputs.pred_boxes[0, int(scores.argmax())].numpy()
        box = np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2]) * np.tile(shape[::-1], 2)
        best = found[found.label == phrase].by_score()[0]
        assert best.score[0] == pytest.approx(scores.max(), abs=2e-3)
        assert box_iou(best.xyxy, np.clip(box, 0, np.tile(shape[::-1], 2))[None])[0, 0] > 0.9


@pytest.mark.parametrize("rgb", ODD_PICTURES, ids=lambda rgb: str(rgb.shape))
def test_the_pixels_are_those_of_the_librarys_processor(detector, library, rgb):
    from vlm_picking.models.pixels import prepare

    stock = library[1].image_processor(rgb, return_tensors="pt")["pixel_values"]
    ours = prepare(rgb, detector._pixels)
    assert ours.shape == stock.shape
    assert (ours - stock).abs().max() < 1.5 / 255 / 0.224


def test_every_phrase_has_its_best_box_and_boxes_lie_in_the_image(detector):
    found = detector.detect(blotches(), PHRASES)
    assert set(found.label) == set(PHRASES)
    assert (found.xyxy >= 0).all() and (found.xyxy <= [160, 96, 160, 96]).all()
    for phrase in PHRASES:
        xyxy = found[found.label == phrase].xyxy
        overlap = box_iou(xyxy, xyxy)
        np.fill_diagonal(overlap, 0)
        assert overlap.max(initial=0) <= 0.4 + 1e-6


def test_the_backbone_runs_once_and_the_same_question_costs_nothing(detector, asked):
    rgb = noise(70, 90)
    runs = []
    hook = detector._model.model.backbone.conv_encoder.register_forward_hook(lambda *_: runs.append(1))
    first = detector.detect(rgb, PHRASES)
    again = detector.detect(rgb.copy(), PHRASES)
    assert (len(runs), len(asked)) == (1, 1)
    np.testing.assert_array_equal(first.xyxy, again.xyxy)
    other = detector.detect(rgb, ["banana"])
    assert (len(runs), len(asked)) == (1, 2)
    detector.detect(255 - rgb, ["banana"])
    hook.remove()
    assert (len(runs), len(asked)) == (2, 3)
    np.testing.assert_allclose(detector.detect(rgb, ["banana"]).xyxy, other.xyxy, atol=1e-3)


def test_more_phrases_than_one_text_holds_go_in_several_passes(detector, asked):
    nouns = ("mug", "cup", "bowl", "fork", "apple", "spoon", "bottle", "box")
    places = ("left", "right", "open", "closed", "empty", "full", "on the table", "in the box", "of a crate")
    phrases = [f"{noun} {place}" for noun in nouns for place in places]
    found = detector.detect(blotches(), phrases)
    assert set(found.label) == set(phrases)
    assert len(asked) >= 2 and max(map(len, asked)) <= detector._model.config.max_text_len
    assert sum(ids.count(STOP) for ids in asked) == len(phrases)


@pytest.mark.parametrize("phrase", ["red. mug", "mug? [SEP]", "[CLS] mug [PAD]", "red mug.", "\x00mug", "Red MUG ☕"])
def test_no_text_of_an_operator_parts_phrases(detector, asked, phrase):
    found = detector.detect(blotches(), [phrase, "apple"])
    assert set(found.label) == {phrase, "apple"}
    (ids,) = asked
    assert ids[0] == START and ids[-1] == END and ids.count(START) == ids.count(END) == 1
    assert ids.count(STOP) == 2 and QUESTION not in ids and 0 not in ids


def test_capitals_do_not_matter(detector, asked):
    detector.detect(blotches(), ["RED Mug"])
    detector.detect(blotches(), ["red mug"])
    assert asked[0] == asked[1]


@pytest.mark.parametrize(
    ("phrases", "told"),
    [(["mug", " "], "empty phrase"), (["mug", "?!."[:1]], "no word"), (["mug " * 300], "shorten it")],
    ids=["empty", "no word", "too long"],
)
def test_phrases_that_can_not_be_asked(detector, phrases, told):
    with pytest.raises(ModelError, match=told):
        detector.detect(blotches(), phrases)


def test_no_phrases_is_no_detections(detector):
    assert len(detector.detect(blotches(), [])) == 0


@pytest.mark.parametrize("shape", SLIVERS)
def test_slivers_are_looked_at_too(detector, shape):
    found = detector.detect(noise(*shape), ["mug"])
    assert len(found) and (found.xyxy <= np.tile(shape[::-1], 2)).all()


def test_lower_precision_gives_nearly_the_same(detector, checkpoint):
    coarse = load_detector(str(checkpoint), device="cpu", dtype="bfloat16", offline=True)
    scores = [model.detect(blotches(), PHRASES).by_score().score[0] for model in (coarse, detector)]
    assert scores[0] == pytest.approx(scores[1], abs=0.05)


def test_a_tokenizer_that_parts_phrases_otherwise_is_refused(checkpoint, tmp_path):
    import shutil

    from vlm_picking.conformance.tiny._tokenizers import bert_like

    shutil.copytree(checkpoint, tmp_path / "model")
    bert_like(pinned={"[CLS]": 5}).save_pretrained(tmp_path / "model")
    with pytest.raises(ModelError, match="BERT's English vocabulary"):
        load_detector(str(tmp_path / "model"), device="cpu", offline=True)
