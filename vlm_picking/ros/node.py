"""The lifecycle node: a camera and an operator's sentences in; answers, detections and grasps out."""

import gc
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.executors import Executor, ExternalShutdownException, MultiThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from vlm_picking.config import PickingConfig
from vlm_picking.errors import ConfigError, PickingError
from vlm_picking.frame import RgbdFrame
from vlm_picking.history import History
from vlm_picking.pipeline import PickingPipeline
from vlm_picking.ros.dialogue import Dialogue
from vlm_picking.ros.frames import FrameLookup, frame_lookup
from vlm_picking.ros.health import Health
from vlm_picking.ros.inbox import Inbox
from vlm_picking.ros.inputs import CameraInputs, CameraPair
from vlm_picking.ros.monitor import Monitor, NodeStatus
from vlm_picking.ros.outcome import failed_outcome
from vlm_picking.ros.outputs import Outputs
from vlm_picking.ros.parameters import NodeParameters
from vlm_picking.ros.plan_action import PlanGraspsServer
from vlm_picking.ros.settings import NodeConfig
from vlm_picking.ros.spinning import shut_down
from vlm_picking.ros.worker import PickingWorker
from vlm_picking.transform import Transform

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class PickingNode(LifecycleNode):
    """Managed node: configure loads and warms the model, activate subscribes, the others undo that.

    It needs a MultiThreadedExecutor: questions wait for their answer while everything else goes on.

    Args:
        load: makes the pipeline from the settings; another one serves models that no name leads to.
        options: of rclpy's Node.
    """

    def __init__(
        self,
        node_name: str = "picking_node",
        *,
        load: Callable[[PickingConfig], PickingPipeline] = PickingPipeline.from_config,
        **options: Any,
    ) -> None:
        super().__init__(node_name, **options)
        self._load = load
        self._state = "unconfigured"
        self._fault = ""
        self._enabled = True
        self._pipeline: PickingPipeline | None = None
        self._worker: PickingWorker | None = None
        self._frames: FrameLookup | None = None
        self._health = Health()
        self._inbox: Inbox[CameraPair] = Inbox()
        self._recent: History[CameraPair] | None = None
        self._settings = NodeParameters(self, state=lambda: self._state, on_change=self._on_settings)
        self._prompt_parameter = self._settings.node.prompt
        self._outputs = Outputs(self, health=self._health)
        self._inputs = CameraInputs(self, health=self._health, on_pair=self._on_pair)
        self._monitor = Monitor(
            self, health=self._health, inputs=self._inputs, status=self._status, on_stale=self._on_stale
        )
        self._dialogue = Dialogue(
            self,
            inbox=self._inbox,
            outputs=self._outputs,
            health=self._health,
            why_not=self._why_not,
            why_late=self._monitor.why_late,
            ask_timeout_s=lambda: self._settings.node.ask_timeout_s,
            enable=self._enable,
        )
        self._plan_server = PlanGraspsServer(self, dialogue=self._dialogue, last_result=self._last_result)
        self._dialogue.set_standing(self._prompt_parameter)
        # In the group of the lifecycle services, so that no transition meets another.
        self._autostart = self.create_timer(0.0, self._on_start, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._state = "configuring"
        start = time.monotonic()
        try:
            if self._settings.faults:
                raise ConfigError("; ".join(dict.fromkeys(self._settings.faults.values())))
            config = self._settings.picking
            self.get_logger().info(f"loading the model '{config.model}' ...")
            self._pipeline = self._load(config)
            self.get_logger().info("warming up; the first time on a machine this compiles the planner ...")
            self._pipeline.warm_up()
        except Exception as error:
            self._pipeline, self._state = None, "unconfigured"
            return self._refuse("not configured", error)
        self._fault, self._state = "", "inactive"
        self.get_logger().info(f"'{self._pipeline.models.name}' is ready after {time.monotonic() - start:.1f} s")
        return SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            super().on_activate(state)  # before the first result
            self._start_looking(self._settings.node)
        except Exception as error:
            self._stop_looking("the node could not be activated")
            return self._refuse("not activated", error)
        self._fault, self._state = "", "active"
        return SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop_looking("the node was deactivated")
        self._state = "inactive"
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._release("unconfigured")
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop_looking("the node shuts down")
        self._release("finalized")
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop_looking("the node had an error")
        self._release("unconfigured")
        return super().on_error(state)

    def close(self) -> None:
        """Stop the worker before the node is destroyed."""
        self._stop_looking("the node ends")

    def _refuse(self, what: str, error: Exception) -> TransitionCallbackReturn:
        """Say why a transition failed; rclpy itself keeps silent."""
        ours = isinstance(error, PickingError)
        self._fault = str(error) if ours else f"{type(error).__name__}: {error}"
        details = "" if ours else "\n" + "".join(traceback.format_exception(error))
        self.get_logger().error(f"{what}: {self._fault}{details}")
        return FAILURE

    def _start_looking(self, settings: NodeConfig) -> None:
        self._monitor.restart()
        self._frames = frame_lookup(self) if settings.target_frame or settings.bin_frame else None
        self._pipeline.camera_from_bin_frame = self._camera_from(settings.bin_frame)
        self._worker = PickingWorker(
            pipeline=self._pipeline,
            inbox=self._inbox,
            outputs=self._outputs,
            frames=self._frames,
            health=self._health,
            settings=lambda: (self._settings.picking, self._settings.node),
            recent=self._recent_before,
            logger=self.get_logger(),
        )
        self._recent = self._new_recent()
        self._inbox.open()
        self._worker.start()
        self._inputs.start(compressed=settings.compressed, reliable=settings.reliable, slop_s=settings.sync_slop_s)

    def _stop_looking(self, reason: str) -> None:
        self._inputs.stop()
        self._inbox.close(reason)
        if self._worker is not None:
            self._worker.join()
            self._worker = None
        if self._frames is not None:
            self._frames.stop()
            self._frames = None
        self._recent = None

    def _camera_from(self, bin_frame: str) -> Callable[[RgbdFrame], Transform]:
        """Where a frame of TF is as seen by the camera, at the stamp of each image; empty is the camera's own."""
        frames = self._frames
        if not bin_frame:
            return lambda frame: Transform.identity()
        return lambda frame: frames.target_from_source(frame.frame_id, bin_frame, frame.stamp_ns)

    def _release(self, state: str) -> None:
        self._pipeline, self._state = None, state
        gc.collect()
        if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _on_start(self) -> None:
        self._autostart.cancel()
        if self._settings.node.autostart and self.trigger_configure() == SUCCESS:
            self.trigger_activate()

    def _on_pair(self, pair: CameraPair) -> None:
        if not self._enabled:
            return
        if self._recent is not None:
            self._recent.add(pair.pair.color.stamp_ns, pair)
        if self._inbox.put_frame(pair, pair.pair.arrived_s):
            self._health.dropped()

    def _new_recent(self) -> History[CameraPair] | None:
        """Kept as messages: they are decoded when a question about change comes, and only then."""
        if self._pipeline.history_limit < 2:
            return None
        config = self._settings.picking
        return History(config.history_frames, interval_s=config.history_interval_s)

    def _recent_before(self, stamp_ns: int) -> list[CameraPair]:
        return [] if self._recent is None else self._recent.before(stamp_ns)

    def _on_settings(self, picking: PickingConfig, node: NodeConfig) -> None:
        if node.prompt != self._prompt_parameter:
            self._prompt_parameter = node.prompt
            self._dialogue.set_standing(node.prompt)

    def _enable(self, enabled: bool) -> None:
        self._enabled = enabled

    def _last_result(self):
        return None if self._worker is None else self._worker.last_result

    def _why_not(self) -> str:
        name = self.get_fully_qualified_name()
        if self._state != "active":
            cause = f" ({self._fault})" if self._fault else ""
            todo = "activate" if self._state == "inactive" else "configure, then activate"
            return f"the node is {self._state}{cause}; ros2 lifecycle set {name} {todo}"
        return "" if self._enabled else f"the node is disabled; call {name}/enable with data: true"

    def _status(self) -> NodeStatus:
        standing = self._inbox.standing
        return NodeStatus(
            state=self._state,
            enabled=self._enabled,
            fault=self._fault,
            model=self._settings.picking.model,
            prompt="" if standing is None else standing.ids.prompt,
            sync_slop_s=self._settings.node.sync_slop_s,
            stale_after_s=self._settings.node.stale_after_s,
        )

    def _on_stale(self, reason: str) -> None:
        if (standing := self._inbox.standing) is not None:
            self._outputs.failed(failed_outcome(reason, standing.ids))


def spin(node: PickingNode, executor: Executor) -> None:
    """Spin until the context ends; a fault in a callback is logged, and the node goes on."""
    while rclpy.ok():
        try:
            executor.spin()
            return
        except (KeyboardInterrupt, ExternalShutdownException):
            return
        except Exception:
            # Ended while the executor prepares to wait, a context raises an error of its own kind there.
            if rclpy.ok():
                node.get_logger().error(f"a callback failed; the node goes on\n{traceback.format_exc()}")


def main(args: list[str] | None = None) -> None:
    """Run the node until it is interrupted."""
    rclpy.init(args=args)
    node = PickingNode()
    executor = MultiThreadedExecutor(num_threads=4)
    executor.add_node(node)
    try:
        spin(node, executor)
    finally:
        # A second Ctrl-C only says what the first one did: the run in progress is waited for.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        node.close()
        executor.shutdown()
        node.destroy_node()
        shut_down()


if __name__ == "__main__":
    main()
