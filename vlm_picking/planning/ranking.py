"""From proposals of all objects and grippers to one list: best first, diverse, each with its reason."""

from collections.abc import Sequence

import numpy as np

from vlm_picking.camera import PinholeCamera
from vlm_picking.grasp import GraspCandidate, GripperKind
from vlm_picking.planning.proposal import Proposals
from vlm_picking.transform import Transform

_SAME_PLACE_M = 0.012
_SAME_ANGLE_RAD = 0.5


def diverse(proposals: Proposals, limit: int) -> Proposals:
    """The best `limit` proposals of each object, leaving out those that nearly repeat a better one; best first."""
    if not len(proposals):
        return proposals
    cup = proposals.gripper.kind is GripperKind.SUCTION
    apart = max(_SAME_PLACE_M, proposals.gripper.cup_radius_m) if cup else _SAME_PLACE_M
    rows = np.argsort(-proposals.quality, kind="stable")
    kept = []
    for _ in range(limit):
        if not len(rows):
            break
        owner = proposals.owner[rows]
        _, first, group = np.unique(owner, return_index=True, return_inverse=True)
        best = rows[first]
        kept.append(best)
        leader = best[group]
        repeats = np.linalg.norm(proposals.position_m[rows] - proposals.position_m[leader], axis=1) < apart
        if not cup:
            # Closing axes point alike whichever finger is which; a cup has none.
            turned = np.abs((proposals.closing[rows] * proposals.closing[leader]).sum(axis=1))
            repeats &= turned > np.cos(_SAME_ANGLE_RAD)
        repeats |= rows == leader
        rows = rows[~repeats]
    chosen = np.concatenate(kept)
    return proposals[chosen[np.argsort(-proposals.quality[chosen], kind="stable")]]


def share_out(qualities: list[np.ndarray], limit: int) -> list[tuple[int, int]]:
    """At most `limit` pairs (group, row), best first: each group's best before any other, then whatever is best.

    Args:
        qualities: for each group its rows' qualities, best first.
    """
    entries = [(row > 0, -q, group, row) for group, column in enumerate(qualities) for row, q in enumerate(column)]
    chosen = sorted(sorted(entries)[:limit], key=lambda entry: entry[1])
    return [(group, row) for _, _, group, row in chosen]


def write(
    chosen: Sequence[tuple[Proposals, int]], ids: Sequence[int], labels: Sequence[str], camera: PinholeCamera
) -> tuple[GraspCandidate, ...]:
    """Write rows as candidates, in their order; `ids` and `labels` are of each row's object."""
    if not chosen:
        return ()
    centers = camera.project(np.array([proposals.position_m[row] for proposals, row in chosen]))
    return tuple(
        _candidate(proposals, row, rank, int(ids[rank]), str(labels[rank]), centers[rank])
        for rank, (proposals, row) in enumerate(chosen)
    )


def _candidate(
    proposals: Proposals, row: int, rank: int, object_id: int, label: str, center: np.ndarray
) -> GraspCandidate:
    approach, closing = proposals.approach[row], proposals.closing[row]
    (ax, ay, az), (cx, cy, cz) = approach.tolist(), closing.tolist()
    x_axis = (cy * az - cz * ay, cz * ax - cx * az, cx * ay - cy * ax)
    terms = {name: round(float(term[row]), 3) for name, term in proposals.terms.items()}
    return GraspCandidate(
        id=rank,
        object_id=object_id,
        label=label,
        gripper=proposals.gripper.name,
        kind=proposals.gripper.kind,
        camera_from_grasp=Transform(
            np.array([x_axis, (cx, cy, cz), (ax, ay, az)], np.float64).T, proposals.position_m[row]
        ),
        quality=min(max(float(proposals.quality[row]), 0.0), 1.0),
        center_px=(float(center[0]), float(center[1])),
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
