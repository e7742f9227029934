"""Where the newest frame, the questions and the standing prompt wait for the worker, under one lock."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from vlm_picking.query import Query
from vlm_picking.result import PickResult
from vlm_picking.ros.health import HealthReport
from vlm_picking.ros.outcome import Ids, Outcome, failed_outcome

FrameT = TypeVar("FrameT")
_BAD_FRAMES_UNTIL_FAILED = 5


@dataclass(frozen=True)
class StandingPrompt:
    """The prompt that is answered on every frame; its meaning and its id are one unit."""

    query: Query
    ids: Ids


@dataclass(eq=False, kw_only=True)
class Question:
    """One question that waits for a frame newer than itself.

    Args:
        resolve: called once with the outcome, from any thread.
        select: narrows the result down before it is given out.
        is_cancelled: whether nobody wants the answer any more.
        on_stage: told (stage, progress) while the pipeline runs.
        health: of the inputs when it was asked, to say later what did not come.
    """

    query: Query
    ids: Ids
    timeout_s: float
    resolve: Callable[[Outcome], None]
    plan: bool | None = None
    select: Callable[[PickResult], PickResult] | None = None
    is_cancelled: Callable[[], bool] = lambda: False
    on_stage: Callable[[str, float], None] = lambda stage, progress: None
    health: HealthReport = field(default_factory=HealthReport)
    asked_s: float = field(default_factory=time.monotonic)
    bad_frames: int = 0
    last_fault: str = ""

    @property
    def overdue(self) -> bool:
        return time.monotonic() > self.asked_s + self.timeout_s


@dataclass(frozen=True, eq=False)
class Work(Generic[FrameT]):
    """A frame with the prompt that was in force when it was taken up, and the questions to answer on it."""

    frame: FrameT
    arrived_s: float
    standing: StandingPrompt | None
    questions: tuple[Question, ...]


class Inbox(Generic[FrameT]):
    """The one place where threads meet.

    A frame that is not taken up before the next arrives is dropped. A question is handed out with the first
    frame that arrived after it was asked, by the monotonic clock: old stamps and looping bags do not matter.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: tuple[FrameT, float] | None = None
        self._questions: list[Question] = []
        self._asked: set[Question] = set()
        self._standing: StandingPrompt | None = None
        self._open = False

    @property
    def standing(self) -> StandingPrompt | None:
        return self._standing

    def open(self) -> None:
        with self._changed:
            self._frame, self._open = None, True

    def close(self, reason: str) -> None:
        """Let `take` return None, and fail every question with `reason`."""
        with self._changed:
            self._open = False
            asked = list(self._asked)
            self._changed.notify_all()
        for question in asked:
            self.fail(question, reason)

    def set_standing(self, standing: StandingPrompt | None) -> None:
        with self._changed:
            self._standing = standing
            self._changed.notify_all()

    def put_frame(self, frame: FrameT, arrived_s: float) -> bool:
        """Put the newest frame in; True when that dropped one which still waited.

        A frame that nobody wants when it arrives is not kept: later prompts are about later frames.
        """
        with self._changed:
            if not self._open:
                return False
            dropped = self._frame is not None
            self._frame = (frame, arrived_s)
            if not self._wanted():
                self._frame = None
            self._changed.notify_all()
            return dropped

    def ask(self, question: Question) -> None:
        with self._changed:
            is_open = self._open
            if is_open:
                self._asked.add(question)
                self._questions.append(question)
        if not is_open:
            question.resolve(failed_outcome("the node is not active", question.ids))

    def ask_again(self, question: Question, fault: str) -> None:
        """Let a question wait for a better frame than one with `fault`; after several in vain it fails."""
        question.bad_frames += 1
        question.last_fault = fault
        if question.bad_frames >= _BAD_FRAMES_UNTIL_FAILED:
            self.fail(question, fault)
            return
        with self._changed:
            if question in self._asked:
                self._questions.append(question)

    def resolve(self, question: Question, outcome: Outcome) -> None:
        """Give a question its outcome; whatever comes after the first is ignored."""
        with self._changed:
            if question not in self._asked:
                return
            self._asked.discard(question)
            if question in self._questions:
                self._questions.remove(question)
        question.resolve(outcome)

    def fail(self, question: Question, reason: str, *, cancelled: bool = False) -> None:
        self.resolve(question, failed_outcome(reason, question.ids, cancelled=cancelled))

    def overdue(self) -> list[Question]:
        with self._changed:
            return [question for question in self._asked if question.overdue or question.is_cancelled()]

    @property
    def waiting(self) -> int:
        """How many questions have no answer yet."""
        return len(self._asked)

    def take(self) -> Work[FrameT] | None:
        """Wait for a frame that somebody wants; None once the inbox is closed."""
        with self._changed:
            self._changed.wait_for(lambda: not self._open or self._wanted())
            if not self._open:
                return None
            frame, arrived_s = self._frame
            self._frame = None
            ready = tuple(question for question in self._questions if question.asked_s < arrived_s)
            self._questions = [question for question in self._questions if question not in ready]
            return Work(frame, arrived_s, self._standing, ready)

    def _wanted(self) -> bool:
        if self._frame is None:
            return False
        arrived_s = self._frame[1]
        return self._standing is not None or any(question.asked_s < arrived_s for question in self._questions)
