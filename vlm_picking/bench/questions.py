"""Questions about presence in the manner of POPE (Li et al. 2023): a "no" for every "yes", in three settings.

A kind is there when a thing of it is clear (`scenes.Thing.clear`); kinds of which something lies in the bin but
nothing is clear are not asked. The "no" of a pair is in the setting

    random        any kind that does not lie in the bin;
    popular       one of them among the quarter of the kinds that lie in most of the evaluation's scenes;
    adversarial   in turn: one of them that looks like something clear (LOOK_ALIKES), and a colour with a noun where
                  the noun is there in other colours only and something else has the colour. The "yes" of a pair with
                  a colour has a colour too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vlm_picking.bench.scenes import EvaluationFrame
from vlm_picking.bench.sentences import name_of, presence_question, with_article
from vlm_picking.bench.unknown_nouns import UNKNOWN_NOUNS

SETTINGS = ("random", "popular", "adversarial")
PAIRS = 2  # a setting and a frame, at most
UNKNOWN_A_FRAME = 2

LOOK_ALIKES: tuple[frozenset[str], ...] = tuple(
    frozenset(name.strip() for name in line.split(","))
    for line in """
apple, orange, lemon, pear, ball
lemon, banana, pear, carrot
mug, can, bowl, toilet roll, tape
mug, bottle, can, flashlight, light bulb
bowl, plate, pan, mug
carton, book, soap, sponge, calculator, dice
stapler, calculator, flashlight, soap
hammer, wrench, screwdriver, pliers, scissors
fork, spoon, toothbrush, wrench
marker, screwdriver, toothbrush, carrot, toothpaste, flashlight
nut, gear, tape, spring, pipe
bolt, nut, spring, bracket, pipe, screwdriver
light bulb, pear, ball
""".strip().splitlines()
)


@dataclass(frozen=True, kw_only=True)
class PresenceQuestion:
    """A sentence and the truth; `settings` are those that it counts for, empty for a word that nobody knows."""

    sentence: str
    noun: str
    colour: str | None
    there: bool
    settings: tuple[str, ...]


def look_alikes(kind: str) -> frozenset[str]:
    """The kinds that share a group with `kind`."""
    return frozenset().union(*(group for group in LOOK_ALIKES if kind in group)) - {kind}


def clear_kinds(frame: EvaluationFrame) -> tuple[str, ...]:
    """The kinds that are there, in order of their names."""
    return tuple(sorted({thing.kind for thing in frame.things if thing.kind and thing.clear}))


def absent_kinds(frame: EvaluationFrame) -> tuple[str, ...]:
    """The kinds of which nothing lies in the bin, not even unseen."""
    from vlm_picking.sim.kinds import KINDS

    return tuple(sorted(KINDS.keys() - frame.kinds))


def false_colours(frame: EvaluationFrame) -> tuple[tuple[str, str], ...]:
    """(colour, kind) where the kind is there in other colours only and another clear thing has the colour."""
    pairs = []
    for kind in clear_kinds(frame):
        own = {thing.colour for thing in frame.of_kind(kind)}
        others = {thing.colour for thing in frame.things if thing.clear and thing.kind not in (kind, None)}
        if None not in own:
            pairs += [(colour, kind) for colour in sorted(others - own - {None})]
    return tuple(pairs)


def true_colours(frame: EvaluationFrame) -> tuple[tuple[str, str], ...]:
    """(colour, kind) of clear things whose colour a word fits; fruit of one colour only is left out."""
    from vlm_picking.sim.kinds import KINDS

    seen = {(thing.colour, thing.kind) for thing in frame.things if thing.kind and thing.clear and thing.colour}
    return tuple(sorted(pair for pair in seen if len(set(KINDS[pair[1]].colours)) > 1))


def presence_questions(frame: EvaluationFrame, *, by_frequency: Sequence[str]) -> tuple[PresenceQuestion, ...]:
    """The questions about one frame; the same frame gives the same ones.

    Args:
        by_frequency: all kinds, the most frequent first (`scenes.kinds_by_frequency`).
    """
    rng = np.random.default_rng((frame.scene_seed, 3))
    there, absent = clear_kinds(frame), absent_kinds(frame)
    frequent = set(by_frequency[: len(by_frequency) // 4])
    similar = [kind for kind in absent if look_alikes(kind) & set(there)]
    yes = _drawn(there, rng)
    yes_coloured, no_coloured = _drawn(true_colours(frame), rng), _drawn(false_colours(frame), rng)
    no = {
        "random": _drawn(absent, rng),
        "popular": _drawn([kind for kind in absent if kind in frequent], rng),
        "adversarial": _drawn(similar, rng),
    }
    asked: list[PresenceQuestion] = []
    positive_for: dict[int, list[str]] = {}
    for setting in SETTINGS:
        wanted = PAIRS if setting != "adversarial" else PAIRS // 2
        count = min(wanted, len(yes), len(no[setting]))
        for index in range(count):
            positive_for.setdefault(index, []).append(setting)
        asked += [_question(kind, None, there=False, settings=(setting,), rng=rng) for kind in no[setting][:count]]
    asked += [_question(yes[i], None, there=True, settings=tuple(s), rng=rng) for i, s in positive_for.items()]
    coloured = min(PAIRS - PAIRS // 2, len(yes_coloured), len(no_coloured))
    for pairs, is_there in ((yes_coloured, True), (no_coloured, False)):
        for colour, kind in pairs[:coloured]:
            asked.append(_question(kind, colour, there=is_there, settings=("adversarial",), rng=rng))
    return tuple(asked)


def unknown_questions(frame: EvaluationFrame, *, known: frozenset[str]) -> tuple[PresenceQuestion, ...]:
    """Questions about things that nobody taught; words of `known` are left out. All words have their turn."""
    nouns = [noun for noun in UNKNOWN_NOUNS if noun not in known]
    start = frame.number * UNKNOWN_A_FRAME
    chosen = [nouns[(start + k) % len(nouns)] for k in range(UNKNOWN_A_FRAME)]
    return tuple(
        PresenceQuestion(sentence=f"is there {with_article(noun)}?", noun=noun, colour=None, there=False, settings=())
        for noun in chosen
    )


def _drawn(items: Sequence, rng: np.random.Generator) -> list:
    return [items[i] for i in rng.permutation(len(items))]


def _question(
    kind: str, colour: str | None, *, there: bool, settings: tuple[str, ...], rng: np.random.Generator
) -> PresenceQuestion:
    sentence = presence_question(name_of(kind, rng), rng, colour=colour)
    return PresenceQuestion(sentence=sentence, noun=kind, colour=colour, there=there, settings=settings)
