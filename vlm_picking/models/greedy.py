"""Writing without dice: the likeliest token each time, and how likely it was; for families that locate by tokens."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from vlm_picking.errors import ModelError


@dataclass(frozen=True, eq=False)
class Written:
    """What a model wrote.

    Args:
        text: without the marks of beginning, end and padding.
        cut: it was stopped at its greatest length, not at its end.
        starts: (T,) the character at which each token begins; ordinary tokens between two control tokens share theirs.
        probability: (T,) float64, that the model gave to each token.
    """

    text: str
    cut: bool
    starts: np.ndarray
    probability: np.ndarray

    def confidence(self, start: int, end: int) -> float:
        """Geometric mean of the probabilities of the tokens that begin in characters start..end; not calibrated."""
        inside = self.probability[(self.starts >= start) & (self.starts < end)]
        return float(np.exp(np.log(np.clip(inside, 1e-30, 1)).mean())) if len(inside) else 0.0


def write(
    model,
    tokenizer,
    inputs: Mapping[str, object],
    *,
    max_new_tokens: int,
    min_new_tokens: int = 0,
    barred: Iterable[int] = (),
) -> list[Written]:
    """Let a model write on from `inputs`, each row of the batch for itself.

    Args:
        inputs: for `model.generate`.
        max_new_tokens: where it is stopped.
        min_new_tokens: before which it may not end.
        barred: ids that it may not write.

    Raises:
        ModelError: its scores are no numbers.
    """
    import torch
    from transformers import LogitsProcessorList

    steps: list[object] = []

    def note(_, scores):
        steps.append(scores.float().log_softmax(-1).amax(-1))
        return scores

    limits = {"max_new_tokens": max_new_tokens}
    if min_new_tokens:
        limits["min_new_tokens"] = min_new_tokens
    if barred := sorted(barred):
        limits["suppress_tokens"] = barred
    with torch.inference_mode():
        ids = model.generate(
            **inputs,
            **limits,
            do_sample=False,
            num_beams=1,
            logits_processor=LogitsProcessorList([note]),
        )
    probability = torch.stack(steps, dim=1).exp().double().cpu().numpy()
    if not np.isfinite(probability).all():
        raise ModelError(f"{type(model).__name__} gave scores that are no numbers; with dtype float16 try bfloat16")
    new = ids[:, -len(steps) :].tolist()
    ends = model.generation_config.eos_token_id
    ends = set(ends) if isinstance(ends, list) else {ends}
    return [_read(tokenizer, row, p, ends) for row, p in zip(new, probability, strict=True)]


def _read(tokenizer, ids: list[int], probability: np.ndarray, ends: set[int]) -> Written:
    length = next((i for i, token in enumerate(ids) if token in ends), None)
    cut = length is None
    silent = {tokenizer.bos_token_id, tokenizer.pad_token_id}
    kept = [i for i, token in enumerate(ids[:length]) if token not in silent]
    control = set(tokenizer.get_added_vocab().values())
    pieces: list[list[int]] = []
    for i in kept:
        if pieces and ids[i] not in control and ids[pieces[-1][-1]] not in control:
            pieces[-1].append(i)  # a character may take several tokens
        else:
            pieces.append([i])
    text, starts = "", []
    for piece in pieces:
        starts += [len(text)] * len(piece)
        text += tokenizer.decode([ids[i] for i in piece], skip_special_tokens=False, clean_up_tokenization_spaces=False)
    return Written(text, cut, np.array(starts, int), probability[kept])


def token_ids(tokenizer, tokens: Iterable[str], model: str) -> list[int]:
    """The ids of tokens that `model` can't do without.

    Raises:
        ModelError: its tokenizer lacks one.
    """
    vocabulary = tokenizer.get_vocab()
    lacking = [token for token in tokens if token not in vocabulary]
    if lacking:
        raise ModelError(f"the tokenizer of {model} lacks {lacking[0]!r}: its files are those of another model")
    return [vocabulary[token] for token in tokens]


class OperatorText:
    """Takes control tokens out of what an operator typed, so that words can't command the model.

    Args:
        tokenizer: its added tokens are the control tokens.
        extra: further marks that have a meaning in the model's prompts (";").
    """

    def __init__(self, tokenizer, *, extra: Iterable[str] = ()) -> None:
        marks = [mark for mark in (*tokenizer.get_added_vocab(), *extra) if mark.strip()]
        self._control = re.compile("|".join(map(re.escape, sorted(marks, key=len, reverse=True))))

    def plain(self, text: str) -> str:
        """The words in one line.

        Raises:
            ModelError: no word is left.
        """
        words = "".join(character if character.isprintable() else " " for character in text)
        while self._control.search(words):  # what is left may be one again
            words = self._control.sub(" ", words)
        words = " ".join(words.split())
        if not words:
            raise ModelError(f"{text[:40]!r} holds no words for a model")
        return words
