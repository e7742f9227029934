"""Room for a palm, and for what moves the fingers, above the grasp."""

import numpy as np

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
    most = int(np.ceil(reach.max(initial=0)))
    along = np.arange(-most, most + 1, 2, dtype=np.float32)
    rows, columns = under.shape
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x = np.clip(np.rint(cell[:, :1] + c * along), 0, columns - 1).astype(np.intp)
    y = np.clip(np.rint(cell[:, 1:] + s * along), 0, rows - 1).astype(np.intp)
    high = under[y, x] > (tip_m + gripper.finger_length_m - PALM_SPARE_M)[:, None]
    return (high & (np.abs(along) <= reach[:, None])).any(axis=1)
