"""Where a thing lies: "on the left", "next to the box", "at the bottom of the pile"."""

from collections.abc import Callable
from dataclasses import dataclass

from vlm_picking.language.lexicon import ARTICLES, CONTAINERS, IMAGE, SCENE
from vlm_picking.language.refusals import Reason, refusal
from vlm_picking.query import Relation, RelationKind, Superlative, Target

R, S = RelationKind, Superlative
ReadReference = Callable[[list[str]], tuple[Target, ...]]


@dataclass(frozen=True)
class Place:
    """One way to say a place: its meaning with an object behind it (relation), or without (rank)."""

    relation: RelationKind | None = None
    rank: Superlative | None = None
    by_container: bool = False  # "from the bowl" is inside, "from the book" is on


def _sides() -> dict[str, Place]:
    table = {}
    for side, relation, rank in (("left", R.LEFT_OF, S.LEFTMOST), ("right", R.RIGHT_OF, S.RIGHTMOST)):
        for where in (
            f"on {side}",
            f"at {side}",
            f"on the {side}",
            f"to the {side}",
            f"at the {side}",
            f"on the {side} side",
        ):
            table[where] = Place(rank=rank)
            table[f"{where} of"] = Place(relation, rank)
        table[f"{side} of"] = table[f"{side} from"] = table[f"{side} to"] = Place(relation, rank)
        for alone in (f"on the far {side}", f"in the far {side}", f"from the {side}", f"furthest {side}",
                      f"farthest {side}", f"furthest to the {side}", f"farthest to the {side}"):  # fmt: skip
            table[alone] = table[f"{alone} of"] = Place(rank=rank)
    return table


def _heights() -> dict[str, Place]:
    table = {}
    for top in ("top", "the top", "the very top"):
        for before in ("on", "at", "from", "off", "from on"):
            table[f"{before} {top}"] = Place(rank=S.ON_TOP)
            table[f"{before} {top} of"] = Place(R.ON, S.ON_TOP)
    for before in ("at", "on", "in", "from"):
        for bottom in ("the bottom", "the very bottom"):
            table[f"{before} {bottom}"] = table[f"{before} {bottom} of"] = Place(rank=S.AT_BOTTOM)
    for middle in ("middle", "centre", "center"):
        for before in ("in", "at", "from"):
            table[f"{before} the {middle}"] = table[f"{before} the {middle} of"] = Place(rank=S.CENTRAL)
    return table


def _distances() -> dict[str, Place]:
    table = {}
    for whom in ("me", "you", "us", "the camera", "the robot", "the gripper", "camera"):
        for near in ("nearest", "closest"):
            table[f"{near} {whom}"] = table[f"{near} to {whom}"] = Place(rank=S.NEAREST)
        for far in ("farthest", "furthest"):
            table[f"{far} from {whom}"] = table[f"{far} away from {whom}"] = Place(rank=S.FARTHEST)
        table[f"in front of {whom}"] = Place()
    return table | {"farthest away": Place(rank=S.FARTHEST), "furthest away": Place(rank=S.FARTHEST)}


_SIMPLE = {
    R.INSIDE: ("in", "inside", "inside of", "within", "out of", "from inside", "contained in"),
    R.ON: ("on", "upon", "off", "off of"),
    R.UNDER: (
        "under",
        "underneath",
        "beneath",
        "from under",
        "from underneath",
        "covered by",
        "hidden under",
    ),
    R.ABOVE: ("above", "over"),
    R.BELOW: ("below",),
    R.NEXT_TO: (
        "next to",
        "beside",
        "near",
        "near to",
        "close to",
        "right next to",
        "alongside",
        "adjacent to",
        "by",
    ),
    R.BETWEEN: ("between", "in between"),
}
_NOWHERE = (
    "here|there|in here|in there|over there|over here|down there|in view|around|in sight|visible|"
    "present|right here|left over"
).split("|")
_UNKNOWN = (
    "behind|in front of|around the|opposite|in the corner|in the top|in a row|closest to|nearest to|"
    "farthest from|furthest from|in the back|in the front|at the back|at the front|on the side|"
    "at the edge|on the edge|against|among|amongst|across|far from"
).split("|")

