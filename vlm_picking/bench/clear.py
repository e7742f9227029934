"""`bench clear`: "pick anything" until the bin is empty, or nothing more can be had."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from vlm_picking.bench.cells import Shot, ToolChanger, ask, clearing_seed, photograph_cell
from vlm_picking.bench.episodes import why_no_grasp
from vlm_picking.bench.metrics import share, wilson_interval
from vlm_picking.bench.pool import Job, in_order
from vlm_picking.bench.scenes import HEIGHT, WIDTH
from vlm_picking.config import PickingConfig
from vlm_picking.errors import ConfigError
from vlm_picking.grasp import GraspCandidate
from vlm_picking.gripper_files import load_gripper
from vlm_picking.models.suite import ModelSuite
from vlm_picking.pipeline import PickingPipeline
from vlm_picking.query import Query, QueryKind, Target
from vlm_picking.result import PickResult
from vlm_picking.sim.oracle import OracleDetector
from vlm_picking.sim.scene import make_scene
from vlm_picking.sim.view import random_view
from vlm_picking.transform import Transform

GEOMETRY, ORACLE_MASKS = "geometry", "oracle"
_EMPTY_LOOKS, _FAILURES_A_PLACE, _SAME_PLACE_M = 2, 3, 0.03
_AGAIN, _BY_ANOTHER = 0.2, 0.7
"""What a failed pick leaves of the success expected at its place, of the same gripper and of another one."""
_CHANGED_WITHIN_M, _NO_SEAL_WITHIN_M = 0.1, 0.06
_NO_SEAL = "no seal"
_MOST_PICKS = 4  # for each object: a bin whose things only roll to and fro ends, too
_ANYTHING = "object"


class AnythingOracle(OracleDetector):
    """An oracle that also knows the noun "object", which is whatever can be seen."""

    vocabulary = OracleDetector.vocabulary | {_ANYTHING}


@dataclass(frozen=True, eq=False, kw_only=True)
class FailedPick:
    """What is remembered of a pick that failed: where (3,) [m, world], by which gripper, and why."""

    place_m: np.ndarray
    gripper: str
    cause: str

    def is_near(self, place_m: np.ndarray, gripper: str) -> bool:
        """Whether a pick at a place would be the same again; where a cup found no seal, all round it."""
        no_seal = self.cause == _NO_SEAL and gripper == self.gripper
        within = _NO_SEAL_WITHIN_M if no_seal else _SAME_PLACE_M
        return float(np.linalg.norm(place_m - self.place_m)) < within

    def outlives(self, place_m: np.ndarray) -> bool:
        """Whether it still counts when something was lifted at a place: what is near lies otherwise then, but lets
        as much air through as before.
        """
        return self.cause == _NO_SEAL or float(np.linalg.norm(place_m - self.place_m)) > _CHANGED_WITHIN_M


@dataclass(frozen=True, kw_only=True)
class ClearingPick:
    """A row of the table: one look at a bin and, where there was a grasp, one pick.

    Args:
        seed: of the scene.
        number: of the look.
        left: objects in the bin before it.
        gripper: "" where nothing was carried out.
        aimed: kind of the object that the grasp is on; "-" for a distractor.
        held: kinds of what was taken out.
        result: "success", a cause of `Outcome`, or why there was no grasp.
        collided, quality, planning_ms: as for `Attempt`.
    """

    seed: int
    number: int
    left: int
    gripper: str
    aimed: str
    held: tuple[str, ...]
    result: str
    collided: str = ""
    quality: float = 0.0
    planning_ms: float = float("nan")


@dataclass(frozen=True, kw_only=True)
class Clearing:
    """What came of one bin: how many objects lay in it, were taken out, and fell beside it; kinds that are left."""

    seed: int
    objects: int
    cleared: int
    lost: int
    left: tuple[str, ...]
    picks: tuple[ClearingPick, ...]


def run_clear(job: Job, *, scenes: int, seed: int, masks: str, workers: int) -> list[Clearing]:
    """Clear bins.

    Args:
        masks: "geometry" (what sticks out of the floor is cut apart by depth) or "oracle" (true masks; model oracle).

    Raises:
        ConfigError: no such seed, gripper or number of workers, or true masks of a model that has none.
        ModelError: the model can't be loaded.
    """
    if masks not in (GEOMETRY, ORACLE_MASKS):
        raise ConfigError(f"unknown masks {masks!r}; they are {GEOMETRY} or {ORACLE_MASKS}")
    if masks == ORACLE_MASKS and job.model != "oracle":
        raise ConfigError(f"only the oracle has true masks; give --model oracle or --masks {GEOMETRY}")
    items = [(clearing_seed(seed, number), masks) for number in range(scenes)]
    return list(in_order(clear_bin, job, items, workers=workers, label="bins"))


def clear_bin(job: Job, item: tuple[int, str]) -> Clearing:
    """Clear one bin, given its seed and whose masks are used.

    A pick that failed lowers what is expected of the next ones at its place, most of all by the same gripper; after
    three of them it isn't tried there again. Failures count until something near them was lifted. It ends when two
    looks in a row give no grasp.
    """
    seed, masks = item
    grippers = tuple(load_gripper(name) for name in job.grippers)
    rng = np.random.default_rng((seed, 3))
    scene = make_scene(seed, held_out=True)
    tools = ToolChanger(scene, grippers, seed=seed)
    view = random_view(rng, scene.crate, width=WIDTH, height=HEIGHT)
    kinds = [thing.kind or "-" for thing in scene.objects]
    at_first = tools.cell.inside()
    cleared: set[int] = set()
    rows: list[ClearingPick] = []
    failed: list[FailedPick] = []
    empty = 0
    while tools.cell.inside() and empty < _EMPTY_LOOKS and len(rows) < _MOST_PICKS * len(at_first):
        shot = photograph_cell(scene, rng, view=view)
        result, planning_ms = _look(job, shot, grippers, masks)
        facts: dict[str, Any] = {"seed": seed, "number": len(rows), "left": len(tools.cell.inside())}
        facts["planning_ms"] = planning_ms
        grasp = _choose(result.grasps, shot.world_from_camera, failed)
        if grasp is None:
            why = "only failed places" if result.grasps else why_no_grasp(result)
            rows.append(ClearingPick(**facts, gripper="", aimed="", held=(), result=why))
            empty += 1
            continue
        empty = 0
        cell, aimed = tools.take(grasp.gripper), _aimed(shot, result, grasp)
        cell.wants(aimed)
        place = shot.world_from_camera @ grasp.camera_from_grasp
        outcome = cell.pick(place, pregrasp_opening_m=grasp.pregrasp_opening_m)
        cell.remove(outcome.held)
        cleared.update(outcome.held)
        if outcome.held:
            failed = [pick for pick in failed if pick.outlives(place.translation_m)]
        else:
            failed.append(FailedPick(place_m=place.translation_m, gripper=grasp.gripper, cause=outcome.cause))
        rows.append(
            ClearingPick(
                **facts,
                gripper=grasp.gripper,
                aimed="" if aimed is None else kinds[aimed],
                held=tuple(kinds[index] for index in outcome.held),
                result=outcome.cause or "success",
                collided=outcome.collided,
                quality=grasp.quality,
            )
        )
    inside = tools.cell.inside()
    return Clearing(
        seed=seed,
        objects=len(at_first),
        cleared=len(cleared),
        lost=len(set(at_first) - cleared - set(inside)),
        left=tuple(kinds[index] for index in inside),
        picks=tuple(rows),
    )


def _look(job: Job, shot: Shot, grippers: tuple, masks: str) -> tuple[PickResult, float]:
    """Ask for anything: of the geometry, or for what the oracle calls an object, with its true mask."""
    models = job.models() or ModelSuite.of(AnythingOracle(shot.truth))
    prompt = "pick anything"
    if masks == ORACLE_MASKS:
        prompt = Query(prompt, QueryKind.PICK, (Target(_ANYTHING),))
    pipeline = PickingPipeline(PickingConfig(grippers=job.grippers), models=models, grippers=grippers)
    return ask(pipeline, shot.frame, prompt)


def _choose(
    grasps: Sequence[GraspCandidate], world_from_camera: Transform, failed: Sequence[FailedPick]
) -> GraspCandidate | None:
    """The candidate of which most is expected after what has failed; None where each gripper failed thrice there."""
    best, most = None, 0.0
    for grasp in grasps:
        place = (world_from_camera @ grasp.camera_from_grasp).translation_m
        near = [pick for pick in failed if pick.is_near(place, grasp.gripper)]
        again = sum(pick.gripper == grasp.gripper for pick in near)
        expected = grasp.quality * _AGAIN**again * _BY_ANOTHER ** (len(near) - again)
        if again < _FAILURES_A_PLACE and expected > most:
            best, most = grasp, expected
    return best


def _aimed(shot: Shot, result: PickResult, grasp: GraspCandidate) -> int | None:
    """The index of the object that most of the grasp's mask shows; None for the bin."""
    mask = result.detections.mask[np.flatnonzero(result.detections.id == grasp.object_id)[0]]
    most = int(np.bincount(shot.truth.ids[mask], minlength=256).argmax())
    return most - 1 if most else None


