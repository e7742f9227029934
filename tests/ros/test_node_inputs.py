"""What a camera can do to the node: other QoS, broken frames, none. Each has a reason; the node goes on."""

import array
import threading
import time

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage

from tests.ros.rig import BEST_EFFORT, RELIABLE, Rig
from tests.ros.toys import toy_frame
from vlm_picking.ros.conversions import header_of, image_to_msg
from vlm_picking.ros.worker import StampThrottle
from vlm_picking_msgs.msg import Answer, GraspCandidateArray


@pytest.fixture(scope="module")
def rig():
    with Rig(stale_after_s=0.5, camera_qos=RELIABLE, reliable=True) as rig:
        rig.operator.wait_until_active(20)
        rig.hear(Answer, "answer")
        rig.hear(DiagnosticArray, "/diagnostics")
        yield rig


@pytest.fixture(autouse=True)
def fresh(rig):
    rig.operator.set_prompt("")
    rig.forget()


@pytest.mark.parametrize("reliable", [False, True], ids=["node asks for best effort", "node asks for reliable"])
@pytest.mark.parametrize("qos", [RELIABLE, BEST_EFFORT], ids=["reliable camera", "best effort camera"])
def test_cameras_of_either_reliability_are_heard_or_named(qos, reliable):
    with Rig(camera_qos=qos, reliable=reliable) as rig:
        rig.operator.wait_until_active(20)
        never = reliable and qos is BEST_EFFORT
        with rig.camera.streaming("apple", hz=10):
            reply = rig.operator.ask("is there an apple?", timeout_s=3 if never else 15)
        if never:
            assert reply.status == "FAILED"
            assert "offers another RELIABILITY than is asked for; set reliable to false" in reply.answer.reason
        else:
            assert reply.status == "PRESENT"


def broken(kind: str) -> dict:
    """What makes another image out of a header, instead of a good colour or depth image."""
    good = toy_frame("apple")
    small, large = np.ones((120, 160), np.float32), np.zeros((480, 640, 3), np.uint8)
    return {
        "unknown colour encoding": {"color": lambda header: image_to_msg(good.rgb, "rgb16", header)},
        "unknown depth encoding": {"depth": lambda header: image_to_msg(good.depth_m, "64FC1", header)},
        "depth of another size": {"depth": lambda header: image_to_msg(small, "32FC1", header)},
        "colour of another size": {"color": lambda header: image_to_msg(large, "rgb8", header)},
    }[kind]


