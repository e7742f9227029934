"""Molmo 2 on a tiny checkpoint of its genuine format. The library's image processor needs torchvision: its arithmetic
is done here once more, by other means.
"""

import itertools
import json

import numpy as np
import pytest

pytest.importorskip("torch", reason="models need torch")
pytest.importorskip("transformers", reason="models need transformers")

from tests.models.pictures import SLIVERS, noise, scenery  # noqa: E402
from vlm_picking.conformance.tiny._chat import teach  # noqa: E402
from vlm_picking.conformance.tiny.molmo2 import molmo2  # noqa: E402
from vlm_picking.errors import ModelError, ReplyError  # noqa: E402
from vlm_picking.models.base import roles_of  # noqa: E402
from vlm_picking.models.chat import Reply  # noqa: E402
from vlm_picking.models.molmo2 import FAMILY, Molmo2Model, crop_tiling, patch_indices, pooled  # noqa: E402
from vlm_picking.models.registry import load_model  # noqa: E402

PHRASES = [f"{colour} {noun}" for colour in ("red", "green", "blue", "grey") for noun in ("mug", "cup", "bowl", "box")]
SIDE, PATCH, MARGIN = 56, 14, 14  # of the tiny checkpoint [px]
STEP = SIDE - 2 * MARGIN


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return molmo2(tmp_path_factory.mktemp("molmo2"))


@pytest.fixture(scope="module")
def model(checkpoint):
    return load_model(str(checkpoint), device="cpu", offline=True)


