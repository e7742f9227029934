"""Saying that there is none is an answer; saying nothing, or something else, is not."""

import pytest

from vlm_picking.models.replies.nothing import says_nothing


@pytest.mark.parametrize(
    "reply",
    [
        "[]",
        "```json\n[]\n```",
        "none",
        "There are none.",
        "There is no mug in the image.",
        "No objects found.",
        "This isn't in the image.",
        "It is not present in the picture.",
    ],
)
def test_looked_and_saw_none(reply):
    assert says_nothing(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "This is in the image.",
        "There is no doubt: a mug.",
        "none of the mugs is red, but",
        "no " + "x" * 500,
        "[1]",
    ],
)
def test_anything_else(reply):
    assert not says_nothing(reply)
