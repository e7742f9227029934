"""The pipeline with other models than a detector: presence, words, captions, outlines, and what none of them can."""

import numpy as np
import pytest

from tests.known_models import Answerer, Boxes, BoxOutlines, Captioner, KnowingScorer, PhraseOutlines
from vlm_picking.config import PickingConfig
from vlm_picking.errors import ModelError, ReplyError
from vlm_picking.frame import RgbdFrame
from vlm_picking.gripper_files import load_gripper
from vlm_picking.models.base import Role
from vlm_picking.models.suite import ModelSuite
from vlm_picking.pipeline import PickingPipeline
from vlm_picking.presence import SUREST, Vote, fuse
from vlm_picking.result import Status

GRIPPERS = (load_gripper("suction_30mm"),)


def pipeline_of(*models, **settings) -> PickingPipeline:
    return PickingPipeline(PickingConfig(**settings), models=ModelSuite.of(*models), grippers=GRIPPERS)


def ask(simulated_bin, sentence, *models):
    return pipeline_of(*models).run(simulated_bin.frame, sentence)


def vote(probability, role=Role.DETECTION):
    return Vote("model", role, probability)


def test_one_vote_is_what_it_says_and_none_is_certain():
    assert fuse([vote(0.3)]) == pytest.approx(0.3)
    assert fuse([vote(1.0)]) == pytest.approx(SUREST)
    assert fuse([vote(0.3), vote(0.3, Role.SIMILARITY), vote(0.3, Role.ANSWERING)]) == pytest.approx(0.3)


def test_votes_weigh_by_role_and_in_any_order():
    details, whole = vote(0.9), vote(0.1, Role.SIMILARITY)
    assert 0.5 < fuse([details, whole]) < 0.9
    assert fuse([details, whole]) == pytest.approx(fuse([whole, details]))
    assert fuse([details, vote(0.1, Role.ANSWERING)]) == pytest.approx(0.5)
    no_details = fuse([vote(0.1), vote(0.9, Role.SIMILARITY)])
    assert no_details == pytest.approx(1 - fuse([details, whole])), "yes and no are treated alike"


def test_more_belief_never_means_less():
    shares = np.linspace(0, 1, 21)
    fused = [fuse([vote(0.4), vote(p, Role.SIMILARITY), vote(0.7, Role.ANSWERING)]) for p in shares]
    assert (np.diff(fused) >= 0).all()


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_a_fault_of_the_model(probability):
    with pytest.raises(ModelError, match="where a probability is needed"):
        vote(probability)


@pytest.mark.parametrize(
    ("sentence", "status"),
    [
        ("is there an apple?", Status.PRESENT),
        ("is there a red mug?", Status.PRESENT),
        ("is there a screwdriver?", Status.ABSENT),
        ("is there a screwdriver or an apple?", Status.PRESENT),
        ("is there a screwdriver and an apple?", Status.ABSENT),
        ("where is the screwdriver?", Status.ABSENT),
        ("where is the mug?", Status.UNCERTAIN),
    ],
)
def test_a_model_that_compares_tells_presence(simulated_bin, sentence, status):
    result = ask(simulated_bin, sentence, KnowingScorer(simulated_bin.truth))
    assert result.answer.status is status
    assert result.model == "scorer"
    assert not len(result.detections)
    assert ("can't say where" in result.answer.reason) == sentence.startswith("where")


@pytest.mark.parametrize("sentence", ["pick the red mug", "how many mugs?", "pick everything but the mugs"])
@pytest.mark.parametrize("kind", ["scorer", "captioner", "outlines"])
def test_what_needs_a_place_fails_with_the_fix_where_nobody_tells_places(simulated_bin, sentence, kind):
    models = {
        "scorer": KnowingScorer(simulated_bin.truth),
        "captioner": Captioner(),
        "outlines": BoxOutlines(simulated_bin.truth),
    }
    result = ask(simulated_bin, sentence, models[kind])
    assert result.answer.status is Status.FAILED
    assert f"{kind} can't say where things are; set detection_model" in result.answer.reason
    assert not result.grasps


def test_where_without_places_is_uncertain_and_says_why(simulated_bin):
    answer = ask(simulated_bin, "where is the mug?", KnowingScorer(simulated_bin.truth)).answer
    assert answer.text == "There may be a mug, but I can't say where."
    assert answer.count is None
    assert "set detection_model" in answer.reason and "0.95" in answer.reason


