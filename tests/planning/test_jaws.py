"""Where jaws may go: beside walls, neighbours and the floor, and how wide and how deep."""

from dataclasses import replace

import numpy as np
import pytest

from tests.planning.synthetic import Box, look, walls
from vlm_picking.camera import PinholeCamera
from vlm_picking.gripper_files import load_gripper
from vlm_picking.planning import plan_grasps
from vlm_picking.planning.height_map import CELL_M, HeightMap
from vlm_picking.planning.palm import palm_hits
from vlm_picking.support import find_support
from vlm_picking.transform import Transform

JAW, CUP = load_gripper("robotiq_2f85"), load_gripper("suction_30mm")


def plan(shot, grippers=(JAW, CUP), **options):
    return plan_grasps(shot.frame, shot.detections(), grippers, support=find_support(shot.frame), **options)


def in_bin(shot, candidate):
    return shot.bin_from_camera @ candidate.camera_from_grasp


@pytest.mark.parametrize("yaw_rad", [0.0, 0.3, 0.8])
def test_what_is_six_millimetres_narrower_than_the_jaws_is_held_across_its_middle(yaw_rad):
    shot = look([Box((0.02, 0.01, 0.03), (0.16, JAW.max_opening_m - 0.006, 0.06), yaw_rad)])
    grasps = plan(shot, [JAW], max_per_object=5).candidates
    assert grasps
    best = in_bin(shot, grasps[0])
    across = np.array([-np.sin(yaw_rad), np.cos(yaw_rad)])
    assert abs(best.rotation[:2, 1] @ across) > 0.98
    assert abs((best.translation_m[:2] - [0.02, 0.01]) @ across) < 0.0025
    assert grasps[0].opening_m <= JAW.max_opening_m


def test_something_flat_is_held_with_the_tips_close_to_the_floor():
    shot = look([Box((0.02, 0.01, 0.0035), (0.12, 0.02, 0.007), 0.3)])
    grasps = plan(shot, [JAW]).candidates
    assert grasps
    tips = [in_bin(shot, grasp).translation_m[2] for grasp in grasps]
    assert 0 < min(tips) < 0.0025


def test_too_wide_is_said():
    shot = look([Box((0, 0, 0.03), (0.16, 0.14, 0.06))])
    result = plan(shot, [JAW])
    assert not result.candidates
    assert result.rejected["too wide for the gripper"] > 0


@pytest.mark.parametrize("gap_m", [0.0, 0.004, 0.03])
def test_fingers_keep_clear_of_a_wall(gap_m):
    thing = Box((0.15 - 0.02 - gap_m, 0.0, 0.02), (0.04, 0.06, 0.04))
    shot = look([thing], bin_parts=walls(0.3, 0.24, 0.1))
    candidates = plan(shot, [JAW], max_per_object=50).candidates
    for candidate in candidates:
        grasp = in_bin(shot, candidate)
        reach = candidate.pregrasp_opening_m / 2 + JAW.finger_thickness_m
        for side in (-1, 1):
            for across in (-0.5, 0.5):
                tip = grasp.apply(np.array([across * JAW.finger_width_m, side * reach, 0.0]))
                assert abs(tip[0]) < 0.152
                assert abs(tip[1]) < 0.122
    assert candidates, "along the wall there is room"


@pytest.mark.parametrize("gap_m", [0.010, 0.011, 0.012, 0.013, 0.014])
@pytest.mark.parametrize("yaw_rad", [0.0, 0.2])
def test_open_fingers_fit_between_neighbours(gap_m, yaw_rad):
    slim = load_gripper("wsg_50_long_fingers")
    turn = np.array([[np.cos(yaw_rad), -np.sin(yaw_rad)], [np.sin(yaw_rad), np.cos(yaw_rad)]])
    sizes = [(0.13, 0.024, 0.03), (0.17, 0.05, 0.06), (0.17, 0.05, 0.06)]
    places = [np.zeros(2), *(side * np.array([0.0, 0.037 + gap_m]) for side in (-1, 1))]
    shot = look(
        [Box((*(turn @ place), size[2] / 2), size, yaw_rad) for place, size in zip(places, sizes, strict=True)]
    )
    middle = [c for c in plan(shot, [slim], max_per_object=20).candidates if c.object_id == 0]
    assert middle
    for candidate in middle:
        grasp = in_bin(shot, candidate)
        assert candidate.opening_m <= candidate.pregrasp_opening_m <= candidate.opening_m + 0.008 + 1e-6
        reach = candidate.pregrasp_opening_m / 2 + slim.finger_thickness_m
        for side in (-1, 1):
            for across in (-0.5, 0.5):
                x, y = grasp.apply(np.array([across * slim.finger_width_m, side * reach, 0.0]))[:2] @ turn
                assert abs(y) < 0.012 + gap_m or abs(x) > 0.085


