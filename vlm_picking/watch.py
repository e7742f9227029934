"""What a standing prompt remembers from frame to frame, so that ids stay and answers do not flicker."""

from dataclasses import replace

from vlm_picking.answering import TargetSight, Verdict
from vlm_picking.asking import YES_NO_TEXT
from vlm_picking.config import PickingConfig
from vlm_picking.detections import Detections
from vlm_picking.query import Query, QueryKind
from vlm_picking.result import Answer, Status
from vlm_picking.search import Scene
from vlm_picking.tracking import Belief, Smoothing, Tracker

# What these ask for is how presence comes out; counts and descriptions are of the frame alone.
_STEADIED = (QueryKind.PRESENCE, QueryKind.WHERE, QueryKind.PICK)
_HAIR = 1e-6


class Watch:
    """The memory of one standing prompt; whoever runs one holds it and gives it to every `PickingPipeline.run`.

    Another query starts anew, and so does a stamp before the last one; ids are never given twice. What could not be
    looked for leaves the memory as it is. Not for two threads at a time.
    """

    def __init__(self) -> None:
        self._tracker = Tracker(max_age_s=1.0)
        self._beliefs: dict[int, Belief] = {}
        self._query: Query | None = None
        self._config = PickingConfig()
        self._stamp_ns = 0

    def begin(self, query: Query, config: PickingConfig, stamp_ns: int) -> None:
        """Say what the next frame is asked and by which settings."""
        if query != self._query or stamp_ns < self._stamp_ns:
            self._tracker.reset()
            self._beliefs.clear()
        self._query, self._config, self._stamp_ns = query, config, stamp_ns
        self._tracker.max_age_s = config.track_max_age_s

    def with_ids(self, scene: Scene) -> Scene:
        """The scene with ids that stay with their objects."""
        if not self._config.tracking:
            return scene
        everything = Detections.merge([scene.named.replace(mask=None), scene.separate.replace(mask=None)])
        ids = self._tracker.update(everything, self._stamp_ns).id
        n = len(scene.named)
        return replace(scene, named=scene.named.replace(id=ids[:n]), separate=scene.separate.replace(id=ids[n:]))

    def steadied(self, sights: list[TargetSight]) -> list[TargetSight]:
        """The sights with the status that the frames so far give together, where that is another than this frame's."""
        if not self._smooths or self._query.kind not in _STEADIED:
            return sights
        return [self._steady(number, sight) for number, sight in enumerate(sights)]

    def steadied_answer(self, answer: Answer) -> Answer:
        """As `steadied`, of an answer of yes or no."""
        if not self._smooths or answer.text not in YES_NO_TEXT.values() or answer.status is Status.FAILED:
            return answer
        yes = 1 - answer.confidence if answer.status is Status.ABSENT else answer.confidence
        belief = self._believe(0, _within(yes, answer.status, self._config))
        if belief.status is answer.status:
            return answer
        confidence = 1 - belief.probability if belief.status is Status.ABSENT else belief.probability
        reason = "; ".join((_why(answer.status, yes, belief), answer.reason))
        return replace(
            answer, status=belief.status, confidence=confidence, text=YES_NO_TEXT[belief.status], reason=reason
        )

    @property
    def _smooths(self) -> bool:
        return self._config.presence_smoothing_s > 0

    def _believe(self, number: int, probability: float) -> Belief:
        config = self._config
        smoothing = Smoothing(
            time_constant_s=config.presence_smoothing_s,
            restart_after_s=config.track_max_age_s,
            present_threshold=config.present_threshold,
            absent_threshold=config.absent_threshold,
        )
        belief = smoothing.next(self._beliefs.get(number), probability, self._stamp_ns)
        self._beliefs[number] = belief
        return belief

    def _steady(self, number: int, sight: TargetSight) -> TargetSight:
        if sight.doubts:  # what was not checked is no evidence, neither for nor against
            return sight
        presence = float(sight.status is Status.PRESENT) if sight.target.anything else sight.presence
        belief = self._believe(number, _within(presence, sight.status, self._config))
        if belief.status is sight.status:
            return sight
        known = sight.verdict.reason if sight.verdict is not None else ""
        reason = "; ".join(filter(None, (_why(sight.status, presence, belief), known)))
        steady = replace(sight, verdict=Verdict(belief.status, belief.probability, reason))
        if belief.status is Status.ABSENT:  # not believed yet, so neither shown nor grasped
            steady = replace(steady, present=Detections.empty(), maybe=Detections.union([sight.maybe, sight.present]))
        return steady


def _within(probability: float, status: Status, config: PickingConfig) -> float:
    """A probability that is no other status's: statuses are also decided by what probabilities don't say."""
    if status is Status.PRESENT:
        return max(probability, config.present_threshold)
    if status is Status.ABSENT:
        return max(min(probability, config.absent_threshold - _HAIR), 0.0)
    return min(max(probability, config.absent_threshold), config.present_threshold - _HAIR)


def _why(status: Status, probability: float, belief: Belief) -> str:
    return f"this frame alone says {status.value} ({probability:.2f}), with those before it {belief.probability:.2f}"
