"""Suction grasps on all objects at once: spots where a cup's rim finds a measured surface that it can follow.

The seal is judged as in Dex-Net 3.0 (Mahler 2018) by how far the surface under the rim departs from the cup, here on
two rings read from the depth image instead of with a spring model; a bellows follows some of it.
"""

from collections import Counter

import cv2
import numpy as np

from vlm_picking.depth import noise_m
from vlm_picking.grasp import Gripper
from vlm_picking.planning.collision import under_a_disc
from vlm_picking.planning.proposal import LEAST_MEASURED, Proposals, best_one_of_each, reject_in_turn
from vlm_picking.planning.quality import SUCTION, success
from vlm_picking.planning.scene import Scene

_SPOTS = 1000
_SPOTS_OF_EACH = (20, 90)
_DIRECTIONS = 24
_RINGS = (0.4, 0.8, 1.0, 1.25)
_RIM = slice(_DIRECTIONS, 3 * _DIRECTIONS)
_LEAST_SEALED = 0.8
_LEAK = 0.2
_ALONG_AXIS_M = (0.012, 0.02, 0.035, 0.055, 0.08)
_NEIGHBOUR_M = 0.004
_CLEAR_M = 0.01
_SHAKE = 6.0  # m/s^2 that a robot's motion adds to gravity
_CUP_SHARE = 0.72  # of the cup's outer area that holds


def propose_suction(scene: Scene, gripper: Gripper, rejected: Counter) -> Proposals:
    """Suction grasps on all objects of the scene, in no order."""
    radius = gripper.cup_radius_m
    row, column, owner = _spots(scene, radius)
    if not len(row):
        rejected["too narrow for the cup"] += int(scene.readable.sum())
        return Proposals.none(gripper)
    contact = scene.cloud[row, column]
    normal, contact = _first_normals(scene, contact, owner, radius)
    for _ in range(2):
        rings = _rings(scene, contact, normal, owner, radius)
        normal, contact, off, own = _refit(contact, normal, rings, radius)
    follows = gripper.lip_follow_ratio * radius + 0.25 * noise_m(contact[:, 2])
    rim_off, rim_own = np.abs(off[:, _RIM]), own[:, _RIM]
    good = rim_own & (rim_off < follows[:, None])
    sealed = good.reshape(len(good), 2, _DIRECTIONS).mean(axis=2).min(axis=1)
    departure = np.sqrt(np.where(rim_own, np.minimum(rim_off, 2 * follows[:, None]) ** 2, 0).mean(axis=1))
    known = scene.known[rings[0], rings[1]] & rings[2]
    measured = known[:, : 3 * _DIRECTIONS].mean(axis=1)
    # Higher than the lip gives way, just beside it, is what the cup would press on.
    outside = off[:, 2 * _DIRECTIONS :] > (2 * follows + 0.002)[:, None]
    beside = (outside & ~own[:, 2 * _DIRECTIONS :]).mean(axis=1)
    room = _room_above(scene, contact, normal, gripper)
    tilt = np.arccos(np.clip(normal @ scene.up.astype(np.float32), -1, 1))
    alive = reject_in_turn(
        [
            ("too little depth at the contact", measured < LEAST_MEASURED),
            ("surface too tilted", ~(tilt <= gripper.max_tilt_rad)),
            ("rim would not seal", sealed < _LEAST_SEALED),
            ("cup would hit a neighbour", beside > 0.1),
            ("tube would hit something", room < 0),
        ],
        rejected,
    )
    if not alive.any():
        return Proposals.none(gripper)
    lever = np.linalg.norm(np.cross(contact - scene.middle_m[owner], scene.up), axis=1)
    holds_n = gripper.vacuum_pa * np.pi * radius**2 * _CUP_SHARE
    mass = scene.mass_kg[owner]
    load = mass * (9.81 + 0.5 * _SHAKE) / holds_n
    peel = mass * (9.81 * lever + 0.5 * _SHAKE * 0.03) / (0.8 * holds_n * radius)
    seal = np.clip(1 - (1 - sealed) / _LEAK, 0, 1)
    terms = {
        "seal": seal,
        "flatness": np.exp(-np.square(departure / follows)),
        "hold": 1 / (1 + np.square(load) + np.square(peel) * 1.5),
        "center": np.exp(-np.square(lever / np.maximum(0.5 * scene.length_m[owner], radius))),
        "tilt": np.clip(np.cos(tilt), 0, 1),
        "measured": measured,
        "clearance": np.clip(room / _CLEAR_M, 0, 1),
        "on_top": scene.on_top[owner],
    }
    zero = np.zeros(len(row))
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