def stretched(rgb: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear interpolation between the centres of pixels, without antialiasing, in whole grey levels."""

    def along(values: np.ndarray, n: int) -> np.ndarray:
        place = np.clip((np.arange(n) + 0.5) * len(values) / n - 0.5, 0, len(values) - 1)
        low = np.floor(place).astype(int)
        share = (place - low).reshape(-1, 1, 1)
        return values[low] * (1 - share) + values[np.minimum(low + 1, len(values) - 1)] * share

    rows = along(rgb.astype(float), height)
    return np.round(along(rows.swapaxes(0, 1), width).swapaxes(0, 1))


def test_it_has_the_roles_of_its_family(model):
    assert isinstance(model, Molmo2Model)
    assert roles_of(model) == FAMILY.roles


@pytest.mark.parametrize("size", [(97, 161), (161, 97), (30, 30), (480, 641), (20, 300)], ids=str)
@pytest.mark.parametrize("draw", [scenery, noise], ids=lambda draw: draw.__name__)
def test_each_token_pools_the_patches_of_its_place(model, size, draw):
    """The tokens of the crops, put side by side, show the stretched image; those before them show it squashed."""
    rgb = draw(*size)
    patches, pooling, (low_rows, low_columns, rows, columns) = model._patches(rgb)
    assert (low_rows, low_columns) == (2, 2)
    assert patches.shape[1:] == (16, PATCH * PATCH * 3)
    assert len(pooling) == 4 + rows * columns
    flat = ((patches.flatten(0, 1).numpy() * 0.5 + 0.5) * 255).reshape(-1, PATCH, PATCH, 3)

    def shown(pooling: np.ndarray, rows: int, columns: int) -> np.ndarray:
        windows = flat[pooling].reshape(rows, columns, 2, 2, PATCH, PATCH, 3)
        return windows.transpose(0, 2, 4, 1, 3, 5, 6).reshape(rows * 2 * PATCH, columns * 2 * PATCH, 3)

    assert (pooling >= 0).all()
    assert np.abs(shown(pooling[:4], 2, 2) - stretched(rgb, SIDE, SIDE)).max() <= 1.01
    height, width = rows * 2 * PATCH, columns * 2 * PATCH
    assert (height - 2 * MARGIN) % STEP == (width - 2 * MARGIN) % STEP == 0
    assert len(patches) == 1 + (height - 2 * MARGIN) // STEP * ((width - 2 * MARGIN) // STEP) <= 9
    assert np.abs(shown(pooling[4:], rows, columns) - stretched(rgb, height, width)).max() <= 1.01


def test_a_patch_of_an_overlap_is_taken_from_the_crop_where_it_lies_deeper():
    """Two crops of 4 x 4 patches side by side that overlap by two: each gives its outer column to the other."""
    expected = [[0, 1, 2, 17, 18, 19], [4, 5, 6, 21, 22, 23], [8, 9, 10, 25, 26, 27], [12, 13, 14, 29, 30, 31]]
    assert patch_indices((1, 2), 4, (1, 1)).tolist() == expected
    below = patch_indices((2, 1), 4, (1, 1))
    assert below[:, 0].tolist() == [0, 4, 8, 20, 24, 28]


def test_windows_that_are_not_whole_are_filled_up_on_all_sides():
    """27 patches pooled by two: the one that lacks is at the end."""
    windows = pooled(np.arange(9).reshape(3, 3), (2, 2))
    assert windows.tolist() == [[[0, 1, 3, 4], [2, -1, 5, -1]], [[6, 7, -1, -1], [8, -1, -1, -1]]]
    assert pooled(np.arange(4).reshape(1, 4), (3, 4)).tolist() == [[[-1] * 4 + [0, 1, 2, 3] + [-1] * 4]]


@pytest.mark.parametrize("height", [-30, 0, 5, 28, 60, 100, 400, 2000])
@pytest.mark.parametrize("width", [-30, 0, 5, 28, 60, 100, 400, 2000])
def test_the_tiling_enlarges_least_or_else_shrinks_least(height, width):
    import torch

    tilings = sorted(
        ((i, j) for i, j in itertools.product(range(1, 9), repeat=2) if i * j <= 8), key=lambda t: (t[0] * t[1], t[0])
    )
    scales = (torch.tensor(tilings) * 28).float() / torch.tensor([height, width]).float()
    scale = scales.amin(dim=1)
    enlarging = [(float(s), t) for s, t in zip(scale, tilings, strict=True) if s >= 1]
    if enlarging:
        best = min(enlarging, key=lambda pair: pair[0])[1]
    else:
        best = max(zip(scale.tolist(), tilings, strict=True), key=lambda pair: pair[0])[1]
    assert crop_tiling(height, width, step=28, most=8) == best


@pytest.mark.parametrize(
    "settings", [{}, {"image_use_col_tokens": False, "use_single_crop_start_token": False}], ids=str
)
def test_what_stands_for_an_image_is_the_librarys(checkpoint, settings):
    from transformers import Molmo2Processor

    model = Molmo2Model(checkpoint, device="cpu")
    model._writer.processor_settings.update(settings)
    librarys = object.__new__(Molmo2Processor)
    for key, value in model._writer.processor_settings.items():
        setattr(librarys, key, value)
    grid = [2, 2, 3, 4]
    assert model._text(*grid) == librarys.replace_image_token({"image_grids": [grid]}, 0)


def test_prompts_begin_with_the_token_that_begins_texts(model):
    """The template leaves it to the processor, the tokenizer leaves it out."""
    inputs = model._inputs(model._pictures([scenery(40, 60), noise(40, 60)]), ["Did it move?"], room=1)
    tokenizer = model._writer.tokenizer
    text = tokenizer.decode(inputs["input_ids"][0])
    assert text.startswith(
        "<|im_end|>Image 1<low_res_im_start><im_patch><im_patch><im_patch><im_patch><im_end><im_start>"
    )
    assert text.endswith("<im_end><|im_start|>user\nDid it move?<|im_end|>\n<|im_start|>assistant\n")
    of_images = [
        token
        in tokenizer.convert_tokens_to_ids(["<im_patch>", "<im_col>", "<im_start>", "<low_res_im_start>", "<im_end>"])
        for token in inputs["input_ids"][0].tolist()
    ]
    assert inputs["mm_token_type_ids"][0].tolist() == of_images


@pytest.mark.parametrize("n_images", [1, 3])
def test_encoding_once_equals_the_whole_forward(model, n_images):
    import torch

    images = [scenery(97, 161), noise(161, 97), noise(28, 28)][:n_images]
    ours = model._inputs(model._pictures(images), ["Did it move?"], room=1)
    whole = {key: ours[key] for key in ("input_ids", "attention_mask", "mm_token_type_ids")}
    pixels, poolings, grids = zip(*(model._patches(rgb) for rgb in images), strict=True)
    before = np.cumsum([0, *(len(each) * each.shape[1] for each in pixels)])
    whole["pixel_values"] = torch.cat(pixels)
    whole["image_token_pooling"] = torch.cat(
        [torch.from_numpy(np.where(each >= 0, each + n, -1)) for each, n in zip(poolings, before, strict=False)]
    )
    whole["image_grids"] = torch.tensor(grids)
    with torch.inference_mode():
        logits = model._model(**whole).logits
        np.testing.assert_allclose(model._model(**ours).logits.numpy(), logits.numpy(), atol=1e-4)


def test_points_become_small_boxes_in_pixels_of_the_cameras_image(model):
    """What it writes is 308, 305 and 752, 377, in thousandths."""
    found = model.detect(scenery(240, 320), ["mug"])
    order = np.argsort(found.xyxy[:, 0])
    centres = (found.xyxy[order, :2] + found.xyxy[order, 2:]) / 2
    np.testing.assert_allclose(centres, [[0.308 * 320, 0.305 * 240], [0.752 * 320, 0.377 * 240]], rtol=1e-5)
    np.testing.assert_allclose(found.xyxy[:, 2:] - found.xyxy[:, :2], 240 / 16, rtol=1e-5)
    assert ((found.score > 0.5) & (found.score < 1)).all()
    assert found.score[0] != found.score[1]


@pytest.mark.parametrize("size", [*SLIVERS, (301, 500), (1080, 1920)], ids=str)
def test_boxes_of_pictures_of_any_size_lie_in_them(model, size):
    rgb = noise(*size)
    found = model.detect(rgb, ["mug"])
    assert len(found)
    assert (found.xyxy >= 0).all()
    assert (found.xyxy <= [size[1], size[0], size[1], size[0]]).all()
    assert 0 < model.yes_probability([rgb], "Is it there?").probability < 1


def test_many_phrases_at_once_are_answered_as_one_by_one(checkpoint, model):
    rgb = scenery(97, 161)
    together = model.detect(rgb, PHRASES)
    afresh = Molmo2Model(checkpoint, device="cpu")
    for phrase in PHRASES:
        alone = afresh.detect(rgb, [phrase])
        of_phrase = together[together.label == phrase]
        np.testing.assert_allclose(of_phrase.xyxy, alone.xyxy, atol=1e-4)
        np.testing.assert_allclose(of_phrase.score, alone.score, atol=1e-4)


def test_an_image_is_encoded_once(checkpoint):
    model = Molmo2Model(checkpoint, device="cpu")
    calls = []
    model._model.model.vision_tower.register_forward_hook(lambda *_: calls.append(1))
    rgb = scenery(97, 161)
    model.detect(rgb, ["mug", "cup"])
    model.caption(rgb.copy())
    model.yes_probability([rgb], "Is it red?")
    assert len(calls) == 1
    model.answer([rgb, rgb[::-1].copy()], "Did it move?")
    model.answer([rgb, rgb[::-1].copy()], "Did it turn?")
    assert len(calls) == 3


def test_the_order_of_images_counts(model):
    images = [scenery(97, 161), noise(97, 161)]
    forth, back = (model.yes_probability(order, "Did it move?") for order in (images, images[::-1]))
    assert forth != back


@pytest.mark.parametrize("words", ["There are none.", "None"])
def test_that_there_is_none_is_no_detection(checkpoint, words):
    assert len(rewritten(checkpoint, words).detect(scenery(64, 64), ["mug", "cup"])) == 0


@pytest.mark.parametrize("words", ["mug box", ""], ids=["prose", "empty"])
def test_a_reply_that_can_not_be_read_is_no_empty_result(checkpoint, words):
    with pytest.raises(ReplyError, match=f"none came.*'{words}'"):
        rewritten(checkpoint, words).detect(scenery(64, 64), ["mug"])


def test_a_point_in_an_image_that_was_not_shown_is_no_empty_result(model):
    (seen,) = model._pictures([scenery(64, 64)])
    text = '<points coords="2 1 308 305">mug</points>'
    with pytest.raises(ReplyError, match="points at image 2 of 1"):
        model._found("mug", Reply(text=text, cut=False, ends=(len(text),), log_probabilities=(-0.1,)), seen)


def rewritten(checkpoint, words: str) -> Molmo2Model:
    """The model, made to write other words."""
    model = Molmo2Model(checkpoint, device="cpu")
    tokenizer = model._writer.tokenizer
    written = list(dict.fromkeys(tokenizer.encode(words)))
    assert tokenizer.decode(written) == words
    teach(model._model, [*tokenizer.encode("\n"), *written, tokenizer.eos_token_id], firmness=20.0)
    return model


@pytest.mark.parametrize("text", ["<|image|>", "<im_patch>", "<|im_end|>", "<low_res_im_start>", "<|im_start|>"])
def test_words_of_an_operator_become_no_control_tokens(model, text):
    pictures = model._pictures([scenery(97, 161)])
    harmless, ours = (
        model._inputs(pictures, [words], room=1)["input_ids"][0].tolist() for words in ("red mug", f"red {text} mug")
    )
    assert ours == harmless


def test_settings_that_can_not_be_followed_are_refused(tmp_path):
    directory = molmo2(tmp_path / "model")
    path = directory / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"resample": 1}))
    with pytest.raises(ModelError, match="can't be followed"):
        Molmo2Model(directory, device="cpu").caption(scenery(40, 40))
