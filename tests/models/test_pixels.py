"""Pre-processing equals Pillow's and that of the library's own processors."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="pre-processing runs on torch")
transformers = pytest.importorskip("transformers", reason="compared with the processors of transformers")
Image = pytest.importorskip("PIL.Image", reason="compared with Pillow")

from vlm_picking.errors import ModelError  # noqa: E402
from vlm_picking.models.pixels import PixelSpec, Resample, as_tensor, prepare, resize  # noqa: E402

PILLOW_CHOOSES_THE_ORDER = int(Image.__version__.split(".")[0]) >= 13

# (H, W) -> (h, w): down, up, both, one axis only, thin, as it is.
SIZES = {
    "down": ((301, 411), (224, 131)),
    "far down": ((480, 641), (16, 16)),
    "up": ((37, 53), (64, 97)),
    "wider, lower": ((301, 211), (224, 320)),
    "narrower, higher": ((61, 333), (99, 64)),
    "lower, much wider": ((61, 90), (33, 400)),
    "twice as much lower": ((100, 100), (50, 75)),
    "a bit more than that": ((100, 100), (50, 76)),
    "lower by more than it is wide": ((150, 60), (30, 2)),
    "across only": ((50, 77), (50, 33)),
    "down only": ((77, 50), (33, 50)),
    "a line": ((1, 9), (16, 16)),
    "a pixel": ((9, 7), (1, 1)),
    "as it is": ((31, 17), (31, 17)),
}


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng((height, width)).integers(0, 256, (height, width, 3), dtype=np.uint8)


def scenery(height: int, width: int) -> np.ndarray:
    """Soft shades with hard edges, as photographs have them."""
    y, x = np.mgrid[:height, :width]
    shade = 127 + 90 * np.sin(x / 23)[..., None] * np.cos(y[..., None] / np.array([17, 29, 41]))
    shade[height // 4 : height // 2, width // 3 : width // 2] = (250, 10, 90)
    return (shade + noise(height, width) / 32).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("resample", Resample, ids=lambda r: r.name.lower())
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_a_resize_is_pillows(sizes, resample):
    """Sums that end at a half may fall to either side. Pillows before 13 are told in which order to go."""
    (height, width), (h, w) = sizes
    rgb = noise(height, width)
    ours = resize(as_tensor(rgb), (h, w), resample).permute(1, 2, 0).numpy()
    pillows = Image.fromarray(rgb)
    if PILLOW_CHOOSES_THE_ORDER:
        pillows = pillows.resize((w, h), int(resample))
    else:
        down_first = height - h > max(0, 2 * (width - w))
        between = (width, h) if down_first else (w, height)
        pillows = pillows.resize(between, int(resample)).resize((w, h), int(resample))
    difference = np.abs(ours - np.asarray(pillows))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.02


def test_without_rounding_it_is_within_half_a_level_a_direction():
    rgb = as_tensor(scenery(123, 211))
    fine = resize(rgb, (64, 64), Resample.BOX, rounded=False)
    coarse = resize(rgb, (64, 64), Resample.BOX)
    assert (fine - coarse).abs().max() <= 1.01
    assert (fine != fine.round()).any()


def test_without_rounding_bicubic_overshoots():
    edge = np.zeros((8, 16, 3), np.uint8)
    edge[:, 8:] = 255
    fine = resize(as_tensor(edge), (8, 64), Resample.BICUBIC, rounded=False)
    assert fine.max() > 255 and fine.min() < 0
    coarse = resize(as_tensor(edge), (8, 64), Resample.BICUBIC)
    assert coarse.max() == 255 and coarse.min() == 0


def test_what_is_read_only_stays_as_it_was_and_warns_of_nothing(recwarn):
    rgb = scenery(20, 30)
    rgb.setflags(write=False)
    before = rgb.copy()
    prepare(rgb, PixelSpec(size=None))
    assert (rgb == before).all()
    assert not recwarn.list


PROCESSORS = {
    "CLIPImageProcessorPil": {},
    "SiglipImageProcessorPil": {},
    "ViTImageProcessorPil": {"size": {"height": 96, "width": 64}},
    "OwlViTImageProcessorPil": {"size": {"height": 64, "width": 64}},
    "GroundingDinoImageProcessorPil": {"size": {"shortest_edge": 60, "longest_edge": 80}},
    "SamImageProcessorPil": {"size": {"longest_edge": 128}, "pad_size": {"height": 128, "width": 128}},
}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *PROCESSORS.items(),
        ("CLIPImageProcessorPil", {"size": {"shortest_edge": 32}, "crop_size": {"height": 45, "width": 40}}),
        ("CLIPImageProcessorPil", {"do_resize": False, "crop_size": {"height": 33, "width": 300}}),
        ("CLIPImageProcessorPil", {"do_normalize": False, "do_center_crop": False}),
        ("CLIPImageProcessorPil", {"do_rescale": False, "do_normalize": False, "resample": 0}),
        ("CLIPImageProcessorPil", {"resample": 1, "rescale_factor": 1 / 127.5, "image_mean": [1, 1, 1]}),
    ],
    ids=[*PROCESSORS, "crop beyond", "crop only", "not normalised", "grey levels", "lanczos"],
)
@pytest.mark.parametrize("size", [(131, 177), (99, 201), (60, 60), (9, 31), (40, 300), (151, 141)], ids=str)
def test_it_equals_the_librarys_own_processor(tmp_path, name, options, size):
    """Within one grey level."""
    processor = getattr(transformers, name)(**options)
    processor.save_pretrained(tmp_path)
    spec = PixelSpec.read(str(tmp_path), offline=True)
    for rgb in (noise(*size), scenery(*size)):
        theirs = processor(rgb, return_tensors="pt")["pixel_values"]
        ours = prepare(rgb, spec)
        assert ours.shape == theirs.shape
        std = torch.tensor(spec.std)[:, None, None]
        assert ((ours - theirs) * std).abs().max() <= 1.01 * spec.scale


def test_a_file_from_long_ago_is_read_with_the_defaults_of_its_class(tmp_path):
    """OpenAI's CLIP has a size that is one number, which means the shorter edge there."""
    old = {"feature_extractor_type": "CLIPFeatureExtractor", "size": 224, "crop_size": 224, "do_resize": True}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(old))
    spec = PixelSpec.read(str(tmp_path), offline=True)
    assert spec.size == {"shortest_edge": 224}
    assert spec.crop == (224, 224)
    assert spec.mean == pytest.approx((0.48145466, 0.4578275, 0.40821073))


