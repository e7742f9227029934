"""Location tokens: what PaliGemma and Florence-2 write, and what nobody should."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlm_picking.errors import ReplyError
from vlm_picking.models.replies.locations import (
    MAX_SHAPES,
    read_florence_boxes,
    read_florence_outlines,
    read_paligemma_boxes,
)

BOX = "<loc0256><loc0128><loc0768><loc0512>"
F_BOX = "<loc_100><loc_200><loc_300><loc_400>"
TRIANGLE = "<loc_100><loc_100><loc_900><loc_100><loc_500><loc_900>"


def test_paligemma_writes_y_before_x_in_1024ths_and_the_label_behind():
    mug, bowl = read_paligemma_boxes(f"{BOX} red mug ; <loc0000><loc0000><loc1023><loc1023> bowl")
    assert (mug.label, bowl.label) == ("red mug", "bowl")
    assert mug.xyxy == (0.125, 0.25, 0.5, 0.75)
    assert bowl.xyxy == (0, 0, 1023 / 1024, 1023 / 1024)


def test_florence_writes_the_label_before_and_x_before_y_in_thousandths_middles_of_bins():
    first, second, bowl = read_florence_boxes(f"red mug{F_BOX}<loc_0><loc_0><loc_999><loc_999>bowl{F_BOX}")
    assert [first.label, second.label, bowl.label] == ["red mug", "red mug", "bowl"]
    assert first.xyxy == pytest.approx((0.1005, 0.2005, 0.3005, 0.4005))
    assert second.xyxy == pytest.approx((0.0005, 0.0005, 0.9995, 0.9995))


def test_the_characters_that_say_a_box_are_told():
    reply = f"{BOX} mug ; {BOX} cup"
    assert [reply[shape.start : shape.end] for shape in read_paligemma_boxes(reply)] == [BOX, BOX]


def test_corners_in_any_order_make_a_box_and_a_box_is_at_least_a_bin_wide():
    (turned,) = read_paligemma_boxes("<loc0768><loc0512><loc0256><loc0128> mug")
    assert turned.xyxy == (0.125, 0.25, 0.5, 0.75)
    (thin,) = read_paligemma_boxes("<loc0010><loc0020><loc0010><loc0020> mug")
    assert thin.xyxy == (20 / 1024, 10 / 1024, 21 / 1024, 11 / 1024)


def test_segment_codes_behind_a_box_are_let_pass():
    (mug,) = read_paligemma_boxes(BOX + "".join(f"<seg{i:03}>" for i in range(16)) + " mug")
    assert mug.label == "mug"


def test_outlines_of_one_thing_are_parted_by_sep_and_things_by_poly():
    (one,) = read_florence_outlines(f"{TRIANGLE}<sep>{TRIANGLE}")
    assert [len(part) for part in one.parts] == [3, 3]
    assert one.parts[0][0] == pytest.approx((0.1005, 0.1005))
    assert one.xyxy == pytest.approx((0.1005, 0.1005, 0.9005, 0.9005))
    things = read_florence_outlines(f"mug<poly>{TRIANGLE}</poly><poly>{TRIANGLE}<sep>{TRIANGLE}</poly>")
    assert [(thing.label, len(thing.parts)) for thing in things] == [("mug", 1), ("mug", 2)]


def test_outlines_where_boxes_were_asked_for_give_the_box_around_them():
    (mug,) = read_florence_boxes(f"mug<poly>{TRIANGLE}</poly>")
    assert mug.label == "mug" and mug.xyxy == pytest.approx((0.1005, 0.1005, 0.9005, 0.9005))


@pytest.mark.parametrize("read", [read_paligemma_boxes, read_florence_boxes, read_florence_outlines])
@pytest.mark.parametrize("reply", ["", " ", "none", "None."])
def test_it_looked_and_saw_none(read, reply):
    assert read(reply) == []


@pytest.mark.parametrize(
    ("read", "reply", "why"),
    [
        (read_paligemma_boxes, "I see a mug", "a box was expected"),
        (read_paligemma_boxes, "<loc0001><loc0002><loc0003> mug", "four locations"),
        (read_paligemma_boxes, f"{BOX}<loc0001> mug", "four locations"),
        (read_paligemma_boxes, f"mug {BOX}", "a box was expected"),
        (read_paligemma_boxes, "<loc1024><loc0000><loc0001><loc0002> mug", "outside"),
        (read_paligemma_boxes, "<loc12><loc0000><loc0001><loc0002> mug", "a box was expected"),
        (read_paligemma_boxes, f"{BOX} mug <b>{BOX}", "a box was expected"),
        (read_paligemma_boxes, "<loc_1><loc_2><loc_3><loc_4> mug", "a box was expected"),
        (read_paligemma_boxes, f"{BOX} mug;" * (MAX_SHAPES + 1), "more than"),
        (read_florence_boxes, "a mug on a table", "none came"),
        (read_florence_boxes, "mug<loc_1><loc_2><loc_3>", "four locations"),
        (read_florence_boxes, "mug<loc_1000><loc_2><loc_3><loc_4>", "outside"),
        (read_florence_boxes, f"mug{F_BOX}cup<loc_x>", "a location was expected"),
        (read_florence_boxes, f"mug<loc0001>{F_BOX}", "a location was expected"),
        (read_florence_boxes, f"mug{F_BOX * (MAX_SHAPES + 1)}", "more than"),
        (read_florence_outlines, "<loc_1><loc_2><loc_3><loc_4><loc_5>", "lacks its y"),
        (read_florence_outlines, "<loc_1><loc_2><loc_3><loc_4>", "none is whole"),
        (read_florence_outlines, "<loc_1><loc_2>" * 5, "none is whole"),
        (read_florence_outlines, "<poly></poly>", "none is whole"),
    ],
)
def test_what_cant_be_read_is_an_error_that_shows_how_it_begins(read, reply, why):
    with pytest.raises(ReplyError, match=why) as caught:
        read(reply)
    assert repr(reply[:80]) in str(caught.value)


def test_a_reply_that_was_cut_off_keeps_what_is_whole():
    assert len(read_paligemma_boxes(f"{BOX} mug ; {BOX} cup ; <loc0001><loc00", cut=True)) == 2
    assert len(read_paligemma_boxes(f"{BOX} mug ; <loc0001><loc0002>", cut=True)) == 1
    assert len(read_florence_boxes(f"mug{F_BOX}<loc_1>", cut=True)) == 1
    (outline,) = read_florence_outlines(f"{TRIANGLE}<loc_7>", cut=True)
    assert len(outline.parts[0]) == 3
    for read, reply in ((read_paligemma_boxes, "<loc0001><loc0002>"), (read_florence_boxes, "mug<loc_1>")):
        with pytest.raises(ReplyError):
            read(reply, cut=True)


PIECES = (
    *("<loc0001>", "<loc1023>", "<loc9999>", "<loc_1>", "<loc_999>", "<loc_1000>", "<loc", "<", ">", ";", " ", "\n"),
    *("<poly>", "</poly>", "<sep>", "<seg001>", "mug", "none", "\x00", "\U0001f600", BOX, F_BOX, TRIANGLE),
)


@settings(max_examples=400, deadline=None)
@given(reply=st.one_of(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.text(max_size=200)), cut=...)
def test_any_text_is_read_or_refused(reply: str, cut: bool):
    for read in (read_paligemma_boxes, read_florence_boxes, read_florence_outlines):
        try:
            shapes = read(reply, cut=cut)
        except ReplyError:
            continue
        for shape in shapes:
            x0, y0, x1, y1 = shape.xyxy
            assert 0 <= x0 <= x1 <= 1 and 0 <= y0 <= y1 <= 1
            assert 0 <= shape.start < shape.end <= len(reply)
