"""What of a box's mask is something else, by a classifier's word."""

from types import SimpleNamespace

import numpy as np
import pytest

from tests.planning.synthetic import Ball, Box, look
from vlm_picking.detections import Detections
from vlm_picking.masks import something_else, with_masks
from vlm_picking.segmentation import segment_objects
from vlm_picking.support import find_support

PLATE, PEAR = Box((0, 0, 0.006), (0.2, 0.16, 0.012)), Ball((0.02, 0.01, 0.035), 0.025)


class Namer:
    """Takes what is narrow for a pear, all else for a plate."""

    classes = ("pear", "plate")

    def __init__(self, sure=0.99):
        self.sure = sure

    def knows(self, phrase):
        return phrase in self.classes

    def classify_boxes(self, frame, xyxy):
        narrow = (xyxy[:, 2] - xyxy[:, 0]) < 60
        return np.where(narrow[:, None], [[self.sure, 1 - self.sure]], [[1 - self.sure, self.sure]])

    def phrase_probability(self, probabilities, phrase):
        return probabilities[:, self.classes.index(phrase)]


def masked(classifier, label="plate", n=0):
    """The mask of the plate's box, the truth, and the frame's pixels of the pear."""
    shot = look([PLATE, PEAR])
    support = find_support(shot.frame)
    found = shot.detections()[n].replace(mask=None, label=np.array([label], object))
    models = SimpleNamespace(box_segmenter=None, phrase_segmenter=None, classifier=classifier)
    after = with_masks(shot.frame, found, support, models, outlines=lambda: segment_objects(shot.frame, support))
    return after.mask[0], shot.ids == n + 1, shot.ids == 2


def test_what_lies_on_a_plate_is_no_plate():
    alone, _, pear = masked(None)
    assert alone[pear].mean() > 0.5, "depth alone fills the plate with the pear"
    mask, plate, pear = masked(Namer())
    assert mask[pear].mean() < 0.1
    assert mask[plate].mean() > 0.8


@pytest.mark.parametrize(
    ("classifier", "label"),
    [(Namer(sure=0.6), "plate"), (Namer(), "giraffe")],
    ids=["an unsure classifier", "an unknown word"],
)
def test_nothing_is_left_out_where_nobody_is_sure(classifier, label):
    np.testing.assert_array_equal(masked(classifier, label)[0], masked(None, label)[0])


def test_what_fills_the_box_is_the_thing_whatever_the_classifier_says():
    mask, pear, _ = masked(Namer(), label="plate", n=1)
    assert (mask & pear).sum() > 0.7 * pear.sum()


def test_nothing_else_is_none():
    shot = look([PLATE])
    outlines = segment_objects(shot.frame, find_support(shot.frame))
    assert something_else(shot.frame, shot.detections(), Detections.empty(), Namer()) is None
    assert something_else(shot.frame, shot.detections().replace(label=["plate"]), outlines, Namer()) is None
