"""Room for a palm, and for what moves the fingers, above the grasp."""

import numpy as np

from vlm_picking.compiled import compiled
from vlm_picking.grasp import Gripper
from vlm_picking.planning.collision import under_a_disc
from vlm_picking.planning.height_map import CELL_M, HeightMap

PALM_SPARE_M = 0.004
"""Room beside and below a palm that comes down."""
_TO_CORNERS = 0.67


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
    radius = gripper.palm_m[0] / 2 + PALM_SPARE_M
    under = under_a_disc(map_, radius)
    # Discs along the palm leave out its corners; going on by a third of their radius covers most of those.
    reach = np.maximum(palm_reach_m(gripper, between_m) - _TO_CORNERS * radius, 0) / CELL_M
    direction = np.column_stack([np.cos(angle), np.sin(angle)])
    return _hits(under, cell, direction, reach, tip_m + gripper.finger_length_m - PALM_SPARE_M)


@compiled
def _hits(
    under: np.ndarray, cell: np.ndarray, direction: np.ndarray, reach: np.ndarray, height_m: np.ndarray
) -> np.ndarray:
    """Whether (N,) something stands higher than `height_m` (N,) in a map (rows, columns), along lines.

    Args:
        cell, direction: (N, 2), middles of the lines [cells, x and y] and their directions.
        reach: (N,) how far they go to either side [cells].
    """
    hits, farthest = np.zeros(len(cell), np.bool_), 0.0
    for n in range(len(cell)):
        farthest = max(farthest, reach[n])
    most = int(np.ceil(farthest))
    for n in range(len(cell)):
        for along in range(-most, most + 1, 2):
            if abs(along) <= reach[n]:
                x = min(max(int(np.rint(cell[n, 0] + direction[n, 0] * along)), 0), under.shape[1] - 1)
                y = min(max(int(np.rint(cell[n, 1] + direction[n, 1] * along)), 0), under.shape[0] - 1)
                hits[n] = hits[n] or under[y, x] > height_m[n]
    return hits