def test_presence_that_nobody_can_tell_is_a_failure(simulated_bin):
    answer = ask(simulated_bin, "is there an apple?", Captioner()).answer
    assert answer.status is Status.FAILED
    assert "set detection_model" in answer.reason


def test_anything_needs_no_model_that_detects(simulated_bin):
    result = ask(simulated_bin, "pick anything", KnowingScorer(simulated_bin.truth))
    assert result.answer.status is Status.PRESENT
    assert result.grasps
    assert result.model == "geometry"


def test_presence_by_a_question(simulated_bin):
    answerer = Answerer(yes=0.93)
    answer = ask(simulated_bin, "is there a red mug next to the can?", answerer).answer
    assert (answer.status, answer.confidence) == (Status.PRESENT, pytest.approx(0.93))
    assert answerer.asked == [(1, "Is there a red mug next to the can in the image?")]
    assert answer.text == "There is a red mug."


def test_several_models_agree(simulated_bin):
    models = (Boxes(simulated_bin.detector), KnowingScorer(simulated_bin.truth), Answerer(yes=0.9))
    result = ask(simulated_bin, "is there an apple?", *models)
    assert result.answer.status is Status.PRESENT
    assert result.answer.confidence == pytest.approx(0.9, abs=0.02)
    assert "disagree" not in result.answer.reason
    for said in ("boxes 0.90", "scorer 0.95", "answerer 0.90"):
        assert said in result.answer.reason
    assert result.model == "boxes + scorer + answerer"
    assert len(result.detections) == 1


def test_disagreement_is_said_and_a_box_that_was_seen_is_never_absent(simulated_bin):
    detector = Boxes(simulated_bin.detector, score=0.7)
    scorer = KnowingScorer(simulated_bin.truth, believes={"apple": 0.01})
    result = ask(simulated_bin, "is there an apple?", detector, scorer, Answerer(yes=0.02))
    assert result.answer.status is Status.UNCERTAIN
    assert result.answer.reason.startswith("the models disagree: boxes 0.70")
    assert len(result.detections) == 1


def test_places_and_counts_are_the_detectors_alone(simulated_bin):
    scorer, answerer = KnowingScorer(simulated_bin.truth), Answerer(yes=0.01)
    for sentence in ("where is the apple?", "pick the apple", "how many apples?"):
        assert ask(simulated_bin, sentence, simulated_bin.detector, scorer, answerer).answer.status is Status.PRESENT
    assert not scorer.asked and not answerer.asked


def test_a_word_that_the_detector_does_not_know_is_for_the_others(simulated_bin):
    for believed, status in ((0.97, Status.PRESENT), (0.02, Status.ABSENT)):
        scorer = KnowingScorer(simulated_bin.truth, believes={"giraffe": believed, "striped mug": believed})
        answer = ask(simulated_bin, "is there a giraffe?", simulated_bin.detector, scorer).answer
        assert answer.status is status
        assert "does not know 'giraffe'" in answer.reason
        result = ask(simulated_bin, "is there a striped mug?", simulated_bin.detector, scorer)
        assert result.answer.status is status
        assert len(result.detections) == (2 if status is Status.PRESENT else 0)


def test_an_answer_that_is_neither_yes_nor_no_is_no_vote(simulated_bin):
    answer = ask(simulated_bin, "is there an apple?", simulated_bin.detector, Answerer(yes=0.01, mass=0.001)).answer
    assert answer.status is Status.PRESENT
    alone = ask(simulated_bin, "is there an apple?", Answerer(yes=0.99, mass=0.001)).answer
    assert alone.status is Status.UNCERTAIN
    assert "answerer said neither yes nor no" in alone.reason


@pytest.mark.parametrize(
    ("yes", "status", "text", "confidence"),
    [
        (0.93, Status.PRESENT, "Yes.", 0.93),
        (0.04, Status.ABSENT, "No.", 0.96),
        (0.35, Status.UNCERTAIN, "I am not sure.", 0.35),
    ],
)
def test_yes_or_no(simulated_bin, yes, status, text, confidence):
    answer = ask(simulated_bin, "is the lid of the box open?", simulated_bin.detector, Answerer(yes=yes)).answer
    assert (answer.status, answer.text) == (status, text)
    assert answer.confidence == pytest.approx(confidence)


