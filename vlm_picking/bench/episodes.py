"""One pick from a spoken prompt to the end of physics: scene, frame, pipeline, gripper.

The scenes are those of scenes.py (held-out shapes and tables) with seeds of their own. The prompt names one object that
is at least half visible and that its words fit alone ("pick the red mug"). The pipeline plans for the grippers that
there are; its first candidate is carried out (sim/cell.py), nothing is tried again. Success: at the end of lifting,
shaking and holding the asked object hangs in the gripper, and nothing else does.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from vlm_picking.bench.cells import FIRST_SEED, OTHER_SCENE, Shot, ToolChanger, ask, choose_target, photograph_cell
from vlm_picking.config import PickingConfig
from vlm_picking.errors import ConfigError
from vlm_picking.grasp import GraspCandidate, Gripper, GripperKind
from vlm_picking.gripper_files import load_gripper
from vlm_picking.models.suite import ModelSuite
from vlm_picking.pipeline import PickingPipeline
from vlm_picking.result import PickResult, Status
from vlm_picking.transform import Transform

__all__ = ["FIRST_SEED", "Attempt", "Episode", "random_grasp", "run_episode"]

SUCCESS, WRONG_OBJECT = "success", "wrong object"
COULD_NOT_LOOK, NOT_SEEN, NO_GRASP = "could not look", "not seen", "no grasp"
_TRIES = 20


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A row of the table.

    Args:
        seed: of the episode.
        scene_seed: of the scene; another where the first had nothing that could be asked for.
        prompt: what was asked.
        kind: of the asked object.
        control: whether the grasp was a random one.
        gripper: that carried the grasp out; "" where there was none to carry out.
        result: "success", "wrong object", a cause of `Outcome`, or "could not look", "not seen" or "no grasp".
        collided: "bin", "neighbour" or "".
        quality: of the candidate.
        planning_ms: CPU time of the planner alone; NaN where it had nothing to plan for.
        reason: of the candidate, or of the answer where there was none.
        seal: of a cup, as physics found it.
        has_seal: whether any of the cups seals on the object and holds 1.5 times its load at rest; None where not all
            grippers are cups.
        seal_holds: whether moreover one of the spots where it seals held the object when it was tried in physics.
        visible: share of the asked object that was seen.
        held: kinds of what hung in the gripper at the end; "-" for a distractor.
        brought: whether the asked object was among it.
        terms: of the candidate.
        rejected: why candidates were thrown away.
    """

    seed: int
    scene_seed: int
    prompt: str
    kind: str
    control: bool
    gripper: str
    result: str
    collided: str = ""
    quality: float = 0.0
    planning_ms: float = float("nan")
    reason: str = ""
    seal: float = 0.0
    has_seal: bool | None = None
    seal_holds: bool | None = None
    visible: float = 0.0
    held: tuple[str, ...] = ()
    brought: bool = False
    terms: dict[str, float] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)


