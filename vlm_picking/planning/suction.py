"""Suction grasps on all objects at once: spots where a cup's rim finds a measured surface that it can follow.

The seal is judged as in Dex-Net 3.0 (Mahler 2018) by how far the surface under the rim departs from the cup, here on
rings read from the depth image instead of with a spring model; a bellows follows some of it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vlm_picking.grasp import Gripper
from vlm_picking.planning.burden import burdened
from vlm_picking.planning.cup_rim import COARSE, Seats, first_normals, seated
from vlm_picking.planning.cup_room import WELL_CLEAR_M, inner_parts, room_above
from vlm_picking.planning.proposal import Proposals, reject_in_turn, spread_of_each
from vlm_picking.planning.quality import SUCTION, success
from vlm_picking.planning.rings import BESIDE, LIP
from vlm_picking.planning.scene import Scene
from vlm_picking.planning.spots import spots

_APART_M, _REFINED, _REFINED_OF_EACH = 0.05, 240, (12, 400)
_ROUGHLY_SEALED, _LEAST_SEALED = 0.6, 0.9
_LEAST_MEASURED = 0.6
_LEANS_RAD = (0.1, 0.2)  # how far a bellows may stand askew on a surface, tried in turn
_ASKEW_RAD = 0.25
_LEAK = 0.15
_CLEAR_M = 0.01
_SHAKE = 6.0  # m/s^2 that a robot's motion adds to gravity
_CUP_SHARE = 0.72  # of the cup's outer area that holds
_SURELY = 8.0  # times what a load needs: "hold" is 1; at an eighth of it 0, between them it follows the logarithm
_COVERED, _LADEN = 0.75, 0.15  # what is covered more came along as often, and what bears more
_FRICTION, _TIP = 0.6, 0.8  # of a rubber lip; moment that opens the lip, in force times radius
_BELOW_M, _UNSURE_M = 0.02, 0.005  # how deep things hang below the lip, and how well their balance is known
_USUAL_KG = 0.16


AIRY = frozenset("sponge foam towel cloth rag sock wool net mesh sieve colander basket teddy".split())
"""Words for things through which air is drawn, which depth does not show."""


def propose_suction(scene: Scene, gripper: Gripper, rejected: Counter) -> Proposals:
    """Suction grasps on all objects of the scene, in no order."""
    radius = gripper.cup_radius_m
    row, column, owner, balance = spots(scene, radius)
    if not len(row):
        rejected["too narrow for the cup"] += int(scene.readable.sum())
        return Proposals.none(gripper)
    balance, inside = burdened(scene.map, balance), inner_parts(scene.map)
    seats, owner = _seats(scene, scene.points_of(row, column), owner, inside, balance, gripper, rejected)
    normal, lean, room = _ways(scene, inside, seats, owner, gripper)
    tilt = _tilt(scene, normal)
    free = reject_in_turn(
        [("surface too tilted", ~(tilt <= gripper.max_tilt_rad)), ("tube would hit something", room < 0)], rejected
    )
    if not free.any():
        return Proposals.none(gripper)
    seats, owner, normal, tilt, lean, room = (of_each[free] for of_each in (seats, owner, normal, tilt, lean, room))
    contact, sealed = seats.contact, seats.sealed[:, LIP].min(axis=1)
    clear = room_above(scene.map, inside, contact, normal, owner, gripper, spare_m=WELL_CLEAR_M)
    arm = contact - balance[owner]
    lever = np.linalg.norm(arm - np.outer(arm @ scene.up, scene.up), axis=1)
    need = _needed(np.sqrt(_USUAL_KG * scene.mass_kg)[owner], lever, tilt, radius)
    spare = gripper.vacuum_pa * np.pi * radius**2 * _CUP_SHARE / need
    terms = {
        "seal": np.clip(1 - (1 - sealed) / _LEAK, 0, 1),
        "margin": seats.sealed[:, BESIDE.start],
        "flatness": np.exp(-np.square(seats.gives_m / seats.follows_m)),
        "hold": np.clip(0.5 + np.log(spare) / (2 * np.log(_SURELY)), 0, 1),
        "center": np.exp(-np.square(lever / np.maximum(0.5 * scene.length_m[owner], radius))),
        "tilt": np.clip(np.cos(tilt), 0, 1),
        "facing": 1 - lean / _ASKEW_RAD,
        "measured": seats.measured,
        "clearance": np.clip(clear / _CLEAR_M, 0, 1),
        "on_top": np.maximum(scene.on_top[owner], _COVERED),
        "bare": 1 - np.clip(scene.load.share[owner] / _LADEN, 0, 1),
        "airtight": np.ones(len(contact)),
    }
    zero = np.zeros(len(contact))
    return Proposals(
        gripper=gripper,
        owner=owner,
        position_m=contact.astype(np.float64),
        approach=-normal.astype(np.float64),
        closing=_along(-normal.astype(np.float64), scene.longer_side[owner]),
        quality=success(terms, SUCTION),
        opening_m=zero,
        pregrasp_opening_m=zero,
        insertion_m=zero,
        clearance_m=room.astype(np.float64),
        terms=terms,
    )


def _seats(
    scene: Scene,
    contact: np.ndarray,
    owner: np.ndarray,
    inside: np.ndarray,
    balance: np.ndarray,
    gripper: Gripper,
    rejected: Counter,
) -> tuple[Seats, np.ndarray]:
    """Where cups that begin at contacts (N, 3) on objects owner (N,) come to seal, and whose surface (M,) that is."""
    normal, contact = first_normals(scene, contact, owner, gripper.cup_radius_m)
    seats = seated(scene, contact, normal, owner, gripper, directions=COARSE)
    rough = reject_in_turn(
        [
            ("too little depth at the contact", seats.measured < _LEAST_MEASURED),
            ("rim would not seal", seats.sealed[:, LIP].min(axis=1) < _ROUGHLY_SEALED),
        ],
        rejected,
    )
    seats, owner = seats[rough], owner[rough]
    if not len(owner):
        return seats, owner
    kept = _worth_moving(scene, inside, seats, owner, balance, gripper)
    rejected["less promising than others beside it"] += len(owner) - len(kept)
    seats, owner = seats[kept], owner[kept]
    # On the way a look in half of the directions is enough.
    seats = seated(scene, seats.contact + seats.inwards, seats.normal, owner, gripper, directions=COARSE)
    near = reject_in_turn(
        [
            ("surface too tilted", ~(_tilt(scene, seats.normal) <= gripper.max_tilt_rad + _LEANS_RAD[-1])),
            ("rim would not seal", seats.sealed[:, LIP].min(axis=1) < _ROUGHLY_SEALED),
        ],
        rejected,
    )
    seats, owner = seats[near], owner[near]
    seats = seated(scene, seats.contact + seats.inwards, seats.normal, owner, gripper, straight=True)
    sits = reject_in_turn(
        [
            ("too little depth at the contact", seats.measured < _LEAST_MEASURED),
            ("rim would not seal", seats.sealed[:, LIP].min(axis=1) < _LEAST_SEALED),
            # Higher than the lip gives way, just beside it, is what the cup would press on.
            ("cup would hit a neighbour", seats.pressed > 0.1),
        ],
        rejected,
    )
    return seats[sits], owner[sits]


def doubt_seals(proposals: Proposals, labels: Sequence[str]) -> Proposals:
    """The same grasps, with a low quality where an object's label (K,) names something that lets air through."""
    airtight = np.array([not AIRY & set(str(label).lower().split()) for label in labels], float)
    if not len(proposals) or airtight.all():
        return proposals
    terms = proposals.terms | {"airtight": airtight[proposals.owner]}
    return replace(proposals, terms=terms, quality=success(terms, SUCTION))


