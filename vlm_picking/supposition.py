"""What a question supposes is there, as a prior for what was seen.

Scores are calibrated for one who thought both answers equally likely before. Who says "the mug next to the can" knows
more: that there is one, which is taken to be right nine times in ten. Who says "the leftmost mug" knows of several,
four times in five: "the mug on the left" may be the only one. "The mug on top" is in the pile, with whatever else.

Who says "the mug next to the can" also tells where it is. By chance a thing stands so to another about once in four, so
what stands so is the likelier what was meant.

Who says "pick the mug" knows of one as well, so what looks most like it is taken for it where that is likely enough. A
grasp has to hold it four times in five (`holding.py`): to lift the wrong thing is worse than to ask again.
"""

from collections.abc import Sequence

import numpy as np

from vlm_picking.detections import Detections
from vlm_picking.query import Query, QueryKind, Superlative

SUPPOSED = 0.9
SEVERAL = 0.8
BY_CHANCE = 0.25
_IN_THE_PILE = (Superlative.ON_TOP, Superlative.AT_BOTTOM)
_SUREST = 0.9999


def tells_which(query: Query) -> bool:
    """Whether a query tells which one is meant, and so supposes that there is one: "is there a mug next to the can?"
    does not, "where is the mug next to the can?" does.
    """
    all_meant = len(query.targets) == 1 or query.require_all
    narrowed = query.relation is not None or query.superlative is not None
    return query.kind in (QueryKind.WHERE, QueryKind.PICK) and all_meant and narrowed


def picks_one(query: Query) -> bool:
    """Whether one thing is to be picked of which nothing is told but what it is: "pick the red mug", "grab a mug"."""
    narrowed = query.relation is not None or query.superlative is not None
    return query.kind is QueryKind.PICK and len(query.targets) == 1 and query.limit == 1 and not narrowed


def supposes(query: Query) -> bool:
    """Whether a query supposes that what it names is there: it tells which one is meant, wants one picked, or asks how
    many there are.
    """
    return query.kind is QueryKind.COUNT or tells_which(query) or picks_one(query)


def least_score(threshold: float, *, chance: float = 1.0) -> float:
    """The score from which on a thing is there with a probability of `threshold`, if one is supposed to be and it does
    what was said of it, which others do by `chance`.
    """
    odds = threshold * (1 - SUPPOSED) * chance
    return odds / (odds + (1 - threshold) * SUPPOSED)


def the_only(score: np.ndarray) -> np.ndarray:
    """(N,) how likely each of N things with such scores is the one that is meant, of which nothing else is told."""
    p = np.clip(np.asarray(score, np.float64), 0, _SUREST)
    odds = p / (1 - p)
    return odds / (odds.sum() + (1 - SUPPOSED) / SUPPOSED)


def the_related(candidates: np.ndarray, references: Sequence[np.ndarray], holds: np.ndarray) -> np.ndarray:
    """(N,) how likely each of N candidates is the one that stands in a relation, whatever it stands in it to.

    Args:
        candidates: (N,) scores.
        references: for each reference of the relation the scores (J,), (K,) of what may be it; one of them is, or none.
        holds: (N, J) or (N, J, K) bool, which stands in the relation to which.
    """
    both = np.clip(candidates.astype(np.float64), 0, _SUREST)
    for score in references:
        p = np.clip(score.astype(np.float64), 0, _SUREST)
        odds = p / (1 - p)
        both = np.multiply.outer(both, odds / (1 + odds.sum()))
    odds = (holds * both / (1 - both) / BY_CHANCE).sum(axis=tuple(range(1, both.ndim)))
    return odds / (odds.sum() + (1 - SUPPOSED) / SUPPOSED)


def the_first(candidates: Detections, superlative: Superlative) -> np.ndarray:
    """(N,) how likely each of `candidates`, in the order of a superlative, is the one that is meant.

    The first is the one that is a thing while nothing before it is. Where nothing behind it is one either, there are
    not several; where none of them is anything, there is nothing, which is supposed least of all.
    """
    p = np.clip(candidates.score.astype(np.float64), 0, _SUREST)
    none_before = np.cumprod(np.append(1.0, 1 - p))
    none_behind = np.append(np.cumprod((1 - p)[::-1])[::-1], 1.0)[1:]
    several = 0.0 if superlative in _IN_THE_PILE else SEVERAL
    first = p * none_before[:-1] * (1 - several * none_behind)
    return first / (first.sum() + (1 - SUPPOSED) * none_before[-1])
