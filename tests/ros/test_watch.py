"""A standing prompt over DDS: ids stay with their objects, and one bad frame does not turn its answer."""

from vision_msgs.msg import Detection2DArray

from tests.ros.rig import Rig
from tests.ros.toys import toy_frame
from vlm_picking_msgs.msg import Answer


def answers_to(rig, names_by_frame, *, start_ns=10**9, step_ns=100_000_000):
    """The answers and detections of a standing prompt to frames that are sent one by one."""
    said = []
    for i, names in enumerate(names_by_frame):
        stamp_ns = start_ns + i * step_ns
        rig.camera.send(toy_frame(*names, stamp_ns=stamp_ns))

        def is_of_it(message, stamp_ns=stamp_ns):
            return message.header.stamp.sec * 10**9 + message.header.stamp.nanosec == stamp_ns

        answer = rig.wait_for("answer", is_of_it, timeout_s=20)
        found = rig.wait_for("detections_2d", is_of_it, timeout_s=20)
        said.append((answer, {detection.id for detection in found.detections}))
    return said


def test_ids_stay_and_a_blink_is_not_said():
    with Rig(prompt="is there an apple?") as rig:
        rig.hear(Answer, "answer")
        rig.hear(Detection2DArray, "detections_2d")
        rig.operator.wait_until_active(20)
        said = answers_to(rig, [("apple", "mug")] * 3 + [("mug",)] + [("mug", "apple")] * 2)
        later = answers_to(rig, [("apple",)], start_ns=10**10)
    assert len({answer.status for answer, _ in said}) == 1
    ids = [ids for _, ids in said]
    assert ids[0] and ids[0] == ids[1] == ids[2] == ids[4] == ids[5] and not ids[3]
    assert later[0][1] != ids[0]
