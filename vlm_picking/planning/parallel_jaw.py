"""Parallel-jaw grasps, searched on a map of heights seen along the approach, for all objects at once.

From places on the objects lines are cast in many directions. For several depths the nearest places to both sides of
the start at which a finger can come down without touching anything give a grasp: whatever stands between is held.
So an outer edge, a rim with one finger inside, and a part between neighbours are found alike. jaw_contact.py judges
what the fingers would then touch.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from vlm_picking.grasp import Gripper
from vlm_picking.planning.collision import ANGLES, landing_heights
from vlm_picking.planning.height_map import CELL_M, HeightMap, leaning_map
from vlm_picking.planning.jaw_contact import CLOSER_M, LANDING_GAP_M, SPARE_M, Landings, judge
from vlm_picking.planning.load import is_laden
from vlm_picking.planning.proposal import Proposals, best_of_each, best_one_of_each, reject_in_turn
from vlm_picking.planning.scene import Scene

_LINES = 4200
_STARTS = (10, 70)  # fewest and most on an object
_LINES_LEANING = 700
_SHORTLIST = 700
_SHORTLIST_OF_EACH = (10, 200)
_DEPTH_SHARES = (1.0, 0.6, 0.3)
_HALF_OF_FLAT = 0.55
_LEAN_RAD = 0.4
_GOOD = 0.6
_FAR_WORSE = 0.12
_ENOUGH_GOOD = 3
_PALM_SPARE_M = 0.004
_WIDE_COSTS = 3.5  # a metre, in grips of 20 mm
_SHALLOWEST_GRIP_M = 0.0035


def propose_jaw(scene: Scene, gripper: Gripper, rejected: Counter) -> Proposals:
    """Jaw grasps on all objects of the scene, in no order: straight down, or leaning where that is not good."""
    laden = scene.readable & is_laden(scene.map, scene.on_top)
    if laden.any():
        rejected["something lies in it"] += int(laden.sum())
    wanted = scene.readable & ~laden
    if not wanted.any():
        return Proposals.none(gripper)
    parts = [_search(scene, scene.map, gripper, wanted, _LINES, rejected)]
    lean = min(_LEAN_RAD, gripper.max_tilt_rad)
    best = np.zeros(len(wanted))
    np.maximum.at(best, parts[0].owner, parts[0].quality)
    lacking = wanted & (best < _GOOD) & np.isin(np.arange(len(wanted)), scene.map.owner)
    # Where several things can be picked straight away, the pile will have changed before the others' turn.
    if lacking.any() and (best >= _GOOD).sum() < _ENOUGH_GOOD and lean > 0.1:
        for heading in np.arange(4) * np.pi / 2:
            leaning = leaning_map(scene.map, _leaning_axes(lean, heading))
            parts.append(_search(scene, leaning, gripper, lacking, _LINES_LEANING, rejected))
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


def _leaning_axes(lean: float, heading: float) -> np.ndarray:
    """(3, 3) axes of a map whose z leans by `lean` towards `heading`, in the bin's frame."""
    c, s, ch, sh = np.cos(lean), np.sin(lean), np.cos(heading), np.sin(heading)
    z = np.array([s * ch, s * sh, c])
    x = np.array([c * ch, c * sh, -s])
    return np.column_stack([x, np.cross(z, x), z])


def _search(
    scene: Scene, map_: HeightMap, gripper: Gripper, wanted: np.ndarray, budget: int, rejected: Counter
) -> Proposals:
    owned = map_.owner >= 0
    owned[owned] = wanted[map_.owner[owned]]
    if not owned.any():
        rejected["no depth on the object"] += int(wanted.sum())
        return Proposals.none(gripper)
    starts = _starts(map_, owned, int(wanted.sum()), budget)
    landing = landing_heights(map_, gripper, spare_m=SPARE_M)
    found = _land(map_, landing, starts, gripper, scene.middle_m, rejected)
    if not len(found):
        return Proposals.none(gripper)
    return judge(scene, map_, gripper, found, rejected)


@dataclass(frozen=True, eq=False)
class _Starts:
    """N lines: their starts (N, 2) [cells, x and y], directions (N,) [rad] and objects (N,)."""

    cell: np.ndarray
    angle: np.ndarray
    owner: np.ndarray


