"""A bin given by settings: the same floor and walls as one that is found, also where none can be found."""

from dataclasses import replace

import numpy as np
import pytest

from tests.planning.synthetic import Ball, Box, look, walls
from tests.ros.toys import CAMERA, FLOOR_M, FRAME_ID, ToyDetector, toy_frame
from vlm_picking.config import PickingConfig
from vlm_picking.errors import FrameError
from vlm_picking.frame import RgbdFrame
from vlm_picking.grasp import GripperKind
from vlm_picking.gripper_files import load_gripper
from vlm_picking.known_bin import KnownBin
from vlm_picking.models.suite import ModelSuite
from vlm_picking.pipeline import PickingPipeline
from vlm_picking.result import Status
from vlm_picking.support import find_support
from vlm_picking.transform import Transform

INNER_M = (0.4, 0.28, 0.1)
SCATTERED = [Box((0.08, 0.05, 0.02), (0.06, 0.04, 0.04), 0.5), Ball((-0.08, -0.04, 0.03), 0.03)]
# The toys' floor is flat and square to the camera: the bin's z looks back at it.
TOY_POSE = (0.0, 0.0, FLOOR_M, 1.0, 0.0, 0.0, 0.0)
TOY_INNER_M = (0.6, 0.45, 0.0)


def given(shot, **changed) -> KnownBin:
    return KnownBin(reference_from_bin=shot.bin_from_camera.inverse(), inner_m=np.array(INNER_M), **changed)


def photo(**case):
    return look(SCATTERED, bin_parts=walls(*INNER_M), tilt_rad=0.15, **case)


def test_no_pose_is_no_bin():
    assert KnownBin.of((), INNER_M) is None


def test_the_given_bin_is_the_one_that_is_found():
    shot = photo(noise_m=0.001)
    known, found = given(shot).support(shot.frame, Transform.identity()), find_support(shot.frame)
    assert known.normal @ found.normal > np.cos(np.radians(0.6))
    assert known.offset_m == pytest.approx(found.offset_m, abs=0.002)
    np.testing.assert_allclose(known.size_m, found.size_m, atol=0.015)
    np.testing.assert_allclose(known.camera_from_bin.translation_m, found.camera_from_bin.translation_m, atol=0.01)
    assert (known.interior == found.interior).mean() > 0.95
    assert known.interior[shot.ids > 0].mean() > 0.99
    assert known.roughness_m < 0.002
    wall = known.camera_from_bin.apply(np.array([INNER_M[0] / 2 + 0.002, 0.0, 0.05]))
    assert known.shell_height(wall) == pytest.approx(INNER_M[2])


def test_a_camera_that_moves_sees_the_same_bin():
    shot = photo()
    base_from_camera = Transform.from_quaternion(np.array([0.9, 0.1, 0.2, 0.1]), np.array([0.5, -0.2, 0.9]))
    fixed = KnownBin(
        reference_from_bin=base_from_camera @ shot.bin_from_camera.inverse(), inner_m=np.array(INNER_M)
    ).support(shot.frame, base_from_camera.inverse())
    np.testing.assert_allclose(fixed.normal, given(shot).support(shot.frame, Transform.identity()).normal, atol=1e-9)


def test_a_bin_so_full_that_no_floor_is_seen():
    blocks = [Box((x, y, 0.05), (0.101, 0.096, 0.1)) for x in (-0.15, -0.05, 0.05, 0.15) for y in (-0.092, 0, 0.092)]
    shot = look(blocks, bin_parts=walls(*INNER_M), noise_m=0.001)
    support = given(shot).support(shot.frame, Transform.identity())
    height = support.height_above(shot.frame.camera.deproject_image(shot.frame.depth_m))
    assert np.median(height[shot.ids > 0]) == pytest.approx(0.1, abs=0.003)


def test_a_bin_without_any_depth():
    frame = photo().frame
    blind = RgbdFrame(frame.rgb, np.full_like(frame.depth_m, np.nan), frame.camera)
    support = given(photo()).support(blind, Transform.identity())
    assert (support.inlier_share, support.roughness_m) == (0.0, 0.0)
    assert support.offset_m == pytest.approx(photo().bin_from_camera.translation_m[2])