def test_a_wider_palm_keeps_off_what_stands_higher_beside_the_fingers():
    thing, post = Box((0, 0, 0.01), (0.10, 0.03, 0.02)), Box((0.025, 0, 0.06), (0.012, 0.012, 0.12))

    def over_the_post(palm_width_m):
        gripper = replace(JAW, palm_width_m=palm_width_m)
        candidates = plan(look([thing, post]), [gripper]).candidates
        return min(abs(c.camera_from_grasp.translation_m[0] - 0.025) for c in candidates if c.object_id == 0)

    assert over_the_post(0.022) < over_the_post(0.06)
    assert over_the_post(0.06) > 0.036


@pytest.mark.parametrize(
    ("across_m", "along_m", "hits"), [(0.030, 0.069, True), (-0.030, -0.069, True), (0.045, 0.069, False)]
)
@pytest.mark.parametrize("yaw_rad", [0.0, 0.7])
def test_a_palm_comes_down_on_what_is_under_its_corners_alone(across_m, along_m, hits, yaw_rad):
    wide = replace(JAW, palm_width_m=0.06, palm_length_m=0.14)
    top = np.zeros((120, 120), np.float32)
    along, across = np.array([np.cos(yaw_rad), np.sin(yaw_rad)]), np.array([-np.sin(yaw_rad), np.cos(yaw_rad)])
    column, row = np.rint(60 + (along_m * along + across_m * across) / CELL_M).astype(int)
    top[row, column] = 0.12
    seen = HeightMap(
        camera_from_map=Transform(np.eye(3), np.zeros(3)),
        origin_m=np.zeros(2),
        top=top,
        owner=np.full(top.shape, -1, np.int16),
        measured=np.ones_like(top),
        floor=top == 0,
    )
    closed = {"tip_m": np.zeros(1), "between_m": np.full(1, 0.02)}
    assert palm_hits(seen, wide, np.full((1, 2), 60.0), np.full(1, yaw_rad), **closed).tolist() == [hits]


def test_a_palm_keeps_off_a_wall_that_the_image_cuts_off():
    camera = PinholeCamera(width=320, height=240, fx=300.0, fy=300.0, cx=93.0, cy=119.5)
    thing = Box((-0.17, 0.0, 0.01), (0.03, 0.12, 0.02))
    shot = look([thing], bin_parts=walls(0.4, 0.3, 0.1), camera=camera)
    hand = load_gripper("wsg_50_long_fingers")
    low = replace(hand, finger_length_m=0.06, insertion_depth_m=0.05)
    candidates = plan(shot, [low], max_per_object=50).candidates
    assert candidates, "away from the wall there is room"
    for candidate in candidates:
        grasp = in_bin(shot, candidate)
        for x, y in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
            corner = grasp.apply(np.array([x * hand.palm_m[0] / 2, y * hand.palm_m[1] / 2, -low.finger_length_m]))
            assert corner[2] > 0.1 or corner[0] > -0.202


def test_no_finger_goes_into_a_neighbour():
    left, right = Box((-0.031, 0, 0.025), (0.06, 0.06, 0.05)), Box((0.031, 0, 0.025), (0.06, 0.06, 0.05))
    shot = look([left, right])
    candidates = plan(shot, [JAW], max_per_object=50).candidates
    assert candidates
    for candidate in candidates:
        assert abs(in_bin(shot, candidate).rotation[:, 1] @ [0, 1, 0]) > 0.9, "only across the free sides"


def test_fingers_stay_above_the_floor():
    shot = look([Box((0, 0, 0.01), (0.08, 0.04, 0.02))])
    for candidate in plan(shot, [JAW]).candidates:
        assert in_bin(shot, candidate).translation_m[2] > 0.001
