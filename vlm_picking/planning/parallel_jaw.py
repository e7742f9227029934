"""Parallel-jaw grasps straight into the bin, found on the map of heights.

Lines are cast through points of the object in many directions; along each line, at the height of the finger tips,
the object's two edges give the opening, the free cells beyond them the room for the fingers, and the edges' course
across the finger's width says whether the two sides face each other (antipodal, Nguyen 1988).
"""

from collections import Counter
from dataclasses import dataclass

import cv2
import numpy as np

from vlm_picking.grasp import Gripper
from vlm_picking.planning.collision import free_beyond, highest_between
from vlm_picking.planning.proposal import LEAST_MEASURED, Proposals, combine, reject_in_turn
from vlm_picking.planning.scene import CELL_M, Scene

_CENTERS = 24
_ANGLES = 12
_LINES = 5
_DEPTH_SHARES = (1.0, 0.6, 0.35)
_CLEARANCE_M = 0.004
_ABOVE_FLOOR_M = 0.006
_SHALLOWEST_GRIP_M = 0.006
_LIES_ON_M = 0.006
_LARGEST_SIDE_ANGLE_RAD = 0.45
_LOOK_BEYOND_M = 0.02
_WEIGHTS = {"antipodal": 2.0, "steepness": 2.0, "depth": 1.5, "center": 1.5, "measured": 2.0, "clearance": 0.5}


@dataclass(frozen=True, eq=False)
class _Lines:
    """What N lines pass over: each N x lines across the finger's width x samples along the closing direction.

    `height` is of whatever lies there, `own_height` of the object itself, -inf where it is not.
    """

    height: np.ndarray
    own_height: np.ndarray
    measured: np.ndarray

    def __getitem__(self, index: np.ndarray) -> "_Lines":
        return _Lines(self.height[index], self.own_height[index], self.measured[index])

    @property
    def middle(self) -> int:
        return self.height.shape[2] // 2


def propose_jaw(scene: Scene, mask: np.ndarray, gripper: Gripper) -> Proposals:
    """Jaw grasps on the object in `mask` (H, W) bool, in no order."""
    rejected: Counter = Counter()
    own = scene.heights_of(mask)
    if np.isfinite(own).sum() < 6:
        rejected["no depth on the object"] += 1
        return Proposals.none(gripper, rejected)
    center, angle, insertion = _width_search(scene, own, gripper, rejected)
    if not len(center):
        return Proposals.none(gripper, rejected)
    return _judge(scene, own, gripper, center, angle, insertion, rejected)


