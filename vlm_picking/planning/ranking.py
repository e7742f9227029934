"""From proposals of all objects and grippers to one list: best first, diverse, each with its reason."""

from collections.abc import Sequence

import numpy as np

from vlm_picking.camera import PinholeCamera
from vlm_picking.grasp import GraspCandidate, GripperKind
from vlm_picking.planning.proposal import Proposals
from vlm_picking.transform import Transform

_SAME_PLACE_M = 0.01
_SAME_ANGLE_RAD = 0.5
_SAME_CUP = 0.7  # of its radius


def diverse(proposals: Proposals, expected: np.ndarray, limit: int) -> np.ndarray:
    """Rows of the best `limit` proposals of each object, leaving out those that nearly repeat a better one; best first.

    Args:
        expected: (N,) what orders them.
    """
    if not len(proposals):
        return np.zeros(0, np.intp)
    cup = proposals.gripper.kind is GripperKind.SUCTION
    apart = max(_SAME_PLACE_M, _SAME_CUP * proposals.gripper.cup_radius_m) if cup else _SAME_PLACE_M
    rows = np.argsort(-expected, kind="stable")
    kept, best, position = [], np.zeros(int(proposals.owner.max()) + 1, np.intp), proposals.position_m
    for _ in range(limit):
        if not len(rows):
            break
        owner = proposals.owner[rows]
        best[owner[::-1]] = rows[::-1]  # the first of each object is written last
        leader = best[owner]
        kept.append(rows[rows == leader])
        away = position[rows] - position[leader]
        repeats = np.einsum("nk,nk->n", away, away) < apart * apart
        if not cup:
            # Closing axes point alike whichever finger is which; a cup has none.
            turned = np.abs(np.einsum("nk,nk->n", proposals.closing[rows], proposals.closing[leader]))
            repeats &= turned > np.cos(_SAME_ANGLE_RAD)
        repeats |= rows == leader
        rows = rows[~repeats]
    chosen = np.concatenate(kept)
    return chosen[np.argsort(-expected[chosen], kind="stable")]


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
    position, approach, closing = (
        np.array([getattr(proposals, name)[row] for proposals, row in chosen], np.float64)
        for name in ("position_m", "approach", "closing")
    )
    centers = camera.project(position).tolist()
    poses = Transform.each(np.stack([np.cross(closing, approach), closing, approach], axis=2), position)
    terms = _written_terms(chosen)
    return tuple(
        _candidate(proposals, row, terms[rank], rank, int(ids[rank]), str(labels[rank]), tuple(centers[rank]), pose)
        for rank, ((proposals, row), pose) in enumerate(zip(chosen, poses, strict=True))
    )


def _written_terms(chosen: Sequence[tuple[Proposals, int]]) -> list[dict[str, float]]:
    """Each row's terms, with three digits."""
    every = {id(proposals): proposals for proposals, _ in chosen}
    digits = {key: np.round(np.stack([*p.terms.values()], axis=1), 3).tolist() for key, p in every.items()}
    return [dict(zip(p.terms, digits[id(p)][row], strict=True)) for p, row in chosen]


def _candidate(
    proposals: Proposals,
    row: int,
    terms: dict[str, float],
    rank: int,
    object_id: int,
    label: str,
    center: tuple[float, float],
    pose: Transform,
) -> GraspCandidate:
    return GraspCandidate(
        id=rank,
        object_id=object_id,
        label=label,
        gripper=proposals.gripper.name,
        kind=proposals.gripper.kind,
        camera_from_grasp=pose,
        quality=min(max(float(proposals.quality[row]), 0.0), 1.0),
        center_px=center,
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
