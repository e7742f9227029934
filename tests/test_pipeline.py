"""The pipeline from sentence to grasps, with a model that knows the truth: faults here are not the model's."""

import numpy as np
import pytest

from tests.planning.synthetic import Box, look
from vlm_picking.config import PickingConfig
from vlm_picking.detections import Detections, box_iou
from vlm_picking.errors import ConfigError, ModelError
from vlm_picking.frame import RgbdFrame
from vlm_picking.gripper_files import load_gripper
from vlm_picking.models.suite import ModelSuite
from vlm_picking.pipeline import PickingPipeline
from vlm_picking.result import Status

GRIPPERS = tuple(load_gripper(name) for name in ("suction_30mm", "robotiq_2f85"))


@pytest.fixture(scope="module")
def pipeline(simulated_bin):
    return PickingPipeline(PickingConfig(), models=ModelSuite.of(simulated_bin.detector), grippers=GRIPPERS)


@pytest.mark.parametrize(
    ("sentence", "status", "count", "in_text"),
    [
        ("is there an apple?", Status.PRESENT, 1, "an apple at the"),
        ("is there a screwdriver?", Status.ABSENT, 0, "no screwdriver"),
        ("is there a screwdriver or an apple?", Status.PRESENT, 1, "an apple"),
        ("is there a screwdriver and an apple?", Status.ABSENT, 1, "no screwdriver"),
        ("where is the packaging?", Status.PRESENT, 1, "I see packaging"),
        ("how many mugs are there?", Status.PRESENT, 2, "2 mugs"),
        ("how many red mugs?", Status.PRESENT, 1, "1 red mug"),
        ("how many wrenches?", Status.ABSENT, 0, "no wrench"),
        ("is there a green mug?", Status.ABSENT, 0, "no green mug"),
        ("is there anything purple?", Status.ABSENT, 0, "no purple object"),
        ("is there a giraffe?", Status.UNCERTAIN, None, "not sure about a giraffe"),
        ("is there a striped mug?", Status.UNCERTAIN, 2, "mug"),
        ("is there a cardboard box?", Status.PRESENT, 1, "cardboard box"),
        ("is there a mug for coffee?", Status.UNCERTAIN, 2, "mug"),
        ("is there a carton with giraffes?", Status.UNCERTAIN, 1, "carton"),
        ("is there a golden mug?", Status.UNCERTAIN, 2, "mug"),
        ("is there anything golden?", Status.UNCERTAIN, ..., "object"),
    ],
)
def test_answers(pipeline, simulated_bin, sentence, status, count, in_text):
    answer = pipeline.run(simulated_bin.frame, sentence).answer
    assert answer.status is status, answer
    assert count in (..., answer.count), answer
    assert in_text in answer.text
    assert answer.reason


@pytest.mark.parametrize(
    ("sentence", "kind", "colour"),
    [
        ("where is the blue mug?", "mug", "blue"),
        ("where is the leftmost mug?", "mug", "red"),
        ("where is the rightmost mug?", "mug", "blue"),
        ("where is the mug next to the can?", "mug", "blue"),
        ("where is the mug left of the box?", "mug", "red"),
        ("where is the cup", "mug", "red"),
    ],
)
def test_which_one(pipeline, simulated_bin, sentence, kind, colour):
    found = pipeline.run(simulated_bin.frame, sentence).detections
    assert box_iou(found.xyxy, simulated_bin.box_of(kind, colour)[None]).max() > 0.9
    if sentence != "where is the cup":
        assert len(found) == 1


def test_a_pick_gives_grasps_on_the_object_that_was_asked_for(pipeline, simulated_bin):
    result = pipeline.run(simulated_bin.frame, "pick the red mug")
    assert result.answer.status is Status.PRESENT
    assert len(result.grasps) >= 3
    assert [grasp.id for grasp in result.grasps] == list(range(len(result.grasps)))
    qualities = [grasp.quality for grasp in result.grasps]
    assert qualities == sorted(qualities, reverse=True)
    x0, y0, x1, y1 = simulated_bin.box_of("mug", "red")
    for grasp in result.grasps:
        u, v = simulated_bin.frame.camera.project(grasp.camera_from_grasp.translation_m)
        assert x0 - 3 <= u <= x1 + 3
        assert y0 - 3 <= v <= y1 + 3


