"""Qwen2.5-VL and Qwen3-VL on tiny checkpoints of their genuine format, against the library's own processing."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="models need torch")
pytest.importorskip("transformers", reason="models need transformers")

from tests.models.pictures import needs_pillow_13  # noqa: E402
from vlm_picking.conformance.tiny._chat import teach  # noqa: E402
from vlm_picking.conformance.tiny.qwen_vl import TINY  # noqa: E402
from vlm_picking.errors import ModelError, ReplyError  # noqa: E402
from vlm_picking.models.base import roles_of  # noqa: E402
from vlm_picking.models.chat import Reply  # noqa: E402
from vlm_picking.models.qwen_vl import FAMILY, QwenVlModel, fitted_size  # noqa: E402
from vlm_picking.models.registry import load_model  # noqa: E402

SIZES = [(97, 161), (240, 320), (33, 200), (480, 641)]
PHRASES = [f"{colour} {noun}" for colour in ("red", "green", "blue", "grey") for noun in ("mug", "cup", "bowl", "box")]


@pytest.fixture(scope="module", params=TINY)
def checkpoint(request, tmp_path_factory):
    return TINY[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def model(checkpoint):
    return load_model(str(checkpoint), device="cpu", offline=True)


@pytest.fixture(scope="module")
def processor(checkpoint):
    """The library's own, without the part for videos, which needs torchvision."""
    import transformers as tf

    genuine = {"qwen2_5_vl": tf.Qwen2_5_VLProcessor, "qwen3_vl": tf.Qwen3VLProcessor}

    class WithoutVideo(genuine[tf.AutoConfig.from_pretrained(checkpoint).model_type]):
        def __init__(self, image_processor=None, tokenizer=None, chat_template=None):
            for name in ("image", "video"):
                token = f"<|{name}_pad|>"
                setattr(self, f"{name}_token", token)
                setattr(self, f"{name}_token_id", tokenizer.convert_tokens_to_ids(token))
            tf.ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)

    tokenizer = tf.AutoTokenizer.from_pretrained(checkpoint)
    images = tf.Qwen2VLImageProcessorPil.from_pretrained(checkpoint)
    return WithoutVideo(images, tokenizer, chat_template=tokenizer.chat_template)


def picture(height: int, width: int, *, soft: bool = True) -> np.ndarray:
    rng = np.random.default_rng(height * 1000 + width)
    if not soft:
        return rng.integers(0, 255, (height, width, 3), dtype=np.uint8)
    waves = np.sin(np.linspace(0, 9, height))[:, None, None] + np.cos(np.linspace(0, 7, width))[None, :, None]
    return np.clip(128 + 50 * waves + rng.normal(0, 8, (height, width, 3)), 0, 255).astype(np.uint8)


def chat(*images: np.ndarray, text: str) -> list[dict]:
    content = [{"type": "image", "image": image} for image in images]
    return [{"role": "user", "content": [*content, {"type": "text", "text": text}]}]


def test_it_has_the_roles_of_its_family(model):
    assert isinstance(model, QwenVlModel)
    assert roles_of(model) == FAMILY.roles


@needs_pillow_13
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("soft", [True, False], ids=["soft", "noise"])
def test_pixels_are_those_of_the_librarys_processor(model, processor, size, soft):
    rgb = picture(*size, soft=soft)
    theirs = processor.image_processor(images=[rgb], return_tensors="pt")
    ours, grid = model._patches(rgb)
    assert grid.tolist() == theirs["image_grid_thw"].tolist()
    assert ours.shape == theirs["pixel_values"].shape
    std = min(processor.image_processor.image_std)
    assert float((ours - theirs["pixel_values"]).abs().max()) * std * 255 <= 1.01


