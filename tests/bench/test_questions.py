"""Questions made from a truth written by hand; the seeds; the words."""

import numpy as np
import pytest

from vlm_picking.bench import scenes
from vlm_picking.bench.questions import (
    LOOK_ALIKES,
    SETTINGS,
    absent_kinds,
    clear_kinds,
    false_colours,
    look_alikes,
    presence_questions,
    true_colours,
    unknown_questions,
)
from vlm_picking.bench.sentences import plural, presence_question
from vlm_picking.bench.unknown_nouns import UNKNOWN_NOUNS
from vlm_picking.errors import ConfigError
from vlm_picking.prompt import parse_prompt
from vlm_picking.query import QueryKind
from vlm_picking.sim.kinds import KINDS, kind_of_noun
from vlm_picking.training.words import ABSENT_WORDS

ALL = tuple(KINDS)


@pytest.fixture
def table(thing, frame_of):
    """A red mug, a blue can, a hidden fork, a bolt of too few pixels, a green bowl beside one nobody sees."""
    return frame_of(
        thing(1, "mug", (0, 0, 100, 100), colour="red"),
        thing(2, "can", (200, 0, 300, 100), colour="blue"),
        thing(3, "fork", (400, 0, 500, 100), visible=0.3),
        thing(4, "bolt", (0, 300, 10, 310), colour="grey"),
        thing(5, "bowl", (200, 300, 300, 400), colour="green"),
        thing(6, "bowl", (0, 0, 0, 0), colour=None, visible=0.0),
        thing(7, None, (400, 300, 500, 400), colour=None),
    )


def test_what_is_there_and_what_is_absent(table):
    assert clear_kinds(table) == ("bowl", "can", "mug")
    assert not {"mug", "can", "fork", "bolt", "bowl"} & set(absent_kinds(table))
    assert len(absent_kinds(table)) == len(KINDS) - 5


def test_false_colours_need_the_colour_elsewhere_and_every_colour_of_the_kind(table):
    # Not the bowl: the unseen one may have any colour; not grey: the bolt is too small to have given it.
    assert set(false_colours(table)) == {("blue", "mug"), ("green", "mug"), ("green", "can"), ("red", "can")}
    assert set(true_colours(table)) == {("red", "mug"), ("blue", "can"), ("green", "bowl")}


def test_every_setting_is_balanced_and_true(table):
    questions = presence_questions(table, by_frequency=ALL)
    for setting in SETTINGS:
        answers = [q.there for q in questions if setting in q.settings]
        assert answers and sum(answers) * 2 == len(answers), setting
    for question in questions:
        if question.colour:
            assert question.there == ((question.colour, question.noun) in true_colours(table))
        else:
            assert question.there == (question.noun in ("mug", "can", "bowl"))
        target = parse_prompt(question.sentence).targets[0]
        assert target.colours == (() if question.colour is None else (question.colour,))


def test_negatives_belong_to_their_setting(thing, frame_of):
    popular = ("nut", "gear", "spoon", "fork", "plate", "pan", "tape", "soap", "pear", "ball")
    order = (*popular, *(kind for kind in KINDS if kind not in popular))
    for number in range(20):
        frame = frame_of(thing(1, "mug", (0, 0, 90, 90)), thing(2, "ball", (200, 0, 290, 90)), number=number)
        for question in presence_questions(frame, by_frequency=order):
            if question.there or question.colour:
                continue
            assert question.noun not in ("mug", "ball")
            if question.settings == ("popular",):
                assert question.noun in popular
            if question.settings == ("adversarial",):
                assert question.noun in look_alikes("mug") | look_alikes("ball")


def test_the_same_frame_gives_the_same_questions(table):
    assert presence_questions(table, by_frequency=ALL) == presence_questions(table, by_frequency=ALL)


def test_every_kind_has_a_look_alike_and_no_group_names_another():
    assert set().union(*LOOK_ALIKES) == set(KINDS)


def test_half_of_the_questions_use_a_synonym():
    from vlm_picking.bench.sentences import name_of

    rng = np.random.default_rng(0)
    names = [name_of("mug", rng) for _ in range(2000)]
    assert 0.45 < np.mean([name != "mug" for name in names]) < 0.55
    assert all(kind_of_noun(name) == "mug" for name in names)


def test_unknown_nouns_are_many_and_never_trained():
    trained = set(ABSENT_WORDS) | {part for word in ABSENT_WORDS for part in word.split()}
    assert len(set(UNKNOWN_NOUNS)) == len(UNKNOWN_NOUNS) >= 200
    assert not set(UNKNOWN_NOUNS) & trained
    assert not [noun for noun in UNKNOWN_NOUNS if kind_of_noun(noun)]


def test_unknown_nouns_take_turns_and_are_read_as_they_are(frame_of):
    asked = [q for n in range(len(UNKNOWN_NOUNS)) for q in unknown_questions(frame_of(number=n), known=frozenset())]
    assert {question.noun for question in asked} == set(UNKNOWN_NOUNS)
    for question in asked:
        assert parse_prompt(question.sentence).targets[0].noun == question.noun
    known = frozenset(UNKNOWN_NOUNS[:2])
    assert not known & {question.noun for question in unknown_questions(frame_of(), known=known)}


def test_sentences_are_english():
    rng = np.random.default_rng(0)
    assert presence_question("scissors", rng).endswith(" any scissors?")
    assert presence_question("apple", rng).endswith(" an apple?")
    assert presence_question("packaging", rng, colour="orange").endswith(" any orange packaging?")
    assert [plural(noun) for noun in ("box", "roll of tape", "dice", "die", "toothbrush", "pliers")] == [
        "boxes", "rolls of tape", "dice", "dice", "toothbrushes", "pliers"]  # fmt: skip


@pytest.mark.parametrize("kind", ALL)
def test_counts_are_read_as_counts_of_the_kind(kind):
    query = parse_prompt(f"how many {plural(kind)} are there?")
    assert query.kind is QueryKind.COUNT
    assert kind_of_noun(query.targets[0].noun) == kind


def test_seeds_lie_apart_from_those_of_training():
    assert scenes.scene_seed(0, 0) == 1_000_000_000
    assert scenes.scene_seed(1, 0) - scenes.scene_seed(0, 999_999) == 1
    for seed, number in ((-1, 0), (2_000, 0), (0, 1_000_000)):
        with pytest.raises(ConfigError, match="seed"):
            scenes.scene_seed(seed, number)


def test_frequency_counts_scenes():
    from vlm_picking.sim.scene import random_specs

    inside = [{s.kind for s in random_specs(np.random.default_rng(1_000_000_000 + i))} - {None} for i in range(5)]
    order = scenes.kinds_by_frequency(5, 0)
    count = [sum(kind in kinds for kinds in inside) for kind in order]
    assert sorted(order) == sorted(KINDS) and count == sorted(count, reverse=True)
