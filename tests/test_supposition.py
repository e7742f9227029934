"""What a question supposes, as a prior."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlm_picking.detections import Detections
from vlm_picking.prompt import parse_prompt
from vlm_picking.query import Superlative
from vlm_picking.supposition import (
    BY_CHANCE,
    SUPPOSED,
    least_score,
    picks_one,
    supposes,
    tells_which,
    the_first,
    the_only,
    the_related,
)

scores = st.lists(st.floats(0, 1, width=32), max_size=8)


def things(*score):
    return Detections(np.zeros((len(score), 4)), np.array(score), np.full(len(score), "mug", object))


@pytest.mark.parametrize(
    ("sentence", "which", "some"),
    [
        ("where is the mug next to the can?", True, True),
        ("pick the leftmost mug", True, True),
        ("pick the apple and the mug next to the can", True, True),
        ("pick the apple or the mug next to the can", False, False),
        ("is there a mug next to the can?", False, False),
        ("where is the mug?", False, False),
        ("how many mugs are there?", False, True),
    ],
)
def test_who_tells_which_one_supposes_that_there_is_one(sentence, which, some):
    query = parse_prompt(sentence)
    assert (tells_which(query), supposes(query)) == (which, some)


@pytest.mark.parametrize(
    ("sentence", "one"),
    [
        ("pick the red mug", True),
        ("grab a mug", True),
        ("find the mug and pick it up", True),
        ("pick the mugs", False),
        ("pick two mugs", False),
        ("pick the mug or the can", False),
        ("pick the leftmost mug", False),
        ("pick the mug next to the can", False),
        ("where is the mug?", False),
    ],
)
def test_who_has_one_picked_supposes_that_there_is_one(sentence, one):
    query = parse_prompt(sentence)
    assert picks_one(query) is one
    assert supposes(query) or not one


@given(scores)
def test_the_only_one_is_one_of_them_or_none(score):
    likely = the_only(np.array(score))
    assert likely.shape == (len(score),)
    assert (likely >= 0).all() and likely.sum() <= 1 + 1e-9
    assert (np.diff(likely[np.argsort(score)]) >= 0).all(), "a higher score is never less likely"


def test_the_only_one_alone_is_as_likely_as_the_prior_makes_it():
    assert the_only(np.array([0.5])) == pytest.approx([SUPPOSED])
    assert the_only(np.array([least_score(0.7)])) == pytest.approx([0.7])
    assert the_only(np.array([0.5, 0.5])).max() < 0.5, "of two alike neither is"


@given(scores, scores.filter(len))
def test_the_related_one_is_one_of_them_or_none(score, reference):
    likely = the_related(np.array(score), [np.array(reference)], np.ones((len(score), len(reference)), bool))
    assert likely.shape == (len(score),)
    assert (likely >= 0).all() and likely.sum() <= 1 + 1e-9
    assert (np.diff(likely[np.argsort(score)]) >= 0).all(), "a higher score is never less likely"


def related(score, reference, holds):
    return the_related(np.array(score), [np.array(reference)], np.array(holds, bool))


def test_what_stands_in_the_relation_is_likelier_to_be_meant():
    assert related([0.3, 0.9], [0.95], [[1], [0]]).argmax() == 0
    assert related([0.3, 0.9], [0.95], [[0], [0]]).max() == 0, "nothing does"
    assert related([0.9], [0.1], [[1]]) > related([0.9], [0.05], [[1]]) > 0.5, "even to what is hardly a can"


def test_a_likelier_reference_stands_for_the_less_likely_ones():
    """A sure can is the can: what looks a little like another one says little about what is next to it."""
    assert related([0.9], [0.3], [[1]]) > 0.5
    assert related([0.9], [0.99, 0.3], [[0, 1]]) < 0.2


def test_between_two_both_must_be_there():
    two = [np.array([0.9]), np.array([0.8, 0.1])]
    between = the_related(np.array([0.9, 0.9]), two, np.array([[[True, False]], [[False, True]]]))
    assert between[0] > 0.8 > 0.2 > between[1]


@given(scores, st.sampled_from([Superlative.LEFTMOST, Superlative.ON_TOP]))
def test_the_first_is_one_of_them_or_none(score, superlative):
    likely = the_first(things(*score), superlative)
    assert likely.shape == (len(score),)
    assert (likely >= 0).all() and likely.sum() <= 1 + 1e-9


def test_alone_a_thing_is_as_likely_as_the_prior_makes_it():
    beside_what_is_sure = related([0.5], [0.9999], [[1]])
    assert beside_what_is_sure == pytest.approx([SUPPOSED / (SUPPOSED + (1 - SUPPOSED) * BY_CHANCE)], abs=1e-3)
    threshold = 0.6
    least = least_score(threshold, chance=BY_CHANCE)
    assert related([least], [0.9999], [[1]]) == pytest.approx([threshold], abs=1e-3)
    assert least < least_score(threshold)


def test_the_first_sure_one_is_the_first():
    assert the_first(things(0.02, 0.99, 0.99), Superlative.LEFTMOST).argmax() == 1
    assert the_first(things(0.6, 0.99, 0.99), Superlative.LEFTMOST).argmax() == 0


def test_the_leftmost_is_one_of_several_and_the_one_on_top_may_be_alone():
    doubtful_then_sure = things(0.25, 0.99)
    assert the_first(doubtful_then_sure, Superlative.LEFTMOST).argmax() == 0
    assert the_first(doubtful_then_sure, Superlative.ON_TOP).argmax() == 1
    assert the_first(things(0.05, 0.99), Superlative.LEFTMOST).argmax() == 1, "a ghost is no mug for that"