def _spots(scene: Scene, radius_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and owners (N,): grids over the objects' inner parts, their innermost spots and their middles."""
    window = scene.window
    labels = scene.labels[window]
    inner = (labels >= 0).astype(np.uint8)
    inner[:, 1:] &= labels[:, 1:] == labels[:, :-1]
    inner[1:] &= labels[1:] == labels[:-1]
    inner[0] = inner[-1] = 0
    inner[:, 0] = inner[:, -1] = 0
    edge_px = cv2.distanceTransform(inner, cv2.DIST_L2, 3)
    row, column = np.nonzero((edge_px > 0) & scene.known[window])
    owner = labels[row, column].astype(np.int64)
    deep, count = edge_px[row, column], len(scene.readable)
    depth_m = np.bincount(owner, weights=scene.cloud[window][row, column, 2], minlength=count)
    radius_px = radius_m * scene.camera.fx * np.bincount(owner, minlength=count) / np.maximum(depth_m, 1e-6)
    most = np.zeros(count)
    np.maximum.at(most, owner, deep)
    needed = np.maximum(np.minimum(0.75 * radius_px, 0.8 * most), 1)
    fits = (deep >= needed[owner]) & scene.readable[owner]
    row, column, owner, deep = row[fits], column[fits], owner[fits], deep[fits]
    if not len(row):
        return row, column, owner
    objects = max(len(np.unique(owner)), 1)
    each = int(np.clip(_SPOTS // objects, *_SPOTS_OF_EACH))
    size = np.maximum(np.bincount(owner, minlength=count), 1)
    step = np.maximum(1, np.sqrt(size / each)).astype(np.int64)[owner]
    on_grid = (column % step == step // 2) & (row % step == step // 2)
    middle = [np.bincount(owner, weights=w, minlength=count) / size for w in (column, row)]
    off = np.square(column - middle[0][owner]) + np.square(row - middle[1][owner])
    chosen = np.concatenate([np.flatnonzero(on_grid), best_one_of_each(owner, -off), best_one_of_each(owner, deep)])
    chosen = np.unique(chosen)
    return row[chosen] + window[0].start, column[chosen] + window[1].start, owner[chosen]


def _first_normals(
    scene: Scene, contact: np.ndarray, owner: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray]:
    """Normals (N, 3) of planes through the objects' own pixels round the contacts, and contacts on those planes."""
    reach = (radius * scene.camera.fx / contact[:, 2])[:, None]
    angle = np.arange(_DIRECTIONS) * (2 * np.pi / _DIRECTIONS)
    scale = np.repeat([0.35, 0.7, 0.95], _DIRECTIONS).astype(np.float32)
    dx = np.tile(np.cos(angle), 3).astype(np.float32) * scale
    dy = np.tile(np.sin(angle), 3).astype(np.float32) * scale
    u = contact[:, :1] / contact[:, 2:] * np.float32(scene.camera.fx) + np.float32(scene.camera.cx) + reach * dx
    v = contact[:, 1:2] / contact[:, 2:] * np.float32(scene.camera.fy) + np.float32(scene.camera.cy) + reach * dy
    row = np.clip(np.rint(v), 0, scene.camera.height - 1).astype(np.int32)
    column = np.clip(np.rint(u), 0, scene.camera.width - 1).astype(np.int32)
    own = (scene.labels[row, column] == owner[:, None].astype(np.int16)) & scene.known[row, column]
    local = scene.cloud[row, column] - contact[:, None]
    own &= np.abs(local[..., 2]) < 1.5 * radius
    slope, offset = _planes(local[..., 0], local[..., 1], local[..., 2], own)
    normal = np.column_stack([slope, -np.ones(len(slope), np.float32)])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    contact = contact.copy()
    contact[:, 2] += np.clip(offset, -0.004, 0.004)
    return normal.astype(np.float32), contact


def _planes(x: np.ndarray, y: np.ndarray, z: np.ndarray, use: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least squares z = a x + b y + c (N rows of points): slopes (N, 2) and c (N,)."""
    w = use.astype(np.float32)
    n = np.maximum(w.sum(axis=1), 1)
    mx, my, mz = ((w * q).sum(axis=1) / n for q in (x, y, z))
    dx, dy, dz = (x - mx[:, None]) * w, (y - my[:, None]) * w, z - mz[:, None]
    xx, yy, xy = (dx * dx).sum(axis=1), (dy * dy).sum(axis=1), (dx * dy).sum(axis=1)
    xz, yz = (dx * dz).sum(axis=1), (dy * dz).sum(axis=1)
    ridge = np.float32(1e-9) + np.float32(1e-3) * (xx + yy)
    xx, yy = xx + ridge, yy + ridge
    determinant = xx * yy - xy * xy
    a, b = (xz * yy - yz * xy) / determinant, (yz * xx - xz * xy) / determinant
    return np.column_stack([a, b]), mz - a * mx - b * my


def _axes(normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors (N, 3) across each normal (N, 3)."""
    helper = np.where(np.abs(normal[:, :1]) < 0.8, np.float32([[1, 0, 0]]), np.float32([[0, 1, 0]]))
    first = np.cross(normal, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    return first, np.cross(normal, first)


def _rings(scene: Scene, contact: np.ndarray, normal: np.ndarray, owner: np.ndarray, radius: float) -> tuple:
    """What lies under rings about the contacts: rows, columns, inside, own (N, M) and points in the cups' frames."""
    first, second = _axes(normal)
    angle = np.arange(_DIRECTIONS) * (2 * np.pi / _DIRECTIONS)
    place = np.concatenate([scale * radius * np.column_stack([np.cos(angle), np.sin(angle)]) for scale in _RINGS])
    place = place.astype(np.float32)
    points = contact[:, None] + place[:, 0, None] * first[:, None] + place[:, 1, None] * second[:, None]
    row, column, inside = scene.pixels_of(points)
    seen = scene.cloud[row, column] - contact[:, None]
    height = (seen @ normal[:, :, None])[..., 0]
    own = inside & (scene.labels[row, column] == owner[:, None].astype(np.int16))
    return row, column, inside, own, height, place


def _refit(
    contact: np.ndarray, normal: np.ndarray, rings: tuple, radius: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Turn the cups to meet the surface under their rims.

    Returns:
        Normals (N, 3), contacts (N, 3), and for all places of the rings their heights over the rims' planes (N, M)
        and whether they are the object's own.
    """
    *_, own, height, place = rings
    inner = slice(0, 3 * _DIRECTIONS)
    near = own[:, inner] & (np.abs(height[:, inner]) < 0.8 * radius)
    x = np.broadcast_to(place[inner, 0], near.shape)
    y = np.broadcast_to(place[inner, 1], near.shape)
    slope, offset = _planes(x, y, height[:, inner], near)
    residual = height[:, inner] - slope[:, :1] * x - slope[:, 1:] * y - offset[:, None]
    spread = np.sqrt((np.square(residual) * near).sum(axis=1) / np.maximum(near.sum(axis=1), 1))
    near &= np.abs(residual) < (2.0 * spread + 5e-4)[:, None]
    slope, offset = _planes(x, y, height[:, inner], near)
    off = height - slope[:, :1] * place[:, 0] - slope[:, 1:] * place[:, 1] - offset[:, None]
    first, second = _axes(normal)
    turned = normal - slope[:, :1] * first - slope[:, 1:] * second
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    return turned, contact + np.clip(offset, -0.004, 0.004)[:, None] * normal, off, own


def _room_above(scene: Scene, contact: np.ndarray, normal: np.ndarray, gripper: Gripper) -> np.ndarray:
    """Least height (N,) [m] of the cup and its tube over whatever lies under them on the approach; below 0: a hit."""
    lip = under_a_disc(scene.map, gripper.cup_radius_m + 0.001)
    tube = under_a_disc(scene.map, gripper.tube_radius_m + 0.002)
    sine = np.sqrt(np.maximum(1 - np.square(normal @ scene.up.astype(np.float32)), 0))
    row, column, height = scene.map.cells_of(contact.astype(np.float64))
    # At the contact the lip itself touches what it is pressed on, and leans with it.
    room = height + _NEIGHBOUR_M + gripper.cup_radius_m * (sine + 0.25) - lip[row, column]
    for away in _ALONG_AXIS_M:
        row, column, height = scene.map.cells_of((contact + away * normal).astype(np.float64))
        reach, surface = (gripper.cup_radius_m, lip) if away < 0.015 else (gripper.tube_radius_m, tube)
        np.minimum(room, height - reach * sine - surface[row, column] + _NEIGHBOUR_M / 2, out=room)
    return room


def _along(approach: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Unit vectors (N, 3) across the approaches (N, 3), as near to directions (N, 3) as that allows."""
    y = direction - (approach * direction).sum(axis=1, keepdims=True) * approach
    flat = np.linalg.norm(y, axis=1) < 1e-6
    y[flat] = np.cross(approach[flat], np.eye(3)[np.argmin(np.abs(approach[flat]), axis=1)])
    return y / np.linalg.norm(y, axis=1, keepdims=True)
