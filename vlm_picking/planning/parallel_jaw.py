"""Parallel-jaw grasps, searched on a map of heights seen along the approach, for all objects at once.

From places on the objects lines are cast in many directions. For several depths the nearest places to both sides of
the start at which a finger can come down without touching anything give a grasp: whatever stands between is held.
So an outer edge, a rim with one finger inside, and a part between neighbours are found alike. jaw_contact.py judges
what the fingers would then touch.
"""

from collections import Counter
from itertools import product

import numpy as np

from vlm_picking.grasp import Gripper
from vlm_picking.planning.collision import ANGLES, landing_heights
from vlm_picking.planning.height_map import BEFORE_M, CELL_M, UNIT_M, HeightMap
from vlm_picking.planning.jaw_contact import CLOSER_M, LANDING_GAP_M, SPARE_M, Landings, judge
from vlm_picking.planning.landing import is_seen, land, starts, unlike
from vlm_picking.planning.palm import PALM_SPARE_M
from vlm_picking.planning.proposal import Proposals, best_of_each
from vlm_picking.planning.scene import Scene

_LINES = 3200
_STARTS = (10, 70)  # fewest and most on an object
_LINES_LEANING, _LINES_CLOSELY = 700, 1400
_SHORTLIST, _SHORTLIST_OF_MANY = 560, 400
_SHORTLIST_OF_EACH = (10, 280)
_FEW_OBJECTS = 4
_DEPTH_SHARES = (1.0, 0.5, 0.2)
_MORE_DEPTHS = (1.0, 0.75, 0.5, 0.35, 0.2)
_HALF_OF_FLAT = 0.55
_LEAN_RAD, _LEAST_LEAN_RAD = 0.4, 0.1
_HEADINGS = tuple((np.arange(8) * np.pi / 4).tolist())
_GOOD, _FAIR = 0.85, 0.6
_FAR_WORSE = 0.25
_ENOUGH_FAIR = 3
_WIDE_COSTS = 3.5  # a metre, in grips of 20 mm
_SHALLOWEST_GRIP_M = 0.0025
_NO_LANDING = (
    "fingers would hit something",
    "too shallow to grip",
    "nothing between the fingers",
    "too wide for the gripper",
    "palm would hit something",
)
"""What landing.py counts, in its order."""


def propose_jaw(scene: Scene, gripper: Gripper, rejected: Counter) -> Proposals:
    """Jaw grasps on all objects of the scene, in no order: straight down, or leaning where that is not good."""
    wanted = scene.readable
    if not wanted.any():
        return Proposals.none(gripper)
    parts = [_search(scene, scene.map, gripper, wanted, _LINES, rejected)]
    lean = min(_LEAN_RAD, gripper.max_tilt_rad)
    best = np.zeros(len(wanted))
    np.maximum.at(best, parts[0].owner, parts[0].quality)
    # From another side a vessel is as full.
    lacking = is_seen(scene.map.owner, wanted & (best < _GOOD) & ~scene.load.inside)
    # Where several things can be picked straight away, the pile will have changed before the others' turn.
    if lacking.any() and (best >= _FAIR).sum() < _ENOUGH_FAIR:
        parts.append(_search(scene, scene.map, gripper, lacking, _LINES, rejected, spare_m=0.0, shares=_MORE_DEPTHS))
        if scene.leaning.is_ragged:
            rejected["depth too ragged for a leaning approach"] += int(lacking.sum())
            lean = 0.0
        for heading in _HEADINGS[::2] if lean > _LEAST_LEAN_RAD else ():
            leaning = scene.leaning.towards(heading, lean)
            parts.append(_search(scene, leaning, gripper, lacking, _LINES_LEANING, rejected))
        for part in parts:
            np.maximum.at(best, part.owner, part.quality)
        lacking &= best < _FAIR
        # What stands at a wall or under something else may be reached from one side alone, and closely.
        for angle, heading in product((lean / 2, lean), _HEADINGS) if lacking.any() and lean > _LEAST_LEAN_RAD else ():
            leaning = scene.leaning.towards(heading, angle)
            closely = {"spare_m": 0.0, "shares": _MORE_DEPTHS}
            parts.append(_search(scene, leaning, gripper, lacking, _LINES_CLOSELY, rejected, **closely))
    return _without_far_worse(Proposals.joined(parts), rejected)


def _without_far_worse(proposals: Proposals, rejected: Counter) -> Proposals:
    """Leave out what is far less likely to hold than the best on the same object."""
    if not len(proposals):
        return proposals
    best = np.zeros(int(proposals.owner.max()) + 1)
    np.maximum.at(best, proposals.owner, proposals.quality)
    near = proposals.quality >= best[proposals.owner] - _FAR_WORSE
    if not near.all():
        rejected["far worse than another on the object"] += int(np.count_nonzero(~near))
    return proposals[near]


