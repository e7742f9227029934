"""Markers for RViz and Foxglove: a box and a label for each object, an arrow for each grasp."""

import numpy as np
from geometry_msgs.msg import Pose, Vector3
from std_msgs.msg import ColorRGBA, Header
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import Marker, MarkerArray

from vlm_picking.ros.conversions import point_to_msg, pose_from_msg, pose_to_msg
from vlm_picking.transform import Transform
from vlm_picking_msgs.msg import GraspCandidateArray

_BOX = ColorRGBA(r=0.2, g=0.7, b=1.0, a=0.35)
_TEXT = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
_ARROW_M = 0.06
_TEXT_HEIGHT_M = 0.02


def markers_to_msg(detections: Detection3DArray, grasps: GraspCandidateArray) -> MarkerArray:
    """Markers of one frame; the first one deletes those of the frame before."""
    markers = MarkerArray()
    clear = Marker(header=detections.header, action=Marker.DELETEALL)
    markers.markers.append(clear)
    for index, detection in enumerate(detections.detections):
        label, score = detection.results[0].hypothesis.class_id, detection.results[0].hypothesis.score
        center, size = detection.bbox.center, detection.bbox.size
        markers.markers.append(_marker(detections.header, "objects", index, Marker.CUBE, center, size, _BOX))
        above = Pose(position=point_to_msg(_above(pose_from_msg(center), size.z / 2 + _TEXT_HEIGHT_M)))
        text = _marker(
            detections.header,
            "labels",
            index,
            Marker.TEXT_VIEW_FACING,
            above,
            Vector3(z=_TEXT_HEIGHT_M),
            _TEXT,
        )
        text.text = f"#{detection.id} {label} {score:.2f}"
        markers.markers.append(text)
    for index, grasp in enumerate(grasps.candidates):
        shape = Vector3(x=_ARROW_M, y=0.006, z=0.006)
        pose = _arrow_pose(pose_from_msg(grasp.pose.pose))
        color = ColorRGBA(r=1.0 - grasp.quality, g=float(grasp.quality), b=0.1, a=1.0 if index == 0 else 0.6)
        markers.markers.append(_marker(grasps.header, "grasps", index, Marker.ARROW, pose, shape, color))
    return markers


def _above(frame_from_box: Transform, height_m: float) -> np.ndarray:
    return frame_from_box.apply(np.array([0.0, 0.0, height_m]))


def _arrow_pose(frame_from_grasp: Transform) -> Pose:
    """An arrow starts at its origin and points along +x: let it end at the contact, along the approach."""
    rotation = frame_from_grasp.rotation[:, [2, 0, 1]]
    return pose_to_msg(Transform(rotation, frame_from_grasp.translation_m - _ARROW_M * rotation[:, 0]))


def _marker(
    header: Header, namespace: str, number: int, kind: int, pose: Pose, scale: Vector3, color: ColorRGBA
) -> Marker:
    return Marker(
        header=header,
        ns=namespace,
        id=number,
        type=kind,
        action=Marker.ADD,
        pose=pose,
        scale=scale,
        color=color,
    )
