"""The example consumer: the first grasp in reach, its way in the robot's frame, over DDS and against a real node."""

import math
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
import rclpy
from geometry_msgs.msg import PoseArray
from rclpy.executors import MultiThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from tests.ros.rig import Rig, eventually
from tests.ros.test_frames import link
from tests.ros.toys import BLOCK_M, FLOOR_M, FRAME_ID
from vlm_picking.ros.conversions import pose_from_msg, pose_to_msg, vector_to_msg
from vlm_picking.ros.examples.consume_grasps import GraspConsumer, Reach, first_reachable, grasp_path
from vlm_picking.transform import Transform
from vlm_picking_msgs.msg import GraspCandidate, GraspCandidateArray

LATCHED = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
# The camera looks straight down, 0.9 m above the robot's base and 0.5 m before it; a quarter turn apart.
BASE_FROM_CAMERA = Transform(np.array([[0.0, -1, 0], [-1, 0, 0], [0, 0, -1]]), [0.5, 0.0, 0.9])
EVERYWHERE = Reach(low_m=(-9.0,) * 3, high_m=(9.0,) * 3, nearest_m=0.0, farthest_m=9.0)


def candidate(position_m=(0.0, 0.0, 0.6), *, gripper="cup", quality=0.8, standoff_m=0.08) -> GraspCandidate:
    message = GraspCandidate(
        gripper_id=gripper,
        quality=quality,
        approach_direction=vector_to_msg([0, 0, 1]),
        retreat_direction=vector_to_msg([0, 0, -1]),
        approach_desired_distance_m=standoff_m,
        retreat_desired_distance_m=2 * standoff_m,
    )
    message.pose.header.frame_id = FRAME_ID
    message.pose.pose = pose_to_msg(Transform(np.eye(3), np.array(position_m)))
    return message


def array(*candidates, status=GraspCandidateArray.FOUND, **fields) -> GraspCandidateArray:
    return GraspCandidateArray(
        header=Header(frame_id=FRAME_ID), candidates=list(candidates), status=status, prompt="pick it", **fields
    )


def test_the_path_comes_in_touches_and_leaves_in_the_robots_frame():
    before, at, after = grasp_path(candidate(), BASE_FROM_CAMERA)
    np.testing.assert_allclose(at.translation_m, [0.5, 0, 0.3], atol=1e-9)
    np.testing.assert_allclose(before.translation_m, [0.5, 0, 0.38], atol=1e-6)
    np.testing.assert_allclose(after.translation_m, [0.5, 0, 0.46], atol=1e-6)
    for pose in (before, at, after):
        np.testing.assert_allclose(pose.rotation[:, 2], [0, 0, -1], atol=1e-9)  # the tool points down all the way


@pytest.mark.parametrize(
    ("first", "options", "reason"),
    [
        (candidate(gripper="jaws"), {"grippers": ("cup",)}, "another gripper"),
        (candidate(quality=0.1), {"min_quality": 0.3}, "poor"),
        (candidate((0.0, 0.0, 0.95)), {"reach": Reach()}, "outside the workspace"),
        (candidate((0.0, -0.7, 0.6)), {"reach": Reach(high_m=(2.0, 2.0, 2.0))}, "too far"),
        (candidate((0.0, 0.5, 0.85)), {"reach": Reach()}, "too near"),
        (candidate(standoff_m=0.4), {"reach": Reach(high_m=(1.0, 1.0, 0.5))}, "outside the workspace"),
        (candidate(standoff_m=math.nan), {}, "no length of the approach"),
    ],
    ids=["gripper", "quality", "under the table", "far", "near", "only the way out is too high", "no standoff"],
)
def test_what_can_not_be_tried_is_passed_over_with_the_reason(first, options, reason):
    second = candidate()
    best, path, left_out = first_reachable(array(first, second), BASE_FROM_CAMERA, **{"reach": EVERYWHERE} | options)
    assert best is second and len(path) == 3
    assert left_out == {reason: 1}


def test_nothing_in_reach_is_none_and_says_why():
    far = [candidate((0.0, -2.0, 0.6)) for _ in range(3)]
    best, path, left_out = first_reachable(array(*far), BASE_FROM_CAMERA, reach=Reach())
    assert best is None and path == [] and left_out == {"outside the workspace": 3}


