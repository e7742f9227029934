"""Room along the straight approach, read off maps of heights: what would fingers or a cup come down on?"""

from functools import lru_cache

import cv2
import numpy as np

from vlm_picking.grasp import Gripper
from vlm_picking.planning.height_map import CELL_M, UNIT_M, HeightMap
from vlm_picking.planning.workspace import WORKSPACE

ANGLES = 12
"""Directions over half a turn for which the fingers' landing places are prepared."""
FLOOR_GIVES_M = 0.0013
"""How much nearer a finger may come to the bin's floor, which is measured as one plane, than to anything else."""


def landing_heights(map_: HeightMap, gripper: Gripper, *, spare_m: float) -> np.ndarray:
    """(ANGLES, rows, columns) uint16 [whole steps]: the highest surface under a finger that stands over each cell.

    A finger closes along angle k pi / ANGLES (from x to y); it has `spare_m` of room on all sides. Good until the next
    call in the same thread.
    """
    steps = map_.steps.copy()
    steps[map_.floor] -= np.uint16(FLOOR_GIVES_M / UNIT_M)
    stack = WORKSPACE.array("landing heights", (ANGLES, *steps.shape), np.uint16)
    for index in range(ANGLES):
        kernel = _rectangle(
            gripper.finger_thickness_m / 2 + spare_m, gripper.finger_width_m / 2 + spare_m / 2, index * np.pi / ANGLES
        )
        cv2.dilate(steps, kernel, dst=stack[index])
    return stack


def under_a_disc(map_: HeightMap, radius_m: float) -> np.ndarray:
    """(rows, columns) uint16 [whole steps]: the highest surface under an upright disc over each cell."""
    reach = max(1, round(radius_m / CELL_M))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return cv2.dilate(map_.steps, kernel)


@lru_cache(maxsize=64)
def _rectangle(half_along_m: float, half_across_m: float, angle: float) -> np.ndarray:
    reach = int(np.ceil(np.hypot(half_along_m, half_across_m) / CELL_M))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1] * CELL_M
    along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    slack = CELL_M / 2
    return ((np.abs(along) <= half_along_m + slack) & (np.abs(across) <= half_across_m + slack)).astype(np.uint8)
