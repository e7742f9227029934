"""Grasp candidates for MoveIt: as moveit_msgs/Grasp, and as inputs of stages of the MoveIt Task Constructor.

Only `grasp_to_moveit` needs moveit_msgs; the inputs of stages are made of geometry_msgs alone.
"""

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from geometry_msgs.msg import PoseStamped, Vector3, Vector3Stamped
from std_msgs.msg import Header

from vlm_picking.errors import ConfigError, PickingError, did_you_mean
from vlm_picking.ros.conversions import pose_from_msg, pose_to_msg, vector_to_msg
from vlm_picking.transform import Transform
from vlm_picking_msgs.msg import GraspCandidate, GraspCandidateArray

_POSTURE_S = 0.5  # what a controller of the fingers gets to reach a posture


@dataclass(frozen=True, kw_only=True)
class FingerJoint:
    """A joint of the gripper, whose position follows the opening in a straight line.

    Args:
        at_closed, at_open: position [rad or m, as in the URDF] at the narrowest and the widest opening.
    """

    name: str
    at_closed: float
    at_open: float


@dataclass(frozen=True, eq=False, kw_only=True)
class EndEffector:
    """How MoveIt knows a gripper.

    Args:
        link: the end effector's parent link in the SRDF, whose pose a Grasp holds (most often the flange or the hand).
        link_from_tcp: the grasp's frame in that link: origin between the finger tips or at the cup's lip, +z the
            approach, +y the direction in which the jaws close.
        joints: those of the fingers; none for a cup, whose postures stay empty.
        opening_m: narrowest and widest opening, those of `at_closed` and `at_open`.
        squeeze_m: how much narrower than the object the fingers are told to close, so that they press.
        effort: of each joint while closing [N or N m]; None leaves it to the controller.
        max_contact_force_n: 0 sets no limit.

    Raises:
        ConfigError: joints without a range of openings.
    """

    link: str
    link_from_tcp: Transform
    joints: tuple[FingerJoint, ...] = ()
    opening_m: tuple[float, float] = (0.0, 0.0)
    squeeze_m: float = 0.005
    effort: float | None = None
    max_contact_force_n: float = 0.0

    def __post_init__(self) -> None:
        narrow, wide = self.opening_m
        if self.joints and not 0 <= narrow < wide:
            raise ConfigError(
                f"end effector '{self.link}': opening_m must be (narrowest, widest) in metres, such as (0.0, 0.085), "
                f"got {self.opening_m}"
            )

    def positions(self, opening_m: float) -> dict[str, float]:
        """Position of each joint at an opening [m], which is held within the gripper's range."""
        if not self.joints:
            return {}
        narrow, wide = self.opening_m
        share = min(max((opening_m - narrow) / (wide - narrow), 0.0), 1.0)
        return {joint.name: joint.at_closed + share * (joint.at_open - joint.at_closed) for joint in self.joints}


@dataclass(frozen=True, eq=False, kw_only=True)
class StageInput:
    """What the stages of a pick need for one candidate; docs/conventions.md shows which stage takes what.

    Args:
        id: the candidate's.
        cost: 1 - quality, 0 is best.
        target_pose: the TCP at contact, for the generator of poses and its ComputeIK.
        ik_frame: the TCP in the end effector's link, for ComputeIK.
        approach, retreat: unit directions in the frame of `target_pose`, for MoveRelative.
        approach_m, retreat_m: least and most way along them [m].
        open_joints, closed_joints: goals for MoveTo by the joint's name; empty for a cup.
    """

    id: str
    cost: float
    target_pose: PoseStamped
    ik_frame: PoseStamped
    approach: Vector3Stamped
    approach_m: tuple[float, float]
    retreat: Vector3Stamped
    retreat_m: tuple[float, float]
    open_joints: dict[str, float]
    closed_joints: dict[str, float]


def cost_of(candidate: GraspCandidate) -> float:
    """What a planner adds for choosing this candidate: 0 (sure) to 1 (hopeless)."""
    return 1.0 - min(max(float(candidate.quality), 0.0), 1.0)


def stage_inputs(grasps: GraspCandidateArray, end_effectors: Mapping[str, EndEffector]) -> list[StageInput]:
    """Inputs for the Task Constructor, best first.

    Args:
        end_effectors: by `gripper_id`; candidates of grippers that are not named are left out.

    Raises:
        PickingError: the array is FAILED: nobody could look, and that is no empty bin.
        ConfigError: there are candidates, but none is for a gripper that is named.
    """
    return [_stage_input(candidate, effector) for candidate, effector in _matched(grasps, end_effectors)]


def grasps_to_moveit(grasps: GraspCandidateArray, end_effectors: Mapping[str, EndEffector], **options: Any) -> list:
    """All candidates as moveit_msgs/Grasp, best first; arguments and errors as `stage_inputs` and `grasp_to_moveit`."""
    return [grasp_to_moveit(candidate, effector, **options) for candidate, effector in _matched(grasps, end_effectors)]


