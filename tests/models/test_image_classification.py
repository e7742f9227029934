"""Image classifiers by their seam, on tiny random checkpoints of real classes: boxes in, shares of classes out."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="models need torch")
transformers = pytest.importorskip("transformers", reason="models need transformers")

from tests.models.pictures import blotches, scenery  # noqa: E402
from vlm_picking.camera import PinholeCamera  # noqa: E402
from vlm_picking.closeup import as_input, closeups  # noqa: E402
from vlm_picking.conformance.tiny.image_classification import LABELS, TINY  # noqa: E402
from vlm_picking.errors import ModelError  # noqa: E402
from vlm_picking.frame import RgbdFrame  # noqa: E402
from vlm_picking.models.base import BoxClassifier, Role, roles_of  # noqa: E402
from vlm_picking.models.hub import require_cached  # noqa: E402
from vlm_picking.models.image_classification import FAMILY  # noqa: E402
from vlm_picking.models.registry import load_model  # noqa: E402
from vlm_picking.models.suite import ModelSuite  # noqa: E402
from vlm_picking.warming import warm_up  # noqa: E402

BOXES = np.array([[10, 10, 60, 60], [40, 20, 150, 90], [0, 0, 160, 96], [100, 5, 120, 70]], np.float32)
CLASSES = ("coffee mug", "hex bolt", "carton", "apple")


def frame_of(rgb=None, *, depth_m=None, fx=200.0) -> RgbdFrame:
    rgb = blotches() if rgb is None else rgb
    height, width = rgb.shape[:2]
    if depth_m is None:
        depth_m = np.full((height, width), 0.6, np.float32)
        depth_m[20:60, 20:50] = 0.52
        depth_m[:, 145:] = np.nan
    return RgbdFrame(rgb, depth_m, PinholeCamera(width, height, fx, fx, width / 2, height / 2))


def load(checkpoint, **options):
    return load_model(str(checkpoint), device="cpu", offline=True, **options)


@pytest.fixture(scope="module", params=TINY)
def checkpoint(request, tmp_path_factory):
    return TINY[request.param](tmp_path_factory.mktemp("tiny") / request.param)


@pytest.fixture(scope="module")
def classifier(checkpoint):
    return load(checkpoint)


@pytest.fixture
def with_depth(tmp_path):
    """A checkpoint of six channels that a test may change."""
    return TINY["resnet"](tmp_path / "resnet")


def inputs(classifier, ask) -> list:
    """What the network was given while `ask` ran, one tensor (n, C, S, S) a forward."""
    seen: list = []
    hook = classifier._model.register_forward_pre_hook(
        lambda _module, _args, given: seen.append(given["pixel_values"]), with_kwargs=True
    )
    ask()
    hook.remove()
    return seen


def looks(classifier, ask) -> list[int]:
    """How many boxes each forward that `ask` led to had."""
    return list(map(len, inputs(classifier, ask)))


def by_the_library(checkpoint, pixels):
    """Close-ups (N, S, S, 4) by the class of the library that processes images; they have the right size already."""
    named = json.loads((checkpoint / "preprocessor_config.json").read_text())["image_processor_type"]
    processor = getattr(transformers, f"{named}Pil").from_pretrained(checkpoint, do_resize=False)
    return processor(list(pixels[..., :3]), return_tensors="pt")["pixel_values"]


def edit(path, **changes) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_it_fits_the_seam(classifier, checkpoint):
    assert isinstance(classifier, BoxClassifier)
    assert roles_of(classifier) == {Role.CLASSIFICATION} == FAMILY.roles
    assert classifier.name == checkpoint.name
    assert classifier.classes == CLASSES, "the class for everything else is not among them"


def test_probabilities_are_those_of_the_library_on_the_same_input(checkpoint, classifier):
    model = transformers.AutoModelForImageClassification.from_pretrained(checkpoint).eval()
    side = json.loads((checkpoint / "preprocessor_config.json").read_text())["size"]
    pixels, side_m = closeups(frame_of(), BOXES, side_px=next(iter(side.values())))
    has_depth = model.config.num_channels == 6
    values = torch.from_numpy(as_input(pixels, side_m)) if has_depth else by_the_library(checkpoint, pixels)
    with torch.no_grad():
        expected = model(pixel_values=values).logits.softmax(dim=-1)[:, 1:]
    assert expected.std() > 0.05, "classes that are all alike prove nothing"
    np.testing.assert_allclose(classifier.classify_boxes(frame_of(), BOXES), expected, atol=1e-4)


def test_many_boxes_are_the_same_as_one_by_one_in_any_order(checkpoint):
    corners = np.random.default_rng(1).integers(0, 60, (150, 2))
    boxes = np.hstack([corners, corners + np.random.default_rng(2).integers(4, 40, (150, 2))])
    one, other, third = (load(checkpoint) for _ in range(3))
    whole = []
    assert looks(one, lambda: whole.append(one.classify_boxes(frame_of(), boxes)))[:2] == [64, 64]
    alone = np.concatenate([other.classify_boxes(frame_of(), box[None]) for box in boxes])
    np.testing.assert_allclose(whole[0], alone, atol=1e-5)
    order = np.random.default_rng(3).permutation(len(boxes))
    np.testing.assert_allclose(third.classify_boxes(frame_of(), boxes[order]), whole[0][order], atol=1e-5)


def test_no_boxes_and_boxes_without_an_area(classifier):
    assert classifier.classify_boxes(frame_of(), np.zeros((0, 4))).shape == (0, 4)
    empty = [[5, 5, 5, 9], [5, 5, 9, 5], [7.1, 7.1, 7.3, 7.3], [-30, 4, -10, 20], [170, 4, 190, 20]]
    shares = classifier.classify_boxes(frame_of(), [*empty, [10, 10, 60, 60]])
    assert not shares[:-1].any() and shares[-1].sum() > 0
    assert shares.dtype == np.float32


def test_what_lacks_to_one_is_the_class_for_everything_else(classifier):
    shares = classifier.classify_boxes(frame_of(), BOXES)
    assert (shares >= 0).all() and (shares.sum(axis=1) < 1).all()


def test_lower_precision_gives_nearly_the_same(checkpoint, classifier):
    shares = load(checkpoint, dtype="bfloat16").classify_boxes(frame_of(), BOXES)
    np.testing.assert_allclose(shares, classifier.classify_boxes(frame_of(), BOXES), atol=0.15)


def test_without_depth_it_still_looks(classifier):
    blind = frame_of(depth_m=np.full((96, 160), np.nan, np.float32))
    shares = classifier.classify_boxes(blind, BOXES)
    assert np.isfinite(shares).all() and (shares.sum(axis=1) > 0).all()


def test_depth_counts_only_with_six_channels(classifier, checkpoint):
    flat = frame_of(depth_m=np.full((96, 160), 0.9, np.float32))
    same = np.allclose(classifier.classify_boxes(flat, BOXES), classifier.classify_boxes(frame_of(), BOXES), atol=1e-6)
    assert same == (checkpoint.name != "resnet")


def test_a_box_is_looked_at_once_a_frame(checkpoint):
    classifier = load(checkpoint)

    def ask_ten_times():
        for _ in range(10):
            classifier.classify_boxes(frame_of(), BOXES)
            classifier.classify_boxes(frame_of(), BOXES[::-1][:2] + 0.3)

    assert looks(classifier, ask_ten_times) == [len(BOXES)]
    assert looks(classifier, lambda: classifier.classify_boxes(frame_of(), BOXES + 5)) == [len(BOXES)]


def test_another_frame_is_looked_at_anew(with_depth):
    classifier = load(with_depth)
    first = classifier.classify_boxes(frame_of(), BOXES)
    for other in (frame_of(scenery(96, 160)), frame_of(depth_m=np.full((96, 160), 0.7, np.float32)), frame_of(fx=90.0)):
        seen = []
        assert looks(classifier, lambda other=other, seen=seen: seen.append(classifier.classify_boxes(other, BOXES)))
        assert not np.allclose(seen[0], first)
    np.testing.assert_array_equal(classifier.classify_boxes(frame_of(), BOXES), first)


def test_the_first_question_finds_it_warm(with_depth):
    classifier = load(with_depth)
    assert looks(classifier, lambda: warm_up(ModelSuite.of(classifier), frame_of())) == [1]


def test_words_of_labels_and_categories(with_depth):
    classifier = load(with_depth)
    shares = classifier.classify_boxes(frame_of(), BOXES)
    mug, bolt, carton, apple = shares.T

    def told(phrase):
        return classifier.phrase_probability(shares, phrase)

    for phrase in ("coffee mug", "mug", "cup", "red cup", "light blue coffee mug", "thing to drink from"):
        np.testing.assert_array_equal(told(phrase), mug)
    np.testing.assert_array_equal(told("hex bolt"), bolt)
    np.testing.assert_array_equal(told("red packaging"), carton)
    np.testing.assert_allclose(told("small thing"), bolt + apple, atol=1e-6)
    assert all(map(classifier.knows, ("Apple", "green apple", "packaging", "small thing")))
    for unknown in ("giraffe", "striped mug", "none", "red", "", "light"):
        assert not classifier.knows(unknown)
        with pytest.raises(ModelError, match="can't tell"):
            told(unknown)
    with pytest.raises(ModelError, match=r"must be \(N, 4\)"):
        classifier.phrase_probability(shares[:, :2], "mug")


def test_what_it_weighs_beside_a_detector_comes_from_its_sidecar(with_depth):
    assert load(with_depth).weights("carton") == (1.0, 0.5, -0.25)
    (with_depth / "vlm_picking.json").unlink()
    plain = load(with_depth)
    assert plain.weights("carton") is None and not plain.knows("packaging") and plain.knows("carton")


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (("LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3", "LABEL_4"), "have no names: write them as id2label"),
        (("none", "Other", "NOTHING", "background", "None"), "tells nothing apart"),
        (("none", "mug", "bolt", "box", "apple"), "'packaging' .* names 'carton', which is none of its classes"),
    ],
)
def test_labels_that_help_nobody_are_refused(with_depth, labels, told):
    edit(with_depth / "config.json", id2label=dict(enumerate(labels)), label2id={})
    with pytest.raises(ModelError, match=told):
        load(with_depth)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"problem_type": "multi_label_classification"}, "does multi_label_classification; take a classifier of one"),
        ({"architectures": ["ResNetBackbone"]}, "is a ResNetBackbone, without a head that classifies images"),
        ({"num_channels": 3}, "weights"),
    ],
)
def test_checkpoints_for_something_else_are_refused(with_depth, change, told):
    edit(with_depth / "config.json", **change)
    with pytest.raises(ModelError, match=told):
        load(with_depth)


@pytest.mark.parametrize("cls", ["ViTModel", "Dinov2Model"])
def test_a_vision_transformer_without_a_head_is_refused_with_the_way_to_one(tmp_path, cls):
    config = getattr(transformers, cls).config_class(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=16
    )
    getattr(transformers, cls)(config).save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text('{"size": {"height": 32, "width": 32}}')
    with pytest.raises(ModelError, match=f"is a {cls}, without a head .* AutoModelForImageClassification"):
        load(tmp_path)


def test_other_numbers_of_channels_are_refused_with_what_would_do(tmp_path):
    config = transformers.ResNetConfig(num_channels=4, embedding_size=8, hidden_sizes=[8], depths=[1], num_labels=3)
    transformers.ResNetForImageClassification(config).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"takes 4 channels; train one with num_channels 3 \(colour\) or 6"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("processor", "told"),
    [
        (None, "has no image processor"),
        ({"size": {"height": 64, "width": 32}}, "must name a square size"),
        ({"do_normalize": False}, "can't be followed|square size"),
    ],
)
def test_processors_that_can_t_be_followed_are_refused(with_depth, processor, told):
    path = with_depth / "preprocessor_config.json"
    path.unlink() if processor is None else path.write_text(json.dumps(processor))
    with pytest.raises(ModelError, match=told):
        load(with_depth)


def test_one_in_the_local_cache_needs_no_tokenizer(tmp_path, monkeypatch):
    repository = tmp_path / "models--owner--parts"
    snapshot = TINY["resnet"](repository / "snapshots" / ("0" * 40))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    require_cached("owner/parts", FAMILY)
    (snapshot / "preprocessor_config.json").unlink()
    with pytest.raises(ModelError, match="lacks preprocessor_config.json; fetch it once"):
        require_cached("owner/parts", FAMILY)


def test_a_size_that_the_network_can_t_take_is_told(tmp_path):
    checkpoint = TINY["vit"](tmp_path / "vit")
    edit(checkpoint / "preprocessor_config.json", size={"height": 80, "width": 80})
    with pytest.raises(ModelError, match="can't take close-ups of 80 px"):
        load(checkpoint).classify_boxes(frame_of(), BOXES)


@pytest.mark.parametrize(
    "boxes",
    [np.zeros((2, 3)), np.zeros(4), [[9, 0, 0, 9]], [[0, 0, np.inf, 9]], [[0, 0, np.nan, 9]]],
    ids=["three numbers", "one box alone", "inside out", "infinite", "no number"],
)
def test_boxes_that_are_none_are_refused(classifier, boxes):
    with pytest.raises(ModelError, match="boxes must be"):
        classifier.classify_boxes(frame_of(), boxes)


def test_a_picture_is_no_frame(classifier):
    with pytest.raises(ModelError, match="RgbdFrame, got ndarray"):
        classifier.classify_boxes(blotches(), BOXES)


def test_weights_that_overflow_are_told(with_depth):
    from safetensors.torch import load_file, save_file

    weights = load_file(with_depth / "model.safetensors")
    weights["classifier.1.bias"] = torch.full_like(weights["classifier.1.bias"], float("nan"))
    save_file(weights, with_depth / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="no numbers; with dtype float16 try float32"):
        load(with_depth).classify_boxes(frame_of(), BOXES)


SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "image_size": 32}
STAGES = {"hidden_sizes": [8, 8, 16, 16], "depths": [1, 1, 1, 1]}
WINDOWS = {"image_size": 32, "patch_size": 4, "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2], "window_size": 4}
CONFIGS = {
    "resnet": ("ResNet", STAGES | {"embedding_size": 8}),
    "regnet": ("RegNet", STAGES | {"embedding_size": 8, "groups_width": 8}),
    "convnext": ("ConvNext", STAGES),
    "convnextv2": ("ConvNextV2", STAGES),
    "efficientnet": ("EfficientNet", {"width_coefficient": 0.25, "depth_coefficient": 0.2, "hidden_dim": 320}),
    "mobilenet_v1": ("MobileNetV1", {"depth_multiplier": 0.25}),
    "mobilenet_v2": ("MobileNetV2", {"depth_multiplier": 0.25}),
    "vit": ("ViT", SMALL | {"patch_size": 16}),
    "deit": ("DeiT", SMALL | {"patch_size": 16}),
    "beit": ("Beit", SMALL | {"patch_size": 16}),
    "dinov2": ("Dinov2", SMALL | {"patch_size": 16}),
    "dinov2_with_registers": ("Dinov2WithRegisters", SMALL | {"patch_size": 16}),
    "swin": ("Swin", WINDOWS),
    "swinv2": ("Swinv2", WINDOWS),
}
# The class of each that processes images; what its own defaults do to grey levels must be done to a close-up too.
PROCESSORS = {
    "deit": "DeiTImageProcessor",
    "beit": "BeitImageProcessor",
    "efficientnet": "EfficientNetImageProcessor",
    "mobilenet_v2": "MobileNetV2ImageProcessor",
    "dinov2": "BitImageProcessor",
}


def test_every_model_type_is_tried():
    assert set(CONFIGS) == set(FAMILY.model_types)


@pytest.mark.parametrize("model_type", CONFIGS)
@pytest.mark.parametrize("channels", [3, 6])
def test_each_model_type_classifies_with_and_without_depth(model_type, channels, tmp_path):
    name, options = CONFIGS[model_type]
    names = {"id2label": dict(enumerate(LABELS)), "label2id": {label: i for i, label in enumerate(LABELS)}}
    config = getattr(transformers, f"{name}Config")(**options, **names, num_channels=channels)
    assert config.model_type == model_type
    getattr(transformers, f"{name}ForImageClassification")(config).save_pretrained(tmp_path)
    size = {"height": 32, "width": 32}
    named = PROCESSORS.get(model_type, "ViTImageProcessor")
    processor = {"image_processor_type": named, "size": size, "crop_size": size}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(processor))
    classifier = load(tmp_path)
    pixels, side_m = closeups(frame_of(), BOXES, side_px=32)
    (taken,) = inputs(classifier, lambda: classifier.classify_boxes(frame_of(), BOXES))
    expected = by_the_library(tmp_path, pixels) if channels == 3 else as_input(pixels, side_m)
    np.testing.assert_allclose(taken, expected, atol=1e-4)
    shares = classifier.classify_boxes(frame_of(), BOXES)
    assert classifier.classes == CLASSES
    assert shares.shape == (4, 4) and (shares > 0).all() and (shares.sum(axis=1) < 1).all()
