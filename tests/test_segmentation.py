"""Objects are told apart by geometry alone, and boxes get the mask of what fills them."""

import numpy as np
import pytest

from tests.planning.synthetic import Ball, Box, look, walls
from vlm_picking.detections import Detections
from vlm_picking.frame import RgbdFrame
from vlm_picking.segmentation import are_cut_off, box_of, masks_from_boxes, segment_objects
from vlm_picking.support import find_support

THINGS = [
    Box((-0.1, 0.06, 0.02), (0.07, 0.05, 0.04), 0.4),
    Ball((0.09, 0.06, 0.03), 0.03),
    Box((0.08, -0.06, 0.015), (0.1, 0.03, 0.03), -0.6),
    Box((-0.08, -0.06, 0.03), (0.04, 0.04, 0.06)),
]


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / max((one | other).sum(), 1))


def best_ious(shot, detections) -> list[float]:
    """For each true object the best overlap among the masks."""
    masks = detections.mask if len(detections) else np.zeros((1, *shot.ids.shape), bool)
    return [max(iou(shot.ids == k, mask) for mask in masks) for k in range(1, shot.ids.max() + 1)]


@pytest.mark.parametrize(
    "case",
    [
        pytest.param({}, id="clean"),
        pytest.param({"tilt_rad": 0.25}, id="camera leans"),
        pytest.param({"noise_m": 0.001}, id="noise"),
        pytest.param({"hole_share": 0.3}, id="holes"),
        pytest.param({"bin_parts": walls(0.36, 0.26, 0.1), "tilt_rad": 0.1}, id="walls"),
    ],
)
def test_separate_things_are_separate_objects(case):
    shot = look(THINGS, **case)
    found = segment_objects(shot.frame, find_support(shot.frame))
    assert len(found) == len(THINGS)
    assert min(best_ious(shot, found)) > 0.8
    assert set(found.label) == {"object"}
    assert np.all(np.diff(found.score) <= 0)


def test_a_box_on_a_box_is_two_objects():
    shot = look([Box((0, 0, 0.02), (0.12, 0.1, 0.04)), Box((0.02, 0, 0.06), (0.05, 0.05, 0.04))])
    found = segment_objects(shot.frame, find_support(shot.frame))
    assert min(best_ious(shot, found)) > 0.7


def test_a_ball_against_a_ball_is_two_objects():
    shot = look([Ball((-0.03, 0, 0.03), 0.03), Ball((0.03, 0, 0.03), 0.03)])
    found = segment_objects(shot.frame, find_support(shot.frame))
    assert len(found) == 2
    assert min(best_ious(shot, found)) > 0.8


def test_a_cup_is_one_object_with_its_inside():
    ring = [
        Box((x, y, 0.03), s)
        for x, y, s in (
            (0.035, 0, (0.01, 0.08, 0.06)),
            (-0.035, 0, (0.01, 0.08, 0.06)),
            (0, 0.035, (0.06, 0.01, 0.06)),
            (0, -0.035, (0.06, 0.01, 0.06)),
            (0, 0, (0.06, 0.06, 0.02)),
        )
    ]
    shot = look(ring, distance_m=0.35)
    found = segment_objects(shot.frame, find_support(shot.frame))
    assert iou(found.mask[0], shot.ids > 0) > 0.8


def test_a_hole_in_the_depth_belongs_to_the_object():
    shot = look([Box((0, 0, 0.03), (0.09, 0.08, 0.06))])
    depth = shot.frame.depth_m.copy()
    rows, columns = np.nonzero(shot.ids == 1)
    depth[int(rows.mean()) - 6 : int(rows.mean()) + 6, int(columns.mean()) - 6 : int(columns.mean()) + 6] = np.nan
    frame = RgbdFrame(shot.frame.rgb, depth, shot.frame.camera)
    found = segment_objects(frame, find_support(frame))
    assert iou(found.mask[0], shot.ids == 1) > 0.9


def test_an_empty_bin_holds_nothing():
    shot = look([], bin_parts=walls(0.4, 0.3, 0.12), tilt_rad=0.2, noise_m=0.001)
    assert len(segment_objects(shot.frame, find_support(shot.frame))) == 0


CUT_OFF = Box((0.37, 0.0, 0.05), (0.12, 0.1, 0.1))


def test_what_the_image_cuts_off_is_left_out():
    shot = look([CUT_OFF, Box((0, 0, 0.02), (0.06, 0.06, 0.04))])
    support = find_support(shot.frame)
    found = segment_objects(shot.frame, support)
    assert len(found) == 1
    assert iou(found.mask[0], shot.ids == 2) > 0.8
    assert not are_cut_off(shot.frame, support, found.mask).any()


def test_where_nothing_else_is_left_what_the_image_cuts_off_is_given():
    whole = look([Box((0, 0, 0.05), (0.12, 0.1, 0.1))])
    shot = look([CUT_OFF])
    support = find_support(shot.frame)
    found = segment_objects(shot.frame, support)
    assert len(found) == 1
    assert iou(found.mask[0], shot.ids == 1) > 0.8
    assert are_cut_off(shot.frame, support, found.mask).all()
    assert found.score[0] < 0.6 * segment_objects(whole.frame, find_support(whole.frame)).score[0]


