"""The pipeline: a frame and a sentence in; an answer, detections and ranked grasps out. No ROS, no torch at import."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from vlm_picking.answering import answer_query, describe, failed
from vlm_picking.camera import PinholeCamera
from vlm_picking.config import PickingConfig
from vlm_picking.detections import Detections
from vlm_picking.errors import FrameError, PromptError
from vlm_picking.frame import RgbdFrame
from vlm_picking.grasp import GraspPlan, Gripper
from vlm_picking.gripper_files import load_gripper
from vlm_picking.lift import lift
from vlm_picking.models.base import ZeroShotDetector
from vlm_picking.models.registry import load_detector
from vlm_picking.narrowing import SAME_OBJECT_IOU, narrow
from vlm_picking.planning import plan_grasps
from vlm_picking.prompt import parse_prompt
from vlm_picking.query import Query, QueryKind, Target
from vlm_picking.result import Answer, LiftedObject, PickResult
from vlm_picking.search import Scene, look
from vlm_picking.segmentation import masks_from_boxes
from vlm_picking.support import Support, find_support

OnStage = Callable[[str, float], None]


def _ignore(stage: str, progress: float) -> None:
    pass


@dataclass
class _Run:
    """Clock and progress of one run."""

    frame: RgbdFrame
    prompt: str
    on_stage: OnStage
    model: str
    timings_ms: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, progress: float) -> Iterator[None]:
        self.on_stage(name, progress)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings_ms[name] = (time.perf_counter() - start) * 1e3

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
            model=self.model,
        )


class PickingPipeline:
    """Looks at frames for an operator.

    Args:
        config: thresholds and limits.
        detector: the model that looks.
        grippers: what grasps are planned for.
    """

    def __init__(self, config: PickingConfig, *, detector: ZeroShotDetector, grippers: tuple[Gripper, ...]) -> None:
        self.config = config
        self.detector = detector
        self.grippers = grippers

    @classmethod
    def from_config(cls, config: PickingConfig) -> "PickingPipeline":
        """Load the model and the grippers that `config` names.

        Raises:
            ModelError: the model can't be loaded; the message names the fix.
            ConfigError: a gripper can't be loaded.
        """
        grippers = tuple(load_gripper(name) for name in config.grippers)
        detector = load_detector(config.model, device=config.device, offline=config.offline)
        return cls(config, detector=detector, grippers=grippers)

    def update(self, config: PickingConfig) -> None:
        """Change thresholds, limits and grippers without loading the model again.

        Raises:
            ConfigError: a gripper can't be loaded; the old settings stay.
        """
        if config.grippers != self.config.grippers:
            self.grippers = tuple(load_gripper(name) for name in config.grippers)
        self.config = config

    def warm_up(self, *, width: int = 640, height: int = 480) -> None:
        """Look once at an empty floor, so that the first question is as fast as the others."""
        camera = PinholeCamera(width, height, float(width), float(width), width / 2, height / 2)
        floor = RgbdFrame(np.zeros((height, width, 3), np.uint8), np.ones((height, width), np.float32), camera)
        self.detector.detect(floor.rgb, ["object"])
        self.run(floor, "pick anything")

    def run(
        self,
        frame: RgbdFrame,
        prompt: str | Query,
        *,
        plan: bool | None = None,
        on_stage: OnStage = _ignore,
    ) -> PickResult:
        """Answer one sentence about one frame.

        Args:
            prompt: an operator's sentence, or its meaning.
            plan: whether to plan grasps; None plans them when the sentence asks to pick.
            on_stage: called with (stage, progress 0..1) before each stage; what it raises ends the run.

        Returns:
            The result. A sentence that can't be read, or depth that can't be used where it is needed, is a FAILED
            answer whose reason names what to do.

        Raises:
            ModelError: the model could not look.
        """
        run = _Run(frame, prompt if isinstance(prompt, str) else prompt.text, on_stage, self.detector.name)
        try:
            with run.stage("understand", 0.0):
                query = parse_prompt(prompt) if isinstance(prompt, str) else prompt
        except PromptError as error:
            return run.result(None, failed(str(error)))
        if refusal := self._refusal(query):
            return run.result(query, failed(refusal))
        try:
            if query.targets:
                return self._answer(run, query, plan)
            return self._describe(run, query)
        except FrameError as error:
            return run.result(query, failed(str(error)))

    def _refusal(self, query: Query) -> str:
        if query.kind is QueryKind.CLEAR:
            return "nothing is being looked for here; 'clear' ends a standing prompt"
        if query.kind is QueryKind.ASK:
            return (
                f"the {self.detector.name} model finds objects and can't answer '{query.text.strip()}'; "
                "ask 'is there ...', "
                "'where is ...', 'how many ...', 'pick ...', or load a model that answers questions"
            )
        return ""

    def _answer(self, run: _Run, query: Query, plan: bool | None) -> PickResult:
        frame = run.frame
        planning = query.kind is QueryKind.PICK if plan is None else plan
        if query.kind is QueryKind.PICK and not frame.valid_depth_share:
            raise FrameError("the depth image has no reading, and grasps need depth; check the depth stream")
        with run.stage("support", 0.05):
            support = find_support(frame)
        with run.stage("look", 0.1):
            scene = look(frame, query, support, detector=self.detector, config=self.config)
        scene, objects = self._lift(run, scene, support)
        with run.stage("relate", 0.6):
            sights = narrow(frame, query, scene, objects, self.config)
            seen = _union([sight.present for sight in sights])
        grasps = None
        if planning:
            with run.stage("plan", 0.65):
                grasps = plan_grasps(
                    frame,
                    seen,
                    self.grippers,
                    support=support,
                    max_per_object=self.config.max_grasps_per_object,
                    max_candidates=self.config.max_grasps,
                )
        answer = answer_query(query, sights, grasps, (frame.camera.width, frame.camera.height))
        lifted = tuple(objects[i] for i in seen.id.tolist() if i in objects)
        return run.result(query, answer, seen, lifted, grasps)

    def _describe(self, run: _Run, query: Query) -> PickResult:
        """List what is there: what the model can name, and what only sticks out of the bin's floor."""
        frame, config = run.frame, self.config
        with run.stage("support", 0.05):
            support = find_support(frame)
        # Without a floor nothing "sticks out": then only the names that the model knows are left to look for.
        unnamed = () if support is None and self.detector.classes else (Target(""),)
        everything = Query(query.text, query.kind, (*map(Target, self.detector.classes), *unnamed))
        with run.stage("look", 0.1):
            scene = look(frame, everything, support, detector=self.detector, config=config)
        sure = scene.named[scene.named.score >= config.present_threshold]
        scene = Scene(sure.nms(SAME_OBJECT_IOU, class_agnostic=True), scene.separate, scene.best_score, scene.wordings)
        scene, objects = self._lift(run, scene, support)
        with run.stage("relate", 0.8):
            sights = narrow(frame, everything, scene, objects, config)
            seen = _union([sight.present for sight in sights])
        lifted = tuple(objects[i] for i in seen.id.tolist() if i in objects)
        return run.result(query, describe(sights), seen, lifted)

    def _lift(self, run: _Run, scene: Scene, support: Support | None) -> tuple[Scene, dict[int, LiftedObject]]:
        with run.stage("segment", 0.35):
            named = scene.named
            if len(named) and named.mask is None:
                named = masks_from_boxes(run.frame, named, support)
            scene = Scene(named, scene.separate, scene.best_score, scene.wordings)
        with run.stage("lift", 0.5):
            lifted = (*lift(run.frame, scene.named, support), *lift(run.frame, scene.separate, support))
        return scene, {thing.id: thing for thing in lifted}


def _union(parts: list[Detections]) -> Detections:
    """What the parts hold, with the ids that they have."""
    ids = np.concatenate([part.id for part in parts]) if parts else np.zeros(0, np.int64)
    merged = Detections.merge(parts)
    return merged.replace(id=ids) if len(merged) else merged
