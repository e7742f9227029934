"""Noun phrases: lists of things, what is left out of them, and where they lie."""

from dataclasses import dataclass

from vlm_picking.language.items import Item, read_item
from vlm_picking.language.lexicon import RANKS
from vlm_picking.language.places import Places, first_place, place_at, read_places
from vlm_picking.language.refusals import Reason, refusal
from vlm_picking.query import Relation, Superlative, Target

_EXCLUDING = tuple(
    tuple(phrase.split())
    for phrase in (
        "that is not|that are not|which is not|which are not|but not|and not|, not|except for|except of|"
        "except|excluding|apart from|aside from|other than|besides|, but|but"
    ).split("|")
)
_RELATIVE = ("that", "which", "who")
_YOU_SEE = tuple(
    p.split() for p in ("that you can see", "which you can see", "that you see", "you can see", "you see")
)
_VIEWERS = tuple(
    [before, *who.split()]
    for before in ("to", "from")
    for who in ("me", "you", "us", "the camera", "the robot", "the gripper")
)
_LIES = frozenset("is are was lies lie sits sit stands stand rests rest lays hangs".split())
_LYING = frozenset(
    "lying sitting standing resting placed located positioned hidden laying hanging lies sits left up".split()
)
_AND = tuple(
    tuple(phrase.split())
    for phrase in (
        "as well as|together with|along with|and also|and then|, then|plus|then|and ,|, and".split("|")
    )
)


@dataclass(frozen=True)
class Objects:
    """The meaning of a noun phrase.

    Args:
        number: how many, if that was said as a number.
        wanted: how many a pick wants; None for all.
        plural: the (last) thing was named in the plural.
    """

    targets: tuple[Target, ...]
    require_all: bool = False
    excluded: tuple[Target, ...] = ()
    rank: Superlative | None = None
    relation: Relation | None = None
    number: int | None = None
    wanted: int | None = None
    plural: bool = False


def read_objects(tokens: list[str], *, or_anything: bool = False) -> Objects:
    """Read a noun phrase with all that belongs to it.

    Args:
        tokens: the words, without verbs.
        or_anything: a place without a thing ("in the box") stands for anything there.

    Raises:
        PromptError: it names no thing, or says more than a query can hold.
    """
    tokens = _plain(tokens)
    said = [(i, p) for i in range(len(tokens)) for p in _EXCLUDING if tuple(tokens[i : i + len(p)]) == p]
    left_out: list[str] = []
    if said:
        start, excluding = said[0]
        tokens, left_out = tokens[:start], tokens[start + len(excluding) :]
        if place_at(left_out, 0):  # "that is not in the box"
            raise refusal(Reason.NEGATED, " ".join([*excluding, *left_out]))
    start = first_place(tokens)
    head, tail = _stripped(tokens[:start]), tokens[start:]
    if not head and tail and or_anything:
        places = read_places(tail, _read_reference)
        return Objects((Target(""),), rank=places.rank, relation=places.relation)
    if not head:
        raise refusal(Reason.NO_OBJECT, " ".join(tokens))
    items, require_all = _read_list(head)
    places = read_places(tail, _read_reference) if tail else Places()
    first = items[0]
    if first.stands_for_another and not (first.modified or tail):
        raise refusal(Reason.POINTS, first.said)
    if len(items) > 1:
        uneven = next((item for item in items if item.rank or (item.number or 1) > 1), None)
        if uneven:
            raise refusal(Reason.UNEVEN_LIST, uneven.said)
    if first.rank and places.rank:
        raise refusal(Reason.TWO_PLACES, " ".join(tail))
    counts = [item.wanted for item in items]
    targets = tuple(item.target() for item in items)
    return Objects(
        targets=targets,
        require_all=require_all,
        excluded=_read_excluded(left_out, targets[0].noun) if said else (),
        rank=first.rank or places.rank,
        relation=places.relation,
        number=first.number if len(items) == 1 else None,
        wanted=None if None in counts else (sum(counts) if require_all else max(counts)),
        plural=items[-1].plural or first.every,
    )


def _plain(tokens: list[str]) -> list[str]:
    """The words with relative clauses opened: "the mug that is lying on the box" -> "the mug on the box"."""
    plain: list[str] = []
    i = 0
    while i < len(tokens):
        link = next((p for p in _AND if tuple(tokens[i : i + len(p)]) == p), ())
        behind = tokens[i + 1 : i + 3]
        if link:
            plain += ["and"] if plain[-1:] != ["and"] else []
            i += len(link)
        elif plain and tokens[i] in _RELATIVE and behind[:1] and behind[0] in _LIES and behind[1:] != ["not"]:
            i += 2
        elif seen := plain and next((p for p in _YOU_SEE if tokens[i : i + len(p)] == p), None):
            i += len(seen)
        elif _is_lying(tokens, i):
            i += 1
        elif tokens[i] == "from" and plain[-1:] == ["made"]:
            plain.append("of")
            i += 1
        else:
            plain.append(tokens[i])
            i += 1
    return _without_viewer(plain)