def _search(
    scene: Scene,
    map_: HeightMap,
    gripper: Gripper,
    wanted: np.ndarray,
    budget: int,
    rejected: Counter,
    *,
    spare_m: float = SPARE_M,
    shares: tuple[float, ...] = _DEPTH_SHARES,
) -> Proposals:
    if not is_seen(map_.owner, wanted).any():
        rejected["no depth on the object"] += int(wanted.sum())
        return Proposals.none(gripper)
    each = int(np.clip(budget // (int(wanted.sum()) * ANGLES), *_STARTS))
    begun = starts(map_.top, map_.owner, wanted, each, CELL_M)
    landing = landing_heights(map_, gripper, spare_m=spare_m)
    found = _shortlist(_land(map_, landing, *begun, gripper, rejected, shares), scene.middle_m, map_)
    if not len(found):
        return Proposals.none(gripper)
    return judge(scene, map_, gripper, found, rejected, spare_m=spare_m)


def _land(
    map_: HeightMap,
    landing: np.ndarray,
    cells: np.ndarray,
    owners: np.ndarray,
    turn: np.ndarray,
    gripper: Gripper,
    rejected: Counter,
    shares: tuple[float, ...],
) -> Landings:
    """Where both fingers can come down nearest to starts, for each depth.

    Args:
        cells: (N, 2) int32, starts (x and y) on objects owners (N,), whose first directions are turn (K,) [rad].
    """
    thickness = gripper.finger_thickness_m
    half = int(np.ceil((gripper.max_opening_m + thickness) / CELL_M))
    along = np.arange(-half, half + 1, dtype=np.float32)
    turned = (turn[:, None] + np.arange(ANGLES) * (np.pi / ANGLES)) % np.pi
    cos, sin = np.cos(turned), np.sin(turned)
    line, sides, tip, failed = land(
        landing,
        map_.top,
        cells,
        owners,
        np.rint(turned / (np.pi / ANGLES)).astype(np.intp) % ANGLES,
        # Starts are whole cells, so all lines of an object in one direction go over the same cells from their starts.
        *(np.rint(way.astype(np.float32)[..., None] * along).astype(np.int32) for way in (cos, sin)),
        (np.array(shares) * gripper.insertion_depth_m).astype(np.float32),
        (UNIT_M, BEFORE_M),
        (LANDING_GAP_M, _SHALLOWEST_GRIP_M, _HALF_OF_FLAT),
        (CELL_M, thickness, float(np.float32(gripper.max_opening_m) + np.float32(CLOSER_M)), gripper.max_opening_m),
        (gripper.finger_length_m - PALM_SPARE_M, gripper.palm_m[1] / 2, gripper.knuckle_m, PALM_SPARE_M),
    )
    for reason, count in zip(_NO_LANDING, failed.tolist(), strict=True):
        if count:
            rejected[reason] += count
    start, direction = np.divmod(line, ANGLES)
    owner, right, left = owners[start], *sides.T.astype(np.int64)
    closing = np.column_stack([cos[owner, direction], sin[owner, direction]]).astype(np.float32)
    cell = cells[start] + ((right - left) / 2)[:, None] * closing
    between = (right + left) * np.float32(CELL_M) - np.float32(thickness)
    grip = map_.top[cells[start, 1], cells[start, 0]] - tip
    return Landings(cell, turned[owner, direction], owner, tip, between, grip)


def _shortlist(found: Landings, middle_m: np.ndarray, map_: HeightMap) -> Landings:
    """The most promising of each object, without those that nearly repeat another."""
    if not len(found):
        return found
    score = np.minimum(found.grip_m, 0.02) / 0.02 - _WIDE_COSTS * found.between_m
    objects = len(np.unique(found.owner))
    # Where many objects share the list, more of what is alike is a repetition.
    cells, turns, grip_m = (2, ANGLES, 0.004) if objects <= _FEW_OBJECTS else (3, ANGLES // 2, 0.008)
    turn, grip = np.rint(found.angle * turns / np.pi) % turns, np.rint(found.grip_m / grip_m)
    x, y = np.rint(found.cell.T / cells)
    place = (((found.owner * turns + turn) * 8 + grip) * map_.top.shape[0] + y) * map_.top.shape[1] + x
    place = place.astype(np.int64)
    kept = unlike(place, score)
    kept = kept[np.argsort(place[kept])]
    row, column, _ = map_.cells_of(middle_m)
    middle = np.column_stack([column, row])
    off = np.linalg.norm(found.cell[kept] - middle[found.owner[kept]], axis=1) * CELL_M
    limit = _SHORTLIST if objects <= _FEW_OBJECTS else _SHORTLIST_OF_MANY
    each = int(np.clip(limit // objects, *_SHORTLIST_OF_EACH))
    return found[kept[best_of_each(found.owner[kept], score[kept] - 5.0 * off, each)]]
