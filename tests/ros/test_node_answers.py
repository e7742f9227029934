"""The node over DDS: questions, the standing prompt, and everything that it publishes."""

import threading
import time

import numpy as np
import pytest
from geometry_msgs.msg import PoseArray
from sensor_msgs.msg import Image
from std_msgs.msg import String
from vision_msgs.msg import Detection2DArray, Detection3DArray
from visualization_msgs.msg import Marker, MarkerArray

from tests.ros.rig import RELIABLE, Rig, eventually
from tests.ros.toys import FRAME_ID, TOYS, toy_frame
from vlm_picking.image_messages import decode_color
from vlm_picking.ros.conversions import stamp_ns
from vlm_picking_msgs.msg import Answer, GraspCandidateArray
from vlm_picking_msgs.srv import SetPrompt

ARRAYS = {
    "detections_2d": Detection2DArray,
    "detections_3d": Detection3DArray,
    "grasp_poses": PoseArray,
    "markers": MarkerArray,
    "label_mask": Image,
    "debug_image": Image,
}


@pytest.fixture(scope="module")
def rig():
    with Rig(camera_qos=RELIABLE, reliable=True) as rig:
        rig.operator.wait_until_active(20)
        rig.hear(Answer, "answer")
        rig.hear(GraspCandidateArray, "grasps")
        for topic, message_type in ARRAYS.items():
            rig.hear(message_type, topic)
        time.sleep(0.3)  # for discovery
        with rig.camera.streaming("apple", "mug", hz=10):
            rig.operator.ask("is there an apple?", timeout_s=20)
        yield rig


@pytest.fixture(autouse=True)
def fresh(rig):
    rig.operator.set_prompt("")
    rig.detector.delay_s, rig.detector.failure = 0.0, ""
    time.sleep(0.1)
    rig.forget()


@pytest.mark.parametrize(
    ("prompt", "status", "count"),
    [
        ("is there an apple?", "PRESENT", 1),
        ("is there a banana?", "ABSENT", 0),
        ("where is the mug?", "PRESENT", 1),
        ("how many mugs are there?", "PRESENT", 1),
        ("pick the apple", "PRESENT", 1),
    ],
)
def test_questions_get_their_answers(rig, prompt, status, count):
    with rig.camera.streaming("apple", "mug", hz=10):
        reply = rig.operator.ask(prompt, timeout_s=10, prompt_id="mine")
    assert (reply.status, reply.answer.count) == (status, count), reply.answer.reason
    assert (reply.answer.prompt, reply.answer.prompt_id) == (prompt, "mine")
    assert reply.answer.header.frame_id == FRAME_ID
    assert 0 < reply.answer.latency_s < 10
    assert len(reply.detections.detections) == count
    picks = prompt.startswith("pick")
    assert reply.grasps.status == (GraspCandidateArray.FOUND if picks else GraspCandidateArray.NOT_PLANNED)
    assert bool(reply.grasps.candidates) is picks


