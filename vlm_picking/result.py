"""What comes out: the answer to a question, with all that was seen and planned for one frame."""

from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from vlm_picking.detections import Detections
from vlm_picking.grasp import GraspCandidate
from vlm_picking.query import Query
from vlm_picking.transform import Transform


class Status(str, Enum):
    """FAILED means that nobody looked; it is never the same as ABSENT."""

    FAILED = "FAILED"
    ABSENT = "ABSENT"
    UNCERTAIN = "UNCERTAIN"
    PRESENT = "PRESENT"


@dataclass(frozen=True)
class Answer:
    """The answer to one question.

    Args:
        status: PRESENT, ABSENT, UNCERTAIN, or FAILED (could not look).
        confidence: probability 0..1 that the status is right; 0 for FAILED.
        text: a sentence for the operator.
        count: how many objects match, or None where that was not asked or is not known; where "how many?" is answered
            UNCERTAIN, how many may.
        reason: why, in one sentence; names the fix when FAILED.
    """

    status: Status
    confidence: float
    text: str
    count: int | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"confidence must lie in 0..1, got {self.confidence}")


@dataclass(frozen=True, eq=False)
class LiftedObject:
    """One detection in space.

    Args:
        id: the detection's id.
        points_m: (P, 3) float32 points of its visible surface [m, optical frame].
        camera_from_box: pose of its oriented box's centre; the box's z points out of the bin.
        size_m: (3,) sides of the box along its own axes [m].
        height_m: its topmost point above the bin's floor [m]; NaN where no floor was found.
    """

    id: int
    points_m: np.ndarray
    camera_from_box: Transform
    size_m: np.ndarray
    height_m: float

    @property
    def center_m(self) -> np.ndarray:
        """(3,) centre of the box [m, optical frame]."""
        return self.camera_from_box.translation_m


@dataclass(frozen=True, eq=False, kw_only=True)
class PickResult:
    """All that one run of the pipeline gives for one frame and one query.

    Args:
        query: what was asked; None when the sentence could not be read.
        prompt: the sentence itself.
        stamp_ns, frame_id: of the frame that was looked at.
        detections: what matches the query, best first.
        objects: the detections in space, in the same order; those without depth are left out.
        grasps: candidates, best first; only for PICK queries and standing prompts.
        rejected: how many candidates were thrown away for which reason.
        timings_ms: stage -> milliseconds.
        model: names of the models that looked, "geometry" where none was needed; of all of them where nobody could.
    """

    prompt: str
    query: Query | None
    answer: Answer
    stamp_ns: int
    frame_id: str
    detections: Detections
    objects: tuple[LiftedObject, ...] = ()
    grasps: tuple[GraspCandidate, ...] = ()
    rejected: dict[str, int] = field(default_factory=dict)
    timings_ms: dict[str, float] = field(default_factory=dict)
    model: str = ""
