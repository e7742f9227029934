"""Plans grasps for all detections of a frame with all grippers at hand."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

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
_LIKELY, _POSSIBLE = 0.25, 0.08
_PROPOSERS = {GripperKind.SUCTION: propose_suction, GripperKind.PARALLEL_JAW: propose_jaw}


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
        likelihood: (N,) probabilities that the detections are what was asked for; None: they are.

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
            plans += _plan(frame, labels, names, indices[group], grippers, support, max_per_object, rejected)
    likelihood = np.ones(len(detections)) if likelihood is None else likelihood
    return _chosen(plans, detections, likelihood, frame, max_per_object, max_candidates, rejected)


def _plan(
    frame: RgbdFrame,
    labels: np.ndarray,
    names: np.ndarray,
    indices: np.ndarray,
    grippers: Sequence[Gripper],
    support: Support | None,
    max_per_object: int,
    rejected: Counter,
) -> list[tuple[Proposals, np.ndarray]]:
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
        proposals = diverse(checked, max_per_object)
        if len(checked) > len(proposals):
            rejected[REPEATED] += len(checked) - len(proposals)
        if len(proposals):
            plans.append((proposals, indices[proposals.owner]))
    return plans


def _chosen(
    plans: list[tuple[Proposals, np.ndarray]],
    detections: Detections,
    likelihood: np.ndarray,
    frame: RgbdFrame,
    max_per_object: int,
    max_candidates: int,
    rejected: Counter,
) -> GraspPlan:
    """Every gripper keeps its best for an object, and every object keeps its best; unlikely ones only for want
    of others.
    """
    per_object = []
    for owner in sorted({int(owner) for _, owners in plans for owner in np.unique(owners)}):
        mine = [(proposals, np.flatnonzero(owners == owner)) for proposals, owners in plans]
        pairs = share_out([proposals.quality[rows] for proposals, rows in mine], max_per_object)
        per_object.append([(mine[k][0], int(mine[k][1][row]), owner) for k, row in pairs])
    quality = {id(proposals): proposals.quality.tolist() for proposals, _ in plans}
    possible = [[entry for entry in group if quality[id(entry[0])][entry[1]] >= _POSSIBLE] for group in per_object]
    likely = [[entry for entry in group if quality[id(entry[0])][entry[1]] >= _LIKELY] for group in per_object]
    per_object = likely if any(likely) else possible
    expected = [np.array([quality[id(p)][row] * likelihood[owner] for p, row, owner in group]) for group in per_object]
    kept = [per_object[group][k] for group, k in share_out(expected, max_candidates)]
    left_out = sum(len(proposals) for proposals, _ in plans) - len(kept)
    if left_out:
        rejected[WORSE] += left_out
    owners = [owner for *_, owner in kept]
    candidates = write(
        [(proposals, row) for proposals, row, _ in kept], detections.id[owners], detections.label[owners], frame.camera
    )
    return GraspPlan(candidates, dict(rejected))
