"""What grasps in physics say about quality: weights are found again, stay at least 0, and are judged on other bins."""

from dataclasses import replace

import numpy as np
import pytest

from vlm_picking.bench.cells import episode_seed
from vlm_picking.bench.fit_quality import (
    LEAST,
    Tried,
    best_held,
    fit_quality,
    fit_tables,
    predicted,
    quality_in_bins_left_out,
    report,
    tried,
)
from vlm_picking.grasp import GripperKind
from vlm_picking.planning.quality import JAW, SUCTION


def grasps(bins=400, *, weigh="depth", weight=8.0):
    """Jaw grasps, four in each bin, of which only one term tells whether they hold."""
    rng = np.random.default_rng(3)
    made = []
    for scene in range(bins):
        for _ in range(4):
            terms = {name: float(rng.uniform(0.5, 1)) for name in JAW if name != "bias"}
            chance = 1 / (1 + np.exp(-(3 + weight * (terms[weigh] - 1))))
            made.append(Tried(scene, GripperKind.PARALLEL_JAW, terms, bool(rng.random() < chance)))
    return made


def test_the_term_that_tells_gets_the_weight_and_no_weight_is_below_its_least():
    made = grasps()
    table = fit_tables(made)[GripperKind.PARALLEL_JAW]
    assert table.keys() == JAW.keys()
    assert table["depth"] == pytest.approx(8.0, abs=1.5)
    assert all(weight >= LEAST.get(name, 0) for name, weight in table.items() if name != "bias")
    assert table["upright"] < 0.5 * JAW["upright"]
    expected = predicted([grasp.terms for grasp in made], table)
    assert expected.mean() == pytest.approx(np.mean([grasp.held for grasp in made]), abs=0.01)


def test_a_few_grasps_hardly_move_a_table():
    few = grasps(bins=2)
    table = fit_quality([grasp.terms for grasp in few], np.array([grasp.held for grasp in few]), JAW)
    assert all(abs(table[name] - JAW[name]) < 1.5 for name in JAW if name != "bias")


def test_what_bins_left_out_are_expected_to_do_does_not_depend_on_them():
    made = grasps(bins=40)
    quality = quality_in_bins_left_out(made)
    turned = [replace(grasp, held=not grasp.held) if grasp.scene % 5 == 2 else grasp for grasp in made]
    own = np.array([grasp.scene % 5 == 2 for grasp in made])
    again = quality_in_bins_left_out(turned)
    np.testing.assert_array_equal(quality[own], again[own])
    assert np.all(quality[~own] != again[~own])


def test_the_best_of_each_bin_is_what_counts():
    terms = {name: 1.0 for name in JAW if name != "bias"}
    made = [Tried(k // 2, GripperKind.PARALLEL_JAW, terms, held) for k, held in enumerate([1, 0, 0, 1, 0, 0])]
    assert best_held(made, [0.9, 0.1, 0.9, 0.1, 0.5, 0.4]) == (1, 2)


def test_every_grasp_on_the_list_is_carried_out_by_its_gripper(capsys):
    done = tried(episode_seed(12, 8), ("suction_30mm", "robotiq_2f85"))
    assert len({grasp.kind for grasp in done}) == 2 and len(done) >= 3
    tables = {GripperKind.SUCTION: SUCTION, GripperKind.PARALLEL_JAW: JAW}
    assert all(grasp.terms.keys() == tables[grasp.kind].keys() - {"bias"} for grasp in done)
    report(done)
    assert f"{len(done)} grasps in 1 bins" in capsys.readouterr().out
