"""What an operator asks: the meaning of a sentence, as values. `prompt.parse_prompt` makes them."""

from dataclasses import dataclass, field
from enum import Enum


class QueryKind(str, Enum):
    """What is asked."""

    PRESENCE = "presence"  # is there an apple?
    WHERE = "where"  # where is the packaging?
    COUNT = "count"  # how many mugs?
    PICK = "pick"  # pick the red mug on top
    DESCRIBE = "describe"  # what do you see?
    ASK = "ask"  # is the lid of the box open? (needs a model that answers questions)
    CLEAR = "clear"  # stop looking for what was asked before


class RelationKind(str, Enum):
    """How a target lies to a reference object, seen from the camera."""

    LEFT_OF = "left of"
    RIGHT_OF = "right of"
    ABOVE = "above"  # higher in the image
    BELOW = "below"  # lower in the image
    ON = "on"  # resting on it
    UNDER = "under"  # covered by it
    INSIDE = "inside"
    NEXT_TO = "next to"
    BETWEEN = "between"  # two references


class Superlative(str, Enum):
    """Which one of several."""

    LEFTMOST = "leftmost"
    RIGHTMOST = "rightmost"
    ON_TOP = "on top"  # nothing lies on it, nearest to the camera first
    AT_BOTTOM = "at the bottom"  # deepest in the pile
    UPPERMOST = "uppermost"  # highest in the image
    LOWEST = "lowest"  # lowest in the image
    NEAREST = "nearest"  # to the camera
    FARTHEST = "farthest"
    LARGEST = "largest"
    SMALLEST = "smallest"
    CENTRAL = "central"  # nearest to the middle of the image


@dataclass(frozen=True)
class Target:
    """What is looked for.

    Args:
        noun: the thing in the singular, without article or attributes ("mug", "cordless drill"); "" means anything.
        colours: colour words in the order they were said ("red"), normalised to American-neutral basics ("grey").
        attributes: other words that a model may understand ("striped", "empty", "metal").
        size: "small" or "large", or None.
    """

    noun: str
    colours: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    size: str | None = None

    @property
    def anything(self) -> bool:
        return not self.noun

    @property
    def phrase(self) -> str:
        """The words for a model: attributes, colours, noun ("striped red mug"); "object" for anything."""
        return " ".join((*self.attributes, *self.colours, self.noun or "object"))

    def __str__(self) -> str:
        return " ".join(filter(None, (self.size, self.phrase)))


@dataclass(frozen=True)
class Relation:
    """A relation to one reference object (two for BETWEEN)."""

    kind: RelationKind
    references: tuple[Target, ...]


@dataclass(frozen=True)
class Query:
    """The meaning of an operator's sentence.

    Args:
        text: the sentence as it was said.
        kind: what is asked.
        targets: what is looked for, one or more; empty for CLEAR, DESCRIBE of everything, and ASK without a known
            object.
        require_all: "an apple and a banana" wants both, "an apple or a banana" is content with one.
        excluded: what does not count ("everything but the mugs").
        superlative, relation: narrow the targets down.
        limit: how many objects are wanted at most ("pick two mugs": 2, "pick the mug": 1); None for all.
    """

    text: str
    kind: QueryKind
    targets: tuple[Target, ...] = ()
    require_all: bool = False
    excluded: tuple[Target, ...] = ()
    superlative: Superlative | None = None
    relation: Relation | None = None
    limit: int | None = field(default=None)