def _starts(map_: HeightMap, owned: np.ndarray, objects: int, budget: int) -> _Starts:
    """Lines through a grid over each object, its rims and its middle, along and across its length too."""
    row, column = np.nonzero(owned)
    owner = map_.owner[row, column].astype(np.int64)
    count = int(owner.max()) + 1
    each = int(np.clip(budget // (objects * ANGLES), *_STARTS))
    size = np.maximum(np.bincount(owner, minlength=count), 1)
    step = np.maximum(1, np.ceil(np.sqrt(size / each))).astype(np.int64)[owner]
    on_grid = (column % step == step // 2) & (row % step == step // 2)
    middle = np.column_stack([np.bincount(owner, weights=w, minlength=count) / size for w in (column, row)])
    off = np.square(column - middle[owner, 0]) + np.square(row - middle[owner, 1])
    central = best_one_of_each(owner, -off)
    # Rims and edges: the highest of their neighbourhood, as the middle of a mug is not.
    raised = map_.top[row, column]
    rim = best_of_each(owner, raised - 0.2 * np.sqrt(off) * CELL_M + 0.001 * ((row * 7 + column * 13) % 11), each // 3)
    chosen = np.unique(np.concatenate([np.flatnonzero(on_grid), central, rim]))
    row, column, owner = row[chosen], column[chosen], owner[chosen]
    turn = _principal_angle(np.argwhere(owned), map_.owner[owned].astype(np.int64), count)
    angle = turn[owner][:, None] + np.arange(ANGLES) * np.pi / ANGLES
    cell = np.column_stack([column, row]).astype(np.float32)
    return _Starts(np.repeat(cell, ANGLES, axis=0), angle.ravel() % np.pi, np.repeat(owner, ANGLES))


def _principal_angle(cells: np.ndarray, owner: np.ndarray, count: int) -> np.ndarray:
    """Direction (K,) [rad] across each object's length, from the second moments of its cells (row, column)."""
    size = np.maximum(np.bincount(owner, minlength=count), 1)
    y, x = (column - (np.bincount(owner, weights=column, minlength=count) / size)[owner] for column in cells.T)
    xx, yy, xy = (np.bincount(owner, weights=w, minlength=count) for w in (x * x, y * y, x * y))
    return 0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2


def _land(
    map_: HeightMap,
    landing: np.ndarray,
    starts: _Starts,
    gripper: Gripper,
    middle_m: np.ndarray,
    rejected: Counter,
) -> Landings:
    """Where both fingers can come down nearest to the starts, for each depth."""
    thickness = gripper.finger_thickness_m
    half = int(np.ceil((gripper.max_opening_m + thickness) / CELL_M))
    palm = (gripper.max_opening_m / 2 + thickness + _PALM_SPARE_M) / CELL_M
    along = np.arange(-half, half + 1, dtype=np.float32)
    c, s = np.cos(starts.angle).astype(np.float32)[:, None], np.sin(starts.angle).astype(np.float32)[:, None]
    rows, columns = map_.top.shape
    x = np.clip(np.rint(starts.cell[:, :1] + c * along), 0, columns - 1)
    y = np.clip(np.rint(starts.cell[:, 1:] + s * along), 0, rows - 1)
    y *= np.float32(columns)
    flat = np.add(x, y, out=x).astype(np.int32)
    top = map_.top.ravel()[flat[:, half]]
    index = np.rint(starts.angle / (np.pi / ANGLES)).astype(np.int32) % ANGLES
    flat += index[:, None] * np.int32(rows * columns)
    under = landing.reshape(-1).take(flat)
    level = np.maximum(under[:, half:].min(axis=1), under[:, : half + 1].min(axis=1)) + np.float32(LANDING_GAP_M)
    # Most lines find no place low enough for either finger: they need no look at each depth.
    deep = top - level >= _SHALLOWEST_GRIP_M
    if not deep.all():
        rejected["too shallow to grip"] += len(_DEPTH_SHARES) * int(np.count_nonzero(~deep))
        starts = _Starts(starts.cell[deep], starts.angle[deep], starts.owner[deep])
        under, top, level, c, s = under[deep], top[deep], level[deep], c[deep], s[deep]
    found, each = [], np.arange(len(top))
    for share in _DEPTH_SHARES:
        depth = np.full(len(top), share * gripper.insertion_depth_m, np.float32)
        if share == _DEPTH_SHARES[-1]:
            # Something flat may be held by its upper part alone where its sides are blocked further down.
            depth = np.minimum(depth, _HALF_OF_FLAT * np.maximum(top, 0))
        tip = np.maximum(top - depth, level)
        free = under + np.float32(LANDING_GAP_M - 1e-5) <= tip[:, None]
        right, left = np.argmax(free[:, half:], axis=1), np.argmax(free[:, half::-1], axis=1)
        none = ~(free[each, half + right] & free[each, half - left])
        between = (right + left) * np.float32(CELL_M) - np.float32(thickness)
        shift = (right - left) / np.float32(2)
        high = under > (tip + np.float32(gripper.finger_length_m - _PALM_SPARE_M))[:, None]
        blocked = high.any(axis=1)
        blocked[blocked] = (high[blocked] & (np.abs(along - shift[blocked, None]) < palm)).any(axis=1)
        alive = reject_in_turn(
            [
                ("fingers would hit something", none),
                ("too shallow to grip", top - tip < _SHALLOWEST_GRIP_M),
                ("nothing between the fingers", right + left == 0),
                ("too wide for the gripper", between > gripper.max_opening_m + np.float32(CLOSER_M)),
                ("palm would hit something", blocked),
            ],
            rejected,
        )
        cell = starts.cell + shift[:, None] * np.column_stack([c, s])
        rows_ = (cell, starts.angle, starts.owner, tip, between, top - tip)
        found.append(Landings(*(column[alive] for column in rows_)))
    return _shortlist(Landings.joined(found), middle_m, map_)


def _shortlist(found: Landings, middle_m: np.ndarray, map_: HeightMap) -> Landings:
    """The most promising of each object, without those that nearly repeat another."""
    if not len(found):
        return found
    score = np.minimum(found.grip_m, 0.02) / 0.02 - _WIDE_COSTS * found.between_m
    columns = map_.top.shape[1]
    place = np.rint(found.cell[:, 1] / 2) * columns + np.rint(found.cell[:, 0] / 2)
    key = ((found.owner * ANGLES + np.rint(found.angle * ANGLES / np.pi) % ANGLES) * 8) + np.rint(found.grip_m / 0.004)
    order = np.argsort(-score, kind="stable")
    _, first = np.unique(np.column_stack([place, key])[order] @ [1.0, 1e6], return_index=True)
    kept = order[first]
    row, column, _ = map_.cells_of(middle_m)
    middle = np.column_stack([column, row])
    off = np.linalg.norm(found.cell[kept] - middle[found.owner[kept]], axis=1) * CELL_M
    objects = len(np.unique(found.owner))
    each = int(np.clip(_SHORTLIST // objects, *_SHORTLIST_OF_EACH))
    return found[kept[best_of_each(found.owner[kept], score[kept] - 5.0 * off, each)]]
