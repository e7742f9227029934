"""From proposals of all objects and grippers to one list: best first, diverse, each with its reason."""

from collections.abc import Sequence

import numpy as np

from vlm_picking.camera import PinholeCamera
from vlm_picking.compiled import compiled
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
    order = np.argsort(-expected, kind="stable")
    # A cup's closing axis says nothing.
    alike = -1.0 if cup else float(np.cos(_SAME_ANGLE_RAD))
    return _unlike(proposals.owner, proposals.position_m, proposals.closing, order, apart, alike, limit)


@compiled
def _unlike(
    owner: np.ndarray, position_m: np.ndarray, closing: np.ndarray, order: np.ndarray, apart_m: float, alike: float,
    limit: int,
) -> np.ndarray:  # fmt: skip
    """Rows (M,) in order, at most `limit` of each owner, that do not repeat one before them.

    Args:
        owner: (N,); position_m, closing: (N, 3).
        order: (N,) rows, best first.
        apart_m: a repetition is nearer than this.
        alike: and its closing axis points the same way or the opposite one: the cosine between them is larger.
    """
    kept, count = np.empty(len(order), np.int64), 0
    for row in order:
        same, repeats = 0, False
        for other in kept[:count]:
            if owner[other] != owner[row]:
                continue
            same += 1
            away = turned = 0.0
            for k in range(3):
                away += (position_m[row, k] - position_m[other, k]) ** 2
                turned += closing[row, k] * closing[other, k]
            repeats = repeats or (away < apart_m * apart_m and abs(turned) > alike)
        if same < limit and not repeats:
            kept[count] = row
            count += 1
    return kept[:count]


def share_out(qualities: list[np.ndarray], limit: int) -> list[tuple[int, int]]:
    """At most `limit` pairs (group, row), best first: each group's best before any other, then whatever is best.

    Args:
        qualities: for each group its rows' qualities, best first.
    """
    columns = [column.tolist() for column in qualities]  # plain numbers are sorted faster
    entries = [(row > 0, -q, group, row) for group, column in enumerate(columns) for row, q in enumerate(column)]
    chosen = sorted(sorted(entries)[:limit], key=lambda entry: entry[1])
    return [(group, row) for _, _, group, row in chosen]


def write(
    chosen: Sequence[tuple[Proposals, int]], ids: Sequence[int], labels: Sequence[str], camera: PinholeCamera
) -> tuple[GraspCandidate, ...]:
    """Write rows as candidates, in their order; `ids` and `labels` are of each row's object."""
    if not chosen:
        return ()
    every = list({id(proposals): proposals for proposals, _ in chosen}.values())
    first = dict(zip(map(id, every), np.cumsum([0, *map(len, every)]).tolist(), strict=False))
    rows = [first[id(proposals)] + row for proposals, row in chosen]
    position, approach, closing = (
        np.concatenate([getattr(proposals, name) for proposals in every])[rows]
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
    digits = {key: np.round(np.column_stack([*p.terms.values()]), 3).tolist() for key, p in every.items()}
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
        pregrasp_opening_m=float(proposals.pregrasp_opening_m[row]),
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