def test_an_answer_in_words_has_no_probability(simulated_bin):
    answerer = Answerer(reply="Red,\x1b[31m and  white.")
    result = ask(simulated_bin, "what colour is the mug?", answerer)
    assert (result.answer.status, result.answer.text) == (Status.UNCERTAIN, "Red, [31m and white.")
    assert result.model == "answerer"
    assert answerer.asked == [(1, "what colour is the mug?")]


def test_a_yes_or_no_that_the_model_does_not_take_as_one_is_answered_in_words(simulated_bin):
    answer = ask(simulated_bin, "is the lid open?", Answerer(mass=0.01, reply="I see no lid.")).answer
    assert (answer.status, answer.text) == (Status.UNCERTAIN, "I see no lid.")


@pytest.mark.parametrize(
    ("sentence", "status", "text"),
    [
        ("is the box open or closed?", Status.PRESENT, "Open."),
        ("is the box full or empty?", Status.UNCERTAIN, "Perhaps full."),
        ("is the box open?", Status.PRESENT, "Yes."),
        ("is the box closed?", Status.ABSENT, "No."),
        ("is the box full?", Status.UNCERTAIN, "I am not sure."),
    ],
)
def test_one_of_several_by_similarity(simulated_bin, sentence, status, text):
    believes = {"the box is open": 0.8, "the box is closed": 0.1, "the box is full": 0.6, "the box is empty": 0.4}
    answer = ask(simulated_bin, sentence, KnowingScorer(simulated_bin.truth, believes=believes)).answer
    assert (answer.status, answer.text) == (status, text)


def test_one_of_several_in_words_where_nobody_compares(simulated_bin):
    answer = ask(simulated_bin, "is the box open or closed?", Answerer(reply="It is closed.")).answer
    assert (answer.status, answer.text) == (Status.UNCERTAIN, "It is closed.")


@pytest.mark.parametrize(
    "sentence", ["what colour is the mug?", "is the mug red?", "why is the conveyor not moving?", "did the mug move?"]
)
def test_free_questions_without_a_model_for_them_name_the_setting(simulated_bin, sentence):
    for models in ((simulated_bin.detector,), (KnowingScorer(simulated_bin.truth),)):
        answer = ask(simulated_bin, sentence, *models).answer
        assert answer.status is Status.FAILED
        assert "set answering_model" in answer.reason


def test_a_count_is_answered_in_words_where_nobody_finds(simulated_bin):
    answer = ask(simulated_bin, "how many mugs are there?", Answerer(reply="There are 2 mugs.")).answer
    assert (answer.status, answer.text, answer.count) == (Status.UNCERTAIN, "There are 2 mugs.", None)
    assert ask(simulated_bin, "describe the mug", Answerer(reply="A red one.")).answer.text == "A red one."


def test_a_description_has_a_caption(simulated_bin):
    result = ask(simulated_bin, "what do you see?", simulated_bin.detector, Captioner())
    assert "2 mugs" in result.answer.text
    assert result.answer.text.endswith("A crate with six things.")
    assert result.model == "oracle + captioner"
    without = ask(simulated_bin, "what do you see?", simulated_bin.detector).answer
    assert "set captioning_model" in without.reason


def test_a_caption_needs_neither_detector_nor_depth(simulated_bin):
    frame = simulated_bin.frame
    blind = RgbdFrame(frame.rgb, np.full_like(frame.depth_m, np.nan), frame.camera)
    answer = pipeline_of(Captioner()).run(blind, "describe what you see").answer
    assert (answer.status, answer.text) == (Status.UNCERTAIN, "A crate with six things.")


@pytest.mark.parametrize("outlines", [BoxOutlines, PhraseOutlines], ids=["by box", "by phrase"])
def test_masks_come_from_a_segmenter(simulated_bin, outlines):
    models = (Boxes(simulated_bin.detector), outlines(simulated_bin.truth))
    result = ask(simulated_bin, "where is the red mug?", *models)
    assert np.array_equal(result.detections.mask[0], simulated_bin.mask_of("mug", "red"))
    assert result.model == "boxes + outlines"


