"""Plans grasps for all detections of a frame with all grippers at hand."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vlm_picking.camera import PinholeCamera
from vlm_picking.detections import Detections
from vlm_picking.frame import RgbdFrame
from vlm_picking.grasp import GraspPlan, Gripper, GripperKind
from vlm_picking.planning.label_image import apart, extents
from vlm_picking.planning.parallel_jaw import propose_jaw
from vlm_picking.planning.proposal import Proposals
from vlm_picking.planning.ranking import diverse, share_out, write
from vlm_picking.planning.scene import build_scene
from vlm_picking.planning.suction import doubt_seals, propose_suction
from vlm_picking.support import Support

REPEATED, WORSE = "repeats a better one", "worse than those kept"
"""Reasons for which grasps were thrown away that passed every check."""
_LIKELY, _POSSIBLE = 0.25, 0.1
_PROPOSERS = {GripperKind.SUCTION: propose_suction, GripperKind.PARALLEL_JAW: propose_jaw}


@dataclass(frozen=True, eq=False)
class _Plan:
    """Proposals of one gripper.

    Args:
        owner: (N,) the places of their objects in the detections.
        expected: (N,) quality times likelihood, by which they are ordered.
    """

    proposals: Proposals
    owner: np.ndarray
    expected: np.ndarray


_Row = tuple[float, float, _Plan, int]
"""A proposal's expected success, its quality, and where it stands."""


def plan_grasps(
    frame: RgbdFrame,
    detections: Detections,
    grippers: Sequence[Gripper],
    *,
    support: Support | None = None,
    likelihood: np.ndarray | None = None,
    max_per_object: int = 5,
    max_candidates: int = 50,
) -> GraspPlan:
    """Plan grasps on each detection's mask, best first over all objects and grippers.

    `quality` is the expected success and may be compared between objects and grippers; what is covered by another
    object ranks lower. To lift the wrong thing is no success: the order is that of quality times `likelihood`.
    Nothing is proposed whose contact was not measured. Where objects compete for `max_candidates`, every object keeps
    its best before any keeps a second. What is unlikely to hold is left out, unless the frame offers nothing better.

    Args:
        detections: with masks (see segmentation.masks_from_boxes).
        support: the bin's floor; without it the approach is the optical axis, and the farthest reading stands for
            the floor.
        likelihood: (N,) probabilities that the detections are what was asked for, or (N, H, W) that their pixels show
            it; None: they are, and do.

    Returns:
        Candidates, and how many were thrown away for which reason. An object without mask or depth is such a
        reason, no error.
    """
    if not len(detections):
        return GraspPlan()
    if detections.mask is None:
        return GraspPlan((), {"no mask": len(detections)})
    rejected: Counter = Counter()
    boxes = extents(detections.mask)
    indices = np.flatnonzero(boxes[:, 1] > boxes[:, 0])
    if len(indices) < len(boxes):
        rejected["empty mask"] += len(boxes) - len(indices)
    plans = []
    if len(indices) and len(grippers):
        masks = detections.mask if len(indices) == len(boxes) else detections.mask[indices]
        for group, labels in apart(masks, boxes[indices]):
            names = detections.label[indices[group]]
            chance = None if likelihood is None else likelihood[indices[group]]
            plans += _plan(frame, labels, names, indices[group], grippers, support, chance, max_per_object, rejected)
    return _chosen(plans, detections, frame, max_per_object, max_candidates, rejected)


def _plan(
    frame: RgbdFrame,
    labels: np.ndarray,
    names: np.ndarray,
    indices: np.ndarray,
    grippers: Sequence[Gripper],
    support: Support | None,
    likelihood: np.ndarray | None,
    max_per_object: int,
    rejected: Counter,
) -> list[_Plan]:
    """For each gripper the proposals for objects that hardly overlap, and those objects' places in the detections."""
    scene = build_scene(frame, support, labels, len(indices))
    if scene is None:
        rejected["no depth on the object"] += len(indices)
        return []
    if not scene.readable.all():
        rejected["no depth on the object"] += int((~scene.readable).sum())
    plans = []
    for gripper in grippers:
        checked = _PROPOSERS[gripper.kind](scene, gripper, rejected)
        if gripper.kind is GripperKind.SUCTION:
            checked = doubt_seals(checked, names)
        expected = _expected(checked, likelihood, frame.camera)
        rows = diverse(checked, expected, max_per_object)
        if len(checked) > len(rows):
            rejected[REPEATED] += len(checked) - len(rows)
        if len(rows):
            plans.append(_Plan(checked[rows], indices[checked.owner[rows]], expected[rows]))
    return plans


def _expected(proposals: Proposals, likelihood: np.ndarray | None, camera: PinholeCamera) -> np.ndarray:
    """(N,) probability that what is lifted is held and what was asked for: quality times likelihood, of the pixel at
    the contact where there is one for each.
    """
    if likelihood is None or not len(proposals):
        return proposals.quality
    if likelihood.ndim == 1:
        return proposals.quality * likelihood[proposals.owner]
    contact = proposals.position_m - proposals.insertion_m[:, None] * proposals.approach
    u, v = np.round(camera.project(contact)).astype(int).T
    height, width = likelihood.shape[1:]
    return proposals.quality * likelihood[proposals.owner, np.clip(v, 0, height - 1), np.clip(u, 0, width - 1)]


def _chosen(
    plans: list[_Plan],
    detections: Detections,
    frame: RgbdFrame,
    max_per_object: int,
    max_candidates: int,
    rejected: Counter,
) -> GraspPlan:
    """Every gripper keeps its best for an object, and every object keeps its best; unlikely ones only for want
    of others.
    """
    # Plain numbers: there are few of each, and numpy takes many times as long for them.
    rows_of: dict[int, list[list[_Row]]] = {}
    for plan in plans:
        mine: dict[int, list[_Row]] = {}
        numbers = zip(plan.owner.tolist(), plan.expected.tolist(), plan.proposals.quality.tolist(), strict=True)
        for row, (owner, expected, quality) in enumerate(numbers):
            mine.setdefault(owner, []).append((expected, quality, plan, row))
        for owner, rows in mine.items():
            rows_of.setdefault(owner, []).append(rows)
    per_object = [share_out(rows_of[owner], max_per_object) for owner in sorted(rows_of)]
    possible = [[entry for entry in group if entry[1] >= _POSSIBLE] for group in per_object]
    likely = [[entry for entry in group if entry[1] >= _LIKELY] for group in per_object]
    kept = [entry[2:] for entry in share_out(likely if any(likely) else possible, max_candidates)]
    left_out = sum(len(plan.owner) for plan in plans) - len(kept)
    if left_out:
        rejected[WORSE] += left_out
    owners = [plan.owner[row] for plan, row in kept]
    candidates = write(
        [(plan.proposals, row) for plan, row in kept], detections.id[owners], detections.label[owners], frame.camera
    )
    return GraspPlan(candidates, dict(rejected))
