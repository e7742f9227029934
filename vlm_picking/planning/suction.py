"""Suction grasps on all objects at once: spots where a cup's rim finds a measured surface that it can follow.

The seal is judged as in Dex-Net 3.0 (Mahler 2018) by how far the surface under the rim departs from the cup, here on
rings read from the depth image instead of with a spring model; a bellows follows some of it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from vlm_picking.grasp import Gripper
from vlm_picking.planning.burden import burdened
from vlm_picking.planning.cup_rim import (
    BESIDE,
    COARSE,
    DIRECTIONS,
    LIP,
    first_normals,
    fitted,
    follows_m,
    gives_m,
    inwards,
    meets,
    refit,
    rings_of,
)
from vlm_picking.planning.cup_room import highest_beside, room_above
from vlm_picking.planning.proposal import (
    LEAST_MEASURED,
    Proposals,
    best_one_of_each,
    reject_in_turn,
    spread_of_each,
)
from vlm_picking.planning.quality import SUCTION, success
from vlm_picking.planning.scene import Scene

_SPOTS = 600
_SPOTS_OF_EACH = (20, 160)
_APART_M, _REFINED, _REFINED_OF_EACH = 0.05, 240, (12, 400)
_ROUGHLY_SEALED, _LEAST_SEALED = 0.6, 0.9
_MAY_TURN_RAD = 0.15
_LEAK = 0.15
_MANY_PIXELS, _SPARSEST, _ENOUGH_PIXELS = 8_000, 3, 5_000
_CLEAR_M = 0.01
_SHAKE = 6.0  # m/s^2 that a robot's motion adds to gravity
_CUP_SHARE = 0.72  # of the cup's outer area that holds
_SURELY = 8.0  # times what a load needs: "hold" is 1; at an eighth of it 0, between them it follows the logarithm
_FRICTION, _TIP = 0.6, 0.8  # of a rubber lip; moment that opens the lip, in force times radius
_BELOW_M, _UNSURE_M = 0.02, 0.005  # how deep things hang below the lip, and how well their balance is known
_USUAL_KG = 0.16


AIRY = frozenset("sponge foam towel cloth rag sock wool net mesh sieve colander basket teddy".split())
"""Words for things through which air is drawn, which depth does not show."""


def propose_suction(scene: Scene, gripper: Gripper, rejected: Counter) -> Proposals:
    """Suction grasps on all objects of the scene, in no order."""
    radius = gripper.cup_radius_m
    row, column, owner, balance = _spots(scene, radius)
    if not len(row):
        rejected["too narrow for the cup"] += int(scene.readable.sum())
        return Proposals.none(gripper)
    balance = burdened(scene.map, balance)
    contact = scene.cloud[row, column]
    normal, contact = first_normals(scene, contact, owner, radius)
    rings = rings_of(scene, contact, normal, owner, radius, directions=COARSE)
    normal, contact, off = refit(contact, normal, rings, radius)
    good = meets(off, rings.own, follows_m(gripper, contact))
    rough = reject_in_turn(
        [
            ("too little depth at the contact", fitted(rings.known).mean(axis=1) < LEAST_MEASURED),
            ("rim would not seal", good[:, LIP].mean(axis=2).min(axis=1) < _ROUGHLY_SEALED),
        ],
        rejected,
    )
    if not rough.any():
        return Proposals.none(gripper)
    contact, normal, owner, good = contact[rough], normal[rough], owner[rough], good[rough]
    beside = highest_beside(scene.map)
    kept = _worth_moving(scene, beside, contact, normal, owner, good, balance, gripper)
    rejected["less promising than others beside it"] += len(owner) - len(kept)
    contact, normal, owner, good = contact[kept], normal[kept], owner[kept], good[kept]
    for last in (False, True):
        contact = contact + inwards(good, normal, radius)
        # On the way a look in half of the directions is enough.
        rings = rings_of(
            scene, contact, normal, owner, radius, directions=DIRECTIONS if last else COARSE, straight=last
        )
        normal, contact, off = refit(contact, normal, rings, radius)
        follows = follows_m(gripper, contact)
        good = meets(off, rings.own, follows)
        tilt = np.arccos(np.clip(normal @ scene.up.astype(np.float32), -1, 1))
        if not last:
            near = reject_in_turn(
                [
                    ("surface too tilted", ~(tilt <= gripper.max_tilt_rad + _MAY_TURN_RAD)),
                    ("rim would not seal", good[:, LIP].mean(axis=2).min(axis=1) < _ROUGHLY_SEALED),
                ],
                rejected,
            )
            if not near.any():
                return Proposals.none(gripper)
            contact, normal, owner, good = contact[near], normal[near], owner[near], good[near]
    share = good.mean(axis=2)
    sealed, measured = share[:, LIP].min(axis=1), fitted(rings.known).mean(axis=1)
    # Higher than the lip gives way, just beside it, is what the cup would press on.
    outside = slice(BESIDE.start * DIRECTIONS, None)
    pressed = ((off[:, outside] > (2 * follows + 0.002)[:, None]) & ~rings.own[:, outside]).mean(axis=1)
    room = room_above(scene.map, beside, contact, normal, owner, gripper)
    alive = reject_in_turn(
        [
            ("too little depth at the contact", measured < LEAST_MEASURED),
            ("surface too tilted", ~(tilt <= gripper.max_tilt_rad)),
            ("rim would not seal", sealed < _LEAST_SEALED),
            ("cup would hit a neighbour", pressed > 0.1),
            ("tube would hit something", room < 0),
        ],
        rejected,
    )
    arm = contact - balance[owner]
    lever = np.linalg.norm(arm - np.outer(arm @ scene.up, scene.up), axis=1)
    need = _needed(np.sqrt(_USUAL_KG * scene.mass_kg)[owner], lever, tilt, radius)
    spare = gripper.vacuum_pa * np.pi * radius**2 * _CUP_SHARE / need
    terms = {
        "seal": np.clip(1 - (1 - sealed) / _LEAK, 0, 1),
        "margin": share[:, BESIDE.start],
        "flatness": np.exp(-np.square(gives_m(off, rings.own, follows) / follows)),
        "hold": np.clip(0.5 + np.log(spare) / (2 * np.log(_SURELY)), 0, 1),
        "center": np.exp(-np.square(lever / np.maximum(0.5 * scene.length_m[owner], radius))),
        "tilt": np.clip(np.cos(tilt), 0, 1),
        "measured": measured,
        "clearance": np.clip(room / _CLEAR_M, 0, 1),
        "on_top": scene.on_top[owner],
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
        insertion_m=zero,
        clearance_m=np.maximum(room.astype(np.float64), 0.0),
        terms=terms,
    )[alive]


def doubt_seals(proposals: Proposals, labels: Sequence[str]) -> Proposals:
    """The same grasps, with a low quality where an object's label (K,) names something that lets air through."""
    airtight = np.array([not AIRY & set(str(label).lower().split()) for label in labels], float)
    if not len(proposals) or airtight.all():
        return proposals
    terms = proposals.terms | {"airtight": airtight[proposals.owner]}
    return replace(proposals, terms=terms, quality=success(terms, SUCTION))