def test_pick_anything_needs_no_language_model(simulated_bin):
    class Mute:
        """A model that must not be asked."""

        name, vocabulary, colours, classes = "mute", None, None, ()

        def detect(self, rgb, phrases):
            raise ModelError("nobody should have asked")

    result = PickingPipeline(PickingConfig(), models=ModelSuite.of(Mute()), grippers=GRIPPERS).run(
        simulated_bin.frame, "pick anything"
    )
    on_objects = [
        simulated_bin.truth.ids[int(round(grasp.center_px[1])), int(round(grasp.center_px[0]))] > 0
        for grasp in result.grasps
    ]
    assert len(on_objects) >= 10
    assert np.mean(on_objects) >= 0.9


def test_the_last_thing_in_a_bin_is_picked_though_the_image_cuts_it_off():
    shot = look([Box((0.37, 0.0, 0.05), (0.12, 0.1, 0.1))])
    pipeline = PickingPipeline(PickingConfig(), models=ModelSuite(), grippers=GRIPPERS)
    result = pipeline.run(shot.frame, "pick anything")
    assert result.answer.status is Status.PRESENT and result.answer.count == 1
    assert "cuts off" in result.answer.reason
    assert result.grasps
    beside = look([Box((0.37, 0.0, 0.05), (0.12, 0.1, 0.1)), Box((0, 0, 0.03), (0.06, 0.06, 0.06))])
    reason = pipeline.run(beside.frame, "pick anything").answer.reason
    assert "cuts off" not in reason


def test_anything_of_a_colour(pipeline, simulated_bin):
    found = pipeline.run(simulated_bin.frame, "where is anything yellow?").detections
    assert box_iou(found.xyxy, simulated_bin.box_of("sponge")[None]).max() > 0.5


def test_everything_but(pipeline, simulated_bin):
    found = pipeline.run(simulated_bin.frame, "everything but the mugs").detections
    mugs = np.array([simulated_bin.box_of("mug", "red"), simulated_bin.box_of("mug", "blue")])
    assert len(found) >= 3
    assert box_iou(found.xyxy, mugs).max() < 0.7


def test_describe_names_what_is_there(pipeline, simulated_bin):
    text = pipeline.run(simulated_bin.frame, "what do you see?").answer.text
    for words in ("2 mugs", "1 apple", "1 carton", "1 can", "1 sponge"):
        assert words in text
    assert "can't name" not in text, "a part of something named is no other object"


@pytest.mark.parametrize(
    ("sentence", "in_reason"),
    [
        ("where is the mug next to the giraffe?", "does not know 'giraffe'"),
        ("everything but the giraffes", "does not know 'giraffe'"),
        ("where is the mug next to the striped can?", "'striped' was not checked"),
    ],
)
def test_what_could_not_be_compared_or_left_out_is_a_doubt(pipeline, simulated_bin, sentence, in_reason):
    answer = pipeline.run(simulated_bin.frame, sentence).answer
    assert answer.status is Status.UNCERTAIN
    assert in_reason in answer.reason


@pytest.mark.parametrize(
    "sentence", ["is there anything purple?", "is there a green mug?", "where is the mug on the can?"]
)
def test_a_no_that_geometry_says_is_as_sure_as_what_it_rests_on(pipeline, simulated_bin, sentence):
    answer = pipeline.run(simulated_bin.frame, sentence).answer
    assert (answer.status, answer.confidence) == (Status.ABSENT, pytest.approx(1.0))


def test_next_to_what_is_not_there_nothing_is(pipeline, simulated_bin):
    answer = pipeline.run(simulated_bin.frame, "where is the mug next to the hammer?").answer
    assert answer.status is Status.ABSENT
    assert "no hammer to compare with" in answer.reason


