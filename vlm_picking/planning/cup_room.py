"""Room for a cup and its tube on their way to a spot, over a height map."""

from functools import lru_cache

import cv2
import numpy as np

from vlm_picking.compiled import compiled
from vlm_picking.grasp import Gripper
from vlm_picking.planning.height_map import CELL_M, HeightMap
from vlm_picking.planning.rings import axes_across

_ABOVE_M = (0.006, 0.014, 0.026, 0.042, 0.06, 0.08)
_TUBE_ABOVE_M = (0.1, 0.13, 0.16, 0.2)
_ROUND = 16
_SINKS = 0.3
SPARE_M, WELL_CLEAR_M = 0.001, 0.004
"""What has to be free beside a cup, and what is better free."""


def inner_parts(map_: HeightMap) -> np.ndarray:
    """(rows, columns) int16: which object a cell of a map and all cells beside it belong to, or -1."""
    around = np.ones((3, 3), np.uint8)
    lowest, highest = cv2.erode(map_.owner, around), cv2.dilate(map_.owner, around)
    return np.where(lowest == highest, lowest, np.int16(-1))


def room_above(
    map_: HeightMap,
    inside: np.ndarray,
    contact: np.ndarray,
    normal: np.ndarray,
    owner: np.ndarray,
    gripper: Gripper,
    *,
    spare_m: float = SPARE_M,
    coarse: bool = False,
) -> np.ndarray:
    """Least height (N,) [m] of the cup and its tube over whatever lies under them on the approach; below 0: a hit.

    The cup passes along the whole approach, so its edge is looked at all along; the tube stands above that, and where
    the approach begins higher still. Where it only meets the object itself it may press into it a little, as a lip does
    on what is round. A cell has the height of the highest that is seen in it, so that a millimetre to spare is enough:
    of the places on development scenes at which a cup seals and that are free in truth 8 % are taken for blocked, and
    of what is taken for free 99.8 % is.

    Args:
        inside: as `inner_parts` gives it.
        spare_m: how far nothing may be beside the cup and the tube.
        coarse: look at a quarter of the places, for a first choice.
    """
    place = _on_the_way(gripper.cup_radius_m + spare_m, gripper.tube_radius_m + spare_m, 2 if coarse else 1)
    rotation, origin = map_.camera_from_map.rotation, map_.camera_from_map.translation_m
    axes = np.stack([*axes_across(normal), normal]) @ rotation
    local = ((contact - origin) @ rotation).astype(np.float32)
    sinks_m = np.float32(_SINKS * gripper.cup_radius_m)
    return _least_room(map_.top, inside, map_.origin_m, CELL_M, local, axes.astype(np.float32), owner, place, sinks_m)


@lru_cache(maxsize=16)
def _on_the_way(lip_m: float, tube_m: float, every: int) -> np.ndarray:
    """(M, 3) float32 [m] places round a cup and its tube of given radii, along two axes across the approach and
    against it.
    """
    angle = np.arange(0, _ROUND, every) * (2 * np.pi / _ROUND)
    rings = [(lip_m, above) for above in _ABOVE_M] + [(tube_m, above) for above in _TUBE_ABOVE_M]
    return np.concatenate(
        [np.column_stack([r * np.cos(angle), r * np.sin(angle), np.full(len(angle), up)]) for r, up in rings[::every]]
    ).astype(np.float32)


@compiled
def _least_room(
    top: np.ndarray, inside: np.ndarray, origin_m: np.ndarray, cell_m: float, contact: np.ndarray,
    axes: np.ndarray, owner: np.ndarray, place: np.ndarray, sinks_m: float,
) -> np.ndarray:  # fmt: skip
    """See `room_above`.

    Args:
        top, inside: (rows, columns), of a map with its corner at origin_m (2,).
        contact: (N, 3) float32 [m, map's frame].
        axes: (3, N, 3) float32, two across each normal, and the normals.
        place: (M, 3) float32 [m] along the axes.
        sinks_m: how far what is pressed on may rise.
    """
    rows, columns = top.shape
    least, zero = np.empty(len(contact), np.float32), np.float32(0)
    low_x, low_y, per_m = np.float32(origin_m[0]), np.float32(origin_m[1]), np.float32(1 / cell_m)
    last_x, last_y = np.float32(columns - 1), np.float32(rows - 1)
    for n in range(len(contact)):
        px, py, pz = contact[n]
        room = np.float32(np.inf)
        for k in range(len(place)):
            a, b, up = place[k, 0], place[k, 1], place[k, 2]
            x = px + a * axes[0, n, 0] + b * axes[1, n, 0] + up * axes[2, n, 0]
            y = py + a * axes[0, n, 1] + b * axes[1, n, 1] + up * axes[2, n, 1]
            z = pz + a * axes[0, n, 2] + b * axes[1, n, 2] + up * axes[2, n, 2]
            x, y = (x - low_x) * per_m, (y - low_y) * per_m
            x, y = x if x > zero else zero, y if y > zero else zero
            column, row = np.int32(x if x < last_x else last_x), np.int32(y if y < last_y else last_y)
            gives = sinks_m if inside[row, column] == owner[n] else zero
            room = min(room, z - top[row, column] + gives)
        least[n] = room
    return least
