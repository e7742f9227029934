"""Points as Molmo 2 writes them: `<points coords="1 1 308 305 2 752 377">mugs</points>`.

A group of coordinates is the number of an image, counted from 1, and then for each point its own number, x and y,
both in thousandths of the image. Groups of further images follow after a separator.
"""

import re
from dataclasses import dataclass

from vlm_picking.errors import ReplyError
from vlm_picking.models.replies.nothing import says_nothing

MAX_POINTS = 300
_TAG = re.compile(r'<points?\b[^<>]*?\bcoords="([^"<>]*)"')
_CUT_TAG = re.compile(r'<points?\b[^<>]*?\bcoords="([^"<>]*)$')
_GROUP = re.compile(r"[^\t:;,]+")
_NUMBER = re.compile(r"\S+")
_PLAIN = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,3})?")


@dataclass(frozen=True)
class Point:
    """A point that was read.

    Args:
        image: which image it lies in, counted from 0.
        x, y: where, 0..1 of the image's width and height.
        start, end: the characters of the reply that say it.
    """

    image: int
    x: float
    y: float
    start: int
    end: int


def read_points(reply: str, *, cut: bool = False) -> list[Point]:
    """The points in a reply, in its order; none where it says that there are none.

    Args:
        reply: what the model wrote.
        cut: it was stopped at its greatest length: points that are whole are read, the rest is let go.

    Raises:
        ReplyError: no points, or coordinates that are none.
    """
    points: list[Point] = []
    tags = list(_TAG.finditer(reply))
    for tag in tags:
        points += _read_tag(reply, tag, whole=True)
    if cut and (rest := _CUT_TAG.search(reply, tags[-1].end() if tags else 0)):
        points += _read_tag(reply, rest, whole=False)
    if len(points) > MAX_POINTS:
        raise ReplyError.about(f"more than {MAX_POINTS} points", reply)
    if points or says_nothing(reply):
        return points
    raise ReplyError.about("points were asked for and none came", reply)


def _read_tag(reply: str, tag: re.Match, *, whole: bool) -> list[Point]:
    points = []
    for group in _GROUP.finditer(reply, tag.start(1), tag.end(1)):
        numbers = list(_NUMBER.finditer(reply, group.start(), group.end()))
        if not numbers:
            continue
        if not whole and group.end() == tag.end(1):
            numbers.pop()  # it may go on
            numbers = numbers[: max(0, (len(numbers) - 1) // 3 * 3 + 1)]
        elif len(numbers) % 3 != 1 or len(numbers) == 1:
            raise ReplyError.about("coordinates must be an image's number and threes of numbers", reply)
        image = _value(reply, numbers[0]) if numbers else 1
        if image < 1 or image != int(image):
            raise ReplyError.about(f"there is no image {image:g}", reply)
        for first in range(1, len(numbers), 3):
            _, x, y = (_value(reply, number) for number in numbers[first : first + 3])
            if max(x, y) > 1000:
                raise ReplyError.about(f"the point {x:g} {y:g} lies outside of the image, 0..1000", reply)
            start, end = numbers[first].start(), numbers[first + 2].end()
            points.append(Point(int(image) - 1, x / 1000, y / 1000, start, end))
    return points


def _value(reply: str, number: re.Match) -> float:
    if not _PLAIN.fullmatch(number.group()):
        raise ReplyError.about(f"{number.group()[:20]!r} is no coordinate", reply)
    return float(number.group())
