"""Metrics against values worked out by hand."""

import numpy as np
import pytest

from vlm_picking.bench.boxes import ClassBoxes, mean_ap, recall
from vlm_picking.bench.metrics import (
    HIT,
    IGNORED,
    WRONG,
    average_precision,
    calibration_bins,
    calibration_error,
    match_boxes,
)
from vlm_picking.detections import Detections

NONE = np.zeros((0, 4))


def test_calibration_error_is_the_weighted_gap_of_the_bins():
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55])
    right = np.array([1, 1, 1, 0, 1, 0])
    # 4 answers say 0.95 and are right in 0.75, 2 say 0.55 and are right in 0.5.
    assert calibration_error(confidence, right) == pytest.approx((4 * 0.20 + 2 * 0.05) / 6)


def test_a_confidence_of_one_falls_into_the_last_bin():
    (row,) = calibration_bins(np.array([1.0, 0.9]), np.array([1.0, 1.0]))
    assert (row["low"], row["high"], row["n"]) == (0.9, 1.0, 2)


def test_nothing_answered_has_no_calibration_error():
    assert calibration_error(np.zeros(0), np.zeros(0)) is None


@pytest.mark.parametrize(
    ("outcomes", "n_true", "wanted"),
    [
        ([HIT, HIT], 2, 1.0),
        ([WRONG, WRONG], 2, 0.0),
        ([], 3, 0.0),
        # Half of the things found, at precision 1: recalls 0.00 to 0.50 are 51 of 101.
        ([HIT], 2, 51 / 101),
        # Precisions 1, 1/2, 2/3: up to recall 0.5 it is 1, beyond it 2/3.
        ([HIT, WRONG, HIT], 2, (51 + 50 * 2 / 3) / 101),
        ([HIT, IGNORED, HIT], 2, 1.0),
    ],
    ids=["perfect", "all wrong", "nothing said", "half", "one wrong between", "ignored between"],
)
def test_average_precision(outcomes, n_true, wanted):
    score = np.linspace(0.9, 0.5, len(outcomes))
    assert average_precision(score, np.array(outcomes, int), n_true) == pytest.approx(wanted)


def test_average_precision_orders_by_score():
    assert average_precision(np.array([0.1, 0.9]), np.array([WRONG, HIT]), 1) == pytest.approx(1.0)


def test_a_second_box_on_the_same_thing_is_wrong():
    outcome = match_boxes(np.array([[0, 0, 10, 10], [0, 0, 10, 10]]), np.array([[0, 0, 10, 10]]), NONE)
    assert outcome[:, 0].tolist() == [HIT, WRONG]


def test_thresholds_go_up_to_095():
    # Intersection over union 80 / 100.
    outcome = match_boxes(np.array([[0, 0, 10, 8]]), np.array([[0, 0, 10, 10]]), NONE)
    assert outcome[0].tolist() == [HIT] * 7 + [WRONG] * 3


def test_a_box_on_something_hidden_is_ignored_but_one_beside_it_is_wrong():
    boxes = np.array([[0, 0, 10, 10], [50, 50, 60, 60]])
    assert match_boxes(boxes, NONE, np.array([[0, 0, 30, 30]]))[:, 0].tolist() == [IGNORED, WRONG]


def test_a_true_thing_goes_before_a_hidden_one():
    outcome = match_boxes(np.array([[0, 0, 10, 10]]), np.array([[0, 0, 10, 10]]), np.array([[0, 0, 10, 10]]))
    assert outcome[0].tolist() == [HIT] * 10


def test_mean_over_classes_leaves_out_those_that_were_never_there():
    found = Detections(np.array([[0, 0, 10, 10]]), np.array([0.6]), np.array(["mug"], dtype=object))
    there, missed, never = ClassBoxes(), ClassBoxes(), ClassBoxes()
    there.add(found, np.array([[0.0, 0, 10, 10]]), NONE)
    missed.add(Detections.empty(), np.array([[0.0, 0, 10, 10]]), NONE)
    never.add(found, NONE, NONE)
    classes = {"mug": there, "can": missed, "nut": never}
    assert mean_ap(classes) == (pytest.approx(0.5), pytest.approx(0.5))
    assert recall(classes, threshold=0.5) == 0.5
    assert recall(classes, threshold=0.7) == 0.0
