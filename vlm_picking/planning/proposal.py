"""What the planners hand to the ranking: grasps as columns, before they are compared and written out."""

from collections import Counter
from dataclasses import dataclass, field, fields, replace

import numpy as np

from vlm_picking.grasp import Gripper

LEAST_MEASURED = 0.6
"""Share of a contact's surroundings that must have been measured; the rest may be filled in."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Proposals:
    """N grasps of one object by one gripper, in no order, and why others were thrown away.

    Args:
        position_m: (N, 3) TCP at contact [m, optical frame].
        approach: (N, 3) unit vectors, +z of the grasps.
        closing: (N, 3) unit vectors, +y of the grasps.
        quality: (N,) 0..1.
        opening_m, insertion_m, clearance_m: (N,) as in GraspCandidate.
        terms: the parts of the quality, each (N,) 0..1.
        rejected: reason -> how many.
    """

    gripper: Gripper
    position_m: np.ndarray
    approach: np.ndarray
    closing: np.ndarray
    quality: np.ndarray
    opening_m: np.ndarray
    insertion_m: np.ndarray
    clearance_m: np.ndarray
    terms: dict[str, np.ndarray]
    rejected: Counter = field(default_factory=Counter)

    @classmethod
    def none(cls, gripper: Gripper, rejected: Counter) -> "Proposals":
        """No grasp, and why."""
        vectors, numbers = np.zeros((0, 3)), np.zeros(0)
        return cls(
            gripper=gripper,
            position_m=vectors,
            approach=vectors,
            closing=vectors,
            quality=numbers,
            opening_m=numbers,
            insertion_m=numbers,
            clearance_m=numbers,
            terms={},
            rejected=rejected,
        )

    def __len__(self) -> int:
        return len(self.quality)

    def __getitem__(self, index: np.ndarray) -> "Proposals":
        """Pick rows by an index or a boolean array."""
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        arrays = {name: column[index] for name, column in columns.items() if isinstance(column, np.ndarray)}
        return replace(self, **arrays, terms={name: term[index] for name, term in self.terms.items()})


def combine(terms: dict[str, np.ndarray], weights: dict[str, float]) -> np.ndarray:
    """Weighted geometric mean (N,) of terms (N,) in 0..1: one bad term can't be bought back by the others."""
    logs = sum(weight * np.log(np.clip(terms[name], 0.02, 1.0)) for name, weight in weights.items())
    return np.exp(logs / sum(weights.values()))


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
