"""From what was seen to what is said: answers with a status, a confidence and a reason."""

from dataclasses import dataclass

import numpy as np

from vlm_picking.detections import Detections
from vlm_picking.grasp import GraspPlan
from vlm_picking.holding import MAY_BE_ANOTHER
from vlm_picking.query import Query, QueryKind, Target
from vlm_picking.result import Answer, Status


@dataclass(frozen=True)
class Verdict:
    """What several models together say about one target's presence, and why."""

    status: Status
    probability: float
    reason: str


@dataclass(frozen=True, eq=False)
class TargetSight:
    """What was seen of one target.

    Args:
        target: what was looked for.
        present: detections at or above the threshold for PRESENT, after attributes, relations and superlatives.
        maybe: detections between both thresholds.
        best_score: probability that it is there where nothing of it is present: the highest score that the model gave
            the phrase in the image, 0 when it gave none, 0.5 where nobody could tell.
        doubts: what was not checked or keeps the answer from being sure, each a sentence.
        reason: why nothing is present, when something near it was seen ("2 mugs, none of them red").
        verdict: of several models, where more than the detector were asked; it stands above what boxes alone say.
    """

    target: Target
    present: Detections
    maybe: Detections
    best_score: float
    doubts: tuple[str, ...] = ()
    reason: str = ""
    verdict: Verdict | None = None

    @property
    def status(self) -> Status:
        if self.verdict is not None:
            return self.verdict.status
        if len(self.present):
            return Status.UNCERTAIN if self.doubts else Status.PRESENT
        return Status.UNCERTAIN if len(self.maybe) or self.doubts else Status.ABSENT

    @property
    def is_counted(self) -> bool:
        """Whether the boxes tell how many there are: not where a verdict says that there is more than boxes show, nor
        where nobody could tell.
        """
        seen = len(self.present) > 0 or (self.verdict is None and len(self.maybe) > 0)
        return seen or self.status is Status.ABSENT

    @property
    def likelihood(self) -> np.ndarray:
        """(N,) how likely each of `present` is the target; what sticks out of the floor is a thing."""
        return np.ones(len(self.present)) if self.target.anything else self.present.score

    @property
    def presence(self) -> float:
        """Probability that the target is there."""
        if self.verdict is not None:
            return self.verdict.probability
        if len(self.present):
            return float(self.present.score.max())
        if len(self.maybe):
            return float(self.maybe.score.max())
        return self.best_score


def failed(reason: str) -> Answer:
    """Nobody looked: the answer names why and what to do."""
    return Answer(Status.FAILED, 0.0, f"I could not look: {reason}", reason=reason)


def plural(noun: str, count: int) -> str:
    """English plural for counts in answers ("2 boxes")."""
    if count == 1 or not noun or noun in _MASS_NOUNS:
        return noun
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


# Words for stuff: "I see packaging", never "a packaging".
_MASS_NOUNS = frozenset(
    ("packaging", "cardboard", "fruit", "cutlery", "hardware", "rubbish", "trash", "paper", "cloth")
)


def with_article(phrase: str) -> str:
    """Say "a mug", "an apple", "packaging"."""
    last = phrase.split()[-1]
    if last in _MASS_NOUNS or last.endswith(("scissors", "pliers", "tongs")):
        return phrase
    return f"{'an' if phrase[:1] in 'aeiou' else 'a'} {phrase}"


def numbered(target: Target, count: int) -> str:
    """A count with its noun: "2 red mugs"."""
    *before, noun = str(target).split()
    if count > 1 and noun in _MASS_NOUNS:
        return f"{count} pieces of {target}"
    return " ".join((str(count), *before, plural(noun, count)))


def _place(detections: Detections, resolution_wh: tuple[int, int]) -> str:
    """Words for where the first detection is in the image, in thirds."""
    u, v = detections.center_px[0] / resolution_wh
    across = "left" if u < 1 / 3 else "right" if u > 2 / 3 else ""
    along = "top" if v < 1 / 3 else "bottom" if v > 2 / 3 else ""
    words = " ".join(filter(None, (along, across)))
    return f"at the {words} of the image" if words else "in the middle of the image"


def combine(sights: list[TargetSight], *, require_all: bool) -> tuple[Status, float]:
    """Status and confidence over several targets: all of them wanted, or any."""
    rank = {Status.ABSENT: 0, Status.UNCERTAIN: 1, Status.PRESENT: 2}
    decisive = (min if require_all else max)(sights, key=lambda sight: (rank[sight.status], sight.presence))
    status, presence = decisive.status, decisive.presence
    return status, 1.0 - presence if status is Status.ABSENT else presence


