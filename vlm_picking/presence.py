"""Whether something is there, by all models that can tell: detection, similarity and questions, fused."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vlm_picking.answering import TargetSight, Verdict, with_article
from vlm_picking.config import PickingConfig
from vlm_picking.detections import Detections
from vlm_picking.errors import ModelError
from vlm_picking.models.base import Role
from vlm_picking.models.suite import ModelSuite
from vlm_picking.query import Query, QueryKind, Target
from vlm_picking.result import Status

# A whole image's similarity sees small things badly, so it counts half as much as a look at the details.
WEIGHT_OF_ROLE = {Role.DETECTION: 2.0, Role.ANSWERING: 2.0, Role.SIMILARITY: 1.0}
# No model is surer than this, so that none overrules all others.
SUREST = 0.98
# Less belief than this in yes and no together means that the model did not take the question as one.
LEAST_MASS = 0.1


@dataclass(frozen=True)
class Vote:
    """What one model believes about one target."""

    model: str
    role: Role
    probability: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.probability <= 1.0:
            raise ModelError(f"{self.model} gave {self.probability} where a probability is needed")

    def __str__(self) -> str:
        return f"{self.model} {self.probability:.2f} ({self.role.value})"


def fuse(votes: Sequence[Vote]) -> float:
    """The weighted mean of the votes' log-odds, as a probability (a logarithmic opinion pool, Genest 1986)."""
    weights = np.array([WEIGHT_OF_ROLE[vote.role] for vote in votes])
    p = np.clip([vote.probability for vote in votes], 1 - SUREST, SUREST)
    return float(1 / (1 + np.exp(-np.average(np.log(p / (1 - p)), weights=weights))))


def asks_others(query: Query, models: ModelSuite) -> bool:
    """Whether presence is asked of more than the detector: where that is the question, or nobody detects."""
    if models.scorer is None and models.answerer is None:
        return False
    alone = models.finder is None
    wanted = query.kind is QueryKind.PRESENCE or (alone and query.kind is QueryKind.WHERE)
    return wanted and not query.excluded and not all(target.anything for target in query.targets)


def judge(
    rgb: np.ndarray, query: Query, sights: list[TargetSight], models: ModelSuite, config: PickingConfig
) -> list[TargetSight]:
    """Ask the other models about each target and decide its status from all votes.

    A detector that could check only part of what was asked has no vote. Boxes that it is sure of are never called
    ABSENT: where others outvote them, the answer is UNCERTAIN.

    Raises:
        ModelError: one of the models could not look.
    """
    by_similarity = _similarities(rgb, query, models)
    judged = []
    for sight in sights:
        if sight.target.anything:
            judged.append(sight)
            continue
        votes, notes = [], []
        has_seen = models.finder is not None and not sight.doubts
        if has_seen:
            votes.append(Vote(models.finder.name, Role.DETECTION, sight.presence))
        if sight.target in by_similarity:
            votes.append(Vote(models.scorer.name, Role.SIMILARITY, by_similarity[sight.target]))
        if models.answerer is not None:
            yes = models.answerer.yes_probability([rgb], question_about(sight.target, query))
            if yes.mass < LEAST_MASS:
                notes.append(f"{models.answerer.name} said neither yes nor no")
            else:
                votes.append(Vote(models.answerer.name, Role.ANSWERING, yes.probability))
        if len(votes) > has_seen:
            is_about_where = models.finder is None and query.kind is QueryKind.PRESENCE
            sight = _decided(sight, votes, notes, query, config)
            sight = replace(sight, doubts=()) if is_about_where else sight
        elif notes:
            sight = replace(sight, reason="; ".join(filter(None, (sight.reason, *notes))))
        judged.append(sight)
    return judged


def question_about(target: Target, query: Query) -> str:
    """A yes-or-no question about one target: "Is there a red mug next to the box in the image?"."""
    place = ""
    if query.relation is not None:
        place = f" {query.relation.kind.value} the {' and the '.join(map(str, query.relation.references))}"
    return f"Is there {with_article(str(target))}{place} in the image?"


def _similarities(rgb: np.ndarray, query: Query, models: ModelSuite) -> dict[Target, float]:
    """Presence by similarity; nothing for relations, which a similarity does not grasp."""
    if models.scorer is None or query.relation is not None:
        return {}
    targets = [target for target in dict.fromkeys(query.targets) if not target.anything]
    presence = models.scorer.presence(rgb, [target.phrase for target in targets])
    return dict(zip(targets, map(float, presence), strict=True))


def _decided(
    sight: TargetSight,
    votes: list[Vote],
    notes: list[str],
    query: Query,
    config: PickingConfig,
) -> TargetSight:
    probability = fuse(votes)
    status = status_of(probability, config)
    if status is Status.PRESENT and query.kind is QueryKind.WHERE:
        status = Status.UNCERTAIN
    reason = ", ".join(map(str, votes))
    if len(votes) > 1:
        opinions = {status_of(vote.probability, config) for vote in votes}
        reason = f"{reason}: together {probability:.2f}"
        if {Status.PRESENT, Status.ABSENT} <= opinions:
            reason = f"the models disagree: {reason}"
    if status is Status.ABSENT and len(sight.present):
        if sight.doubts:  # what was found is something else: mugs, but none that is striped
            sight = replace(sight, present=Detections.empty(), maybe=Detections.empty())
        else:
            status = Status.UNCERTAIN
    return replace(sight, verdict=Verdict(status, probability, "; ".join((*notes, reason))))


def status_of(probability: float, config: PickingConfig) -> Status:
    """PRESENT, ABSENT or UNCERTAIN by the thresholds."""
    if probability >= config.present_threshold:
        return Status.PRESENT
    return Status.ABSENT if probability < config.absent_threshold else Status.UNCERTAIN
