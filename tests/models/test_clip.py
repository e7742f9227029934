"""CLIP by its seam, on a tiny random checkpoint."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="models need torch")
transformers = pytest.importorskip("transformers", reason="models need transformers")

from vlm_picking.conformance.tiny.clip import build_clip  # noqa: E402
from vlm_picking.errors import ModelError  # noqa: E402
from vlm_picking.models.base import roles_of  # noqa: E402
from vlm_picking.models.clip import FAMILY, NEUTRAL, ClipScorer  # noqa: E402
from vlm_picking.models.registry import load_model  # noqa: E402
from vlm_picking.models.sidecar import Sidecar  # noqa: E402

LABELS = ["an open box", "a closed box", "a red mug"]
PHRASES = ["red mug", "mug", "banana", "green bowl"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return build_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def model(checkpoint):
    return load_model(str(checkpoint), device="cpu")


@pytest.fixture(scope="module")
def stock(checkpoint):
    return (
        transformers.AutoModelForZeroShotImageClassification.from_pretrained(checkpoint).eval(),
        transformers.CLIPProcessor.from_pretrained(checkpoint),
    )


def blotches(height: int = 96, width: int = 161, *, seed: int = 0) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 255, (-(-height // 16), -(-width // 16), 3), dtype=np.uint8)
    return np.ascontiguousarray(np.kron(small, np.ones((16, 16, 1), np.uint8))[:height, :width])


def logits_of(stock, rgb: np.ndarray, texts: list[str]) -> torch.Tensor:
    """The whole forward of the library, on its own inputs."""
    network, processor = stock
    with torch.no_grad():
        return network(**processor(text=texts, images=rgb, padding=True, return_tensors="pt")).logits_per_image[0]


def test_it_fits_the_seam(model):
    assert roles_of(model) == FAMILY.roles
    assert model.name


@pytest.mark.parametrize("size", [(96, 161), (48, 48), (33, 37), (40, 300)], ids=str)
def test_a_choice_is_the_librarys_softmax(model, stock, size):
    rgb = blotches(*size)
    whole = logits_of(stock, rgb, [f"a photo of {label}" for label in LABELS]).softmax(0)
    ours = model.classify(rgb, LABELS)
    np.testing.assert_allclose(ours, whole, atol=2e-3)
    assert ours.sum() == pytest.approx(1)
    assert ours.dtype == np.float32


def test_presence_is_a_softmax_against_the_best_neutral_text(model, stock):
    rgb = blotches()
    logits = logits_of(stock, rgb, [*NEUTRAL, "a photo of a red mug"])
    pair = torch.stack([logits[: len(NEUTRAL)].max(), logits[-1]]).softmax(0)
    assert model.presence(rgb, ["red mug"])[0] == pytest.approx(float(pair[1]), abs=2e-3)


def test_a_sidecar_calibrates_presence_and_words_the_prompt(tmp_path):
    checkpoint = build_clip(tmp_path / "clip")
    rgb = blotches()
    plain = ClipScorer(checkpoint, device="cpu")
    Sidecar(name="calibrated", template="a photo of a {}", scale=0.25, bias=0.7).write(checkpoint)
    calibrated = ClipScorer(checkpoint, device="cpu")
    raw = plain.presence(rgb, PHRASES).astype(float)
    logits = np.log(raw / (1 - raw))
    np.testing.assert_allclose(calibrated.presence(rgb, PHRASES), 1 / (1 + np.exp(-(0.25 * logits + 0.7))), atol=1e-4)
    assert calibrated.name == "calibrated"
    Sidecar(name="x", template="{}").write(checkpoint)
    assert not np.allclose(ClipScorer(checkpoint, device="cpu").presence(rgb, PHRASES), raw)


def test_phrases_do_not_compete(model):
    rgb = blotches()
    together = model.presence(rgb, PHRASES)
    alone = [model.presence(rgb, [phrase])[0] for phrase in PHRASES]
    fresh = [load_model(model_path, device="cpu").presence(rgb, PHRASES) for model_path in [model._model.name_or_path]]
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(together, fresh[0], atol=1e-5)


def test_embeddings_are_of_length_one_and_their_products_order_the_texts(model, stock):
    rgb = blotches()
    image, texts = model.embed_image(rgb), model.embed_texts(LABELS)
    assert image.shape == (32,) and texts.shape == (3, 32)
    assert image.dtype == texts.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5)
    assert np.linalg.norm(image) == pytest.approx(1, abs=1e-5)
    scale = float(stock[0].logit_scale.detach().exp())
    np.testing.assert_allclose(scale * texts @ image, logits_of(stock, rgb, LABELS), atol=0.02)
    assert model.embed_texts(["mug", "mug"]).shape == (2, 32)


def test_towers_run_once_for_each_image_and_text(checkpoint):
    model = ClipScorer(checkpoint, device="cpu")
    calls = []
    model._model.vision_model.register_forward_hook(lambda *_: calls.append("image"))
    model._model.text_model.register_forward_hook(lambda *_: calls.append("text"))
    rgb = blotches()
    model.presence(rgb, PHRASES)
    model.presence(rgb.copy(), PHRASES[::-1])
    model.embed_image(rgb)
    assert calls == ["text", "image"]
    model.presence(blotches(seed=1), PHRASES)
    assert calls == ["text", "image", "image"]


def test_control_tokens_in_a_text_are_letters(model):
    """The end of text, were it read as such, would hide what comes after it."""
    one, other = model.embed_texts(["mug <|endoftext|> red", "mug <|endoftext|> banana"])
    assert not np.allclose(one, other, atol=1e-4)


def test_no_phrases_no_probabilities(model):
    assert model.presence(blotches(), []).shape == (0,)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda m: m.presence(blotches(), ["mug", " "]), "empty phrase"),
        (lambda m: m.classify(blotches(), []), "no labels"),
        (lambda m: m.embed_texts([]), "no text"),
        (lambda m: m.embed_texts(["mug " * 500]), "shorten it"),
        (lambda m: m.embed_image(np.zeros((8, 8, 3), np.float32)), "uint8"),
    ],
    ids=["empty", "no labels", "no text", "too long", "no picture"],
)
def test_what_can_not_be_asked_is_refused(model, ask, told):
    with pytest.raises(ModelError, match=told):
        ask(model)


def test_weights_that_give_no_numbers_are_an_error(checkpoint):
    model = ClipScorer(checkpoint, device="cpu")
    with torch.no_grad():
        model._model.visual_projection.weight.fill_(float("nan"))
    with pytest.raises(ModelError, match="no numbers"):
        model.classify(blotches(), LABELS)


def test_lower_precision_gives_nearly_the_same(checkpoint, model):
    coarse = ClipScorer(checkpoint, device="cpu", dtype="bfloat16")
    assert coarse.embed_image(blotches()) @ model.embed_image(blotches()) > 0.99
