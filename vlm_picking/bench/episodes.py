"""One pick from a spoken prompt to the end of physics: scene, frame, pipeline, gripper.

The scenes are those of scenes.py (held-out shapes and tables) with seeds of their own. The prompt names one object that is
at least half visible and that its words fit alone ("pick the red mug"). The pipeline plans for the gripper that is
mounted; its first candidate is carried out (sim/cell.py), nothing is tried again. Success: at the end of lifting, shaking
and holding the asked object hangs in the gripper, and nothing else does.
"""

import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from vlm_picking.bench.scenes import HEIGHT, LEAST_PIXELS, LEAST_VISIBLE, WIDTH
from vlm_picking.frame import RgbdFrame
from vlm_picking.grasp import GraspCandidate, Gripper, GripperKind
from vlm_picking.transform import Transform

FIRST_SEED, EPISODES_A_SEED = 3_000_000_000, 1_000_000
_TRIES = 20


@dataclass(frozen=True, eq=False, kw_only=True)
class Shot:
    """What a camera sees of a cell, with the truth.

    `world_from_camera` is the camera's pose; `truth` the objects that can be seen, with their masks' ids.
    """

    frame: RgbdFrame
    world_from_camera: Transform
    truth: Any


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A row of the table.

    Args:
        seed: of the scene.
        prompt: what was asked.
        kind: of the asked object.
        gripper: that carried the grasp out; "" without one.
        result: "success", "wrong object" or why not.
        collided: "bin", "neighbour" or "".
        quality: of the candidate.
        planning_ms: of the planner alone.
        rejected: why candidates were thrown away.
        reason: of the answer, where there was no grasp.
        seal: of a cup, as physics found it.
        visible: share of the asked object that was seen.
        terms: of the candidate.
    """

    seed: int
    prompt: str
    kind: str
    gripper: str
    result: str
    collided: str = ""
    quality: float = 0.0
    planning_ms: float = float("nan")
    reason: str = ""
    seal: float = 0.0
    visible: float = 0.0
    terms: dict[str, float] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)


@cache
def _graphics():
    from vlm_picking.sim.canvas import open_gl

    return open_gl()


def photograph_cell(scene, rng: np.random.Generator) -> Shot:
    """A frame of `scene` as a depth camera would give it: colour jitter, depth noise, holes, whole millimetres."""
    from vlm_picking.sim.render import SceneRenderer
    from vlm_picking.sim.sensor import add_depth_noise, depth_holes, photograph
    from vlm_picking.sim.truth import frame_truth
    from vlm_picking.sim.view import random_view

    with SceneRenderer(scene, gl=_graphics()) as renderer:
        rendered = renderer.render(random_view(rng, scene.crate, width=WIDTH, height=HEIGHT))
    rgb = photograph(rendered.rgb, rng)
    depth_m = add_depth_noise(rendered.depth_m, rng)
    holes = depth_holes(rendered.depth_m, rgb, rng)
    depth_m = np.where(holes, np.float32(np.nan), np.round(depth_m * 1e3) * np.float32(1e-3))
    frame = RgbdFrame(rgb, depth_m, rendered.camera, frame_id="camera", stamp_ns=1)
    return Shot(frame=frame, world_from_camera=rendered.world_from_camera, truth=frame_truth(scene, rendered))


def choose_target(truth, rng: np.random.Generator) -> tuple[Any, str] | None:
    """An object that is half visible and the only one that its words name, and those words."""
    pixels = np.bincount(truth.ids.ravel(), minlength=256)
    options = []
    for item in truth.objects:
        if item.kind is None or item.visible < LEAST_VISIBLE or pixels[item.id] < LEAST_PIXELS:
            continue
        alike = [other for other in truth.objects if other.kind == item.kind]
        if len(alike) == 1:
            options.append((item, item.kind))
        elif item.colour and sum(other.colour in (item.colour, None) for other in alike) == 1:
            options.append((item, f"{item.colour} {item.kind}"))
    return options[int(rng.integers(len(options)))] if options else None


def run_episode(seed: int, gripper_names: tuple[str, ...], subject, *, control: bool = False, on_step=None) -> Attempt:
    """One pick.

    Args:
        seed: of the scene.
        gripper_names: the grippers that may be used; the best candidate over all of them is carried out.
        subject: None for the oracle, else a detector.
        control: a random grasp on the asked object instead of a planned one.
        on_step: called with the cell every 10 ms, to film.
    """
    from vlm_picking.config import PickingConfig
    from vlm_picking.gripper_files import load_gripper
    from vlm_picking.models.suite import ModelSuite
    from vlm_picking.pipeline import PickingPipeline
    from vlm_picking.sim.cell import PickCell
    from vlm_picking.sim.oracle import OracleDetector
    from vlm_picking.sim.scene import make_scene

    grippers = tuple(load_gripper(name) for name in gripper_names)
    rng = np.random.default_rng((seed, 3))
    for attempt in range(_TRIES):
        scene = make_scene(seed + attempt * 10_000_000, held_out=True)
        cell = PickCell(scene, grippers[0], seed=seed)
        shot = photograph_cell(scene, rng)
        chosen = choose_target(shot.truth, rng)
        if chosen is not None:
            break
    else:
        raise RuntimeError(f"no scene near seed {seed} has an object that can be asked for")
    item, words = chosen
    prompt = f"pick the {words}"
    facts = {"seed": seed, "prompt": prompt, "kind": item.kind, "visible": item.visible}
    if control:
        grasp = random_grasp(shot, item, grippers, rng)
        planning_ms = float("nan")
    else:
        detector = OracleDetector(shot.truth) if subject is None else subject
        config = PickingConfig(grippers=gripper_names)
        pipeline = PickingPipeline(config, models=ModelSuite.of(detector), grippers=grippers)
        start = time.process_time()
        result = pipeline.run(shot.frame, prompt)
        planning_ms = result.timings_ms.get("plan", 1e3 * (time.process_time() - start))
        if not result.grasps:
            return Attempt(
                **facts,
                gripper="",
                result="no grasp",
                planning_ms=planning_ms,
                rejected=result.rejected,
                reason=result.answer.reason or result.answer.text,
            )
        grasp = result.grasps[0]
    gripper = next(g for g in grippers if g.name == grasp.gripper)
    if gripper is not grippers[0]:
        scene = make_scene(scene.seed, held_out=True)
        cell = PickCell(scene, gripper, seed=seed)
    index = item.id - 1
    cell.wants(index)
    outcome = cell.pick(shot.world_from_camera @ grasp.camera_from_grasp, opening_m=grasp.opening_m, on_step=on_step)
    if outcome.held == (index,):
        said = "success"
    elif outcome.held:
        said = "wrong object"
    else:
        said = outcome.cause
    return Attempt(
        **facts,
        gripper=gripper.name,
        result=said,
        collided=outcome.collided,
        quality=grasp.quality,
        planning_ms=planning_ms,
        seal=outcome.seal,
        terms=dict(grasp.terms),
        reason=grasp.reason,
    )


def random_grasp(shot: Shot, item, grippers: tuple[Gripper, ...], rng: np.random.Generator) -> GraspCandidate:
    """The control: straight down onto a random seen spot of the asked object, with a random turn and opening."""
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
        insertion_m=insertion,
    )
