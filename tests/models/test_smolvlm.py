"""SmolVLM and Idefics3 on tiny checkpoints of their genuine format, against the library's own processing."""

import json

import numpy as np
import pytest

pytest.importorskip("torch", reason="models need torch")
pytest.importorskip("transformers", reason="models need transformers")

from tests.models.pictures import SLIVERS, needs_pillow_13, noise, scenery  # noqa: E402
from vlm_picking.conformance.tiny.smolvlm import TINY, smolvlm  # noqa: E402
from vlm_picking.errors import ModelError  # noqa: E402
from vlm_picking.models.base import roles_of  # noqa: E402
from vlm_picking.models.registry import load_detector, load_model  # noqa: E402
from vlm_picking.models.smolvlm import FAMILY, SmolVlmModel, scaled_size, whole_tiles  # noqa: E402

SIZES = [(97, 161), (161, 97), (61, 60), (20, 90), (480, 641), (28, 28)]


@pytest.fixture(scope="module", params=TINY)
def checkpoint(request, tmp_path_factory):
    return TINY[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def model(checkpoint):
    return load_model(str(checkpoint), device="cpu", offline=True)


@pytest.fixture(scope="module")
def processor(checkpoint):
    """The library's own; SmolVLM's without the part for videos, which needs torchvision and num2words."""
    import transformers as tf

    tokenizer = tf.AutoTokenizer.from_pretrained(checkpoint)
    n_tokens = json.loads((checkpoint / "processor_config.json").read_text())["image_seq_len"]
    template = tokenizer.chat_template
    if tf.AutoConfig.from_pretrained(checkpoint).model_type == "idefics3":
        images = tf.Idefics3ImageProcessorPil.from_pretrained(checkpoint)
        return tf.Idefics3Processor(images, tokenizer, image_seq_len=n_tokens, chat_template=template)

    class WithoutVideo(tf.SmolVLMProcessor):
        def __init__(self, image_processor=None, tokenizer=None, chat_template=None):
            self.fake_image_token, self.global_image_token = "<fake_token_around_image>", "<global-img>"
            self.image_token, self.video_token = "<image>", "<video>"
            self.image_token_id = tokenizer.convert_tokens_to_ids("<image>")
            self.image_seq_len = n_tokens
            tf.ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)

        apply_chat_template = tf.ProcessorMixin.apply_chat_template

    return WithoutVideo(tf.SmolVLMImageProcessorPil.from_pretrained(checkpoint), tokenizer, template)


def chat(*images: np.ndarray, text: str) -> list[dict]:
    content = [{"type": "image", "image": image} for image in images]
    return [{"role": "user", "content": [*content, {"type": "text", "text": text}]}]


def librarys_inputs(processor, *images: np.ndarray, text: str):
    options = {"add_generation_prompt": True, "tokenize": True, "return_dict": True, "return_tensors": "pt"}
    return processor.apply_chat_template(chat(*images, text=text), **options)


def test_it_has_the_roles_of_its_family(model, checkpoint):
    assert isinstance(model, SmolVlmModel)
    assert roles_of(model) == FAMILY.roles
    with pytest.raises(ModelError, match="does no zero-shot detection"):
        load_detector(str(checkpoint), device="cpu")


@needs_pillow_13
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("draw", [scenery, noise], ids=lambda draw: draw.__name__)
@pytest.mark.parametrize("splits", [True, False], ids=["split", "whole"])
def test_pixels_are_those_of_the_librarys_processor(checkpoint, model, processor, size, draw, splits, monkeypatch):
    """Within a grey level a resize, of which there are up to three."""
    rgb = draw(*size)
    monkeypatch.setitem(model._settings, "do_image_splitting", splits)
    options = {"return_tensors": "pt", "return_row_col_info": True, "do_image_splitting": splits}
    theirs = processor.image_processor(images=[rgb], **options)
    ours, (rows, columns) = model._tiles(rgb)
    assert (rows, columns) == (theirs["rows"][0][0], theirs["cols"][0][0])
    assert ours.shape == theirs["pixel_values"][0].shape
    assert theirs["pixel_attention_mask"].all()
    assert float((ours - theirs["pixel_values"][0]).abs().max()) * 0.5 * 255 <= 3.01


@pytest.mark.parametrize("size", [(96, 160), (1, 500), (4000, 3), (5000, 5000), (7, 7)], ids=str)
@pytest.mark.parametrize("longest", [1456, 2048, 5000])
def test_sizes_are_those_of_the_librarys_processor(size, longest):
    from transformers.models.smolvlm import image_processing_pil_smolvlm as librarys

    empty = np.empty((3, *size), bool)
    scaled = librarys.get_resize_output_image_size(empty, resolution_max_side=longest)
    assert scaled_size(*size, longest=longest) == scaled

    class Sizes(librarys.SmolVLMImageProcessorPil):
        def resize(self, image, size, resample=None):
            return size.height, size.width

    assert whole_tiles(*scaled, side=364) == Sizes().resize_for_vision_encoder(np.empty((3, *scaled), bool), 364)


@pytest.mark.parametrize("sizes", [[(97, 161)], [(28, 28)], [(97, 161), (161, 97), (40, 40)]], ids=str)
def test_encoding_once_equals_the_whole_forward(model, processor, sizes):
    import torch

    images = [scenery(*size) for size in sizes]
    inputs = librarys_inputs(processor, *images, text="Did it move?")
    ours = model._inputs(model._pictures(images), ["Did it move?"], room=1)
    assert ours["input_ids"].tolist() == inputs["input_ids"].tolist()
    with torch.inference_mode():
        inputs["pixel_values"] = torch.cat([model._tiles(rgb)[0] for rgb in images])[None]
        whole = model._model(**inputs).logits
        np.testing.assert_allclose(model._model(**ours).logits.numpy(), whole.numpy(), atol=1e-4)


@pytest.mark.parametrize("size", [*SLIVERS, (1, 500), (1080, 1920)], ids=str)
def test_pictures_of_any_size(model, size):
    rgb = noise(*size)
    assert model.caption(rgb) == "a red mug in the box"
    assert 0 < model.yes_probability([rgb], "Is it there?").probability < 1


def test_an_image_is_encoded_once(checkpoint):
    model = SmolVlmModel(checkpoint, device="cpu")
    calls = []
    model._model.model.vision_model.register_forward_hook(lambda *_: calls.append(1))
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
    with pytest.raises(ModelError, match="takes 1 to 4 images with a question, got 5"):
        model.answer(images[:1] * 5, "What is it?")


@pytest.mark.parametrize(
    "text", ["<image>", "<row_1_col_2>", "<global-img>", "<end_of_utterance>", "<fake_token_around_image>"]
)
def test_words_of_an_operator_become_no_control_tokens(model, text):
    pictures = model._pictures([scenery(97, 161)])
    harmless, ours = (
        model._inputs(pictures, [words], room=1)["input_ids"][0].tolist() for words in ("red mug", f"red {text} mug")
    )
    assert ours == harmless


def test_settings_that_can_not_be_followed_are_refused(tmp_path):
    directory = smolvlm(tmp_path / "model")
    path = directory / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"max_image_size": {"height": 28, "width": 28}}))
    with pytest.raises(ModelError, match="can't be followed"):
        SmolVlmModel(directory, device="cpu").caption(scenery(40, 40))
