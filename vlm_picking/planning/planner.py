"""Plans grasps for all detections of a frame with all grippers at hand."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vlm_picking.detections import Detections
from vlm_picking.frame import RgbdFrame
from vlm_picking.grasp import GraspPlan, Gripper, GripperKind
from vlm_picking.planning.parallel_jaw import propose_jaw
from vlm_picking.planning.proposal import Proposals
from vlm_picking.planning.ranking import candidate, diverse, lies_on_top, share_out
from vlm_picking.planning.scene import build_scene
from vlm_picking.planning.suction import propose_suction
from vlm_picking.support import Support

_PROPOSERS = {GripperKind.SUCTION: propose_suction, GripperKind.PARALLEL_JAW: propose_jaw}


def plan_grasps(
    frame: RgbdFrame,
    detections: Detections,
    grippers: Sequence[Gripper],
    *,
    support: Support | None = None,
    max_per_object: int = 5,
    max_candidates: int = 50,
) -> GraspPlan:
    """Plan grasps on each detection's mask, best first over all objects and grippers.

    `quality` estimates success from geometry and may be compared between objects and grippers; what is covered by
    another object ranks lower. Nothing is proposed whose contact was not measured. Where objects compete for
    `max_candidates`, every object keeps its best before any keeps a second.

    Args:
        detections: with masks (see segmentation.masks_from_boxes).
        support: the bin's floor; without it the approach is the optical axis, and the farthest reading stands for
            the floor.

    Returns:
        Candidates, and how many were thrown away for which reason. An object without mask or depth is such a
        reason, no error.
    """
    rejected: Counter = Counter()
    if not len(detections):
        return GraspPlan()
    masks = detections.mask
    if masks is None:
        return GraspPlan((), {"no mask": len(detections)})
    scene = build_scene(frame, support, masks.any(axis=0))
    plans, owners = [], []
    for i, mask in enumerate(masks):
        if not mask.any():
            rejected["empty mask"] += 1
        elif scene is None or not (mask & scene.known).any():
            rejected["no depth on the object"] += 1
        else:
            on_top = lies_on_top(scene, mask)
            for gripper in grippers:
                proposals = _PROPOSERS[gripper.kind](scene, mask, gripper)
                rejected.update(proposals.rejected)
                plans.append(_in_the_pile(diverse(proposals, max_per_object), on_top))
                owners.append(i)
    chosen = _choose(plans, owners, max_per_object, max_candidates)
    left_out = sum(len(plan) for plan in plans) - len(chosen)
    if left_out:
        rejected["worse than those kept"] += left_out
    candidates = tuple(
        candidate(
            plans[p],
            row,
            rank=rank,
            object_id=int(detections.id[owners[p]]),
            label=str(detections.label[owners[p]]),
            camera=frame.camera,
        )
        for rank, (p, row) in enumerate(chosen)
    )
    return GraspPlan(candidates, dict(rejected))


def _in_the_pile(proposals: Proposals, on_top: float) -> Proposals:
    """Mark the grasps of an object that others cover down."""
    return replace(
        proposals,
        quality=proposals.quality * (0.25 + 0.75 * on_top),
        terms=proposals.terms | {"on_top": np.full(len(proposals), on_top)},
    )


def _choose(
    plans: list[Proposals], owners: list[int], max_per_object: int, max_candidates: int
) -> list[tuple[int, int]]:
    """Pairs (plan, row), best first: every gripper keeps its best for an object, and every object keeps its best."""
    per_object = []
    for owner in sorted(set(owners)):
        mine = [p for p, o in enumerate(owners) if o == owner]
        rows = share_out([plans[p].quality for p in mine], max_per_object)
        per_object.append([(mine[k], row) for k, row in rows])
    qualities = [np.array([plans[p].quality[row] for p, row in pairs]) for pairs in per_object]
    return [per_object[group][k] for group, k in share_out(qualities, max_candidates)]
