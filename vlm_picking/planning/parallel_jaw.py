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
from vlm_picking.planning.collision import ANGLES, BEFORE_M, UNIT_M, landing_heights
from vlm_picking.planning.height_map import CELL_M, HeightMap, leaning_map
from vlm_picking.planning.jaw_contact import CLOSER_M, LANDING_GAP_M, SPARE_M, Landings, judge
from vlm_picking.planning.load import is_laden
from vlm_picking.planning.palm import PALM_SPARE_M, palm_reach_m
from vlm_picking.planning.proposal import Proposals, best_of_each, best_one_of_each, reject_in_turn
from vlm_picking.planning.scene import Scene
from vlm_picking.planning.workspace import WORKSPACE

_LINES = 3200
_STARTS = (10, 70)  # fewest and most on an object
_LINES_LEANING = 700
_SHORTLIST, _SHORTLIST_OF_MANY = 560, 400
_SHORTLIST_OF_EACH = (10, 280)
_FEW_OBJECTS = 4
_DEPTH_SHARES = (1.0, 0.5, 0.2)
_MORE_DEPTHS = (1.0, 0.75, 0.5, 0.35, 0.2)
_HALF_OF_FLAT = 0.55
_TIGHT_SPARE_M = 0.001
_LEAN_RAD = 0.4
_GOOD, _FAIR = 0.85, 0.6
_FAR_WORSE = 0.25
_ENOUGH_FAIR = 3
_WIDE_COSTS = 3.5  # a metre, in grips of 20 mm
_SHALLOWEST_GRIP_M = 0.0025


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
    if lacking.any() and (best >= _FAIR).sum() < _ENOUGH_FAIR:
        tight = _search(
            scene, scene.map, gripper, lacking, _LINES, rejected, spare_m=_TIGHT_SPARE_M, shares=_MORE_DEPTHS
        )
        # Beside neighbours fingers need some room; what fills the jaws leaves none.
        wide = _search(scene, scene.map, gripper, lacking, _LINES, rejected, spare_m=0.0, shares=_MORE_DEPTHS)
        parts += [tight, wide[wide.opening_m >= gripper.max_opening_m - CLOSER_M]]
        for heading in np.arange(4) * np.pi / 2 if lean > 0.1 else ():
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
    owned = map_.owner >= 0
    owned[owned] = wanted[map_.owner[owned]]
    if not owned.any():
        rejected["no depth on the object"] += int(wanted.sum())
        return Proposals.none(gripper)
    starts = _starts(map_, owned, int(wanted.sum()), budget)
    landing = landing_heights(map_, gripper, spare_m=spare_m)
    found = _land(map_, landing, starts, gripper, scene.middle_m, rejected, shares)
    if not len(found):
        return Proposals.none(gripper)
    return judge(scene, map_, gripper, found, rejected, spare_m=spare_m)


@dataclass(frozen=True, eq=False)
class _Starts:
    """N starts of lines: cells (N, 2) int32 (x and y), objects (N,), and each object's first direction (K,) [rad]."""

    cell: np.ndarray
    owner: np.ndarray
    turn: np.ndarray


