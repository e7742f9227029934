"""Laws of grasp planning: turned, mirrored and repeated scenes; walls; input that holds nothing."""

import numpy as np
import pytest

from tests.planning.synthetic import Box, look, walls
from vlm_picking.detections import Detections
from vlm_picking.gripper_files import load_gripper
from vlm_picking.planning import plan_grasps
from vlm_picking.support import find_support

JAW, CUP = load_gripper("robotiq_2f85"), load_gripper("suction_30mm")
THING = ((0.13, 0.05, 0.05), 0.3)


def best(shot, gripper):
    plan = plan_grasps(shot.frame, shot.detections(), [gripper], support=find_support(shot.frame))
    return shot.bin_from_camera @ plan.candidates[0].camera_from_grasp


@pytest.mark.parametrize("gripper", [JAW, CUP], ids=["jaw", "cup"])
@pytest.mark.parametrize("turn_rad", [0.35, 0.9, 1.7, 2.6])
def test_turning_the_scene_turns_the_grasp(gripper, turn_rad):
    size, yaw = THING
    c, s = np.cos(turn_rad), np.sin(turn_rad)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    place = np.array([0.04, 0.02, 0.025])
    still = best(look([Box(tuple(place), size, yaw)]), gripper)
    turned = best(look([Box(tuple(turn @ place), size, yaw + turn_rad)]), gripper)
    assert np.linalg.norm(turn @ still.translation_m - turned.translation_m) < 0.02
    assert abs((turn @ still.rotation[:, 1]) @ turned.rotation[:, 1]) > 0.95


@pytest.mark.parametrize("gripper", [JAW, CUP], ids=["jaw", "cup"])
def test_a_mirrored_scene_has_mirrored_grasps(gripper):
    size, yaw = THING
    one = best(look([Box((0.04, 0.02, 0.025), size, yaw)]), gripper)
    other = best(look([Box((-0.04, 0.02, 0.025), size, -yaw)]), gripper)
    mirror = np.array([-1.0, 1.0, 1.0])
    assert np.linalg.norm(mirror * one.translation_m - other.translation_m) < 0.02
    assert abs((mirror * one.rotation[:, 1]) @ other.rotation[:, 1]) > 0.95


@pytest.mark.parametrize("place", [(0.12, 0.0), (0.1, 0.08), (0.0, -0.09)], ids=str)
def test_no_finger_stands_in_a_wall(place):
    inner = (0.3, 0.24)
    shot = look([Box((*place, 0.02), (0.04, 0.05, 0.04))], bin_parts=walls(*inner, 0.1))
    support = find_support(shot.frame)
    for candidate in plan_grasps(shot.frame, shot.detections(), [JAW], support=support).candidates:
        grasp = shot.bin_from_camera @ candidate.camera_from_grasp
        reach = candidate.pregrasp_opening_m / 2 + JAW.finger_thickness_m
        for side in (-1, 1):
            for across in (-0.5, 0.5):
                tip = grasp.apply(np.array([across * JAW.finger_width_m, side * reach, 0.0]))
                assert (np.abs(tip[:2]) < np.array(inner) / 2 + 0.004).all()


def test_asking_twice_for_the_same_thing_plans_twice_alike():
    shot = look([Box((0.02, 0.01, 0.025), *THING)])
    one = shot.detections()
    both = Detections(
        np.repeat(one.xyxy, 2, axis=0),
        np.ones(2),
        np.repeat(one.label, 2),
        np.arange(2),
        np.repeat(one.mask, 2, axis=0),
    )
    plan = plan_grasps(shot.frame, both, [JAW], support=find_support(shot.frame))
    qualities = [[c.quality for c in plan.candidates if c.object_id == k] for k in (0, 1)]
    assert qualities[0] == pytest.approx(qualities[1])
    assert qualities[0]
