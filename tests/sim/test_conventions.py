"""The picture of the conventions shows what the words say: hands stand where the grasps are, axes as written."""

import cv2
import mujoco
import numpy as np
import pytest

from vlm_picking.grasp import GripperKind
from vlm_picking.gripper_files import load_gripper
from vlm_picking.sim.conventions import PANEL_WH, draw, show, with_hand
from vlm_picking.sim.hand import FINGERS, HAND_PREFIX

JAWS, CUP = load_gripper("robotiq_2f85"), load_gripper("suction_30mm")


@pytest.fixture(scope="module")
def shown():
    return show((JAWS, CUP))


def hand_of(shown, gripper, object_id):
    grasp = shown.best(gripper, object_id)
    world_from_grasp = shown.seen.world_from_camera @ grasp.camera_from_grasp
    return grasp, world_from_grasp, with_hand(shown.scene, gripper, world_from_grasp, opening_m=grasp.opening_m)


def in_grasp(scene, world_from_grasp, name: str) -> np.ndarray:
    """Corners (8, 3) of a geom's box, or ends of a cylinder's axis (2, 3), in the grasp's frame [m]."""
    geom = scene.model.geom(HAND_PREFIX + name)
    centre, turn = scene.data.geom_xpos[geom.id], scene.data.geom_xmat[geom.id].reshape(3, 3)
    if geom.type[0] == mujoco.mjtGeom.mjGEOM_CYLINDER:
        local = np.array([[0.0, 0.0, -1.0], [0.0, 0.0, 1.0]]) * geom.size[1]
    else:
        local = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * geom.size
    return world_from_grasp.inverse().apply(centre + local @ turn.T)


def test_the_tcp_lies_between_the_finger_tips(shown):
    grasp, world_from_grasp, scene = hand_of(shown, JAWS, 0)
    assert grasp.kind is GripperKind.PARALLEL_JAW
    left, right = (in_grasp(scene, world_from_grasp, name) for name in FINGERS)
    # The tips end at z = 0, the pads face each other across y, and are `opening_m` apart.
    assert left[:, 2].max() == pytest.approx(0, abs=1e-6) and right[:, 2].max() == pytest.approx(0, abs=1e-6)
    low, high = sorted((left[:, 1], right[:, 1]), key=np.mean)
    assert [low.max(), high.min()] == pytest.approx([-grasp.opening_m / 2, grasp.opening_m / 2], abs=1e-6)
    assert in_grasp(scene, world_from_grasp, "palm")[:, 2].max() == pytest.approx(-JAWS.finger_length_m)


def test_the_tips_reach_below_the_top_by_the_insertion(shown):
    grasp, world_from_grasp, scene = hand_of(shown, JAWS, 0)
    surface = world_from_grasp.apply(np.array([0.0, 0.0, -grasp.insertion_m]))
    points = shown.seen.world_from_camera.apply(shown.objects[0].points_m)
    between = np.linalg.norm(points[:, :2] - surface[:2], axis=1) < 0.01
    assert points[between, 2].max() == pytest.approx(surface[2], abs=0.006)


def test_the_cups_lip_lies_on_the_surface(shown):
    _, world_from_grasp, scene = hand_of(shown, CUP, 1)
    assert in_grasp(scene, world_from_grasp, "lip")[:, 2].max() == pytest.approx(0, abs=1e-6)
    points = shown.seen.world_from_camera.apply(shown.objects[1].points_m)
    assert np.linalg.norm(points - world_from_grasp.translation_m, axis=1).min() < 0.006


def test_approaches_point_down_and_the_bins_z_up(shown):
    for grasp in shown.grasps:
        assert (shown.seen.world_from_camera @ grasp.camera_from_grasp).rotation[2, 2] < -0.8
    world_from_bin = shown.seen.world_from_camera @ shown.support.camera_from_bin
    assert world_from_bin.rotation[2, 2] > 0.999
    np.testing.assert_allclose(world_from_bin.translation_m, 0, atol=0.02)  # the world's origin is mid-floor
    assert abs(world_from_bin.rotation[0, 0]) > 0.99  # x along the longer side
    for thing in shown.objects:
        assert (shown.seen.world_from_camera @ thing.camera_from_box).rotation[2, 2] > 0.999
        assert thing.size_m[0] >= thing.size_m[1]


def test_the_picture_is_drawn_and_small():
    picture = draw()
    assert picture.shape[1] == 3 * PANEL_WH[0] and picture.shape[0] > PANEL_WH[1]
    assert picture[:, :, 0].std() > 20
    assert len(cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1]) < 200_000