def _worth_moving(
    scene: Scene,
    inside: np.ndarray,
    seats: Seats,
    owner: np.ndarray,
    balance: np.ndarray,
    gripper: Gripper,
) -> np.ndarray:
    """Rows of the most promising spots of each object, spread over it: only they are worth further turns."""
    contact = seats.contact
    away = np.linalg.norm(contact - balance[owner], axis=1) / np.maximum(scene.length_m[owner], 1e-3)
    hits = np.clip(-room_above(scene.map, inside, contact, seats.normal, owner, gripper, coarse=True), 0, _CLEAR_M)
    tilted = np.maximum(_tilt(scene, seats.normal) - gripper.max_tilt_rad, 0)
    lip, beside = seats.sealed[:, LIP] @ [0.43, 0.57], seats.sealed[:, BESIDE] @ [0.67, 0.33]
    score = 0.7 * lip + 0.3 * beside - 0.3 * away - 0.5 / _CLEAR_M * hits - 2 * tilted
    # With few objects there is time to look more closely at each.
    limit = int(np.clip(_REFINED // len(np.unique(owner)), *_REFINED_OF_EACH))
    apart = _APART_M / np.sqrt(limit)
    return spread_of_each(owner, score, position_m=contact, apart_m=apart, limit=limit)


def _ways(
    scene: Scene, inside: np.ndarray, seats: Seats, owner: np.ndarray, gripper: Gripper
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How the cups come: along the surface's normal, or nearer to upright where that way is blocked or too tilted.

    Returns:
        Unit vectors (N, 3) float32 against the approaches, how far (N,) [rad] they lean away from the normals, and the
        room (N,) as in `room_above`.
    """
    way, lean, steep = seats.normal.copy(), np.zeros(len(owner), np.float32), _tilt(scene, seats.normal)
    room = room_above(scene.map, inside, seats.contact, way, owner, gripper)
    for angle in _LEANS_RAD:
        worse = np.flatnonzero((room < 0) | (steep - lean > gripper.max_tilt_rad))
        if not len(worse):
            break
        nearer = _towards(seats.normal[worse], scene.up.astype(np.float32), angle)
        way[worse], lean[worse] = nearer, np.minimum(steep[worse], angle)
        room[worse] = room_above(scene.map, inside, seats.contact[worse], nearer, owner[worse], gripper)
    return way, lean, room


def _towards(normal: np.ndarray, up: np.ndarray, angle: float) -> np.ndarray:
    """Unit vectors (N, 3) turned by an angle [rad] towards a unit vector (3,), no further than onto it."""
    cos = np.clip(normal @ up, -1, 1)
    across = normal - cos[:, None] * up
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    left = np.maximum(np.arccos(cos) - angle, 0)[:, None]
    return (np.cos(left) * up + np.sin(left) * across).astype(np.float32)


def _tilt(scene: Scene, normal: np.ndarray) -> np.ndarray:
    """Angles (N,) [rad] between straight up out of the bin and unit vectors (N, 3)."""
    return np.arccos(np.clip(normal @ scene.up.astype(np.float32), -1, 1))


def _needed(mass_kg: np.ndarray, lever_m: np.ndarray, tilt: np.ndarray, radius_m: float) -> np.ndarray:
    """The force (N,) [N] with which vacuum must press an object on the lip, so that it neither slides nor tips off."""
    weight, shaken = 9.81 * mass_kg, _SHAKE * mass_kg
    shear = weight * np.sin(tilt) + shaken
    moment = weight * np.hypot(lever_m, _UNSURE_M) + shaken * _BELOW_M
    return weight * np.cos(tilt) + np.hypot(shear / _FRICTION, moment / (_TIP * radius_m))


def _along(approach: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Unit vectors (N, 3) across the approaches (N, 3), as near to directions (N, 3) as that allows."""
    y = direction - (approach * direction).sum(axis=1, keepdims=True) * approach
    flat = np.linalg.norm(y, axis=1) < 1e-6
    y[flat] = np.cross(approach[flat], np.eye(3)[np.argmin(np.abs(approach[flat]), axis=1)])
    return y / np.linalg.norm(y, axis=1, keepdims=True)
