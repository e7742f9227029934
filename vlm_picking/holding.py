"""Whether a grasp would hold what was asked for: what stands between the jaws or under the cup, and whose that is.

A mask by geometry may have a part of something else, and a grasp at its edge may take hold of a neighbour. How likely
what a grasp would hold is the thing says a logistic model that `vlm_picking.bench.fit_holding` fits to simulated bins.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from vlm_picking.camera import PinholeCamera
from vlm_picking.colours import other_hues
from vlm_picking.detections import Detections
from vlm_picking.frame import RgbdFrame
from vlm_picking.grasp import GraspCandidate, GraspPlan, Gripper, GripperKind
from vlm_picking.overlooked import asked_colours
from vlm_picking.support import Support
from vlm_picking.verification import log_odds

WEIGHTS = {"in the mask": 9.695, "worth": 5.027, "seen": 0.412, "no other hue": 5.497}
"""Of each term of `holding_terms`, in its order, in log-odds that a grasp would hold what was asked for."""
BIAS = -18.043
MAY_BE_ANOTHER = "may hold something else"
WORTH_A_PICK = 0.8
"""How likely a grasp has to hold what was asked for."""
_LOWEST_M = 0.004  # what stands no higher above the floor is floor
_UNDER_CUP_M = 0.012
_BEYOND_TIPS_M, _ABOVE_TIPS_M = 0.004, 0.06
_AROUND_M = 0.02


def surely_held(
    frame: RgbdFrame,
    seen: Detections,
    named: np.ndarray,
    worth: np.ndarray,
    plan: GraspPlan,
    grippers: Sequence[Gripper],
    support: Support | None,
) -> GraspPlan:
    """The same plan by how likely each grasp holds, and holds what was asked for, without those that may well hold
    something else: to lift the wrong thing is worse than to lift nothing.

    Args:
        seen: N detections with masks.
        named: (N,) bool, which of them a model named; grasps on others are taken to be right.
        worth: (N, H, W), what each pixel is worth to each, as `separated` gives it.
        plan: for `grippers`.
    """
    row_of = {int(key): row for row, key in enumerate(seen.id) if named[row]}
    chance = np.ones(len(plan.candidates))
    mine = [place for place, grasp in enumerate(plan.candidates) if grasp.object_id in row_of]
    if not mine:
        return plan
    grasps = [plan.candidates[place] for place in mine]
    terms = holding_terms(frame, seen, worth, [row_of[g.object_id] for g in grasps], grasps, grippers, support)
    chance[mine] = 1 / (1 + np.exp(-(terms @ np.array(list(WEIGHTS.values())) + BIAS)))
    order = np.argsort([-grasp.quality * p for grasp, p in zip(plan.candidates, chance, strict=True)], kind="stable")
    kept = [plan.candidates[place] for place in order if chance[place] >= WORTH_A_PICK]
    rejected = dict(plan.rejected)
    if len(kept) < len(chance):
        rejected[MAY_BE_ANOTHER] = len(chance) - len(kept)
    return GraspPlan(tuple(replace(grasp, id=rank) for rank, grasp in enumerate(kept)), rejected)


def holding_terms(
    frame: RgbdFrame,
    seen: Detections,
    worth: np.ndarray,
    rows: Sequence[int],
    grasps: Sequence[GraspCandidate],
    grippers: Sequence[Gripper],
    support: Support | None,
) -> np.ndarray:
    """What speaks for each of M grasps holding its object, (M, len(WEIGHTS)).

    Of all that was measured between the jaws or under the cup: which share is in the object's mask, what those pixels
    are worth on average, the log-odds that the object is what was asked for, and which share has no other hue than was
    asked for.

    Args:
        rows: (M,) the places of their objects in `seen` and `worth`.
    """
    terms = np.zeros((len(grasps), len(WEIGHTS)))
    for term, row, (window, held) in zip(terms, rows, what_is_held(frame, grasps, grippers, support), strict=True):
        own = held & seen.mask[row][window]
        if own.any():
            term[0], term[1] = own.sum() / held.sum(), worth[row][window][own].mean()
        colours = asked_colours(str(seen.label[row]))
        term[2], term[3] = log_odds(seen.score[row]), 1 - other_hues(frame.rgb[window][held], colours)
    return terms


def what_is_held(
    frame: RgbdFrame, grasps: Sequence[GraspCandidate], grippers: Sequence[Gripper], support: Support | None
) -> Iterator[tuple[tuple[slice, slice], np.ndarray]]:
    """For each grasp a window of the image, and which of its pixels (h, w) show what stands between the jaws or under
    the cup.
    """
    by_name = {gripper.name: gripper for gripper in grippers}
    cloud = frame.camera.deproject_image(frame.depth_m)
    stands = np.isfinite(frame.depth_m)
    if support is not None:
        stands &= support.height_above(cloud) > _LOWEST_M
    for grasp in grasps:
        window = _window(frame.camera, grasp)
        yield window, stands[window] & _held(cloud[window], grasp, by_name[grasp.gripper])


def _window(camera: PinholeCamera, grasp: GraspCandidate) -> tuple[slice, slice]:
    """Rows and columns in which a grasp's jaws or cup may be seen."""
    position = grasp.camera_from_grasp.translation_m
    reach = _AROUND_M + grasp.opening_m / 2 + _ABOVE_TIPS_M / 2
    (u, v), near = camera.project(position), max(float(position[2]) - _ABOVE_TIPS_M, 0.05)
    across, down = camera.fx * reach / near, camera.fy * reach / near
    rows = slice(max(int(v - down), 0), max(int(v + down) + 1, 0))
    return rows, slice(max(int(u - across), 0), max(int(u + across) + 1, 0))


def _held(cloud: np.ndarray, grasp: GraspCandidate, gripper: Gripper) -> np.ndarray:
    """Which points (h, w, 3) [m, optical frame] lie between the jaws or under the cup, (h, w) bool."""
    grasp_from_camera = grasp.camera_from_grasp.inverse()
    x, y, z = np.moveaxis(cloud @ grasp_from_camera.rotation.T + grasp_from_camera.translation_m, -1, 0)
    if gripper.kind is GripperKind.SUCTION:
        return (np.hypot(x, y) < gripper.cup_radius_m) & (np.abs(z) < _UNDER_CUP_M)
    between = (np.abs(y) < grasp.opening_m / 2) & (np.abs(x) < gripper.finger_width_m / 2)
    return between & (z < _BEYOND_TIPS_M) & (z > -_ABOVE_TIPS_M)
