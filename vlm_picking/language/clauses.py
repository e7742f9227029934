"""One clause -> its kind and its objects: what follows "where is", "how many", "pick up"."""

from vlm_picking.language.commands import beginning, is_clear, refuse_robot_parts
from vlm_picking.language.lexicon import ADJECTIVES, ARTICLES, COLOURS, PRONOUNS, SCENE, SIZES
from vlm_picking.language.nouns import read_objects
from vlm_picking.language.places import first_place, place_at
from vlm_picking.language.questions import NOTHING_NAMED, Meaning, known_object, read_question, split_seeing
from vlm_picking.language.refusals import Reason, refusal
from vlm_picking.query import QueryKind

_PICTURES_OF = tuple(
    [*article.split(), picture, "of"]
    for article in ("a", "the", "")
    for picture in ("photo", "picture", "image")
)
_QUANTIFIERS = tuple(
    q.split() for q in ("at least", "at most", "more than", "fewer than", "less than", "only")
)
_ALL_THERE_IS = SCENE | frozenset("everything objects things items contents all situation".split())
# Nouns that no box can show: whether there is one is a question.
_NO_THINGS = frozenset(
    "space room spot problem error way chance reason difference movement collision".split()
)
_NO_NAMES = frozenset(
    "computer hello hi hey yes ok okay thanks sorry good great job done again repeat next no none".split()
)
_NO_NAMES_ALONE = PRONOUNS | {"robot", "test"}
_CLOSING_GREETINGS = (["good", "morning"], ["good", "evening"])
_VERBS_BEHIND_COUNT = ("is", "are", "lie", "lies", "does", "do", "has")
_LOOKS = ADJECTIVES | COLOURS.keys() | SIZES.keys()


def read_clause(tokens: list[str]) -> Meaning:
    """Read a command, a question or a bare noun phrase.

    Raises:
        PromptError: it is none of them.
    """
    kind, objects = _read_known(tokens)
    _check_names([target.noun for target in objects.targets])
    return kind, objects


def _read_known(tokens: list[str]) -> Meaning:
    begun = beginning(tokens)
    if begun is None:
        return read_question(tokens) or _read_bare(tokens)
    kind, rest, said = begun
    if kind is QueryKind.WHERE and rest[:1] in (["and"], [","]) and (chained := beginning(rest[1:])):
        kind, rest, said = chained  # "find and pick the mug"
    rest = [token for token in rest if token not in ("still", "currently", "also", "exactly")]
    if not rest:
        raise refusal(Reason.NO_OBJECT, " ".join(said))
    return _READERS[kind](rest)


def _check_names(nouns: list[str]) -> None:
    """Refuse names that are commands or greetings: "pick stop", "ok"."""
    for noun in nouns:
        if noun in _NO_NAMES:
            raise refusal(Reason.NO_OBJECT, noun)
        if noun and is_clear(noun.split(" ")):
            raise refusal(Reason.TWO_COMMANDS, noun)


def _read_presence(rest: list[str]) -> Meaning:
    """Boxes can't say whether a mug lies "on the left" at all, nor that there are "at least two": the first
    becomes ASK, the second COUNT, so that no yes is given for less than what was asked."""
    rest = _without_remaining(rest)
    has_quantifier = False
    for quantifier in _QUANTIFIERS:
        if rest[: len(quantifier)] == quantifier:
            rest, has_quantifier = rest[len(quantifier) :], True
    if rest[:1] in (["no"], ["not"]):  # "is there no apple?" asks the same
        rest = rest[1:]
    objects = read_objects(rest)
    if objects.rank or any(_head(target.noun) in _NO_THINGS for target in objects.targets):
        return QueryKind.ASK, objects
    return QueryKind.COUNT if has_quantifier or objects.number is not None else QueryKind.PRESENCE, objects


def _head(noun: str) -> str:
    """The word that says what it is: "room for another box" is room."""
    words = noun.split(" ")
    end = next((i for i, word in enumerate(words) if word in ("for", "of", "with", "without")), len(words))
    return words[end - 1]


