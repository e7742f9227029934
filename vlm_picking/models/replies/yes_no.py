"""Yes or no: the tokens that begin either answer, and either answer as text."""

import re

from vlm_picking.errors import ReplyError

YES = ("Yes", "yes", "YES", " Yes", " yes", " YES")
NO = ("No", "no", "NO", " No", " no", " NO")

_MARKS = r"[\s\"'`*_(\[{<>:#-]*"
_ANSWER = re.compile(
    rf"{_MARKS}(?:(?:the\s+)?(?:final\s+)?answer{_MARKS}(?:is\b{_MARKS})?)?(yes|no|true|false)\b", re.IGNORECASE
)
_NO_ANSWER = re.compile(
    r"\s*(?:/|\||or\b|and\b|idea\b|clue\b|answer\b|information\b|way\b|comment\b|doubt\b)", re.IGNORECASE
)


def read_yes_no(reply: str) -> bool:
    """Whether a reply says yes.

    Only a reply that begins with its answer ("Yes, there is", "**No**", "Answer: yes", '{"answer": "no"}') can be read:
    a "no" in the middle of a sentence may mean anything.

    Raises:
        ReplyError: it says neither, or both.
    """
    found = _ANSWER.match(reply)
    if found is None or _NO_ANSWER.match(reply, found.end()):
        raise ReplyError.about("yes or no was asked for and neither came", reply)
    return found.group(1).lower() in ("yes", "true")
