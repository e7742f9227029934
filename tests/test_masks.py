"""Masks of boxes leave out what belongs to others."""

from types import SimpleNamespace

import numpy as np

from tests.planning.synthetic import Ball, Box, look
from vlm_picking.config import PickingConfig
from vlm_picking.detections import Detections
from vlm_picking.masks import with_masks
from vlm_picking.neighbours import claimed, neighbours
from vlm_picking.segmentation import masks_from_boxes
from vlm_picking.separation import without_others
from vlm_picking.support import find_support

PLATE, PEAR = Box((0, 0, 0.006), (0.2, 0.16, 0.012)), Ball((0.02, 0.01, 0.035), 0.025)
WALL, BRICK = Box((0, 0, 0.02), (0.12, 0.03, 0.04)), Box((0.03, -0.035, 0.02), (0.05, 0.04, 0.04))
BY_GEOMETRY = SimpleNamespace(box_segmenter=None, phrase_segmenter=None)


class Lister:
    """A detector that knows a list of kinds and finds what it was told to."""

    name, vocabulary, colours = "lister", None, None

    def __init__(self, found):
        self.found = found
        self.classes = tuple(dict.fromkeys(found.label.tolist()))

    def detect(self, rgb, phrases):
        return self.found[np.isin(self.found.label, list(phrases))]


def test_what_lies_on_a_plate_is_no_plate():
    shot = look([PLATE, PEAR])
    found = masks_from_boxes(shot.frame, shot.detections()[0].replace(mask=None), find_support(shot.frame))
    assert found.mask[0][shot.ids == 2].mean() < 0.1
    assert found.mask[0][shot.ids == 1].mean() > 0.8


def test_geometry_leaves_out_what_a_neighbour_has():
    shot = look([WALL, BRICK])
    support = find_support(shot.frame)
    both = shot.detections().replace(mask=None)
    # A box that reaches too far takes the brick in; who is told of the brick leaves it out.
    wide = both[0].replace(xyxy=[[*np.minimum(both.xyxy[0, :2], both.xyxy[1, :2]), *both.xyxy[:, 2:].max(axis=0)]])
    alone = with_masks(shot.frame, wide, support, BY_GEOMETRY)
    told, _ = without_others(shot.frame, alone, both[1], support, None)
    assert alone.mask[0][shot.ids == 2].mean() > 0.8
    assert told.mask[0][shot.ids == 2].mean() < 0.1
    assert told.mask[0][shot.ids == 1].mean() > 0.8


def test_shared_pixels_are_of_whom_they_fill():
    mask = np.zeros((2, 20, 40), bool)
    mask[0, 2:18, 2:38] = mask[1, 6:12, 10:16] = True
    boxes = np.array([[2, 2, 38, 18], [10, 6, 16, 12]], np.float32)
    plate, pear = (Detections(boxes[i : i + 1], [0.9], ["x"], mask=mask[i : i + 1]) for i in (0, 1))
    np.testing.assert_array_equal(claimed(plate, pear)[0], mask[1])
    assert claimed(pear, plate) is None
    np.testing.assert_array_equal(claimed(Detections.merge([plate, pear]), Detections.empty())[0], mask[1])
    assert claimed(pear, pear) is None, "nobody fits better"


def test_neighbours_are_sure_of_another_kind_and_near():
    shot = look([PLATE, PEAR])
    boxes = np.array([[10, 10, 50, 50], [20, 20, 30, 30], [22, 20, 32, 30], [11, 10, 50, 50], [200, 200, 220, 220]])
    listed = Detections(boxes, [0.9, 0.9, 0.3, 0.9, 0.9], ["plate", "pear", "apple", "pan", "mug"])
    models = SimpleNamespace(finder=Lister(listed), classifier=None)
    near = neighbours(shot.frame, None, listed[0], models=models, config=PickingConfig())
    assert near.label.tolist() == ["pear"], "not the unsure apple, the pan that is the plate, the mug elsewhere"
    assert not len(neighbours(shot.frame, None, listed[:0], models=models, config=PickingConfig()))
    models.finder.classes = ()
    assert not len(neighbours(shot.frame, None, listed[0], models=models, config=PickingConfig()))
    models.finder = None
    assert not len(neighbours(shot.frame, None, listed[0], models=models, config=PickingConfig()))
