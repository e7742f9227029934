"""What the fingers touch once they have landed, and how well they hold it."""

from collections import Counter
from dataclasses import dataclass, fields

import numpy as np

from vlm_picking.grasp import Gripper
from vlm_picking.planning.height_map import CELL_M, HeightMap
from vlm_picking.planning.jaw_lines import NARROW, NEIGHBOUR, NOTHING, read_lines
from vlm_picking.planning.palm import palm_hits
from vlm_picking.planning.proposal import Proposals, reject_in_turn
from vlm_picking.planning.quality import JAW, success
from vlm_picking.planning.scene import Scene
from vlm_picking.planning.sight import fingers_in_sight

SPARE_M = 0.003
"""Room beside a finger that comes down."""
LANDING_GAP_M = 0.0025
"""Room below it."""
CLOSER_M = 0.008
"""How much nearer to what they hold than the landing places found the fingers may come, both together."""
OPENS_WIDER_M = 0.008
"""How much wider than what they hold the jaws come down, where there is room for it."""
_LINES = 7
_LEAST_LINES, _LEAST_TOUCHED = 2, 3
_FRICTION_CONE_RAD = 0.5
_LOOK_BEYOND_M = 0.02
_CONTACT_M = 0.006
_ABOVE_TIP_M = 0.0015
_FIRM_GRIP_M = 0.015
_LEAST_STEEP = 0.4
_SLACK_M = 0.001
_UNEVEN_M = 0.02
_SLIVER_M = 0.0065
_TIGHT_SLANT_RAD = 0.3
_BESIDE_M = 0.002
_CELL_TOO_WIDE_M = CELL_M / 2
"""A cell counts as filled that is filled in part, so a side lies half a cell further in than its outermost cell."""
_LEAST_IN_SIGHT = 0.1
_LEAST_MEASURED, _WELL_MEASURED = 0.4, 0.6


@dataclass(frozen=True, eq=False)
class Landings:
    """N places where both fingers can come down.

    Args:
        cell: (N, 2) middles between the fingers [cells, x and y].
        angle: (N,) directions of closing [rad].
        owner: (N,) the object under the start of the search.
        tip_m: (N,) heights of the tips.
        between_m: (N,) largest free distance between the fingers' inner faces.
        grip_m: (N,) how far the tips are below the start of the search.
    """

    cell: np.ndarray
    angle: np.ndarray
    owner: np.ndarray
    tip_m: np.ndarray
    between_m: np.ndarray
    grip_m: np.ndarray

    def __len__(self) -> int:
        return len(self.angle)

    def __getitem__(self, index: np.ndarray) -> "Landings":
        return Landings(*(getattr(self, f.name)[index] for f in fields(self)))


