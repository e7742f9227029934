"""What is measured: the real pipeline with one model, or with the oracle that shows what the benchmark itself costs."""

import os
import platform
from collections.abc import Sequence
from functools import lru_cache

from vlm_picking.bench.scenes import EvaluationFrame
from vlm_picking.config import PickingConfig
from vlm_picking.detections import Detections
from vlm_picking.models.base import ZeroShotDetector
from vlm_picking.models.suite import ModelSuite
from vlm_picking.pipeline import PickingPipeline
from vlm_picking.prompt import parse_prompt
from vlm_picking.query import Query, QueryKind, Target
from vlm_picking.result import PickResult

ORACLE = "oracle"


class Subject:
    """A pipeline whose model is loaded once.

    Args:
        model: as for `PickingConfig.model`, or "oracle".
        device: where the model runs.
        offline: never reach for a model hub.

    Raises:
        ModelError: the model can't be loaded, or does not say where things are.
    """

    def __init__(self, model: str, *, device: str = "auto", offline: bool = False) -> None:
        self.model = model
        settings = {"device": device, "offline": offline} | ({} if model == ORACLE else {"model": model})
        self.config = PickingConfig.from_mapping(settings)
        self._pipeline = None if model == ORACLE else PickingPipeline.from_config(self.config)
        self._truth_of: EvaluationFrame | None = None

    def pipeline(self, frame: EvaluationFrame) -> PickingPipeline:
        """The pipeline for a frame: the same for all, save that each frame has its own oracle."""
        if self.model == ORACLE and self._truth_of is not frame:
            self._truth_of = frame
            self._pipeline = PickingPipeline(self.config, models=ModelSuite.of(_oracle(frame)), grippers=())
        return self._pipeline

    def detector(self, frame: EvaluationFrame) -> ZeroShotDetector | None:
        """The model that says where things are."""
        return self.pipeline(frame).models.finder

    def ask(self, frame: EvaluationFrame, sentence: str) -> PickResult:
        """The pipeline's answer to a sentence."""
        return self.pipeline(frame).run(frame.frame, sentence, plan=False)

    def boxes(self, frame: EvaluationFrame, sentences: Sequence[str]) -> list[Detections]:
        """For each sentence ("find all mugs") the boxes of what it names, best first, however low their scores.

        These are the boxes that `ask` would give with a threshold of 0 for a plain noun; looking for all of them at
        once, without masks and clouds, is what makes average precision affordable.
        """
        targets = [_target(sentence) for sentence in sentences]
        query = Query("; ".join(sentences), QueryKind.WHERE, tuple(dict.fromkeys(targets)))
        config = self.config.model_copy(update={"absent_threshold": 0.0, "max_detections": 100_000})
        scene = self.pipeline(frame).look(frame.frame, query, config=config)
        phrases = [scene.wordings[target].phrase for target in targets]
        return [Detections.empty() if p is None else scene.named[scene.named.label == p] for p in phrases]

    def facts(self) -> dict[str, object]:
        """What the figures hang on beside the scenes: model, thresholds and machine."""
        facts: dict[str, object] = {
            "model": self.model,
            "device": self.config.device,
            "present_threshold": self.config.present_threshold,
            "absent_threshold": self.config.absent_threshold,
            "machine": machine(),
        }
        if self.model != ORACLE:
            import torch

            facts["machine"] |= {"torch": torch.__version__, "torch_threads": torch.get_num_threads()}
        return facts


def machine() -> dict[str, object]:
    """What figures were measured on."""
    import numpy as np

    return {
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


@lru_cache(maxsize=4096)
def _target(sentence: str) -> Target:
    (target,) = parse_prompt(sentence).targets
    return target


def _oracle(frame: EvaluationFrame) -> ZeroShotDetector:
    from vlm_picking.sim.oracle import OracleDetector
    from vlm_picking.sim.truth import FrameTruth, TrueObject

    objects = tuple(
        TrueObject(
            kind=thing.kind,
            colour=thing.colour,
            id=thing.id,
            xyxy=tuple(int(v) for v in thing.xyxy),
            visible=thing.visible,
        )
        for thing in frame.things
        if thing.pixels
    )
    return OracleDetector(FrameTruth(objects=objects, ids=frame.ids))
