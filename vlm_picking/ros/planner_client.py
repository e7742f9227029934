"""A pick planner's side of the node: receive grasp candidates and know which prompt and frame they belong to."""

import threading
import time

import rclpy
from rclpy.executors import SingleThreadedExecutor

from vlm_picking.errors import PickingError
from vlm_picking.ros.spinning import spin_to_the_end
from vlm_picking_msgs.msg import GraspCandidateArray


class PlannerClient:
    """Collects what is published on `grasps`; a context manager that owns its own node and thread.

    Args:
        namespace: of the picking node.
    """

    def __init__(self, *, namespace: str = "") -> None:
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self._node = rclpy.create_node("pick_planner", namespace=namespace, context=self._context)
        self._received: list[GraspCandidateArray] = []
        self._came = threading.Condition()
        self._node.create_subscription(GraspCandidateArray, "grasps", self._on_grasps, 10)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        spinning = {"target": spin_to_the_end, "args": (self._executor,)}
        self._thread = threading.Thread(**spinning, name="planner_client", daemon=True)
        self._thread.start()

    def __enter__(self) -> "PlannerClient":
        return self

    def __exit__(self, *exception: object) -> None:
        self._executor.shutdown()
        self._thread.join()
        self._node.destroy_node()
        self._context.try_shutdown()

    def wait_for(self, count: int, *, prompt_id: str, timeout_s: float) -> list[GraspCandidateArray]:
        """Wait until `count` frames were looked at for one prompt; answers to other prompts are passed over.

        Raises:
            PickingError: fewer came within `timeout_s`; the message has the last failure that the node told.
        """
        end_s = time.monotonic() + timeout_s
        with self._came:
            while True:
                mine = [grasps for grasps in self._received if grasps.prompt_id == prompt_id]
                looked = [grasps for grasps in mine if grasps.status != GraspCandidateArray.FAILED]
                if len(looked) >= count:
                    return looked[:count]
                if (left_s := end_s - time.monotonic()) <= 0:
                    failures = [grasps.message for grasps in mine if grasps.status == GraspCandidateArray.FAILED]
                    why = f"; the node could not look: {failures[-1]}" if failures else ""
                    raise PickingError(f"{len(looked)} of {count} frames were answered within {timeout_s:g} s{why}")
                self._came.wait(timeout=left_s)

    def _on_grasps(self, message: GraspCandidateArray) -> None:
        with self._came:
            self._received.append(message)
            self._came.notify_all()