def clear_figures(bins: Sequence[Clearing]) -> dict[str, object]:
    """The figures of docs/benchmarks.md, as one JSON object."""
    objects, cleared = sum(done.objects for done in bins), sum(done.cleared for done in bins)
    looks = [row for done in bins for row in done.picks]
    picks = [row for row in looks if row.gripper]
    took = [row.planning_ms for row in looks if np.isfinite(row.planning_ms)]
    return {
        "share_cleared": share(cleared, objects),
        "ci95": wilson_interval(cleared, objects),
        "picks_per_object": share(len(picks), cleared),
        "bins_emptied": share(sum(not done.left and not done.lost for done in bins), len(bins)),
        "success_rate": share(sum(row.result == "success" for row in picks), len(picks)),
        "collision_rate": share(sum(bool(row.collided) for row in picks), len(picks)),
        "objects": objects,
        "cleared": cleared,
        "lost": sum(done.lost for done in bins),
        "left": sum(len(done.left) for done in bins),
        "picks": len(picks),
        "looks_without_grasp": len(looks) - len(picks),
        "planning_ms_p50": median(took) if took else None,
        "failures": dict(Counter(row.result for row in looks if row.result != "success").most_common()),
        "left_kinds": dict(Counter(kind for done in bins for kind in done.left).most_common()),
    }


def clear_rows(bins: Sequence[Clearing]) -> list[dict[str, object]]:
    """A row a look at a bin."""
    return [vars(row) | {"held": " ".join(row.held)} for done in bins for row in done.picks]
