"""LLaVA-NeXT and LLaVA-OneVision on tiny checkpoints of their genuine format, against the library's own processing."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="models need torch")
pytest.importorskip("transformers", reason="models need transformers")

from vlm_picking.conformance.tiny.llava import TINY, llava_next, llava_onevision  # noqa: E402
from vlm_picking.errors import ModelError  # noqa: E402
from vlm_picking.models.base import roles_of  # noqa: E402
from vlm_picking.models.llava import FAMILY, LlavaModel, best_layout, inscribed  # noqa: E402
from vlm_picking.models.registry import load_detector, load_model  # noqa: E402

SIZES = [(97, 161), (161, 97), (28, 28), (20, 90), (480, 641)]


@pytest.fixture(scope="module", params=TINY)
def checkpoint(request, tmp_path_factory):
    return TINY[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def model(checkpoint):
    return load_model(str(checkpoint), device="cpu", offline=True)


@pytest.fixture(scope="module")
def onevision(tmp_path_factory):
    return LlavaModel(llava_onevision(tmp_path_factory.mktemp("onevision")), device="cpu")


@pytest.fixture(scope="module")
def processor(checkpoint):
    return librarys_processor(checkpoint)


def librarys_processor(checkpoint):
    """The library's own, without the part for videos, which needs torchvision."""
    import transformers as tf

    tokenizer = tf.AutoTokenizer.from_pretrained(checkpoint)
    template = tokenizer.chat_template
    if tf.AutoConfig.from_pretrained(checkpoint).model_type == "llava_next":
        return tf.AutoProcessor.from_pretrained(checkpoint)

    class WithoutVideo(tf.LlavaOnevisionProcessor):
        def __init__(self, image_processor=None, tokenizer=None, chat_template=None):
            self.num_image_tokens, self.vision_feature_select_strategy = 16, "full"
            self.vision_aspect_ratio = "anyres_max_9"
            for name in ("image", "video"):
                setattr(self, f"{name}_token", f"<{name}>")
                setattr(self, f"{name}_token_id", tokenizer.convert_tokens_to_ids(f"<{name}>"))
            tf.ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)

    return WithoutVideo(tf.LlavaOnevisionImageProcessorPil.from_pretrained(checkpoint), tokenizer, template)


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
    assert isinstance(model, LlavaModel)
    assert roles_of(model) == FAMILY.roles


def test_it_says_that_it_finds_nothing_in_boxes(checkpoint):
    with pytest.raises(ModelError, match="does no zero-shot detection"):
        load_detector(str(checkpoint), device="cpu")


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("soft", [True, False], ids=["soft", "noise"])
def test_pixels_are_those_of_the_librarys_processor(model, processor, size, soft):
    rgb = picture(*size, soft=soft)
    theirs = processor.image_processor(images=[rgb], return_tensors="pt")["pixel_values"][0]
    ours = model._tiles(rgb)
    assert ours.shape == theirs.shape
    assert float((ours - theirs).abs().max()) * min(processor.image_processor.image_std) * 255 <= 1.01


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_several_pictures_are_squares_as_the_librarys_processor_makes_them(onevision, size):
    rgb = picture(*size)
    images = librarys_processor(_directory(onevision)).image_processor
    theirs = images(images=[[rgb, rgb]], return_tensors="pt")["pixel_values"][0]
    ours = onevision._filled_square(rgb)
    assert ours.shape == theirs.shape
    assert float((ours - theirs).abs().max()) * min(images.image_std) * 255 <= 1.01


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_encoding_once_equals_the_whole_forward(model, processor, size):
    import torch

    rgb = picture(*size)
    inputs = processor.apply_chat_template(
        chat(rgb, text="Is it there?"),
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    )
    ours = model._inputs(model._pictures([rgb]), ["Is it there?"], room=1)
    assert ours["input_ids"].tolist() == inputs["input_ids"].tolist()
    with torch.inference_mode():
        whole = model._model(**inputs | {"pixel_values": model._tiles(rgb)[None]}).logits
        np.testing.assert_allclose(model._model(**ours).logits.numpy(), whole.numpy(), atol=1e-4)


def test_several_pictures_equal_the_whole_forward(onevision):
    import torch

    images = [picture(97, 161), picture(161, 97), picture(28, 28)]
    inputs = librarys_processor(_directory(onevision)).apply_chat_template(
        chat(*images, text="Did it move?"),
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    )
    ours = onevision._inputs(onevision._pictures(images), ["Did it move?"], room=1)
    assert ours["input_ids"].tolist() == inputs["input_ids"].tolist()
    squares = torch.stack([onevision._filled_square(rgb) for rgb in images])
    with torch.inference_mode():
        whole = onevision._model(**inputs | {"pixel_values": squares}).logits
        np.testing.assert_allclose(onevision._model(**ours).logits.numpy(), whole.numpy(), atol=1e-4)


@pytest.mark.parametrize("size", [(1, 64), (64, 1), (1, 1), (3, 301), (1, 500), (1080, 1920)], ids=str)
def test_pictures_of_any_size(model, size):
    rgb = picture(*size)
    assert model.caption(rgb) == "a red mug in the box"
    assert 0 < model.yes_probability([rgb], "Is it there?").probability < 1


def test_an_image_is_encoded_once(checkpoint):
    model = LlavaModel(checkpoint, device="cpu")
    calls = []
    model._model.model.vision_tower.register_forward_hook(lambda *_: calls.append(1))
    rgb = picture(97, 161)
    model.caption(rgb)
    model.answer([rgb.copy()], "What is it?")
    model.yes_probability([rgb], "Is it red?")
    assert len(calls) == 1
    model.caption(rgb[::-1].copy())
    assert len(calls) == 2


def test_several_images_only_where_it_was_taught_with_them(model):
    images = [picture(97, 161), picture(97, 161, soft=False)]
    if model.max_images == 1:
        with pytest.raises(ModelError, match="takes 1 to 1 images"):
            model.answer(images, "Did it move?")
        return
    assert model.answer(images, "Did it move?")
    forth, back = (model.yes_probability(order, "Did it move?") for order in (images, images[::-1]))
    assert forth != back


@pytest.mark.parametrize(
    ("size", "layout"),
    [((100, 100), (56, 56)), ((10, 100), (28, 84)), ((100, 10), (84, 28)), ((20, 20), (28, 28)), ((30, 60), (28, 84))],
    ids=str,
)
def test_the_layout_keeps_pixels_first_and_wastes_few_then(size, layout):
    layouts = [[28 * down, 28 * across] for down in (1, 2, 3) for across in (1, 2, 3) if down * across < 9]
    assert best_layout(*size, layouts) == _librarys_best(size, layouts)
    height, width = inscribed(*size, layout)
    assert (height == layout[0] or width == layout[1]) and height <= layout[0] and width <= layout[1]


def _librarys_best(size, layouts):
    from transformers.image_processing_utils import select_best_resolution

    return tuple(select_best_resolution(size, layouts))


def _directory(model: LlavaModel):
    return model._model.config._name_or_path


def test_a_prompt_begins_as_its_tokenizer_begins_texts(tmp_path):
    """Mistral's template leaves "<s>" to the tokenizer."""
    model = LlavaModel(llava_next(tmp_path / "model"), device="cpu")
    ids = model._inputs(model._pictures([picture(28, 28)]), ["Is it?"], room=1)["input_ids"][0].tolist()
    assert ids.count(model._writer.tokenizer.bos_token_id) == 1
    assert ids[0] == model._writer.tokenizer.bos_token_id