def _width_search(
    scene: Scene, own: np.ndarray, gripper: Gripper, rejected: Counter
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the object fits between the fingers: middles (N, 2) [cells], angles (N,) and insertions (N,) [m]."""
    covered = np.isfinite(own)
    cells = _centers(covered)
    angles = np.concatenate([np.arange(_ANGLES) * np.pi / _ANGLES, _principal_angles(covered)])
    start, angle = np.repeat(cells, len(angles), axis=0), np.tile(angles, len(cells))
    half = int(np.ceil(gripper.max_opening_m / CELL_M)) + 1
    lines = _cast(scene, own, start, angle, half, np.zeros(1))
    top = _top(lines)
    found = []
    for share in _DEPTH_SHARES:
        tip = _tip(top, share * gripper.insertion_depth_m)
        left, right = _extent(_run_through(lines.own_height > tip[:, None, None]))[:2]
        left, right = left[:, 0], right[:, 0]
        width = (right - left + 1) * CELL_M
        alive = reject_in_turn(
            [
                ("too shallow to grip", ~(top - tip >= _SHALLOWEST_GRIP_M)),
                ("nothing between the fingers", right < left),
                ("too wide for the gripper", width + 2 * _CLEARANCE_M > gripper.max_opening_m),
                ("too narrow for the gripper", width < gripper.min_opening_m),
            ],
            rejected,
        )
        shift = (left + right) / 2
        middle = start + np.column_stack([np.cos(angle), np.sin(angle)]) * shift[:, None]
        found.append(np.column_stack([middle, angle, np.full(len(top), share * gripper.insertion_depth_m)])[alive])
    rows = np.concatenate(found)
    key = np.column_stack([np.rint(rows[:, :2] / 3), np.rint(rows[:, 2:] * 1000)])
    _, first = np.unique(key, axis=0, return_index=True)
    rows = rows[np.sort(first)]
    return rows[:, :2], rows[:, 2], rows[:, 3]


def _cast(
    scene: Scene, own: np.ndarray, center: np.ndarray, angle: np.ndarray, half: int, across: np.ndarray
) -> _Lines:
    """Sample the map along N lines through `center` (N, 2) [cells], shifted sideways by each of `across` [cells]."""
    along = np.arange(-half, half + 1, dtype=np.float32)
    c, s = np.cos(angle).astype(np.float32)[:, None, None], np.sin(angle).astype(np.float32)[:, None, None]
    sideways = across.astype(np.float32)[:, None]
    x = center[:, 0].astype(np.float32)[:, None, None] + c * along - s * sideways
    y = center[:, 1].astype(np.float32)[:, None, None] + s * along + c * sideways
    rows, columns = scene.map_height.shape
    # The map ends where the scene does; what lies beyond repeats its last cell.
    column = np.clip(np.rint(x), 0, columns - 1).astype(np.int32)
    row = np.clip(np.rint(y), 0, rows - 1).astype(np.int32)
    flat = row * np.int32(columns) + column
    return _Lines(scene.map_height.ravel()[flat], own.ravel()[flat], scene.map_measured.ravel()[flat])


def _top(lines: _Lines) -> np.ndarray:
    """Highest point (N,) of the object itself along the part of it that the lines cross."""
    return np.where(_run_through(np.isfinite(lines.own_height)), lines.own_height, -np.inf).max(axis=(1, 2))


def _tip(top: np.ndarray, insertion: np.ndarray | float) -> np.ndarray:
    return np.maximum(top - insertion, _ABOVE_FLOOR_M)


def _extent(solid: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First and last sample (N, L), counted from the middle, of each line's run, and whether it has one."""
    touched = solid.any(axis=2)
    middle = solid.shape[2] // 2
    first = np.argmax(solid, axis=2) - middle
    last = solid.shape[2] - 1 - np.argmax(solid[:, :, ::-1], axis=2) - middle
    return np.where(touched, first, 0), np.where(touched, last, -1), touched


def _centers(own: np.ndarray) -> np.ndarray:
    """(K, 2) x and y of cells: a grid over the object and its innermost cell."""
    cells = np.argwhere(own)[:, ::-1]
    step = max(1, int(np.ceil(np.sqrt(len(cells) / _CENTERS))))
    on_grid = cells[(cells[:, 0] % step == step // 2) & (cells[:, 1] % step == step // 2)]
    middle = cells[np.argmin(np.square(cells - cells.mean(axis=0)).sum(axis=1))]
    depth = cv2.distanceTransform(np.pad(own, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    row, column = np.unravel_index(int(np.argmax(depth)), own.shape)
    return np.vstack([middle, (column, row), on_grid]).astype(np.float64)


def _principal_angles(own: np.ndarray) -> np.ndarray:
    cells = np.argwhere(own)[:, ::-1].astype(np.float32)
    (_, _), (_, _), angle = cv2.minAreaRect(cells)
    return np.deg2rad([angle, angle + 90.0])


def _middle(own: np.ndarray) -> tuple[np.ndarray, float]:
    """The object's middle in cells, and its length [cells]."""
    cells = np.argwhere(own)[:, ::-1]
    return cells.mean(axis=0), float(np.ptp(cells, axis=0).max() + 1)


def _judge(
    scene: Scene,
    own: np.ndarray,
    gripper: Gripper,
    center: np.ndarray,
    angle: np.ndarray,
    insertion: np.ndarray,
    rejected: Counter,
) -> Proposals:
    """Look at the whole width of the fingers, first at the object between them, then at what is around."""
    finger = int(np.ceil((gripper.finger_thickness_m + _CLEARANCE_M) / CELL_M))
    half = int(np.ceil((gripper.max_opening_m / 2 + _LOOK_BEYOND_M) / CELL_M)) + finger
    lines = _cast(scene, own, center, angle, half, np.linspace(-0.5, 0.5, _LINES) * gripper.finger_width_m / CELL_M)
    top = _top(lines)
    tip = _tip(top, insertion)
    solid = _run_through(lines.own_height > tip[:, None, None])
    left_each, right_each, touched = _extent(solid)
    holds = touched.sum(axis=1) > _LINES // 2
    right = np.where(touched, right_each, -lines.height.shape[2]).max(axis=1) * holds
    left = np.where(touched, left_each, lines.height.shape[2]).min(axis=1) * holds
    width = (right - left + 1) * CELL_M
    too_wide = (width + 2 * _CLEARANCE_M > gripper.max_opening_m) | (np.maximum(right, -left) + finger > half)
    finger_width = gripper.finger_width_m
    side_angle = np.maximum(
        _side_angle(right_each, touched, finger_width), _side_angle(left_each, touched, finger_width)
    )
    fits = reject_in_turn(
        [
            ("too shallow to grip", ~(top - tip >= _SHALLOWEST_GRIP_M)),
            ("nothing between the fingers", ~holds),
            ("too wide for the gripper", too_wide),
            ("too narrow for the gripper", width < gripper.min_opening_m),
            ("sides not parallel", side_angle > _LARGEST_SIDE_ANGLE_RAD),
        ],
        rejected,
    )
    lines, solid = lines[fits], solid[fits]
    center, angle, top, tip, width, side_angle = (x[fits] for x in (center, angle, top, tip, width, side_angle))
    left, right = left[fits] + lines.middle, right[fits] + lines.middle
    object_middle, length = _middle(np.isfinite(own))
    direction = np.column_stack([np.cos(angle), np.sin(angle)])
    middle_xy = center + direction * ((left + right) / 2 - lines.middle)[:, None]
    off = np.linalg.norm(middle_xy - object_middle, axis=1)
    xy = scene.map_origin_m + (middle_xy + 0.5) * CELL_M
    seen = scene.measured_around(scene.camera_from_bin.apply(np.column_stack([xy, top])))
    measured = np.minimum(_contact_measured(lines, solid, left, right), seen)
    under_fingers = np.maximum(
        highest_between(lines.height, right + 1, right + finger), highest_between(lines.height, left - finger, left - 1)
    )
    between = highest_between(lines.height, left, right)
    clear = free_beyond(lines.height, tip, left - finger, right + finger)
    alive = reject_in_turn(
        [
            ("too little depth at the contact", measured < LEAST_MEASURED),
            ("something lies on it", between > top + _LIES_ON_M),
            ("fingers would hit something", under_fingers > tip - 0.002),
            ("palm would hit something", np.maximum(under_fingers, between) > tip + gripper.finger_length_m),
        ],
        rejected,
    )
    terms = {
        "antipodal": 1 - np.clip(side_angle / _LARGEST_SIDE_ANGLE_RAD, 0, 1) ** 2,
        "steepness": _steepness(lines.height, left, right, top - tip),
        "depth": np.clip((top - tip) / gripper.insertion_depth_m, 0, 1),
        "center": np.exp(-np.square(off / max(0.5 * length, 0.5 * finger_width / CELL_M))),
        "measured": measured,
        "clearance": np.clip(clear / _LOOK_BEYOND_M, 0, 1),
    }
    return Proposals(
        gripper=gripper,
        position_m=scene.camera_from_bin.apply(np.column_stack([xy, tip])),
        approach=np.tile(-scene.up, (len(tip), 1)),
        closing=direction @ scene.camera_from_bin.rotation[:, :2].T,
        quality=combine(terms, _WEIGHTS),
        opening_m=width,
        insertion_m=top - tip,
        clearance_m=clear,
        terms=terms,
        rejected=rejected,
    )[alive]


def _run_through(member: np.ndarray) -> np.ndarray:
    """The unbroken run of members (N, L, S) through the middle sample of each line."""
    middle = member.shape[2] // 2
    right = np.logical_and.accumulate(member[:, :, middle:], axis=2)
    left = np.logical_and.accumulate(member[:, :, middle::-1], axis=2)[:, :, ::-1]
    return np.concatenate([left[:, :, :-1], right], axis=2)


def _side_angle(edge: np.ndarray, touched: np.ndarray, finger_width_m: float) -> np.ndarray:
    """Angle (K,) [rad] between the object's edge and the finger's face, from the edge's course (K, L) across it."""
    offsets = np.linspace(-0.5, 0.5, _LINES) * finger_width_m / CELL_M
    weight = touched.astype(np.float64)
    total = np.maximum(weight.sum(axis=1), 1)
    edge = np.where(touched, edge, 0)
    mean_x = (weight * offsets).sum(axis=1) / total
    mean_y = (weight * edge).sum(axis=1) / total
    dx = offsets - mean_x[:, None]
    spread = np.maximum((weight * dx**2).sum(axis=1), 1e-9)
    slope = (weight * dx * (edge - mean_y[:, None])).sum(axis=1) / spread
    return np.arctan(np.abs(slope))


def _contact_measured(lines: _Lines, solid: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Share (N,) of measured depth at the object's outermost three cells, the worse of both sides."""
    index = np.arange(solid.shape[2])
    shares = []
    for near in (index <= left[:, None] + 2, index >= right[:, None] - 2):
        at = solid & near[:, None, :]
        shares.append((at * lines.measured).sum(axis=(1, 2)) / np.maximum(at.sum(axis=(1, 2)), 1))
    return np.minimum(*shares)


def _steepness(height: np.ndarray, left: np.ndarray, right: np.ndarray, grip: np.ndarray) -> np.ndarray:
    """How much of the grip's depth (K,) the surface falls within 9 mm across the edge, the worse of both sides."""
    line = height[:, height.shape[1] // 2]
    index, last = np.arange(len(line)), line.shape[1] - 1
    falls = []
    for edge, outward in ((left, -1), (right, 1)):
        inner = line[index, np.clip(edge - outward * 2, 0, last)]
        outer = line[index, np.clip(edge + outward, 0, last)]
        falls.append((inner - outer) / np.maximum(grip, 1e-3))
    return np.clip(np.minimum(*falls), 0, 1)
