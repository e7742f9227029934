"""Sentences as an operator would say them."""

import numpy as np

_PLURAL = frozenset(("scissors", "pliers", "pincers", "shears"))
_MASS = frozenset(("packaging", "paper", "soap", "toothpaste", "paste"))
_OPENINGS = ("{is} there", "do you see", "can you see")


def name_of(kind: str, rng: np.random.Generator) -> str:
    """What the kind is called in one question: its name or, in half of the questions, a synonym where it has any."""
    from vlm_picking.sim.kinds import KINDS

    synonyms = KINDS[kind].synonyms
    return str(rng.choice(list(synonyms))) if synonyms and rng.random() < 0.5 else kind


def countable_name_of(kind: str, rng: np.random.Generator) -> str:
    """As `name_of`, without names that can't be counted ("packaging")."""
    name = name_of(kind, rng)
    return kind if _last(name) in _MASS | _PLURAL or " of " in name else name


def presence_question(noun: str, rng: np.random.Generator, *, colour: str | None = None) -> str:
    """ "is there a red mug?", "do you see any packaging?"."""
    phrase = f"{colour} {noun}" if colour else noun
    plural = _last(noun) in _PLURAL and " of " not in noun
    if plural or _last(noun) in _MASS and " of " not in noun:
        article = "any"
    else:
        article = "an" if phrase[0] in "aeiou" else "a"
    opening = str(rng.choice(_OPENINGS)).format(**{"is": "are" if plural else "is"})
    return f"{opening} {article} {phrase}?"


def with_article(noun: str) -> str:
    """ "a mug", "an apple"."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def plural(noun: str) -> str:
    """ "boxes", "rolls of tape", "dice", "scissors"."""
    head, of, rest = noun.partition(" of ")
    if of:
        return f"{plural(head)} of {rest}"
    word = _last(noun)
    if word in _PLURAL or word == "dice":
        return noun
    if word == "die":
        return noun[: -len("die")] + "dice"
    return noun + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


def _last(noun: str) -> str:
    return noun.split()[-1]