def test_a_bin_above_what_is_seen_is_refused_with_the_fix():
    shot = photo()
    raised = shot.bin_from_camera.inverse() @ Transform(np.eye(3), [0.0, 0.0, 0.05])
    with pytest.raises(FrameError, match=r"does not fit the depth: .* by 50 mm; measure the bin's pose again"):
        KnownBin(reference_from_bin=raised, inner_m=np.array(INNER_M)).support(shot.frame, Transform.identity())


def test_a_bin_upside_down_is_refused_with_the_fix():
    with pytest.raises(FrameError, match="0.600 m below the bin's floor; its z has to point out"):
        KnownBin.of((0, 0, 0.6, 0, 0, 0, 1), INNER_M).support(photo().frame, Transform.identity())


def pipeline(**settings) -> PickingPipeline:
    config = PickingConfig.from_mapping(settings)
    grippers = tuple(load_gripper(name) for name in config.grippers)
    return PickingPipeline(config, models=ModelSuite.of(ToyDetector()), grippers=grippers)


def test_the_pipeline_takes_the_bin_from_its_settings():
    result = pipeline(bin_pose=TOY_POSE, bin_inner_m=TOY_INNER_M).run(toy_frame("apple"), "pick the apple")
    assert result.answer.status is Status.PRESENT and result.grasps
    assert result.objects[0].height_m == pytest.approx(0.05, abs=0.003)


def test_walls_that_only_the_settings_know_keep_jaws_out():
    """The depth shows a flat floor; the settings put a wall beside the apple."""
    frame = toy_frame("apple")
    x0, x1 = ((u - CAMERA.cx) * (FLOOR_M - 0.05) / CAMERA.fx for u in (60, 100))
    free = pipeline(bin_pose=TOY_POSE, bin_inner_m=TOY_INNER_M).run(frame, "pick the apple")
    middle = (x0 - 0.012) + 0.25
    tight = pipeline(bin_pose=(middle, *TOY_POSE[1:]), bin_inner_m=(0.5, 0.45, 0.1)).run(frame, "pick the apple")

    def across(result) -> list[float]:
        jaws = [g for g in result.grasps if g.kind is GripperKind.PARALLEL_JAW]
        return [abs(g.camera_from_grasp.rotation[0, 1]) for g in jaws]

    assert max(across(free)) > 0.95  # the fingers may close along x, towards where the wall would be
    assert across(tight) and max(across(tight)) < 0.8


def test_a_bin_that_does_not_fit_is_a_failure_and_no_empty_bin():
    seeing = pipeline(bin_pose=(0, 0, FLOOR_M - 0.1, 1, 0, 0, 0), bin_inner_m=TOY_INNER_M)
    result = seeing.run(toy_frame("apple"), "pick the apple")
    assert result.answer.status is Status.FAILED
    assert "bin_pose does not fit the depth" in result.answer.reason


def test_a_changed_bin_counts_from_the_next_run_on():
    frame = toy_frame("apple")
    changing = pipeline(bin_pose=(0, 0, FLOOR_M - 0.1, 1, 0, 0, 0), bin_inner_m=TOY_INNER_M)
    assert changing.run(frame, "pick the apple").answer.status is Status.FAILED
    changing.update(PickingConfig(bin_pose=TOY_POSE, bin_inner_m=TOY_INNER_M))
    assert changing.run(frame, "pick the apple").answer.status is Status.PRESENT
    changing.update(PickingConfig())
    assert changing.run(frame, "pick the apple").answer.status is Status.PRESENT


def test_where_the_bins_frame_is_may_be_asked_for_each_frame():
    asked = []
    moving = pipeline(bin_pose=(0, 0, 0, 0, 0, 0, 1), bin_inner_m=TOY_INNER_M)
    moving.camera_from_bin_frame = lambda frame: (
        asked.append(frame.frame_id) or Transform(np.diag([1.0, -1.0, -1.0]), [0.0, 0.0, FLOOR_M])
    )
    assert moving.run(toy_frame("apple"), "pick the apple").answer.status is Status.PRESENT
    assert asked == [FRAME_ID]

    def unknown(frame):
        raise FrameError("no transform from 'bin'")

    moving.camera_from_bin_frame = unknown
    failed = moving.run(replace(toy_frame("apple"), stamp_ns=5), "pick the apple")
    assert (failed.answer.status, failed.answer.reason) == (Status.FAILED, "no transform from 'bin'")
