"""From frame to frame: ids that stay with their objects, and a belief in presence that does not flicker.

Time is that of the frames' stamps, so that a slow model, a dropped frame or a bag played fast change nothing.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from vlm_picking.detections import Detections, box_iou
from vlm_picking.result import Status

# Least DIoU of an object's boxes in two frames: an object may move by about its own side in between.
_LEAST_DIOU = -0.2
# Share of a step that was not foreseen by which a track's velocity is corrected.
_VELOCITY_GAIN = 0.5
# How far beyond both thresholds a belief grows [log-odds]: further, and it would take long to change its mind.
_BEYOND = 2.0
# How far back over its threshold a belief must go before its status changes [log-odds].
_HYSTERESIS = 0.5
# The most that one frame weighs against all before it, however long ago they were.
_MAX_WEIGHT = 0.4


@dataclass
class _Track:
    id: int
    xyxy: np.ndarray
    stamp_ns: int
    velocity_px_s: np.ndarray

    def foreseen(self, stamp_ns: int) -> np.ndarray:
        """The box (4,) at a moment, if it went on as before."""
        return self.xyxy + np.tile(self.velocity_px_s, 2) * (stamp_ns - self.stamp_ns) / 1e9

    def moved_to(self, xyxy: np.ndarray, stamp_ns: int) -> None:
        if stamp_ns > self.stamp_ns:
            missed = (xyxy - self.foreseen(stamp_ns)).reshape(2, 2).mean(axis=0)
            self.velocity_px_s = self.velocity_px_s + _VELOCITY_GAIN * missed / ((stamp_ns - self.stamp_ns) / 1e9)
        self.xyxy, self.stamp_ns = xyxy, stamp_ns


class Tracker:
    """Gives detections ids that stay with their objects; an id is never given twice.

    Boxes of one label are assigned to the tracks of that label at once (the sum of their DIoU, Zheng et al. 2020, is
    greatest), each track being where it was last seen or where it was heading, whichever fits better.

    Args:
        max_age_s: an object that was not seen for longer comes back as another one [s].
    """

    def __init__(self, *, max_age_s: float) -> None:
        self.max_age_s = max_age_s
        self._tracks: dict[str, list[_Track]] = {}
        self._stamp_ns: int | None = None
        self._next_id = 0

    def reset(self) -> None:
        """Forget all objects; new ones get new ids."""
        self._tracks, self._stamp_ns = {}, None

    def update(self, detections: Detections, stamp_ns: int) -> Detections:
        """The detections of a frame, in their order, with the ids of their objects.

        A stamp before the last one (a bag that loops) forgets all objects.
        """
        if self._stamp_ns is not None and stamp_ns < self._stamp_ns:
            self.reset()
        self._stamp_ns = stamp_ns
        oldest_ns = stamp_ns - self.max_age_s * 1e9
        self._tracks = {
            label: [track for track in tracks if track.stamp_ns >= oldest_ns] for label, tracks in self._tracks.items()
        }
        boxes = np.asarray(detections.xyxy, np.float64)
        ids = np.full(len(detections), -1, np.int64)
        for label, tracks in self._tracks.items():
            rows = np.flatnonzero(detections.label == label)
            for row, track in _assigned(boxes[rows], tracks, stamp_ns):
                ids[rows[row]] = track.id
                track.moved_to(boxes[rows[row]], stamp_ns)
        # Best first, then by place: the order that the detections came in does not matter.
        fresh = np.flatnonzero(ids < 0)
        for i in sorted(fresh, key=lambda i: (-detections.score[i], detections.label[i], *boxes[i])):
            ids[i] = self._next_id
            self._next_id += 1
            new = _Track(int(ids[i]), boxes[i], stamp_ns, np.zeros(2))
            self._tracks.setdefault(detections.label[i], []).append(new)
        return detections.replace(id=ids)


def _assigned(boxes: np.ndarray, tracks: list[_Track], stamp_ns: int) -> list[tuple[int, _Track]]:
    """Which row of boxes (N, 4) goes on which track."""
    if not len(boxes) or not tracks:
        return []
    last = np.stack([track.xyxy for track in tracks])
    foreseen = np.stack([track.foreseen(stamp_ns) for track in tracks])
    fit = np.maximum(diou(boxes, last), diou(boxes, foreseen)) - _LEAST_DIOU
    rows, columns = linear_sum_assignment(np.maximum(fit, 0.0), maximize=True)
    return [(row, tracks[column]) for row, column in zip(rows, columns, strict=True) if fit[row, column] >= 0]


def diou(a_xyxy: np.ndarray, b_xyxy: np.ndarray) -> np.ndarray:
    """Distance-IoU (N, M) of boxes (N, 4) and (M, 4): IoU less the squared distance of the centres over the squared
    diagonal of what encloses both; -1..1, and unlike IoU it tells near from far where boxes do not touch.
    """
    a, b = a_xyxy[:, None], b_xyxy[None]
    apart = (((a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2) ** 2).sum(axis=-1)
    diagonal = ((np.maximum(a[..., 2:], b[..., 2:]) - np.minimum(a[..., :2], b[..., :2])) ** 2).sum(axis=-1)
    return box_iou(a_xyxy, b_xyxy) - np.divide(apart, diagonal, out=np.zeros_like(apart), where=diagonal > 0)


@dataclass(frozen=True)
class Belief:
    """What the frames so far say together about one thing's presence."""

    log_odds: float
    status: Status
    stamp_ns: int

    @property
    def probability(self) -> float:
        return 1 / (1 + math.exp(-self.log_odds))


@dataclass(frozen=True, kw_only=True)
class Smoothing:
    """Exponential smoothing of a presence's log-odds, with hysteresis at the thresholds.

    Args:
        time_constant_s: after so long, a changed presence has gone 63 % of its way [s].
        restart_after_s: after a gap of more, the next frame stands for itself [s].
        present_threshold, absent_threshold: as in the pipeline's settings.
    """

    time_constant_s: float
    restart_after_s: float
    present_threshold: float
    absent_threshold: float

    def next(self, before: Belief | None, probability: float, stamp_ns: int) -> Belief:
        """The belief after one more frame; the first frame, and one after a gap or a jump back, stands for itself."""
        absent_at, present_at = self._bounds
        seen = min(max(_log_odds(probability), absent_at - _BEYOND), present_at + _BEYOND)
        passed_s = 0.0 if before is None else (stamp_ns - before.stamp_ns) / 1e9
        if before is None or not 0 <= passed_s <= self.restart_after_s:
            return Belief(seen, self._status(seen, None), stamp_ns)
        weight = min(1 - math.exp(-passed_s / self.time_constant_s), _MAX_WEIGHT)
        log_odds = before.log_odds + weight * (seen - before.log_odds)
        return Belief(log_odds, self._status(log_odds, before.status), stamp_ns)

    @property
    def _bounds(self) -> tuple[float, float]:
        """Below the first ABSENT, from the second on PRESENT [log-odds]."""
        # Thresholds of 0 and 1 can still be passed: they are nearer to the middle than probabilities of 0 and 1.
        return tuple(_log_odds(min(max(t, 1e-4), 1 - 1e-4)) for t in (self.absent_threshold, self.present_threshold))

    def _status(self, log_odds: float, before: Status | None) -> Status:
        absent_at, present_at = self._bounds
        if log_odds >= present_at - (_HYSTERESIS if before is Status.PRESENT else 0.0):
            return Status.PRESENT
        if log_odds < absent_at + (_HYSTERESIS if before is Status.ABSENT else 0.0):
            return Status.ABSENT
        return Status.UNCERTAIN


def _log_odds(probability: float) -> float:
    p = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))
