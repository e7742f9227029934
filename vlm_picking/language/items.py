"""One thing in a noun phrase, without lists and places: "two of the small dark red mugs with a handle"."""

from dataclasses import dataclass, field

from vlm_picking.language.inflection import is_plural, is_plural_only, singular
from vlm_picking.language.lexicon import (
    ADJECTIVES,
    ANYTHING,
    ARTICLES,
    COLOURS,
    EVERY,
    FUNCTION_WORDS,
    NAME_LINKS,
    NEGATIONS,
    NOUN_TOO,
    NUMBERS,
    ORDINALS,
    PRONOUNS,
    RANKS,
    SHADES,
    SIDES,
    SIZES,
    SKIPPED_BEFORE_NOUN,
    UNITS,
    UNKNOWN_RANKS,
)
from vlm_picking.language.refusals import Reason, refusal
from vlm_picking.query import Superlative, Target

_MAX_NAME_WORDS = 5
_MAX_WORD_CHARACTERS = 40
_NO_ORDINALS = (("first", "aid"), ("second", "hand"))


@dataclass
class Item:
    """One thing while it is being read; `noun` is None while only its looks were said, "" for anything."""

    said: str
    noun: str | None = None
    colours: list[str] = field(default_factory=list)
    shades: list[str] = field(default_factory=list)
    attributes: list[str] = field(default_factory=list)
    size: str | None = None
    rank: Superlative | None = None
    number: int | None = None  # said as a number
    every: bool = False
    one_of: bool = False
    plural: bool = False
    stands_for_another: bool = False  # "one", "ones"
    has_article: bool = False

    @property
    def modified(self) -> bool:
        return bool(self.colours or self.shades or self.attributes or self.size or self.rank)

    @property
    def only_colours(self) -> bool:
        return bool(self.colours) and not (self.attributes or self.size or self.rank)

    @property
    def wanted(self) -> int | None:
        """How many of it a pick wants; None for all."""
        if self.every:
            return None
        if self.number is not None or self.one_of:
            return self.number or 1
        return None if self.plural else 1

    def describe(self, word: str) -> bool:
        """Take in one describing word; False when the word is none."""
        if word in SIZES:
            self.size = SIZES[word]
        elif word in COLOURS:
            shade, colour = COLOURS[word]
            self.shades += [shade] if shade and shade not in self.shades else []
            self.colours += [colour] if colour not in self.colours else []
        elif word in SHADES:
            self.shades += [word] if word not in self.shades else []
        elif word in ADJECTIVES:
            self.attributes += [word] if word not in self.attributes else []
        else:
            return False
        return True

    def target(self) -> Target:
        attributes = (*(a for a in self.attributes if a not in self.shades), *self.shades)
        return Target(self.noun or "", tuple(self.colours), attributes, self.size)


def read_item(tokens: list[str]) -> Item:
    """Read one thing; its `noun` stays None when only its looks were said."""
    item = Item(said=" ".join(tokens))
    name = tokens[_read_determiners_and_looks(item, tokens) :]
    _read_name(item, name)
    return item


def _read_determiners_and_looks(item: Item, tokens: list[str]) -> int:
    """Take in all words before the name; returns where the name begins."""
    i = 0
    while i < len(tokens):
        word, rest = tokens[i], tokens[i + 1 :]
        is_name = word in NOUN_TOO and (not rest or _link_at(rest, 0))  # "the orange", "a glass of water"
        if word in ORDINALS and rest and (word, rest[0]) not in _NO_ORDINALS:
            raise refusal(Reason.ORDINAL, f"{word} {rest[0]}")
        if word in UNKNOWN_RANKS:
            raise refusal(Reason.UNKNOWN_RANK, word)
        if word in ("pair", "pairs") and rest[:1] == ["of"]:
            if not is_plural_only(rest[-1]):
                item.number = 2 * (item.number or 1)
        elif rest and rest[0] in UNITS and word.replace(".", "").isdecimal():
            return i
        elif (number := _number(word)) is not None and (rest or word == "both"):
            if not 1 <= number <= 999:
                raise refusal(Reason.NUMBER, word)
            is_size_of_set = "of" in tokens[:i] and (item.one_of or item.number)  # "one of the three mugs"
            if not is_size_of_set:
                item.number = number * (item.number or 1) if word == "dozen" else number
            item.has_article = True
        elif word in EVERY and (rest or word == "all") and word != "everything":
            item.every = True
            if not rest or rest in (["of", "them"], ["of", "it"]):
                item.noun = ""
                return len(tokens)
        elif word in RANKS:
            if item.rank:
                raise refusal(Reason.TWO_PLACES, word)
            item.rank = RANKS[word]
            item.one_of |= rest[:1] == ["of"]
        elif word in ARTICLES and not (word in PRONOUNS and not rest):
            item.has_article = True
            item.one_of |= word in ("a", "an") or (word in ("any", "either") and rest[:1] == ["of"])
        elif word in SIDES and rest and rest[0] != "of":
            if item.rank:
                raise refusal(Reason.TWO_PLACES, word)
            item.rank = SIDES[word]
        elif word in SKIPPED_BEFORE_NOUN and rest:
            item.one_of &= word != "few"
        elif is_name or not _describes(item, word, rest):
            return i
        i += 1
        if rest[:1] == ["of"] and word not in NOUN_TOO:
            i += 1
    return i


