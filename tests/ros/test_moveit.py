"""Candidates as MoveIt takes them: the wrist where it has to be for the TCP to be right, fingers, ways in and out."""

import math
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header

from vlm_picking.errors import ConfigError, PickingError
from vlm_picking.ros.conversions import pose_from_msg, pose_to_msg, vector_to_msg
from vlm_picking.ros.moveit import EndEffector, FingerJoint, cost_of, grasp_to_moveit, grasps_to_moveit, stage_inputs
from vlm_picking.transform import Transform
from vlm_picking_msgs.msg import GraspCandidate, GraspCandidateArray

needs_moveit = pytest.mark.skipif(find_spec("moveit_msgs") is None, reason="moveit_msgs is not installed: `make setup`")

# A wrist whose tool is turned by 30 degrees and 12 cm long.
LINK_FROM_TCP = Transform(Rotation.from_euler("z", 30, degrees=True).as_matrix(), [0.0, 0.0, 0.12])
JAWS = EndEffector(
    link="flange",
    link_from_tcp=LINK_FROM_TCP,
    joints=(
        FingerJoint(name="left", at_closed=0.8, at_open=0.0),
        FingerJoint(name="right", at_closed=0.0, at_open=0.04),
    ),
    opening_m=(0.0, 0.08),
    squeeze_m=0.01,
    effort=25.0,
    max_contact_force_n=40.0,
)
CUP = EndEffector(link="tool0", link_from_tcp=Transform(np.eye(3), [0.0, 0.0, 0.2]))
BASE_FROM_GRASP = Transform(Rotation.from_euler("xz", [172, 40], degrees=True).as_matrix(), [0.45, -0.1, 0.07])


def candidate(*, jaw: bool = True, quality: float = 0.75, number: int = 0) -> GraspCandidate:
    approach = BASE_FROM_GRASP.rotation[:, 2]
    message = GraspCandidate(
        id=str(number),
        kind=GraspCandidate.PARALLEL_JAW if jaw else GraspCandidate.SUCTION,
        gripper_id="jaws" if jaw else "cup",
        quality=quality,
        width_m=0.05 if jaw else math.nan,
        pregrasp_opening_m=0.06 if jaw else math.nan,
        approach_direction=vector_to_msg(approach),
        approach_desired_distance_m=0.08,
        approach_min_distance_m=0.04,
        retreat_direction=vector_to_msg(-approach),
        retreat_desired_distance_m=0.1,
        retreat_min_distance_m=0.05,
    )
    message.pose.header = Header(frame_id="base_link")
    message.pose.header.stamp.sec = 7
    message.pose.pose = pose_to_msg(BASE_FROM_GRASP)
    return message


def array(
    *candidates: GraspCandidate, status: int = GraspCandidateArray.FOUND, message: str = ""
) -> GraspCandidateArray:
    return GraspCandidateArray(candidates=list(candidates), status=status, message=message)


@needs_moveit
def test_the_message_has_the_fields_of_the_original_in_their_order():
    from moveit_msgs.msg import Grasp, GripperTranslation

    translation = "moveit_msgs/GripperTranslation"
    assert list(Grasp.get_fields_and_field_types().items()) == [
        ("id", "string"),
        ("pre_grasp_posture", "trajectory_msgs/JointTrajectory"),
        ("grasp_posture", "trajectory_msgs/JointTrajectory"),
        ("grasp_pose", "geometry_msgs/PoseStamped"),
        ("grasp_quality", "double"),
        ("pre_grasp_approach", translation),
        ("post_grasp_retreat", translation),
        ("post_place_retreat", translation),
        ("max_contact_force", "float"),
        ("allowed_touch_objects", "sequence<string>"),
    ]
    assert list(GripperTranslation.get_fields_and_field_types().items()) == [
        ("direction", "geometry_msgs/Vector3Stamped"),
        ("desired_distance", "float"),
        ("min_distance", "float"),
    ]


