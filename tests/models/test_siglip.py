"""SigLIP and SigLIP 2 by their seam, on tiny random checkpoints."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="models need torch")
transformers = pytest.importorskip("transformers", reason="models need transformers")
pytest.importorskip("sentencepiece", reason="SigLIP's tokenizer needs sentencepiece")

from vlm_picking.conformance.tiny.siglip import TINY, build_siglip  # noqa: E402
from vlm_picking.errors import ModelError  # noqa: E402
from vlm_picking.models.base import roles_of  # noqa: E402
from vlm_picking.models.registry import load_model  # noqa: E402
from vlm_picking.models.sidecar import Sidecar  # noqa: E402
from vlm_picking.models.siglip import FAMILY, SiglipScorer, patch_grid  # noqa: E402

LABELS = ["an open box", "a closed box", "a red mug"]
PHRASES = ["red mug", "mug", "banana", "green bowl"]
SIZES = [(96, 161), (48, 48), (33, 37), (40, 300)]


@pytest.fixture(scope="module", params=TINY)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def checkpoint(kind, tmp_path_factory):
    return TINY[kind](tmp_path_factory.mktemp(kind))


@pytest.fixture(scope="module")
def model(checkpoint):
    return load_model(str(checkpoint), device="cpu")


@pytest.fixture(scope="module")
def stock(checkpoint):
    return (
        transformers.AutoModelForZeroShotImageClassification.from_pretrained(checkpoint).eval(),
        transformers.AutoProcessor.from_pretrained(checkpoint),
    )


def blotches(height: int = 96, width: int = 161, *, seed: int = 0) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 255, (-(-height // 16), -(-width // 16), 3), dtype=np.uint8)
    return np.ascontiguousarray(np.kron(small, np.ones((16, 16, 1), np.uint8))[:height, :width])


def logits_of(stock, rgb: np.ndarray, texts: list[str]) -> torch.Tensor:
    """The whole forward of the library, on its own inputs."""
    network, processor = stock
    tokens = processor.tokenizer(texts, padding="max_length", max_length=64, return_tensors="pt")
    with torch.no_grad():
        return network(**tokens, **processor.image_processor(rgb, return_tensors="pt")).logits_per_image[0]


def test_it_fits_the_seam(model):
    assert roles_of(model) == FAMILY.roles
    assert model.name


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_presence_is_the_librarys_sigmoid(model, stock, size):
    rgb = blotches(*size)
    whole = logits_of(stock, rgb, [f"a photo of a {phrase}" for phrase in PHRASES]).sigmoid()
    np.testing.assert_allclose(model.presence(rgb, PHRASES), whole, atol=2e-3)


def test_a_choice_is_a_softmax(model, stock):
    rgb = blotches()
    whole = logits_of(stock, rgb, [f"a photo of {label}" for label in LABELS]).softmax(0)
    ours = model.classify(rgb, LABELS)
    np.testing.assert_allclose(ours, whole, atol=2e-3)
    assert ours.sum() == pytest.approx(1)


@pytest.mark.parametrize("size", [*SIZES, (131, 177), (5, 400)], ids=str)
def test_pixels_are_the_librarys_own(model, stock, size):
    """Within one grey level, padding and masks exactly."""
    rgb = np.random.default_rng(size).integers(0, 256, (*size, 3), dtype=np.uint8)
    theirs = stock[1].image_processor(rgb, return_tensors="pt")
    ours = model._pixels(rgb)
    assert set(ours) == set(theirs)
    assert (ours["pixel_values"] - theirs["pixel_values"]).abs().max() * 0.5 * 255 <= 1.01
    for key in set(ours) - {"pixel_values"}:
        assert (ours[key] == torch.as_tensor(theirs[key])).all()


def test_a_sidecar_calibrates_presence(kind, tmp_path):
    checkpoint = TINY[kind](tmp_path / kind)
    raw = SiglipScorer(checkpoint, device="cpu").presence(blotches(), PHRASES).astype(float)
    Sidecar(name="calibrated", scale=0.25, bias=0.7).write(checkpoint)
    said = SiglipScorer(checkpoint, device="cpu").presence(blotches(), PHRASES)
    logits = np.log(raw / (1 - raw))
    np.testing.assert_allclose(said, 1 / (1 + np.exp(-(0.25 * logits + 0.7))), atol=1e-4)


def test_phrases_do_not_compete(model, checkpoint):
    rgb = blotches()
    together = model.presence(rgb, PHRASES)
    fresh = SiglipScorer(checkpoint, device="cpu")
    np.testing.assert_allclose(together, [fresh.presence(rgb, [phrase])[0] for phrase in PHRASES], atol=1e-5)


def test_towers_run_once_for_each_image_and_text(checkpoint):
    model = SiglipScorer(checkpoint, device="cpu")
    calls = []
    model._model.vision_model.register_forward_hook(lambda *_: calls.append("image"))
    model._model.text_model.register_forward_hook(lambda *_: calls.append("text"))
    model.presence(blotches(), PHRASES)
    model.presence(blotches(), PHRASES[::-1])
    model.embed_image(blotches())
    assert calls == ["text", "image"]


def test_capitals_and_control_tokens_change_nothing_by_themselves(model):
    """Neither the end of text nor padding, spelt out by an operator, hides what comes after it."""
    small, large = model.embed_texts(["a red mug", "A Red MUG"])
    np.testing.assert_allclose(small, large, atol=1e-6)
    for token in ("</s>", "<eos>", "<pad>", "<unk>"):
        ids = model._tokenizer([f"mug {token} red"], split_special_tokens=True)["input_ids"][0]
        one, other = model.embed_texts([f"mug {token} red", f"mug {token} banana"])
        assert not np.allclose(one, other, atol=1e-5)
        assert ids.count(model._tokenizer.eos_token_id) <= 1


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda m: m.presence(blotches(), ["mug", " "]), "empty phrase"),
        (lambda m: m.classify(blotches(), []), "no labels"),
        (lambda m: m.embed_texts(["mug " * 500]), "shorten it"),
        (lambda m: m.embed_image(np.zeros((8, 8), np.uint8)), "uint8"),
    ],
    ids=["empty", "no labels", "too long", "no picture"],
)
def test_what_can_not_be_asked_is_refused(model, ask, told):
    with pytest.raises(ModelError, match=told):
        ask(model)


def test_no_phrases_no_probabilities(model):
    assert model.presence(blotches(), []).shape == (0,)


@pytest.mark.parametrize(("height", "width"), [(480, 640), (641, 33), (7, 7), (1080, 1920), (1, 5000)])
@pytest.mark.parametrize(("patch_px", "max_patches"), [(16, 256), (14, 729), (16, 1)])
def test_grids_are_the_librarys(height, width, patch_px, max_patches):
    from transformers.models.siglip2.image_processing_pil_siglip2 import get_image_size_for_max_num_patches

    theirs = get_image_size_for_max_num_patches(height, width, patch_px, max_patches)
    rows, columns = patch_grid(height, width, patch_px=patch_px, max_patches=max_patches)
    assert (rows * patch_px, columns * patch_px) == theirs
    assert rows * columns <= max_patches


def test_a_checkpoint_without_its_sentencepiece_model_is_refused(tmp_path):
    checkpoint = build_siglip(tmp_path / "siglip")
    (checkpoint / "spiece.model").unlink()
    with pytest.raises(ModelError, match="tokenizer"):
        load_model(str(checkpoint), device="cpu")
