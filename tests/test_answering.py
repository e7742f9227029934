"""Statuses and sentences from what was seen."""

import numpy as np
import pytest

from vlm_picking.answering import TargetSight, answer_query, combine, describe, numbered, plural
from vlm_picking.detections import Detections
from vlm_picking.grasp import GraspPlan
from vlm_picking.query import Query, QueryKind, Target
from vlm_picking.result import Status

NONE = Detections.empty()


def seen(*scores, at=(100, 100)):
    u, v = at
    boxes = [[u - 10, v - 10, u + 10, v + 10]] * len(scores)
    return Detections(np.array(boxes).reshape(-1, 4), scores, ["mug"] * len(scores))


def sight(noun="mug", present=NONE, maybe=NONE, best=0.0, doubts=(), reason=""):
    return TargetSight(Target(noun), present, maybe, best, doubts, reason)


@pytest.mark.parametrize(
    ("given", "status", "presence"),
    [
        (sight(present=seen(0.9)), Status.PRESENT, 0.9),
        (sight(maybe=seen(0.4)), Status.UNCERTAIN, 0.4),
        (sight(best=0.1), Status.ABSENT, 0.1),
        (sight(present=seen(0.9), doubts=("'striped' was not checked",)), Status.UNCERTAIN, 0.9),
        (sight(best=0.5, doubts=("unknown word",)), Status.UNCERTAIN, 0.5),
        (sight(best=0.1, reason="2 mugs seen, but none that is red"), Status.ABSENT, 0.1),
    ],
    ids=["sure", "maybe", "no", "doubted", "unknown", "filtered"],
)
def test_one_target(given, status, presence):
    assert given.status is status
    assert given.presence == pytest.approx(presence)


@pytest.mark.parametrize(
    ("require_all", "status", "confidence"),
    [(False, Status.PRESENT, 0.9), (True, Status.ABSENT, 0.8)],
    ids=["any", "all"],
)
def test_several_targets(require_all, status, confidence):
    got = combine([sight(present=seen(0.9)), sight("apple", best=0.2)], require_all=require_all)
    assert got == (status, pytest.approx(confidence))


@pytest.mark.parametrize(
    ("at", "words"),
    [((20, 20), "top left"), ((620, 240), "right of"), ((320, 240), "in the middle"), ((320, 470), "bottom of")],
)
def test_places_are_in_thirds(at, words):
    query = Query("where is the mug?", QueryKind.WHERE, (Target("mug"),))
    assert words in answer_query(query, [sight(present=seen(0.9, at=at))], None, (640, 480)).text


def test_a_pick_without_grasps_says_why():
    query = Query("pick the mug", QueryKind.PICK, (Target("mug"),), limit=1)
    plan = GraspPlan(rejected={"too wide": 12, "collides": 30})
    answer = answer_query(query, [sight(present=seen(0.9))], plan, (640, 480))
    assert answer.status is Status.PRESENT
    assert "no grasp" in answer.text
    assert "no grasp: collides 30, too wide 12" in answer.reason


def test_counts_tell_what_may_be_one_more():
    query = Query("how many mugs?", QueryKind.COUNT, (Target("mug"),))
    answer = answer_query(query, [sight(present=seen(0.9, 0.8), maybe=seen(0.3))], None, (640, 480))
    assert answer.count == 2
    assert "2 mugs, and 1 more that may be" in answer.text


def test_a_count_of_what_is_not_sure_is_what_there_may_be():
    unsure = sight(maybe=seen(0.4))
    counted = answer_query(Query("how many mugs?", QueryKind.COUNT, (Target("mug"),)), [unsure], None, (640, 480))
    assert (counted.status, counted.count) == (Status.UNCERTAIN, 1)
    assert counted.text == "I may see 1 mug, but I am not sure."
    asked = answer_query(Query("is there a mug?", QueryKind.PRESENCE, (Target("mug"),)), [unsure], None, (640, 480))
    assert (asked.status, asked.count) == (Status.UNCERTAIN, 0)


def test_an_empty_bin_is_described_as_empty():
    assert describe([sight(), sight("")]).status is Status.ABSENT


@pytest.mark.parametrize(
    ("noun", "count", "word"),
    [
        ("mug", 2, "mugs"),
        ("box", 2, "boxes"),
        ("battery", 2, "batteries"),
        ("toy", 2, "toys"),
        ("brush", 3, "brushes"),
        ("packaging", 2, "packaging"),
        ("mug", 1, "mug"),
    ],
)
def test_plurals(noun, count, word):
    assert plural(noun, count) == word


def test_a_number_keeps_the_colours():
    assert numbered(Target("mug", colours=("red",)), 2) == "2 red mugs"
    assert numbered(Target("packaging"), 3) == "3 pieces of packaging"
