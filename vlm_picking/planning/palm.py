"""Room for a palm, and for what moves the fingers, above the grasp."""

import numpy as np

from vlm_picking.compiled import compiled
from vlm_picking.grasp import Gripper
from vlm_picking.planning.collision import under_a_disc
from vlm_picking.planning.height_map import BEFORE_M, CELL_M, UNIT_M, HeightMap

PALM_SPARE_M = 0.004
"""Room beside and below a palm that comes down."""
_CORNER_M = 0.008


def palm_reach_m(gripper: Gripper, between_m: np.ndarray) -> np.ndarray:
    """How far (N,) the palm reaches to either side along the closing direction, fingers (N,) `between_m` apart [m]."""
    between_m = np.minimum(between_m, gripper.max_opening_m)
    return np.maximum(gripper.palm_m[1] / 2, between_m / 2 + gripper.knuckle_m) + PALM_SPARE_M


def palm_hits(
    map_: HeightMap, gripper: Gripper, cell: np.ndarray, angle: np.ndarray, *, tip_m: np.ndarray, between_m: np.ndarray
) -> np.ndarray:
    """Whether (N,) the palm over middles `cell` (N, 2) would come down on something.

    Args:
        angle: (N,) directions of closing [rad].
        tip_m: (N,) heights of the tips; between_m: (N,) how far the fingers are apart.
    """
    half_width = gripper.palm_m[0] / 2
    radius = half_width + PALM_SPARE_M
    corner = min(_CORNER_M, half_width)
    under, under_corner = under_a_disc(map_, radius), under_a_disc(map_, corner)
    # Discs along the palm leave out its corners, so smaller ones are put there.
    reach = palm_reach_m(gripper, between_m)
    along, end = np.maximum(reach - radius, 0) / CELL_M, np.maximum(reach - corner, 0) / CELL_M
    direction = np.column_stack([np.cos(angle), np.sin(angle)])
    aside = (radius - corner) / CELL_M
    height = (tip_m + (gripper.finger_length_m - PALM_SPARE_M + BEFORE_M)) / UNIT_M
    return _hits(under, under_corner, cell, direction, along, end, aside, height)


@compiled
def _hits(
    under: np.ndarray, under_corner: np.ndarray, cell: np.ndarray, direction: np.ndarray, reach: np.ndarray,
    end: np.ndarray, aside: float, height: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Whether (N,) something stands higher than `height` (N,) in a map (rows, columns) along lines, or in another one
    at the corners of rectangles round them.

    Args:
        cell, direction: (N, 2), middles of the lines [cells, x and y] and their directions.
        reach, end: (N,) how far the lines and the rectangles go to either side [cells].
        aside: how far the rectangles go across their direction [cells].
    """
    hits, farthest = np.zeros(len(cell), np.bool_), 0.0
    for n in range(len(cell)):
        farthest = max(farthest, reach[n])
    most = int(np.ceil(farthest))
    for n in range(len(cell)):
        for corner in range(4):
            along, across = (end[n] if corner < 2 else -end[n]), (aside if corner % 2 else -aside)
            x = int(np.rint(cell[n, 0] + direction[n, 0] * along - direction[n, 1] * across))
            y = int(np.rint(cell[n, 1] + direction[n, 1] * along + direction[n, 0] * across))
            x, y = min(max(x, 0), under.shape[1] - 1), min(max(y, 0), under.shape[0] - 1)
            hits[n] = hits[n] or under_corner[y, x] > height[n]
        for along in range(-most, most + 1, 2):
            if abs(along) <= reach[n]:
                x = min(max(int(np.rint(cell[n, 0] + direction[n, 0] * along)), 0), under.shape[1] - 1)
                y = min(max(int(np.rint(cell[n, 1] + direction[n, 1] * along)), 0), under.shape[0] - 1)
                hits[n] = hits[n] or under[y, x] > height[n]
    return hits
