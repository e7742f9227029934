"""Questions ("what", "which", "is", "why"): some have an answer in boxes, the others are ASK."""

from vlm_picking.errors import PromptError
from vlm_picking.language.lexicon import (
    ADJECTIVES,
    ANYTHING,
    ARTICLES,
    COLOURS,
    FUNCTION_WORDS,
    NEGATIONS,
    NOUN_TOO,
    PRONOUNS,
    SIZES,
)
from vlm_picking.language.nouns import Objects, read_objects
from vlm_picking.language.places import first_place, place_at
from vlm_picking.language.refusals import Reason, refusal
from vlm_picking.query import QueryKind

_EVERYTHING_THERE = frozenset(
    tuple(words.split())
    for words in (
        "do you see|can you see|you see|you can see|do you detect|can you detect|is there|are there|"
        "is visible|are visible|have you got|have we got|do we have|do you have|is here|are here|"
        "can be seen|lies there|is going on|is present|are present|is it you see|do you recognise|"
        "do you recognize|can i pick|can you pick|can be picked|is left|are left|is shown|is to be seen|"
        "do you count|can you count|have you found|have you seen|have you detected|"
        "have you counted|did you find|"
        "did you see|did you detect|does it contain"
    ).split("|")
)
_SEEING = sorted(_EVERYTHING_THERE, key=len, reverse=True)
_BE = ("is", "are")
_LOOKS = frozenset(
    "colour color colours colors shape size kind material brand type state sort weight pattern".split()
)
_STARTERS = frozenset(
    "what which who why when how is are was were did does do has have will would should could can".split()
)
# Words that say something about a thing and end its name in "is the lid open", "did the mug move".
_PREDICATES = frozenset(
    "move moved moving fall fallen fell change changed look looks weigh contain cost belong upside down "
    "upright standing lying touching tilted rotated hanging made doing called used ready stuck missing "
    "gone working running reachable graspable pickable safe free blocked locked switched turned on off "
    "alive dead hot cold warm full half edible sharp fragile facing same still already completely fully "
    "really very too not yet correctly properly now again happen happened disappear disappeared appear "
    "appeared go went come came roll rolled slip slipped break fit fits belongs bigger smaller larger "
    "heavier lighter done finished there here and or over be been being opened".split()
) | ADJECTIVES | COLOURS.keys() | SIZES.keys()  # fmt: skip

Meaning = tuple[QueryKind, Objects]
NOTHING_NAMED = Objects(())


def read_question(tokens: list[str]) -> Meaning | None:
    """The meaning of a question that no beginning of a command covers; None when it is no question.

    Raises:
        PromptError: the question breaks off ("is the", "what").
    """
    word, rest = tokens[0], tokens[1:]
    if word not in _STARTERS or (word == "can" and (not rest or rest[0] not in ARTICLES)):
        return None
    is_place = bool(rest) and word == "what" and bool(place_at(rest, len(rest) - 1))  # "what is in there?"
    says_nothing = all(t in FUNCTION_WORDS for t in rest) and tuple(rest) not in _EVERYTHING_THERE
    if says_nothing and not is_place:
        raise refusal(Reason.NO_OBJECT, " ".join(tokens))
    if word == "what":
        return _read_what(rest)
    if word == "which":
        return _read_which(rest)
    if word in _BE:
        return _read_is(rest, is_plural=word == "are")
    if word == "does" and "contain" in rest:
        return _read_contains(rest)
    return QueryKind.ASK, known_object(rest)


def split_seeing(tokens: list[str]) -> list[str]:
    """ "mugs are there in the box" -> "mugs in the box": the words of a count without its verbs."""
    for seeing in _SEEING:
        for i in range(1, len(tokens)):
            if tuple(tokens[i : i + len(seeing)]) == seeing:
                return tokens[:i] + tokens[i + len(seeing) :]
    return tokens