def answer_query(
    query: Query, sights: list[TargetSight], plan: GraspPlan | None, resolution_wh: tuple[int, int]
) -> Answer:
    """Say what was seen.

    Args:
        sights: one for each of the query's targets, in their order.
        plan: the grasps, or None when none were planned.
        resolution_wh: size of the image [px], for words like "at the top left".

    Returns:
        PRESENT, ABSENT or UNCERTAIN; FAILED is never decided here, since somebody looked.
    """
    status, confidence = combine(sights, require_all=query.require_all)
    count = sum(len(_counted(query, sight)) for sight in sights)
    parts = [_sentence(query, sight, resolution_wh) for sight in sights]
    reasons = [
        text
        for sight in sights
        for text in (*sight.doubts, sight.reason, sight.verdict.reason if sight.verdict else "")
        if text
    ]
    if query.kind is QueryKind.PICK and plan is not None and count:
        parts.append(_grasp_sentence(plan))
        if not plan.candidates:
            reasons.append(f"no grasp: {rejections(plan)}")
    return Answer(
        status=status,
        confidence=float(min(max(confidence, 0.0), 1.0)),
        text=" ".join(dict.fromkeys(parts)),
        count=count if all(sight.is_counted for sight in sights) else None,
        reason="; ".join(dict.fromkeys(reasons)) or _scores(sights),
    )


def _counted(query: Query, sight: TargetSight) -> Detections:
    """What the count counts. "How many?" supposes that there are some: where none is sure, what may be one counts."""
    return sight.maybe if query.kind is QueryKind.COUNT and not len(sight.present) else sight.present


def describe(sights: list[TargetSight]) -> Answer:
    """List what is there; the last sight is what sticks out of the floor and has no name."""
    named = [sight for sight in sights if len(sight.present) and not sight.target.anything]
    unnamed = sum(len(sight.present) for sight in sights if sight.target.anything)
    parts = [numbered(sight.target, len(sight.present)) for sight in named]
    if unnamed:
        parts.append(f"{unnamed} {plural('object', unnamed)} that I can't name")
    count = unnamed + sum(len(sight.present) for sight in named)
    if not count:
        return Answer(
            Status.ABSENT, 0.5, "I see nothing in the bin.", count=0, reason="nothing sticks out of its floor"
        )
    listed = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
    confidence = min((float(sight.present.score.min()) for sight in named), default=0.5)
    return Answer(
        Status.PRESENT, confidence, f"I see {listed}.", count=count, reason="named ones by the model, others by depth"
    )


def rejections(plan: GraspPlan) -> str:
    """Counts by reason, most frequent first ("too wide 12, collides 3"); before all what passed every other check."""
    ordered = sorted(plan.rejected.items(), key=lambda item: (item[0] != MAY_BE_ANOTHER, -item[1]))
    return ", ".join(f"{reason} {count}" for reason, count in ordered) or "no candidate was found on the surface"


def _scores(sights: list[TargetSight]) -> str:
    return "; ".join(
        "looked at what sticks out of the bin's floor"
        if sight.target.anything
        else f"best score for '{sight.target.phrase}' {sight.best_score:.2f}"
        for sight in sights
    )


def _sentence(query: Query, sight: TargetSight, resolution_wh: tuple[int, int]) -> str:
    target, present, maybe = sight.target, sight.present, sight.maybe
    thing = str(target)
    if query.kind is QueryKind.COUNT:
        if len(maybe) and not len(present):
            return f"I may see {numbered(target, len(maybe))}, but I am not sure."
        extra = f", and {len(maybe)} more that may be" if len(maybe) else ""
        seen = numbered(target, len(present)) if len(present) else f"no {thing}"
        return f"I see {seen}{extra}."
    if not len(present):
        if sight.status is Status.ABSENT:
            return f"I see no {thing}."
        if sight.status is Status.PRESENT:
            return f"There is {with_article(thing)}."
        if sight.verdict is not None and query.kind is QueryKind.WHERE:
            return f"There may be {with_article(thing)}, but I can't say where."
        return f"I am not sure about {with_article(thing)}."
    where = _place(present, resolution_wh)
    if len(present) == 1:
        sure = "I see" if sight.status is Status.PRESENT else "I may see"
        return f"{sure} {with_article(thing)} {where}."
    return f"I see {numbered(target, len(present))}; the first is {where}."


def _grasp_sentence(plan: GraspPlan) -> str:
    if not plan.candidates:
        return "I found no grasp for it."
    best = plan.candidates[0]
    others = len({candidate.object_id for candidate in plan.candidates}) - 1
    more = f" {others} other {'object' if others == 1 else 'objects'} could be picked instead." if others else ""
    return (
        f"Best grasp: {best.gripper} on #{best.object_id} with quality {best.quality:.2f}, "
        f"of {len(plan.candidates)} candidates.{more}"
    )