def judge(
    scene: Scene, map_: HeightMap, gripper: Gripper, found: Landings, rejected: Counter, *, spare_m: float
) -> Proposals:
    """Read lines over the fingers' width between the landing places, and keep what would hold.

    Args:
        spare_m: the room that the landing places have beside the fingers.
    """
    half = int(np.ceil((gripper.max_opening_m / 2 + gripper.finger_thickness_m + _LOOK_BEYOND_M) / CELL_M))
    direction = np.column_stack([np.cos(found.angle), np.sin(found.angle)])
    verdict, facts = read_lines(
        map_.top,
        map_.owner,
        map_.measured,
        found.cell.astype(np.float32),
        direction.astype(np.float32),
        found.owner,
        found.tip_m,
        (found.between_m / 2 / CELL_M).astype(np.float32),
        np.linspace(-0.5, 0.5, _LINES, dtype=np.float32) * np.float32(gripper.finger_width_m / CELL_M),
        half,
        gripper.insertion_depth_m,
        _ABOVE_TIP_M,
        _LEAST_LINES,
        _SLIVER_M,
        gripper.min_opening_m,
        _CONTACT_M / CELL_M,
        gripper.finger_thickness_m / CELL_M,
        CELL_M,
    )
    # What follows is worth its time only for those that pass these.
    kept = reject_in_turn(
        [
            ("nothing between the fingers", verdict == NOTHING),
            ("too narrow for the gripper", verdict == NARROW),
            ("a neighbour between the fingers", verdict == NEIGHBOUR),
        ],
        rejected,
    )
    if not kept.any():
        return Proposals.none(gripper)
    found, direction = found[kept], direction[kept]
    left, right, crest, tip, slant, twist, side, steep, measured, clear, lines = facts[kept].T
    width, middle = (right - left + 1) * CELL_M, ((left + right) / 2 - half) * CELL_M
    clear = np.maximum(clear * CELL_M - found.between_m / 2 - gripper.finger_thickness_m, 0.0)
    tight = found.between_m > gripper.max_opening_m
    # What lies off the middle is pushed there by the first finger that touches it.
    shift, between, room = _fitted(found.between_m, middle, width, gripper.max_opening_m)
    opening = np.minimum(np.maximum(between - OPENS_WIDER_M - spare_m - _SLACK_M, width), gripper.max_opening_m)
    # Beyond the landing places the fingers may only stand as far out as nothing else does.
    farthest = np.minimum(between + 2 * np.maximum(clear - _BESIDE_M, 0), gripper.max_opening_m)
    pregrasp = np.minimum(opening + OPENS_WIDER_M, farthest)
    rotation = map_.camera_from_map.rotation
    closing = direction @ rotation[:, :2].T
    cell = found.cell + (shift / CELL_M)[:, None] * direction
    position, upper = map_.to_camera(cell, tip), map_.to_camera(cell, crest)
    in_sight = fingers_in_sight(scene, gripper, position, between, closing=closing, up=rotation[:, 2])
    measured = np.minimum(measured, scene.measured_around(upper))
    off = _off_centre(scene, position, found.owner)
    alive = reject_in_turn(
        [
            ("too wide for the gripper", tight & ((room < -_CELL_TOO_WIDE_M) | (slant > _TIGHT_SLANT_RAD))),
            ("sides not opposite each other", np.maximum(slant, twist) > _FRICTION_CONE_RAD),
            ("too little of a finger touches it", lines < _LEAST_TOUCHED),
            ("sides slope out of the jaws", steep < _LEAST_STEEP),
            ("too little depth at the contact", measured < _LEAST_MEASURED),
            ("a finger would go where the camera does not see", in_sight < _LEAST_IN_SIGHT),
        ],
        rejected,
    )
    apart, rows = np.maximum(between, pregrasp), np.flatnonzero(alive)
    hits = palm_hits(map_, gripper, cell[rows], found.angle[rows], tip_m=tip[rows], between_m=apart[rows])
    alive[rows[hits]] = False
    if hits.any():
        rejected["palm would hit something"] += int(np.count_nonzero(hits))
    if not alive.any():
        return Proposals.none(gripper)
    length = np.maximum(scene.length_m[found.owner], gripper.finger_width_m)
    weight = 9.81 * scene.mass_kg[found.owner] * off
    terms = {
        "antipodal": 1 - np.clip(np.maximum(slant, twist) / _FRICTION_CONE_RAD, 0, 1) ** 2,
        "steepness": steep,
        "depth": np.clip(side / _FIRM_GRIP_M, 0, 1),
        "shallow": 1 - np.clip((side - _FIRM_GRIP_M) / gripper.finger_length_m, 0, 1),
        "breadth": np.clip((lines - 1) / (_LINES - 1), 0, 1),
        "even": 1 - np.clip((np.abs(middle - shift) - CELL_M) / _UNEVEN_M, 0, 1),
        "center": np.exp(-np.square(2 * off / length)) ** 0.5 / (1 + weight / 0.3),
        "measured": _trusted(measured),
        "clearance": np.clip(clear / _LOOK_BEYOND_M, 0, 1),
        "upright": np.clip((rotation[:, 2] @ scene.up) ** 2 * np.ones(len(off)), 0, 1),
        "on_top": scene.on_top[found.owner],
        "in_sight": in_sight,
        "bare": 1.0 - scene.load.inside[found.owner],
    }
    return Proposals(
        gripper=gripper,
        owner=found.owner,
        position_m=position,
        approach=np.tile(-rotation[:, 2], (len(found), 1)),
        closing=closing,
        quality=success(terms, JAW),
        opening_m=np.minimum(opening, pregrasp),
        pregrasp_opening_m=pregrasp,
        insertion_m=np.maximum(crest - tip, 0.0),
        clearance_m=clear,
        terms=terms,
    )[alive]


def _fitted(
    between_m: np.ndarray, middle_m: np.ndarray, width_m: np.ndarray, opening_m: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Move the jaws over the middle of what they hold; neither finger comes more than half of CLOSER_M inwards.

    Args:
        between_m: (N,) free distance between the landing places, at most CLOSER_M more than the jaws open.
        middle_m, width_m: (N,) of what is held, along the closing direction from the middle between the places.

    Returns:
        The shift (N,) of the jaws' middle [m], how far (N,) the fingers are apart then, and the room (N,) beside the
        tighter finger.
    """
    excess = np.maximum(between_m - opening_m, 0)
    most = np.where(excess > 0, np.minimum(excess, CLOSER_M - excess) / 2, CLOSER_M / 4)
    shift = np.clip(middle_m, -most, most)
    apart = np.where(excess > 0, opening_m, between_m - 2 * np.abs(shift))
    return shift, apart, (apart - width_m) / 2 - np.abs(middle_m - shift)


def _trusted(measured: np.ndarray) -> np.ndarray:
    """What shares (N,) of measured depth are worth: themselves, and ever less below 0.6 down to nothing at 0.4.

    Jaws close until they meet something, so that they may hold what is mostly holes: a spring. A lip has to seal.
    """
    return np.minimum(measured, _WELL_MEASURED * (measured - _LEAST_MEASURED) / (_WELL_MEASURED - _LEAST_MEASURED))


def _off_centre(scene: Scene, position: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Distance (N,) [m] from the grasps to the middles of what is seen of the objects, level with the floor."""
    away = position - scene.middle_m[owner]
    return np.linalg.norm(away - np.outer(away @ scene.up, scene.up), axis=1)
