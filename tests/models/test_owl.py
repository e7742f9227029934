"""The OWL family by its seam, on tiny random checkpoints: what every detector must keep, whatever its
weights.
"""

import shutil

import numpy as np
import pytest

pytest.importorskip("torch", reason="models need torch")
pytest.importorskip("transformers", reason="models need transformers")

from vlm_picking.conformance.tiny.owl import TINY  # noqa: E402
from vlm_picking.detections import box_iou  # noqa: E402
from vlm_picking.errors import ModelError  # noqa: E402
from vlm_picking.models.base import ZeroShotDetector  # noqa: E402
from vlm_picking.models.owl import OwlDetector, prepare_owlv2  # noqa: E402
from vlm_picking.models.pixels import PixelSpec, prepare  # noqa: E402
from vlm_picking.models.registry import load_detector  # noqa: E402
from vlm_picking.models.sidecar import Sidecar  # noqa: E402

PHRASES = ["mug", "red mug", "apple"]


@pytest.fixture(scope="module", params=TINY)
def checkpoint(request, tmp_path_factory):
    return TINY[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def detector(checkpoint):
    return load_detector(str(checkpoint), device="cpu")


@pytest.fixture
def rgb():
    """A wide picture of soft blotches."""
    small = np.random.default_rng(0).integers(0, 255, (6, 10, 3), dtype=np.uint8)
    return np.kron(small, np.ones((16, 16, 1), np.uint8))


def test_it_fits_the_seam(detector):
    assert isinstance(detector, ZeroShotDetector)
    assert detector.vocabulary is None, "a checkpoint without a sidecar has an open vocabulary"
    assert detector.classes == ()
    assert detector.colours is None
    assert detector.name


def test_every_phrase_has_its_best_box_and_only_asked_phrases_are_labels(detector, rgb):
    found = detector.detect(rgb, PHRASES)
    assert set(found.label) == set(PHRASES)


def test_boxes_lie_in_the_image(detector, rgb):
    height, width = rgb.shape[:2]
    xyxy = detector.detect(rgb, PHRASES).xyxy
    assert (xyxy >= 0).all()
    assert (xyxy[:, [0, 2]] <= width).all()
    assert (xyxy[:, [1, 3]] <= height).all()


def test_boxes_of_one_phrase_overlap_little(detector, rgb):
    found = detector.detect(rgb, PHRASES)
    for phrase in PHRASES:
        xyxy = found[found.label == phrase].xyxy
        overlap = box_iou(xyxy, xyxy)
        np.fill_diagonal(overlap, 0)
        assert overlap.max(initial=0) <= 0.4 + 1e-6


def test_phrases_do_not_compete(detector, rgb):
    alone = detector.detect(rgb, ["red mug"])
    together = detector.detect(rgb, PHRASES)
    together = together[together.label == "red mug"]
    np.testing.assert_allclose(together.score, alone.score, atol=1e-4)
    np.testing.assert_allclose(together.xyxy, alone.xyxy, atol=1e-2)


def test_asking_again_is_the_same_as_asking_afresh(checkpoint, detector, rgb):
    other = np.ascontiguousarray(rgb[::-1])
    first = detector.detect(rgb, PHRASES)
    detector.detect(other, PHRASES)
    again = detector.detect(rgb, PHRASES)
    fresh = OwlDetector(checkpoint, device="cpu").detect(rgb, PHRASES)
    for repeated in (again, fresh):
        np.testing.assert_allclose(repeated.score, first.score, atol=1e-5)
        np.testing.assert_allclose(repeated.xyxy, first.xyxy, atol=1e-3)


def test_an_image_is_encoded_once_even_when_it_is_a_copy(checkpoint, rgb):
    detector = OwlDetector(checkpoint, device="cpu")
    calls = []
    detector._model.register_forward_hook(lambda *_: calls.append("whole"))
    tower = detector._model.owlvit if hasattr(detector._model, "owlvit") else detector._model.owlv2
    tower.vision_model.register_forward_hook(lambda *_: calls.append("image"))
    tower.text_model.register_forward_hook(lambda *_: calls.append("text"))
    detector.detect(rgb, ["mug"])
    detector.detect(rgb.copy(), ["mug", "apple"])
    assert calls.count("image") == 1
    assert calls.count("text") == 2
    changed = rgb.copy()
    changed[0, 0] ^= 255
    detector.detect(changed, ["mug"])
    assert calls.count("image") == 2
    assert calls.count("text") == 2


@pytest.mark.parametrize("size", [(64, 64), (96, 160), (99, 201), (37, 53)], ids=str)
def test_the_same_box_as_the_library_gives(checkpoint, detector, size):
    """The library's own pre- and post-processing."""
    import torch
    import transformers

    rgb = np.random.default_rng(3).integers(0, 255, (*size, 3), dtype=np.uint8)
    processor = transformers.AutoProcessor.from_pretrained(checkpoint)
    model = transformers.AutoModelForZeroShotObjectDetection.from_pretrained(checkpoint).eval()
    inputs = processor(text=[["a photo of a mug"]], images=rgb, return_tensors="pt")
    with torch.no_grad():
        outputs = model(**inputs)
    stock = processor.post_process_grounded_object_detection(outputs, threshold=0.0, target_sizes=[size])[0]
    best = int(stock["scores"].argmax())
    ours = detector.detect(rgb, ["mug"]).by_score()
    assert ours.score[0] == pytest.approx(float(stock["scores"][best]), abs=1e-4)
    limits = np.array([size[1], size[0]] * 2)
    np.testing.assert_allclose(ours.xyxy[0], np.clip(stock["boxes"][best].numpy(), 0, limits), atol=0.05)


@pytest.mark.parametrize("size", [(131, 177), (77, 50), (64, 64), (300, 41), (9, 31), (40, 5), (481, 641)], ids=str)
@pytest.mark.parametrize(("kind", "ours"), [("OwlViT", prepare), ("Owlv2", prepare_owlv2)], ids=["owlvit", "owlv2"])
def test_pixels_are_the_librarys_own(tmp_path, kind, ours, size):
    """OWL-ViT within one grey level, OWLv2, which does not round, within a hundredth of one. Taller pictures than wide
    ones are turned for OWL-ViT: Pillow 13 resizes them in another order than those before it.
    """
    import transformers

    processor = getattr(transformers, f"{kind}ImageProcessorPil")(size={"height": 64, "width": 64})
    processor.save_pretrained(tmp_path)
    spec = PixelSpec.read(str(tmp_path), offline=True)
    size = tuple(sorted(size)) if kind == "OwlViT" else size
    rgb = np.random.default_rng(size).integers(0, 256, (*size, 3), dtype=np.uint8)
    difference = ours(rgb, spec) - processor(rgb, return_tensors="pt")["pixel_values"]
    levels = difference.abs().amax(dim=(0, 2, 3)).numpy() * np.array(spec.std) * 255
    assert levels.max() <= (1.01 if kind == "OwlViT" else 0.01)


def test_control_tokens_in_a_phrase_are_letters(detector):
    """The end of text, were it read as such, would hide what comes after it."""
    cut, whole = (detector._read([f"mug <|endoftext|> {word}"]).numpy() for word in ("red", "apple"))
    assert not np.allclose(cut, whole, atol=1e-4)


def test_no_phrases_is_no_detections(detector, rgb):
    assert len(detector.detect(rgb, [])) == 0


def test_an_empty_phrase_is_refused(detector, rgb):
    with pytest.raises(ModelError, match="empty phrase"):
        detector.detect(rgb, ["mug", " "])


def test_a_phrase_that_is_too_long_is_refused_not_cut(detector, rgb):
    with pytest.raises(ModelError, match="shorten it"):
        detector.detect(rgb, ["mug " * 2500])


@pytest.mark.parametrize(
    "picture",
    [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.float32), np.zeros((0, 8, 3), np.uint8)],
    ids=["grey", "float", "empty"],
)
def test_what_is_no_picture_is_refused(detector, picture):
    with pytest.raises(ModelError, match="uint8"):
        detector.detect(picture, ["mug"])


