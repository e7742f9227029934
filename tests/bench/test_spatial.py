"""Superlatives, relations and counts from a truth written by hand."""

import pytest

from vlm_picking.bench.spatial import (
    RELATIONS,
    count_questions,
    relation_questions,
    superlative_questions,
    superlative_winner,
)


@pytest.mark.parametrize(
    ("name", "winner"),
    [("leftmost", 1), ("rightmost", 2), ("uppermost", 1), ("lowermost", None), ("nearest", 2), ("farthest", 1),
     ("topmost", 2), ("lowest", 1), ("largest", 2), ("smallest", 1)],
)  # fmt: skip
def test_superlatives_have_a_winner_with_a_margin(thing, name, winner):
    things = (
        thing(1, "mug", (0, 0, 100, 100), top_m=0.05, depth=0.80),
        thing(2, "mug", (300, 20, 420, 140), top_m=0.10, depth=0.75, half_extents_m=(0.04, 0.04, 0.04)),
        thing(3, "mug", (150, 30, 260, 130), top_m=0.07, depth=0.78, half_extents_m=(0.035, 0.035, 0.035)),
    )
    if name == "uppermost":
        things = (*things[:1], thing(2, "mug", (300, 90, 420, 210)), thing(3, "mug", (150, 100, 260, 200)))
    if name in ("largest", "smallest"):
        things = things[:2]
    found = superlative_winner(name, things)
    assert (found and found.id) == winner


def test_size_is_not_asked_of_what_is_half_hidden(thing):
    small, large = (0.02,) * 3, (0.05,) * 3
    things = (
        thing(1, "can", (0, 0, 50, 50), half_extents_m=small),
        thing(2, "can", (100, 0, 250, 150), half_extents_m=large, visible=0.7),
    )
    assert superlative_winner("largest", things) is None


@pytest.mark.parametrize(
    ("name", "box", "holds"),
    [
        ("left of", (50, 200, 100, 250), True),
        ("right of", (50, 200, 100, 250), False),
        ("left of", (180, 60, 230, 110), None),  # more above than left
        ("above", (210, 20, 260, 70), True),
        ("below", (210, 20, 260, 70), False),
        ("next to", (145, 200, 195, 250), True),
        ("next to", (0, 0, 40, 40), False),
        ("next to", (90, 200, 140, 250), None),
    ],
)
def test_relations_hold_fail_or_are_in_doubt(thing, frame_of, name, box, holds):
    a, b = thing(1, "mug", box), thing(2, "can", (200, 200, 250, 250))
    assert RELATIONS[name](frame_of(a, b), a, b) is holds


def test_on_needs_the_physics(thing, frame_of):
    below = thing(1, "book", (100, 100, 300, 300), top_m=0.03)
    above = thing(2, "mug", (150, 150, 250, 250), top_m=0.12, rests_on=(1,))
    apart = thing(3, "can", (400, 100, 450, 150))
    frame = frame_of(below, above, apart)
    assert RELATIONS["on"](frame, above, below) is True
    assert RELATIONS["on"](frame, apart, below) is False
    hovering = thing(2, "mug", (150, 150, 250, 250), top_m=0.12)
    assert RELATIONS["on"](frame, hovering, below) is None
    assert RELATIONS["next to"](frame, above, below) is None


def test_a_relation_is_asked_with_and_without_an_answer(thing, frame_of):
    frame = frame_of(thing(1, "mug", (20, 200, 70, 250)), thing(2, "can", (500, 200, 550, 250)))
    questions = relation_questions(frame)
    assert len(questions) == 2
    for question in questions:
        starts = "is there " if question.answer_id is None else "where is the "
        assert question.sentence.startswith(starts)
    assert {question.answer_id is None for question in questions} == {True, False}


def test_nothing_is_asked_of_kinds_that_are_partly_hidden(thing, frame_of):
    frame = frame_of(
        thing(1, "mug", (20, 200, 70, 250)),
        thing(2, "mug", (500, 200, 550, 250), visible=0.4),
    )
    assert superlative_questions(frame) == relation_questions(frame) == count_questions(frame) == ()


def test_counts_prefer_kinds_of_which_there_are_several(thing, frame_of):
    nuts = [thing(k + 1, "nut", (60 * k, 0, 60 * k + 50, 50)) for k in range(3)]
    singles = [thing(k + 4, kind, (60 * k, 100, 60 * k + 50, 150)) for k, kind in enumerate(("mug", "can", "pan"))]
    questions = count_questions(frame_of(*nuts, *singles))
    assert (questions[0].kind, questions[0].count) == ("nut", 3)
    assert len(questions) == 2 and questions[1].count == 1


def test_more_than_six_are_not_counted(thing, frame_of):
    nuts = [thing(k + 1, "nut", (60 * k, 0, 60 * k + 50, 50)) for k in range(7)]
    assert count_questions(frame_of(*nuts)) == ()
