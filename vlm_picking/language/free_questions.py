"""Free questions, those that boxes don't answer: what kind of answer they want."""

from dataclasses import dataclass
from enum import Enum

from vlm_picking.language.tokens import words


class Form(str, Enum):
    """What the answer looks like."""

    YES_NO = "yes or no"  # is the lid open?
    CHOICE = "one of those named"  # is the lid open or closed?
    OPEN = "words"  # what colour is the mug?


@dataclass(frozen=True)
class Option:
    """One of the answers to choose from.

    Args:
        word: "open".
        statement: "the lid is open".
    """

    word: str
    statement: str


@dataclass(frozen=True)
class FreeQuestion:
    """A question to a model that answers.

    Args:
        options: of a CHOICE; of a YES_NO, the state asked about and its opposite, where that has a word.
        about_change: whether one picture can't answer it ("did the mug move?").
    """

    form: Form
    options: tuple[Option, ...] = ()
    about_change: bool = False


_BE = ("is", "are")
_ASKING_YES_OR_NO = frozenset(
    "is are was were am does do did has have had can could will would should may must".split()
)
_CHANGE = frozenset(
    "move moves moved moving change changes changed changing happen happens happened happening different "
    "difference differences appear appeared disappear disappeared".split()
)
_OPPOSITES = {
    one: other
    for pair in ("open closed", "full empty", "clean dirty", "wet dry", "broken intact", "upright tilted")
    for one, other in (pair.split(), reversed(pair.split()))
}


def read_free_question(text: str) -> FreeQuestion:
    """Read what kind of answer a question wants; any sentence is a question here.

    Raises:
        PromptError: it has no words, or none in English.
    """
    tokens = words(text)
    about_change = bool(_CHANGE & set(tokens))
    if "or" in tokens:
        options = _named_options(tokens)
        return FreeQuestion(Form.CHOICE if options else Form.OPEN, options, about_change)
    if tokens[0] not in _ASKING_YES_OR_NO:
        return FreeQuestion(Form.OPEN, (), about_change)
    options = ()
    if tokens[0] in _BE and len(tokens) > 2 and tokens[-1] in _OPPOSITES and "not" not in tokens:
        options = _options(tokens[0], tokens[1:-1], [tokens[-1], _OPPOSITES[tokens[-1]]])
    return FreeQuestion(Form.YES_NO, options, about_change)


def _named_options(tokens: list[str]) -> tuple[Option, ...]:
    """The options of "is the mug red, blue or green": single words at its end; none where it can't be told."""
    last = len(tokens) - 1 - tokens[::-1].index("or")
    if tokens[0] not in _BE or last != len(tokens) - 2 or last < 3:
        return ()
    start = last - 2 if tokens[last - 1] == "," else last - 1
    while start >= 4 and tokens[start - 1] == ",":
        start -= 2
    named = [token for token in tokens[start:] if token not in (",", "or")]
    subject = tokens[1:start]
    return _options(tokens[0], subject, named) if len(subject) > 1 or subject in (["it"], ["this"]) else ()


def _options(verb: str, subject: list[str], named: list[str]) -> tuple[Option, ...]:
    return tuple(Option(word, " ".join((*subject, verb, word))) for word in named)