@needs_moveit
def test_the_links_pose_brings_the_tcp_to_the_grasp():
    grasp = grasp_to_moveit(candidate(), JAWS)
    base_from_tcp = pose_from_msg(grasp.grasp_pose.pose) @ LINK_FROM_TCP
    np.testing.assert_allclose(base_from_tcp.translation_m, BASE_FROM_GRASP.translation_m, atol=1e-9)
    np.testing.assert_allclose(base_from_tcp.rotation, BASE_FROM_GRASP.rotation, atol=1e-9)
    wrist = pose_from_msg(grasp.grasp_pose.pose).translation_m
    assert np.linalg.norm(wrist - BASE_FROM_GRASP.translation_m) == pytest.approx(0.12)
    assert wrist[2] > 0.18  # above the grasp, since the approach points down
    assert (grasp.grasp_pose.header.frame_id, grasp.grasp_pose.header.stamp.sec) == ("base_link", 7)


@needs_moveit
def test_the_ways_in_and_out_lie_along_the_approach():
    grasp = grasp_to_moveit(candidate(), JAWS)
    vectors = []
    for way, desired_m, least_m in (
        (grasp.pre_grasp_approach, 0.08, 0.04),
        (grasp.post_grasp_retreat, 0.1, 0.05),
        (grasp.post_place_retreat, 0.1, 0.05),
    ):
        assert (way.desired_distance, way.min_distance) == pytest.approx((desired_m, least_m))
        vectors.append([way.direction.vector.x, way.direction.vector.y, way.direction.vector.z])
    approach = BASE_FROM_GRASP.rotation[:, 2]
    np.testing.assert_allclose(vectors[0], approach, atol=1e-9)
    np.testing.assert_allclose(vectors[1], -approach, atol=1e-9)
    np.testing.assert_allclose(vectors[2], [0, 0, -1], atol=1e-9)
    assert grasp.pre_grasp_approach.direction.header.frame_id == "base_link"
    assert grasp.post_place_retreat.direction.header.frame_id == "flange"


@needs_moveit
def test_the_fingers_open_for_the_way_in_and_close_on_the_object():
    grasp = grasp_to_moveit(candidate(), JAWS, allowed_touch=("mug",))
    before, during = grasp.pre_grasp_posture, grasp.grasp_posture
    assert before.joint_names == during.joint_names == ["left", "right"]
    # 6 of 8 cm open; then 5 cm wide, told to close to 4 cm.
    assert list(before.points[0].positions) == pytest.approx([0.2, 0.03])
    assert list(during.points[0].positions) == pytest.approx([0.4, 0.02])
    assert list(before.points[0].effort) == [] and list(during.points[0].effort) == [25.0, 25.0]
    assert during.points[0].time_from_start.nanosec > 0
    assert (grasp.max_contact_force, grasp.allowed_touch_objects) == (40.0, ["mug"])


@needs_moveit
def test_a_cup_has_no_posture():
    grasp = grasp_to_moveit(candidate(jaw=False), CUP)
    assert not grasp.pre_grasp_posture.joint_names and not grasp.grasp_posture.points
    assert pose_from_msg(grasp.grasp_pose.pose).translation_m[2] > BASE_FROM_GRASP.translation_m[2] + 0.19


@needs_moveit
def test_a_list_keeps_its_order_and_goes_over_the_wire():
    from moveit_msgs.msg import Grasp

    both = array(candidate(quality=0.9), candidate(jaw=False, number=1), candidate(quality=0.25, number=2))
    grasps = grasps_to_moveit(both, {"jaws": JAWS})
    assert [grasp.id for grasp in grasps] == ["0", "2"]
    assert [grasp.grasp_quality for grasp in grasps] == pytest.approx([0.9, 0.25])
    for grasp in grasps:
        wire = serialize_message(grasp)
        assert serialize_message(deserialize_message(wire, Grasp)) == wire