def test_where_a_segmenter_has_no_pixels_geometry_looks(simulated_bin):
    class Nothing:
        name = "nothing"

        def masks(self, rgb, xyxy):
            return np.zeros((len(xyxy), *rgb.shape[:2]), bool)

    result = ask(simulated_bin, "where is the red mug?", Boxes(simulated_bin.detector), Nothing())
    truth, mask = simulated_bin.mask_of("mug", "red"), result.detections.mask[0]
    assert (mask & truth).sum() > 0.7 * (mask | truth).sum()


def test_a_segmenter_of_phrases_picks_alone(simulated_bin):
    result = ask(simulated_bin, "pick the red mug", PhraseOutlines(simulated_bin.truth))
    assert result.answer.status is Status.PRESENT
    assert result.grasps


@pytest.mark.parametrize(
    ("sentence", "role", "method"),
    [
        ("is there an apple?", KnowingScorer, "presence"),
        ("is there an apple?", Answerer, "yes_probability"),
        ("is the lid open?", Answerer, "yes_probability"),
        ("what do you see?", Captioner, "caption"),
        ("why is it dark in there?", Answerer, "answer"),
        ("where is the red mug?", BoxOutlines, "masks"),
        ("where is the red mug?", PhraseOutlines, "segment"),
    ],
)
def test_a_model_that_could_not_look_is_a_failure_with_its_reason(simulated_bin, sentence, role, method, monkeypatch):
    def broken(self, *args):
        raise ReplyError.about("no number in it", "<<garbage")

    monkeypatch.setattr(role, method, broken)
    needs_truth = role not in (Answerer, Captioner)
    result = ask(
        simulated_bin, sentence, Boxes(simulated_bin.detector), role(simulated_bin.truth) if needs_truth else role()
    )
    assert result.answer.status is Status.FAILED
    assert "the reply begins '<<garbage'" in result.answer.reason
    assert not len(result.detections)


def moment(simulated_bin, second: float, *, shift: int = 0) -> RgbdFrame:
    frame = simulated_bin.frame
    return RgbdFrame(np.roll(frame.rgb, shift, axis=1), frame.depth_m, frame.camera, stamp_ns=int(second * 1e9))


def test_change_is_asked_about_the_last_frames(simulated_bin):
    answerer = Answerer(max_images=8)
    pipeline = pipeline_of(answerer, history_frames=3, history_interval_s=1.0)
    for second in (1.0, 1.5, 2.0, 3.0, 4.0):
        pipeline.remember(moment(simulated_bin, second))
    still = pipeline.run(moment(simulated_bin, 5.0), "did the mug move?").answer
    moved = pipeline.run(moment(simulated_bin, 6.0, shift=5), "did the mug move?").answer
    assert (still.text, moved.text) == ("No.", "Yes.")
    assert [count for count, _ in answerer.asked] == [3, 3]
    assert "the oldest first. did the mug move?" in answerer.asked[0][1]
    assert pipeline.run(moment(simulated_bin, 7.0, shift=5), "what changed?").answer.text == "1 changes"


def test_runs_are_remembered_and_a_clock_that_jumps_back_starts_anew(simulated_bin):
    pipeline = pipeline_of(Answerer(max_images=4))
    for second in (1.0, 2.0):
        pipeline.run(moment(simulated_bin, second), "pick anything")
    assert pipeline.run(moment(simulated_bin, 3.0), "did the mug move?").answer.text == "No."
    answer = pipeline.run(moment(simulated_bin, 0.5), "did the mug move?").answer
    assert answer.status is Status.FAILED
    assert "none yet" in answer.reason


def test_a_model_that_takes_one_image_says_so_and_nothing_is_kept(simulated_bin):
    pipeline = pipeline_of(Answerer(max_images=1))
    assert pipeline.history_limit == 1
    pipeline.run(moment(simulated_bin, 1.0), "pick anything")
    answer = pipeline.run(moment(simulated_bin, 2.0), "did the mug move?").answer
    assert answer.status is Status.FAILED
    assert "answerer takes one image; set answering_model" in answer.reason


def test_every_model_is_warmed_up_and_a_fault_is_told(simulated_bin):
    answerer, scorer = Answerer(), KnowingScorer(simulated_bin.truth)
    pipeline_of(answerer, scorer, Captioner(), BoxOutlines(simulated_bin.truth)).warm_up()
    assert answerer.asked and scorer.asked