def _describes(item: Item, word: str, rest: list[str]) -> bool:
    is_shade_only = word in SHADES and word not in ADJECTIVES
    behind = next((other for other in rest if other not in SHADES and other not in ADJECTIVES), "")
    if is_shade_only and behind not in COLOURS:  # "light bulb"
        return False
    return item.describe(word)


def _read_name(item: Item, name: list[str]) -> None:
    if not name:
        if item.rank and not (item.colours or item.attributes or item.size) and item.noun is None:
            item.noun = ""
        return
    start = next((i for i in range(1, len(name)) if _link_at(name, i)), len(name))
    head, complement = _without_looks(item, name[:start]), name[start:]
    if len(head) == 1 and head[0] in ANYTHING:
        is_material = (
            complement[:2] == ["made", "of"] and len(complement) == 3 and item.describe(complement[2])
        )
        if complement and not is_material:
            raise refusal(Reason.NOT_A_THING, " ".join(name))
        item.noun = ""
        item.stands_for_another = head[0] in ("one", "ones")
        item.plural = head[0] in ("everything", "stuff", "ones") or is_plural(head[0])
        item.one_of |= head[0] == "one"
        return
    _check_name(head)
    last = head[-1]
    if len(head) == 1 and last in SIDES and not complement:
        raise refusal(Reason.NO_NOUN, item.said)
    if len(head) > 1 and last in ("left", "right"):
        raise refusal(Reason.NOT_A_THING, " ".join(head))
    item.plural = is_plural(last)
    if complement:
        complement = [word for word in complement if word not in ARTICLES]
        _check_name([word for word in complement if not _is_link_word(word)])
    item.noun = " ".join([*head[:-1], singular(last), *complement])


def _without_looks(item: Item, head: list[str]) -> list[str]:
    """The name without looks behind it ("something red") and colours within it ("cordless red drill")."""
    behind = ""
    while len(head) > 1 and (head[0] in ANYTHING or _looks_behind(head[-1], behind)) and item.describe(head[-1]):
        *head, behind = head
    if len(head) > 1 and head[-1] in RANKS and not item.rank:  # "the mug closest"
        item.rank = RANKS[head[-1]]
        head = head[:-1]
    inner = [word for word in head[:-1] if word in NOUN_TOO or not (word in COLOURS and item.describe(word))]
    return [*(word for word in inner if word not in ("really", "very", "coloured", "colored")), head[-1]]


def _looks_behind(word: str, behind: str) -> bool:
    """Whether a word behind a name says what it looks like: "the mug light blue", but not "the flash light"."""
    return word not in NOUN_TOO and (word in ADJECTIVES or word not in SHADES or behind in COLOURS)


def _check_name(words: list[str]) -> None:
    """Refuse what can't be the name of a thing."""
    if not words or all(word in NUMBERS or not any(c.isalpha() for c in word) for word in words):
        raise refusal(Reason.NOT_A_THING, " ".join(words))
    for word in words:
        if word in NEGATIONS:
            raise refusal(Reason.NEGATED, " ".join(words))
        if word in PRONOUNS:
            raise refusal(Reason.POINTS if len(words) <= 2 else Reason.NOT_A_THING, " ".join(words))
        if word in FUNCTION_WORDS or word in RANKS or len(word) > _MAX_WORD_CHARACTERS:
            raise refusal(Reason.NOT_A_THING, " ".join(words))
    if len(words) > 2 and words[-2] in ("number", "id") and _number(words[-1]) is not None:
        raise refusal(Reason.ORDINAL, " ".join(words))
    if len(words) > _MAX_NAME_WORDS:
        raise refusal(Reason.NOT_A_THING, " ".join(words))


def _link_at(tokens: list[str], start: int) -> bool:
    return any(tuple(tokens[start : start + len(link)]) == link for link in NAME_LINKS)


def _is_link_word(word: str) -> bool:
    return any(word in link for link in NAME_LINKS)


def _number(word: str) -> int | None:
    if word in NUMBERS:
        return NUMBERS[word]
    return int(word) if word.isdecimal() and len(word) < 10 else None
