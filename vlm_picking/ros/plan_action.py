"""The action `plan_grasps`: grasps for a phrase or for one detection, in stages, and cancellable."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.lifecycle import LifecycleNode

from vlm_picking.detections import box_iou
from vlm_picking.errors import FrameError, PickingError, PromptError
from vlm_picking.prompt import parse_prompt
from vlm_picking.query import Query, QueryKind
from vlm_picking.result import PickResult
from vlm_picking.ros.dialogue import Dialogue, new_id
from vlm_picking.ros.outcome import Ids, failed_outcome
from vlm_picking_msgs.action import PlanGrasps
from vlm_picking_msgs.msg import GraspCandidateArray

# Stages of the pipeline -> those of PlanGrasps.action; what the pipeline does inside may change, the action may not.
_STAGES = {"lift": "lifting", "relate": "lifting", "plan": "planning"}
_SAME_OBJECT_IOU = 0.3  # of an object's box in the last answered frame and in the new one


class PlanGraspsServer:
    """Serves `plan_grasps`.

    Args:
        last_result: what was answered last: detection ids are those of its frame.
    """

    def __init__(
        self, node: LifecycleNode, *, dialogue: Dialogue, last_result: Callable[[], PickResult | None]
    ) -> None:
        self._dialogue = dialogue
        self._last_result = last_result
        self._server = ActionServer(
            node,
            PlanGrasps,
            "plan_grasps",
            self._execute,
            goal_callback=lambda goal: GoalResponse.ACCEPT,
            cancel_callback=lambda goal: CancelResponse.ACCEPT,
            callback_group=dialogue.waiting_group,
        )

    async def _execute(self, goal: ServerGoalHandle) -> PlanGrasps.Result:
        request: PlanGrasps.Goal = goal.request
        request_id = new_id()
        ids = Ids(
            prompt=request.phrase or f"detection {request.detection_id}",
            prompt_id=request_id,
            request_id=request_id,
        )

        def on_stage(stage: str, progress: float) -> None:
            goal.publish_feedback(PlanGrasps.Feedback(stage=stage, progress=progress))

        def on_pipeline(stage: str, progress: float) -> None:
            on_stage(_STAGES.get(stage, "detecting"), progress)

        try:
            query, select = self._meaning(request)
        except PickingError as error:
            outcome = failed_outcome(str(error), ids)
        else:
            on_stage("waiting_for_frame", 0.0)
            ids = replace(ids, kind=query.kind.value)
            outcome = await self._dialogue.ask(
                query,
                ids,
                plan=True,
                select=select,
                on_stage=on_pipeline,
                is_cancelled=lambda: goal.is_cancel_requested,
            )
        grasps = outcome.grasps
        if request.max_candidates:
            grasps.candidates = grasps.candidates[: request.max_candidates]
        if goal.is_cancel_requested:
            goal.canceled()
        elif grasps.status == GraspCandidateArray.FAILED:
            goal.abort()
        else:
            goal.succeed()
        return PlanGrasps.Result(grasps=grasps, answer=outcome.answer)

    def _meaning(self, request: PlanGrasps.Goal) -> tuple[Query, Callable[[PickResult], PickResult] | None]:
        if request.detection_id:
            return self._by_detection(request.detection_id)
        if not request.phrase.strip():
            raise PromptError('the goal names nothing: set phrase ("the red mug", "anything") or detection_id')
        try:
            query = parse_prompt(request.phrase)
        except PromptError:
            query = parse_prompt(f"pick {request.phrase}")
        return (query if query.kind is QueryKind.PICK else parse_prompt(f"pick {request.phrase}")), None

    def _by_detection(self, detection_id: str) -> tuple[Query, Callable[[PickResult], PickResult]]:
        """Look again for what the detection was called, and keep the object at the same place."""
        last = self._last_result()
        known = [] if last is None else [str(number) for number in last.detections.id]
        if detection_id not in known:
            held = f"it has {', '.join(known)}" if known else "it has no detection"
            raise PromptError(f"no detection '{detection_id}' in the last answered frame; {held}")
        wanted = last.detections[known.index(detection_id)]

        def select(result: PickResult) -> PickResult:
            overlap = box_iou(wanted.xyxy, result.detections.xyxy)[0] if len(result.detections) else np.zeros(0)
            overlap = np.where(result.detections.label == wanted.label[0], overlap, 0.0)
            if not overlap.size or overlap.max() < _SAME_OBJECT_IOU:
                raise FrameError(f"detection {detection_id} ({wanted.label[0]}) is no longer where it was; ask again")
            kept = result.detections[int(overlap.argmax())]
            number = int(kept.id[0])
            return replace(
                result,
                detections=kept,
                objects=tuple(thing for thing in result.objects if thing.id == number),
                grasps=tuple(grasp for grasp in result.grasps if grasp.object_id == number),
            )

        return replace(parse_prompt(f"pick {wanted.label[0]}"), limit=None), select
