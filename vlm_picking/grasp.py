"""Grippers and grasp candidates."""

from dataclasses import dataclass, field
from enum import Enum

from vlm_picking.errors import ConfigError
from vlm_picking.transform import Transform


class GripperKind(str, Enum):
    SUCTION = "suction"
    PARALLEL_JAW = "parallel_jaw"


@dataclass(frozen=True, kw_only=True)
class Gripper:
    """What a gripper can do. The TCP is the cup's rim centre, or the middle between the finger tips.

    Args:
        name: its id in messages.
        kind: suction cup or parallel jaw.
        cup_radius_m: suction: outer radius of the cup.
        lip_follow_ratio: suction: how far the lip follows a surface that is not flat, in radii of the cup.
        tube_radius_m: suction: radius of what is above the cup.
        vacuum_pa: suction: what the ejector holds on a tight surface, below the air's pressure; the simulated cup holds
            that. Makers state the forces of cups at 60 kPa.
        swivel_rad: suction: how far a neck of rubber, or a ball joint in a sleeve of it, lets the cup tilt to any side;
            0 if it is stiff. Only the simulator needs to know: what is held down on one side turns out from under it
            instead of peeling the lip off.
        max_opening_m, min_opening_m: jaw: widest and narrowest distance between the fingers' inner faces.
        finger_thickness_m: jaw: size of a finger along the closing axis (+y of the grasp).
        finger_width_m: jaw: size of a finger across (+x of the grasp).
        finger_length_m: jaw: how far the finger tips reach below the palm.
        palm_width_m: jaw: size of the palm along +x of the grasp, the fingers' width if left out.
        palm_length_m: jaw: size of the palm along the closing axis, the open fingers' if left out.
        knuckle_reach_m: jaw: how far what moves the fingers stands out beyond their inner faces, level with the palm; a
            finger's thickness if left out.
        insertion_depth_m: jaw: how deep the tips go below the topmost point between them, at most.
        grip_force_n: jaw: how hard each finger presses at most; the simulated hand closes with it.
        max_tilt_rad: largest angle between the approach and straight into the bin.
        standoff_m: length of the straight approach.

    Raises:
        ConfigError: a size is missing or not positive.
    """

    name: str
    kind: GripperKind
    cup_radius_m: float = 0.0
    lip_follow_ratio: float = 0.2
    tube_radius_m: float = 0.01
    vacuum_pa: float = 60_000.0
    swivel_rad: float = 0.0
    max_opening_m: float = 0.0
    min_opening_m: float = 0.0
    finger_thickness_m: float = 0.0
    finger_width_m: float = 0.0
    finger_length_m: float = 0.0
    palm_width_m: float = 0.0
    palm_length_m: float = 0.0
    knuckle_reach_m: float = 0.0
    insertion_depth_m: float = 0.02
    grip_force_n: float = 40.0
    max_tilt_rad: float = 0.6
    standoff_m: float = 0.08

    def __post_init__(self) -> None:
        needed = {
            GripperKind.SUCTION: ("cup_radius_m", "lip_follow_ratio", "tube_radius_m", "vacuum_pa"),
            GripperKind.PARALLEL_JAW: (
                "max_opening_m",
                "finger_thickness_m",
                "finger_width_m",
                "finger_length_m",
                "grip_force_n",
            ),
        }[self.kind]
        for name in (*needed, "max_tilt_rad", "standoff_m"):
            if not getattr(self, name) > 0:
                raise ConfigError(
                    f"gripper '{self.name}' ({self.kind.value}) needs {name} > 0, got {getattr(self, name)}"
                )
        if not 0 <= self.swivel_rad <= 1:
            raise ConfigError(f"gripper '{self.name}': swivel_rad must be within 0..1, got {self.swivel_rad}")
        if self.kind is GripperKind.PARALLEL_JAW:
            self._check_jaws()

    def _check_jaws(self) -> None:
        if not 0 <= self.min_opening_m < self.max_opening_m:
            raise ConfigError(
                f"gripper '{self.name}': min_opening_m must be at least 0 and below max_opening_m, "
                f"got {self.min_opening_m} and {self.max_opening_m}"
            )
        if not 0 < self.insertion_depth_m <= self.finger_length_m:
            raise ConfigError(
                f"gripper '{self.name}': insertion_depth_m must be above 0 and at most finger_length_m "
                f"({self.finger_length_m}), got {self.insertion_depth_m}"
            )
        for name in ("palm_width_m", "palm_length_m", "knuckle_reach_m"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"gripper '{self.name}' needs {name} >= 0, got {getattr(self, name)}")

    @property
    def palm_m(self) -> tuple[float, float]:
        """Size of the palm across and along the closing axis [m]."""
        open_fingers = self.max_opening_m + 2 * self.finger_thickness_m
        return self.palm_width_m or self.finger_width_m, self.palm_length_m or open_fingers

    @property
    def knuckle_m(self) -> float:
        """How far a finger reaches beyond its inner face, level with the palm [m]."""
        return max(self.knuckle_reach_m, self.finger_thickness_m)


@dataclass(frozen=True, eq=False, kw_only=True)
class GraspCandidate:
    """One way to pick one object.

    Args:
        id: rank in its list, 0 is the best.
        object_id: the detection's id.
        label: the detection's label.
        gripper: name of the gripper.
        kind: suction or parallel jaw.
        camera_from_grasp: pose of the TCP at contact in the optical frame. +z is the approach, into the object; +y is
            the direction in which the jaws close (suction: along the surface's longer side); x completes a right-handed
            frame.
        quality: 0..1, expected success; apart from the detection's score.
        opening_m: jaw: distance between the finger pads at contact; 0 for suction.
        pregrasp_opening_m: jaw: distance between them on the approach, for which it was checked; 0 for suction.
        insertion_m: jaw: how deep the tips are below the topmost point between them; 0 for suction.
        center_px: (u, v) of the TCP in the image.
        clearance_m: free distance to the nearest other surface on the approach (neighbours, bin); inf when none is
            near.
        terms: the named parts of the quality, each 0..1 ("flatness": 0.9, ...).
        reason: one sentence on why it ranks where it does.
    """

    id: int
    object_id: int
    label: str
    gripper: str
    kind: GripperKind
    camera_from_grasp: Transform
    quality: float
    center_px: tuple[float, float]
    opening_m: float = 0.0
    pregrasp_opening_m: float = 0.0
    insertion_m: float = 0.0
    clearance_m: float = float("inf")
    terms: dict[str, float] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, eq=False)
class GraspPlan:
    """Candidates, best first, and how many were thrown away for which reason ("too wide": 12)."""

    candidates: tuple[GraspCandidate, ...] = ()
    rejected: dict[str, int] = field(default_factory=dict)
