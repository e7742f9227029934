"""What is asked of a batch, and what each phrase names."""

import numpy as np
import pytest

from vlm_picking.training.batch import patch_answers
from vlm_picking.training.data import Thing
from vlm_picking.training.phrases import NO, UNSAID, YES, Lexicon, Phrase, PhraseSampler, match_matrix
from vlm_picking.training.targets import assign

LEXICON = Lexicon({"carton": ("carton", "packaging", "box"), "mug": ("mug", "cup")}, ("red", "blue", "green", "white"))
RED_MUG, BLUE_BOX = Thing("mug", "red", 1, 1.0), Thing("carton", "blue", 2, 1.0)
STRIPED_MUG, LUMP = Thing("mug", None, 3, 1.0), Thing(None, "red", 4, 1.0)


@pytest.mark.parametrize(
    ("phrase", "answers"),
    [
        (Phrase("cup", "mug"), (YES, NO, YES, NO)),
        (Phrase("red mug", "mug", "red"), (YES, NO, UNSAID, NO)),
        (Phrase("blue mug", "mug", "blue"), (NO, NO, UNSAID, NO)),
        (Phrase("red object", None, "red"), (YES, NO, UNSAID, YES)),
        (Phrase("zebra"), (NO, NO, NO, NO)),
    ],
    ids=lambda value: value.text if isinstance(value, Phrase) else "",
)
def test_what_a_phrase_names(phrase, answers):
    found = match_matrix([phrase], [RED_MUG, BLUE_BOX, STRIPED_MUG, LUMP])[:, 0]
    assert tuple(found) == answers


def test_a_draw_asks_for_every_kind_for_colours_and_for_what_is_not_there():
    rng = np.random.default_rng(0)
    phrases = PhraseSampler(LEXICON, n_coloured=40, n_absent=9).draw([RED_MUG, BLUE_BOX], rng)
    assert {p.kind for p in phrases if p.colour is None and p.kind} == {"carton", "mug"}
    assert any(p.kind == "mug" and p.colour == "red" for p in phrases)
    assert any(p.kind == "mug" and p.colour == "blue" for p in phrases), "a wrong colour is asked for too"
    absent = [p for p in phrases if p.kind is None and p.colour is None]
    assert len(absent) >= 7
    assert len({p.text for p in phrases}) == len(phrases)


def test_synonyms_are_never_taught_as_absent():
    lexicon = Lexicon({"hammer": ("hammer", "mallet"), "cart": ("cart",)}, ("red",))
    assert not {"mallet", "cart"} & set(lexicon.absent_phrases())
    assert len(lexicon.absent_phrases()) >= 300


def test_a_patch_of_an_object_is_right_wrong_or_left_out():
    """One red mug on a view of 4 x 4 patches: the middle fires, its rim is left out, elsewhere "mug" is
    wrong.
    """
    ids = np.zeros((64, 64), np.uint8)
    ids[16:64, 16:64] = 1
    target = assign(ids, [RED_MUG], 16)
    phrases = [Phrase("mug", "mug"), Phrase("blue mug", "mug", "blue"), Phrase("zebra")]
    positive, ignored = patch_answers(target, match_matrix(phrases, target.things))
    np.testing.assert_array_equal(positive[:, 0], target.positive[0])
    np.testing.assert_array_equal(ignored[:, 0], target.touched[0] & ~target.positive[0])
    assert not positive[:, 1:].any() and not ignored[:, 1:].any(), "a wrong colour is wrong on the object itself"


def test_a_colour_that_nobody_can_name_is_left_out():
    ids = np.zeros((64, 64), np.uint8)
    ids[16:48, 16:48] = 3
    target = assign(ids, [STRIPED_MUG], 16)
    positive, ignored = patch_answers(target, match_matrix([Phrase("red mug", "mug", "red")], target.things))
    assert not positive.any()
    np.testing.assert_array_equal(ignored[:, 0], target.touched[0])
