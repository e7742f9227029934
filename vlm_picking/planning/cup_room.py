"""Room for a cup and its tube on their way to a spot, over a height map."""

from functools import lru_cache

import cv2
import numpy as np

from vlm_picking.grasp import Gripper
from vlm_picking.planning.cup_rim import axes_across
from vlm_picking.planning.height_map import HeightMap

_ABOVE_M = (0.006, 0.014, 0.026, 0.042, 0.06, 0.08)
_TUBE_ABOVE_M = (0.1, 0.13, 0.16, 0.2)
_ROUND = 12
_SPARE_M, _SINKS = 0.002, 0.3


def highest_beside(map_: HeightMap) -> tuple[np.ndarray, np.ndarray]:
    """The highest surface in and beside each cell of a map, and which object all of them belong to, or -1."""
    around = np.ones((3, 3), np.uint8)
    lowest, highest = cv2.erode(map_.owner, around), cv2.dilate(map_.owner, around)
    return cv2.dilate(map_.top, around), np.where(lowest == highest, lowest, np.int16(-1))


def room_above(
    map_: HeightMap,
    beside: tuple[np.ndarray, np.ndarray],
    contact: np.ndarray,
    normal: np.ndarray,
    owner: np.ndarray,
    gripper: Gripper,
    *,
    coarse: bool = False,
) -> np.ndarray:
    """Least height (N,) [m] of the cup and its tube over whatever lies under them on the approach; below 0: a hit.

    The cup passes along the whole approach, so its edge is looked at all along; the tube stands above that, and where
    the approach begins higher still. Where it only meets the object itself it may press into it a little, as a lip does
    on what is round.

    Args:
        beside: what lies in and beside the map's cells (see highest_beside).
        coarse: look at a quarter of the places, for a first choice.
    """
    place = _on_the_way(gripper.cup_radius_m, gripper.tube_radius_m, 2 if coarse else 1)
    row, column, height = map_.cells_over(contact, (*axes_across(normal), normal), place)
    row *= map_.top.shape[1]
    row += column
    highest, inside = beside
    height -= highest.ravel().take(row)
    height += (inside.ravel().take(row) == owner[:, None].astype(np.int16)) * np.float32(_SINKS * gripper.cup_radius_m)
    return height.min(axis=1)


@lru_cache(maxsize=16)
def _on_the_way(cup_radius_m: float, tube_radius_m: float, every: int) -> np.ndarray:
    """(M, 3) float32 [m] places on the cup and its tube, along two axes across the approach and against it."""
    angle = np.arange(0, _ROUND, every) * (2 * np.pi / _ROUND)
    lip, tube = cup_radius_m + _SPARE_M, tube_radius_m + _SPARE_M
    rings = [(lip, above) for above in _ABOVE_M] + [(tube, above) for above in _TUBE_ABOVE_M]
    return np.concatenate(
        [np.column_stack([r * np.cos(angle), r * np.sin(angle), np.full(len(angle), up)]) for r, up in rings[::every]]
    ).astype(np.float32)