@pytest.mark.parametrize("package", ["moveit_msgs", "trajectory_msgs"])
def test_a_package_that_is_missing_is_named(monkeypatch, package):
    if package == "trajectory_msgs" and find_spec("moveit_msgs") is None:
        pytest.skip("moveit_msgs, which is asked for first, is not installed: `make setup`")
    monkeypatch.setitem(sys.modules, f"{package}.msg", None)
    with pytest.raises(ConfigError, match=rf"'{package}' is not installed.*ros-\$ROS_DISTRO-{package[:4]}"):
        grasp_to_moveit(candidate(), JAWS)


def test_stages_need_no_moveit_messages_and_aim_the_tcp_itself(monkeypatch):
    for name in ("moveit_msgs.msg", "trajectory_msgs.msg"):
        monkeypatch.setitem(sys.modules, name, None)
    jaw, cup = stage_inputs(
        array(candidate(quality=0.9), candidate(jaw=False, quality=0.5, number=1)), {"jaws": JAWS, "cup": CUP}
    )
    assert (jaw.cost, cup.cost) == pytest.approx((0.1, 0.5))
    assert jaw.target_pose.pose == pose_to_msg(BASE_FROM_GRASP)
    assert jaw.ik_frame.header.frame_id == "flange" and cup.ik_frame.header.frame_id == "tool0"
    # The stage turns the link so that its `ik_frame` meets the target: the same wrist that a Grasp would hold.
    np.testing.assert_allclose(pose_from_msg(jaw.ik_frame.pose).translation_m, LINK_FROM_TCP.translation_m)
    assert jaw.approach_m == pytest.approx((0.04, 0.08)) and jaw.retreat_m == pytest.approx((0.05, 0.1))
    assert jaw.approach.header.frame_id == jaw.retreat.header.frame_id == "base_link"
    assert jaw.open_joints == pytest.approx({"left": 0.2, "right": 0.03})
    assert cup.open_joints == cup.closed_joints == {}


@pytest.mark.parametrize(("quality", "cost"), [(1.0, 0.0), (0.75, 0.25), (0.0, 1.0)])
def test_the_cost_is_what_lacks_in_quality(quality, cost):
    assert cost_of(candidate(quality=quality)) == pytest.approx(cost)


def test_no_grasps_and_nobody_looked_are_not_the_same():
    assert stage_inputs(array(status=GraspCandidateArray.NONE_FOUND), {"jaws": JAWS}) == []
    with pytest.raises(PickingError, match="nobody could look: no camera"):
        stage_inputs(array(status=GraspCandidateArray.FAILED, message="no camera"), {"jaws": JAWS})


def test_a_gripper_that_nobody_plans_for_is_no_empty_bin():
    with pytest.raises(ConfigError, match="'jawz' .did you mean 'jaws'"):
        stage_inputs(array(candidate()), {"jawz": JAWS})


def test_a_candidate_without_a_standoff_is_refused():
    grasp = candidate()
    grasp.approach_desired_distance_m = math.nan
    with pytest.raises(ConfigError, match="no length of its approach.*'jaws'.*'grippers'"):
        stage_inputs(array(grasp), {"jaws": JAWS})


@pytest.mark.parametrize("opening_m", [(0.0, 0.0), (0.08, 0.0), (-0.01, 0.08)])
def test_joints_need_a_range_of_openings(opening_m):
    with pytest.raises(ConfigError, match="opening_m must be"):
        EndEffector(link="hand", link_from_tcp=LINK_FROM_TCP, joints=JAWS.joints, opening_m=opening_m)


@pytest.mark.parametrize(("opening_m", "share"), [(-0.01, 0.0), (0.0, 0.0), (0.04, 0.5), (0.08, 1.0), (0.2, 1.0)])
def test_joints_stay_within_their_range(opening_m, share):
    assert JAWS.positions(opening_m)["right"] == pytest.approx(0.04 * share)
