"""Which grasps would hold what was asked for."""

from dataclasses import replace

import numpy as np
import pytest

from tests.planning.synthetic import Box, look
from vlm_picking.detections import Detections
from vlm_picking.grasp import GraspPlan
from vlm_picking.gripper_files import load_gripper
from vlm_picking.holding import MAY_BE_ANOTHER, surely_held, what_is_held
from vlm_picking.planning import plan_grasps
from vlm_picking.support import find_support

GRIPPERS = tuple(map(load_gripper, ("robotiq_2f85", "suction_15mm")))
RED, GREEN = 1, 2


@pytest.fixture(scope="module")
def blocks():
    """A red block and a green one 60 mm beside it, and the frame's floor."""
    shot = look([Box((0, -0.04, 0.02), (0.06, 0.03, 0.04)), Box((0, 0.05, 0.02), (0.06, 0.03, 0.04))])
    return shot, find_support(shot.frame)


def planned(shot, support, *colours, label="block"):
    """One detection whose mask is that of the blocks of some colours, and the grasps on it."""
    mask = np.isin(shot.ids, colours)
    rows, columns = np.nonzero(mask)
    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    seen = Detections([box], [0.95], [label], mask=mask[None])
    return seen, plan_grasps(shot.frame, seen, GRIPPERS, support=support, max_per_object=20)


def sure(blocks, seen, plan, worth=None, *, named=True):
    shot, support = blocks
    worth = np.ones(seen.mask.shape, np.float32) if worth is None else worth
    return surely_held(shot.frame, seen, np.array([named]), worth, plan, GRIPPERS, support)


def held_by(blocks, plan):
    """Which block each grasp of a plan takes hold of."""
    shot, support = blocks
    found = what_is_held(shot.frame, plan.candidates, GRIPPERS, support)
    return [set(np.unique(shot.ids[window][held])) for window, held in found]


def test_what_is_held_is_what_stands_between_the_jaws_or_under_the_cup(blocks):
    seen, plan = planned(*blocks, GREEN)
    assert {grasp.gripper for grasp in plan.candidates} == {"robotiq_2f85", "suction_15mm"}
    assert all(held == {GREEN} for held in held_by(blocks, plan))


def test_grasps_on_what_is_the_things_own_stay_in_their_order(blocks):
    seen, plan = planned(*blocks, GREEN)
    kept = sure(blocks, seen, plan)
    assert [grasp.quality for grasp in kept.candidates] == [grasp.quality for grasp in plan.candidates]
    assert MAY_BE_ANOTHER not in kept.rejected


def test_grasps_on_a_part_that_is_hardly_the_things_are_left_out(blocks):
    seen, plan = planned(*blocks, RED, GREEN)
    assert {RED} in held_by(blocks, plan) and {GREEN} in held_by(blocks, plan)
    worth = np.where(blocks[0].ids == RED, 0.1, 1.0).astype(np.float32)[None]
    kept = sure(blocks, seen, plan, worth)
    assert len(kept.candidates) and all(held == {GREEN} for held in held_by(blocks, kept))
    assert kept.rejected[MAY_BE_ANOTHER] == len(plan.candidates) - len(kept.candidates)
    assert [grasp.id for grasp in kept.candidates] == list(range(len(kept.candidates)))


def test_a_grasp_beside_the_mask_is_left_out(blocks):
    _, beside = planned(*blocks, RED)
    seen, plan = planned(*blocks, GREEN)
    both = GraspPlan((*beside.candidates, *plan.candidates), {})
    assert len(sure(blocks, seen, both).candidates) == len(plan.candidates)


def test_what_has_another_colour_than_was_asked_for_is_left_out(blocks):
    seen, plan = planned(*blocks, GREEN, label="green block")
    assert len(sure(blocks, seen, plan).candidates) == len(plan.candidates)
    seen = seen.replace(label=np.array(["red block"], object))
    assert not sure(blocks, seen, plan).candidates


def test_what_nobody_named_is_taken_as_it_is(blocks):
    seen, plan = planned(*blocks, RED, GREEN)
    worth = np.zeros(seen.mask.shape, np.float32)
    kept = sure(blocks, seen, plan, worth, named=False)
    assert kept.candidates == plan.candidates and kept.rejected == plan.rejected
    assert sure(blocks, seen, GraspPlan()).candidates == ()


def test_a_grasp_out_of_view_holds_nothing(blocks):
    seen, plan = planned(*blocks, GREEN)
    pose = plan.candidates[0].camera_from_grasp
    away = replace(plan.candidates[0], camera_from_grasp=replace(pose, translation_m=np.array([5.0, 5.0, 0.7])))
    assert not sure(blocks, seen, GraspPlan((away,))).candidates
