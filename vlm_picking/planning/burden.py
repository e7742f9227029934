"""Where an object balances on which others lie: nearer to them than its own middle."""

import cv2
import numpy as np

from vlm_picking.planning.height_map import CELL_M, HeightMap

_HIGHER_BY_M = 0.012
_LOOK = 2
_STEPS = np.array([(dy, dx) for dy in (-_LOOK, 0, _LOOK) for dx in (-_LOOK, 0, _LOOK) if dy or dx])


def burdened(map_: HeightMap, balance_m: np.ndarray) -> np.ndarray:
    """Points (K, 3) [m, optical frame] over which K objects balance together with what lies on them.

    What covers a part of an object's outline, 12 mm higher than the object beside it, is taken to rest on it there: the
    balance moves from the object's own towards the middle of that part, by its share of the outline. On 42 objects of a
    development seed the true shift went that way (correlation 0.55) and was larger; it is not followed further, for
    what only stands beside an object looks the same.

    Args:
        map_: seen straight from above.
        balance_m: (K, 3) where the objects themselves are taken to balance.
    """
    owner, count = map_.owner, len(balance_m)
    around = np.ones((3, 3), np.uint8)
    edge = (cv2.dilate(owner, around) != cv2.erode(owner, around)) & (owner >= 0)
    edge[:_LOOK] = edge[-_LOOK:] = False
    edge[:, :_LOOK] = edge[:, -_LOOK:] = False
    here, columns = np.flatnonzero(edge), owner.shape[1]
    label, top, owner = owner.ravel()[here], map_.top.ravel(), owner.ravel()
    steps = (_STEPS @ [columns, 1])[:, None]
    beyond = owner[here + steps] != label
    own = np.where(owner[here - steps] == label, np.maximum(top[here - steps], top[here]), top[here])
    covered = np.count_nonzero(beyond & (top[here + steps] > own + np.float32(_HIGHER_BY_M)), axis=0)
    weight = np.bincount(label, weights=covered, minlength=count)
    share = weight / np.maximum(np.bincount(label, weights=np.count_nonzero(beyond, axis=0), minlength=count), 1)
    row, column = np.divmod(here, columns)
    middle = [
        np.bincount(label, weights=covered * cell, minlength=count) / np.maximum(weight, 1) for cell in (column, row)
    ]
    place = (np.column_stack(middle) + 0.5) * CELL_M + map_.origin_m
    rotation, origin = map_.camera_from_map.rotation, map_.camera_from_map.translation_m
    away = place - ((balance_m - origin) @ rotation)[:, :2]
    return balance_m + (share[:, None] * away) @ rotation[:, :2].T
