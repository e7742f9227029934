"""Everything that reads text, with what must hold of whatever it reads."""

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from vlm_picking.asking import answer_freely
from vlm_picking.bench import text_corpus as corpus
from vlm_picking.bench.mutations import CONTROL_TOKENS
from vlm_picking.config import PickingConfig
from vlm_picking.errors import ModelError
from vlm_picking.models.chat_prompt import bare_text, plain_text
from vlm_picking.models.replies.completion import read_belief, read_completion
from vlm_picking.models.replies.json_boxes import read_boxes
from vlm_picking.models.replies.locations import (
    Shape,
    read_florence_boxes,
    read_florence_outlines,
    read_paligemma_boxes,
)
from vlm_picking.models.replies.points import read_points
from vlm_picking.models.replies.yes_no import read_yes_no
from vlm_picking.models.suite import ModelSuite
from vlm_picking.prompt import parse_prompt
from vlm_picking.query import Query


class Unsound(Exception):
    """Something was read, and it is not what a reader may give; says what."""


@dataclass(frozen=True)
class Reader:
    """What reads text.

    Args:
        read: called with (text, whether it was cut short); raises Unsound where what it reads can't be right.
        corpus: what it reads without a complaint, or refuses.
    """

    name: str
    read: Callable[[str, bool], None]
    corpus: Sequence[str]


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Unsound(otherwise)


def _check_box(xyxy: Sequence[float], *, least: float, most: float) -> None:
    x0, y0, x1, y1 = xyxy
    _demand(all(math.isfinite(v) and least <= v <= most for v in xyxy), f"the box {tuple(xyxy)} lies nowhere")
    _demand(x0 <= x1 and y0 <= y1, f"the box {tuple(xyxy)} is turned inside out")


def _check_place(start: int, end: int, text: str) -> None:
    _demand(0 <= start < end <= len(text), f"characters {start} to {end} of {len(text)} are said to tell it")


def _json_boxes(text: str, cut: bool) -> None:
    for box in read_boxes(text, cut=cut):
        _check_box(box.xyxy, least=-1e6, most=1e6)
        _check_place(box.start, box.end, text)


def _points(text: str, cut: bool) -> None:
    for point in read_points(text, cut=cut):
        _check_box((point.x, point.y, point.x, point.y), least=0, most=1)
        _check_place(point.start, point.end, text)
        _demand(point.image >= 0, f"there is no image {point.image}")


def _shapes(read: Callable[..., list[Shape]]) -> Callable[[str, bool], None]:
    def check(text: str, cut: bool) -> None:
        for shape in read(text, cut=cut):
            for part in shape.parts:
                _demand(len(part) >= 2, f"a shape of {len(part)} corners")
                for x, y in part:
                    _check_box((x, y, x, y), least=0, most=1)
            _check_box(shape.xyxy, least=0, most=1)
            _check_place(shape.start, shape.end, text)

    return check


def _yes_no(text: str, cut: bool) -> None:
    _demand(isinstance(read_yes_no(text), bool), "neither yes nor no")


def _completion(text: str, cut: bool) -> None:
    """A server's body, its probabilities, and its text through the readers of what it was asked for."""
    reply = read_completion(text)
    _demand(bool(reply.text.strip()), "an empty reply")
    belief = read_belief(reply)
    if belief is not None:
        _demand(0 <= belief.probability <= 1 and 0 <= belief.mass <= 1, f"{belief} is no probability")
    for start, end in ((0, len(reply.text)), (0, 1), (len(reply.text) // 2, len(reply.text))):
        confidence = reply.confidence(start, end)
        _demand(confidence is None or 0 <= confidence <= 1, f"{confidence} is no probability")
    for read in (_json_boxes, _yes_no):
        try:
            read(reply.text, reply.cut)
        except ModelError:
            continue  # it answers something else


def _completion_text(text: str, cut: bool) -> None:
    """A server's body that is whole, about a text that is not."""
    tokens = (text[:5], text[5:20], text[20:]) if len(text) % 2 else ()
    _completion(corpus.completion(text, tokens=tokens, finish="length" if cut else "stop"), cut)


def _sentence(text: str, cut: bool) -> None:
    query = parse_prompt(text)
    _demand(isinstance(query, Query) and query.text == text, "another sentence was answered")
    named = (*query.targets, *query.excluded, *(query.relation.references if query.relation else ()))
    for target in named:
        _check_clean(target.phrase, CONTROL_TOKENS)
        _demand(target.anything or bool(target.noun.strip()), "a target without a name")
    _demand(query.limit is None or query.limit >= 1, f"{query.limit} objects are wanted")


def _free_question(text: str, cut: bool) -> None:
    """A question that nobody can be asked: the refusal is shown to the operator as it is."""
    answer, _ = answer_freely(text, [_PICTURE], _NOBODY, _CONFIG)
    _demand(answer.reason.isprintable(), f"the reason {answer.reason[:200]!r} can't be printed")


def _chat_text(text: str, cut: bool) -> None:
    _check_clean(plain_text(text, CONTROL_TOKENS), CONTROL_TOKENS)


def _remote_text(text: str, cut: bool) -> None:
    plain = bare_text(text)
    _check_clean(plain, CONTROL_TOKENS)
    _demand(not set("<>[]{}|") & set(plain), f"brackets are left in {plain[:200]!r}")


def _check_clean(plain: str, control_tokens: Sequence[str]) -> None:
    """Whether a text holds no control token, also where a tokenizer normalises it or drops what can't be seen."""
    _demand(bool(plain.strip()), "nothing is left of it")
    seen = "".join(c for c in plain if unicodedata.category(c) != "Cf")
    for form in (plain, unicodedata.normalize("NFKC", plain), unicodedata.normalize("NFKC", seen)):
        token = next((token for token in control_tokens if token in form), None)
        _demand(token is None, f"{token} is left in {form[:200]!r}")
    odd = {unicodedata.category(c) for c in plain} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    _demand(not odd, f"characters of {', '.join(sorted(odd))} are left in {plain[:200]!r}")


_PICTURE, _NOBODY, _CONFIG = np.zeros((4, 4, 3), np.uint8), ModelSuite(), PickingConfig()

READERS = (
    Reader("json_boxes", _json_boxes, corpus.JSON_BOXES),
    Reader("points", _points, corpus.POINTS),
    Reader("paligemma_boxes", _shapes(read_paligemma_boxes), corpus.PALIGEMMA),
    Reader("florence_boxes", _shapes(read_florence_boxes), corpus.FLORENCE),
    Reader("florence_outlines", _shapes(read_florence_outlines), corpus.FLORENCE),
    Reader("yes_no", _yes_no, corpus.YES_NO),
    Reader("completion", _completion, corpus.COMPLETIONS),
    Reader("completion_text", _completion_text, corpus.COMPLETION_TEXTS),
    Reader("sentence", _sentence, corpus.SENTENCES),
    Reader("free_question", _free_question, corpus.SENTENCES),
    Reader("chat_text", _chat_text, corpus.TYPED),
    Reader("remote_text", _remote_text, corpus.TYPED),
)
