"""Where objects balance that carry others: moved towards what covers them, and only by that."""

import numpy as np
import pytest

from vlm_picking.planning.burden import burdened
from vlm_picking.planning.height_map import CELL_M, HeightMap
from vlm_picking.transform import Transform

TURN = Transform(np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), np.array([0.1, 0.2, 0.3]))
MIDDLE = np.array([0.0, 0.0, 0.02])


def map_of(*others, camera_from_map=None):
    """A plate of 120 x 60 mm, 20 mm high, in the middle, and other things: x and y [m] and height [m]."""
    y, x = (np.mgrid[:100, :100] - 49.5) * CELL_M
    top, owner = np.zeros(x.shape, np.float32), np.full(x.shape, -1, np.int16)
    plate = (np.abs(x) < 0.06) & (np.abs(y) < 0.03)
    top[plate], owner[plate] = 0.02, 0
    for (x0, x1), (y0, y1), height in others:
        there = (x > x0) & (x < x1) & (y > y0) & (y < y1)
        top[there], owner[there] = height, -1
    pose = camera_from_map or Transform(np.eye(3), np.zeros(3))
    origin = np.full(2, -50 * CELL_M)
    measured, floor = np.ones_like(top), top == 0
    return HeightMap(camera_from_map=pose, origin_m=origin, top=top, owner=owner, measured=measured, floor=floor)


@pytest.mark.parametrize(
    "others",
    [[], [((0.04, 0.09), (-0.05, 0.05), 0.025)], [((0.07, 0.09), (-0.05, 0.05), 0.08)]],
    ids=["nothing on it", "what is hardly higher", "what stands apart"],
)
def test_it_stays_where_nothing_covers_the_object(others):
    np.testing.assert_allclose(burdened(map_of(*others), MIDDLE[None]), MIDDLE[None], atol=1e-9)


@pytest.mark.parametrize("half_m", [0.012, 0.05])
def test_it_moves_towards_what_covers_the_object(half_m):
    moved = burdened(map_of(((0.04, 0.09), (-half_m, half_m), 0.06)), MIDDLE[None])[0]
    assert 0.002 < moved[0] < 0.04
    np.testing.assert_allclose(moved[1:], MIDDLE[1:], atol=2e-3)


def test_it_turns_with_the_camera():
    load = ((0.04, 0.09), (0.0, 0.05), 0.06)
    straight = burdened(map_of(load), MIDDLE[None])
    turned = burdened(map_of(load, camera_from_map=TURN), TURN.apply(MIDDLE[None]))
    np.testing.assert_allclose(turned, TURN.apply(straight), atol=1e-9)