def _read_what(rest: list[str]) -> Meaning:
    if rest[:1] and rest[0] in ("else", "exactly", "all"):
        rest = rest[1:]
    if rest[:1] in (["kind"], ["kinds"]) and rest[1:2] == ["of"]:
        rest = rest[2:]
    if rest[:1] and rest[0] in ANYTHING:
        rest = rest[1:]
    if not rest:  # "what else?"
        return QueryKind.DESCRIBE, NOTHING_NAMED
    for seeing in _SEEING:
        if tuple(rest[: len(seeing)]) == seeing and (len(rest) == len(seeing) or place_at(rest, len(seeing))):
            return QueryKind.DESCRIBE, _there(rest[len(seeing) :])
    seen = split_seeing(rest)
    if len(seen) < len(rest) and rest[0] not in FUNCTION_WORDS:  # "what fruits do you see?"
        return QueryKind.DESCRIBE, read_objects(seen)
    start = next((i for i in (0, 1, 2) if i < len(rest) and place_at(rest, i)), None)
    if start is not None and all(
        t in ("is", "are", "lies", "lying", "sits", "else", "sitting") for t in rest[:start]
    ):
        return QueryKind.DESCRIBE, _there(rest[start:])
    if rest[:1] and rest[0] in _LOOKS:
        return QueryKind.ASK, known_object(rest[1:], whole=not {"does", "has", "have"} & set(rest))
    is_named = rest[:1] in (["is"], ["are"])
    objects = known_object(rest, whole=is_named)
    names_one = is_named and objects.rank and objects.targets[0].anything  # "what is the largest object?"
    return QueryKind.DESCRIBE if names_one else QueryKind.ASK, objects


def _there(place: list[str]) -> Objects:
    found = read_objects(place, or_anything=True) if place else NOTHING_NAMED
    return found if found.rank or found.relation else NOTHING_NAMED


def _read_which(rest: list[str]) -> Meaning:
    """Show what lies somewhere ("which mug is on the left?"); a property ("which mug is clean?") is ASK."""
    rest = rest[1:] if rest[:1] == ["of"] else rest
    verb = next((i for i, token in enumerate(rest) if token in ("is", "are", "lies")), len(rest))
    verb = min(verb, *(i for i in range(len(rest)) if tuple(rest[i:]) in _EVERYTHING_THERE), len(rest))
    if verb == 0:
        rest, verb = ["one", *rest], 1
    predicate = rest[verb + 1 :]
    if place_at(predicate, 0):
        return QueryKind.WHERE, read_objects(rest[:verb] + predicate)
    if predicate[:1] == ["the"] and len(predicate) > 1:
        objects = read_objects([*predicate, *rest[:verb]] if len(predicate) == 2 else predicate)
        return QueryKind.WHERE if objects.rank else QueryKind.ASK, objects
    if tuple(rest[verb:]) in _EVERYTHING_THERE:
        return QueryKind.DESCRIBE, NOTHING_NAMED if rest[0] in ANYTHING else read_objects(rest[:verb])
    return QueryKind.ASK, known_object(["the", *rest[:verb]], whole=True)


def _read_is(rest: list[str], *, is_plural: bool) -> Meaning:
    rest = rest[1:] if rest[0] == "not" else rest
    if len(rest) < 2 or (len(rest) == 2 and rest[0] in ARTICLES):
        raise refusal(Reason.UNREAD)
    if rest[:1] == ["there"]:
        return QueryKind.PRESENCE, read_objects(rest[1:])
    if rest[0] in ("it", "they", "he", "she", "them"):
        raise refusal(Reason.POINTS, rest[0])
    place = first_place(rest, 1)
    is_definite = rest[0] not in ("any", "a", "an", "some")
    if place < len(rest) and rest[-1] not in _PREDICATES - NOUN_TOO - {"there", "here"} and "not" not in rest:
        objects = read_objects(rest)
        if objects.rank or (is_definite and is_plural and objects.relation):
            return QueryKind.ASK, objects
        return QueryKind.PRESENCE, objects
    return QueryKind.ASK, known_object(rest)


def _read_contains(rest: list[str]) -> Meaning:
    verb = rest.index("contain")
    if not rest[:verb] or not rest[verb + 1 :] or rest[0] in PRONOUNS:
        raise refusal(Reason.NO_OBJECT, " ".join(rest))
    return QueryKind.PRESENCE, read_objects([*rest[verb + 1 :], "in", *rest[:verb]])


def known_object(tokens: list[str], *, whole: bool = False) -> Objects:
    """The thing that a question is about, where its name surely ends; otherwise none.

    Args:
        whole: nothing follows the name ("what colour is the mug"), else a known predicate must.
    """
    start = next((i for i, token in enumerate(tokens) if token in ARTICLES and token not in NEGATIONS), None)
    if start is None:
        return NOTHING_NAMED
    end = len(tokens)
    while end > start + 2 and tokens[end - 1] in _PREDICATES - (NOUN_TOO if whole else set()):
        end -= 1
    if not whole and end == len(tokens) > start + 2:
        return NOTHING_NAMED
    try:
        return read_objects(tokens[start:end])
    except PromptError:
        return NOTHING_NAMED