def test_lower_precision_gives_nearly_the_same(checkpoint, detector, rgb):
    coarse = OwlDetector(checkpoint, device="cpu", dtype="bfloat16").detect(rgb, ["mug"]).by_score()
    fine = detector.detect(rgb, ["mug"]).by_score()
    assert coarse.score[0] == pytest.approx(fine.score[0], abs=0.1)


@pytest.fixture
def knowing(checkpoint, tmp_path):
    """The checkpoint with a sidecar that knows two kinds of fruit, one by two words."""
    shutil.copytree(checkpoint, tmp_path / "knowing")
    categories = {"fruit": ("apple", "blue box"), "big fruit": ("apple",)}
    sidecar = Sidecar(
        name="knowing", vocabulary=frozenset({"apple", "mug", "blue box"}), categories=categories, scale=0.1, floor=0.01
    )
    sidecar.write(tmp_path / "knowing")
    return OwlDetector(tmp_path / "knowing", device="cpu")


def test_a_category_is_where_the_best_of_its_members_is(knowing, rgb):
    assert {"fruit", "big fruit", "mug"} <= knowing.vocabulary
    members = knowing.detect(rgb, ["apple", "blue box"]).by_score()
    fruit = knowing.detect(rgb, ["mug", "fruit"])
    fruit = fruit[fruit.label == "fruit"].by_score()
    assert fruit.score[0] == pytest.approx(members.score[0], abs=1e-6)
    np.testing.assert_allclose(fruit.xyxy[0], members.xyxy[0], atol=1e-3)
    same = knowing.detect(rgb, ["big fruit"]).by_score(), knowing.detect(rgb, ["apple"]).by_score()
    np.testing.assert_allclose(same[0].score, same[1].score, atol=1e-6)


def test_a_colour_before_a_category_is_said_of_its_members(knowing, rgb):
    red = knowing.detect(rgb, ["red fruit"]).by_score()
    members = knowing.detect(rgb, ["red apple", "red blue box"]).by_score()
    assert set(red.label) == {"red fruit"}
    assert red.score[0] == pytest.approx(members.score[0], abs=1e-6)