def test_everything_about_a_frame_carries_its_stamp(rig):
    with rig.camera.streaming("apple", "mug", hz=10):
        stamp = rig.operator.ask("pick the apple", timeout_s=10).answer.header.stamp

    def of_the_frame(message) -> bool:
        header = message.markers[0].header if isinstance(message, MarkerArray) else message.header
        return header.stamp == stamp and header.frame_id == FRAME_ID

    heard = {topic: rig.wait_for(topic, of_the_frame) for topic in ("answer", "grasps", *ARRAYS)}
    assert heard["detections_2d"].detections[0].id == heard["detections_3d"].detections[0].id == "0"
    assert len(heard["grasp_poses"].poses) == len(heard["grasps"].candidates) > 0
    assert heard["markers"].markers[0].action == Marker.DELETEALL
    x0, y0, x1, y1 = TOYS["apple"][1]
    labels = np.frombuffer(heard["label_mask"].data, "<u2").reshape(240, 320)
    assert labels[(y0 + y1) // 2, (x0 + x1) // 2] == 1
    assert decode_color(heard["debug_image"]).shape[1] == 320


def test_the_standing_prompt_is_answered_on_every_frame(rig):
    response = rig.operator.set_prompt("is there an apple?")
    assert response.success and response.prompt_id
    stamps = [2_000_000_000 + 100 * number for number in range(4)]
    for stamp in stamps:
        rig.camera.send(toy_frame("apple", stamp_ns=stamp))
        message = rig.wait_for("answer", lambda m, s=stamp: stamp_ns(m.header.stamp) == s)
        assert (message.prompt_id, message.status) == (response.prompt_id, Answer.PRESENT)
        rig.wait_for("detections_2d", lambda m, s=stamp: stamp_ns(m.header.stamp) == s)


def test_empty_arrays_mean_that_somebody_looked(rig):
    rig.operator.set_prompt("pick the banana")
    rig.camera.send(toy_frame("apple", stamp_ns=3_000_000_000))
    assert rig.wait_for("answer").status == Answer.ABSENT
    assert rig.wait_for("grasps").status == GraspCandidateArray.NONE_FOUND
    for topic in ("detections_2d", "detections_3d"):
        assert len(rig.wait_for(topic).detections) == 0
    assert len(rig.wait_for("grasp_poses").poses) == 0


def test_a_model_that_fails_is_a_status_and_no_empty_array(rig):
    rig.operator.set_prompt("is there an apple?")
    rig.detector.failure = "the model is out of memory; use a smaller one"
    rig.camera.send(toy_frame("apple", stamp_ns=4_000_000_000))
    message = rig.wait_for("answer")
    assert (message.status, message.reason) == (
        Answer.FAILED,
        "the model is out of memory; use a smaller one",
    )
    assert rig.wait_for("grasps").status == GraspCandidateArray.FAILED
    rig.detector.failure = ""
    rig.camera.send(toy_frame("apple", stamp_ns=4_100_000_000))
    rig.wait_for("answer", lambda m: m.status == Answer.PRESENT)
    assert {stamp_ns(m.header.stamp) for m in rig.heard["detections_2d"]} == {4_100_000_000}


def test_a_prompt_switched_in_flight_does_not_relabel_the_frame(rig):
    first = rig.operator.set_prompt("is there an apple?").prompt_id
    rig.detector.delay_s = 0.4
    rig.detector.looking.clear()
    rig.camera.send(toy_frame("apple", "mug", stamp_ns=5_000_000_000))
    assert rig.detector.looking.wait(5)
    second = rig.operator.set_prompt("is there a mug?").prompt_id
    message = rig.wait_for("answer")
    assert (message.prompt_id, message.prompt) == (first, "is there an apple?")
    labels = {d.results[0].hypothesis.class_id for d in rig.wait_for("detections_2d").detections}
    assert labels == {"apple"}
    rig.camera.send(toy_frame("apple", "mug", stamp_ns=5_100_000_000))
    assert rig.wait_for("answer", lambda m: m.prompt_id == second).prompt == "is there a mug?"


def test_a_question_does_not_disturb_the_topics_of_the_standing_prompt(rig):
    standing = rig.operator.set_prompt("is there an apple?").prompt_id
    with rig.camera.streaming("apple", "mug", hz=10, start_ns=6_000_000_000):
        reply = rig.operator.ask("where is the mug?", timeout_s=10, prompt_id="question")
        assert reply.status == "PRESENT"
        rig.wait_for("answer", lambda m: m.prompt_id == "question")
        rig.wait_for("answer", lambda m: m.prompt_id == standing)
    labels = {d.results[0].hypothesis.class_id for m in rig.heard["detections_2d"] for d in m.detections}
    assert labels == {"apple"}
    stamps = [stamp_ns(m.header.stamp) for m in rig.heard["detections_2d"]]
    assert len(stamps) == len(set(stamps))


def test_the_newest_frame_wins_while_the_model_is_slow(rig):
    rig.operator.set_prompt("is there an apple?")
    rig.detector.delay_s = 0.3
    for number in range(10):
        rig.camera.send(toy_frame("apple", stamp_ns=7_000_000_000 + number))
        time.sleep(0.02)
    rig.wait_for("answer", lambda m: stamp_ns(m.header.stamp) == 7_000_000_009)
    assert len(rig.heard["answer"]) <= 3


def test_several_questions_share_a_frame_and_nothing_blocks(rig):
    rig.detector.delay_s = 0.3
    replies = {}

    def ask(prompt: str) -> None:
        replies[prompt] = rig.operator.ask(prompt, timeout_s=15)

    prompts = ("is there an apple?", "is there a mug?", "where is the banana?")
    threads = [threading.Thread(target=ask, args=(prompt,)) for prompt in prompts]
    with rig.camera.streaming("apple", "mug", hz=10):
        for thread in threads:
            thread.start()
        start = time.monotonic()
        assert rig.call(SetPrompt, "set_prompt", SetPrompt.Request(prompt="")).success
        assert time.monotonic() - start < 2.0
        for thread in threads:
            thread.join(timeout=20)
    assert {prompt: reply.status for prompt, reply in replies.items()} == {
        "is there an apple?": "PRESENT",
        "is there a mug?": "PRESENT",
        "where is the banana?": "ABSENT",
    }


def test_a_model_that_is_slower_than_the_timeout_is_a_failure_that_says_so(rig):
    rig.detector.delay_s = 1.5
    with rig.camera.streaming("apple", hz=10):
        reply = rig.operator.ask("is there an apple?", timeout_s=0.8)
        assert reply.status == "FAILED"
        assert "no answer within 0.8 s, although" in reply.answer.reason
        rig.detector.delay_s = 0.0
        assert rig.operator.ask("is there an apple?", timeout_s=15).status == "PRESENT"


def test_old_stamps_that_start_over_are_no_matter(rig):
    for _ in range(2):
        with rig.camera.streaming("apple", hz=10, start_ns=12_345):
            assert rig.operator.ask("is there an apple?", timeout_s=10).status == "PRESENT"


@pytest.mark.parametrize(
    "prompt",
    ["", "   ", "x" * 10_000, "open the gripper", "?!"],
    ids=["empty", "blank", "long", "another command", "stops"],
)
def test_prompts_that_cannot_be_read_fail_at_once_with_the_reason(rig, prompt):
    start = time.monotonic()
    reply = rig.operator.ask(prompt, timeout_s=10)
    assert time.monotonic() - start < 3.0
    assert reply.status == "FAILED" and reply.answer.reason
    assert reply.grasps.status == GraspCandidateArray.FAILED


def test_a_bad_standing_prompt_is_refused_and_the_old_one_stays(rig):
    old = rig.operator.set_prompt("is there an apple?")
    response = rig.operator.set_prompt("x" * 10_000)
    assert not response.success and response.message
    assert response.prompt_id == old.prompt_id
    rig.camera.send(toy_frame("apple", stamp_ns=8_000_000_000))
    assert rig.wait_for("answer", lambda m: m.status == Answer.PRESENT).prompt == "is there an apple?"


def test_stop_clears_the_standing_prompt_at_once(rig):
    rig.operator.set_prompt("is there an apple?")
    reply = rig.operator.ask("stop", timeout_s=10)
    assert reply.wall_s < 3.0
    assert (reply.status, reply.answer.kind) == ("FAILED", "clear")
    assert reply.answer.text == "I stopped looking: is there an apple?"
    rig.camera.send(toy_frame("apple", stamp_ns=9_500_000_000))
    time.sleep(0.5)
    assert not rig.heard["detections_2d"]


def test_the_prompt_topic_sets_and_clears(rig):
    publisher = rig.ears.create_publisher(String, "prompt", 10)
    rig.hear(String, "active_prompt", RELIABLE)
    eventually(lambda: publisher.get_subscription_count() == 1)
    publisher.publish(String(data="where is the mug?"))
    rig.wait_for("active_prompt", lambda m: m.data == "where is the mug?")
    publisher.publish(String(data="y" * 10_000))
    assert rig.wait_for("answer", lambda m: m.status == Answer.FAILED).reason
    rig.camera.send(toy_frame("mug", stamp_ns=9_000_000_000))
    assert rig.wait_for("answer", lambda m: m.status == Answer.PRESENT).prompt == "where is the mug?"
    publisher.publish(String(data=""))
    rig.wait_for("active_prompt", lambda m: m.data == "")
    rig.ears.destroy_publisher(publisher)
