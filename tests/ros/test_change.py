"""Questions about change go with frames from before the question, though nobody had asked for those."""

import pytest

from tests.known_models import Answerer
from tests.ros.rig import Rig
from vlm_picking.gripper_files import load_gripper
from vlm_picking.models.suite import ModelSuite
from vlm_picking.pipeline import PickingPipeline


@pytest.mark.parametrize("prompt", ["", "is there an apple?"], ids=["no standing prompt", "standing prompt"])
def test_the_last_frames_go_with_a_question_about_change(prompt):
    answerer = Answerer(max_images=3)

    def load(config):
        grippers = tuple(load_gripper(name) for name in config.grippers)
        return PickingPipeline(config, models=ModelSuite.of(answerer), grippers=grippers)

    with Rig(load=load, history_interval_s=20.0, prompt=prompt) as rig:
        rig.operator.wait_until_active(20)
        with rig.camera.streaming("mug", hz=20):
            rig.operator.ask("is there an apple?")  # a frame has come
            still = rig.operator.ask("did the mug move?")
        with rig.camera.streaming("apple", hz=20, start_ns=60 * 10**9):
            rig.operator.ask("is there an apple?")  # so that the next frame is not the first of its stream
            moved = rig.operator.ask("did the mug move?")
    assert (still.status, still.answer.text) == ("ABSENT", "No.")
    assert (moved.status, moved.answer.text) == ("PRESENT", "Yes.")
    # Frames of one stream lie within the interval: only its first and the one in question go along.
    assert [count for count, question in answerer.asked if "move" in question] == [2, 3]