def _starts(map_: HeightMap, owned: np.ndarray, objects: int, budget: int) -> _Starts:
    """A grid over each object, its rims and its middle; directions along and across its length too."""
    pixel = np.flatnonzero(owned)
    row, column = np.divmod(pixel.astype(np.int32), np.int32(owned.shape[1]))
    owner = map_.owner.ravel().take(pixel).astype(np.intp)
    count = int(owner.max()) + 1
    each = int(np.clip(budget // (objects * ANGLES), *_STARTS))
    size = np.maximum(np.bincount(owner, minlength=count), 1)
    step = np.maximum(1, np.ceil(np.sqrt(size / each))).astype(np.int32)[owner]
    on_grid = (column % step == step // 2) & (row % step == step // 2)
    x, y = (v - (np.bincount(owner, weights=v, minlength=count) / size)[owner] for v in (column, row))
    off = x * x + y * y
    central = best_one_of_each(owner, -off)
    # Rims and edges: the highest of their neighbourhood, as the middle of a mug is not.
    raised = map_.top.ravel().take(pixel)
    rim = best_of_each(owner, raised - 0.2 * np.sqrt(off) * CELL_M + 0.001 * ((row * 7 + column * 13) % 11), each // 3)
    chosen = np.unique(np.concatenate([np.flatnonzero(on_grid), central, rim]))
    cell = np.column_stack([column[chosen], row[chosen]])
    # Across each object's length, from the second moments of its cells.
    xx, yy, xy = (np.bincount(owner, weights=w, minlength=count) for w in (x * x, y * y, x * y))
    return _Starts(cell, owner[chosen], 0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2)


def _land(
    map_: HeightMap,
    landing: np.ndarray,
    starts: _Starts,
    gripper: Gripper,
    middle_m: np.ndarray,
    rejected: Counter,
    shares: tuple[float, ...],
) -> Landings:
    """Where both fingers can come down nearest to the starts, for each depth."""
    thickness = gripper.finger_thickness_m
    half = int(np.ceil((gripper.max_opening_m + thickness) / CELL_M))
    along = np.arange(-half, half + 1, dtype=np.float32)
    turned = (starts.turn[:, None] + np.arange(ANGLES) * (np.pi / ANGLES)) % np.pi
    under = _under_lines(landing, starts, turned, along)
    top = map_.top[starts.cell[:, 1], starts.cell[:, 0]].repeat(ANGLES)
    lowest = np.maximum(under[half:].min(axis=0), under[: half + 1].min(axis=0))
    level = lowest * np.float32(UNIT_M) + np.float32(LANDING_GAP_M - BEFORE_M)
    # Most lines find no place low enough for either finger: they need no look at each depth.
    deep = np.flatnonzero(top - level >= _SHALLOWEST_GRIP_M)
    if len(deep) < len(top):
        rejected["too shallow to grip"] += len(shares) * (len(top) - len(deep))
    start, direction = np.divmod(deep, ANGLES)
    cells, owners = starts.cell[start].astype(np.float32), starts.owner[start]
    angles = turned[owners, direction]
    closing = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    top, level, under = top[deep], level[deep], np.ascontiguousarray(under.take(deep, axis=1).T)
    # All depths in one go, one after the other.
    depth = np.multiply.outer(
        np.array(shares, np.float32), np.full(len(top), gripper.insertion_depth_m, np.float32)
    )
    # Something flat may be held by its upper part alone where its sides are blocked further down.
    np.minimum(depth[-1], _HALF_OF_FLAT * np.maximum(top, 0), out=depth[-1])
    tip = np.maximum(top - depth, level)
    free = under <= _whole_steps(tip - np.float32(LANDING_GAP_M - 1e-5))[..., None]
    right, left = (ways.argmax(axis=2).ravel() for ways in (free[..., half:], free[..., half::-1]))
    free, tip, each = free.reshape(-1, len(along)), tip.ravel(), np.arange(tip.size)
    grip, line = np.tile(top, len(shares)) - tip, np.tile(np.arange(len(top)), len(shares))
    between = (right + left) * np.float32(CELL_M) - np.float32(thickness)
    alive = reject_in_turn(
        [
            ("fingers would hit something", ~(free[each, half + right] & free[each, half - left])),
            ("too shallow to grip", grip < _SHALLOWEST_GRIP_M),
            ("nothing between the fingers", right + left == 0),
            ("too wide for the gripper", between > gripper.max_opening_m + np.float32(CLOSER_M)),
        ],
        rejected,
    )
    rows = np.flatnonzero(alive)
    line, tip, between, grip = line[rows], tip[rows], between[rows], grip[rows]
    shift = (right - left)[rows] / np.float32(2)
    high = under[line] > _whole_steps(tip + np.float32(gripper.finger_length_m - PALM_SPARE_M))[:, None]
    blocked = high.any(axis=1)
    palm = palm_reach_m(gripper, between[blocked]) / CELL_M
    within = np.abs(along - shift[blocked, None]) < palm[:, None]
    blocked[blocked] = (high[blocked] & within).any(axis=1)
    kept = reject_in_turn([("palm would hit something", blocked)], rejected)
    line, tip, between, grip, shift = line[kept], tip[kept], between[kept], grip[kept], shift[kept]
    cell = cells[line] + shift[:, None] * closing[line]
    return _shortlist(Landings(cell, angles[line], owners[line], tip, between, grip), middle_m, map_)


def _under_lines(landing: np.ndarray, starts: _Starts, turned: np.ndarray, along: np.ndarray) -> np.ndarray:
    """(S, N ANGLES) landing heights [whole steps] along the lines from N starts, good until the next call.

    Args:
        turned: (K, ANGLES) directions of each object's lines [rad].
        along: (S,) places on the lines [cells].
    """
    rows, columns = landing.shape[1:]
    index = np.rint(turned / (np.pi / ANGLES)).astype(np.intp) % ANGLES
    dx = np.rint(np.multiply.outer(along, np.cos(turned).astype(np.float32))).astype(np.intp)
    dy = np.rint(np.multiply.outer(along, np.sin(turned).astype(np.float32))).astype(np.intp)
    # Starts are whole cells, so all lines of an object in one direction go over the same cells from their starts.
    column, row = starts.cell.T.astype(np.intp)
    flat = WORKSPACE.array("lines", (len(along), len(row), ANGLES), np.intp)
    np.take((index * rows + dy) * columns + dx, starts.owner, axis=1, out=flat, mode="clip")
    flat += (row * columns + column)[:, None]
    room = np.minimum(np.minimum(row, rows - 1 - row), np.minimum(column, columns - 1 - column))
    border = np.flatnonzero(room < int(along[-1]))
    if len(border):
        owner = starts.owner[border]
        x = np.clip(column[border, None] + dx[:, owner], 0, columns - 1)
        y = np.clip(row[border, None] + dy[:, owner], 0, rows - 1)
        flat[:, border] = (index[owner] * rows + y) * columns + x
    under = WORKSPACE.array("under lines", (len(along), len(row) * ANGLES), np.uint16)
    return np.take(landing.ravel(), flat.reshape(under.shape), out=under, mode="clip")


def _whole_steps(height_m: np.ndarray) -> np.ndarray:
    return ((height_m + np.float32(BEFORE_M)) * np.float32(1 / UNIT_M)).astype(np.uint16)


def _shortlist(found: Landings, middle_m: np.ndarray, map_: HeightMap) -> Landings:
    """The most promising of each object, without those that nearly repeat another."""
    if not len(found):
        return found
    score = np.minimum(found.grip_m, 0.02) / 0.02 - _WIDE_COSTS * found.between_m
    objects = len(np.unique(found.owner))
    # Where many objects share the list, more of what is alike is a repetition.
    cells, turns, grip_m = (2, ANGLES, 0.004) if objects <= _FEW_OBJECTS else (3, ANGLES // 2, 0.008)
    columns = map_.top.shape[1]
    place = np.rint(found.cell[:, 1] / cells) * columns + np.rint(found.cell[:, 0] / cells)
    key = ((found.owner * turns + np.rint(found.angle * turns / np.pi) % turns) * 8) + np.rint(found.grip_m / grip_m)
    order = np.argsort(-score, kind="stable")
    _, first = np.unique(np.column_stack([place, key])[order] @ [1.0, 1e6], return_index=True)
    kept = order[first]
    row, column, _ = map_.cells_of(middle_m)
    middle = np.column_stack([column, row])
    off = np.linalg.norm(found.cell[kept] - middle[found.owner[kept]], axis=1) * CELL_M
    limit = _SHORTLIST if objects <= _FEW_OBJECTS else _SHORTLIST_OF_MANY
    each = int(np.clip(limit // objects, *_SHORTLIST_OF_EACH))
    return found[kept[best_of_each(found.owner[kept], score[kept] - 5.0 * off, each)]]
