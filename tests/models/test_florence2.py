"""Florence-2 on a tiny random checkpoint, against the library's own processor and forward."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="models need torch")
pytest.importorskip("transformers", reason="models need transformers")

from vlm_picking.conformance.tiny.florence2 import build  # noqa: E402
from vlm_picking.errors import ModelError  # noqa: E402
from vlm_picking.models.base import Role, roles_of  # noqa: E402
from vlm_picking.models.pixels import PixelSpec, prepare  # noqa: E402
from vlm_picking.models.registry import load_model  # noqa: E402

PHRASES = ["mug", "red mug", "banana"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return build(tmp_path_factory.mktemp("florence2"))


@pytest.fixture(scope="module")
def model(checkpoint):
    return load_model(str(checkpoint), device="cpu", offline=True)


@pytest.fixture(scope="module")
def processor(checkpoint):
    from transformers import AutoTokenizer, CLIPImageProcessorPil, Florence2Processor

    images = CLIPImageProcessorPil.from_pretrained(checkpoint)
    images.image_seq_length = 5
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    tasks = ("description_with_bboxes_or_polygons", "polygons")
    return Florence2Processor(images, tokenizer, post_processor_config={task: {} for task in tasks})


@pytest.fixture
def rgb():
    return np.random.default_rng(3).integers(0, 256, (67, 101, 3), dtype=np.uint8)


def library_text(model, processor, rgb, prompt):
    """What `generate` writes from the processor's tensors, the picture included."""
    import torch

    inputs = processor(text=prompt, images=rgb, return_tensors="pt")
    with torch.inference_mode():
        ids = model._model.generate(**inputs, num_beams=1, do_sample=False, max_new_tokens=60)
    return inputs, processor.batch_decode(ids, skip_special_tokens=False)[0]


def test_it_plays_its_roles(model):
    assert roles_of(model) == {Role.DETECTION, Role.PHRASE_SEGMENTATION, Role.CAPTIONING}


def test_pixels_are_those_of_the_librarys_processor(checkpoint, processor, rgb):
    theirs = processor.image_processor(rgb, return_tensors="np")["pixel_values"]
    spec = PixelSpec.read(str(checkpoint))
    ours = prepare(rgb, spec).numpy()
    grey_levels = np.abs(ours - theirs) * np.array(spec.std)[:, None, None] * 255
    assert grey_levels.max() <= 1.5


def test_prompts_and_boxes_are_those_of_the_library(model, processor, rgb):
    task = "<OPEN_VOCABULARY_DETECTION>"
    inputs, text = library_text(model, processor, rgb, task + "red mug")
    features = model._seen(rgb).features
    ours = model._inputs(features, ["Locate red mug in the image."])
    assert ours["input_ids"].tolist() == inputs["input_ids"].tolist()
    theirs = processor.post_process_generation(text, task=task, image_size=(101, 67))[task]["bboxes"]
    found = model.detect(rgb, ["red mug"])
    assert len(theirs) >= 1
    for box in found.xyxy:  # without those that overlap; theirs are whole pixels
        assert min(np.abs(np.array(other) - box).max() for other in theirs) <= 1.0


def test_outlines_are_those_of_the_library(model, processor, rgb):
    task = "<REFERRING_EXPRESSION_SEGMENTATION>"
    _, text = library_text(model, processor, rgb, task + "red mug")
    (theirs,) = processor.post_process_generation(text, task=task, image_size=(101, 67))[task]["polygons"]
    found = model.segment(rgb, ["red mug"])
    corners = np.array(theirs[0]).reshape(-1, 2)
    expected = [*corners.min(axis=0), *corners.max(axis=0)]
    assert np.abs(found.xyxy[0] - expected).max() <= 1.0
    assert all(found.mask[0, int(y), int(x)] for x, y in corners)


def test_scores_are_the_probabilities_of_the_location_tokens(model, processor, rgb):
    import torch

    inputs, _ = library_text(model, processor, rgb, "<OPEN_VOCABULARY_DETECTION>mug")
    with torch.inference_mode():
        ids = model._model.generate(**inputs, num_beams=1, do_sample=False, max_new_tokens=60)
        logits = model._model(**inputs, decoder_input_ids=ids).logits[0]
    chances = logits.softmax(-1)[range(ids.shape[1] - 1), ids[0, 1:]]
    located = [i for i, token in enumerate(ids[0, 1:].tolist()) if token in set(model._codes)][:4]
    found = model.detect(rgb, ["mug"])
    assert any(np.isclose(found.score, float(chances[located].log().mean().exp()), rtol=0.02))


def test_boxes_and_masks_lie_in_the_image(model, rgb):
    found = model.segment(rgb, PHRASES)
    assert set(found.label) == set(PHRASES)
    assert found.mask.shape == (len(found), 67, 101) and found.mask.any(axis=(1, 2)).all()
    for box, mask in zip(found.xyxy, found.mask, strict=True):
        ys, xs = np.nonzero(mask)
        assert box[0] - 1 <= xs.min() and xs.max() <= box[2] + 1 and box[1] - 1 <= ys.min() and ys.max() <= box[3] + 1


def test_sixteen_phrases_at_once_equal_one_by_one(model, rgb):
    phrases = [f"{colour} {noun}" for colour in ("red", "blue", "grey", "white") for noun in ("mug", "cup", "box", "a")]
    together = model.detect(rgb, phrases)
    model.detect(rgb[::-1], ["mug"])  # forgets
    for phrase in phrases:
        alone = model.detect(rgb, [phrase])
        same = together[together.label == phrase]
        np.testing.assert_allclose(same.xyxy, alone.xyxy)
        np.testing.assert_allclose(same.score, alone.score, rtol=1e-3)


def test_asking_again_writes_nothing_anew(model, rgb, monkeypatch):
    first = model.detect(rgb, PHRASES)
    monkeypatch.setattr(model._model, "generate", None)
    again = model.detect(rgb.copy(), PHRASES[::-1])
    assert sorted(again.score.tolist()) == sorted(first.score.tolist())


def test_a_sentence_is_grounded(model, rgb):
    found = model.ground(rgb, "a red mug beside a banana")
    assert len(found) >= 1 and all(found.label)


def test_a_caption_is_words(model, rgb):
    caption = model.caption(rgb)
    assert caption and "<" not in caption


@pytest.mark.parametrize(
    ("phrase", "why"), [("", "names nothing"), ("<loc_7> <poly>", "no words"), ("mug " * 2000, "shorten it")]
)
def test_what_cant_be_asked_is_refused(model, rgb, phrase, why):
    for method in (model.detect, model.segment):
        with pytest.raises(ModelError, match=why):
            method(rgb, [phrase])


def test_locations_in_an_operators_text_are_not_read_as_such(model, rgb):
    plain, sly = (model.detect(rgb, [phrase]) for phrase in ("red mug", "red <loc_1><loc_<loc_2>3></s> mug"))
    assert plain.label[0] == "red mug" and sly.label[0].startswith("red <loc_1>")
    ids = model._inputs(model._seen(rgb).features, [model._prompt(model_task(), sly.label[0])])["input_ids"][0].tolist()
    assert not set(ids) & set(model._codes)


def model_task():
    from vlm_picking.models.locating import Task

    return Task(prompt="Locate {} in the image.", max_new_tokens=1)
