"""The inbox: the newest frame only, questions on newer frames only, the prompt and its frame as one unit."""

import threading
import time

from vlm_picking.prompt import parse_prompt
from vlm_picking.ros.inbox import Inbox, Question, StandingPrompt
from vlm_picking.ros.outcome import Ids
from vlm_picking_msgs.msg import Answer


def standing(text: str) -> StandingPrompt:
    return StandingPrompt(parse_prompt(text), Ids(prompt=text, prompt_id=text))


def question(outcomes: list, **options) -> Question:
    text = "is there an apple?"
    options = {"timeout_s": 5.0} | options
    return Question(query=parse_prompt(text), ids=Ids(prompt=text, prompt_id="q"), resolve=outcomes.append, **options)


def opened(prompt: str = "") -> Inbox:
    inbox = Inbox()
    inbox.open()
    if prompt:
        inbox.set_standing(standing(prompt))
    return inbox


def test_only_the_newest_frame_waits():
    inbox = opened("is there an apple?")
    assert [inbox.put_frame(name, time.monotonic()) for name in "abc"] == [False, True, True]
    assert inbox.take().frame == "c"


def test_a_frame_that_nobody_wants_is_no_loss():
    inbox = opened()
    assert not inbox.put_frame("a", time.monotonic())
    assert not inbox.put_frame("b", time.monotonic())
    inbox.set_standing(standing("is there an apple?"))
    inbox.put_frame("c", time.monotonic())
    assert inbox.take().frame == "c"


def test_a_question_waits_for_a_frame_that_is_newer_than_itself():
    inbox, outcomes = opened("is there a mug?"), []
    before = time.monotonic()
    asked = question(outcomes)
    inbox.ask(asked)
    inbox.put_frame("seen before", before - 1)
    assert inbox.take().questions == ()
    inbox.put_frame("seen after", time.monotonic())
    work = inbox.take()
    assert work.frame == "seen after"
    assert work.questions == (asked,)
    inbox.put_frame("another", time.monotonic())
    assert inbox.take().questions == ()


def test_the_prompt_is_taken_with_its_frame():
    inbox = opened("is there an apple?")
    inbox.put_frame("a", time.monotonic())
    work = inbox.take()
    inbox.set_standing(standing("is there a mug?"))
    assert work.standing.ids.prompt == "is there an apple?"
    inbox.put_frame("b", time.monotonic())
    assert inbox.take().standing.ids.prompt == "is there a mug?"


def test_a_question_is_resolved_once():
    inbox, outcomes = opened(), []
    asked = question(outcomes)
    inbox.ask(asked)
    inbox.fail(asked, "first")
    inbox.fail(asked, "second")
    assert [outcome.answer.reason for outcome in outcomes] == ["first"]
    assert outcomes[0].answer.status == Answer.FAILED
    assert inbox.waiting == 0


def test_a_question_survives_bad_frames_but_not_for_ever():
    inbox, outcomes = opened(), []
    inbox.ask(question(outcomes))
    for _ in range(5):
        assert outcomes == []
        inbox.put_frame("bad", time.monotonic())
        for asked in inbox.take().questions:
            inbox.ask_again(asked, "no intrinsics")
    assert [outcome.answer.reason for outcome in outcomes] == ["no intrinsics"]


def test_overdue_and_cancelled_questions_are_found():
    inbox = opened()
    late, cancelled, fine = question([], timeout_s=0.0), question([], is_cancelled=lambda: True), question([])
    for asked in (late, cancelled, fine):
        inbox.ask(asked)
    time.sleep(0.01)
    assert set(inbox.overdue()) == {late, cancelled}


def test_closing_ends_the_wait_and_fails_what_was_asked():
    inbox, outcomes, taken = opened("is there a mug?"), [], []
    worker = threading.Thread(target=lambda: taken.append(inbox.take()))
    worker.start()
    inbox.ask(question(outcomes))
    inbox.close("the node was deactivated")
    worker.join(timeout=5)
    assert taken == [None]
    assert [outcome.answer.reason for outcome in outcomes] == ["the node was deactivated"]
    inbox.ask(question(outcomes))
    assert "not active" in outcomes[1].answer.reason