def _read_where(rest: list[str]) -> Meaning:
    if rest[-1] in ("is", "are", "lies", "lie", "go", "at", "be"):  # "show me where the mug is"
        rest = rest[:-1]
    if "for" in rest[1:-1]:
        start = rest.index("for")
        if place_at(rest, 0):  # "look in the box for the mug"
            rest = rest[start + 1 :] + rest[:start]
        elif rest[0] in ARTICLES and rest[1:start] in (
            ["bin"],
            ["table"],
            ["box"],
        ):  # "search the bin for mugs"
            rest = [*rest[start + 1 :], "in", *rest[:start]]
    return QueryKind.WHERE, read_objects(rest)


def _read_count(rest: list[str]) -> Meaning:
    if rest[0] in ("is", "are", "do", "can", "there"):
        raise refusal(Reason.NO_OBJECT, "how many")
    rest = split_seeing(_without_remaining(rest))
    verb = next((i for i, word in enumerate(rest) if i and word in _VERBS_BEHIND_COUNT), None)
    if verb is not None:
        subject, auxiliary, predicate = rest[:verb], rest[verb], rest[verb + 1 :]
        if auxiliary in ("does", "do", "has"):  # "how many mugs does the box contain?"
            if auxiliary != "has" and predicate[-1:] not in (["contain"], ["have"], ["hold"]):
                return QueryKind.ASK, NOTHING_NAMED
            rest = [*subject, "in", *(predicate if auxiliary == "has" else predicate[:-1])]
        elif predicate[:1] == ["not"]:
            rest = [*subject, "but", *predicate[1:]]
        elif not predicate or place_at(predicate, 0):
            rest = subject + predicate
        elif all(word in _LOOKS for word in predicate):  # "how many mugs in the box are red?"
            place = first_place(subject)
            rest = subject[:place] + predicate + subject[place:]
        elif place_at(predicate, 1):  # "are lying on the book"
            rest = [*subject, "that", "is", *predicate]
        else:
            return QueryKind.ASK, known_object(["the", *subject], whole=True)
    objects = read_objects(rest)
    if objects.number is not None:
        raise refusal(Reason.NUMBER, " ".join(rest))
    return QueryKind.ASK if objects.rank else QueryKind.COUNT, objects


def _read_pick(rest: list[str]) -> Meaning:
    while rest[-1:] in (["up"], ["out"], ["away"], ["off"]) and not place_at(rest, len(rest) - 2):
        rest = rest[:-1]
    if not rest:
        raise refusal(Reason.NO_OBJECT, "pick")
    objects = read_objects(rest)
    refuse_robot_parts([target.noun for target in objects.targets])
    return QueryKind.PICK, objects


def _read_describe(rest: list[str]) -> Meaning:
    if rest[0] == "what":
        return read_question(rest) or (QueryKind.DESCRIBE, NOTHING_NAMED)
    if all(word in _ALL_THERE_IS or word in ARTICLES or word in ("of", "in") for word in rest):
        return QueryKind.DESCRIBE, NOTHING_NAMED
    return QueryKind.DESCRIBE, read_objects(rest, or_anything=True)


def _read_bare(tokens: list[str]) -> Meaning:
    """A standing prompt: "red mug, apple", "a photo of a mug"."""
    picture = next((p for p in _PICTURES_OF if tokens[: len(p)] == p), [])
    rest = tokens[len(picture) :]
    is_alone = len(rest) == 1 and rest[0] in _NO_NAMES_ALONE
    if not rest or is_alone or rest[-1] in _NO_NAMES or rest in _CLOSING_GREETINGS:
        raise refusal(Reason.NO_OBJECT, " ".join(tokens))
    return QueryKind.WHERE, read_objects(rest)


def _without_remaining(tokens: list[str]) -> list[str]:
    """ "mugs left" are the mugs that remain, "on the left" is a place."""
    if tokens[-1] in ("left", "remaining") and tokens[-2:-1] and tokens[-2] not in ("the", "far"):
        return tokens[:-2] if tokens[-2] in ("is", "are") else tokens[:-1]
    return tokens


_READERS = {
    QueryKind.PRESENCE: _read_presence,
    QueryKind.WHERE: _read_where,
    QueryKind.COUNT: _read_count,
    QueryKind.PICK: _read_pick,
    QueryKind.DESCRIBE: _read_describe,
}