def grasp_to_moveit(candidate: GraspCandidate, end_effector: EndEffector, *, allowed_touch: tuple[str, ...] = ()):
    """One candidate as moveit_msgs/Grasp.

    Args:
        allowed_touch: ids of objects in the planning scene that the gripper may touch, the one to pick among them.

    Raises:
        ConfigError: moveit_msgs is not installed, or the candidate has no way in (the node does not know its gripper).
    """
    messages = _package("moveit_msgs")
    stage = _stage_input(candidate, end_effector)
    target_from_link = pose_from_msg(candidate.pose.pose) @ end_effector.link_from_tcp.inverse()
    # After placing the gripper leaves along its own axis, wherever that points then.
    away = vector_to_msg(-end_effector.link_from_tcp.rotation[:, 2])
    away = Vector3Stamped(header=Header(frame_id=end_effector.link), vector=away)

    def translation(direction: Vector3Stamped, least_and_most_m: tuple[float, float]) -> Any:
        least_m, most_m = least_and_most_m
        return messages.GripperTranslation(direction=direction, desired_distance=most_m, min_distance=least_m)

    return messages.Grasp(
        id=candidate.id,
        pre_grasp_posture=_posture(stage.open_joints, None),
        grasp_posture=_posture(stage.closed_joints, end_effector.effort),
        grasp_pose=PoseStamped(header=candidate.pose.header, pose=pose_to_msg(target_from_link)),
        grasp_quality=1.0 - stage.cost,
        pre_grasp_approach=translation(stage.approach, stage.approach_m),
        post_grasp_retreat=translation(stage.retreat, stage.retreat_m),
        post_place_retreat=translation(away, stage.retreat_m),
        max_contact_force=end_effector.max_contact_force_n,
        allowed_touch_objects=list(allowed_touch),
    )


def _matched(
    grasps: GraspCandidateArray, end_effectors: Mapping[str, EndEffector]
) -> list[tuple[GraspCandidate, EndEffector]]:
    if grasps.status == GraspCandidateArray.FAILED:
        raise PickingError(f"there are no grasps to convert, nobody could look: {grasps.message}")
    matched = [(c, end_effectors[c.gripper_id]) for c in grasps.candidates if c.gripper_id in end_effectors]
    if grasps.candidates and not matched:
        grippers = sorted({candidate.gripper_id for candidate in grasps.candidates})
        named = ", ".join(f"'{name}' ({did_you_mean(name, grippers)})" for name in end_effectors) or "none"
        raise ConfigError(f"no candidate is for a gripper with an end effector; named: {named}")
    return matched


def _stage_input(candidate: GraspCandidate, end_effector: EndEffector) -> StageInput:
    header = candidate.pose.header
    ways = {
        "approach": (candidate.approach_min_distance_m, candidate.approach_desired_distance_m),
        "retreat": (candidate.retreat_min_distance_m, candidate.retreat_desired_distance_m),
    }
    for name, way_m in ways.items():
        if not all(map(math.isfinite, way_m)):
            raise ConfigError(
                f"candidate '{candidate.id}' has no length of its {name}: its gripper '{candidate.gripper_id}' is not "
                "among the node's parameter 'grippers'"
            )
    jaws = candidate.kind == GraspCandidate.PARALLEL_JAW

    def direction(vector: Vector3) -> Vector3Stamped:
        return Vector3Stamped(header=header, vector=vector)

    return StageInput(
        id=candidate.id,
        cost=cost_of(candidate),
        target_pose=candidate.pose,
        ik_frame=PoseStamped(header=Header(frame_id=end_effector.link), pose=pose_to_msg(end_effector.link_from_tcp)),
        approach=direction(candidate.approach_direction),
        approach_m=ways["approach"],
        retreat=direction(candidate.retreat_direction),
        retreat_m=ways["retreat"],
        open_joints=end_effector.positions(candidate.pregrasp_opening_m) if jaws else {},
        closed_joints=end_effector.positions(candidate.width_m - end_effector.squeeze_m) if jaws else {},
    )


def _posture(positions: Mapping[str, float], effort: float | None) -> Any:
    messages = _package("trajectory_msgs")
    if not positions:
        return messages.JointTrajectory()
    point = messages.JointTrajectoryPoint(
        positions=list(positions.values()), effort=[] if effort is None else [float(effort)] * len(positions)
    )
    point.time_from_start.nanosec = int(_POSTURE_S * 1e9)
    return messages.JointTrajectory(joint_names=list(positions), points=[point])


def _package(name: str) -> ModuleType:
    try:
        return importlib.import_module(f"{name}.msg")
    except ImportError as error:
        raise ConfigError(
            f"the ROS package '{name}' is not installed, and moveit_msgs/Grasp needs it: install "
            f"ros-$ROS_DISTRO-{name.replace('_', '-')} and source ROS again"
        ) from error