def test_what_reaches_the_border_with_a_corner_is_whole():
    shot = look([Box((0.232, 0.0, 0.03), (0.16, 0.16, 0.06), np.pi / 4)])
    assert (shot.ids[:, -1] == 1).any()
    support = find_support(shot.frame)
    found = segment_objects(shot.frame, support)
    assert len(found) == 1 and found.mask[0][:, -1].any()
    assert not are_cut_off(shot.frame, support, found.mask).any()


def test_what_comes_in_over_the_walls_is_no_object():
    arm = Box((0.3, 0.0, 0.27), (0.4, 0.08, 0.08))
    shot = look([arm], bin_parts=walls(0.5, 0.36, 0.05))
    assert (shot.ids == 1).any()
    assert len(segment_objects(shot.frame, find_support(shot.frame))) == 0


def test_without_a_floor_there_are_no_objects():
    assert len(segment_objects(look(THINGS).frame, None)) == 0


@pytest.mark.parametrize(
    "case", [{}, {"tilt_rad": 0.2, "noise_m": 0.001}, {"hole_share": 0.3}], ids=["clean", "noise", "holes"]
)
def test_a_box_gets_the_mask_of_what_fills_it(case):
    shot = look(THINGS, **case)
    truth = shot.detections()
    found = masks_from_boxes(shot.frame, truth.replace(mask=None), find_support(shot.frame))
    assert np.array_equal(found.id, truth.id)
    assert min(iou(a, b) for a, b in zip(found.mask, truth.mask, strict=True)) > 0.75


def test_a_neighbour_in_the_box_stays_out():
    shot = look([Box((0, 0, 0.01), (0.2, 0.02, 0.02), 0.7), Box((0.05, -0.05, 0.025), (0.04, 0.04, 0.05))])
    truth = shot.detections()[0]
    found = masks_from_boxes(shot.frame, truth.replace(mask=None), find_support(shot.frame))
    assert iou(found.mask[0], truth.mask[0]) > 0.7
    assert (found.mask[0] & (shot.ids == 2)).sum() < 0.1 * (shot.ids == 2).sum()


def test_colour_decides_where_depth_shows_nothing():
    shot = look([Box((0, 0, 0.0005), (0.1, 0.06, 0.001), 0.3)])
    truth = shot.detections()
    found = masks_from_boxes(shot.frame, truth.replace(mask=None), find_support(shot.frame))
    assert iou(found.mask[0], truth.mask[0]) > 0.7


def test_boxes_without_a_floor_still_get_masks():
    shot = look(THINGS)
    truth = shot.detections()
    found = masks_from_boxes(shot.frame, truth.replace(mask=None), None)
    assert np.mean([iou(a, b) for a, b in zip(found.mask, truth.mask, strict=True)]) > 0.6


@pytest.mark.parametrize(
    "box", [(0, 0, 0, 0), (-50, -50, -10, -10), (400, 300, 500, 400), (10, 10, 10.2, 10.2)], ids=str
)
def test_odd_boxes_give_masks_inside_the_image(box):
    shot = look(THINGS)
    asked = Detections(np.array([box], np.float32), np.ones(1), np.array(["x"], object))
    found = masks_from_boxes(shot.frame, asked, find_support(shot.frame))
    assert found.mask.shape == (1, 240, 320)


def test_no_box_is_no_mask():
    shot = look(THINGS)
    assert masks_from_boxes(shot.frame, Detections.empty(), None).mask.shape == (0, 240, 320)


def test_no_depth_at_all():
    shot = look(THINGS)
    frame = RgbdFrame(shot.frame.rgb, np.full_like(shot.frame.depth_m, np.nan), shot.frame.camera)
    found = masks_from_boxes(frame, shot.detections().replace(mask=None), None)
    assert np.mean([iou(a, b) for a, b in zip(found.mask, shot.detections().mask, strict=True)]) > 0.5


def test_the_box_of_a_mask():
    mask = np.zeros((10, 12), bool)
    mask[2:5, 3:9] = True
    assert box_of(mask).tolist() == [3, 2, 9, 5]


def test_a_simulated_bin_is_told_apart(simulated_bin):
    found = segment_objects(simulated_bin.frame, find_support(simulated_bin.frame))
    overlap = [
        max(iou(simulated_bin.truth.ids == thing.id, mask) for mask in found.mask)
        for thing in simulated_bin.truth.objects
    ]
    assert np.mean(np.array(overlap) >= 0.5) > 0.8


def test_boxes_in_a_simulated_bin_get_their_masks(simulated_bin):
    things = simulated_bin.truth.objects
    boxes = Detections(
        np.array([t.xyxy for t in things], np.float32), np.ones(len(things)), np.full(len(things), "x", object)
    )
    found = masks_from_boxes(simulated_bin.frame, boxes, find_support(simulated_bin.frame))
    overlap = [iou(simulated_bin.truth.ids == thing.id, mask) for thing, mask in zip(things, found.mask, strict=True)]
    assert np.mean(overlap) > 0.8
    assert min(overlap) > 0.5