def _spots(scene: Scene, radius_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and owners (N,): grids over the objects' inner parts, their innermost spots and their middles.

    The fourth is where the objects (K,) are taken to balance.
    """
    window = scene.window
    labels = scene.labels[window]
    inner = (labels >= 0).astype(np.uint8)
    inner[:, 1:] &= labels[:, 1:] == labels[:, :-1]
    inner[1:] &= labels[1:] == labels[:-1]
    inner[0] = inner[-1] = 0
    inner[:, 0] = inner[:, -1] = 0
    left, top, width, height = cv2.boundingRect(inner)
    # With a frame of nothing, from which the distances count.
    top, left = max(top - 1, 0), max(left - 1, 0)
    inner = np.ascontiguousarray(inner[top : top + height + 2, left : left + width + 2])
    top, left, (height, width) = top + window[0].start, left + window[1].start, inner.shape
    # Of many pixels every fourth or ninth tells as much.
    every = int(np.clip(np.sqrt(cv2.countNonZero(inner) / _MANY_PIXELS) + 1, 1, _SPARSEST))
    sparse = slice(top, top + height, every), slice(left, left + width, every)
    labels, depth = scene.labels[sparse], scene.depth_m[sparse]
    edge_px = cv2.distanceTransform(inner, cv2.DIST_L2, 3)[::every, ::every]
    pixel = np.flatnonzero((edge_px > 0) & scene.known[sparse])
    row, column = np.divmod(pixel.astype(np.int32), np.int32(labels.shape[1]))
    owner = labels.ravel()[pixel].astype(np.intp)
    balance = _balance(scene, top + every * row, left + every * column, owner)
    deep, count = edge_px.ravel()[pixel], len(scene.readable)
    depth_m = np.bincount(owner, weights=depth.ravel()[pixel], minlength=count)
    radius_px = radius_m * scene.camera.fx * np.bincount(owner, minlength=count) / np.maximum(depth_m, 1e-6)
    most = np.zeros(count)
    np.maximum.at(most, owner, deep.astype(np.float64))  # slow on mixed types
    needed = np.maximum(np.minimum(0.75 * radius_px, 0.8 * most), 1)
    fits = (deep >= needed[owner]) & scene.readable[owner]
    row, column, owner, deep = row[fits], column[fits], owner[fits], deep[fits]
    if not len(row):
        return row, column, owner, balance
    objects = np.count_nonzero(np.bincount(owner))
    each = int(np.clip(_SPOTS // objects, *_SPOTS_OF_EACH))
    size = np.maximum(np.bincount(owner, minlength=count), 1)
    step = np.maximum(1, np.sqrt(size / each)).astype(np.int32)[owner]
    on_grid = (column % step == step // 2) & (row % step == step // 2)
    middle = [np.bincount(owner, weights=w, minlength=count) / size for w in (column, row)]
    off = np.square(column - middle[0][owner]) + np.square(row - middle[1][owner])
    chosen = np.concatenate([np.flatnonzero(on_grid), best_one_of_each(owner, -off), best_one_of_each(owner, deep)])
    chosen = np.unique(chosen)
    return top + every * row[chosen], left + every * column[chosen], owner[chosen], balance


def _worth_moving(
    scene: Scene,
    beside: tuple[np.ndarray, np.ndarray],
    contact: np.ndarray,
    normal: np.ndarray,
    owner: np.ndarray,
    good: np.ndarray,
    balance: np.ndarray,
    gripper: Gripper,
) -> np.ndarray:
    """Rows of the most promising spots of each object, spread over it: only they are worth further turns."""
    away = np.linalg.norm(contact - balance[owner], axis=1) / np.maximum(scene.length_m[owner], 1e-3)
    hits = np.clip(-room_above(scene.map, beside, contact, normal, owner, gripper, coarse=True), 0, _CLEAR_M)
    tilt = np.arccos(np.clip(normal @ scene.up.astype(np.float32), -1, 1))
    share = good.mean(axis=2)
    lip, beside = share[:, LIP] @ [0.43, 0.57], share[:, BESIDE] @ [0.67, 0.33]
    score = (
        0.7 * lip + 0.3 * beside - 0.3 * away - 0.5 / _CLEAR_M * hits - 2 * np.maximum(tilt - gripper.max_tilt_rad, 0)
    )
    # With few objects there is time to look more closely at each.
    limit = int(np.clip(_REFINED // len(np.unique(owner)), *_REFINED_OF_EACH))
    apart = _APART_M / np.sqrt(limit)
    return spread_of_each(owner, score, position_m=contact, apart_m=apart, limit=limit)


def _balance(scene: Scene, row: np.ndarray, column: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """The middles (K, 3) [m, optical frame] of the boxes round what is seen of the objects.

    They lie nearer to the centres of mass than the means of seen points do, which lean towards the camera.
    """
    every = max(1, len(row) // _ENOUGH_PIXELS)
    row, column, owner = row[::every], column[::every], owner[::every]
    middle, along = scene.middle_m.copy(), scene.longer_side
    depth = scene.depth_m.ravel()[row * np.int32(scene.camera.width) + column]
    x = (column.astype(np.float32) - np.float32(scene.camera.cx)) * depth
    y = (row.astype(np.float32) - np.float32(scene.camera.cy)) * depth
    for axis in (along, np.cross(scene.up, along)):
        # Along an axis a pixel lies at its depth times the product of its ray and the axis.
        offset = (scene.middle_m * axis).sum(axis=1)
        per_x, per_y, per_depth = axis[:, 0] / scene.camera.fx, axis[:, 1] / scene.camera.fy, axis[:, 2]
        per_x, per_y, per_depth, offset = (v.astype(np.float32)[owner] for v in (per_x, per_y, per_depth, offset))
        place = per_x * x + per_y * y + per_depth * depth - offset
        low, high = np.zeros(len(middle), np.float32), np.zeros(len(middle), np.float32)
        np.minimum.at(low, owner, place)
        np.maximum.at(high, owner, place)
        middle += ((low + high) / 2)[:, None] * axis
    return middle


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
