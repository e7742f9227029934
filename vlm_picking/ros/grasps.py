"""Grasp candidates as messages; the axes and units are those of GraspCandidate.msg."""

import math
from collections.abc import Mapping

import numpy as np
from std_msgs.msg import Header

from vlm_picking.grasp import GraspCandidate as Candidate
from vlm_picking.grasp import Gripper, GripperKind
from vlm_picking.result import PickResult, Status
from vlm_picking.ros.conversions import point_to_msg, pose_to_msg, vector_to_msg
from vlm_picking.transform import Transform
from vlm_picking_msgs.msg import GraspCandidate, GraspCandidateArray

_APPROACH_SHARE = 0.5  # of the stand-off that is kept at least, where the desired approach is blocked


def grasps_to_msg(
    result: PickResult,
    *,
    planned: bool,
    header: Header,
    target_from_camera: Transform,
    grippers: Mapping[str, Gripper],
    prompt_id: str = "",
    request_id: str = "",
) -> GraspCandidateArray:
    """All candidates of one result, best first.

    Args:
        planned: whether grasps were asked for; tells NOT_PLANNED from NONE_FOUND.
        header: the image's stamp and the frame to give the poses in.
        target_from_camera: from the optical frame to `header.frame_id`.
        grippers: by name; the length of the approach comes from there.
    """
    message = GraspCandidateArray(header=header, request_id=request_id, prompt_id=prompt_id, prompt=result.prompt)
    scores = dict(zip(result.detections.id.tolist(), result.detections.score.tolist(), strict=True))
    for grasp in result.grasps:
        candidate = grasp_to_msg(
            grasp, header=header, target_from_camera=target_from_camera, gripper=grippers.get(grasp.gripper)
        )
        candidate.detection_score = scores.get(grasp.object_id, 1.0)
        message.candidates.append(candidate)
    message.reject_reasons = list(result.rejected)
    message.reject_counts = [int(count) for count in result.rejected.values()]
    if result.answer.status is Status.FAILED:
        message.status, message.message = GraspCandidateArray.FAILED, result.answer.reason
    elif not planned:
        message.status, message.message = GraspCandidateArray.NOT_PLANNED, "the prompt does not ask to pick"
    elif message.candidates:
        message.status, message.message = GraspCandidateArray.FOUND, ""
    else:
        message.status, message.message = GraspCandidateArray.NONE_FOUND, result.answer.reason
    return message


def grasp_to_msg(
    grasp: Candidate, *, header: Header, target_from_camera: Transform, gripper: Gripper | None
) -> GraspCandidate:
    """One candidate; what the planner does not measure is NaN."""
    target_from_grasp = target_from_camera @ grasp.camera_from_grasp
    approach = target_from_grasp.rotation[:, 2]
    jaw = grasp.kind is GripperKind.PARALLEL_JAW
    standoff_m = math.nan if gripper is None else gripper.standoff_m
    message = GraspCandidate(
        id=str(grasp.id),
        detection_id=str(grasp.object_id),
        label=grasp.label,
        kind=GraspCandidate.PARALLEL_JAW if jaw else GraspCandidate.SUCTION,
        gripper_id=grasp.gripper,
        quality=float(grasp.quality),
        surface_point=point_to_msg(target_from_grasp.translation_m - grasp.insertion_m * approach),
        surface_normal=vector_to_msg(np.full(3, math.nan) if jaw else -approach),
        width_m=float(grasp.opening_m) if jaw else math.nan,
        pregrasp_opening_m=float(grasp.pregrasp_opening_m) if jaw else math.nan,
        insertion_depth_m=float(grasp.insertion_m) if jaw else math.nan,
        patch_length_m=math.nan,
        patch_width_m=math.nan,
        planarity_rms_m=math.nan,
        approach_direction=vector_to_msg(approach),
        approach_desired_distance_m=standoff_m,
        approach_min_distance_m=standoff_m * _APPROACH_SHARE,
        retreat_direction=vector_to_msg(-approach),
        retreat_desired_distance_m=standoff_m,
        retreat_min_distance_m=standoff_m * _APPROACH_SHARE,
        collision_checked=True,
        bin_clearance_m=math.nan,
        neighbour_clearance_m=float(grasp.clearance_m),
        position_sigma_m=math.nan,
        image_x_px=float(grasp.center_px[0]),
        image_y_px=float(grasp.center_px[1]),
        image_angle_rad=_image_angle_rad(grasp.camera_from_grasp),
        reason=grasp.reason,
    )
    message.pose.header = header
    message.pose.pose = pose_to_msg(target_from_grasp)
    return message


def _image_angle_rad(camera_from_grasp: Transform) -> float:
    """Direction of +Y in the image, from its x axis towards its y axis, in (-pi/2, pi/2]."""
    x, y, z = camera_from_grasp.translation_m
    dx, dy, dz = camera_from_grasp.rotation[:, 1]
    angle = math.atan2(dy * z - y * dz, dx * z - x * dz)
    return angle - math.pi if angle > math.pi / 2 else angle + math.pi if angle <= -math.pi / 2 else angle
