"""Boxes and outlines as location tokens: PaliGemma's `<loc0123>` and Florence-2's `<loc_123>`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vlm_picking.errors import ReplyError
from vlm_picking.models.replies.nothing import says_nothing

MAX_SHAPES = 300
PALIGEMMA_BINS = 1024
FLORENCE_BINS = 1000

_PALIGEMMA_RUN = re.compile(r"((?:\s*<loc\d{4}>)+)((?:\s*<seg\d{3}>)*)([^<;]*);?")
_FLORENCE_MARK = r"(?:<loc_\d{1,4}>|<poly>|</poly>|<sep>)"
_FLORENCE_RUN = re.compile(rf"{_FLORENCE_MARK}(?:\s*{_FLORENCE_MARK})*")
_LOCATION = re.compile(r"<loc_?(\d{1,4})>")
_OUTLINE_END = re.compile(r"</poly>|<poly>")


@dataclass(frozen=True)
class Shape:
    """A box or an outline that was read.

    Args:
        label: the words beside it; may be empty.
        parts: corners (x, y), 0..1 of the image's width and height: one part with the two corners of a box, low ones
            first, or a part for each outline with its three or more.
        start, end: the characters of the reply that say it.
    """

    label: str
    parts: tuple[tuple[tuple[float, float], ...], ...]
    start: int
    end: int

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        """The box around all corners."""
        xs, ys = zip(*(corner for part in self.parts for corner in part), strict=True)
        return min(xs), min(ys), max(xs), max(ys)


def read_paligemma_boxes(reply: str, *, cut: bool = False) -> list[Shape]:
    """Boxes as `<loc0123><loc0456><loc0789><loc1000> red mug ; ...`: y0 x0 y1 x1, the label behind.

    Args:
        reply: what the model wrote. An empty one is how PaliGemma says that there is none.
        cut: it was stopped at its greatest length: boxes that are whole are read, the rest is let go.

    Raises:
        ReplyError: it holds something else than boxes.
    """
    if _is_nothing(reply):
        return []
    shapes, at = [], 0
    while at < len(reply) and reply[at:].strip():
        run = _PALIGEMMA_RUN.match(reply, at)
        if run is None:
            if cut and shapes:
                return shapes
            raise ReplyError.about(f"a box was expected at character {at}", reply)
        places = _places(reply, run.start(1), run.end(1), PALIGEMMA_BINS)
        ends_early = cut and _LOCATION.search(reply, run.end()) is None
        shapes += _boxes(reply, run.group(3).strip(), places, PALIGEMMA_BINS, ends_early=ends_early)
        at = run.end()
    return _checked(shapes, reply)


def read_florence_boxes(reply: str, *, cut: bool = False) -> list[Shape]:
    """Boxes as `red mug<loc_1><loc_2><loc_3><loc_4>bowl<loc_5>...`: the label, then x0 y0 x1 y1 once or more.

    Outlines (`mug<poly>...</poly>`), which the model may write instead, are read as well; `Shape.xyxy` is their box.
    Words behind the last box are let pass: they name what was not located. Arguments and errors as for
    `read_paligemma_boxes`.
    """
    if _is_nothing(reply):
        return []
    shapes: list[Shape] = []
    for label, run in _florence_runs(reply, cut=cut):
        if "<poly>" in run.group() or "<sep>" in run.group():
            shapes += _outlines(reply, label, run, cut=cut)
        else:
            places = _places(reply, run.start(), run.end(), FLORENCE_BINS)
            ends_early = run.end() == len(reply) and cut
            shapes += _boxes(reply, label, places, FLORENCE_BINS, ends_early=ends_early)
    return _checked(shapes, reply)


def read_florence_outlines(reply: str, *, cut: bool = False) -> list[Shape]:
    """Outlines as `<loc_1><loc_2>...`: x and y of each corner; `<sep>` parts one thing's outlines, `<poly>` things.

    An outline of less than three corners encloses nothing and is let go where there are others. Arguments and errors as
    for `read_paligemma_boxes`.
    """
    if _is_nothing(reply):
        return []
    shapes = [shape for label, run in _florence_runs(reply, cut=cut) for shape in _outlines(reply, label, run, cut=cut)]
    return _checked(shapes, reply)


def _is_nothing(reply: str) -> bool:
    """Both families end at once where there is nothing to locate."""
    return not reply.strip() or says_nothing(reply)


def _florence_runs(reply: str, *, cut: bool) -> list[tuple[str, re.Match]]:
    """Runs of locations with the words before each."""
    runs, at = [], 0
    for run in _FLORENCE_RUN.finditer(reply):
        label = reply[at : run.start()].strip()
        if "<loc" in label:
            raise ReplyError.about(f"a location was expected at character {at}", reply)
        runs.append((label, run))
        at = run.end()
    if not runs:
        raise ReplyError.about("locations were asked for and none came", reply)
    if "<loc" in reply[at:] and not cut:
        raise ReplyError.about(f"a location was expected at character {at}", reply)
    return runs


def _places(reply: str, start: int, end: int, bins: int) -> list[tuple[int, re.Match]]:
    places = [(int(place.group(1)), place) for place in _LOCATION.finditer(reply, start, end)]
    for value, place in places:
        if value >= bins:
            raise ReplyError.about(f"{place.group()} lies outside of the image, 0..{bins - 1}", reply)
    return places


def _boxes(
    reply: str, label: str, places: Sequence[tuple[int, re.Match]], bins: int, *, ends_early: bool
) -> list[Shape]:
    """Fours of locations as boxes, each at least a bin wide and high."""
    if len(places) % 4 and not ends_early:
        raise ReplyError.about(f"a box has four locations, {label[:40]!r} has {len(places)}", reply)
    shapes = []
    for i in range(0, len(places) // 4 * 4, 4):
        values, marks = zip(*places[i : i + 4], strict=True)
        if bins == PALIGEMMA_BINS:  # y comes before x
            values = values[1], values[0], values[3], values[2]
        (x0, x1), (y0, y1) = (_side(*values[k::2], bins) for k in (0, 1))
        shapes.append(Shape(label, (((x0, y0), (x1, y1)),), marks[0].start(), marks[-1].end()))
    return shapes


def _side(one: int, other: int, bins: int) -> tuple[float, float]:
    """From where to where, 0..1; Florence-2's locations stand for the middle of their bin."""
    low, high = min(one, other), max(one, other)
    if low == high:
        return low / bins, (low + 1) / bins
    middle = 0.5 if bins == FLORENCE_BINS else 0.0
    return (low + middle) / bins, (high + middle) / bins


