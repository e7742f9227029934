"""Jaws rather leave what would bring its load along, and prefer to go where the camera sees that there is room."""

import numpy as np

from tests.planning.synthetic import CAMERA, Ball, Box, look, walls
from vlm_picking.detections import Detections
from vlm_picking.gripper_files import load_gripper
from vlm_picking.planning import plan_grasps
from vlm_picking.segmentation import box_of
from vlm_picking.support import find_support

JAWS = load_gripper("robotiq_2f85")
BIN = walls(0.40, 0.30, 0.08)
UNSEEN = "a finger would go where the camera does not see"


def tray(*, high_m):
    """A dish of 16 x 12 cm, as five boxes."""
    t = 0.006
    return [
        Box((0, 0, t / 2), (0.16, 0.12, t)),
        *(Box((side * 0.077, 0, high_m / 2), (t, 0.12, high_m)) for side in (-1, 1)),
        *(Box((0, side * 0.057, high_m / 2), (0.16, t, high_m)) for side in (-1, 1)),
    ]


def plan_for(shot, *groups):
    """A plan for objects that consist of the parts named in `groups`, for jaws."""
    masks = np.stack([np.isin(shot.ids, [part + 1 for part in group]) for group in groups])
    boxes = np.stack([box_of(mask) for mask in masks])
    things = Detections(boxes, np.ones(len(masks)), np.full(len(masks), "thing", object), None, masks)
    return plan_grasps(shot.frame, things, [JAWS], support=find_support(shot.frame))


def is_laden(plan):
    """Whether the first object is taken for one that something lies in."""
    (bare,) = {candidate.terms["bare"] for candidate in plan.candidates if candidate.object_id == 0}
    return bare == 0


def test_a_dish_is_taken_empty_rather_than_with_something_in_it():
    dish = tray(high_m=0.05)
    empty = plan_for(look(dish, bin_parts=BIN), range(5))
    assert not is_laden(empty) and empty.candidates[0].quality > 0.8
    laden = plan_for(look([*dish, Ball((0.0, 0.0, 0.041), 0.035)], bin_parts=BIN), range(5), [5])
    assert laden.candidates[0].object_id == 1, "the ball first, then the dish under it"
    alone = plan_for(look([*dish, Ball((0.0, 0.0, 0.041), 0.035)], bin_parts=BIN), range(5))
    assert is_laden(alone) and alone.candidates[0].quality < 0.5
    assert "weakest: bare 0.00" in alone.candidates[0].reason


def test_what_lies_across_the_walls_is_not_in_a_dish():
    dish = tray(high_m=0.05)
    across = Box((0.06, 0.0, 0.062), (0.03, 0.20, 0.024))
    inside = Box((0.0, 0.0, 0.034), (0.10, 0.08, 0.056))
    assert not is_laden(plan_for(look([*dish, across], bin_parts=BIN), range(5)))
    assert is_laden(plan_for(look([*dish, inside], bin_parts=BIN), range(5)))


def test_what_comes_in_over_one_wall_is_not_in_a_dish():
    t = 0.006
    dish = [
        Box((0, 0, t / 2), (0.16, 0.12, t)),
        *(Box((x, 0, high / 2), (t, 0.12, high)) for x, high in ((-0.077, 0.09), (0.077, 0.03))),
        *(Box((0, side * 0.057, 0.015), (0.16, t, 0.03)) for side in (-1, 1)),
    ]
    leaning, lying = Box((0.0, 0.06, 0.045), (0.05, 0.20, 0.02)), Box((0.0, 0.0, 0.02), (0.08, 0.07, 0.028))
    assert not is_laden(plan_for(look([*dish, leaning], bin_parts=BIN), range(5)))
    assert is_laden(plan_for(look([*dish, lying], bin_parts=BIN), range(5)))


def test_what_ends_within_a_dish_is_in_it_however_high_it_stands():
    from vlm_picking.planning.load import _stays_inside

    dish = np.zeros((40, 40), bool)
    dish[2:38, 2:38] = True
    heap = np.zeros_like(dish)
    heap[10:30, 12:28] = True
    assert _stays_inside(dish & ~heap, heap, heap)
    rod = np.zeros_like(dish)
    rod[18:22] = True
    assert not _stays_inside(dish & ~rod, rod & dish, rod)


def test_what_lies_on_a_flat_thing_does_not_keep_it():
    board = [Box((0, 0, 0.02), (0.16, 0.06, 0.04))]
    plan = plan_for(look([*board, Ball((0.05, 0.0, 0.06), 0.02)], bin_parts=BIN), [0], [1])
    assert not is_laden(plan)


def test_fingers_prefer_what_the_camera_sees():
    middle = plan_for(look([Box((0, 0, 0.025), (0.10, 0.04, 0.05))], bin_parts=BIN), [0])
    assert middle.candidates[0].terms["in_sight"] == 1.0
    # The image ends 5 mm beside the box: on that side nobody knows whether there is room.
    edge_m = (CAMERA.height / 2) / CAMERA.fy * 0.65
    beside = Box((0, edge_m - 0.025, 0.025), (0.10, 0.04, 0.05))
    cut = plan_for(look([beside]), [0])
    across = [c for c in cut.candidates if abs(c.camera_from_grasp.rotation[1, 1]) > 0.9]
    assert all(c.terms["in_sight"] < 1.0 for c in across)
    assert cut.rejected.get(UNSEEN, 0) or across


def test_what_crosses_something_narrow_does_not_lie_in_it():
    rail = [Box((0, 0, 0.02), (0.16, 0.03, 0.04)), *(Box((x, 0, 0.035), (0.008, 0.03, 0.07)) for x in (-0.076, 0.076))]
    across = [Box((x, 0, 0.05), (0.02, 0.10, 0.02)) for x in (-0.04, 0.04)]
    plan = plan_for(look([*rail, *across], bin_parts=BIN), range(3), [3], [4])
    assert not is_laden(plan)
