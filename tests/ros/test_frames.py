"""Transforms: grasps in another frame than the camera's, and a clear status where TF does not know it."""

import time

import numpy as np
import pytest
import rclpy
from geometry_msgs.msg import TransformStamped
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection3DArray

from tests.ros.rig import Rig, eventually
from tests.ros.toys import FLOOR_M, FRAME_ID
from vlm_picking.errors import FrameError
from vlm_picking.ros.conversions import pose_from_msg, transform_to_msg
from vlm_picking.ros.frames import StaticLookup, Tf2Lookup
from vlm_picking.transform import Transform
from vlm_picking_msgs.msg import Answer, GraspCandidateArray

LATCHED = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
TABLE_FROM_CAMERA = Transform(np.diag([1.0, -1.0, -1.0]), [0.2, 0.3, 1.0])
WORLD_FROM_TABLE = Transform(np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]), [1.0, 2.0, 0.7])


def link(parent: str, child: str, parent_from_child: Transform) -> TransformStamped:
    message = TransformStamped(child_frame_id=child, transform=transform_to_msg(parent_from_child))
    message.header.frame_id = parent
    return message


LINKS = [link("world", "table", WORLD_FROM_TABLE), link("table", FRAME_ID, TABLE_FROM_CAMERA)]


class Listening:
    """A lookup that has heard static links, a loop, and an arm that moves."""

    def __init__(self, make) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node("lookup", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.lookup = make(self.node)
        self.static = self.node.create_publisher(TFMessage, "/tf_static", LATCHED)
        self.moving = self.node.create_publisher(TFMessage, "/tf", 10)
        time.sleep(0.3)
        self.static.publish(TFMessage(transforms=[*LINKS, link("arm", "tool", Transform.identity())]))

    def spin(self, seconds: float = 1.0) -> None:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            self.executor.spin_once(timeout_sec=0.1)

    def close(self) -> None:
        self.lookup.stop()
        self.executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()


def tf2_lookup(node):
    pytest.importorskip("tf2_ros", reason="tf2_ros is not on PyPI; it runs where ROS is installed")
    return Tf2Lookup(node)


@pytest.fixture(scope="module", params=[StaticLookup, tf2_lookup], ids=["static", "tf2_ros"])
def lookup(request):
    listening = Listening(request.param)
    listening.spin()
    yield listening.lookup
    listening.close()


@pytest.fixture(scope="module")
def static_lookup():
    listening = Listening(StaticLookup)
    loop = [link("a", "b", Transform.identity()), link("b", "a", Transform.identity())]
    listening.static.publish(TFMessage(transforms=loop))
    listening.moving.publish(TFMessage(transforms=[link("world", "arm", Transform.identity())]))
    listening.spin()
    yield listening.lookup
    listening.close()


@pytest.mark.parametrize(
    ("target", "source", "expected"),
    [
        ("table", FRAME_ID, TABLE_FROM_CAMERA),
        ("world", FRAME_ID, WORLD_FROM_TABLE @ TABLE_FROM_CAMERA),
        (FRAME_ID, "world", (WORLD_FROM_TABLE @ TABLE_FROM_CAMERA).inverse()),
        ("table", "table", Transform.identity()),
    ],
)
def test_chains_compose_up_and_down(lookup, target, source, expected):
    got = lookup.target_from_source(target, source, 0)
    np.testing.assert_allclose(got.rotation, expected.rotation, atol=1e-9)
    np.testing.assert_allclose(got.translation_m, expected.translation_m, atol=1e-9)


@pytest.mark.parametrize(
    ("target", "words"),
    [("base_link", "known frames:.*table"), ("tool", "'arm' moves"), ("a", "loop")],
    ids=["unknown", "moving", "loop"],
)
def test_what_static_transforms_do_not_say_is_refused(static_lookup, target, words):
    with pytest.raises(FrameError, match=words):
        static_lookup.target_from_source(target, FRAME_ID, 0)


def test_an_unknown_frame_is_refused_by_name(lookup):
    with pytest.raises(FrameError, match="no transform from .* to 'base_link'"):
        lookup.target_from_source("base_link", FRAME_ID, 0)


def test_moving_transforms_are_taken_at_the_stamp_of_the_image():
    listening = Listening(tf2_lookup)
    for second, x in ((10, 0.0), (11, 1.0)):
        moved = link("world", "arm", Transform(np.eye(3), [x, 0.0, 0.0]))
        moved.header.stamp.sec = second
        listening.moving.publish(TFMessage(transforms=[moved]))
    listening.spin()
    half = listening.lookup.target_from_source("world", "tool", 10_500_000_000)
    np.testing.assert_allclose(half.translation_m, [0.5, 0, 0], atol=1e-9)
    with pytest.raises(FrameError, match="at the image's stamp"):
        listening.lookup.target_from_source("world", "tool", 20_000_000_000)
    listening.close()


def test_grasps_and_boxes_come_in_the_target_frame():
    with Rig(target_frame="world") as rig:
        tf = rig.ears.create_publisher(TFMessage, "/tf_static", LATCHED)
        tf.publish(TFMessage(transforms=LINKS))
        rig.hear(Detection3DArray, "detections_3d")
        rig.operator.wait_until_active(20)
        eventually(lambda: tf.get_subscription_count() > 0)
        time.sleep(0.5)
        with rig.camera.streaming("apple", hz=10):
            reply = rig.operator.ask("pick the apple", timeout_s=15)
        assert reply.answer.header.frame_id == FRAME_ID
        assert reply.grasps.status == GraspCandidateArray.FOUND, reply.grasps.message
        assert reply.grasps.header.frame_id == reply.grasps.candidates[0].pose.header.frame_id == "world"
        assert reply.grasps.header.stamp == reply.answer.header.stamp
        world_from_grasp = pose_from_msg(reply.grasps.candidates[0].pose.pose)
        np.testing.assert_allclose(world_from_grasp.rotation[:, 2], [0, 0, -1], atol=0.1)
        assert 1.0 < world_from_grasp.translation_m[2] < 1.7
        assert rig.wait_for("detections_3d", lambda m: m.detections).header.frame_id == "world"


def test_an_unknown_target_frame_is_a_status_and_nothing_in_3d():
    with Rig(target_frame="base_link") as rig:
        rig.hear(Detection3DArray, "detections_3d")
        rig.operator.wait_until_active(20)
        with rig.camera.streaming("apple", hz=10):
            reply = rig.operator.ask("pick the apple", timeout_s=15)
        assert reply.answer.status == Answer.PRESENT
        assert reply.grasps.status == GraspCandidateArray.FAILED
        assert "base_link" in reply.grasps.message
        assert not rig.heard["detections_3d"]


def test_the_bin_is_where_tf_and_the_settings_put_it():
    identity = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]
    with Rig(bin_pose=identity, bin_inner_m=[0.6, 0.45, 0.0], bin_frame="bin") as rig:
        tf = rig.ears.create_publisher(TFMessage, "/tf_static", LATCHED)
        rig.operator.wait_until_active(20)
        eventually(lambda: tf.get_subscription_count() > 0)
        with rig.camera.streaming("apple", hz=10):
            lost = rig.operator.ask("pick the apple", timeout_s=15)
        assert lost.status == "FAILED" and "'bin'" in lost.answer.reason
        camera_from_bin = Transform(np.diag([1.0, -1.0, -1.0]), [0.0, 0.0, FLOOR_M])
        tf.publish(TFMessage(transforms=[*LINKS, link(FRAME_ID, "bin", camera_from_bin)]))
        time.sleep(0.5)
        with rig.camera.streaming("apple", hz=10):
            found = rig.operator.ask("pick the apple", timeout_s=15)
        assert found.grasps.status == GraspCandidateArray.FOUND, found.answer.reason + found.grasps.message
