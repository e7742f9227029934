"""Buffers that are used again: memory stays flat, and no plan shows what an earlier or another one left in them."""

import gc
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from resource import RUSAGE_SELF, getrusage

import numpy as np
import pytest

from tests.planning.synthetic import Box, look, walls
from vlm_picking.gripper_files import load_gripper
from vlm_picking.planning import plan_grasps
from vlm_picking.planning.workspace import WORKSPACE, Workspace
from vlm_picking.support import find_support

GRIPPERS = (load_gripper("robotiq_2f85"), load_gripper("suction_30mm"))
WALLS = walls(0.4, 0.3, 0.06)


def bin_of(places):
    shot = look([*(Box((x, y, 0.02), (0.06, 0.04, 0.04), turn) for x, y, turn in places), *WALLS])
    found = shot.detections()
    found = found[np.flatnonzero(found.id < len(places))]
    return shot.frame, found, find_support(shot.frame)


@pytest.fixture(scope="module")
def bins():
    return [bin_of([(-0.1, 0.03, 0.2), (0.08, -0.04, 1.0)]), bin_of([(0.0, 0.0, 0.4)])]


def planned(one):
    frame, found, support = one
    return [
        (c.object_id, c.gripper, c.quality, *c.camera_from_grasp.translation_m.tolist())
        for c in plan_grasps(frame, found, GRIPPERS, support=support).candidates
    ]


def test_a_buffer_is_the_same_memory_again_and_grows():
    space = Workspace()
    first = space.array("a", (3, 4), np.float32)
    assert np.shares_memory(first, space.array("a", (2, 5), np.float32))
    assert not np.shares_memory(first, space.array("b", (3, 4), np.float32))
    assert not np.shares_memory(first, space.array("a", (3, 4), np.int32))
    assert space.array("a", (5, 5), np.float32).shape == (5, 5)
    assert space.size_bytes == 4 * (25 + 12 + 12)


def test_each_thread_has_buffers_of_its_own():
    space = Workspace()
    mine = space.array("a", (8,), np.uint8)
    with ThreadPoolExecutor(1) as pool:
        assert not np.shares_memory(mine, pool.submit(space.array, "a", (8,), np.uint8).result())


def test_a_plan_does_not_hang_on_what_was_planned_before(bins):
    alone = [planned(one) for one in bins]
    assert all(alone)
    assert [planned(one) for one in reversed(bins)] == alone[::-1]


def test_threads_that_plan_at_once_do_not_disturb_each_other(bins):
    alone = [planned(one) for one in bins]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(planned, bins * 4)) == alone * 4


def test_memory_is_flat_over_200_frames(bins):
    for one in bins * 3:
        planned(one)
    held = WORKSPACE.size_bytes
    assert 0 < held < 64 * 2**20
    peak = getrusage(RUSAGE_SELF).ru_maxrss
    for _ in range(192):
        planned(bins[1])
    assert WORKSPACE.size_bytes == held
    assert getrusage(RUSAGE_SELF).ru_maxrss - peak < 8 * 2**10
    tracemalloc.start()
    try:
        grown = []
        for _ in range(4):
            for one in bins:
                planned(one)
            gc.collect()
            grown.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert grown[-1] - grown[0] < 8 * 2**10