def _outlines(reply: str, label: str, run: re.Match, *, cut: bool) -> list[Shape]:
    shapes = []
    bounds = [run.start(), *(mark.end() for mark in _OUTLINE_END.finditer(reply, run.start(), run.end())), run.end()]
    for start, end in zip(bounds, bounds[1:], strict=False):
        parts, at = [], start
        for stop in [*(mark.start() for mark in re.finditer("<sep>", reply[start:end])), end - start]:
            places = _places(reply, at, start + stop, FLORENCE_BINS)
            values = [value for value, _ in places]
            last = start + stop == end and end == len(reply) and cut
            if len(values) % 2 and not last:
                raise ReplyError.about("a corner of an outline lacks its y", reply)
            corners = [(x, y) for x, y in zip(values[::2], values[1::2], strict=False)]
            if len(set(corners)) >= 3:
                parts.append(tuple(((x + 0.5) / FLORENCE_BINS, (y + 0.5) / FLORENCE_BINS) for x, y in corners))
            at = start + stop
        if parts:
            shapes.append(Shape(label, tuple(parts), start, end))
    return shapes


def _checked(shapes: list[Shape], reply: str) -> list[Shape]:
    if not shapes:
        raise ReplyError.about("locations were asked for and none is whole", reply)
    if len(shapes) > MAX_SHAPES:
        raise ReplyError.about(f"more than {MAX_SHAPES} of them", reply)
    return shapes
