"""The last moments of a stream, for questions about change."""

import threading
from collections import deque
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")


class History(Generic[ItemT]):
    """Keeps the last items of a stream, at least an interval apart; written and read from any thread.

    Args:
        limit: how many are kept, at least 1.
        interval_s: least time between two [s], by their stamps: neighbouring frames show no change.
    """

    def __init__(self, limit: int, *, interval_s: float) -> None:
        self._kept: deque[tuple[int, ItemT]] = deque(maxlen=limit)
        self._interval_ns = interval_s * 1e9
        self._lock = threading.Lock()

    def add(self, stamp_ns: int, item: ItemT) -> None:
        """Keep an item, unless it comes too soon after the last; a clock that jumped back starts anew."""
        with self._lock:
            if self._kept and stamp_ns < self._kept[-1][0]:
                self._kept.clear()
            if not self._kept or stamp_ns - self._kept[-1][0] >= max(self._interval_ns, 1):
                self._kept.append((stamp_ns, item))

    def before(self, stamp_ns: int) -> list[ItemT]:
        """What was kept from before a moment, oldest first."""
        with self._lock:
            return [item for stamp, item in self._kept if stamp < stamp_ns]

    def __len__(self) -> int:
        return len(self._kept)
