"""From proposals of all objects and grippers to one list: best first, diverse, each with its reason."""

from collections.abc import Sequence
from operator import itemgetter
from typing import TypeVar

import numpy as np

from vlm_picking.camera import PinholeCamera
from vlm_picking.compiled import compiled
from vlm_picking.grasp import GraspCandidate, Gripper, GripperKind
from vlm_picking.planning.proposal import Proposals
from vlm_picking.transform import Transform

_SAME_PLACE_M = 0.01
_SAME_ANGLE_RAD = 0.5
_SAME_CUP = 0.7  # of its radius
Entry = TypeVar("Entry", bound=tuple)
_NUMBERS = ("quality", "opening_m", "pregrasp_opening_m", "insertion_m", "clearance_m")


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


def share_out(groups: list[list[Entry]], limit: int) -> list[Entry]:
    """At most `limit` entries, best first: each group's best before any other, then whatever is best.

    Args:
        groups: entries, which begin with what orders them; the best first.
    """
    entries = [(row > 0, -entry[0], entry) for group in groups for row, entry in enumerate(group)]
    chosen = sorted(entries, key=itemgetter(0, 1))[:limit]
    return [entry for _, _, entry in sorted(chosen, key=itemgetter(1))]


def write(
    chosen: Sequence[tuple[Proposals, int]], ids: Sequence[int], labels: Sequence[str], camera: PinholeCamera
) -> tuple[GraspCandidate, ...]:
    """Write rows as candidates, in their order; `ids` and `labels` are of each row's object."""
    if not chosen:
        return ()
    every = list({id(proposals): proposals for proposals, _ in chosen}.values())
    first = dict(zip(map(id, every), np.cumsum([0, *map(len, every)]).tolist(), strict=False))
    rows = [first[id(proposals)] + row for proposals, row in chosen]
    position, approach, closing, *numbers = (
        np.concatenate([getattr(proposals, name) for proposals in every])[rows]
        for name in ("position_m", "approach", "closing", *_NUMBERS)
    )
    poses = Transform.each(np.stack([np.cross(closing, approach), closing, approach], axis=2), position)
    numbers[0] = np.clip(numbers[0], 0.0, 1.0)
    written = zip(ids, labels, camera.project(position).tolist(), poses, *(n.tolist() for n in numbers), strict=True)
    terms = _written_terms(chosen)
    candidates = []
    for rank, (object_id, label, center, pose, quality, opening, pregrasp, insertion, clearance) in enumerate(written):
        gripper, (named, weakest) = chosen[rank][0].gripper, terms[rank]
        candidates.append(
            GraspCandidate(
                id=rank,
                object_id=int(object_id),
                label=str(label),
                gripper=gripper.name,
                kind=gripper.kind,
                camera_from_grasp=pose,
                quality=quality,
                center_px=tuple(center),
                opening_m=opening,
                pregrasp_opening_m=pregrasp,
                insertion_m=insertion,
                clearance_m=clearance,
                terms=named,
                reason=_reason(gripper, opening, insertion, weakest, named[weakest]),
            )
        )
    return tuple(candidates)


def _written_terms(chosen: Sequence[tuple[Proposals, int]]) -> list[tuple[dict[str, float], str]]:
    """Each row's terms, with three digits, and the name of the weakest."""
    written: list[tuple[dict[str, float], str]] = [({}, "")] * len(chosen)
    ranks_of: dict[int, list[int]] = {}
    for rank, (proposals, _) in enumerate(chosen):
        ranks_of.setdefault(id(proposals), []).append(rank)
    for ranks in ranks_of.values():
        proposals, rows = chosen[ranks[0]][0], [chosen[rank][1] for rank in ranks]
        names = tuple(proposals.terms)
        digits = np.round(np.stack([term[rows] for term in proposals.terms.values()], axis=1), 3)
        for rank, values, weakest in zip(ranks, digits.tolist(), digits.argmin(axis=1).tolist(), strict=True):
            written[rank] = dict(zip(names, values, strict=True)), names[weakest]
    return written


def _reason(gripper: Gripper, opening_m: float, insertion_m: float, weakest: str, value: float) -> str:
    if gripper.kind is GripperKind.SUCTION:
        what = f"{2000 * gripper.cup_radius_m:.0f} mm cup on a measured spot"
    else:
        what = f"jaws {1000 * opening_m:.0f} mm apart, tips {1000 * insertion_m:.0f} mm deep"
    return f"{what}; weakest: {weakest.replace('_', ' ')} {value:.2f}"