BROKEN = {
    "unknown colour encoding": "colour encoding 'rgb16' is not supported",
    "unknown depth encoding": "depth encoding '64FC1' is not supported",
    "depth of another size": "depth is 160x120 but colour is 320x240",
    "colour of another size": "depth is 320x240 but colour is 640x480",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_frame_has_a_reason_and_the_next_good_one_an_answer(rig, kind):
    rig.operator.set_prompt("is there an apple?")
    rig.camera.send(toy_frame("apple", stamp_ns=10**9), **broken(kind))
    message = rig.wait_for("answer", lambda m: m.header.stamp.sec == 1)
    assert message.status == Answer.FAILED
    assert BROKEN[kind] in message.reason
    rig.camera.send(toy_frame("apple", stamp_ns=2 * 10**9))
    assert rig.wait_for("answer", lambda m: m.header.stamp.sec == 2).status == Answer.PRESENT


def test_a_question_outlives_a_broken_frame(rig):
    replies = []
    asking = threading.Thread(target=lambda: replies.append(rig.operator.ask("is there an apple?", timeout_s=10)))
    asking.start()
    time.sleep(0.3)
    rig.camera.send(toy_frame("apple", stamp_ns=10**9), **broken("depth of another size"))
    time.sleep(0.1)
    rig.camera.send(toy_frame("apple", stamp_ns=2 * 10**9))
    asking.join(timeout=15)
    assert [reply.status for reply in replies] == ["PRESENT"]


def test_a_question_fails_soon_where_every_frame_is_broken(rig):
    with rig.camera.streaming("apple", hz=20, **broken("unknown depth encoding")):
        start = time.monotonic()
        reply = rig.operator.ask("is there an apple?", timeout_s=20)
    assert reply.status == "FAILED"
    assert "64FC1" in reply.answer.reason
    assert time.monotonic() - start < 10


def test_no_camera_is_a_failure_in_time_that_counts_what_came(rig):
    start = time.monotonic()
    reply = rig.operator.ask("is there an apple?", timeout_s=1.0)
    assert 0.9 < time.monotonic() - start < 4.0
    assert reply.status == "FAILED"
    assert reply.grasps.status == GraspCandidateArray.FAILED
    assert "no frame within 1 s: got 0 colour, 0 depth, 0 pairs" in reply.answer.reason
    assert f"{rig.namespace}/color/image" in reply.answer.reason


def test_depth_alone_says_that_colour_is_missing(rig):
    with rig.camera.streaming("apple", hz=20, color=False):
        reason = rig.operator.ask("is there an apple?", timeout_s=1.0).answer.reason
    assert "got 0 colour" in reason and "0 pairs" in reason
    assert "color/image" in reason and "depth/image" not in reason


def test_stamps_that_never_pair_are_named(rig):
    with rig.camera.streaming("apple", hz=4, skew_ns=100_000_000, start_ns=99 * 10**9):
        reason = rig.operator.ask("is there an apple?", timeout_s=2.0).answer.reason
    assert "never pair within 20 ms" in reason and "sync_slop_s" in reason


def test_missing_intrinsics_are_named():
    with Rig() as rig:
        rig.operator.wait_until_active(20)
        with rig.camera.streaming("apple", hz=10, info=False):
            reply = rig.operator.ask("is there an apple?", timeout_s=5)
            assert reply.status == "FAILED"
            assert f"no camera_info on {rig.namespace}/color/camera_info" in reply.answer.reason
        blank = rig.ears.create_publisher(CameraInfo, "color/camera_info", 1)
        with rig.camera.streaming("apple", hz=10, info=False):
            for _ in range(3):
                blank.publish(CameraInfo(width=320, height=240))
                time.sleep(0.1)
            reply = rig.operator.ask("is there an apple?", timeout_s=5)
        assert "no intrinsics" in reply.answer.reason
        with rig.camera.streaming("apple", hz=10):
            assert rig.operator.ask("is there an apple?", timeout_s=10).status == "PRESENT"


def test_the_standing_prompt_is_not_silent_without_frames(rig):
    rig.operator.set_prompt("is there an apple?")
    message = rig.wait_for("answer", lambda m: "no frame" in m.reason, timeout_s=5)
    assert (message.status, message.prompt) == (Answer.FAILED, "is there an apple?")


def status_of(rig: Rig, name: str, message: DiagnosticArray) -> DiagnosticStatus | None:
    return next((s for s in message.status if s.name == f"{rig.namespace}/picking_node: {name}"), None)


def values_of(status: DiagnosticStatus) -> dict[str, str]:
    return {pair.key: pair.value for pair in status.values}


def test_diagnostics_tell_the_state_of_node_and_inputs(rig):
    rig.operator.set_prompt("is there an apple?")
    with rig.camera.streaming("apple", hz=10):
        time.sleep(1.5)
        rig.forget()

        def healthy(message: DiagnosticArray) -> bool:
            status = status_of(rig, "inputs", message)
            return status is not None and status.level == DiagnosticStatus.OK

        message = rig.wait_for("/diagnostics", healthy, timeout_s=6)
    values = values_of(status_of(rig, "picking", message))
    assert (values["state"], values["prompt"]) == ("active", "is there an apple?")
    assert int(values["frames processed"]) > 0 and float(values["latency p95 [ms]"]) > 0
    inputs = values_of(status_of(rig, "inputs", message))
    assert int(inputs["color received"]) > 0 and int(inputs["pairs"]) > 0
    assert float(inputs["valid depth share"]) == 1.0

    def silent(message: DiagnosticArray) -> bool:
        status = status_of(rig, "inputs", message)
        return status is not None and status.level == DiagnosticStatus.ERROR

    assert "no frame" in status_of(rig, "inputs", rig.wait_for("/diagnostics", silent, timeout_s=6)).message


def test_a_subscriber_that_asks_for_more_than_is_offered_is_named(rig):
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    rig.hear(GraspCandidateArray, "grasps", latched)

    def named(message: DiagnosticArray) -> bool:
        status = status_of(rig, "inputs", message)
        return status is not None and "subscriber of grasps asks for another DURABILITY" in values_of(status)["qos"]

    rig.wait_for("/diagnostics", named, timeout_s=8)


def test_compressed_topics_are_read():
    with Rig(compressed=True) as rig:
        rig.operator.wait_until_active(20)
        color = rig.ears.create_publisher(CompressedImage, "color/image/compressed", 1)
        depth = rig.ears.create_publisher(CompressedImage, "depth/image/compressedDepth", 1)

        def send(stamp_ns: int) -> None:
            frame = toy_frame("apple", stamp_ns=stamp_ns)
            rig.camera.send(frame, color=False, depth=False)
            header = header_of(frame.frame_id, stamp_ns)
            png = cv2.imencode(".png", frame.rgb[..., ::-1])[1].tobytes()
            color.publish(
                CompressedImage(header=header, format="rgb8; png compressed bgr8", data=array.array("B", png))
            )
            millimetres = (frame.depth_m * 1000).astype(np.uint16)
            data = bytes(12) + cv2.imencode(".png", millimetres)[1].tobytes()
            depth.publish(
                CompressedImage(header=header, format="16UC1; compressedDepth png", data=array.array("B", data))
            )

        stop = threading.Event()

        def stream() -> None:
            stamp_ns = 10**9
            while not stop.wait(0.1):
                stamp_ns += 10**8
                send(stamp_ns)

        streaming = threading.Thread(target=stream)
        streaming.start()
        try:
            reply = rig.operator.ask("pick the apple", timeout_s=15)
        finally:
            stop.set()
            streaming.join()
        assert reply.status == "PRESENT", reply.answer.reason
        assert reply.grasps.candidates


def test_a_clock_that_stands_still_stops_neither_answers_nor_timeouts():
    with Rig(use_sim_time=True) as rig:
        rig.operator.wait_until_active(20)
        assert "no frame within 0.5 s" in rig.operator.ask("is there an apple?", timeout_s=0.5).answer.reason
        with rig.camera.streaming("apple", hz=10):
            assert rig.operator.ask("is there an apple?", timeout_s=15).status == "PRESENT"


@pytest.mark.parametrize(
    ("rate_hz", "stamps_ms", "due_ms"),
    [
        (5.0, [0, 100, 200, 350, 400, 599, 600], [0, 200, 400, 600]),
        (5.0, [9000, 9100, 3000, 3100, 3200], [9000, 3000, 3200]),
        (0.0, [5, 5, 6], [5, 5, 6]),
    ],
    ids=["steady", "the clock jumps back", "no limit"],
)
def test_the_rate_is_kept_by_the_stamps_of_the_frames(rate_hz, stamps_ms, due_ms):
    throttle = StampThrottle()
    assert [stamp for stamp in stamps_ms if throttle.is_due(stamp * 10**6, rate_hz)] == due_ms