class Unsure:
    """A detector that knows the truth of a bin, and is not sure of some of it."""

    def __init__(self, detector, doubted, score=0.3):
        self.name, self.classes, self.colours = detector.name, detector.classes, detector.colours
        self.vocabulary = detector.vocabulary
        self._detector, self._doubted, self._score = detector, doubted, score

    def detect(self, rgb, phrases):
        found = self._detector.detect(rgb, phrases)
        return found.replace(score=np.where(found.label == self._doubted, self._score, found.score).astype(np.float32))


def test_who_names_what_to_compare_with_knows_that_it_is_there(simulated_bin):
    unsure = PickingPipeline(
        PickingConfig(), models=ModelSuite.of(Unsure(simulated_bin.detector, "can")), grippers=GRIPPERS
    )
    assert unsure.run(simulated_bin.frame, "is there a can?").answer.status is Status.UNCERTAIN
    result = unsure.run(simulated_bin.frame, "where is the mug next to the can?")
    assert result.answer.status is Status.PRESENT
    assert "took for the can what looks most like one (0.30)" in result.answer.reason
    on = unsure.run(simulated_bin.frame, "where is the mug on the can?").answer
    supposed = PickingConfig().present_threshold
    assert (on.status, on.confidence) == (Status.ABSENT, pytest.approx(supposed)), "the can may be none"


def test_who_tells_which_one_is_meant_knows_that_it_is_there(simulated_bin):
    unsure = PickingPipeline(
        PickingConfig(), models=ModelSuite.of(Unsure(simulated_bin.detector, "mug")), grippers=GRIPPERS
    )
    for sentence in ("where is the mug?", "is there a mug next to the can?"):
        assert unsure.run(simulated_bin.frame, sentence).answer.status is Status.UNCERTAIN, sentence
    meant = unsure.run(simulated_bin.frame, "where is the mug next to the can?")
    sure = PickingPipeline(PickingConfig(), models=ModelSuite.of(simulated_bin.detector), grippers=GRIPPERS)
    wanted = sure.run(simulated_bin.frame, "where is the mug next to the can?").detections.xyxy
    assert meant.answer.status is Status.PRESENT
    assert 0.5 < meant.answer.confidence < 0.97
    np.testing.assert_array_equal(meant.detections.xyxy, wanted)


def test_who_has_one_picked_knows_that_it_is_there(simulated_bin):
    def unsure(doubted, score):
        models = ModelSuite.of(Unsure(simulated_bin.detector, doubted, score))
        return PickingPipeline(PickingConfig(), models=models, grippers=GRIPPERS)

    assert unsure("can", 0.45).run(simulated_bin.frame, "where is the can?").answer.status is Status.UNCERTAIN
    picked = unsure("can", 0.45).run(simulated_bin.frame, "pick the can")
    assert picked.answer.status is Status.PRESENT
    assert "took for the can what looks most like one (0.45)" in picked.answer.reason
    assert {grasp.label for grasp in picked.grasps} == {"can"}
    # Hardly a can, and either of two mugs.
    for doubted, score, status in (("can", 0.16, Status.ABSENT), ("mug", 0.45, Status.UNCERTAIN)):
        left = unsure(doubted, score).run(simulated_bin.frame, f"pick the {doubted}")
        assert (left.answer.status, left.grasps) == (status, ())


@pytest.mark.parametrize("sentence", ["pick the mug on top", "where is the largest mug?"])
def test_without_depth_heights_and_sizes_are_no_guess(pipeline, simulated_bin, sentence):
    frame = simulated_bin.frame
    depth = frame.depth_m.copy()
    depth[simulated_bin.mask_of("mug", "red") | simulated_bin.mask_of("mug", "blue")] = np.nan
    answer = pipeline.run(RgbdFrame(frame.rgb, depth, frame.camera), sentence).answer
    assert answer.status is Status.UNCERTAIN
    assert "depth is missing" in answer.reason


