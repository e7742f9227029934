"""An operator's side of the node: ask, set the standing prompt, plan grasps; from Python or a terminal."""

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import rclpy
import typer
from lifecycle_msgs.srv import GetState
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.task import Future
from rclpy.utilities import remove_ros_args
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from vlm_picking.errors import PickingError
from vlm_picking.image_messages import decode_color
from vlm_picking.ros.conversions import STATUS_NAMES, stamp_ns
from vlm_picking.ros.spinning import spin_to_the_end
from vlm_picking_msgs.action import PlanGrasps
from vlm_picking_msgs.msg import Answer, GraspCandidateArray
from vlm_picking_msgs.srv import Ask, SetPrompt

_GRACE_S = 5.0  # beyond the node's own timeout, for a busy machine
_PICTURE_WAIT_S = 2.0


class NodeUnreachable(PickingError):
    """The node did not come up or did not reply."""


@dataclass(frozen=True, eq=False)
class Reply:
    """What came back to one question.

    Args:
        picture: (H, W, 3) uint8 RGB, the annotated frame; None where none was asked for or none came.
        wall_s: from asking to the reply [s].
    """

    answer: Answer
    detections: Detection2DArray
    grasps: GraspCandidateArray
    picture: np.ndarray | None
    wall_s: float

    @property
    def status(self) -> str:
        """FAILED, ABSENT, UNCERTAIN or PRESENT."""
        return STATUS_NAMES[self.answer.status]


class OperatorClient:
    """Talks to a picking node over ROS; a context manager that owns its own node and thread.

    Args:
        node: name of the picking node.
        namespace: of the picking node.
        pictures: subscribe to the annotated pictures, so that replies carry them.
    """

    def __init__(self, *, node: str = "picking_node", namespace: str = "", pictures: bool = False) -> None:
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self._node = rclpy.create_node("operator", namespace=namespace, context=self._context)
        self._target = f"{self._node.get_namespace().rstrip('/')}/{node}"
        self._ask = self._node.create_client(Ask, "ask")
        self._set_prompt = self._node.create_client(SetPrompt, "set_prompt")
        self._get_state = self._node.create_client(GetState, f"{node}/get_state")
        self._plan = ActionClient(self._node, PlanGrasps, "plan_grasps")
        self._pictures: dict[int, np.ndarray] = {}
        self._picture_came = threading.Condition()
        self._wants_pictures = pictures
        if pictures:
            self._node.create_subscription(Image, "debug_image", self._on_picture, 1)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        spinning = {"target": spin_to_the_end, "args": (self._executor,)}
        self._thread = threading.Thread(**spinning, name="operator_client", daemon=True)
        self._thread.start()

    def __enter__(self) -> "OperatorClient":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._executor.shutdown()
        self._thread.join()
        self._node.destroy_node()
        self._context.try_shutdown()

    def wait_until_active(self, timeout_s: float = 60.0) -> None:
        """Wait for the node to be up and active.

        Raises:
            NodeUnreachable: it is not there, or in another state, after `timeout_s`.
        """
        end_s = time.monotonic() + timeout_s
        state = "not running"
        while time.monotonic() < end_s:
            if self._get_state.wait_for_service(timeout_sec=0.2):
                left_s = max(end_s - time.monotonic(), 0.2)
                state = self._call(self._get_state, GetState.Request(), timeout_s=left_s).current_state.label
                if state == "active":
                    return
            time.sleep(0.1)
        raise NodeUnreachable(
            f"{self._target} is {state} after {timeout_s:g} s; its log and /diagnostics say why, "
            f"`ros2 lifecycle set {self._target} configure` and `activate` bring it up"
        )

    def ask(self, prompt: str, *, timeout_s: float = 10.0, prompt_id: str = "") -> Reply:
        """Ask about a frame that is newer than the question.

        Raises:
            NodeUnreachable: no reply came at all; a node that can't look replies with FAILED instead.
        """
        start_s = time.monotonic()
        request = Ask.Request(prompt=prompt, prompt_id=prompt_id, timeout_s=float(timeout_s))
        response = self._call(self._ask, request, timeout_s=timeout_s + _GRACE_S)
        wall_s = time.monotonic() - start_s
        picture = self._picture_of(response.answer) if self._wants_pictures else None
        return Reply(response.answer, response.detections, response.grasps, picture, wall_s)

    def set_prompt(self, prompt: str, *, timeout_s: float = 5.0) -> SetPrompt.Response:
        """Set the standing prompt; empty clears it. A refusal is in the response, not an error."""
        return self._call(self._set_prompt, SetPrompt.Request(prompt=prompt), timeout_s=timeout_s)

    def plan_grasps(
        self,
        phrase: str = "",
        *,
        detection_id: str = "",
        max_candidates: int = 0,
        timeout_s: float = 30.0,
        on_feedback: Callable[[str, float], None] = lambda stage, progress: None,
    ) -> PlanGrasps.Result:
        """Plan grasps for a phrase or a detection of the last answered frame; out of time it is cancelled.

        Raises:
            NodeUnreachable: no result came.
        """
        if not self._plan.wait_for_server(timeout_sec=timeout_s):
            raise NodeUnreachable(f"nobody serves {self._target}'s plan_grasps")
        goal = PlanGrasps.Goal(phrase=phrase, detection_id=detection_id, max_candidates=max_candidates)
        sent = self._plan.send_goal_async(
            goal,
            feedback_callback=lambda message: on_feedback(message.feedback.stage, message.feedback.progress),
        )
        handle = self._wait(sent, timeout_s, "plan_grasps")
        try:
            return self._wait(handle.get_result_async(), timeout_s, "plan_grasps").result
        except NodeUnreachable:
            handle.cancel_goal_async()
            raise

    def _call(self, client: Any, request: Any, *, timeout_s: float) -> Any:
        if not client.wait_for_service(timeout_sec=timeout_s):
            raise NodeUnreachable(
                f"nobody serves {client.srv_name}; is {self._target} running, in the same ROS_DOMAIN_ID?"
            )
        return self._wait(client.call_async(request), timeout_s, client.srv_name)

    def _wait(self, future: Future, timeout_s: float, name: str) -> Any:
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        if not done.wait(timeout_s):
            raise NodeUnreachable(f"no reply on {name} within {timeout_s:g} s")
        return future.result()

    def _on_picture(self, message: Image) -> None:
        with self._picture_came:
            self._pictures = {stamp_ns(message.header.stamp): decode_color(message)}
            self._picture_came.notify_all()

    def _picture_of(self, answer: Answer) -> np.ndarray | None:
        if answer.status == Answer.FAILED:
            return None
        stamp = stamp_ns(answer.header.stamp)
        with self._picture_came:
            self._picture_came.wait_for(lambda: stamp in self._pictures, timeout=_PICTURE_WAIT_S)
            return self._pictures.pop(stamp, None)


