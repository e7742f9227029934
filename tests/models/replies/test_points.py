"""Points in Molmo 2's tags."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlm_picking.errors import ReplyError
from vlm_picking.models.replies.points import MAX_POINTS, read_points


@pytest.mark.parametrize(
    ("reply", "points"),
    [
        ('<points coords="1 1 308 305 2 752 377">mugs</points>', [(0, 0.308, 0.305), (0, 0.752, 0.377)]),
        ('<points coords="1 1 308 305"/>', [(0, 0.308, 0.305)]),
        ('<point coords="1 1 000 1000">', [(0, 0.0, 1.0)]),
        ('<points alt="mugs" coords="1 1 308 305">mugs</points>', [(0, 0.308, 0.305)]),
        ('Two: <points coords="1 1 308 305;2 1 010 020">mug</points>.', [(0, 0.308, 0.305), (1, 0.01, 0.02)]),
        ('<points coords="1 1 308 305\t2 1 010 020 2 030 040">', [(0, 0.308, 0.305), (1, 0.01, 0.02), (1, 0.03, 0.04)]),
        ('<points coords="1 1 1 2"></points><points coords="1 1 3 4">', [(0, 0.001, 0.002), (0, 0.003, 0.004)]),
        ('<points coords="1 1 308.5 305">', [(0, 0.3085, 0.305)]),
        ("There are none.", []),
        ("There are no red mugs in the image.", []),
        ("None", []),
    ],
)
def test_what_is_read(reply, points):
    read = read_points(reply)
    assert [(point.image, point.x, point.y) for point in read] == points
    for point in read:
        assert len(reply[point.start : point.end].split()) == 3


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "mug",
        "I can't point.",
        "<points>mugs</points>",
        '<points coords="">mugs</points>',
        '<points coords="1">mugs</points>',
        '<points coords="1 1 308">',
        '<points coords="1 1 308 305 2">',
        '<points coords="1 1 308 1001">',
        '<points coords="1 1 -8 305">',
        '<points coords="0 1 8 305">',
        '<points coords="1.5 1 8 305">',
        '<points coords="1 1 nan 305">',
        '<points coords="1 1 1e2 305">',
        '<points coords="1 1 ٣ 305">',
        '<points coords="1 1 308 305 2 752 377',
        '<points coords="1 1 ' + "9" * 5000 + ' 2">',
        '<points coords="1 ' + "1 2 3 " * (MAX_POINTS + 1) + '">',
        '<points x1="30.8" y1="30.5">mug</points>',
    ],
    ids=lambda reply: repr(reply[:40]),
)
def test_what_can_not_be_read_is_refused_with_its_beginning(reply):
    with pytest.raises(ReplyError) as error:
        read_points(reply)
    assert repr(reply[:80]) in str(error.value)


@pytest.mark.parametrize("end", [" 2", " 2 752", " 2 752 37", " "])
def test_of_a_reply_that_was_cut_the_whole_points_are_read(end):
    (point,) = (
        read_points('<points coords="1 1 308 305' + end, cut=True)
        if end.strip()
        else read_points('<points coords="1 1 308 305 2', cut=True)
    )
    assert (point.x, point.y) == (0.308, 0.305)


def test_a_reply_that_was_cut_in_its_first_point_is_refused():
    for reply in ("<poi", '<points coords="', '<points coords="1', '<points coords="1 1 308 30'):
        with pytest.raises(ReplyError):
            read_points(reply, cut=True)


FRAGMENTS = st.sampled_from(
    ['<points coords="', '">', "</points>", "1", " ", "308", "1001", ";", "\t", ".", "-", "None"]
)


@settings(deadline=None)
@given(st.one_of(st.text(max_size=100), st.lists(FRAGMENTS, max_size=40).map("".join)), st.booleans())
def test_whatever_comes_is_read_or_refused(reply, cut):
    try:
        points = read_points(reply, cut=cut)
    except ReplyError:
        return
    for point in points:
        assert 0 <= point.x <= 1 and 0 <= point.y <= 1 and point.image >= 0
        assert 0 <= point.start < point.end <= len(reply)
