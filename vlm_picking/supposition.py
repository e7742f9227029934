"""What a question supposes is there, as a prior for what was seen.

Scores are calibrated for one who thought both answers equally likely before. Who says "the mug next to the can" knows
more: that there is one, which is taken to be right nine times in ten. Who says "the leftmost mug" knows of several,
four times in five: "the mug on the left" may be the only one. "The mug on top" is in the pile, with whatever else.
"""

import numpy as np

from vlm_picking.detections import Detections
from vlm_picking.query import Query, QueryKind, Superlative

SUPPOSED = 0.9
SEVERAL = 0.8
_IN_THE_PILE = (Superlative.ON_TOP, Superlative.AT_BOTTOM)
_SUREST = 0.9999


def tells_which(query: Query) -> bool:
    """Whether a query tells which one is meant, and so supposes that there is one: "is there a mug next to the can?"
    does not, "where is the mug next to the can?" does.
    """
    all_meant = len(query.targets) == 1 or query.require_all
    narrowed = query.relation is not None or query.superlative is not None
    return query.kind in (QueryKind.WHERE, QueryKind.PICK) and all_meant and narrowed


def supposes(query: Query) -> bool:
    """Whether a query supposes that what it names is there: it tells which one is meant, or asks how many there are."""
    return query.kind is QueryKind.COUNT or tells_which(query)


def least_score(threshold: float) -> float:
    """The score from which on a thing is there with a probability of `threshold`, if one is supposed to be."""
    odds = threshold * (1 - SUPPOSED)
    return odds / (odds + (1 - threshold) * SUPPOSED)


def the_one(candidates: Detections) -> np.ndarray:
    """(N,) how likely each of `candidates` is the one thing that a question supposes, by Bayes' rule: one of them is
    it, or none.
    """
    p = np.clip(candidates.score.astype(np.float64), 0, _SUREST)
    odds = p / (1 - p)
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
