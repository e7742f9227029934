"""What an operator reads when a sentence can't be understood: why not, and what can be asked."""

from enum import Enum

from vlm_picking.errors import PromptError

EXAMPLES = (
    "is there an apple?",
    "where is the red mug?",
    "how many screws are in the box?",
    "pick the leftmost mug",
)
_ECHO_CHARACTERS = 60


class Reason(str, Enum):
    """Why a sentence is refused; `{}` is filled with the words that are at fault."""

    EMPTY = "the prompt is empty"
    TOO_LONG = "the prompt has {} characters, at most 500 are read"
    NO_WORDS = "it has no words"
    NOT_ENGLISH = "'{}' is not English, and only English is understood"
    NO_OBJECT = "'{}' names no object"
    NO_NOUN = "'{}' says how the object looks, but not what it is; add the object or 'one'"
    POINTS = "'{}' refers to something that was not named; name the object"
    NOT_A_THING = "'{}' can't be read as an object"
    NEGATED = "'{}' says what not to do; say what to do, or 'clear' to stop looking"
    OTHER_COMMAND = "'{}' is no command of this camera, it only looks and proposes grasps"
    TWO_COMMANDS = "'{}' begins a second command; say one at a time"
    ORDINAL = (
        "'{}' counts along a row, which is not understood; say 'leftmost', 'rightmost' or name a neighbour"
    )
    UNKNOWN_RANK = (
        "'{}' can't be compared; known are leftmost, rightmost, topmost, nearest, farthest, largest, smallest"
    )
    UNKNOWN_PLACE = (
        "'{}' is no place that is understood; "
        "known are left of, right of, above, below, on, under, in, next to, between"
    )
    TWO_PLACES = "'{}' is a second place of the same sort; say one"
    MIXED_LIST = "'{}' mixes 'and' with 'or'; say one of them"
    UNEVEN_LIST = "'{}' belongs to only one of the listed objects; ask for one object at a time"
    REFERENCE = "'{}' should be one object"
    NUMBER = "'{}' is no number of objects"
    UNREAD = "it was not understood"


def refusal(reason: Reason, fault: str = "") -> PromptError:
    """The error to raise, without the sentence; `parse_prompt` adds that with `explained`."""
    return PromptError(reason.value.format(shortened(fault)))


def explained(error: PromptError, text: str) -> PromptError:
    """The same error with the sentence in front and the examples behind."""
    sentence = f"can't read '{shortened(' '.join(text.split()))}': " if text.strip() else ""
    return PromptError(f"{sentence}{error}. Try: " + ", ".join(f"'{example}'" for example in EXAMPLES))


def shortened(text: str) -> str:
    """An operator's words as they are shown again: on one line, printable, not long."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return printable if len(printable) <= _ECHO_CHARACTERS else printable[: _ECHO_CHARACTERS - 3] + "..."
