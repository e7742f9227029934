"""The worker: one thread that runs the model on the newest frame, while the executor stays free."""

import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from vlm_picking.asking import wants_history
from vlm_picking.config import PickingConfig
from vlm_picking.errors import FrameError, PickingError
from vlm_picking.frame import RgbdFrame
from vlm_picking.pipeline import PickingPipeline
from vlm_picking.query import Query, QueryKind
from vlm_picking.result import PickResult, Status
from vlm_picking.ros.frames import FrameLookup
from vlm_picking.ros.health import Health
from vlm_picking.ros.inbox import Inbox, Question, StandingPrompt, Work
from vlm_picking.ros.inputs import CameraPair
from vlm_picking.ros.outcome import Ids, Outcome, failed_outcome, found_outcome
from vlm_picking.ros.outputs import Outputs
from vlm_picking.ros.settings import NodeConfig
from vlm_picking.watch import Watch


class Cancelled(Exception):
    """Raised out of a pipeline's progress report to end a run that nobody wants any more."""


class StampThrottle:
    """Lets so many frames a second through, by the frames' own clock: a bag played fast keeps its frames."""

    def __init__(self) -> None:
        self._last_ns: int | None = None

    def is_due(self, stamp_ns: int, max_rate_hz: float) -> bool:
        """Whether enough time passed since the last frame that was due; a clock that jumped back starts anew."""
        last_ns = self._last_ns
        if max_rate_hz and last_ns is not None and 0 <= stamp_ns - last_ns < 1e9 / max_rate_hz:
            return False
        self._last_ns = stamp_ns
        return True


class PickingWorker:
    """Takes work out of an inbox until that is closed; a fault of a frame or a model becomes a FAILED answer.

    Args:
        settings: the settings in force; read once a frame, so that a frame never sees two.
        recent: the pairs that came before a stamp [ns], for questions about change.
        logger: a node's logger.
    """

    def __init__(
        self,
        *,
        pipeline: PickingPipeline,
        inbox: Inbox[CameraPair],
        outputs: Outputs,
        frames: FrameLookup,
        health: Health,
        settings: Callable[[], tuple[PickingConfig, NodeConfig]],
        recent: Callable[[int], list[CameraPair]],
        logger: Any,
    ) -> None:
        self._pipeline = pipeline
        self._inbox = inbox
        self._outputs = outputs
        self._frames = frames
        self._health = health
        self._settings = settings
        self._recent = recent
        self._logger = logger
        self._throttle = StampThrottle()
        self._watch = Watch()
        self.last_result: PickResult | None = None
        self._thread = threading.Thread(target=self._loop, name="picking_worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        """Wait for the run in progress, after the inbox was closed."""
        self._thread.join()

    def _loop(self) -> None:
        while (work := self._inbox.take()) is not None:
            try:
                self._work(work)
            except Exception as error:
                # A fault of ours: the thread has to go on, and whoever waits has to hear of it.
                reason = self._explain(error)
                for question in work.questions:
                    self._inbox.fail(question, reason)

    def _work(self, work: Work[CameraPair]) -> None:
        picking, node = self._settings()
        try:
            if picking != self._pipeline.config:
                self._pipeline.update(picking)
            frame = work.frame.decode()
        except PickingError as error:
            self._cannot_look(work, str(error))
            return
        for question in work.questions:
            self._answer_question(frame, work, question, node)
        if work.standing is not None and self._throttle.is_due(frame.stamp_ns, node.max_rate_hz):
            self._answer_standing(frame, work, work.standing, node)

    def _cannot_look(self, work: Work[CameraPair], reason: str) -> None:
        if self._health.failed(reason, bad_frame=True):
            self._logger.error(f"frame skipped: {reason}")
        if work.standing is not None:
            header = work.frame.pair.color.message.header
            self._outputs.failed(failed_outcome(reason, work.standing.ids, header=header))
        for question in work.questions:
            self._inbox.ask_again(question, reason)

    def _answer_question(self, frame: RgbdFrame, work: Work[CameraPair], question: Question, node: NodeConfig) -> None:
        def on_stage(stage: str, progress: float) -> None:
            if question.is_cancelled():
                raise Cancelled
            question.on_stage(stage, progress)

        try:
            self._remember(frame, question.query)
            result = self._pipeline.run(frame, question.query, plan=question.plan, on_stage=on_stage)
            if question.select is not None:
                result = question.select(result)
        except Cancelled:
            self._inbox.fail(question, "the request was cancelled", cancelled=True)
            return
        except Exception as error:
            outcome = failed_outcome(self._explain(error), question.ids, header=work.frame.pair.color.message.header)
            self._outputs.failed(outcome)
        else:
            outcome = self._outcome(frame, work, result, question.ids, question.plan, node)
            self._outputs.publish(frame, outcome, grippers=self._pipeline.grippers, arrays=work.standing is None)
        self._inbox.resolve(question, outcome)

    def _answer_standing(
        self, frame: RgbdFrame, work: Work[CameraPair], standing: StandingPrompt, node: NodeConfig
    ) -> None:
        plan = True if node.plan_standing else None
        try:
            self._remember(frame, standing.query)
            result = self._pipeline.run(frame, standing.query, plan=plan, watch=self._watch)
        except Exception as error:
            header = work.frame.pair.color.message.header
            self._outputs.failed(failed_outcome(self._explain(error), standing.ids, header=header))
            return
        outcome = self._outcome(frame, work, result, standing.ids, plan, node)
        self._outputs.publish(frame, outcome, grippers=self._pipeline.grippers, arrays=True)

    def _remember(self, frame: RgbdFrame, query: Query) -> None:
        """Show the pipeline what came before a frame that is asked about: frames that nobody wanted were not run."""
        if query.kind is not QueryKind.ASK or not wants_history(query.text):
            return
        for pair in self._recent(frame.stamp_ns):
            try:
                self._pipeline.remember(pair.decode())
            except FrameError as error:  # the frame in question is a good one; this one only makes the past shorter
                self._logger.warning(f"frame left out of the past: {error}")

    def _outcome(
        self,
        frame: RgbdFrame,
        work: Work[CameraPair],
        result: PickResult,
        ids: Ids,
        plan: bool | None,
        node: NodeConfig,
    ) -> Outcome:
        self.last_result = result
        latency_s = time.monotonic() - work.arrived_s
        if result.answer.status is Status.FAILED:
            self._note(result.answer.reason)
        else:
            self._health.processed(latency_s=latency_s, valid_depth_share=frame.valid_depth_share)
        return found_outcome(
            result,
            ids,
            plan=plan,
            latency_s=latency_s,
            target_frame=node.target_frame,
            frames=self._frames,
            grippers=self._pipeline.grippers,
        )

    def _explain(self, error: Exception) -> str:
        """The reason for the operator; the log has the rest, once for each kind of fault."""
        ours = isinstance(error, PickingError)
        reason = str(error) if ours else f"{type(error).__name__}: {error}"
        self._note(reason, log=reason if ours else "".join(traceback.format_exception(error)))
        return reason

    def _note(self, reason: str, *, log: str = "") -> None:
        if self._health.failed(reason):
            self._logger.error(log or reason)
