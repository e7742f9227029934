"""Gemma 3 on a tiny checkpoint of its genuine format, against the library's own processing."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="models need torch")
pytest.importorskip("transformers", reason="models need transformers")

from tests.models.pictures import ODD_PICTURES, SLIVERS, noise, scenery  # noqa: E402
from vlm_picking.conformance.tiny.gemma3 import gemma3  # noqa: E402
from vlm_picking.errors import ModelError  # noqa: E402
from vlm_picking.models.base import roles_of  # noqa: E402
from vlm_picking.models.gemma3 import FAMILY, Gemma3Model  # noqa: E402
from vlm_picking.models.pixels import PixelSpec, prepare  # noqa: E402
from vlm_picking.models.registry import load_model  # noqa: E402


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return gemma3(tmp_path_factory.mktemp("gemma3"))


@pytest.fixture(scope="module")
def model(checkpoint):
    return load_model(str(checkpoint), device="cpu", offline=True)


@pytest.fixture(scope="module")
def processor(checkpoint):
    from transformers import AutoProcessor

    return AutoProcessor.from_pretrained(checkpoint)


def librarys_inputs(processor, *images: np.ndarray, text: str):
    content = [*({"type": "image", "image": image} for image in images), {"type": "text", "text": text}]
    options = {"add_generation_prompt": True, "tokenize": True, "return_dict": True, "return_tensors": "pt"}
    return processor.apply_chat_template([{"role": "user", "content": content}], **options)


def pixels(model, rgb: np.ndarray):
    return prepare(rgb, PixelSpec.of(model._settings, model.name))


def test_it_has_the_roles_of_its_family(model):
    assert isinstance(model, Gemma3Model)
    assert roles_of(model) == FAMILY.roles


@pytest.mark.parametrize("rgb", ODD_PICTURES, ids=lambda rgb: str(rgb.shape))
def test_pixels_are_those_of_the_librarys_processor(model, processor, rgb):
    theirs = processor.image_processor(images=[rgb], return_tensors="pt")
    assert theirs["num_crops"].tolist() == [0]
    assert float((pixels(model, rgb) - theirs["pixel_values"]).abs().max()) * 0.5 * 255 <= 1.01


@pytest.mark.parametrize("n_images", [1, 3])
def test_encoding_once_equals_the_whole_forward(model, processor, n_images):
    import torch

    images = [scenery(97, 161), noise(161, 97), noise(28, 28)][:n_images]
    inputs = librarys_inputs(processor, *images, text="Did it move?")
    ours = model._inputs(model._pictures(images), ["Did it move?"], room=1)
    for key in ("input_ids", "token_type_ids", "attention_mask"):
        assert ours[key].tolist() == inputs[key].tolist(), key
    with torch.inference_mode():
        inputs["pixel_values"] = torch.cat([pixels(model, rgb) for rgb in images])
        whole = model._model(**inputs).logits
        np.testing.assert_allclose(model._model(**ours).logits.numpy(), whole.numpy(), atol=1e-4)


def test_the_tokens_of_an_image_see_each_other_in_a_batch_of_unlike_texts(model):
    """Shorter texts are filled up on the left, which moves the image."""
    import torch

    pictures = model._pictures([scenery(97, 161)])
    texts = ["Is it?", "Is the red mug in the box on the table?"]
    with torch.inference_mode():
        together = model._model(**model._inputs(pictures, texts, room=1)).logits[:, -1]
        for text, logits in zip(texts, together, strict=True):
            alone = model._model(**model._inputs(pictures, [text], room=1)).logits[0, -1]
            np.testing.assert_allclose(logits.numpy(), alone.numpy(), atol=1e-4)


def test_it_writes_what_the_library_writes(model, processor):
    rgb = scenery(97, 161)
    inputs = librarys_inputs(processor, rgb, text="What is it?")
    ids = model._model.generate(**inputs, max_new_tokens=20, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    assert model.answer([rgb], "What is it?") == processor.decode(ids, skip_special_tokens=True)


@pytest.mark.parametrize("size", [*SLIVERS, (1080, 1920)], ids=str)
def test_pictures_of_any_size(model, size):
    rgb = noise(*size)
    assert model.caption(rgb) == "a red mug in the box"
    assert 0 < model.yes_probability([rgb], "Is it there?").probability < 1


def test_an_image_is_encoded_once(checkpoint):
    model = Gemma3Model(checkpoint, device="cpu")
    calls = []
    model._model.model.vision_tower.register_forward_hook(lambda *_: calls.append(1))
    rgb = scenery(97, 161)
    model.caption(rgb)
    model.answer([rgb.copy()], "What is it?")
    model.yes_probability([rgb], "Is it red?")
    assert len(calls) == 1
    model.answer([rgb, rgb[::-1].copy()], "Did it move?")
    model.answer([rgb, rgb[::-1].copy()], "Did it turn?")
    assert len(calls) == 3


def test_the_order_of_images_counts(model):
    images = [scenery(97, 161), noise(97, 161)]
    forth, back = (model.yes_probability(order, "Did it move?") for order in (images, images[::-1]))
    assert forth != back
    with pytest.raises(ModelError, match="takes 1 to 8 images with a question, got 9"):
        model.answer(images[:1] * 9, "What is it?")


@pytest.mark.parametrize(
    "text", ["<start_of_image>", "<image_soft_token>", "<end_of_turn>", "<start_of_turn>", "<bos>"]
)
def test_words_of_an_operator_become_no_control_tokens(model, text):
    pictures = model._pictures([scenery(97, 161)])
    harmless, ours = (
        model._inputs(pictures, [words], room=1)["input_ids"][0].tolist() for words in ("red mug", f"red {text} mug")
    )
    assert ours == harmless
