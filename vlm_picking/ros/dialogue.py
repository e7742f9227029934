"""What people and task planners tell the node: the standing prompt, questions, and whether to look at all."""

import uuid
from collections.abc import Callable
from dataclasses import replace

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode
from rclpy.task import Future
from std_msgs.msg import String
from std_srvs.srv import SetBool

from vlm_picking.errors import PromptError
from vlm_picking.prompt import parse_prompt
from vlm_picking.query import Query, QueryKind
from vlm_picking.ros.health import Health
from vlm_picking.ros.inbox import Inbox, Question, StandingPrompt
from vlm_picking.ros.inputs import CameraPair
from vlm_picking.ros.outcome import Ids, Outcome, failed_outcome
from vlm_picking.ros.outputs import Outputs
from vlm_picking_msgs.srv import Ask, SetPrompt

_TICK_S = 0.05
_SHOWN_CHARACTERS = 80


class Dialogue:
    """The prompt topic and the services `set_prompt`, `ask` and `~/enable`.

    Args:
        why_not: why nobody can look right now (not active, disabled); empty where somebody can.
        why_late: why a question got no answer in time.
        health: of the inputs, noted with each question.
        ask_timeout_s: the longest wait where a question names none.
        enable: lets the node look, or not.
    """

    def __init__(
        self,
        node: LifecycleNode,
        *,
        inbox: Inbox[CameraPair],
        outputs: Outputs,
        why_not: Callable[[], str],
        why_late: Callable[[Question], str],
        health: Health,
        ask_timeout_s: Callable[[], float],
        enable: Callable[[bool], None],
    ) -> None:
        self._node = node
        self._inbox = inbox
        self._outputs = outputs
        self._why_not = why_not
        self._why_late = why_late
        self._health = health
        self._ask_timeout_s = ask_timeout_s
        self._enable = enable
        self._waiting = ReentrantCallbackGroup()
        prompts = MutuallyExclusiveCallbackGroup()
        node.create_subscription(String, "prompt", self._on_prompt, 10, callback_group=prompts)
        node.create_service(SetPrompt, "set_prompt", self._on_set_prompt, callback_group=prompts)
        node.create_service(SetBool, "~/enable", self._on_enable, callback_group=prompts)
        node.create_service(Ask, "ask", self._on_ask, callback_group=self._waiting)
        # Timeouts are the operator's, so they run on a clock that never stops, whatever /clock does.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._ticker = node.create_timer(_TICK_S, self._on_tick, callback_group=prompts, clock=steady)
        self._ticker.cancel()

    @property
    def waiting_group(self) -> ReentrantCallbackGroup:
        """For callbacks that await an answer."""
        return self._waiting

    def set_standing(self, text: str) -> StandingPrompt | None:
        """Exchange the standing prompt; an empty text or a sentence like "stop" clears it.

        Raises:
            PromptError: the sentence can't be read; the old prompt stays.
        """
        query = parse_prompt(text) if text.strip() else None
        if query is None or query.kind is QueryKind.CLEAR:
            standing = None
        else:
            standing = StandingPrompt(query, Ids(prompt=text, prompt_id=new_id(), kind=query.kind.value))
        self._inbox.set_standing(standing)
        self._outputs.active_prompt("" if standing is None else text)
        return standing

    async def ask(self, query: Query, ids: Ids, *, timeout_s: float = 0.0, **options) -> Outcome:
        """Wait for the answer on a frame newer than now; the executor does other things meanwhile.

        Args:
            timeout_s: longest wait [s]; 0 for the node's own.
            options: more fields of `Question`.
        """
        if reason := self._why_not():
            return failed_outcome(reason, ids)
        executor = self._node.executor
        answered = Future(executor=executor)

        def resolve(outcome: Outcome) -> None:
            answered.set_result(outcome)
            executor.wake()

        wait_s = timeout_s if timeout_s > 0 else self._ask_timeout_s()
        health = self._health.report()
        question = Question(query=query, ids=ids, timeout_s=wait_s, resolve=resolve, health=health, **options)
        self._inbox.ask(question)
        self._ticker.reset()
        return await answered

    def _on_tick(self) -> None:
        for question in self._inbox.overdue():
            if question.is_cancelled():
                self._inbox.fail(question, "the request was cancelled", cancelled=True)
            else:
                self._inbox.fail(question, self._why_late(question))
        if not self._inbox.waiting:
            self._ticker.cancel()

    def _on_prompt(self, message: String) -> None:
        try:
            self.set_standing(message.data)
        except PromptError as error:
            self._node.get_logger().warning(f"prompt refused, the old one stays: {error}")
            ids = Ids(prompt=_short(message.data), prompt_id=new_id())
            self._outputs.failed(failed_outcome(str(error), ids))

    def _on_set_prompt(self, request: SetPrompt.Request, response: SetPrompt.Response) -> SetPrompt.Response:
        try:
            standing = self.set_standing(request.prompt)
        except PromptError as error:
            response.success, response.message, standing = False, str(error), self._inbox.standing
        else:
            response.success = True
            response.message = "no standing prompt" if standing is None else describe(standing.query)
        response.prompt_id = "" if standing is None else standing.ids.prompt_id
        return response

    async def _on_ask(self, request: Ask.Request, response: Ask.Response) -> Ask.Response:
        prompt_id = request.prompt_id or new_id()
        ids = Ids(prompt=request.prompt, prompt_id=prompt_id, request_id=prompt_id)
        try:
            query = parse_prompt(request.prompt)
        except PromptError as error:
            outcome = failed_outcome(str(error), ids)
        else:
            ids = replace(ids, kind=query.kind.value)
            if query.kind is QueryKind.CLEAR:
                outcome = self._stop_looking(ids)
            else:
                outcome = await self.ask(query, ids, timeout_s=request.timeout_s)
        response.answer, response.detections, response.grasps = outcome.answer, outcome.detections, outcome.grasps
        return response

    def _stop_looking(self, ids: Ids) -> Outcome:
        """Answer "stop" at once; nobody looked, which is what FAILED means."""
        before = self._inbox.standing
        self.set_standing("")
        outcome = failed_outcome("the standing prompt is cleared, so nothing was looked for", ids)
        outcome.answer.text = "I stopped looking." if before is None else f"I stopped looking: {before.ids.prompt}"
        return outcome

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._enable(request.data)
        response.success = True
        response.message = "enabled" if request.data else "disabled: frames are not looked at"
        return response


def describe(query: Query) -> str:
    """One line that says what was understood."""
    targets = " and ".join(str(target) for target in query.targets) or "everything"
    return f"understood: {query.kind.value} of {targets}"


def new_id() -> str:
    return uuid.uuid4().hex[:12]


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
