"""What the fingers touch once they have landed, and how well they hold it."""

from collections import Counter
from dataclasses import dataclass, fields

import numpy as np

from vlm_picking.grasp import Gripper
from vlm_picking.planning.height_map import CELL_M, HeightMap
from vlm_picking.planning.jaw_sides import slant_of, standing_height, steepness_of, twist_of
from vlm_picking.planning.palm import palm_hits
from vlm_picking.planning.proposal import LEAST_MEASURED, Proposals, reject_in_turn
from vlm_picking.planning.quality import JAW, success
from vlm_picking.planning.scene import Scene
from vlm_picking.planning.sight import fingers_in_sight
from vlm_picking.planning.workspace import WORKSPACE

SPARE_M = 0.003
"""Room beside a finger that comes down."""
LANDING_GAP_M = 0.0025
"""Room below it."""
CLOSER_M = 0.008
"""How much nearer to what they hold than the landing places found the fingers may come, both together."""
OPENS_WIDER_M = 0.008
"""How much wider than what they hold the jaws come down."""
_LINES = 7
_LEAST_LINES = 2
_FRICTION_CONE_RAD = 0.5
_LOOK_BEYOND_M = 0.02
_CONTACT_M = 0.006
_ABOVE_TIP_M = 0.0015
_FIRM_GRIP_M = 0.015
_LEAST_STEEP = 0.35
_SLACK_M = 0.001
_UNEVEN_M = 0.02
_SLIVER_M = 0.0065
_TIGHT_SLANT_RAD = 0.3
_CELL_TOO_WIDE_M = CELL_M / 2
"""A cell counts as filled that is filled in part, so a side lies half a cell further in than its outermost cell."""
_LEAST_IN_SIGHT = 0.1


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
    across = np.linspace(-0.5, 0.5, _LINES, dtype=np.float32) * np.float32(gripper.finger_width_m / CELL_M)
    along = np.arange(-half, half + 1, dtype=np.float32)
    flat = _lines(map_, found, along, across)
    top = np.take(map_.top.ravel(), flat, out=WORKSPACE.array("judged tops", flat.shape, np.float32), mode="clip")
    own = map_.owner.ravel().take(flat) == found.owner.astype(np.int16)[:, None, None]
    reach = (found.between_m / 2 / CELL_M).astype(np.float32)
    inside = (np.abs(along) <= reach[:, None] + np.float32(0.5))[:, None, :]
    crest = np.where(own & inside, top, np.float32(-np.inf)).reshape(len(top), -1).max(axis=1)
    # What stands higher between the fingers than the start of the search limits how deep they may go.
    tip = np.maximum(found.tip_m, crest - gripper.insertion_depth_m).astype(np.float32)
    stands = (top > (tip + np.float32(_ABOVE_TIP_M))[:, None, None]) & inside
    held = stands & own
    foreign = (stands & ~_widened(own)).reshape(len(top), -1).sum(axis=1, dtype=np.uint16)
    first, last, touched = _extremes(held)
    left = np.where(touched, first, 2 * half + 1).min(axis=1)
    right = np.where(touched, last, -1).max(axis=1)
    holds = (touched.sum(axis=1) >= _LEAST_LINES) & held[:, _LINES // 2 - 1 : _LINES // 2 + 2, half].any(axis=1)
    width = np.where(holds, (right - left + 1) * CELL_M, 0.0)
    middle = ((left + right) / 2 - half) * CELL_M
    # A few cells that stand up at an edge are noise rather than something to hold.
    sliver = (width <= _SLIVER_M) & (touched.sum(axis=1) < _LINES - 2)
    # What follows is worth its time only for those that pass these.
    kept = reject_in_turn(
        [
            ("nothing between the fingers", ~holds | sliver),
            ("too narrow for the gripper", width < gripper.min_opening_m),
            ("a neighbour between the fingers", foreign > 1),
        ],
        rejected,
    )
    if not kept.any():
        return Proposals.none(gripper)
    found, flat, top, held = found[kept], flat[kept], top[kept], held[kept]
    first, last, touched, left, right = first[kept], last[kept], touched[kept], left[kept], right[kept]
    width, middle, crest, tip, reach = width[kept], middle[kept], crest[kept], tip[kept], reach[kept]
    tight = found.between_m > gripper.max_opening_m
    shift, between, room = _fitted(found.between_m, middle, width, gripper.max_opening_m)
    # What lies off the middle is pushed there by the first finger that touches it.
    contact = _CONTACT_M / CELL_M
    at_left, at_right = touched & (first <= (left + contact)[:, None]), touched & (last >= (right - contact)[:, None])
    slant = np.maximum(slant_of(first, at_left, touched, across), slant_of(last, at_right, touched, across))
    twist = twist_of(at_left, at_right, across, np.maximum(right - left, 1))
    side = (
        np.minimum(standing_height(top, held, first, at_left, 1), standing_height(top, held, last, at_right, -1)) - tip
    )
    steep = np.minimum(steepness_of(top, tip, first, at_left, -1), steepness_of(top, tip, last, at_right, 1))
    measured = _measured(map_.measured.ravel().take(flat), held, left, right)
    beyond = np.abs(along) > reach[:, None] + np.float32(gripper.finger_thickness_m / CELL_M)
    high = (top > tip[:, None, None]).any(axis=1) & beyond
    clear = (
        np.where(high, np.abs(along), np.inf).min(axis=1) * CELL_M - found.between_m / 2 - gripper.finger_thickness_m
    )
    clear = np.maximum(clear, 0.0)
    rotation = map_.camera_from_map.rotation
    direction = np.column_stack([np.cos(found.angle), np.sin(found.angle)])
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
            ("sides slope out of the jaws", steep < _LEAST_STEEP),
            ("too little depth at the contact", measured < LEAST_MEASURED),
            ("a finger would go where the camera does not see", in_sight < _LEAST_IN_SIGHT),
            (
                "palm would hit something",
                palm_hits(map_, gripper, cell, found.angle, tip_m=tip, between_m=between),
            ),
        ],
        rejected,
    )
    if not alive.any():
        return Proposals.none(gripper)
    length = np.maximum(scene.length_m[found.owner], gripper.finger_width_m)
    weight = 9.81 * scene.mass_kg[found.owner] * off
    lines = np.minimum(at_left.sum(axis=1), at_right.sum(axis=1))
    terms = {
        "antipodal": 1 - np.clip(np.maximum(slant, twist) / _FRICTION_CONE_RAD, 0, 1) ** 2,
        "steepness": steep,
        "depth": np.clip(side / _FIRM_GRIP_M, 0, 1),
        "shallow": 1 - np.clip((side - _FIRM_GRIP_M) / gripper.finger_length_m, 0, 1),
        "breadth": np.clip((lines - 1) / (_LINES - 1), 0, 1),
        "even": 1 - np.clip((np.abs(middle - shift) - CELL_M) / _UNEVEN_M, 0, 1),
        "center": np.exp(-np.square(2 * off / length)) ** 0.5 / (1 + weight / 0.3),
        "measured": measured,
        "clearance": np.clip(clear / _LOOK_BEYOND_M, 0, 1),
        "upright": np.clip((rotation[:, 2] @ scene.up) ** 2 * np.ones(len(off)), 0, 1),
        "on_top": scene.on_top[found.owner],
        "in_sight": in_sight,
    }
    opening = np.minimum(np.maximum(between - OPENS_WIDER_M - spare_m - _SLACK_M, width), gripper.max_opening_m)
    return Proposals(
        gripper=gripper,
        owner=found.owner,
        position_m=position,
        approach=np.tile(-rotation[:, 2], (len(found), 1)),
        closing=closing,
        quality=success(terms, JAW),
        opening_m=opening,
        insertion_m=np.maximum(crest - tip, 0.0),
        clearance_m=np.where(np.isfinite(clear), clear, np.inf),
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


def _lines(map_: HeightMap, found: Landings, along: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Flat indices (N, L, S) into the map, along the closing directions and across the fingers' width."""
    c = np.cos(found.angle).astype(np.float32)[:, None, None]
    s = np.sin(found.angle).astype(np.float32)[:, None, None]
    cell = found.cell.astype(np.float32)
    rows, columns = map_.top.shape
    x = np.rint(cell[:, 0, None, None] + c * along - s * across[:, None])
    y = np.rint(cell[:, 1, None, None] + s * along + c * across[:, None])
    # The map ends where the scene does; what lies beyond repeats its last cell.
    np.clip(x, 0, columns - 1, out=x)
    np.clip(y, 0, rows - 1, out=y)
    y *= np.float32(columns)
    return np.add(x, y, out=x).astype(np.intp)


def _widened(own: np.ndarray) -> np.ndarray:
    """The object's own samples and those beside them: an outline is uncertain by a cell."""
    wide = own.copy()
    wide[:, :, 1:] |= own[:, :, :-1]
    wide[:, :, :-1] |= own[:, :, 1:]
    wide[:, 1:] |= own[:, :-1]
    wide[:, :-1] |= own[:, 1:]
    return wide


def _extremes(held: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First and last held sample (N, L) of each line, and whether it has one."""
    touched = held.any(axis=2)
    return np.argmax(held, axis=2), held.shape[2] - 1 - np.argmax(held[:, :, ::-1], axis=2), touched


def _measured(share: np.ndarray, held: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Share (N,) of measured depth at the object's outermost three cells, the worse of both sides."""
    index = np.arange(held.shape[2])
    shares = []
    for near in (index <= left[:, None] + 2, index >= right[:, None] - 2):
        at = (held & near[:, None, :]).astype(np.float32).reshape(len(held), -1)
        shares.append(np.einsum("ns,ns->n", at, share.reshape(at.shape)) / np.maximum(at.sum(axis=1), 1))
    return np.minimum(*shares)


def _off_centre(scene: Scene, position: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Distance (N,) [m] from the grasps to the middles of what is seen of the objects, level with the floor."""
    away = position - scene.middle_m[owner]
    return np.linalg.norm(away - np.outer(away @ scene.up, scene.up), axis=1)