def test_defaults_may_be_named(tmp_path):
    (tmp_path / "preprocessor_config.json").write_text("{}")
    spec = PixelSpec.read(str(tmp_path), offline=True, processor="SiglipImageProcessorPil")
    assert spec.size == {"height": 224, "width": 224}
    assert spec.mean == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "has no image processor"),
        ("{", "has no image processor"),
        ("{}", "can't be followed.*size"),
        ('{"size": {"corner": 3}, "do_normalize": false}', "can't be followed.*no rule for the size"),
        ('{"size": 32, "do_normalize": false, "resample": 9}', "can't be followed.*9"),
        ('{"size": 32, "image_mean": "grey", "image_std": [1, 1, 1]}', "can't be followed"),
    ],
    ids=["no file", "cut off", "empty", "odd size", "odd filter", "odd mean"],
)
def test_what_can_not_be_followed_is_refused(tmp_path, content, told):
    if content is not None:
        (tmp_path / "preprocessor_config.json").write_text(content)
    with pytest.raises(ModelError, match=told):
        PixelSpec.read(str(tmp_path), offline=True)


def test_it_comes_in_the_type_that_is_asked_for():
    pixels = prepare(scenery(20, 30), PixelSpec(size={"height": 8, "width": 8}), dtype=torch.bfloat16)
    assert pixels.dtype == torch.bfloat16
    assert pixels.shape == (1, 3, 8, 8)


def test_what_is_no_picture_is_refused():
    with pytest.raises(ModelError, match="uint8"):
        prepare(np.zeros((8, 8), np.uint8), PixelSpec(size=None))
