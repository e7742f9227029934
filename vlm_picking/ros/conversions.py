"""Between messages and the package's values. No node, no clock, no TF: plain functions."""

import array

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from geometry_msgs.msg import Transform as TransformMsg
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import (
    Detection2D,
    Detection2DArray,
    Detection3D,
    Detection3DArray,
    ObjectHypothesisWithPose,
)

from vlm_picking.camera import PinholeCamera
from vlm_picking.detections import Detections
from vlm_picking.errors import FrameError
from vlm_picking.frame import RgbdFrame
from vlm_picking.image_messages import camera_from_info, decode_color, decode_depth
from vlm_picking.result import PickResult, Status
from vlm_picking.transform import Transform
from vlm_picking_msgs.msg import Answer

_STATUS = {
    Status.FAILED: Answer.FAILED,
    Status.ABSENT: Answer.ABSENT,
    Status.UNCERTAIN: Answer.UNCERTAIN,
    Status.PRESENT: Answer.PRESENT,
}
STATUS_NAMES = {value: status.value for status, value in _STATUS.items()}
_INTRINSICS_TOLERANCE = 0.01  # share by which the intrinsics of aligned depth may differ from those of colour


def stamp_ns(stamp: Time) -> int:
    """Nanoseconds since the epoch of its clock."""
    return stamp.sec * 1_000_000_000 + stamp.nanosec


