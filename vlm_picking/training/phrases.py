"""What is asked of a batch of frames, and which objects each phrase names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from vlm_picking.training.data import Thing
from vlm_picking.training.words import ABSENT_WORDS, invented_word

YES, NO, UNSAID = 1, 0, -1


@dataclass(frozen=True)
class Phrase:
    """A text and what it names: things of a kind, of a colour, of both, or (with neither) nothing that is
    ever in a bin.
    """

    text: str
    kind: str | None = None
    colour: str | None = None

    def names(self, thing: Thing) -> int:
        """YES or NO; UNSAID where a colour is asked for and the thing has no single one."""
        if self.kind is None and self.colour is None:
            return NO
        if self.kind is not None and thing.kind != self.kind:
            return NO
        if self.colour is None:
            return YES
        if thing.colour is None:
            return UNSAID
        return YES if thing.colour == self.colour else NO


@dataclass(frozen=True)
class Lexicon:
    """The words of the detector.

    Args:
        nouns: kind -> its names, the most usual one first.
        colours: colour names.
    """

    nouns: dict[str, tuple[str, ...]]
    colours: tuple[str, ...]

    def known_phrases(self) -> list[str]:
        """Every noun and colour, and "object": what must be whole words for the tokenizer."""
        return [*(n for names in self.nouns.values() for n in names), *self.colours, "object"]

    def absent_phrases(self) -> list[str]:
        """Words for things that no bin holds."""
        known = set(self.known_phrases())
        return [word for word in ABSENT_WORDS if word not in known]


class PhraseSampler:
    """Draws the phrases that all frames of a step share.

    Args:
        lexicon: the words.
        n_coloured, n_absent: colour-noun phrases and absent words a step.
    """

    def __init__(self, lexicon: Lexicon, *, n_coloured: int = 36, n_absent: int = 26) -> None:
        self.lexicon = lexicon
        self.n_coloured, self.n_absent = n_coloured, n_absent
        self._absent = lexicon.absent_phrases()
        self._known = set(lexicon.known_phrases())

    def draw(self, things: Iterable[Thing], rng: np.random.Generator) -> list[Phrase]:
        """All kinds by one of their names, more names of some, colours that are there and that are not, and
        absent words.
        """
        lexicon = self.lexicon
        phrases = [Phrase(self._name(kind, rng), kind) for kind in lexicon.nouns]
        every = [(name, kind) for kind, names in lexicon.nouns.items() for name in names]
        phrases += [Phrase(*every[i]) for i in rng.permutation(len(every))[:8]]
        there = sorted({(t.kind, t.colour) for t in things if t.kind in lexicon.nouns and t.colour in lexicon.colours})
        picked = [there[i] for i in rng.permutation(len(there))[: self.n_coloured * 2 // 3]]
        kinds = sorted({kind for kind, _ in there}) or list(lexicon.nouns)
        while len(picked) < self.n_coloured:
            picked.append((str(rng.choice(kinds)), str(rng.choice(lexicon.colours))))
        phrases += [Phrase(f"{colour} {self._name(kind, rng)}", kind, colour) for kind, colour in picked]
        phrases += [Phrase(f"{c} object", None, c) for c in rng.permutation(lexicon.colours)[:4]]
        phrases += [Phrase(self._absent_text(rng)) for _ in range(self.n_absent)]
        return list(dict.fromkeys(phrases))

    def _name(self, kind: str, rng: np.random.Generator) -> str:
        names = self.lexicon.nouns[kind]
        return names[0] if len(names) == 1 or rng.random() < 0.5 else names[int(rng.integers(len(names)))]

    def _absent_text(self, rng: np.random.Generator) -> str:
        invented = rng.random() < 0.2
        word = invented_word(rng) if invented else self._absent[int(rng.integers(len(self._absent)))]
        if word in self._known:
            return self._absent_text(rng)
        return f"{rng.choice(self.lexicon.colours)} {word}" if rng.random() < 0.25 else word


def match_matrix(phrases: Sequence[Phrase], things: Sequence[Thing]) -> np.ndarray:
    """(N things, Q phrases) of YES, NO, UNSAID."""
    return np.array([[p.names(t) for p in phrases] for t in things], np.int8).reshape(len(things), len(phrases))
