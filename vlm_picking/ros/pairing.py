"""Pairs colour and depth by their stamps, whatever clock these come from and wherever it jumps."""

from collections import deque
from dataclasses import dataclass
from typing import Any, Literal

Side = Literal["color", "depth"]
_KEPT = 8  # messages of a side that wait for their partner: a quarter of a second of 30 Hz


@dataclass(frozen=True)
class Arrival:
    """A message with its stamp [ns] and when it arrived [s, monotonic]."""

    message: Any
    stamp_ns: int
    arrived_s: float


@dataclass(frozen=True)
class Pair:
    """Colour and depth of one moment."""

    color: Arrival
    depth: Arrival

    @property
    def arrived_s(self) -> float:
        """When the earlier of both arrived [s, monotonic]: questions from before have a newer frame."""
        return min(self.color.arrived_s, self.depth.arrived_s)

    @property
    def skew_s(self) -> float:
        """Depth's stamp minus colour's [s]."""
        return (self.depth.stamp_ns - self.color.stamp_ns) * 1e-9


class StampPairing:
    """Matches each message with the nearest of the other side within a slop.

    Stamps are compared with each other only, and what waits is a short queue: a bag that starts over, or a
    clock that jumps, costs at most the messages that wait.

    Args:
        slop_s: largest difference of stamps [s].
    """

    def __init__(self, slop_s: float) -> None:
        self._slop_ns = round(slop_s * 1e9)
        self._waiting: dict[Side, deque[Arrival]] = {
            "color": deque(maxlen=_KEPT),
            "depth": deque(maxlen=_KEPT),
        }
        self.nearest_miss_s: float | None = None

    def add(self, side: Side, arrival: Arrival) -> Pair | None:
        """Take a message in; the pair that it completes, or None. What waited before the pair is dropped."""
        other: Side = "depth" if side == "color" else "color"
        candidates = self._waiting[other]
        if candidates:
            nearest = min(range(len(candidates)), key=lambda i: abs(candidates[i].stamp_ns - arrival.stamp_ns))
            partner = candidates[nearest]
            distance_ns = abs(partner.stamp_ns - arrival.stamp_ns)
            if distance_ns <= self._slop_ns:
                for _ in range(nearest + 1):
                    candidates.popleft()
                self._waiting[side].clear()
                self.nearest_miss_s = None
                color, depth = (arrival, partner) if side == "color" else (partner, arrival)
                return Pair(color=color, depth=depth)
            self.nearest_miss_s = distance_ns * 1e-9
        self._waiting[side].append(arrival)
        return None
