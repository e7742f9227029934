"""Questions with one right object: superlatives, relations and counts, where the simulator's truth leaves no doubt.

All truth comes from the id map, from depth without noise, and from the physics; nothing of the pipeline is used.

Superlatives name kinds of which two or more lie in the bin, all clear. The winner leads by a margin:

    leftmost, rightmost, uppermost, lowermost   24 px, by the mean of the visible pixels and by the middle of their box
    nearest, farthest                           20 mm of median depth, and the seen tops agree
    topmost, lowest                             20 mm of the highest seen point over the bin's floor
    largest, smallest                           1.5 times the volume of the object's own box, 1.2 times the pixels; all
                                                of them at least 80 % visible

Relations have one clear thing of the reference's kind in the bin, and of the target's kind only clear things, of which
one stands in the relation and the others clearly do not ("where is the mug next to the can?"); or none does ("is there
a mug next to the can?", to be answered ABSENT):

    left of, right of, above, below   9 in 10 pixels of one lie beyond 9 in 10 of the other that way, and the offset of
                                      their middles is 1.5 times as long that way as across; clearly not: so on the
                                      opposite side
    next to                           the pixels come closer than 0.15 of the mean size of the boxes; clearly not:
                                      farther apart than 1.5 of it
    on                                the one rests on the other in the physics, 80 % of its pixels lie in the other's
                                      box, and its top is 15 mm higher; clearly not: the boxes do not meet
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from vlm_picking.bench.scenes import EvaluationFrame, Thing
from vlm_picking.bench.sentences import countable_name_of, name_of, plural, with_article

MARGIN_PX, MARGIN_M, ON_MARGIN_M = 24.0, 0.020, 0.015
VOLUME_RATIO, PIXEL_RATIO, WHOLE = 1.5, 1.2, 0.8
NEAR, FAR = 0.15, 1.5
SUPERLATIVES_A_FRAME, RELATIONS_A_FRAME, COUNTS_A_FRAME, MOST = 2, 2, 2, 6


@dataclass(frozen=True, kw_only=True)
class SpatialQuestion:
    """A sentence; `answer_id` is the one right object, None where nothing stands in the relation."""

    sentence: str
    name: str
    answer_id: int | None


@dataclass(frozen=True, kw_only=True)
class CountQuestion:
    """ "how many mugs are there?" and how many there are."""

    sentence: str
    kind: str
    count: int


def _winner(keys: np.ndarray, margin: float) -> int | None:
    """Index of the least of `keys` (N,), None unless it leads by `margin`."""
    order = np.argsort(keys)
    return int(order[0]) if keys[order[1]] - keys[order[0]] >= margin else None


def _agreed(*winners: int | None) -> int | None:
    return winners[0] if len(set(winners)) == 1 else None


def superlative_winner(name: str, things: tuple[Thing, ...]) -> Thing | None:
    """The one of two or more clear things that the superlative means beyond doubt; None where there is doubt."""
    sign, measure = _SUPERLATIVES[name]
    index = measure(things, sign)
    return None if index is None else things[index]


def _along(axis: int) -> Callable[[tuple[Thing, ...], int], int | None]:
    def measure(things: tuple[Thing, ...], sign: int) -> int | None:
        mean = np.array([thing.centre_px[axis] for thing in things])
        middle = np.array([(thing.xyxy[axis] + thing.xyxy[axis + 2]) / 2 for thing in things])
        return _agreed(_winner(sign * mean, MARGIN_PX), _winner(sign * middle, MARGIN_PX))

    return measure


def _by_distance(things: tuple[Thing, ...], sign: int) -> int | None:
    tops = np.array([-thing.top_m for thing in things])
    return _agreed(
        _winner(sign * np.array([thing.distance_m for thing in things]), MARGIN_M), _winner(sign * tops, 0.0)
    )


def _by_height(things: tuple[Thing, ...], sign: int) -> int | None:
    return _winner(sign * np.array([thing.top_m for thing in things]), MARGIN_M)


def _by_size(things: tuple[Thing, ...], sign: int) -> int | None:
    if any(thing.visible < WHOLE for thing in things):
        return None
    volume = np.log([np.prod(2 * thing.half_extents_m) for thing in things])
    pixels = np.log([thing.pixels for thing in things])
    return _agreed(_winner(sign * volume, np.log(VOLUME_RATIO)), _winner(sign * pixels, np.log(PIXEL_RATIO)))


_SUPERLATIVES: dict[str, tuple[int, Callable[[tuple[Thing, ...], int], int | None]]] = {
    "leftmost": (1, _along(0)),
    "rightmost": (-1, _along(0)),
    "uppermost": (1, _along(1)),
    "lowermost": (-1, _along(1)),
    "nearest": (1, _by_distance),
    "farthest": (-1, _by_distance),
    "topmost": (-1, _by_height),
    "lowest": (1, _by_height),
    "largest": (-1, _by_size),
    "smallest": (1, _by_size),
}


def _beyond(frame: EvaluationFrame, a: Thing, b: Thing, axis: int, sign: int) -> bool | None:
    """Whether `a` lies beyond `b` towards `sign` along an image axis; None where there is doubt."""
    offset = (a.centre_px - b.centre_px) * sign
    clear = abs(offset[axis]) >= 1.5 * abs(offset[1 - axis])
    low_a, high_a = np.sort(_span(frame, a)[:, axis] * sign)
    low_b, high_b = np.sort(_span(frame, b)[:, axis] * sign)
    if clear and low_a > high_b:
        return True
    return False if clear and high_a < low_b else None


@lru_cache(maxsize=64)
def _span(frame: EvaluationFrame, thing: Thing) -> np.ndarray:
    """(2, 2) the 10th and the 90th percentile of x and y over the visible pixels."""
    rows, columns = np.nonzero(frame.mask(thing))
    return np.percentile(np.stack([columns, rows], axis=1), [10, 90], axis=0)


@lru_cache(maxsize=16)
def _away(frame: EvaluationFrame, thing: Thing) -> np.ndarray:
    """(H, W) how far each pixel is from those of `thing` [px]."""
    return cv2.distanceTransform((~frame.mask(thing)).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def _next_to(frame: EvaluationFrame, a: Thing, b: Thing) -> bool | None:
    size = np.mean([thing.xyxy[2:] - thing.xyxy[:2] for thing in (a, b)])
    gap = float(_away(frame, b)[frame.mask(a)].min()) / size
    if set(a.rests_on) & {b.id} or set(b.rests_on) & {a.id}:
        return None
    return True if gap < NEAR else False if gap > FAR else None


def _on(frame: EvaluationFrame, a: Thing, b: Thing) -> bool | None:
    rows, columns = np.nonzero(frame.mask(a))
    x0, y0, x1, y1 = b.xyxy
    inside = float(((columns >= x0) & (columns < x1) & (rows >= y0) & (rows < y1)).mean())
    if b.id in a.rests_on:
        return True if inside >= 0.8 and a.top_m - b.top_m >= ON_MARGIN_M else None
    meets = np.minimum(a.xyxy[2:], b.xyxy[2:]) > np.maximum(a.xyxy[:2], b.xyxy[:2])
    return None if meets.all() else False


RELATIONS: dict[str, Callable[[EvaluationFrame, Thing, Thing], bool | None]] = {
    "left of": lambda frame, a, b: _beyond(frame, a, b, 0, -1),
    "right of": lambda frame, a, b: _beyond(frame, a, b, 0, 1),
    "above": lambda frame, a, b: _beyond(frame, a, b, 1, -1),
    "below": lambda frame, a, b: _beyond(frame, a, b, 1, 1),
    "next to": _next_to,
    "on": _on,
}


def superlative_questions(frame: EvaluationFrame) -> tuple[SpatialQuestion, ...]:
    """At most SUPERLATIVES_A_FRAME, the same ones for the same frame."""
    rng = np.random.default_rng((frame.scene_seed, 4))
    found = []
    for kind in sorted(frame.kinds):
        things = frame.of_kind(kind)
        if len(things) < 2 or not all(thing.clear for thing in things):
            continue
        for name in _SUPERLATIVES:
            winner = superlative_winner(name, things)
            if winner is not None:
                found.append((name, kind, winner.id))
    chosen = [found[i] for i in rng.permutation(len(found))[:SUPERLATIVES_A_FRAME]]
    return tuple(
        SpatialQuestion(sentence=f"where is the {name} {countable_name_of(kind, rng)}?", name=name, answer_id=winner_id)
        for name, kind, winner_id in chosen
    )


def relation_questions(frame: EvaluationFrame) -> tuple[SpatialQuestion, ...]:
    """At most RELATIONS_A_FRAME, half of them where nothing stands in the relation."""
    rng = np.random.default_rng((frame.scene_seed, 5))
    cases = list(_relation_cases(frame))
    chosen = []
    for wanted in (True, False):
        fitting = [case for case in cases if (case[3] is not None) == wanted]
        by_name = {name: [case for case in fitting if case[0] == name] for name in RELATIONS}
        # By relation first: rare ones such as "on" would drown among the others.
        names = [name for name in RELATIONS if by_name[name]]
        for name in [names[i] for i in rng.permutation(len(names))][: RELATIONS_A_FRAME // 2]:
            chosen.append(by_name[name][int(rng.integers(len(by_name[name])))])
    return tuple(_relation_question(*case, rng=rng) for case in chosen)


def _relation_cases(frame: EvaluationFrame) -> Iterator[tuple[str, str, str, int | None]]:
    """(relation, kind of the target, kind of the reference, id of the one target or None)."""
    kinds = [kind for kind in sorted(frame.kinds) if all(thing.clear for thing in frame.of_kind(kind))]
    for reference_kind in kinds:
        references = frame.of_kind(reference_kind)
        if len(references) != 1:
            continue
        for kind in kinds:
            if kind == reference_kind:
                continue
            for name, test in RELATIONS.items():
                holds = [test(frame, thing, references[0]) for thing in frame.of_kind(kind)]
                if None not in holds and sum(holds) <= 1:
                    answer = next((t.id for t, h in zip(frame.of_kind(kind), holds, strict=True) if h), None)
                    yield name, kind, reference_kind, answer


def _relation_question(
    name: str, kind: str, reference_kind: str, answer_id: int | None, *, rng: np.random.Generator
) -> SpatialQuestion:
    target, reference = countable_name_of(kind, rng), name_of(reference_kind, rng)
    place = f"{'to the ' if name in ('left of', 'right of') else ''}{name} the {reference}"
    start = f"is there {with_article(target)}" if answer_id is None else f"where is the {target}"
    return SpatialQuestion(sentence=f"{start} {place}?", name=name, answer_id=answer_id)


def count_questions(frame: EvaluationFrame) -> tuple[CountQuestion, ...]:
    """At most COUNTS_A_FRAME; kinds of which there are several come first."""
    rng = np.random.default_rng((frame.scene_seed, 6))
    kinds = [kind for kind in sorted(frame.kinds) if all(thing.clear for thing in frame.of_kind(kind))]
    kinds = [kinds[i] for i in rng.permutation(len(kinds)) if len(frame.of_kind(kinds[i])) <= MOST]
    kinds.sort(key=lambda kind: len(frame.of_kind(kind)) == 1)
    return tuple(
        CountQuestion(
            sentence=f"how many {plural(countable_name_of(kind, rng))} are there?",
            kind=kind,
            count=len(frame.of_kind(kind)),
        )
        for kind in kinds[:COUNTS_A_FRAME]
    )
