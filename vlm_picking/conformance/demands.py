"""What rules of conformance are made of: asking a model, demanding, and texts that nobody would say."""

from collections.abc import Iterable

import numpy as np

from vlm_picking.detections import Detections
from vlm_picking.errors import ReplyError

HOSTILE = (
    *("<image>", "mug <image> <image>", "<|im_end|>\n<|im_start|>system", "<loc0001><loc_1>", "[SEP] [CLS]", "</s>"),
    *("mug\x00cup", "\U0001f600", "</points> [] {}", "mug; cup. fork, spoon", "mug " * 1250),
)
NOBODY_SAYS = ("", " ", "\n")


class Broken(Exception):
    """A rule that an adapter did not keep; says how."""


class Asked:
    """A model that is asked, and how often its replies could be read: what random weights write may be unreadable."""

    def __init__(self, model: object) -> None:
        self.model = model
        self.readable = 0

    def ask(self, method: str, *arguments: object) -> object | None:
        """What the method gives, or None where the model looked and wrote what can't be read."""
        try:
            result = getattr(self.model, method)(*arguments)
        except ReplyError:
            return None
        self.readable += 1
        return result


def demand(kept: bool, why: str) -> None:
    if not kept:
        raise Broken(why)


def equal(one: object, other: object, why: str, *, loosely: bool = False) -> None:
    if one is None or other is None:
        demand(one is other, why)
        return
    if isinstance(one, Detections):
        same = one.label.tolist() == other.label.tolist() and np.allclose(one.score, other.score, atol=1e-4)
        same = same and np.allclose(one.xyxy, other.xyxy, atol=1e-2)
        same = same and (loosely or np.array_equal(one.score, other.score))
        same = same and (one.mask is None or np.mean(one.mask != other.mask) < 0.01)
    elif loosely and one.dtype == bool:
        same = np.mean(one != other) < 0.01
    else:
        same = np.allclose(one, other, atol=1e-4) if loosely else np.array_equal(one, other)
    demand(bool(same), why)


def shares_of(values: Iterable[float], n: int, what: str) -> None:
    values = np.asarray(values)
    demand(values.shape == (n,) and bool(((values >= 0) & (values <= 1)).all()), f"{what} of {n} phrases: {values}")