def ask(
    prompt: Annotated[str, typer.Argument(help='What to ask: "is there an apple?", "pick the red mug".')],
    node: Annotated[str, typer.Option(help="Name of the picking node.")] = "picking_node",
    namespace: Annotated[str, typer.Option(help="Namespace of the picking node.")] = "",
    timeout: Annotated[float, typer.Option(help="Longest wait for the answer, in seconds.")] = 10.0,
) -> None:
    """Ask a running picking node one question; exits with 1 where it could not look."""
    with OperatorClient(node=node, namespace=namespace) as client:
        try:
            reply = client.ask(prompt, timeout_s=timeout)
        except NodeUnreachable as error:
            print(f"error: {error}", file=sys.stderr)
            raise typer.Exit(1) from error
    print(f"{reply.status} {reply.answer.confidence:.2f}  {reply.answer.text}  ({reply.wall_s * 1e3:.0f} ms)")
    if reply.answer.reason:
        print(f"  {reply.answer.reason}")
    for grasp in reply.grasps.candidates[:3]:
        at, frame_id = grasp.pose.pose.position, grasp.pose.header.frame_id
        place = f"({at.x:.3f}, {at.y:.3f}, {at.z:.3f}) m in {frame_id}"
        print(f"  {grasp.gripper_id} {grasp.quality:.2f} at {place}")
    if reply.answer.status == Answer.FAILED:
        raise typer.Exit(1)


def main() -> None:
    """Entry point; the arguments of ROS are left to rclpy."""
    app = typer.Typer(add_completion=False)
    app.command()(ask)
    app(args=remove_ros_args(sys.argv)[1:])


if __name__ == "__main__":
    main()
