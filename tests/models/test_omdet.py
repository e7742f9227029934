"""OmDet-Turbo by its seam, on a tiny random checkpoint."""

import json
import shutil

import numpy as np
import pytest

pytest.importorskip("torch", reason="models need torch")
pytest.importorskip("transformers", reason="models need transformers")

from tests.models.pictures import ODD_PICTURES, SLIVERS, blotches, noise  # noqa: E402
from vlm_picking.conformance.tiny.omdet import build  # noqa: E402
from vlm_picking.detections import box_iou  # noqa: E402
from vlm_picking.errors import ModelError  # noqa: E402
from vlm_picking.models.base import Role, roles_of  # noqa: E402
from vlm_picking.models.registry import load_detector  # noqa: E402

PHRASES = ["mug", "red mug", "apple"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return build(tmp_path_factory.mktemp("omdet"))


@pytest.fixture(scope="module")
def detector(checkpoint):
    return load_detector(str(checkpoint), device="cpu", offline=True)


def decoder_runs(detector) -> list:
    """Grows by one with every run of the decoder."""
    runs = []
    detector._model.decoder.register_forward_hook(lambda *_: runs.append(1))
    return runs


def test_it_fits_the_seam(detector, checkpoint):
    assert roles_of(detector) == {Role.DETECTION}
    assert detector.vocabulary is None and detector.classes == () and detector.colours is None
    assert detector.name == checkpoint.name


@pytest.mark.parametrize("shape", [(96, 160), (301, 211)])
def test_scores_and_boxes_are_those_of_the_whole_forward(detector, checkpoint, shape):
    """With the texts padded to 77 tokens, as the library's processor (which needs torchvision) has them."""
    import torch
    from transformers import CLIPTokenizer, DetrImageProcessorPil, OmDetTurboForObjectDetection

    rgb = blotches(*shape)
    model = OmDetTurboForObjectDetection.from_pretrained(checkpoint, attn_implementation="eager").eval()
    tokenizer = CLIPTokenizer.from_pretrained(checkpoint)
    padding = {"padding": "max_length", "max_length": 77, "return_tensors": "pt"}
    classes, task = tokenizer(PHRASES, **padding), tokenizer(["Detect mug, red mug, apple."], **padding)
    with torch.no_grad():
        outputs = model(
            pixel_values=DetrImageProcessorPil.from_pretrained(checkpoint)(rgb, return_tensors="pt")["pixel_values"],
            classes_input_ids=classes["input_ids"],
            classes_attention_mask=classes["attention_mask"],
            tasks_input_ids=task["input_ids"],
            tasks_attention_mask=task["attention_mask"],
            classes_structure=torch.tensor([3]),
        )
    probability = outputs.decoder_class_logits[0].sigmoid().numpy()
    found = detector.detect(rgb, PHRASES)
    for column, phrase in enumerate(PHRASES):
        scores = probability[:, column]
        x, y, w, h = outputs.decoder_coord_logits[0, int(scores.argmax())].numpy()
        box = np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2]) * np.tile(shape[::-1], 2)
        best = found[found.label == phrase].by_score()[0]
        assert best.score[0] == pytest.approx(scores.max(), abs=2e-3)
        assert np.abs(best.xyxy[0] - np.clip(box, 0, np.tile(shape[::-1], 2))).max() < 1.0


@pytest.mark.parametrize("rgb", ODD_PICTURES, ids=lambda rgb: str(rgb.shape))
def test_the_pixels_are_those_of_the_librarys_processor(detector, checkpoint, rgb):
    from transformers import DetrImageProcessorPil

    from vlm_picking.models.pixels import prepare

    stock = DetrImageProcessorPil.from_pretrained(checkpoint)(rgb, return_tensors="pt")["pixel_values"]
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


def test_an_image_is_encoded_once_and_the_same_question_costs_nothing(detector):
    encoded, decoded = [], decoder_runs(detector)
    detector._model.encoder.register_forward_hook(lambda *_: encoded.append(1))
    rgb = noise(70, 90)
    first = detector.detect(rgb, PHRASES)
    np.testing.assert_array_equal(detector.detect(rgb.copy(), PHRASES).xyxy, first.xyxy)
    assert (len(encoded), len(decoded)) == (1, 1)
    detector.detect(rgb, ["banana"])
    assert (len(encoded), len(decoded)) == (1, 2)
    detector.detect(255 - rgb, ["banana"])
    assert (len(encoded), len(decoded)) == (2, 3)


def test_more_phrases_than_the_task_sentence_holds_go_in_several_passes(detector):
    decoded = decoder_runs(detector)
    nouns = ("mug", "cup", "bowl", "fork", "apple", "spoon", "bottle", "box")
    phrases = [f"{colour} {noun}" for colour in ("red", "blue", "green", "white") for noun in nouns]
    found = detector.detect(blotches(), phrases)
    assert set(found.label) == set(phrases)
    assert len(decoded) >= 2


@pytest.mark.parametrize("phrase", ["mug <|endoftext|> apple", "<|startoftext|>mug", "\x00mug", "Red MUG ☕"])
def test_no_text_of_an_operator_is_a_control_token(detector, phrase):
    assert set(detector.detect(blotches(), [phrase]).label) == {phrase}
    ids, _ = detector._read([f"Detect {phrase}."])
    tokenizer = detector._tokenizer
    assert (ids == tokenizer.eos_token_id).sum() == (ids == tokenizer.bos_token_id).sum() == 1


@pytest.mark.parametrize(
    ("phrases", "told"), [(["mug", " "], "empty phrase"), (["mug " * 300], "shorten it")], ids=["empty", "too long"]
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


@pytest.mark.parametrize("backbone", [None, {"model_type": "timm_backbone"}], ids=["unnamed", "named"])
def test_a_backbone_of_timm_names_what_it_needs(checkpoint, tmp_path, backbone, monkeypatch):
    from vlm_picking.models import loading

    monkeypatch.setattr(loading, "find_spec", lambda name: None if name in ("torchvision", "timm") else object())
    shutil.copytree(checkpoint, tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"backbone_config": backbone}))
    with pytest.raises(ModelError, match="backbone of timm.* needs torchvision and timm: pip install torchvision timm"):
        load_detector(str(tmp_path / "model"), device="cpu", offline=True)