def _without_viewer(tokens: list[str]) -> list[str]:
    """The words without the camera that a distance is counted from: "the closest mug to you"."""
    if any(RANKS.get(word) in (Superlative.NEAREST, Superlative.FARTHEST) for word in tokens):
        for viewer in _VIEWERS:
            if tokens[-len(viewer) :] == viewer:
                return tokens[: -len(viewer)]
    return tokens


def _is_lying(tokens: list[str], i: int) -> bool:
    """Whether a word only leads to the place behind it ("lying on", "left in", but not "on the left in")."""
    is_side = i > 0 and tokens[i - 1] in ("the", "far")
    return tokens[i] in _LYING and bool(place_at(tokens, i + 1)) and not place_at(tokens, i) and not is_side


def _stripped(tokens: list[str]) -> list[str]:
    while tokens and tokens[-1] in (",", "and"):
        tokens = tokens[:-1]
    while tokens and tokens[0] in (",", "and"):
        tokens = tokens[1:]
    return tokens


def _read_list(tokens: list[str]) -> tuple[list[Item], bool]:
    """The things of "the red mug, apples and a banana", and whether all of them are asked for."""
    if tokens[:1] == ["both"] and "and" in tokens or tokens[:1] == ["either"] and "or" in tokens:
        tokens = tokens[1:]
    if "and" in tokens and "or" in tokens:
        raise refusal(Reason.MIXED_LIST, " ".join(tokens))
    chunks: list[list[str]] = [[]]
    for token in tokens:
        if token in ("and", "or", ","):
            chunks.append([])
        else:
            chunks[-1].append(token)
    chunks = [chunk for chunk in chunks if chunk]
    if not chunks:
        raise refusal(Reason.NO_OBJECT, " ".join(tokens))
    items = _named([read_item(chunk) for chunk in chunks], is_choice="or" in tokens)
    return items, "and" in tokens and len(items) > 1


def _named(items: list[Item], *, is_choice: bool) -> list[Item]:
    """Give every item its noun: "red and green mugs", "the red mug and the blue one"."""
    named: list[Item] = []
    for item in reversed(items):
        behind = named[0] if named else None
        if item.noun is None and behind and behind.noun is not None and not behind.stands_for_another:
            is_own = item.only_colours and (is_choice or behind.plural or behind.has_article)
            if item.rank or (item.number or 1) > 1 or (behind.has_article and not item.only_colours):
                raise refusal(Reason.UNEVEN_LIST, item.said)
            if not is_own:
                behind.colours = [*item.colours, *(c for c in behind.colours if c not in item.colours)]
                behind.attributes = item.attributes + behind.attributes
                behind.shades = item.shades + behind.shades
                behind.size = behind.size or item.size
                behind.every |= item.every
                behind.said = f"{item.said} {behind.said}"
                continue
            item.noun, item.plural = behind.noun, behind.plural
        named.insert(0, item)
    for before, item in zip(named, named[1:], strict=False):
        if before.noun is not None and (item.stands_for_another or (item.noun is None and not before.noun)):
            item.noun = before.noun
    for item in named:
        if item.noun is None:
            raise refusal(Reason.NO_NOUN if item.modified else Reason.NO_OBJECT, item.said)
    return named


def _read_reference(tokens: list[str]) -> tuple[Target, ...]:
    """The object(s) that a place speaks of; they can't have a rank or a place themselves."""
    items, _ = _read_list(_stripped(tokens))
    for item in items:
        if item.rank or (item.stands_for_another and not item.modified) or (item.number or 2) > 2:
            raise refusal(Reason.REFERENCE, item.said)
    return tuple(item.target() for item in items)


def _read_excluded(tokens: list[str], noun: str) -> tuple[Target, ...]:
    """What does not count; "all mugs but the red one" leaves out the red mug."""
    tokens = _stripped(tokens)
    if not tokens or first_place(tokens) < len(tokens):
        raise refusal(Reason.REFERENCE, " ".join(tokens) or "what is left out")
    if all(Item("").describe(token) or token in ("and", "or", ",") for token in tokens):
        tokens = [*tokens, "ones"]
    items, _ = _read_list(tokens)
    if any(item.rank for item in items):
        raise refusal(Reason.REFERENCE, " ".join(tokens))
    for item in items:
        if item.stands_for_another:
            item.noun = noun
    return tuple(item.target() for item in items)
