"""Watches the inputs: /diagnostics once a second, and the reason when no frame or no answer comes."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from vlm_picking.ros.diagnostics import diagnostics_to_msg
from vlm_picking.ros.health import Health, HealthReport, why_no_frame
from vlm_picking.ros.inbox import Question
from vlm_picking.ros.inputs import CameraInputs


@dataclass(frozen=True, kw_only=True)
class NodeStatus:
    """The node at one moment."""

    state: str
    enabled: bool
    fault: str
    model: str
    prompt: str
    sync_slop_s: float
    stale_after_s: float


class Monitor:
    """Tells people what is wrong before they ask.

    Args:
        status: of the node, read once a second.
        on_stale: called once a second with the reason, while the node is active and no frame comes.
    """

    def __init__(
        self,
        node: Node,
        *,
        health: Health,
        inputs: CameraInputs,
        status: Callable[[], NodeStatus],
        on_stale: Callable[[str], None],
    ) -> None:
        self._node = node
        self._health = health
        self._inputs = inputs
        self._status = status
        self._on_stale = on_stale
        self._since_s = time.monotonic()
        self._last_report = health.report()
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        # The wall's seconds: a paused simulation is no reason to fall silent.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        node.create_timer(1.0, self._on_second, callback_group=MutuallyExclusiveCallbackGroup(), clock=steady)

    def restart(self) -> None:
        """Count from now on."""
        self._health.reset()
        self._since_s = time.monotonic()
        self._last_report = self._health.report()

    def why_late(self, question: Question) -> str:
        """Why a question got no answer in time."""
        waited = f"within {question.timeout_s:g} s"
        if question.last_fault:
            return f"no usable frame {waited}: {question.last_fault}"
        report = self._health.report()
        if pairs := report.pairs - question.health.pairs:
            pace = f"; an answer takes {report.latency_p95_s:.1f} s (p95)" if report.processed else ""
            return f"no answer {waited}, although {pairs} frames came{pace}; ask with a longer timeout_s"
        return f"no frame {waited}: {self._missing(question.health, report)}"

    def _missing(self, before: HealthReport, now: HealthReport) -> str:
        return why_no_frame(
            before,
            now,
            topics=self._inputs.topics,
            publishers=self._inputs.publishers(),
            slop_s=self._status().sync_slop_s,
        )

    def _on_second(self) -> None:
        status, report, stale = self._status(), self._health.report(), ""
        quiet_s = time.monotonic() - max(report.last_pair_s, self._since_s)
        if status.state == "active" and status.enabled and quiet_s > status.stale_after_s:
            stale = f"no frame for {quiet_s:.0f} s: {self._missing(self._last_report, report)}"
            self._on_stale(stale)
        self._last_report = report
        self._publisher.publish(
            diagnostics_to_msg(
                node_name=self._node.get_fully_qualified_name(),
                stamp=self._node.get_clock().now().to_msg(),
                state=status.state if status.enabled else f"{status.state}, disabled",
                model=status.model,
                prompt=status.prompt,
                fault=status.fault,
                report=report,
                stale=stale,
                publishers=self._inputs.publishers(),
                topics=self._inputs.topics,
            )
        )
