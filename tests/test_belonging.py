"""Which parts of a mask are of what was asked for."""

from types import SimpleNamespace

import numpy as np
import pytest

from tests.planning.synthetic import Box, look
from vlm_picking.belonging import WEIGHTS, belonging, mask_parts
from vlm_picking.config import PickingConfig
from vlm_picking.detections import Detections, box_iou
from vlm_picking.segmentation import masks_from_boxes
from vlm_picking.separation import separated, without_others
from vlm_picking.support import find_support

LONG, ACROSS = Box((0, 0, 0.02), (0.16, 0.03, 0.04)), Box((0.02, 0.012, 0.03), (0.03, 0.05, 0.06))
NOTHING = Detections.empty()


class KnowsTwo:
    """A classifier of close-ups that knows a marker by its box and takes everything else for a ruler."""

    classes = ("ruler", "marker")

    def __init__(self, shot):
        self.boxes = shot.detections().xyxy

    def knows(self, phrase):
        return phrase.split()[-1] in self.classes

    def classify_boxes(self, frame, xyxy):
        is_marker = box_iou(xyxy, self.boxes[1:])[:, 0] > 0.6
        return np.where(is_marker[:, None], [0.005, 0.99], [0.99, 0.005]).astype(np.float32)

    def phrase_probability(self, probabilities, phrase):
        return probabilities[:, self.classes.index(phrase.split()[-1])]


@pytest.fixture(scope="module")
def crossed():
    """A ruler with a marker across it, and the ruler's box, which is a little too high."""
    shot = look([LONG, ACROSS])
    support = find_support(shot.frame)
    box = shot.detections().xyxy[0] - [0, 2, 0, 0]
    found = masks_from_boxes(shot.frame, Detections([box], [0.9], ["ruler"]), support)
    assert found.mask[0][shot.ids == 2].mean() > 0.5, "geometry alone takes the marker for a part of the ruler"
    return shot, support, found


def test_what_looks_like_something_else_is_left_out(crossed):
    shot, support, found = crossed
    chance = belonging(shot.frame, found, support, KnowsTwo(shot))
    on_marker, on_ruler = (chance[0][found.mask[0] & (shot.ids == k)].mean() for k in (2, 1))
    assert on_marker < 0.35 < 0.9 < on_ruler
    apart, left = without_others(shot.frame, found, NOTHING, support, KnowsTwo(shot))
    assert apart.mask[0][shot.ids == 2].mean() < 0.1
    assert apart.mask[0][shot.ids == 1].mean() > 0.8
    assert left[0][apart.mask[0]].min() > 0.5


def test_what_may_be_something_else_is_worth_little(crossed, monkeypatch):
    shot, support, found = crossed
    models = SimpleNamespace(finder=None, classifier=None)
    seen, named = Detections.merge([found, found]), np.array([True, False])
    chance = np.where(shot.ids == 2, 0.45, 0.9)[None]
    monkeypatch.setattr("vlm_picking.separation.without_others", lambda frame, some, *_: (some, chance))
    _, worth = separated(shot.frame, seen, named, support, models=models, config=PickingConfig())
    np.testing.assert_allclose(worth[0], np.where(shot.ids == 2, 0.02, 0.8), atol=1e-6)
    assert (worth[1] == 1).all(), "what nobody named stays as it is"


def test_nobody_tells_without_a_classifier_that_knows(crossed):
    shot, support, found = crossed
    for told in (None, KnowsTwo(shot)):
        other = found if told is None else found.replace(label=["giraffe"])
        assert (belonging(shot.frame, other, support, told) == 1).all()
        apart, _ = without_others(shot.frame, other, NOTHING, support, told)
        np.testing.assert_array_equal(apart.mask, found.mask)


def test_terms_are_of_each_part(crossed):
    shot, support, found = crossed
    (parts,) = mask_parts(shot.frame, found, support, KnowsTwo(shot))
    own, other, *_ = parts.terms.T
    shows = [np.bincount(shot.ids[parts.image == part]).argmax() for part in parts.label]
    assert sorted(set(shows)) == [1, 2]
    np.testing.assert_array_equal(own > other, np.array(shows) == 1)
    assert parts.terms.shape == (len(parts.label), len(WEIGHTS))


def test_a_part_of_another_colour_looks_like_another_one(crossed):
    shot, support, found = crossed
    looks = {}
    for phrase in ("ruler", "red ruler", "green ruler"):  # the ruler is red, the marker green
        (parts,) = mask_parts(shot.frame, found.replace(label=[phrase]), support, KnowsTwo(shot))
        shows = np.array([np.bincount(shot.ids[parts.image == part]).argmax() for part in parts.label])
        looks[phrase] = parts.terms[shows == 1, :2]
    assert (looks["red ruler"][:, 0] > 2).all() and (looks["ruler"][:, 0] > 2).all()
    assert (looks["green ruler"][:, 0] < -2).all() and (looks["green ruler"][:, 1] > 2).all()
