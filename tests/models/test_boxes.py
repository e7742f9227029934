"""What detectors and segmenters share, without any model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlm_picking.detections import Detections
from vlm_picking.errors import ModelError
from vlm_picking.models.boxes import Seen, best_boxes, checked_boxes, corners_px, in_passes, logit, masks_in_boxes
from vlm_picking.models.sidecar import Sidecar

SIDECAR = Sidecar(name="model", floor=0.5)


def test_corners_are_pixels_of_the_image_and_clipped_to_it():
    shares = np.array([[0.5, 0.5, 0.5, 0.25], [0.0, 1.0, 0.5, 0.5]], np.float32)
    np.testing.assert_allclose(corners_px(shares, 100, 200), [[50, 37.5, 150, 62.5], [0, 75, 50, 100]])


def test_the_best_box_stays_however_low_its_score():
    xyxy = np.array([[0, 0, 9, 9], [20, 0, 29, 9]], np.float32)
    kept, score = best_boxes(np.array([-5.0, -4.0]), xyxy, phrase="mug", sidecar=SIDECAR)
    assert kept.tolist() == [1]
    assert score[0] == pytest.approx(1 / (1 + np.exp(4)))


def test_boxes_above_the_floor_stay_unless_a_better_one_covers_them():
    xyxy = np.array([[0, 0, 10, 10], [1, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]], np.float32)
    kept, score = best_boxes(np.array([1.0, 2.0, 0.5, -0.1]), xyxy, phrase="mug", sidecar=SIDECAR)
    assert kept.tolist() == [1, 2]
    assert (np.diff(score) < 0).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_and_boxes_that_are_no_numbers_are_refused(bad):
    with pytest.raises(ModelError, match="no numbers.*float32"):
        best_boxes(np.array([bad]), np.zeros((1, 4)), phrase="mug", sidecar=SIDECAR)
    with pytest.raises(ModelError, match="no numbers"):
        best_boxes(np.zeros(1), np.full((1, 4), bad), phrase="mug", sidecar=SIDECAR)


def test_a_logit_is_the_inverse_of_the_sigmoid_and_always_finite():
    x = np.linspace(-15, 15, 31)
    np.testing.assert_allclose(logit(1 / (1 + np.exp(-x))), x, atol=1e-6)
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()
    assert np.isnan(logit(np.array([np.nan]))).all()


@given(lengths=st.lists(st.integers(1, 10), max_size=40), limit=st.integers(10, 30))
def test_passes_hold_all_phrases_in_order_and_none_is_too_long(lengths, limit):
    n_tokens = {f"phrase {i}": length for i, length in enumerate(lengths)}
    passes = list(in_passes(list(n_tokens), n_tokens.get, limit=limit))
    assert [phrase for group in passes for phrase in group] == list(n_tokens)
    sums = [sum(map(n_tokens.get, group)) for group in passes]
    assert all(0 < total <= limit for total in sums)
    firsts = [n_tokens[group[0]] for group in passes[1:]]
    assert all(total + first > limit for total, first in zip(sums, firsts, strict=False)), "groups are filled up"


def test_a_phrase_that_no_pass_holds_is_refused():
    with pytest.raises(ModelError, match="'long'.* 11 tokens of 10: shorten it"):
        list(in_passes(["a", "long"], {"a": 1, "long": 11}.get, limit=10))


def test_boxes_are_clipped_and_none_is_fine():
    np.testing.assert_array_equal(checked_boxes([[-5, 0, 300, 20]], 10, 200), [[0, 0, 200, 10]])
    assert checked_boxes(np.zeros(0), 10, 10).shape == (0, 4)


@pytest.mark.parametrize(
    "boxes",
    [[[0, 0, 1]], [0, 0, 1, 1], [[5, 0, 1, 1]], [[0, 0, np.nan, 1]]],
    ids=["three numbers", "no row", "inside out", "not a number"],
)
def test_boxes_that_are_none_are_refused(boxes):
    with pytest.raises(ModelError, match="boxes must be"):
        checked_boxes(np.array(boxes), 10, 10)


def test_masks_come_for_all_boxes_a_few_at_a_time():
    xyxy = np.array([[i, 0, i + 1, 4] for i in range(37)], float)
    asked = []

    def decode(boxes):
        asked.append(len(boxes))
        columns = np.arange(40)
        return (columns >= boxes[:, None, None, 0]) & (columns < boxes[:, None, None, 2]) & np.ones((1, 4, 1), bool)

    masks = masks_in_boxes(xyxy, 4, 40, decode)
    assert masks.shape == (37, 4, 40) and sum(asked) == 37 and max(asked) <= 16
    assert [int(mask[0].argmax()) for mask in masks] == list(range(37))


def test_the_last_answer_is_remembered_and_no_other():
    looks = []

    def look(features, phrases):
        looks.append((features, tuple(phrases)))
        return Detections.empty()

    seen = Seen("image")
    for phrases in (["a"], ["a"], ["a", "b"], ["b", "a"], ["b", "a"], ["a"]):
        seen.ask(phrases, look)
    assert looks == [("image", key) for key in (("a",), ("a", "b"), ("b", "a"), ("a",))]
