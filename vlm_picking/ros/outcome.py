"""What becomes of a prompt on a frame: messages that are ready for topics, services and actions alike."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from vlm_picking.errors import FrameError
from vlm_picking.grasp import Gripper
from vlm_picking.query import QueryKind
from vlm_picking.result import PickResult
from vlm_picking.ros.conversions import answer_to_msg, detections_2d_to_msg, header_of
from vlm_picking.ros.frames import FrameLookup
from vlm_picking.ros.grasps import grasps_to_msg
from vlm_picking.transform import Transform
from vlm_picking_msgs.msg import Answer, GraspCandidateArray


@dataclass(frozen=True)
class Ids:
    """Whose prompt it is: echoed in every message."""

    prompt: str
    prompt_id: str
    request_id: str = ""
    kind: str = ""


@dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """Messages about one prompt and one frame.

    Args:
        result: None where nobody looked.
        target_from_camera: to the frame of the grasps; None where TF does not know it.
    """

    answer: Answer
    detections: Detection2DArray
    grasps: GraspCandidateArray
    result: PickResult | None = None
    target_from_camera: Transform | None = None
    cancelled: bool = False


def failed_outcome(reason: str, ids: Ids, *, header: Header | None = None, cancelled: bool = False) -> Outcome:
    """Nobody could look; without a frame the header stays empty."""
    header = header or Header()
    answer = Answer(
        header=header, prompt_id=ids.prompt_id, prompt=ids.prompt, kind=ids.kind,
        status=Answer.FAILED, count=-1, text=f"I could not look: {reason}", reason=reason, latency_s=math.nan,
    )  # fmt: skip
    grasps = failed_grasps(reason, ids, header)
    return Outcome(answer=answer, detections=Detection2DArray(header=header), grasps=grasps, cancelled=cancelled)


def failed_grasps(reason: str, ids: Ids, header: Header) -> GraspCandidateArray:
    """Nobody could plan, or nobody could say where in the wanted frame the grasps are."""
    return GraspCandidateArray(
        header=header, request_id=ids.request_id, prompt_id=ids.prompt_id, prompt=ids.prompt,
        status=GraspCandidateArray.FAILED, message=reason,
    )  # fmt: skip


def found_outcome(
    result: PickResult,
    ids: Ids,
    *,
    plan: bool | None,
    latency_s: float,
    target_frame: str,
    frames: FrameLookup,
    grippers: Iterable[Gripper],
) -> Outcome:
    """The messages of a result.

    Where TF does not know `target_frame`, the grasps are FAILED and say so: a pose in another frame than that
    would be taken for what it is not.
    """
    header = header_of(result.frame_id, result.stamp_ns)
    target_header = header_of(target_frame or result.frame_id, result.stamp_ns)
    planned = plan if plan is not None else result.query is not None and result.query.kind is QueryKind.PICK
    target_from_camera = None
    try:
        target_from_camera = _target_from_camera(result, target_frame, frames)
    except FrameError as error:
        grasps = failed_grasps(str(error), ids, header)
    else:
        grasps = grasps_to_msg(
            result,
            planned=planned,
            header=target_header,
            target_from_camera=target_from_camera,
            grippers={gripper.name: gripper for gripper in grippers},
            prompt_id=ids.prompt_id,
            request_id=ids.request_id,
        )
    return Outcome(
        answer=answer_to_msg(result, header=header, prompt_id=ids.prompt_id, latency_s=latency_s),
        detections=detections_2d_to_msg(result.detections, header=header),
        grasps=grasps,
        result=result,
        target_from_camera=target_from_camera,
    )


def _target_from_camera(result: PickResult, target_frame: str, frames: FrameLookup) -> Transform:
    if not target_frame or target_frame == result.frame_id:
        return Transform.identity()
    return frames.target_from_source(target_frame, result.frame_id, result.stamp_ns)
