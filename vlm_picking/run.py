"""What is noted while the pipeline works on one frame: times, progress, and who looked."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from vlm_picking.detections import Detections
from vlm_picking.frame import RgbdFrame
from vlm_picking.grasp import GraspPlan
from vlm_picking.query import Query
from vlm_picking.result import Answer, LiftedObject, PickResult, Status

OnStage = Callable[[str, float], None]


def ignore(stage: str, progress: float) -> None:
    pass


@dataclass
class Run:
    """Clock, progress and witnesses of one run.

    Args:
        on_stage: called with (stage, progress 0..1) before each stage.
        everybody: the names of all models, for a result that nobody looked for.
        models: the names of those that looked.
    """

    frame: RgbdFrame
    prompt: str
    on_stage: OnStage
    everybody: str
    models: list[str] = field(default_factory=list)
    timings_ms: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, progress: float) -> Iterator[None]:
        self.on_stage(name, progress)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings_ms[name] = (time.perf_counter() - start) * 1e3

    def asked(self, *models: str) -> None:
        """Note who looked; "" is nobody."""
        self.models += filter(None, models)

    def result(
        self,
        query: Query | None,
        answer: Answer,
        detections: Detections | None = None,
        objects: tuple[LiftedObject, ...] = (),
        plan: GraspPlan | None = None,
    ) -> PickResult:
        plan = plan or GraspPlan()
        return PickResult(
            prompt=self.prompt,
            query=query,
            answer=answer,
            stamp_ns=self.frame.stamp_ns,
            frame_id=self.frame.frame_id,
            detections=Detections.empty() if detections is None else detections,
            objects=objects,
            grasps=plan.candidates,
            rejected=plan.rejected,
            timings_ms=self.timings_ms | {"total": sum(self.timings_ms.values())},
            model=self._who_looked(answer),
        )

    def _who_looked(self, answer: Answer) -> str:
        nobody = self.everybody if answer.status is Status.FAILED else "geometry"
        return " + ".join(dict.fromkeys(self.models)) or nobody