@pytest.mark.parametrize(
    ("sentence", "hint"),
    [
        ("", "is there"),
        ("?!", "is there"),
        ("x" * 10_000, "500"),
        ("what colour is the mug?", "can't answer"),
        ("clear", "standing prompt"),
        ("open the gripper", "is there"),
    ],
    ids=["empty", "marks", "long", "free question", "clear", "another command"],
)
def test_what_can_t_be_answered_fails_with_the_fix(pipeline, simulated_bin, sentence, hint):
    result = pipeline.run(simulated_bin.frame, sentence)
    assert result.answer.status is Status.FAILED
    assert result.answer.confidence == 0
    assert hint in result.answer.reason
    assert len(result.detections) == 0
    assert not result.grasps


def test_a_pick_without_depth_could_not_look(pipeline, simulated_bin):
    frame = simulated_bin.frame
    blind = RgbdFrame(frame.rgb, np.full_like(frame.depth_m, np.nan), frame.camera)
    for sentence in ("pick the red mug", "pick anything", "where is anything?"):
        answer = pipeline.run(blind, sentence).answer
        assert answer.status is Status.FAILED
        assert "depth" in answer.reason
    assert pipeline.run(blind, "is there an apple?").answer.status is Status.PRESENT


def test_scores_between_the_thresholds_are_uncertain(simulated_bin):
    class Unsure:
        name, vocabulary, colours, classes = "unsure", None, None, ()

        def detect(self, rgb, phrases):
            return Detections([[10, 10, 50, 50]] * len(phrases), [0.35] * len(phrases), list(phrases))

    unsure = PickingPipeline(PickingConfig(), models=ModelSuite.of(Unsure()), grippers=GRIPPERS)
    answer = unsure.run(simulated_bin.frame, "is there an apple?").answer
    assert (answer.status, answer.confidence) == (Status.UNCERTAIN, pytest.approx(0.35))
    unsure.update(PickingConfig(present_threshold=0.3))
    assert unsure.run(simulated_bin.frame, "is there an apple?").answer.status is Status.PRESENT
    unsure.update(PickingConfig(present_threshold=0.9, absent_threshold=0.4))
    answer = unsure.run(simulated_bin.frame, "is there an apple?").answer
    assert (answer.status, answer.confidence) == (Status.ABSENT, pytest.approx(0.65))


def test_a_model_that_fails_is_never_nothing_found(simulated_bin):
    class Broken:
        name, vocabulary, colours, classes = "broken", None, None, ()

        def detect(self, rgb, phrases):
            raise ModelError("the GPU is out of memory")

    broken = PickingPipeline(PickingConfig(), models=ModelSuite.of(Broken()), grippers=GRIPPERS)
    for sentence in ("an apple", "is there an apple?", "pick the apple", "how many apples?"):
        answer = broken.run(simulated_bin.frame, sentence).answer
        assert (answer.status, answer.reason) == (Status.FAILED, "the GPU is out of memory")
    with pytest.raises(ModelError, match="out of memory"):
        broken.warm_up(width=64, height=48)


def test_stages_are_told_and_timed_and_can_end_a_run(pipeline, simulated_bin):
    told = []
    result = pipeline.run(simulated_bin.frame, "pick the can", on_stage=lambda name, share: told.append((name, share)))
    assert [name for name, _ in told] == ["understand", "support", "look", "segment", "lift", "relate", "plan"]
    assert [share for _, share in told] == sorted(share for _, share in told)
    assert set(result.timings_ms) == {name for name, _ in told} | {"total"}

    class Cancelled(Exception):
        pass

    def cancel(name, share):
        if name == "plan":
            raise Cancelled

    with pytest.raises(Cancelled):
        pipeline.run(simulated_bin.frame, "pick the can", on_stage=cancel)


def test_a_wrong_gripper_leaves_the_old_settings(pipeline):
    before = pipeline.config
    with pytest.raises(ConfigError, match="robotiq_2f85"):
        pipeline.update(PickingConfig(grippers=("robotiq_2f58",)))
    assert pipeline.config is before
