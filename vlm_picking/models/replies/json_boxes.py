"""Boxes as JSON, as the Qwen-VL models write them: `[{"bbox_2d": [x0, y0, x1, y1], "label": "mug"}, ...]`."""

import json
import math
import re
from dataclasses import dataclass
from json import JSONDecoder

from vlm_picking.errors import ReplyError
from vlm_picking.models.replies.nothing import says_nothing

MAX_BOXES = 300
_KEYS = ("bbox_2d", "bbox")
_LIMIT = 1e6  # no picture is as wide
_LIST_BEGINS = re.compile(r"\[\s*(?=[{\]])")
_OBJECT_BEGINS = re.compile(r'\{\s*"')
_BETWEEN = re.compile(r"[\s,]*")


@dataclass(frozen=True)
class JsonBox:
    """A box that was read.

    Args:
        xyxy: x0 y0 x1 y1 in the numbers of the reply, x0 <= x1 and y0 <= y1.
        label: what the reply calls it, None where it does not say.
        start, end: the characters of the reply that say it.
    """

    xyxy: tuple[float, float, float, float]
    label: str | None
    start: int
    end: int


def read_boxes(reply: str, *, cut: bool = False) -> list[JsonBox]:
    """The boxes in a reply, in its order; none where it says that there are none.

    Text around the JSON is let pass, and so are a code fence and boxes one after the other without a list.

    Args:
        reply: what the model wrote.
        cut: it was stopped at its greatest length: boxes that are whole are read, the rest is let go.

    Raises:
        ReplyError: no JSON, broken JSON, or something in it that is no box.
    """
    begins = _LIST_BEGINS.search(reply) or _OBJECT_BEGINS.search(reply)
    if begins is None:
        if says_nothing(reply):
            return []
        raise ReplyError.about("boxes as JSON were asked for and none came", reply)
    listed = reply[begins.start()] == "["
    at = begins.end() if listed else begins.start()
    boxes: list[JsonBox] = []
    while reply[at : at + 1] != "]" if listed else reply[at : at + 1] == "{":
        if len(boxes) == MAX_BOXES:
            raise ReplyError.about(f"more than {MAX_BOXES} boxes", reply)
        try:
            boxes.append(_read_box(reply, at))
        except ReplyError:
            if cut and boxes:
                return boxes
            raise
        at = _BETWEEN.match(reply, boxes[-1].end).end()
    return boxes


def _read_box(reply: str, at: int) -> JsonBox:
    try:
        item, end = _DECODER.raw_decode(reply, at)
    except (ValueError, RecursionError) as error:
        raise ReplyError.about(f"the JSON is broken at character {at}", reply) from error
    numbers = next((item[key] for key in _KEYS if key in item), None) if isinstance(item, dict) else None
    if not isinstance(numbers, list) or len(numbers) != 4 or not all(_is_coordinate(number) for number in numbers):
        raise ReplyError.about(f"'bbox_2d' with four numbers was expected at character {at}", reply)
    x0, y0, x1, y1 = map(float, numbers)
    label = item.get("label")
    label = label if isinstance(label, str) else None
    return JsonBox((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), label, at, end)


def _is_coordinate(number: object) -> bool:
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        return False
    return abs(number) <= _LIMIT and math.isfinite(number)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


_DECODER: JSONDecoder = json.JSONDecoder(parse_constant=_refuse)
