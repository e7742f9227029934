"""From proposals of all objects and grippers to one list: best first, diverse, each with its reason."""

import cv2
import numpy as np

from vlm_picking.camera import PinholeCamera
from vlm_picking.depth import window_of
from vlm_picking.grasp import GraspCandidate, GripperKind
from vlm_picking.planning.proposal import Proposals
from vlm_picking.planning.scene import Scene
from vlm_picking.transform import Transform

_SAME_PLACE_M = 0.012
_SAME_ANGLE_RAD = 0.5
_COVERED_BY_M = 0.008


def lies_on_top(scene: Scene, mask: np.ndarray) -> float:
    """1 where nothing covers the object; less by the share of its outline at which something else lies higher, 0..1."""
    reach = 4
    window = window_of(mask, margin_px=reach)
    inner = mask[window].astype(np.uint8)
    height = np.where(inner > 0, scene.height[window], np.float32(-1e3))
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    ring = (cv2.dilate(inner, kernel) > 0) & (inner == 0) & scene.known[window]
    if not ring.any():
        return 1.0
    covered = ring & (scene.height[window] > cv2.dilate(height, kernel) + _COVERED_BY_M)
    return float(1.0 - covered.sum() / ring.sum())


def diverse(proposals: Proposals, limit: int) -> Proposals:
    """The best `limit` proposals, best first, leaving out those that nearly repeat a better one."""
    apart = _SAME_PLACE_M
    if proposals.gripper.kind is GripperKind.SUCTION:
        apart = max(apart, 1.2 * proposals.gripper.cup_radius_m)
    order = np.argsort(-proposals.quality, kind="stable")
    kept = []
    while len(order) and len(kept) < limit:
        best, order = order[0], order[1:]
        kept.append(best)
        near = np.linalg.norm(proposals.position_m[order] - proposals.position_m[best], axis=1) < apart
        # Closing axes point alike whichever finger is which; a cup has none.
        alike = np.abs(proposals.closing[order] @ proposals.closing[best]) > np.cos(_SAME_ANGLE_RAD)
        order = order[~(near & (alike | (proposals.gripper.kind is GripperKind.SUCTION)))]
    return proposals[np.array(kept, dtype=int)]


def share_out(qualities: list[np.ndarray], limit: int) -> list[tuple[int, int]]:
    """At most `limit` pairs (group, row), best first: each group's best before any other, then whatever is best.

    Args:
        qualities: for each group its rows' qualities, best first.
    """
    entries = [(row > 0, -q, group, row) for group, column in enumerate(qualities) for row, q in enumerate(column)]
    chosen = sorted(sorted(entries)[:limit], key=lambda entry: entry[1])
    return [(group, row) for _, _, group, row in chosen]


def candidate(
    proposals: Proposals, row: int, *, rank: int, object_id: int, label: str, camera: PinholeCamera
) -> GraspCandidate:
    """Write one row as a candidate."""
    approach, closing = proposals.approach[row], proposals.closing[row]
    position = proposals.position_m[row]
    u, v = camera.project(position)
    terms = {name: round(float(term[row]), 3) for name, term in proposals.terms.items()}
    return GraspCandidate(
        id=rank,
        object_id=object_id,
        label=label,
        gripper=proposals.gripper.name,
        kind=proposals.gripper.kind,
        camera_from_grasp=Transform(np.column_stack([np.cross(closing, approach), closing, approach]), position),
        quality=float(np.clip(proposals.quality[row], 0, 1)),
        center_px=(float(u), float(v)),
        opening_m=float(proposals.opening_m[row]),
        insertion_m=float(proposals.insertion_m[row]),
        clearance_m=float(proposals.clearance_m[row]),
        terms=terms,
        reason=_reason(proposals, row, terms),
    )


def _reason(proposals: Proposals, row: int, terms: dict[str, float]) -> str:
    weakest = min(terms, key=terms.get)
    if proposals.gripper.kind is GripperKind.SUCTION:
        what = f"{2000 * proposals.gripper.cup_radius_m:.0f} mm cup on a measured spot"
    else:
        opening, depth = 1000 * proposals.opening_m[row], 1000 * proposals.insertion_m[row]
        what = f"jaws {opening:.0f} mm apart, tips {depth:.0f} mm deep"
    return f"{what}; weakest: {weakest.replace('_', ' ')} {terms[weakest]:.2f}"
