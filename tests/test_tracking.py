"""Ids that stay with their objects, and presence that does not flicker: laws, and the example over its frames."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.known_models import Answerer
from vlm_picking.bags import read_frames
from vlm_picking.camera import PinholeCamera
from vlm_picking.config import PickingConfig
from vlm_picking.detections import Detections
from vlm_picking.errors import ModelError
from vlm_picking.frame import RgbdFrame
from vlm_picking.models.suite import ModelSuite
from vlm_picking.pipeline import PickingPipeline
from vlm_picking.result import Status
from vlm_picking.tracking import Smoothing, Tracker, diou
from vlm_picking.watch import Watch

EXAMPLE = Path(__file__).parents[1] / "examples" / "bin"
# A busy machine may pause anywhere: no example has a deadline.
anyhow = settings(deadline=None, max_examples=50)
P, U, A = Status.PRESENT, Status.UNCERTAIN, Status.ABSENT


def seen(*things: tuple[str, float, float], side: float = 40.0) -> Detections:
    """Squares by (label, x, y of the corner) [px]."""
    boxes = [(x, y, x + side, y + side) for _, x, y in things]
    return Detections(np.array(boxes).reshape(-1, 4), np.full(len(things), 0.9), [label for label, _, _ in things])


def follow(frames: list[Detections], *, hz: float = 10.0, max_age_s: float = 3.0) -> list[list[int]]:
    tracker = Tracker(max_age_s=max_age_s)
    return [tracker.update(frame, int(i * 1e9 / hz)).id.tolist() for i, frame in enumerate(frames)]


THINGS = (("mug", 50.0, 60.0), ("mug", 120.0, 60.0), ("can", 55.0, 65.0), ("can", 300.0, 200.0))


@anyhow
@given(st.permutations(range(len(THINGS))), st.integers(0, 10**6))
def test_the_order_of_detections_does_not_matter(order, seed):
    rng = np.random.default_rng(seed)
    frames = [seen(*((name, x + dx, y + dy) for name, x, y in THINGS)) for dx, dy in rng.normal(0, 8, (4, 2))]
    shuffled = [frame[np.array(order)] for frame in frames]
    for ids, others in zip(follow(frames), follow(shuffled), strict=True):
        assert [ids[i] for i in order] == others


@anyhow
@given(st.floats(-5000, 5000), st.floats(-5000, 5000), st.integers(0, 10**6))
def test_where_the_image_begins_does_not_matter(dx, dy, seed):
    rng = np.random.default_rng(seed)
    frames = [seen(*((name, x + j, y + k) for name, x, y in THINGS)) for j, k in rng.normal(0, 8, (4, 2))]
    moved = [frame.replace(xyxy=frame.xyxy + np.float32([dx, dy, dx, dy])) for frame in frames]
    assert follow(frames) == follow(moved)


def test_what_moves_keeps_its_id():
    assert follow([seen(("mug", 35.0 * i, 10.0 * i)) for i in range(12)]) == [[0]] * 12


def test_a_jump_across_the_image_is_another_object():
    assert follow([seen(("mug", 0, 0)), seen(("mug", 400, 300))]) == [[0], [1]]


@pytest.mark.parametrize(("gap", "same"), [(1, True), (29, True), (30, False), (60, False)])
def test_ids_survive_gaps_up_to_the_age(gap, same):
    frames = [seen(("mug", 50, 50))] + [seen()] * gap + [seen(("mug", 52, 50))]
    assert (follow(frames, hz=10, max_age_s=3.0)[-1] == [0]) is same


def test_age_is_by_stamps_not_by_frames():
    tracker = Tracker(max_age_s=3.0)
    one = tracker.update(seen(("mug", 50, 50)), 0)
    for i in range(1, 200):
        tracker.update(seen(), i * 10_000_000)
    assert tracker.update(seen(("mug", 50, 50)), 2_500_000_000).id.tolist() == one.id.tolist()
    assert tracker.update(seen(("mug", 50, 50)), 6_000_000_000).id.tolist() != one.id.tolist()


@pytest.mark.parametrize("hidden", [0, 1, 3], ids=lambda n: f"{n} frames as one")
def test_two_of_a_kind_cross(hidden):
    """One goes right, one left, on one line; while they cover each other only one of them is seen."""
    frames = []
    for i in range(21):
        a, b = ("mug", 15.0 * i, 0.0), ("mug", 300 - 15.0 * i, 4.0)
        frames.append(seen(a) if abs(i - 10) < hidden / 2 else seen(a, b))
    ids = follow(frames)
    assert ids[0] == ids[-1] == [0, 1]


def test_an_object_taken_away_leaves_the_ids_of_the_others():
    frames = [seen(("mug", 0, 0), ("mug", 41, 0), ("mug", 82, 0)), seen(("mug", 41, 0), ("mug", 82, 0))]
    assert follow(frames) == [[0, 1, 2], [1, 2]]


def test_labels_never_share_an_id():
    assert follow([seen(("mug", 0, 0)), seen(("bowl", 0, 0)), seen(("mug", 0, 0), ("bowl", 0, 0))]) == [
        [0],
        [1],
        [0, 1],
    ]


def test_a_jump_back_in_time_starts_anew_with_new_ids():
    tracker = Tracker(max_age_s=3.0)
    first = tracker.update(seen(("mug", 0, 0)), 10**9)
    again = tracker.update(seen(("mug", 0, 0)), 0)
    assert (first.id.tolist(), again.id.tolist()) == ([0], [1])


def test_shaking_boxes_do_not_drift_away():
    rng = np.random.default_rng(5)
    frames = (
        [seen(("mug", *(100 + rng.normal(0, 3, 2)))) for _ in range(60)] + [seen()] * 20 + [seen(("mug", 100, 100))]
    )
    assert {i for ids in follow(frames, hz=30) for i in ids} == {0}


@anyhow
@given(st.lists(st.tuples(*[st.floats(-1e3, 1e3)] * 4), min_size=1, max_size=4))
def test_diou_is_one_with_itself_symmetric_and_bounded(corners):
    boxes = np.array([(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in corners])
    table = diou(boxes, boxes)
    assert np.allclose(table, table.T) and (np.abs(table) <= 1 + 1e-9).all()
    big = (boxes[:, 2:] - boxes[:, :2]).min(axis=1) > 1e-3
    assert np.allclose(np.diag(table)[big], 1)


# Smoothing.

SMOOTHING = Smoothing(time_constant_s=0.5, restart_after_s=3.0, present_threshold=0.5, absent_threshold=0.2)


def statuses(probabilities: list[float], *, hz: float, smoothing: Smoothing = SMOOTHING) -> list[Status]:
    belief, said = None, []
    for i, probability in enumerate(probabilities):
        belief = smoothing.next(belief, probability, int(i * 1e9 / hz))
        said.append(belief.status)
    return said


def changes(said: list[Status]) -> int:
    return sum(a is not b for a, b in pairwise(said))


@pytest.mark.parametrize("hz", [0.5, 2, 10, 30])
@pytest.mark.parametrize(
    ("usual", "odd", "status"),
    [(0.97, 0.0, P), (0.9, 0.02, P), (0.02, 0.99, A), (0.0, 0.7, A)],
    ids=["blink", "weaker blink", "ghost", "weaker ghost"],
)
def test_no_single_frame_turns_a_settled_answer(hz, usual, odd, status):
    said = statuses([usual] * 80 + [odd] + [usual] * 80, hz=hz)
    assert set(said) == {status}


@pytest.mark.parametrize("hz", [2, 10, 30])
@pytest.mark.parametrize(("low", "high"), [(0.4, 0.6), (0.45, 0.55), (0.1, 0.3)])
def test_scores_around_a_threshold_do_not_flicker(hz, low, high):
    rng = np.random.default_rng(1)
    probabilities = rng.uniform(low, high, 200).tolist()
    raw = [P if p >= 0.5 else A if p < 0.2 else U for p in probabilities]
    assert changes(raw) > 60
    assert changes(statuses(probabilities, hz=hz)) <= 3


@pytest.mark.parametrize(
    ("hz", "seen_as", "frames"),
    [(0.5, 0.9, 2), (0.5, 0.7, 4), (2, 0.9, 2), (2, 0.7, 4), (10, 0.9, 5), (10, 0.7, 9), (30, 0.9, 15), (30, 0.7, 25)],
)
def test_what_appears_shows_within_so_many_frames(hz, seen_as, frames):
    """From the firmest ABSENT; docs/tracking.md has the table."""
    said = statuses([0.0] * 100 + [seen_as] * frames, hz=hz)
    assert said[99] is A and said[-1] is P
    assert said[-2] is not P, "the table promises less than holds"


@pytest.mark.parametrize("hz", [0.5, 2, 10, 30])
def test_what_is_gone_is_said_to_be_gone(hz):
    frames = max(2, int(0.5 * hz))
    assert statuses([0.99] * 100 + [0.01] * frames, hz=hz)[-1] is A


@pytest.mark.parametrize("p", [0.0, 0.1, 0.2, 0.35, 0.5, 0.9, 1.0])
def test_the_first_frame_and_one_after_a_gap_stand_for_themselves(p):
    alone = P if p >= 0.5 else A if p < 0.2 else U
    first = SMOOTHING.next(None, p, 0)
    settled = SMOOTHING.next(SMOOTHING.next(None, 0.99, 0), 0.99, 10**9)
    assert first.status is alone
    assert SMOOTHING.next(settled, p, 5 * 10**9).status is alone  # 4 s later
    assert SMOOTHING.next(settled, p, 5 * 10**8).status is alone  # back in time


@anyhow
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_what_stays_as_it_is_gets_its_own_status(p, a, b):
    smoothing = Smoothing(
        time_constant_s=0.5, restart_after_s=3, absent_threshold=min(a, b), present_threshold=max(a, b, 0.01)
    )
    said = statuses([p] * 50, hz=10, smoothing=smoothing)
    assert len(set(said)) == 1


# In the pipeline.

CAMERA = PinholeCamera(160, 120, 150.0, 150.0, 80.0, 60.0)
FLOOR = RgbdFrame(np.full((120, 160, 3), 90, np.uint8), np.full((120, 160), 0.7, np.float32), CAMERA)


class Scripted:
    """A detector with a score a frame for every phrase; None is a fault."""

    name, vocabulary, colours, classes = "scripted", None, None, ()

    def __init__(self, scores: list[float | None]) -> None:
        self._scores = list(scores)

    def detect(self, rgb, phrases):
        score = self._scores.pop(0)
        if score is None:
            raise ModelError("the model is out of memory")
        boxes = np.tile(np.float32([[60, 40, 90, 70]]), (len(phrases), 1))
        return Detections(boxes, np.full(len(phrases), score), list(phrases))


def ask_in_a_row(frame, scores, sentence, *, hz=10.0, watch=None, **settings):
    pipeline = PickingPipeline(PickingConfig(**settings), models=ModelSuite.of(Scripted(scores)), grippers=())
    frames = [replace(frame, stamp_ns=int(i * 1e9 / hz)) for i in range(len(scores))]
    return [pipeline.run(each, sentence, watch=watch, plan=False) for each in frames]


FLICKER = [
    # what the model scores in consecutive frames, 10 a second -> what a standing prompt answers
    ("steady", [0.9] * 6, "PPPPPP"),
    ("blink", [0.9] * 6 + [0.05] + [0.9] * 3, "PPPPPPPPPP"),
    ("ghost", [0.02] * 6 + [0.8] + [0.02] * 3, "AAAAAAAAAA"),
    ("around the threshold", [0.55, 0.45, 0.52, 0.48, 0.55, 0.46], "PPPPPP"),
    ("gone", [0.9] * 4 + [0.0] * 5, "PPPPPPPUA"),
    ("fault", [0.9, 0.9, None, 0.9, 0.9], "PPFPP"),
    ("fault is no absence", [0.9, None, None, None, None, None, 0.9], "PFFFFFP"),
    ("fault is no presence", [0.02, None, None, None, 0.02], "AFFFA"),
]


@pytest.mark.parametrize(("scores", "wanted"), [row[1:] for row in FLICKER], ids=[row[0] for row in FLICKER])
def test_flicker(scores, wanted):
    results = ask_in_a_row(FLOOR, scores, "is there a mug?", watch=Watch(), present_threshold=0.5)
    assert "".join(result.answer.status.value[0] for result in results) == wanted
    for result in results:
        assert (result.answer.status is Status.ABSENT) <= (len(result.detections) == 0 and result.answer.count == 0)


def test_what_is_not_this_frames_own_opinion_says_so():
    held = ask_in_a_row(FLOOR, [0.9] * 5 + [0.05], "is there a mug?", watch=Watch())[-1].answer
    assert (held.status, held.count, held.text) == (P, None, "There is a mug.")
    assert "this frame alone says ABSENT (0.05)" in held.reason
    ghost = ask_in_a_row(FLOOR, [0.01] * 5 + [0.8], "pick the mug", watch=Watch())[-1]
    assert (ghost.answer.status, ghost.answer.text) == (A, "I see no mug.")
    assert not len(ghost.detections) and not ghost.grasps


def test_single_questions_and_counts_are_not_smoothed():
    scores = [0.9] * 4 + [0.05]
    assert ask_in_a_row(FLOOR, scores, "is there a mug?")[-1].answer.status is A
    counted = ask_in_a_row(FLOOR, scores, "how many mugs?", watch=Watch())[-1].answer
    assert (counted.status, counted.count) == (A, 0)
    off = ask_in_a_row(FLOOR, scores, "is there a mug?", watch=Watch(), presence_smoothing_s=0.0)
    assert off[-1].answer.status is A


def test_another_prompt_starts_anew():
    watch = Watch()
    first = ask_in_a_row(FLOOR, [0.9] * 3, "is there a mug?", watch=watch)
    other = ask_in_a_row(FLOOR, [0.05], "is there a can?", watch=watch)[0]
    again = ask_in_a_row(FLOOR, [0.9], "is there a mug?", watch=watch)[0]
    assert other.answer.status is A
    ids = [result.detections.id.tolist() for result in (*first, again)]
    assert ids[0] == ids[1] == ids[2] != ids[3]


def test_ids_without_tracking_are_the_frames_own():
    scores = [0.9, None, 0.9]
    results = ask_in_a_row(FLOOR, scores, "is there a mug?", hz=0.1, watch=Watch(), tracking=False)
    assert [result.detections.id.tolist() for result in results] == [[0], [], [0]]


def test_a_standing_yes_or_no_does_not_flicker():
    watch, said = Watch(), []
    for i, yes in enumerate([0.9, 0.9, 0.9, 0.05, 0.9] + [0.02] * 8):
        models = ModelSuite.of(Answerer(yes=yes))
        pipeline = PickingPipeline(PickingConfig(), models=models, grippers=())
        frame = replace(FLOOR, stamp_ns=i * 100_000_000)
        said.append(pipeline.run(frame, "is the lid of the box open?", watch=watch).answer)
    assert [answer.text for answer in said[:5]] == ["Yes."] * 5
    assert (said[-1].text, said[-1].status) == ("No.", A)


@pytest.fixture(scope="module")
def example_results():
    """The example's frames, with the model that ships, under one standing prompt."""
    pipeline = PickingPipeline.from_config(PickingConfig(device="cpu"))
    watch = Watch()
    return [pipeline.run(frame, "where are the mugs?", watch=watch) for frame in read_frames(EXAMPLE)]


def test_ids_stay_over_the_whole_example(example_results):
    assert len(example_results) == 24
    by_frame = [dict(zip(r.detections.id.tolist(), r.detections.center_px, strict=True)) for r in example_results]
    assert {frozenset(ids) for ids in by_frame} == {frozenset(by_frame[0])}, [set(ids) for ids in by_frame]
    assert len(by_frame[0]) == 3
    for key, place in by_frame[0].items():
        assert max(np.linalg.norm(ids[key] - place) for ids in by_frame) < 10, f"#{key} went elsewhere"


def test_objects_and_grasps_carry_the_same_ids(example_results):
    for result in example_results:
        assert {thing.id for thing in result.objects} <= set(result.detections.id.tolist())
