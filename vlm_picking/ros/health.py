"""Counts of what comes in and what becomes of it: for /diagnostics, and for the reason when nothing comes."""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

INPUTS = ("color", "depth", "color_info", "depth_info")
_LATENCIES = 200


@dataclass(frozen=True)
class HealthReport:
    """Health at one moment; counts since activation."""

    received: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(INPUTS, 0))
    pairs: int = 0
    dropped: int = 0
    processed: int = 0
    bad_frames: int = 0
    skew_s: float = float("nan")
    nearest_miss_s: float | None = None
    valid_depth_share: float = float("nan")
    last_error: str = ""
    last_frame_bad: bool = False
    last_pair_s: float = float("-inf")
    qos: tuple[str, ...] = ()
    latency_p50_s: float = float("nan")
    latency_p95_s: float = float("nan")


class Health:
    """Thread-safe counters; every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latencies_s: deque[float] = deque(maxlen=_LATENCIES)
        self._report = HealthReport()

    def reset(self) -> None:
        with self._lock:
            self._latencies_s.clear()
            self._report = replace(HealthReport(), qos=self._report.qos)

    def received(self, name: str) -> None:
        with self._lock:
            counts = dict(self._report.received)
            counts[name] += 1
            self._report = replace(self._report, received=counts)

    def missed(self, nearest_s: float | None) -> None:
        with self._lock:
            self._report = replace(self._report, nearest_miss_s=nearest_s)

    def paired(self, skew_s: float, now_s: float) -> None:
        with self._lock:
            self._report = replace(
                self._report,
                pairs=self._report.pairs + 1,
                skew_s=skew_s,
                nearest_miss_s=None,
                last_pair_s=now_s,
            )

    def dropped(self) -> None:
        with self._lock:
            self._report = replace(self._report, dropped=self._report.dropped + 1)

    def processed(self, *, latency_s: float, valid_depth_share: float) -> None:
        with self._lock:
            self._latencies_s.append(latency_s)
            self._report = replace(
                self._report,
                processed=self._report.processed + 1,
                valid_depth_share=valid_depth_share,
                last_frame_bad=False,
            )

    def failed(self, reason: str, *, bad_frame: bool = False) -> bool:
        """Note an error; True when it is another one than the last: then it is worth a line in the log."""
        with self._lock:
            is_new = reason != self._report.last_error or not self._report.last_frame_bad
            self._report = replace(
                self._report,
                last_error=reason,
                last_frame_bad=True,
                bad_frames=self._report.bad_frames + bad_frame,
            )
            return is_new

    def incompatible_qos(self, event: str) -> None:
        with self._lock:
            if event not in self._report.qos:
                self._report = replace(self._report, qos=(*self._report.qos, event))

    def report(self) -> HealthReport:
        with self._lock:
            if not self._latencies_s:
                return self._report
            p50, p95 = np.percentile(list(self._latencies_s), (50, 95))
            return replace(self._report, latency_p50_s=float(p50), latency_p95_s=float(p95))


def why_no_frame(
    before: HealthReport,
    now: HealthReport,
    *,
    topics: Mapping[str, str],
    publishers: Mapping[str, int],
    slop_s: float,
) -> str:
    """Say why no frame came between two reports.

    Args:
        topics: resolved topic names of "color", "depth" and "color_info".
        publishers: how many publishers each of them has.
    """
    color, depth = (now.received[name] - before.received[name] for name in ("color", "depth"))
    got = f"got {color} colour, {depth} depth, {now.pairs - before.pairs} pairs"
    silent = [name for name, count in (("color", color), ("depth", depth)) if not count]
    hints = []
    for name in silent:
        if publishers[name]:
            hints.append(f"{topics[name]} has a publisher, but nothing came: is the camera running, or the bag over?")
        else:
            hints.append(f"is {topics[name]} published? Nobody publishes it; remap it or start the camera")
    if not silent:
        miss = "" if now.nearest_miss_s is None else f" (nearest {now.nearest_miss_s * 1e3:.0f} ms apart)"
        slop = f"{slop_s * 1e3:.0f} ms"
        hints.append(f"colour and depth never pair within {slop}{miss}: raise sync_slop_s or synchronise them")
    return f"{got}; {'; '.join((*hints, *now.qos))}"
