"""Compiled loops: against plain numpy, and each compiled for one type of arguments only."""

import importlib
import pkgutil
from functools import partial

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

import vlm_picking.planning
from tests.planning.synthetic import Box, look, walls
from vlm_picking import holes
from vlm_picking.gripper_files import load_gripper
from vlm_picking.planning import plan_grasps
from vlm_picking.planning.label_image import apart, extents
from vlm_picking.planning.landing import unlike
from vlm_picking.planning.painting import close_gaps, measured_share
from vlm_picking.planning.rings import axes_across
from vlm_picking.support import find_support
from vlm_picking.warming import warm_up_planning

GRIPPERS = (load_gripper("robotiq_2f85"), load_gripper("suction_30mm"))


def compiled_functions():
    names = [module.name for module in pkgutil.iter_modules(vlm_picking.planning.__path__)]
    modules = [importlib.import_module(f"vlm_picking.planning.{name}") for name in names]
    functions = {f for module in (holes, *modules) for f in vars(module).values() if isinstance(f, Dispatcher)}
    assert len(functions) > 20
    return functions


def test_the_first_plan_compiles_everything_and_later_ones_nothing():
    wide, small = Box((0.02, 0.01, 0.03), (0.16, 0.14, 0.06)), Box((-0.1, 0, 0.02), (0.05, 0.03, 0.04))
    shot = look([wide, small, *walls(0.4, 0.3, 0.06)])
    warm_up_planning(GRIPPERS, shot.frame.camera)
    before = {f: len(f.signatures) for f in compiled_functions()}
    assert max(before.values()) == 1, [f.__name__ for f, count in before.items() if count > 1]
    plan_grasps(shot.frame, shot.detections(), GRIPPERS, support=find_support(shot.frame))
    plan_grasps(shot.frame, shot.detections(), GRIPPERS)
    assert {f: len(f.signatures) for f in compiled_functions()} == before


@pytest.mark.parametrize("as_given", [np.asarray, np.asfortranarray, partial(np.repeat, repeats=1, axis=0)])
def test_boxes_and_labels_of_masks(as_given):
    rng = np.random.default_rng(3)
    masks = np.zeros((5, 40, 53), bool)
    for mask in masks[:4]:
        y, x = rng.integers(0, 30, 2)
        mask[y : y + rng.integers(2, 10), x : x + rng.integers(2, 20)] = True
    boxes = extents(as_given(masks))
    for mask, (top, bottom, left, right) in zip(masks[:4], boxes[:4].tolist(), strict=True):
        rows, columns = np.nonzero(mask)
        assert (top, bottom, left, right) == (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1)
    assert boxes[4, 0] == boxes[4, 1]
    seen = np.zeros(4, int)
    for indices, labels in apart(as_given(masks[:4]), boxes[:4]):
        order = sorted(range(len(indices)), key=lambda k: -masks[indices[k]].sum())
        wanted = np.full(masks.shape[1:], -1)
        for k in order:
            wanted[masks[indices[k]]] = k
        np.testing.assert_array_equal(labels, wanted)
        seen[indices] += 1
    assert (seen == 1).all()


def test_the_share_that_was_measured_is_that_of_the_points_in_and_around_a_cell():
    counts = np.random.default_rng(1).integers(0, 3, (2, 12, 9)).astype(np.int32)
    wide = np.pad(counts, ((0, 0), (1, 1), (1, 1)), mode="reflect")
    sums = np.lib.stride_tricks.sliding_window_view(wide, (3, 3), axis=(1, 2)).sum(axis=(3, 4))
    np.testing.assert_allclose(measured_share(counts), sums[1] / np.maximum(sums.sum(axis=0), 1), rtol=1e-6)


def test_a_gap_among_points_takes_the_highest_beside_it_and_a_shadow_stays():
    top, owner = np.full((9, 12), -np.inf, np.float32), np.full((9, 12), -1, np.int16)
    top[:, :6] = np.arange(54).reshape(9, 6)
    owner[:, :6] = 2
    top[4, 3], owner[4, 3] = -np.inf, -1
    close_gaps(top, owner)
    assert top[4, 3] == np.float32(5 * 6 + 4)
    assert owner[4, 3] == 2
    assert (top[:, 6:] == -np.inf).all()


@pytest.mark.parametrize(("height_m", "whose"), [(0.01, -1), (0.09, 2)], ids=["lower", "higher"])
def test_a_gap_beside_a_neighbour_belongs_to_whichever_is_higher(height_m, whose):
    top, owner = np.full((5, 7), 0.05, np.float32), np.full((5, 7), -1, np.int16)
    top[:, :3], owner[:, :3] = height_m, 2
    top[2, 3] = -np.inf
    close_gaps(top, owner)
    assert (top[2, 3], owner[2, 3]) == (np.float32(max(height_m, 0.05)), whose)


def test_of_what_is_alike_the_best_stays_and_of_equals_the_first():
    rng = np.random.default_rng(2)
    key, score = rng.integers(-40, 40, 400), rng.integers(0, 5, 400).astype(float)
    order = np.argsort(-score, kind="stable")
    wanted = order[np.unique(key[order], return_index=True)[1]]
    assert sorted(unlike(key, score)) == sorted(wanted)


def test_axes_lie_across_the_normal_and_each_other():
    normal = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    normal[0], normal[1] = (0, 0, 1), (0, 0, -1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    first, second = axes_across(normal)
    frames = np.stack([first, second, normal], axis=1)
    np.testing.assert_allclose(frames @ frames.transpose(0, 2, 1), np.tile(np.eye(3), (50, 1, 1)), atol=1e-5)
