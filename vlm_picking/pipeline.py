"""The pipeline: a frame and a sentence in; an answer, detections and ranked grasps out. No ROS, no torch at import."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from vlm_picking.answering import answer_query, describe, failed
from vlm_picking.asking import answer_freely, captioned, wants_history
from vlm_picking.config import PickingConfig
from vlm_picking.detections import Detections
from vlm_picking.errors import FrameError, ModelError, PromptError
from vlm_picking.frame import RgbdFrame
from vlm_picking.grasp import Gripper
from vlm_picking.gripper_files import load_gripper
from vlm_picking.history import History
from vlm_picking.holding import surely_held
from vlm_picking.known_bin import KnownBin
from vlm_picking.lift import lift
from vlm_picking.masks import by_geometry, with_masks
from vlm_picking.models.suite import ROLES_OF_SETTING, ModelSuite
from vlm_picking.narrowing import SAME_OBJECT_IOU, narrow
from vlm_picking.planning import plan_grasps
from vlm_picking.presence import asks_others, judge
from vlm_picking.prompt import parse_prompt
from vlm_picking.query import Query, QueryKind, Target
from vlm_picking.result import Answer, LiftedObject, PickResult, Status
from vlm_picking.run import OnStage, Run, ignore
from vlm_picking.search import Scene, cannot_find, look
from vlm_picking.segmentation import segment_objects
from vlm_picking.separation import separated
from vlm_picking.support import Support, find_support
from vlm_picking.transform import Transform
from vlm_picking.warming import empty_floor, warm_up, warm_up_planning
from vlm_picking.watch import Watch


class PickingPipeline:
    """Looks at frames for an operator.

    Args:
        config: thresholds and limits.
        models: who is asked what; `ModelSuite.of(model)` lets one model do all that it can.
        grippers: what grasps are planned for.

    Attributes:
        camera_from_bin_frame: what gives the frame of `config.bin_pose` in the camera's, for each RGB-D frame; it may
            raise FrameError. The camera's own frame unless set.
    """

    def __init__(self, config: PickingConfig, *, models: ModelSuite, grippers: tuple[Gripper, ...]) -> None:
        self.config = config
        self.models = models
        self.grippers = grippers
        self._history = self._new_history()
        self._floor: tuple[RgbdFrame, Support | None] | None = None
        self._outlines: tuple[RgbdFrame, Detections] | None = None
        self._bin = KnownBin.of(config.bin_pose, config.bin_inner_m)
        self.camera_from_bin_frame: Callable[[RgbdFrame], Transform] = lambda frame: Transform.identity()

    @classmethod
    def from_config(cls, config: PickingConfig) -> "PickingPipeline":
        """Load the models and the grippers that `config` names.

        Raises:
            ModelError: a model can't be loaded, or not play its role; the message names the fix.
            ConfigError: a gripper can't be loaded.
        """
        grippers = tuple(load_gripper(name) for name in config.grippers)
        chosen = {setting: getattr(config, setting) for setting in ROLES_OF_SETTING}
        models = ModelSuite.load(
            config.model, device=config.device, dtype=config.dtype, offline=config.offline, **chosen
        )
        return cls(config, models=models, grippers=grippers)

    def update(self, config: PickingConfig) -> None:
        """Change thresholds, limits and grippers without loading a model again.

        Raises:
            ConfigError: a gripper can't be loaded; the old settings stay.
        """
        if config.grippers != self.config.grippers:
            self.grippers = tuple(load_gripper(name) for name in config.grippers)
        before, self.config = self.config, config
        self._bin, self._floor, self._outlines = KnownBin.of(config.bin_pose, config.bin_inner_m), None, None
        if (before.history_frames, before.history_interval_s) != (config.history_frames, config.history_interval_s):
            self._history = self._new_history()

    @property
    def history_limit(self) -> int:
        """How many frames a question about change can go with; 1 where no model takes several."""
        answerer = self.models.answerer
        return 1 if answerer is None else max(min(answerer.max_images, self.config.history_frames), 1)

    def remember(self, frame: RgbdFrame) -> None:
        """Keep a frame for later questions about change; `run` does so with its own. Nothing where no model cares."""
        if self._history is not None:
            self._history.add(frame.stamp_ns, frame.rgb)

    def support_of(self, frame: RgbdFrame) -> Support | None:
        """The bin's floor, given or found; asked twice about the same frame, it is found once."""
        if self._floor is None or self._floor[0] is not frame:
            given = self._bin and self._bin.support(frame, self.camera_from_bin_frame(frame))
            self._floor = (frame, given or find_support(frame))
        return self._floor[1]

    def look(self, frame: RgbdFrame, query: Query, *, config: PickingConfig | None = None) -> Scene:
        """What the models and the geometry see of what a query names; `config` instead of the pipeline's own.

        Raises:
            FrameError: "anything" was asked and the depth shows no bin floor.
            ModelError: a model could not look.
        """
        outlines, config = partial(self._outlines_of, frame), config or self.config
        return look(frame, query, self.support_of(frame), outlines=outlines, models=self.models, config=config)

    def _outlines_of(self, frame: RgbdFrame) -> Detections:
        """What stands in the bin, cut apart by depth; once a frame."""
        if self._outlines is None or self._outlines[0] is not frame:
            self._outlines = (frame, segment_objects(frame, self.support_of(frame)))
        return self._outlines[1]

    def _new_history(self) -> History[np.ndarray] | None:
        if self.history_limit < 2:
            return None
        return History(self.history_limit, interval_s=self.config.history_interval_s)

    def warm_up(self, *, width: int = 640, height: int = 480) -> None:
        """Ask every model once about an empty floor and plan once, so that the first question is as fast as the others.

        The first time on a machine the planner is compiled then, which takes a minute.

        Raises:
            ModelError: a model can't look.
        """
        floor = empty_floor(width, height)
        warm_up(self.models, floor)
        warm_up_planning(self.grippers, floor.camera)
        self.run(floor, "pick anything")
        self._history = self._new_history()

    def run(
        self,
        frame: RgbdFrame,
        prompt: str | Query,
        *,
        plan: bool | None = None,
        on_stage: OnStage = ignore,
        watch: Watch | None = None,
    ) -> PickResult:
        """Answer one sentence about one frame.

        Args:
            prompt: an operator's sentence, or its meaning.
            plan: whether to plan grasps; None plans them when the sentence asks to pick.
            on_stage: called with (stage, progress 0..1) before each stage; what it raises ends the run.
            watch: of a standing prompt: ids stay with their objects and presence is smoothed over its frames.

        Returns:
            The result. A sentence that can't be read, or depth that can't be used where it is needed, is a FAILED
            answer whose reason names what to do; so is one that a model could not look for.
        """
        run = Run(frame, prompt if isinstance(prompt, str) else prompt.text, on_stage, self.models.name)
        try:
            with run.stage("understand", 0.0):
                query = parse_prompt(prompt) if isinstance(prompt, str) else prompt
        except PromptError as error:
            return run.result(None, failed(str(error)))
        if not self._is_for_words(query) and (refusal := self._refusal(query)):
            return run.result(query, failed(refusal))
        self.remember(frame)
        watch = Watch() if watch is None else watch  # the first frame of a watch stands for itself
        watch.begin(query, self.config, frame.stamp_ns)
        try:
            if self._is_for_words(query):
                return self._answer_in_words(run, query, watch)
            if query.targets:
                return self._answer(run, query, plan, watch)
            return self._describe(run, query, watch)
        except (FrameError, ModelError, PromptError) as error:
            return run.result(query, failed(str(error)))

    def _refusal(self, query: Query) -> str:
        if query.kind is QueryKind.CLEAR:
            return "nothing is being looked for here; 'clear' ends a standing prompt"
        named = (*query.targets, *query.excluded, *(query.relation.references if query.relation else ()))
        if self.models.finder is not None or all(target.anything for target in named):
            return ""
        # Only presence can be told by models that don't say where.
        is_presence = query.kind in (QueryKind.PRESENCE, QueryKind.WHERE)
        if query.kind is QueryKind.ASK or (is_presence and self.models.can_tell_presence):
            return ""
        return cannot_find(self.models)

    def _is_for_words(self, query: Query) -> bool:
        """Whether the answer is to be had from a model that answers questions, not from boxes."""
        by_boxes = self.models.finder is not None or self.models.answerer is None
        named = any(not target.anything for target in query.targets)
        in_words_too = query.kind in (QueryKind.COUNT, QueryKind.DESCRIBE) and named
        return query.kind is QueryKind.ASK or (in_words_too and not by_boxes)

    def _answer_in_words(self, run: Run, query: Query, watch: Watch) -> PickResult:
        frame = run.frame
        images = [frame.rgb]
        if self._history is not None and wants_history(query.text):
            images = [*self._history.before(frame.stamp_ns), frame.rgb][-self.history_limit :]
        with run.stage("ask", 0.1):
            answer, model = answer_freely(query.text, images, self.models, self.config)
        run.asked(model)
        return run.result(query, watch.steadied_answer(answer))

    def _answer(self, run: Run, query: Query, plan: bool | None, watch: Watch) -> PickResult:
        frame = run.frame
        planning = query.kind is QueryKind.PICK if plan is None else plan
        if query.kind is QueryKind.PICK and not frame.valid_depth_share:
            raise FrameError("the depth image has no reading, and grasps need depth; check the depth stream")
        with run.stage("support", 0.05):
            support = self.support_of(frame)
        with run.stage("look", 0.1):
            scene = self.look(frame, query)
        run.asked(*scene.asked)
        is_by_geometry = by_geometry(scene.named, self.models)
        scene, objects = self._lift(run, watch.with_ids(scene), support)
        with run.stage("relate", 0.6):
            sights = narrow(frame, query, scene, objects, self.config)
        if asks_others(query, self.models):
            with run.stage("judge", 0.62):
                sights = judge(frame.rgb, query, sights, self.models, self.config)
            run.asked(*(model.name for model in (self.models.scorer, self.models.answerer) if model is not None))
        sights = watch.steadied(sights)
        seen = Detections.union([sight.present for sight in sights])
        likelihood = np.concatenate([sight.likelihood for sight in sights])
        grasps = None
        if planning:
            named = np.isin(seen.id, scene.named.id)
            cut_apart = is_by_geometry and bool(named.any())
            if cut_apart:
                with run.stage("separate", 0.63):
                    seen, worth = separated(frame, seen, named, support, models=self.models, config=self.config)
                likelihood = likelihood[:, None, None] * worth
                objects |= {thing.id: thing for thing in lift(frame, seen[named], support)}
            with run.stage("plan", 0.65):
                most = {"max_per_object": self.config.max_grasps_per_object, "max_candidates": self.config.max_grasps}
                grasps = plan_grasps(frame, seen, self.grippers, support=support, likelihood=likelihood, **most)
                if cut_apart:
                    grasps = surely_held(frame, seen, named, worth, grasps, self.grippers, support)
        answer = answer_query(query, sights, grasps, (frame.camera.width, frame.camera.height))
        lifted = tuple(objects[i] for i in seen.id.tolist() if i in objects)
        return run.result(query, answer, seen, lifted, grasps)

    def _describe(self, run: Run, query: Query, watch: Watch) -> PickResult:
        """List what is there: what the model can name, and what only sticks out of the bin's floor; with a caption."""
        frame, config, finder = run.frame, self.config, self.models.finder
        classes = () if finder is None else finder.classes
        with run.stage("support", 0.05):
            support = self.support_of(frame)
        if support is None and not classes and self.models.captioner is not None:
            return self._caption(run, query, Answer(Status.UNCERTAIN, 0.5, "", reason="the depth shows no bin floor"))
        # Without a floor nothing "sticks out": then only the names that the model knows are left to look for.
        unnamed = () if support is None and classes else (Target(""),)
        everything = Query(query.text, query.kind, (*map(Target, classes), *unnamed))
        with run.stage("look", 0.1):
            scene = self.look(frame, everything)
        run.asked(*scene.asked)
        sure = scene.named[scene.named.score >= config.present_threshold]
        scene = replace(scene, named=sure.nms(SAME_OBJECT_IOU, class_agnostic=True))
        scene, objects = self._lift(run, watch.with_ids(scene), support)
        with run.stage("relate", 0.8):
            sights = narrow(frame, everything, scene, objects, config)
            seen = Detections.union([sight.present for sight in sights])
        lifted = tuple(objects[i] for i in seen.id.tolist() if i in objects)
        return self._caption(run, query, describe(sights), seen, lifted)

    def _caption(
        self,
        run: Run,
        query: Query,
        answer: Answer,
        seen: Detections | None = None,
        lifted: tuple[LiftedObject, ...] = (),
    ) -> PickResult:
        captioner = self.models.captioner
        if captioner is None:
            reason = "; ".join(filter(None, (answer.reason, "set captioning_model for a sentence about all of it")))
            return run.result(query, replace(answer, reason=reason), seen, lifted)
        with run.stage("caption", 0.85):
            answer = captioned(answer, run.frame.rgb, captioner)
        run.asked(captioner.name)
        return run.result(query, answer, seen, lifted)

    def _lift(self, run: Run, scene: Scene, support: Support | None) -> tuple[Scene, dict[int, LiftedObject]]:
        segmenter = self.models.box_segmenter or self.models.phrase_segmenter
        if segmenter is not None and len(scene.named) and scene.named.mask is None:
            run.asked(segmenter.name)
        with run.stage("segment", 0.35):
            scene = replace(scene, named=with_masks(run.frame, scene.named, support, self.models))
        with run.stage("lift", 0.5):
            lifted = (*lift(run.frame, scene.named, support), *lift(run.frame, scene.separate, support))
        return scene, {thing.id: thing for thing in lifted}