def header_of(frame_id: str, time_ns: int) -> Header:
    return Header(frame_id=frame_id, stamp=Time(sec=time_ns // 1_000_000_000, nanosec=time_ns % 1_000_000_000))


def frame_from_msgs(
    *,
    color: Image | CompressedImage,
    depth: Image | CompressedImage,
    color_info: CameraInfo,
    depth_info: CameraInfo | None,
) -> RgbdFrame:
    """One frame out of a pair of images; depth has to be aligned to colour.

    Args:
        depth_info: where it is known, it must agree with `color_info`: otherwise depth is not aligned.

    Raises:
        FrameError: an encoding, a size or the intrinsics do not fit; the message names the fix.
    """
    camera = camera_from_info(color_info)
    rgb, depth_m = decode_color(color), decode_depth(depth)
    if depth_m.shape != rgb.shape[:2]:
        raise FrameError(
            f"depth is {depth_m.shape[1]}x{depth_m.shape[0]} but colour is {rgb.shape[1]}x{rgb.shape[0]}; "
            "use depth aligned to colour (RealSense: align_depth.enable:=true, topic aligned_depth_to_color)"
        )
    if depth_info is not None:
        _check_aligned(camera, camera_from_info(depth_info))
    return RgbdFrame(
        rgb=rgb,
        depth_m=depth_m,
        camera=camera,
        frame_id=color.header.frame_id,
        stamp_ns=stamp_ns(color.header.stamp),
    )


def _check_aligned(color: PinholeCamera, depth: PinholeCamera) -> None:
    for name in ("fx", "fy", "cx", "cy"):
        ours, theirs = getattr(color, name), getattr(depth, name)
        if abs(ours - theirs) > _INTRINSICS_TOLERANCE * max(abs(ours), 1.0):
            raise FrameError(
                f"depth is not aligned to colour: its {name} is {theirs:.1f}, that of colour {ours:.1f}; "
                "use the driver's aligned depth with its own camera_info"
            )


def info_to_msg(camera: PinholeCamera, header: Header) -> CameraInfo:
    """Intrinsics as a message; the image is taken as rectified."""
    fx, fy, cx, cy = (float(value) for value in (camera.fx, camera.fy, camera.cx, camera.cy))
    k = [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0]
    p = [fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return CameraInfo(
        header=header, width=camera.width, height=camera.height, distortion_model="plumb_bob",
        d=[0.0] * 5, k=k, r=np.eye(3).ravel().tolist(), p=p,
    )  # fmt: skip


def transform_from_msg(message: TransformMsg) -> Transform:
    """`parent_from_child` of a TransformStamped's transform."""
    q, t = message.rotation, message.translation
    return Transform.from_quaternion(np.array([q.x, q.y, q.z, q.w]), np.array([t.x, t.y, t.z]))


def transform_to_msg(parent_from_child: Transform) -> TransformMsg:
    x, y, z = parent_from_child.translation_m.tolist()
    return TransformMsg(translation=Vector3(x=x, y=y, z=z), rotation=_quaternion(parent_from_child))


def pose_to_msg(frame_from_body: Transform) -> Pose:
    return Pose(position=point_to_msg(frame_from_body.translation_m), orientation=_quaternion(frame_from_body))


def pose_from_msg(message: Pose) -> Transform:
    q, p = message.orientation, message.position
    return Transform.from_quaternion(np.array([q.x, q.y, q.z, q.w]), np.array([p.x, p.y, p.z]))


def point_to_msg(point_m: np.ndarray) -> Point:
    x, y, z = (float(value) for value in point_m)
    return Point(x=x, y=y, z=z)


def vector_to_msg(vector: np.ndarray) -> Vector3:
    x, y, z = (float(value) for value in vector)
    return Vector3(x=x, y=y, z=z)


def _quaternion(transform: Transform) -> Quaternion:
    x, y, z, w = transform.quaternion_xyzw.tolist()
    return Quaternion(x=x, y=y, z=z, w=w)


def answer_to_msg(result: PickResult, *, header: Header, prompt_id: str, latency_s: float) -> Answer:
    """The answer, with the header of the frame that it is about."""
    answer = result.answer
    return Answer(
        header=header,
        prompt_id=prompt_id,
        prompt=result.prompt,
        kind="" if result.query is None else result.query.kind.value,
        status=_STATUS[answer.status],
        confidence=float(answer.confidence),
        text=answer.text,
        count=-1 if answer.count is None else int(answer.count),
        reason=answer.reason,
        latency_s=float(latency_s),
        detection_ids=[str(i) for i in result.detections.id],
        model=result.model,
    )


def detections_2d_to_msg(detections: Detections, *, header: Header) -> Detection2DArray:
    """Boxes in pixels of the original image; `id` is the detection's, `class_id` its phrase."""
    message = Detection2DArray(header=header)
    for box, score, label, number in zip(
        detections.xyxy.tolist(), detections.score.tolist(), detections.label, detections.id, strict=True
    ):
        detection = Detection2D(header=header, id=str(number), results=[_hypothesis(label, score)])
        detection.bbox.center.position.x = (box[0] + box[2]) / 2
        detection.bbox.center.position.y = (box[1] + box[3]) / 2
        detection.bbox.size_x = box[2] - box[0]
        detection.bbox.size_y = box[3] - box[1]
        message.detections.append(detection)
    return message


def detections_3d_to_msg(result: PickResult, *, header: Header, target_from_camera: Transform) -> Detection3DArray:
    """Oriented boxes in `header.frame_id`; a detection without depth is in detections_2d alone."""
    rows = {int(number): row for row, number in enumerate(result.detections.id)}
    message = Detection3DArray(header=header)
    for thing in result.objects:
        row = rows[thing.id]
        pose = pose_to_msg(target_from_camera @ thing.camera_from_box)
        hypothesis = _hypothesis(result.detections.label[row], float(result.detections.score[row]))
        hypothesis.pose.pose = pose
        detection = Detection3D(header=header, id=str(thing.id), results=[hypothesis])
        detection.bbox.center = pose
        detection.bbox.size = vector_to_msg(thing.size_m)
        message.detections.append(detection)
    return message


def _hypothesis(label: str, score: float) -> ObjectHypothesisWithPose:
    hypothesis = ObjectHypothesisWithPose()
    hypothesis.hypothesis.class_id = label
    hypothesis.hypothesis.score = score
    return hypothesis


def label_mask_to_msg(detections: Detections, *, header: Header, shape_hw: tuple[int, int]) -> Image:
    """mono16: 0 background, k + 1 where detection k is; where masks overlap, the earlier detection wins."""
    labels = np.zeros(shape_hw, np.uint16)
    if detections.mask is not None:
        for k in reversed(range(len(detections))):
            labels[detections.mask[k]] = k + 1
    return image_to_msg(labels, "mono16", header)


def image_to_msg(image: np.ndarray, encoding: str, header: Header) -> Image:
    """Write an array as a message.

    Args:
        image: (H, W, 3) uint8 for rgb8 and bgr8; (H, W) for the others: uint8 for mono8, uint16 for 16UC1 and
            mono16, float32 for 32FC1.
    """
    little = np.ascontiguousarray(image, dtype=image.dtype.newbyteorder("<"))
    height, width = little.shape[:2]
    data = array.array("B")  # the setter looks at every element of anything else
    data.frombytes(little.tobytes())
    return Image(
        header=header,
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=0,
        step=len(data) // height,
        data=data,
    )
