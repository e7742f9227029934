"""Fusion of a detector's scores with a closer look."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlm_picking.camera import PinholeCamera
from vlm_picking.detections import Detections
from vlm_picking.frame import RgbdFrame
from vlm_picking.verification import EQUAL_SAY, doubt_further, fused_odds, log_odds, parts, verified

FRAME = RgbdFrame(
    np.zeros((20, 30, 3), np.uint8), np.ones((20, 30), np.float32), PinholeCamera(30, 20, 30.0, 30.0, 15.0, 10.0)
)


class Closer:
    """Sees a mug in every box whose left edge is right of 10, a can elsewhere."""

    name = "closer"
    classes = ("mug", "can")

    def __init__(self):
        self.asked = []

    def weights(self, phrase):
        return (1.0, 0.0, 0.0) if phrase.startswith("blue") else None

    def further_bias(self, phrase):
        return 3.0 if phrase.startswith("green") else 0.0

    def outline_weights(self, phrase):
        return (1.0, -1.0) if self.knows(phrase) else None

    def knows(self, phrase):
        return phrase.split()[-1] in self.classes

    def classify_boxes(self, frame, xyxy):
        self.asked.append(len(xyxy))
        right = np.asarray(xyxy)[:, 0] > 10
        return np.where(right[:, None], [[0.9, 0.05]], [[0.05, 0.9]]).astype(np.float32)

    def phrase_probability(self, probabilities, phrase):
        return probabilities[:, self.classes.index(phrase.split()[-1])]


def detections():
    boxes = np.array([[1, 1, 9, 9], [12, 1, 20, 9], [12, 1, 20, 9], [2, 2, 8, 8]], np.float32)
    return Detections(boxes, [0.6, 0.6, 0.7, 0.4], ["mug", "mug", "red mug", "giraffe"])


def test_scores_follow_the_closer_look_and_nothing_else_changes():
    found = detections()
    after = verified(FRAME, found, Closer())
    np.testing.assert_array_equal(after.xyxy, found.xyxy)
    np.testing.assert_array_equal(after.label, found.label)
    assert after.score[0] < 0.3 < 0.7 < after.score[1]
    assert after.score[2] > 0.7
    assert verified(FRAME, found[0].replace(label=["blue mug"]), Closer()).score[0] == pytest.approx(found.score[0])
    assert after.score[3] == found.score[3], "what the classifier does not know keeps its score"


def test_without_a_classifier_or_without_known_words_nothing_is_asked():
    found = detections()
    assert verified(FRAME, found, None) is found
    closer = Closer()
    assert verified(FRAME, found[3], closer).score[0] == found.score[3]
    assert verified(FRAME, Detections.empty(), closer).xyxy.shape == (0, 4)
    assert not closer.asked


def test_further_boxes_are_doubted_where_the_classifier_says_how_much():
    boxes = np.array([[12, 1, 20, 9], [12, 10, 20, 18], [14, 10, 24, 18]], np.float32)
    found = Detections(boxes, [0.6, 0.7, 0.6], ["green mug", "green mug", "mug"])
    first, second, other = verified(FRAME, found, Closer()).score
    alone = verified(FRAME, found[1:], Closer()).score
    assert second == pytest.approx(alone[0]), "the best one stays"
    assert first < 0.5 < second
    assert other == pytest.approx(alone[1]), "of other phrases nothing is doubted"


def test_a_box_within_a_better_one_shows_a_part_of_it():
    boxes = np.array([[0, 0, 10, 10], [1, 1, 5, 9], [6, 1, 14, 9], [1, 1, 4, 4]], np.float32)
    assert parts(boxes, np.array([3.0, 2.0, 1.0, 0.0])).tolist() == [False, True, False, True]
    assert parts(boxes, np.array([0.0, 2.0, 1.0, -1.0])).tolist() == [False, False, False, True]
    assert parts(boxes[:0], np.zeros(0)).shape == (0,)


def test_parts_are_left_out_where_the_classifier_tells_one_from_several():
    boxes = np.array([[12, 1, 20, 9], [13, 2, 17, 8]], np.float32)
    for phrase, left in (("green mug", 1), ("mug", 2)):
        found = Detections(boxes, [0.9, 0.8], [phrase] * 2)
        assert len(verified(FRAME, found, Closer(), expects_several=True)) == left


def test_what_was_found_besides_comes_last_and_once():
    found = detections()[[0, 3]]
    further = Detections(np.array([[12, 1, 20, 9], [2, 1, 10, 9]], np.float32), [0.8, 0.7], ["mug", "mug"])
    after = verified(FRAME, found, Closer(), further=further)
    assert after.label.tolist() == ["giraffe", "mug", "mug"], "the unlikely box gives way to the outline on it"
    np.testing.assert_array_equal(after.xyxy[1:], further.xyxy)
    assert after.score[1:] == pytest.approx([0.8, 0.7], abs=1e-6)
    apart = verified(FRAME, found, Closer(), further=further[0])
    assert apart.label.tolist() == ["mug", "giraffe", "mug"] and apart.score[0] < 0.3
    assert verified(FRAME, Detections.empty(), Closer(), further=further).score == pytest.approx([0.8, 0.7], abs=1e-6)


def test_a_better_box_stays_where_an_outline_shows_the_same():
    found = Detections(np.array([[12, 1, 20, 9]], np.float32), [0.9], ["mug"])
    same = Detections(np.array([[13, 1, 21, 9]], np.float32), [0.6], ["mug"])
    after = verified(FRAME, found, Closer(), further=same)
    np.testing.assert_array_equal(after.xyxy, found.xyxy)


def test_masks_stay_where_the_detector_gave_them():
    mask = np.zeros((1, 20, 30), bool)
    found = Detections(np.array([[1, 1, 9, 9]], np.float32), [0.9], ["mug"], mask=mask)
    further = Detections(np.array([[12, 1, 20, 9]], np.float32), [0.8], ["mug"], mask=~mask)
    assert verified(FRAME, found, Closer(), further=further).mask.shape == (2, 20, 30)
    assert verified(FRAME, found.replace(mask=None), Closer(), further=further).mask is None


@settings(deadline=None)
@given(st.lists(st.floats(-8, 8), max_size=8), st.floats(0, 6))
def test_doubt_keeps_the_best_and_the_order(odds, bias):
    after = doubt_further(np.array(odds), bias)
    assert after.shape == (len(odds),)
    if odds:
        assert after.max() == max(odds)
        assert (after <= np.array(odds)).all() and (after >= np.array(odds) - bias - 1e-9).all()
    np.testing.assert_array_equal(doubt_further(np.array(odds), 0.0), odds)


def test_many_likely_things_vouch_for_each_other():
    # One more that is just likely is doubted; four of them are not.
    assert (doubt_further(np.array([4.0, 1.0]), 2.5) >= 0).sum() == 1
    assert (doubt_further(np.array([4.0, 1.0, 1.0, 1.0, 1.0]), 2.5) >= 0).sum() == 5


def test_equal_say_is_the_mean_of_the_log_odds():
    p, q = np.array([0.2, 0.5, 0.99]), np.array([0.8, 0.5, 0.6])
    assert fused_odds(p, q, EQUAL_SAY) == pytest.approx((log_odds(p) + log_odds(q)) / 2)
    assert fused_odds(p, p, EQUAL_SAY) == pytest.approx(log_odds(p))


def test_certainty_is_finite():
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()
    assert fused_odds(np.array([1.0]), np.array([0.0]), EQUAL_SAY) == pytest.approx([0.0])
