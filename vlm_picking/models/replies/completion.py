"""What a chat server sends back, the JSON of OpenAI's chat completions: its text, and how likely its tokens were."""

import json
import math
import re
from dataclasses import dataclass

from vlm_picking.errors import ReplyError
from vlm_picking.models.base import YesNo

_THOUGHT = re.compile(r"\s*<think>.*?(?:</think>|\Z)", re.DOTALL)
_MARKS = " \t\r\n\"'`*_#:.,-ĠĊ▁"  # the last three stand for blanks where a server writes tokens as its tokenizer does
_LEAST = -1e4  # and integers that no float can hold
_TOLERANCE = 1e-2  # logarithms of probabilities rounded by low precision


@dataclass(frozen=True)
class Token:
    """A token that the model wrote.

    Args:
        text: what it stands for.
        log_probability: of it.
        alternatives: text and logarithm of the probability of the likeliest tokens in its place; may lack itself.
    """

    text: str
    log_probability: float
    alternatives: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Completion:
    """A server's reply.

    Args:
        text: without thoughts, never empty.
        cut: it was stopped at its greatest length.
        tokens: those that it was written with; none where the server does not give their probabilities.
    """

    text: str
    cut: bool
    tokens: tuple[Token, ...] = ()

    def confidence(self, start: int, end: int) -> float | None:
        """Geometric mean probability of the tokens of text[start:end], of all where they can't be told apart.

        None where the server gave no probabilities.
        """
        if not self.tokens:
            return None
        before = "".join(token.text for token in self.tokens).find(self.text)
        at, chosen = -before, []
        for token in self.tokens:
            if before < 0 or (at < end and at + len(token.text) > start):
                chosen.append(token.log_probability)
            at += len(token.text)
        return min(1.0, math.exp(sum(chosen) / len(chosen))) if chosen else None


def read_completion(body: str) -> Completion:
    """The reply in the body of an HTTP answer.

    Raises:
        ReplyError: no such JSON, no text in it, or probabilities that are none.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ReplyError.about("the server sent no JSON", body) from error
    choices = content.get("choices") if isinstance(content, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        raise ReplyError.about("the server sent JSON without a choice that has a message", body)
    if isinstance(message.get("refusal"), str) and message["refusal"].strip():
        raise ReplyError.about("the model refused to answer", message["refusal"])
    written = _text(message.get("content"))
    thought = _THOUGHT.match(written)
    text = written[thought.end() :] if thought else written
    cut = choice.get("finish_reason") == "length"
    thinks = bool(thought) or any(_text(message.get(key)).strip() for key in ("reasoning_content", "reasoning"))
    if not text.strip():
        if choice.get("finish_reason") == "content_filter":
            raise ReplyError.about("the server's filter held the answer back", body)
        if thinks:
            raise ReplyError.about("the model thought and gave no answer; take a variant that does not think", body)
        raise ReplyError.about("the server sent an empty answer", body)
    return Completion(text.strip(), cut, () if thinks else _tokens(choice.get("logprobs"), body))


def read_belief(completion: Completion) -> YesNo | None:
    """How far the model believes in yes, by the alternatives at the first token that says anything.

    An answer that is not among the alternatives was less likely than any of them, and got no more than what they left:
    that much is taken for its probability.

    Returns:
        None where there are no probabilities, or neither yes nor no is among the alternatives.
    """
    token = next((token for token in completion.tokens if token.text.strip(_MARKS)), None)
    if token is None:
        return None
    likely = dict(token.alternatives)
    likely.setdefault(token.text, token.log_probability)
    found: dict[str, float] = {}
    for text, log_probability in likely.items():
        word = text.strip(_MARKS).casefold()
        found[word] = found.get(word, 0.0) + math.exp(min(0.0, log_probability))
    if not found.keys() & {"yes", "no"}:
        return None
    total = math.fsum(found.values())
    rest = min(math.exp(min(0.0, min(likely.values()))), max(0.0, 1 - total))
    yes, no = found.get("yes", rest), found.get("no", rest)
    if yes + no <= 0:
        return None
    return YesNo(probability=yes / (yes + no), mass=min(1.0, found.get("yes", 0.0) + found.get("no", 0.0)))


def _text(content: object) -> str:
    """Content as text or as parts; anything else says nothing."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _tokens(logprobs: object, body: str) -> tuple[Token, ...]:
    """The tokens with their probabilities; none where they are missing or written in a way of the server's own."""
    items = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(items, list):
        return ()
    tokens = []
    for item in items:
        pair = _pair(item, body)
        if pair is None:
            return ()
        others = item.get("top_logprobs")
        pairs = [_pair(other, body) for other in others] if isinstance(others, list) else []
        tokens.append(Token(*pair, alternatives=tuple(other for other in pairs if other is not None)))
    return tuple(tokens)


def _pair(item: object, body: str) -> tuple[str, float] | None:
    if not isinstance(item, dict):
        return None
    text, value = item.get("token"), item.get("logprob")
    if not isinstance(text, str) or isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not value <= _TOLERANCE:
        raise ReplyError.about(f"{value} is no logarithm of a probability", body)
    return text, float(max(value, _LEAST))
