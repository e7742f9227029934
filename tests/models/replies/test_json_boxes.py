"""Boxes as JSON: what is read, what is refused, and nothing that crashes."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlm_picking.errors import ModelError, ReplyError
from vlm_picking.models.replies.json_boxes import MAX_BOXES, read_boxes

ONE = '{"bbox_2d": [10, 20, 30, 40], "label": "mug"}'


@pytest.mark.parametrize(
    "reply",
    [
        f"[{ONE}]",
        f"```json\n[{ONE}]\n```",
        f"```json\n[\n\t{ONE}\n]\n```",
        f"Here they are: [{ONE}] I hope that this helps.",
        f"I looked at [the] picture (twice): [{ONE}]",
        ONE,
        f"The mug is here: {ONE}.",
        f"[{ONE},]",
        f"[ {ONE} ",
        '[{"label": "mug", "bbox_2d": [10.0, 2e1, 30, 40]}]',
        '[{"bbox": [10, 20, 30, 40], "label": "mug"}]',
        '[{"bbox_2d": [30, 40, 10, 20], "label": "mug"}]',
        '[{"bbox_2d": [10, 20, 30, 40], "label": "mug", "bbox": "none", "sub_label": null}]',
    ],
    ids=[
        "plain",
        "fence",
        "spread",
        "prose",
        "prose with brackets",
        "object",
        "object in prose",
        "comma at the end",
        "never closed, cut",
        "floats",
        "bbox",
        "corners swapped",
        "more keys",
    ],
)
def test_one_box(reply):
    (box,) = read_boxes(reply, cut=reply.endswith("} "))
    assert box.xyxy == (10, 20, 30, 40)
    assert box.label == "mug"
    assert json.loads(reply[box.start : box.end])["label"] == "mug"


def test_boxes_keep_their_order_and_their_places():
    reply = '[{"bbox_2d": [1, 2, 3, 4]}, {"bbox_2d": [5, 6, 7, 8], "label": 3}]'
    first, second = read_boxes(reply)
    assert (first.xyxy, second.xyxy) == ((1, 2, 3, 4), (5, 6, 7, 8))
    assert first.label is None and second.label is None
    assert reply[second.start : second.end] == '{"bbox_2d": [5, 6, 7, 8], "label": 3}'


@pytest.mark.parametrize("between", [", ", "\n", " ,\n\t", ""])
def test_boxes_without_a_list(between):
    boxes = read_boxes(f"```json\n{ONE}{between}{ONE}{between}{ONE}\n```")
    assert [box.xyxy for box in boxes] == [(10, 20, 30, 40)] * 3


@pytest.mark.parametrize(
    "reply",
    [
        "[]",
        "```json\n[]\n```",
        "[ ]",
        "Here: []",
        "None",
        "none.",
        "Not found.",
        "There are none.",
        "There is no red mug in the image.",
        "There are no mugs.",
        "No objects found",
        "no such object",
        "null",
        "**None**",
    ],
)
def test_none_was_seen(reply):
    assert read_boxes(reply) == []


@pytest.mark.parametrize(
    "reply",
    [
        "",
        " \n",
        "I cannot see the image.",
        "No idea.",
        "There is no way to tell.",
        "There is no doubt.",
        "The mug is at (10, 20).",
        "[10, 20, 30, 40]",
        "[[10, 20, 30, 40]]",
        "{}x",
        "[{}]",
        '[{"label": "mug"}]',
        '[{"bbox_2d": [1, 2, 3], "label": "mug"}]',
        '[{"bbox_2d": [1, 2, 3, 4, 5]}]',
        '[{"bbox_2d": [[1, 2, 3, 4]]}]',
        '[{"bbox_2d": ["1", "2", "3", "4"]}]',
        '[{"bbox_2d": [true, false, 3, 4]}]',
        '[{"bbox_2d": [NaN, 2, 3, 4]}]',
        '[{"bbox_2d": [1, 2, Infinity, 4]}]',
        '[{"bbox_2d": [1, 2, 1e999, 4]}]',
        '[{"bbox_2d": [1, 2, 1e7, 4]}]',
        '[{"bbox_2d": [1, 2, ' + "9" * 5000 + ", 4]}]",
        '[{"bbox_2d": [null, 2, 3, 4]}]',
        '[{"bbox_2d": "all"}]',
        '[{"bbox_2d": [1, 2, 3, 4]',
        '[{"bbox_2d": [1, 2, 3, 4]}, {"bbox_2d": [1, 2',
        f"[{ONE}, 7]",
        f"[{ONE}, ",
        f"[{ONE}, []]",
        ONE + ', {"bbox_2d": [1]}',
        '[{"bbox_2d":' + "[" * 100_000,
        "[{" + '"a":{' * 100_000,
        "[" * 100_000,
        "[" + ", ".join([ONE] * (MAX_BOXES + 1)) + "]",
        "[{'bbox_2d': [1, 2, 3, 4]}]",
    ],
    ids=lambda reply: repr(reply[:40]),
)
def test_what_can_not_be_read_is_refused_with_its_beginning(reply):
    with pytest.raises(ReplyError) as error:
        read_boxes(reply)
    assert repr(reply[:80]) in str(error.value)
    assert isinstance(error.value, ModelError)


@pytest.mark.parametrize("end", [", {", ', {"bbox_2d": [1, 2', ", ", ", 7", ', {"bbox_2d": [1, 2, 3, 4], "label": "m'])
def test_of_a_reply_that_was_cut_the_whole_boxes_are_read(end):
    assert [box.xyxy for box in read_boxes(f"[{ONE}, {ONE}{end}", cut=True)] == [(10, 20, 30, 40)] * 2


@pytest.mark.parametrize("reply", ["[{", '[{"bbox_2d": [1, 2, 3', "", "```json\n"])
def test_a_reply_that_was_cut_before_its_first_box_is_refused(reply):
    with pytest.raises(ReplyError):
        read_boxes(reply, cut=True)


FRAGMENTS = st.sampled_from(
    ["[", "]", "{", "}", '"bbox_2d"', ":", ",", "1", "-2.5", "1e9", "NaN", '"', "\\", "```json", "None", "\n", ONE, "é"]
)


@settings(deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(FRAGMENTS, max_size=40).map("".join)), st.booleans())
def test_whatever_comes_is_read_or_refused(reply, cut):
    try:
        boxes = read_boxes(reply, cut=cut)
    except ReplyError:
        return
    for box in boxes:
        x0, y0, x1, y1 = box.xyxy
        assert -1e6 <= x0 <= x1 <= 1e6 and -1e6 <= y0 <= y1 <= 1e6
        assert 0 <= box.start < box.end <= len(reply)


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 4000)] * 4), max_size=20), st.sampled_from([None, 0, 2]))
def test_what_was_written_is_read(boxes, indent):
    reply = json.dumps([{"bbox_2d": list(box), "label": "mug"} for box in boxes], indent=indent)
    read = [box.xyxy for box in read_boxes(reply)]
    assert read == [(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in boxes]
