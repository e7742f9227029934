"""The action plan_grasps: stages, results, cancellation."""

import threading
import time

import pytest
from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient

from tests.ros.rig import Rig
from vlm_picking_msgs.action import PlanGrasps
from vlm_picking_msgs.msg import Answer, GraspCandidateArray


@pytest.fixture(scope="module")
def rig():
    with Rig() as rig:
        rig.operator.wait_until_active(20)
        with rig.camera.streaming("apple", "mug", hz=10):
            rig.operator.ask("pick the apple", timeout_s=20)
        yield rig


@pytest.fixture(autouse=True)
def fresh(rig):
    rig.detector.delay_s = 0.0


@pytest.mark.parametrize("phrase", ["the apple", "apple", "pick the apple"])
def test_a_phrase_gives_grasps_in_stages(rig, phrase):
    stages = []
    with rig.camera.streaming("apple", "mug", hz=10):
        result = rig.operator.plan_grasps(phrase, on_feedback=lambda stage, share: stages.append((stage, share)))
    assert result.grasps.status == GraspCandidateArray.FOUND
    assert {candidate.label for candidate in result.grasps.candidates} == {"apple"}
    assert result.answer.status == Answer.PRESENT
    names, shares = zip(*stages, strict=True)
    assert list(dict.fromkeys(names))[:4] == ["waiting_for_frame", "detecting", "lifting", "planning"]
    assert list(shares) == sorted(shares)


def test_no_more_candidates_than_were_asked_for(rig):
    with rig.camera.streaming("apple", hz=10):
        result = rig.operator.plan_grasps("the apple", max_candidates=2)
    assert len(result.grasps.candidates) == 2


def test_nothing_there_is_a_result_and_no_failure(rig):
    with rig.camera.streaming("apple", hz=10):
        result = rig.operator.plan_grasps("the banana")
    assert result.grasps.status == GraspCandidateArray.NONE_FOUND
    assert result.answer.status == Answer.ABSENT


def test_a_detection_of_the_last_answer_is_found_again(rig):
    with rig.camera.streaming("apple", "mug", hz=10):
        reply = rig.operator.ask("where are the apple and the mug?", timeout_s=10)
        mug = next(d for d in reply.detections.detections if d.results[0].hypothesis.class_id == "mug")
        result = rig.operator.plan_grasps(detection_id=mug.id)
    assert result.grasps.status == GraspCandidateArray.FOUND, result.grasps.message
    assert {candidate.label for candidate in result.grasps.candidates} == {"mug"}


def test_a_detection_of_a_description_can_be_picked(rig):
    with rig.camera.streaming("apple", "mug", hz=10):
        reply = rig.operator.ask("what do you see?", timeout_s=10)
        mug = next(d for d in reply.detections.detections if d.results[0].hypothesis.class_id == "mug")
        result = rig.operator.plan_grasps(detection_id=mug.id)
    assert result.grasps.status == GraspCandidateArray.FOUND, result.grasps.message
    assert {candidate.label for candidate in result.grasps.candidates} == {"mug"}


def test_a_detection_that_is_gone_is_a_failure(rig):
    with rig.camera.streaming("apple", "mug", hz=10):
        reply = rig.operator.ask("where is the mug?", timeout_s=10)
    with rig.camera.streaming("apple", hz=10, start_ns=5 * 10**9):
        result = rig.operator.plan_grasps(detection_id=reply.detections.detections[0].id)
    assert result.grasps.status == GraspCandidateArray.FAILED
    assert "no longer where it was" in result.grasps.message


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        ({}, "names nothing"),
        ({"detection_id": "99"}, "no detection '99'"),
        ({"phrase": "x" * 10_000}, "characters"),
    ],
    ids=["empty", "unknown id", "too long"],
)
def test_goals_that_mean_nothing_fail_at_once(rig, goal, words):
    start = time.monotonic()
    result = rig.operator.plan_grasps(**goal)
    assert time.monotonic() - start < 3
    assert result.grasps.status == GraspCandidateArray.FAILED
    assert words in result.grasps.message


@pytest.mark.parametrize("streams", [False, True], ids=["while it waits", "while the model looks"])
def test_a_goal_can_be_cancelled(rig, streams):
    client = ActionClient(rig.ears, PlanGrasps, "plan_grasps")
    assert client.wait_for_server(timeout_sec=5)

    def wait(future):
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        assert done.wait(10)
        return future.result()

    rig.detector.looking.clear()
    handle = wait(client.send_goal_async(PlanGrasps.Goal(phrase="the apple")))
    if streams:
        rig.detector.delay_s = 0.5
        with rig.camera.streaming("apple", hz=10):
            assert rig.detector.looking.wait(5)
            wait(handle.cancel_goal_async())
    else:
        wait(handle.cancel_goal_async())
    done = wait(handle.get_result_async())
    assert done.status == GoalStatus.STATUS_CANCELED
    assert "cancelled" in done.result.grasps.message
    rig.detector.delay_s = 0.0
    with rig.camera.streaming("apple", hz=10):
        assert rig.operator.ask("is there an apple?", timeout_s=10).status == "PRESENT"
    client.destroy()