def test_limits_of_area_as_older_checkpoints_have_them(tmp_path):
    import json

    directory = TINY["qwen2_5_vl"](tmp_path / "model")
    path = directory / "preprocessor_config.json"
    settings = json.loads(path.read_text())
    del settings["size"]
    settings |= {"min_pixels": 28 * 28 * 4, "max_pixels": 28 * 28 * 16, "image_processor_type": "Qwen2VLImageProcessor"}
    path.write_text(json.dumps(settings))
    model = QwenVlModel(directory, device="cpu")
    assert [model._patches(picture(side, side))[1].tolist() for side in (20, 1000)] == [[[1, 4, 4]], [[1, 8, 8]]]


def test_prompts_are_those_of_the_librarys_processor(model, processor):
    images = [picture(97, 161), picture(64, 64)]
    theirs = processor.apply_chat_template(
        chat(*images, text="Did the red mug move?"), add_generation_prompt=True, tokenize=True, return_dict=True
    )
    ours = model._inputs(model._pictures(images), ["Did the red mug move?"], room=1)
    assert ours["input_ids"].tolist() == np.array(theirs["input_ids"]).tolist()
    assert ours["mm_token_type_ids"].tolist() == np.array(theirs["mm_token_type_ids"]).tolist()


@pytest.mark.parametrize("n_images", [1, 2])
def test_encoding_once_equals_the_whole_forward(model, processor, n_images):
    import torch

    images = [picture(97, 161), picture(84, 56)][:n_images]
    inputs = processor.apply_chat_template(
        chat(*images, text="Is it there?"),
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    )
    with torch.inference_mode():
        inputs["pixel_values"] = torch.cat([model._patches(rgb)[0] for rgb in images])
        whole = model._model(**inputs).logits
        ours = model._model(**model._inputs(model._pictures(images), ["Is it there?"], room=1)).logits
    np.testing.assert_allclose(ours.numpy(), whole.numpy(), atol=1e-4)


def test_boxes_are_in_pixels_of_the_cameras_image(checkpoint, model):
    """What the tiny models write is 4, 8, 40, 36 and 20, 10, 52, 50, in each family's own numbers."""
    rgb = picture(240, 320)
    found = model.detect(rgb, ["mug"])
    written = np.array([[4, 8, 40, 36], [20, 10, 52, 50]])
    if model._config.model_type == "qwen2_5_vl":
        settings = model._settings["size"]
        limits = {"least_px2": settings["shortest_edge"], "most_px2": settings["longest_edge"]}
        height, width = fitted_size(240, 320, step=28, **limits)
        assert (height, width) != (240, 320), "the picture must be resized for this to say anything"
        scale = [320 / width, 240 / height] * 2
    else:
        scale = [320 / 1000, 240 / 1000] * 2
    order = np.argsort(found.xyxy[:, 0])
    np.testing.assert_allclose(found.xyxy[order], written * scale, rtol=1e-5)
    assert set(found.label) == {"mug"}
    assert ((found.score > 0.5) & (found.score < 1)).all()


@pytest.mark.parametrize("size", [(1, 64), (64, 1), (1, 1), (3, 301), (301, 500), (1080, 1920)], ids=str)
def test_boxes_of_pictures_of_any_size_lie_in_them(model, size):
    rgb = picture(*size)
    found = model.detect(rgb, ["mug"])
    assert (found.xyxy >= 0).all()
    assert (found.xyxy <= [size[1], size[0], size[1], size[0]]).all()
    assert model.caption(rgb)


def test_many_phrases_at_once_are_answered_as_one_by_one(checkpoint, model):
    rgb = picture(97, 161)
    together = model.detect(rgb, PHRASES)
    afresh = QwenVlModel(checkpoint, device="cpu")
    for phrase in PHRASES:
        alone = afresh.detect(rgb, [phrase])
        of_phrase = together[together.label == phrase]
        np.testing.assert_allclose(of_phrase.xyxy, alone.xyxy, atol=1e-4)
        np.testing.assert_allclose(of_phrase.score, alone.score, atol=1e-4)