class Episode:
    """A cell, its picture and what is asked for; `planned` and `control` each begin in the same state.

    Args:
        seed: of the episode.
        gripper_names: the grippers that may be used, names or files.

    Raises:
        ConfigError: a gripper can't be loaded, or 20 scenes had nothing that can be asked for.
    """

    def __init__(self, seed: int, gripper_names: tuple[str, ...]) -> None:
        from vlm_picking.sim.scene import make_scene

        self.seed = seed
        self.grippers = tuple(load_gripper(name) for name in gripper_names)
        self._names = gripper_names
        self._rng = np.random.default_rng((seed, 3))
        for attempt in range(_TRIES):
            scene = make_scene(seed + attempt * OTHER_SCENE, held_out=True)
            self._tools = ToolChanger(scene, self.grippers, seed=seed)
            self.shot: Shot = photograph_cell(scene, self._rng)
            chosen = choose_target(self.shot.truth, self._rng)
            if chosen is not None:
                break
        else:
            raise ConfigError(f"no scene of seed {seed} has an object that can be asked for; take another seed")
        self.item, words = chosen
        self.prompt = f"pick the {words}"
        self._facts = {
            "seed": seed,
            "scene_seed": scene.seed,
            "prompt": self.prompt,
            "kind": self.item.kind,
            "visible": self.item.visible,
            **self._seals(),
        }
        self._random_grasp = random_grasp(self.shot, self.item, self.grippers, self._rng)
        self.result: PickResult | None = None

    def planned(self, models: ModelSuite | None, on_step: Callable | None = None, *, rank: int = 0) -> Attempt:
        """The pipeline's first candidate, carried out.

        Args:
            models: who is asked; None for the oracle.
            on_step: called with the cell every 10 ms, to film.
            rank: another candidate than the first; the last one where there are fewer.
        """
        config = PickingConfig(grippers=self._names)
        if models is None:
            from vlm_picking.sim.oracle import OracleDetector

            models = ModelSuite.of(OracleDetector(self.shot.truth))
        pipeline = PickingPipeline(config, models=models, grippers=self.grippers)
        self.result, planning_ms = ask(pipeline, self.shot.frame, self.prompt)
        result = self.result
        facts: dict[str, Any] = {"planning_ms": planning_ms, "rejected": dict(result.rejected)}
        if not result.grasps:
            reason = result.answer.reason or result.answer.text
            said = why_no_grasp(result)
            return Attempt(**self._facts, **facts, control=False, gripper="", result=said, reason=reason)
        grasp = result.grasps[min(rank, len(result.grasps) - 1)]
        facts |= {"quality": grasp.quality, "terms": dict(grasp.terms), "reason": grasp.reason}
        return Attempt(**self._facts, **facts, control=False, **self._carried_out(grasp, on_step))

    def control(self, on_step: Callable | None = None) -> Attempt:
        """A random grasp on the asked object, carried out."""
        return Attempt(**self._facts, control=True, **self._carried_out(self._random_grasp, on_step))

    def _carried_out(self, grasp: GraspCandidate, on_step: Callable | None) -> dict[str, Any]:
        cell = self._mounted(grasp.gripper)
        wanted = self.item.id - 1
        cell.wants(wanted)
        place = self.shot.world_from_camera @ grasp.camera_from_grasp
        outcome = cell.pick(place, pregrasp_opening_m=grasp.pregrasp_opening_m, on_step=on_step)
        result = SUCCESS if outcome.held == (wanted,) else WRONG_OBJECT if outcome.held else outcome.cause
        return {
            "gripper": grasp.gripper,
            "result": result,
            "collided": outcome.collided,
            "seal": outcome.seal,
            "held": tuple(cell.scene.objects[index].kind or "-" for index in outcome.held),
            "brought": wanted in outcome.held,
        }

    def _seals(self) -> dict[str, bool]:
        from vlm_picking.sim.sealable import has_seal, seal_holds, sealing_spots

        if any(gripper.kind is not GripperKind.SUCTION for gripper in self.grippers):
            return {}  # where jaws can help out, what cups can hold alone judges nobody
        index, rng, shot = self.item.id - 1, np.random.default_rng((self.seed, 4)), self.shot
        view = {"camera": shot.frame.camera, "world_from_camera": shot.world_from_camera}
        seen = shot.truth.ids == self.item.id
        cell = self._tools.cell
        spots = {cup.name: sealing_spots(cell, index, seen, **view, gripper=cup, rng=rng) for cup in self.grippers}
        seals = [name for name, found in spots.items() if has_seal(found)]
        holds = any(seal_holds(partial(self._mounted, name), index, spots[name]) for name in seals)
        self._tools.restart()
        return {"has_seal": bool(seals), "seal_holds": holds}

    def _mounted(self, gripper: str):
        """The cell with a gripper, as everything was before the first pick."""
        self._tools.restart()
        return self._tools.take(gripper)


def run_episode(
    seed: int,
    gripper_names: tuple[str, ...],
    models: ModelSuite | None,
    *,
    control: bool = False,
    on_step: Callable | None = None,
) -> Attempt:
    """One pick: `Episode.planned`, or `Episode.control`."""
    episode = Episode(seed, gripper_names)
    return episode.control(on_step) if control else episode.planned(models, on_step)


def why_no_grasp(result: PickResult) -> str:
    """What kept the pipeline from giving a candidate."""
    if result.answer.status is Status.FAILED:
        return COULD_NOT_LOOK
    return NO_GRASP if len(result.detections) else NOT_SEEN


def random_grasp(shot: Shot, item, grippers: tuple[Gripper, ...], rng: np.random.Generator) -> GraspCandidate:
    """The control: straight down onto a random seen spot of the asked object, a random turn and depth, jaws open."""
    gripper = grippers[int(rng.integers(len(grippers)))]
    rows, columns = np.nonzero((shot.truth.ids == item.id) & np.isfinite(shot.frame.depth_m))
    pick = int(rng.integers(len(rows)))
    v, u = int(rows[pick]), int(columns[pick])
    point = shot.frame.camera.deproject(np.array([u, v], float), np.array(shot.frame.depth_m[v, u]))
    down = shot.world_from_camera.rotation.T @ np.array([0.0, 0.0, -1.0])
    turn = rng.uniform(0, np.pi)
    across = np.cross(down, [np.cos(turn), np.sin(turn), 0.0])
    across /= np.linalg.norm(across)
    jaw = gripper.kind is GripperKind.PARALLEL_JAW
    insertion = float(rng.uniform(0.3, 1.0)) * gripper.insertion_depth_m if jaw else 0.0
    return GraspCandidate(
        id=0,
        object_id=item.id,
        label=str(item.kind),
        gripper=gripper.name,
        kind=gripper.kind,
        camera_from_grasp=Transform(
            np.column_stack([np.cross(across, down), across, down]), np.asarray(point).ravel() + insertion * down
        ),
        quality=0.0,
        center_px=(float(u), float(v)),
        opening_m=gripper.max_opening_m,
        pregrasp_opening_m=gripper.max_opening_m,
        insertion_m=insertion,
    )