_TABLE: dict[tuple[str, ...], Place | None] = {
    tuple(words.split()): place
    for words, place in (
        _sides()
        | _heights()
        | _distances()
        | {words: Place(kind) for kind, ways in _SIMPLE.items() for words in ways}
        | {words: Place() for words in _NOWHERE}
        | {"from": Place(R.INSIDE, by_container=True)}
        | dict.fromkeys(_UNKNOWN)
    ).items()
}
_LONGEST = max(map(len, _TABLE))


@dataclass(frozen=True)
class Places:
    """All that was said about where a thing lies."""

    rank: Superlative | None = None
    relation: Relation | None = None


def place_at(tokens: list[str], start: int) -> tuple[str, ...]:
    """The longest way to say a place that begins at `start`; empty where none does."""
    for length in range(min(_LONGEST, len(tokens) - start), 0, -1):
        if tuple(tokens[start : start + length]) in _TABLE:
            return tuple(tokens[start : start + length])
    return ()


def first_place(tokens: list[str], start: int = 0) -> int:
    """Where the first place begins; the number of tokens where there is none."""
    return next((i for i in range(start, len(tokens)) if place_at(tokens, i)), len(tokens))


def read_places(tokens: list[str], read_reference: ReadReference) -> Places:
    """Read one or more places that fill `tokens`.

    Args:
        read_reference: reads the objects of a noun phrase; an argument because noun phrases hold places too.
    """
    rank: Superlative | None = None
    relation: Relation | None = None
    i = 0
    while i < len(tokens):
        said = place_at(tokens, i)
        if not said:
            raise refusal(Reason.UNKNOWN_PLACE, " ".join(tokens[i:]))
        place = _TABLE[said]
        end = first_place(tokens, i + len(said))
        behind = tokens[i + len(said) : end]
        while behind and behind[-1] in ("and", ","):
            behind = behind[:-1]
        if place is None:
            raise refusal(Reason.UNKNOWN_PLACE, " ".join(said))
        scene = _scene_word(behind) if place.relation in (R.INSIDE, R.ON, None) or place.rank else ""
        if (scene and (said[-1] == "of" or not place.rank)) or not behind:
            if not behind and (said[-1] == "of" or (place.relation and not place.rank)):
                raise refusal(Reason.REFERENCE, f"what is behind '{' '.join(said)}'")
            if place.rank and rank:
                raise refusal(Reason.TWO_PLACES, " ".join(said))
            rank = _in_image(place.rank, scene) or rank
        elif place.relation is None:
            raise refusal(Reason.UNKNOWN_PLACE, " ".join(tokens[i:end]))
        elif relation:
            raise refusal(Reason.TWO_PLACES, " ".join(tokens[i:end]))
        else:
            relation = _relation(place, behind, read_reference)
        i = end
    return Places(rank, relation)


def _relation(place: Place, behind: list[str], read_reference: ReadReference) -> Relation:
    references = read_reference(behind)
    if place.relation is R.BETWEEN:
        references = references * 2 if len(references) == 1 else references
        if len(references) != 2:
            raise refusal(Reason.REFERENCE, " ".join(behind))
        return Relation(R.BETWEEN, references)
    if len(references) != 1:
        raise refusal(Reason.REFERENCE, " ".join(behind))
    is_container = references[0].noun.split(" ")[-1] in CONTAINERS
    return Relation(R.ON if place.by_container and not is_container else place.relation, references)


def _scene_word(tokens: list[str]) -> str:
    """The word for the bin or the picture, where a reference is only that."""
    named = [token for token in tokens if token not in ARTICLES]
    return named[0] if len(named) == 1 and named[0] in SCENE else ""


def _in_image(rank: Superlative | None, scene: str) -> Superlative | None:
    if scene in IMAGE:
        return {S.ON_TOP: S.UPPERMOST, S.AT_BOTTOM: S.LOWEST}.get(rank, rank)
    return rank
