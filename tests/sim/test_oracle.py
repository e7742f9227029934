import numpy as np
import pytest

pytest.importorskip("mujoco", reason="the simulator is an extra: pip install 'vlm_picking[sim]'")

from vlm_picking.errors import ModelError
from vlm_picking.models.base import ZeroShotDetector
from vlm_picking.sim.oracle import OracleDetector, split_phrase


@pytest.fixture
def oracle(example):
    return OracleDetector(example[2])


def test_is_a_detector(oracle):
    assert isinstance(oracle, ZeroShotDetector)
    assert {"mug", "cup", "packaging", "spanner"} <= oracle.vocabulary


@pytest.mark.parametrize(
    ("phrase", "count"),
    [
        ("mug", 3),
        ("cup", 3),
        ("red mug", 1),
        ("green mug", 0),
        ("cardboard box", 1),
        ("packaging", 1),
        ("orange", 1),
        ("red apple", 1),
        ("gray spanner", 1),
        ("screwdriver", 0),
        ("giraffe", 0),
        ("purple giraffe", 0),
        ("object", 10),
        ("red object", 2),
    ],
)
def test_counts_in_the_example(example, oracle, phrase, count):
    found = oracle.detect(example[1].rgb, [phrase])
    assert len(found) == count
    assert (found.label == phrase).all() and (found.score == 1).all()


def test_masks_and_boxes_are_exact(example, oracle):
    _, rendered, truth = example
    found = oracle.detect(rendered.rgb, ["banana", "red mug"])
    assert list(found.label) == ["banana", "red mug"]
    banana = next(item for item in truth.objects if item.kind == "banana")
    np.testing.assert_array_equal(found.mask[0], rendered.ids == banana.id)
    np.testing.assert_array_equal(found.xyxy[0], banana.xyxy)


def test_an_image_of_another_frame_is_an_error(oracle):
    with pytest.raises(ModelError, match="640x480 frame"):
        oracle.detect(np.zeros((10, 10, 3), np.uint8), ["mug"])


def test_what_it_cannot_know_is_an_error_not_an_absence(example, oracle):
    with pytest.raises(ModelError, match="'striped'"):
        oracle.detect(example[1].rgb, ["striped mug"])


@pytest.mark.parametrize(
    ("phrase", "parts"),
    [
        ("red coffee mug", (("red",), "coffee mug")),
        ("orange orange", (("orange",), "orange")),
        ("blue cordless drill", (("blue",), "cordless drill")),
        ("thing", ((), "thing")),
    ],
)
def test_phrases_are_split(phrase, parts):
    assert split_phrase(phrase) == parts
