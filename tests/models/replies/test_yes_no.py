"""Yes or no as text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlm_picking.errors import ReplyError
from vlm_picking.models.replies.yes_no import NO, YES, read_yes_no


@pytest.mark.parametrize(
    ("reply", "yes"),
    [
        ("Yes", True),
        ("yes.", True),
        (" YES!", True),
        ("Yes, there is a red mug.", True),
        ("**Yes**", True),
        ('"yes"', True),
        ("- Yes", True),
        ("Answer: yes", True),
        ("The answer is yes.", True),
        ("Final answer: **Yes**", True),
        ('{"answer": "yes"}', True),
        ('{"answer": true}', True),
        ("True", True),
        ("No", False),
        ("no\n", False),
        ("No, there is none; yes to bowls.", False),
        ("No mug is to be seen.", False),
        ("The answer is: no", False),
        ('{"answer": "no"}', False),
    ],
)
def test_what_is_read(reply, yes):
    assert read_yes_no(reply) is yes


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "   ",
        "Maybe",
        "Not sure",
        "Nothing",
        "North",
        "yesterday",
        "Yes/No",
        "yes or no",
        "Yes and no.",
        "No idea",
        "No way to tell.",
        "no doubt it is",
        "There is no mug.",
        "I see yes",
        "The answer",
        "Answer:",
        "ja",
        "\x00",
        "y" * 10_000,
    ],
)
def test_what_can_not_be_read_is_refused_with_its_beginning(reply):
    with pytest.raises(ReplyError) as error:
        read_yes_no(reply)
    assert repr(reply[:80]) in str(error.value)


def test_every_variant_reads_as_itself():
    assert all(read_yes_no(word) for word in YES)
    assert not any(read_yes_no(word) for word in NO)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_whatever_comes_is_read_or_refused(reply):
    try:
        assert read_yes_no(reply) in (True, False)
    except ReplyError:
        pass
