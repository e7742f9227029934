"""How a target is put to a model of a closed vocabulary."""

from types import SimpleNamespace

import pytest

from vlm_picking.prompt import parse_prompt
from vlm_picking.search import word

DETECTOR = SimpleNamespace(
    name="small", vocabulary=frozenset(("playing dice", "dice", "scissors", "mug")), classes=("mug",), colours=None
)


@pytest.mark.parametrize(
    ("sentence", "phrase"),
    [
        ("is there a playing dice?", "playing dice"),
        ("how many playing dice are there?", "playing dice"),
        ("where is the red playing dice?", "red playing dice"),
        ("is there a die?", "dice"),
        ("where are the scissors?", "scissors"),
        ("how many mugs are there?", "mug"),
    ],
)
def test_a_noun_may_be_known_by_its_plural_alone(sentence, phrase):
    (target,) = parse_prompt(sentence).targets
    wording = word(target, DETECTOR)
    assert (wording.phrase, wording.doubts) == (phrase, ())


def test_what_a_noun_leaves_out_is_said():
    (target,) = parse_prompt("is there a loaded die?").targets
    wording = word(target, DETECTOR)
    assert wording.phrase == "dice"
    assert "was not checked" in wording.doubts[0]