@contextmanager
def consumer(namespace: str, **parameters):
    context = rclpy.Context()
    rclpy.init(context=context)
    node = GraspConsumer(
        context=context,
        namespace=namespace,
        parameter_overrides=[Parameter(name, value=value) for name, value in parameters.items()],
    )
    executor = MultiThreadedExecutor(num_threads=2, context=context)
    executor.add_node(node)
    thread = threading.Thread(target=executor.spin, daemon=True)
    thread.start()
    try:
        yield node
    finally:
        executor.shutdown()
        thread.join(timeout=5)
        node.destroy_node()
        context.try_shutdown()


@pytest.fixture(scope="module")
def rig():
    with Rig() as rig:
        tf = rig.ears.create_publisher(TFMessage, "/tf_static", LATCHED)
        tf.publish(TFMessage(transforms=[link("base_link", FRAME_ID, BASE_FROM_CAMERA)]))
        rig.hear(PoseArray, "grasp_path")
        rig.hear(GraspCandidateArray, "grasps")
        rig.operator.wait_until_active(20)
        with consumer(rig.namespace, workspace_low_m=[0.2, -0.4, 0.1]):
            eventually(lambda: rig.ears.count_subscribers("grasps") >= 2 and rig.ears.count_publishers("grasp_path"))
            eventually(lambda: tf.get_subscription_count() > 0)
            time.sleep(0.5)
            yield rig


def test_a_spoken_pick_becomes_a_path_of_the_robot(rig):
    rig.operator.set_prompt("pick the apple")
    with rig.camera.streaming("apple", hz=5):
        path = rig.wait_for("grasp_path", lambda m: m.poses, timeout_s=30)
    rig.operator.set_prompt("")
    grasps = rig.wait_for("grasps", lambda m: m.header.stamp == path.header.stamp and m.candidates)
    assert path.header.frame_id == "base_link"
    before, at, after = map(pose_from_msg, path.poses)
    best = BASE_FROM_CAMERA @ pose_from_msg(grasps.candidates[0].pose.pose)
    np.testing.assert_allclose(at.translation_m, best.translation_m, atol=1e-9)
    np.testing.assert_allclose(at.rotation, best.rotation, atol=1e-9)
    assert 0.9 - FLOOR_M < at.translation_m[2] < 0.9 - FLOOR_M + BLOCK_M + 0.005
    assert before.translation_m[2] > at.translation_m[2] + 0.05 and after.translation_m[2] > at.translation_m[2] + 0.05


def test_nothing_found_is_an_empty_path_and_nobody_looked_is_none(rig):
    rig.forget()
    grasps = rig.ears.create_publisher(GraspCandidateArray, "grasps", 5)
    eventually(lambda: grasps.get_subscription_count() >= 2)
    failed = array(status=GraspCandidateArray.FAILED, message="no camera")
    none = array(status=GraspCandidateArray.NONE_FOUND)
    failed.header.stamp.sec, none.header.stamp.sec = 1, 2
    grasps.publish(failed)
    grasps.publish(none)
    path = rig.wait_for("grasp_path", lambda m: m.header.stamp.sec == 2)
    assert not path.poses
    assert not [m for m in rig.heard["grasp_path"] if m.header.stamp.sec == 1]
    rig.ears.destroy_publisher(grasps)


def test_poses_that_tf_can_not_place_are_not_given_out(rig):
    rig.forget()
    grasps = rig.ears.create_publisher(GraspCandidateArray, "grasps", 5)
    eventually(lambda: grasps.get_subscription_count() >= 2)
    nowhere, known = array(candidate()), array(candidate())
    nowhere.header.frame_id = "elsewhere"
    nowhere.header.stamp.sec, known.header.stamp.sec = 3, 4
    grasps.publish(nowhere)
    grasps.publish(known)
    assert len(rig.wait_for("grasp_path", lambda m: m.header.stamp.sec == 4).poses) == 3
    assert not [m for m in rig.heard["grasp_path"] if m.header.stamp.sec == 3]
    rig.ears.destroy_publisher(grasps)
