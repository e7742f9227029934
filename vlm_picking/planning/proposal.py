"""What the planners hand to the ranking: grasps as columns, before they are compared and written out."""

from collections import Counter
from dataclasses import dataclass, fields, replace

import numpy as np

from vlm_picking.compiled import compiled
from vlm_picking.grasp import Gripper

_OWNER_BITS, _ROW_BITS = 15, 20


@dataclass(frozen=True, eq=False, kw_only=True)
class Proposals:
    """N grasps of K objects by one gripper, in no order.

    Args:
        owner: (N,) which of the objects.
        position_m: (N, 3) TCP at contact [m, optical frame].
        approach: (N, 3) unit vectors, +z of the grasps.
        closing: (N, 3) unit vectors, +y of the grasps.
        quality: (N,) 0..1.
        opening_m, pregrasp_opening_m, insertion_m, clearance_m: (N,) as in GraspCandidate.
        terms: the parts of the quality, each (N,) 0..1.
    """

    gripper: Gripper
    owner: np.ndarray
    position_m: np.ndarray
    approach: np.ndarray
    closing: np.ndarray
    quality: np.ndarray
    opening_m: np.ndarray
    pregrasp_opening_m: np.ndarray
    insertion_m: np.ndarray
    clearance_m: np.ndarray
    terms: dict[str, np.ndarray]

    @classmethod
    def none(cls, gripper: Gripper) -> "Proposals":
        """No grasp."""
        vectors, numbers = np.zeros((0, 3)), np.zeros(0)
        return cls(
            gripper=gripper,
            owner=np.zeros(0, int),
            position_m=vectors,
            approach=vectors,
            closing=vectors,
            quality=numbers,
            opening_m=numbers,
            pregrasp_opening_m=numbers,
            insertion_m=numbers,
            clearance_m=numbers,
            terms={},
        )

    @classmethod
    def joined(cls, parts: list["Proposals"]) -> "Proposals":
        """The rows of all parts, which are for one gripper; those without a row are left out."""
        full = [part for part in parts if len(part)] or parts[:1]
        if len(full) == 1:
            return full[0]
        names = [f.name for f in fields(cls) if f.name not in ("gripper", "terms")]
        columns = {name: np.concatenate([getattr(part, name) for part in full]) for name in names}
        terms = {name: np.concatenate([part.terms[name] for part in full]) for name in full[0].terms}
        return replace(full[0], **columns, terms=terms)

    def __len__(self) -> int:
        return len(self.quality)

    def __getitem__(self, index: np.ndarray) -> "Proposals":
        """Pick rows by an index or a boolean array."""
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        arrays = {name: column[index] for name, column in columns.items() if isinstance(column, np.ndarray)}
        return replace(self, **arrays, terms={name: term[index] for name, term in self.terms.items()})


def reject_in_turn(checks: list[tuple[str, np.ndarray]], rejected: Counter) -> np.ndarray:
    """Apply checks (reason, (N,) bool: fails) in order; count each candidate under the first that it fails.

    Returns:
        (N,) bool, those that fail none.
    """
    alive = np.ones(len(checks[0][1]), bool)
    for reason, fails in checks:
        count = int(np.count_nonzero(alive & fails))
        if count:
            rejected[reason] += count
        alive &= ~fails
    return alive


def best_of_each(owner: np.ndarray, score: np.ndarray, limit: int) -> np.ndarray:
    """Rows (M,) of the `limit` best scores of every owner (0..32767); owners' rows lie together, best first."""
    if not len(owner):
        return np.zeros(0, np.intp)
    # Owner, score and row in one whole number each, since one plain sort is far quicker than sorts of indices.
    bits = np.ascontiguousarray(-score, np.float32).view(np.int32).astype(np.int64)
    bits = np.where(bits < 0, ~bits & 0xFFFFFFFF, bits | 0x80000000) >> 32 + _ROW_BITS + _OWNER_BITS - 63
    key = (owner.astype(np.int64) << 63 - _OWNER_BITS) | (bits << _ROW_BITS) | np.arange(len(owner))
    key.sort()
    owners = np.flatnonzero(np.bincount(owner))
    start = np.searchsorted(key, np.append(owners, owners[-1] + 1) << 63 - _OWNER_BITS)
    row = start[:-1, None] + np.arange(min(limit, len(key)))
    return key[row[row < start[1:, None]]] & (1 << _ROW_BITS) - 1


def spread_of_each(
    owner: np.ndarray, score: np.ndarray, *, position_m: np.ndarray, apart_m: float, limit: int
) -> np.ndarray:
    """Rows of at most `limit` of every owner: the best scores, one in each cube with sides `apart_m`."""
    cube = np.floor(position_m / apart_m).astype(np.int64)
    rows = _one_in_each(owner, cube, np.argsort(-score, kind="stable"), limit)
    return rows[np.argsort(owner[rows], kind="stable")]


@compiled
def _one_in_each(owner: np.ndarray, cube: np.ndarray, order: np.ndarray, limit: int) -> np.ndarray:
    """Rows (M,) in an order (N,), at most `limit` of each owner (N,), of which none shares its cube (N, 3) with one
    before it.
    """
    kept, count = np.empty(len(order), np.int64), 0
    for row in order:
        same, taken = 0, False
        for other in kept[:count]:
            if owner[other] == owner[row]:
                same += 1
                taken = taken or (
                    cube[other, 0] == cube[row, 0] and cube[other, 1] == cube[row, 1] and cube[other, 2] == cube[row, 2]
                )
        if same < limit and not taken:
            kept[count] = row
            count += 1
    return kept[:count]


def best_one_of_each(owner: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Row (M,) of the best score of every owner that occurs; owners are small whole numbers."""
    score = np.asarray(score, np.float64)  # a ufunc's `at` is slow on mixed types
    best = np.full(int(owner.max()) + 1, -np.inf)
    np.maximum.at(best, owner, score)
    rows = np.flatnonzero(score >= best[owner])
    return rows[np.unique(owner[rows], return_index=True)[1]]
