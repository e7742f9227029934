"""Outlines in depth that a detector has no box for."""

import numpy as np
import pytest

from tests.test_verification import Closer
from vlm_picking.camera import PinholeCamera
from vlm_picking.detections import Detections
from vlm_picking.frame import RgbdFrame
from vlm_picking.overlooked import looks_at_outlines, overlooked


def scene():
    """A frame whose right half is red, and the outlines of two things: one left, one right."""
    rgb = np.full((20, 30, 3), 120, np.uint8)
    rgb[:, 15:] = (200, 30, 35)
    frame = RgbdFrame(rgb, np.ones((20, 30), np.float32), PinholeCamera(30, 20, 30.0, 30.0, 15.0, 10.0))
    mask = np.zeros((2, 20, 30), bool)
    mask[0, 2:8, 2:8] = mask[1, 2:8, 18:26] = True
    boxes = np.array([[2, 2, 8, 8], [18, 2, 26, 8]], np.float32)
    return frame, Detections(boxes, [0.9, 0.8], ["object"] * 2, mask=mask)


def test_what_has_no_box_is_found_by_the_classifier_alone():
    frame, outlines = scene()
    seen = overlooked(frame, Detections.empty(), outlines, Closer(), ["mug", "can", "giraffe"])
    odds = np.log(0.9 / 0.1) - 1.0  # the classifier's, with the weight and the bias that it brings along
    likely = seen[seen.score > 0.5]
    assert likely.label.tolist() == ["mug", "can"]
    assert likely.score == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-3)
    np.testing.assert_array_equal(likely.xyxy, outlines.xyxy[::-1])
    np.testing.assert_array_equal(likely.mask, outlines.mask[::-1])


def test_what_has_a_box_was_not_overlooked():
    frame, outlines = scene()
    found = Detections(outlines.xyxy[1:] + 0.5, [0.01], ["mug"])
    seen = overlooked(frame, found, outlines, Closer(), ["mug", "can"])
    assert not (seen.score[seen.label == "mug"] > 0.5).any()
    assert (seen.label == "can").any(), "a box of another phrase covers nothing"


def test_a_colour_is_that_of_the_pixels():
    frame, outlines = scene()
    for phrase, there in (("red mug", True), ("blue mug", False), ("grey mug", False), ("beige mug", False)):
        seen = overlooked(frame, Detections.empty(), outlines, Closer(), [phrase])
        assert (seen.score > 0.5).any() == there, phrase


def test_nothing_is_looked_at_where_nobody_knows_or_nothing_stands():
    frame, outlines = scene()
    closer = Closer()
    assert not len(overlooked(frame, Detections.empty(), outlines, closer, ["giraffe"]))
    assert not len(overlooked(frame, Detections.empty(), Detections.empty(), closer, ["mug"]))
    assert not closer.asked
    assert looks_at_outlines(closer, ["giraffe", "mug"])
    assert not looks_at_outlines(closer, ["giraffe"]) and not looks_at_outlines(None, ["mug"])
