"""Values <-> messages: what goes out comes back, in the right frame, with the axes of the message files."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from tests.ros.toys import BLOCK_M, CAMERA, FLOOR_M, FRAME_ID, TOYS, ToyDetector, toy_frame
from vlm_picking.camera import PinholeCamera
from vlm_picking.config import PickingConfig
from vlm_picking.errors import FrameError
from vlm_picking.gripper_files import load_gripper
from vlm_picking.models.suite import ModelSuite
from vlm_picking.pipeline import PickingPipeline
from vlm_picking.ros.conversions import (
    answer_to_msg,
    camera_from_info,
    detections_2d_to_msg,
    detections_3d_to_msg,
    frame_from_msgs,
    header_of,
    image_to_msg,
    info_to_msg,
    label_mask_to_msg,
    pose_from_msg,
    pose_to_msg,
    stamp_ns,
    transform_from_msg,
    transform_to_msg,
)
from vlm_picking.ros.grasps import grasps_to_msg
from vlm_picking.ros.markers import markers_to_msg
from vlm_picking.transform import Transform
from vlm_picking_msgs.msg import Answer, GraspCandidate, GraspCandidateArray

GRIPPERS = tuple(load_gripper(name) for name in PickingConfig().grippers)
BY_NAME = {gripper.name: gripper for gripper in GRIPPERS}
# A camera that looks straight down from a metre above the table.
TABLE_FROM_CAMERA = Transform(np.diag([1.0, -1.0, -1.0]), [0.2, 0.3, 1.0])


@pytest.fixture(scope="module")
def result():
    pipeline = PickingPipeline(PickingConfig(), models=ModelSuite.of(ToyDetector()), grippers=GRIPPERS)
    return pipeline.run(toy_frame("apple", "mug", stamp_ns=7_000_000_123), "pick the apple")


@given(st.integers(0, 2**31 * 10**9 - 1))
def test_stamps_keep_every_nanosecond(time_ns):
    assert stamp_ns(header_of("camera", time_ns).stamp) == time_ns


@given(st.lists(st.floats(-1, 1), min_size=4, max_size=4), st.lists(st.floats(-9, 9), min_size=3, max_size=3))
def test_poses_come_back(xyzw, xyz):
    if np.linalg.norm(xyzw) < 1e-3:
        return
    there = Transform.from_quaternion(np.array(xyzw), np.array(xyz))
    for back in (pose_from_msg(pose_to_msg(there)), transform_from_msg(transform_to_msg(there))):
        np.testing.assert_allclose(back.rotation, there.rotation, atol=1e-9)
        np.testing.assert_allclose(back.translation_m, there.translation_m, atol=1e-12)


def test_intrinsics_come_back():
    assert camera_from_info(info_to_msg(CAMERA, Header())) == CAMERA


def test_intrinsics_come_from_k_where_p_is_empty():
    info = info_to_msg(CAMERA, Header())
    info.p = [0.0] * 12
    assert camera_from_info(info) == CAMERA


def test_missing_intrinsics_are_refused():
    with pytest.raises(FrameError, match="no intrinsics"):
        camera_from_info(CameraInfo(width=320, height=240))


def messages(frame, **changed):
    header = header_of(frame.frame_id, frame.stamp_ns)
    info = info_to_msg(frame.camera, header)
    usual = {
        "color": image_to_msg(frame.rgb, "rgb8", header),
        "depth": image_to_msg(frame.depth_m, "32FC1", header),
        "color_info": info,
        "depth_info": info,
    }
    return usual | changed


def test_a_frame_comes_back():
    frame = toy_frame("apple", stamp_ns=5_000_000_007)
    back = frame_from_msgs(**messages(frame))
    np.testing.assert_array_equal(back.rgb, frame.rgb)
    np.testing.assert_array_equal(back.depth_m, frame.depth_m)
    assert (back.camera, back.frame_id, back.stamp_ns) == (CAMERA, FRAME_ID, 5_000_000_007)


def test_depth_of_another_size_is_refused_with_the_fix():
    small = image_to_msg(np.ones((120, 160), np.float32), "32FC1", Header())
    with pytest.raises(FrameError, match=r"depth is 160x120 but colour is 320x240; use depth aligned"):
        frame_from_msgs(**messages(toy_frame("apple"), depth=small))


def test_intrinsics_of_another_size_are_refused():
    other = info_to_msg(PinholeCamera(width=640, height=480, fx=600.0, fy=600.0, cx=319.5, cy=239.5), Header())
    with pytest.raises(FrameError, match="320x240.*640x480"):
        frame_from_msgs(**messages(toy_frame("apple"), color_info=other, depth_info=None))


def test_depth_that_is_not_aligned_is_refused():
    unaligned = info_to_msg(PinholeCamera(width=320, height=240, fx=210.0, fy=210.0, cx=159.5, cy=119.5), Header())
    with pytest.raises(FrameError, match="not aligned to colour"):
        frame_from_msgs(**messages(toy_frame("apple"), depth_info=unaligned))


def test_the_answer_is_echoed_with_its_prompt(result):
    message = answer_to_msg(result, header=header_of(FRAME_ID, result.stamp_ns), prompt_id="p1", latency_s=0.25)
    assert (message.status, message.prompt, message.prompt_id, message.kind) == (
        Answer.PRESENT, "pick the apple", "p1", "pick",
    )  # fmt: skip
    assert (message.count, message.latency_s, message.model) == (1, 0.25, "toy")
    assert message.detection_ids == [str(number) for number in result.detections.id]
    assert stamp_ns(message.header.stamp) == 7_000_000_123


def test_boxes_are_pixels_of_the_original_image(result):
    (detection,) = detections_2d_to_msg(result.detections, header=Header()).detections
    x0, y0, x1, y1 = TOYS["apple"][1]
    center = detection.bbox.center.position
    assert (center.x, center.y) == ((x0 + x1) / 2, (y0 + y1) / 2)
    assert (detection.bbox.size_x, detection.bbox.size_y) == (x1 - x0, y1 - y0)
    assert detection.results[0].hypothesis.class_id == "apple"
    assert detection.results[0].hypothesis.score == pytest.approx(0.95)


def test_boxes_in_space_are_given_in_the_target_frame(result):
    header = header_of("table", result.stamp_ns)
    (detection,) = detections_3d_to_msg(result, header=header, target_from_camera=TABLE_FROM_CAMERA).detections
    expected = TABLE_FROM_CAMERA.apply(result.objects[0].center_m)
    center = detection.bbox.center.position
    np.testing.assert_allclose([center.x, center.y, center.z], expected, atol=1e-9)
    assert detection.header.frame_id == "table"
    assert detection.id == str(result.detections.id[0])
    assert 0.3 < center.z < 0.5  # between the floor, 0.4 m above the table, and the top of the block


def test_the_label_mask_counts_from_one(result):
    image = label_mask_to_msg(result.detections, header=Header(), shape_hw=(240, 320))
    labels = np.frombuffer(image.data, "<u2").reshape(240, 320)
    assert image.encoding == "mono16"
    np.testing.assert_array_equal(labels == 1, result.detections.mask[0])
    assert set(np.unique(labels)) == {0, 1}


def test_no_detection_gives_an_empty_mask():
    detections = (
        PickingPipeline(PickingConfig(), models=ModelSuite.of(ToyDetector()), grippers=GRIPPERS)
        .run(toy_frame("apple"), "is there a banana?")
        .detections
    )
    image = label_mask_to_msg(detections, header=Header(), shape_hw=(240, 320))
    assert not np.frombuffer(image.data, "<u2").any()


def planned(result, target_from_camera=None, **options):
    options = {"planned": True, "header": header_of("table", result.stamp_ns)} | options
    transform = target_from_camera or Transform.identity()
    return grasps_to_msg(result, target_from_camera=transform, grippers=BY_NAME, **options)


def test_grasps_have_the_axes_of_the_message_file(result):
    message = planned(result, TABLE_FROM_CAMERA, prompt_id="p", request_id="r")
    assert (message.status, message.prompt_id, message.request_id) == (GraspCandidateArray.FOUND, "p", "r")
    assert {candidate.kind for candidate in message.candidates} == {
        GraspCandidate.SUCTION,
        GraspCandidate.PARALLEL_JAW,
    }
    for candidate, grasp in zip(message.candidates, result.grasps, strict=True):
        table_from_grasp = pose_from_msg(candidate.pose.pose)
        approach = table_from_grasp.rotation[:, 2]
        np.testing.assert_allclose(approach, [0, 0, -1], atol=0.1)  # down, into the block
        said = candidate.approach_direction
        np.testing.assert_allclose([said.x, said.y, said.z], approach, atol=1e-9)
        surface = np.array([candidate.surface_point.x, candidate.surface_point.y, candidate.surface_point.z])
        # The table is a metre below the camera, and the block's top BLOCK_M above the floor.
        assert surface[2] == pytest.approx(1.0 - (FLOOR_M - BLOCK_M), abs=0.005)
        np.testing.assert_allclose(table_from_grasp.translation_m, surface + grasp.insertion_m * approach, atol=1e-6)
        assert candidate.detection_score == pytest.approx(0.95)
        assert candidate.approach_desired_distance_m > candidate.approach_min_distance_m > 0


def test_jaws_and_cups_leave_what_they_do_not_have_unknown(result):
    message = planned(result)
    jaw = next(c for c in message.candidates if c.kind == GraspCandidate.PARALLEL_JAW)
    cup = next(c for c in message.candidates if c.kind == GraspCandidate.SUCTION)
    assert math.isnan(cup.width_m) and math.isnan(cup.insertion_depth_m)
    assert 0 < jaw.width_m <= jaw.pregrasp_opening_m <= BY_NAME[jaw.gripper_id].max_opening_m + 1e-6
    assert jaw.width_m == pytest.approx(40 * (FLOOR_M - BLOCK_M) / 300, abs=0.004)
    for name in ("patch_length_m", "planarity_rms_m", "position_sigma_m", "bin_clearance_m"):
        assert math.isnan(getattr(cup, name)), name


@pytest.mark.parametrize("degrees", [-89, -45, 0, 30, 90, 120])
def test_the_angle_in_the_image_is_that_of_the_closing_line(result, degrees):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    # +y of the grasp lies in the image, +z looks away from the camera, +x completes a right-handed frame.
    rotation = np.column_stack([[s, -c, 0.0], [c, s, 0.0], [0.0, 0.0, 1.0]])
    turned = replace(result.grasps[0], camera_from_grasp=Transform(rotation, [0.0, 0.0, 0.5]))
    message = planned(replace(result, grasps=(turned,)))
    folded = (degrees + 90 - 1e-9) % 180 - 90
    assert math.degrees(message.candidates[0].image_angle_rad) == pytest.approx(folded, abs=1e-4)


def test_not_planned_none_found_and_failed_are_three_things(result):
    none = replace(result, grasps=(), rejected={"too wide": 3})
    assert planned(none, planned=False).status == GraspCandidateArray.NOT_PLANNED
    message = planned(none)
    assert message.status == GraspCandidateArray.NONE_FOUND
    assert (list(message.reject_reasons), list(message.reject_counts)) == (["too wide"], [3])


def test_markers_clear_first_and_arrows_end_at_the_contact(result):
    header = header_of("table", result.stamp_ns)
    boxes = detections_3d_to_msg(result, header=header, target_from_camera=TABLE_FROM_CAMERA)
    grasps = planned(result, TABLE_FROM_CAMERA)
    markers = markers_to_msg(boxes, grasps).markers
    assert markers[0].action == markers[0].DELETEALL
    assert [m.ns for m in markers[1:]].count("grasps") == len(result.grasps)
    arrow = next(m for m in markers if m.ns == "grasps")
    table_from_arrow = pose_from_msg(arrow.pose)
    tip = table_from_arrow.apply(np.array([arrow.scale.x, 0.0, 0.0]))
    np.testing.assert_allclose(tip, pose_from_msg(grasps.candidates[0].pose.pose).translation_m, atol=1e-9)
    assert len({(m.ns, m.id) for m in markers[1:]}) == len(markers) - 1