def test_an_image_is_encoded_once(checkpoint):
    model = QwenVlModel(checkpoint, device="cpu")
    calls = []
    model._model.model.visual.register_forward_hook(lambda *_: calls.append(1))
    rgb = picture(97, 161)
    model.detect(rgb, ["mug"])
    model.detect(rgb.copy(), ["cup", "bowl"])
    model.caption(rgb)
    model.answer([rgb], "What is it?")
    model.yes_probability([rgb], "Is it red?")
    assert len(calls) == 1
    model.answer([rgb, rgb[::-1].copy()], "Did it move?")
    model.answer([rgb, rgb[::-1].copy()], "Did it turn?")
    assert len(calls) == 3
    model.detect(rgb[::-1].copy(), ["mug"])
    assert len(calls) == 4


def test_the_order_of_images_counts(model):
    first, second = picture(97, 161), picture(97, 161, soft=False)
    forth = model.yes_probability([first, second], "Did it move?")
    back = model.yes_probability([second, first], "Did it move?")
    assert forth != back
    assert forth == model.yes_probability([first, second], "Did it move?")


@pytest.mark.parametrize("n", [0, 9])
def test_too_few_or_too_many_images_are_refused(model, n):
    with pytest.raises(ModelError, match=f"takes 1 to 8 images with a question, got {n}"):
        model.answer([picture(32, 32)] * n, "What is it?")


@pytest.mark.parametrize("words", ["[]", "None"])
def test_that_there_is_none_is_no_detection(checkpoint, words):
    model = rewritten(checkpoint, words)
    assert len(model.detect(picture(64, 64), ["mug", "cup"])) == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [("mug box", "none came.*'mug box'"), ('{"', "broken.*'{\"'"), ("", "none came.*''")],
    ids=["prose", "broken", "empty"],
)
def test_a_reply_that_can_not_be_read_is_no_empty_result(checkpoint, words, told):
    model = rewritten(checkpoint, words)
    with pytest.raises(ReplyError, match=told):
        model.detect(picture(64, 64), ["mug"])


def test_boxes_outside_of_the_image_are_no_empty_result(model):
    (seen,) = model._pictures([picture(64, 64)])
    text = '[{"bbox_2d": [5000, 5001, 5002, 5003]}, {"bbox_2d": [8, 8, 8, 30]}]'
    reply = Reply(text=text, cut=False, ends=(len(text),), log_probabilities=(-0.1,))
    with pytest.raises(ReplyError, match="outside of the image"):
        model._found("mug", reply, seen)


def test_an_empty_answer_is_refused(checkpoint):
    with pytest.raises(ReplyError, match="wrote nothing"):
        rewritten(checkpoint, "").caption(picture(64, 64))


def rewritten(checkpoint, words: str) -> QwenVlModel:
    """The model, made to write other words."""
    model = QwenVlModel(checkpoint, device="cpu")
    tokenizer = model._writer.tokenizer
    teach(model._model, [*tokenizer.encode("\n"), *tokenizer.encode(words), tokenizer.eos_token_id])
    return model


def test_no_phrases_is_no_detections_and_an_empty_one_is_refused(model):
    assert len(model.detect(picture(64, 64), [])) == 0
    with pytest.raises(ModelError, match="empty phrase"):
        model.detect(picture(64, 64), ["mug", " "])


def test_numbers_that_are_none_are_refused(checkpoint):
    import torch

    model = QwenVlModel(checkpoint, device="cpu")
    with torch.no_grad():
        model._model.lm_head.weight.fill_(float("nan"))
    with pytest.raises(ModelError, match="no numbers"):
        model.yes_probability([picture(64, 64)], "Is it?")
    with pytest.raises(ModelError, match="no numbers"):
        model.caption(picture(64, 64))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_lower_precision_says_the_same(checkpoint, model, dtype):
    rgb = picture(97, 161)
    coarse = QwenVlModel(checkpoint, device="cpu", dtype=dtype)
    assert coarse.caption(rgb) == model.caption(rgb)
    assert len(coarse.detect(rgb, ["mug"])) == 2
    belief = coarse.yes_probability([rgb], "Is it?").probability
    assert belief == pytest.approx(model.yes_probability([rgb], "Is it?").probability, abs=0.1)
