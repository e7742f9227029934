"""Clearing one small bin, and the rules of where to pick again and when to stop."""

import csv
import json
import sys

import numpy as np
import pytest

from vlm_picking import cli
from vlm_picking.bench.clear import Clearing, ClearingPick, FailedPick, _choose, clear_figures, run_clear
from vlm_picking.bench.pool import Job
from vlm_picking.errors import ConfigError
from vlm_picking.grasp import GraspCandidate, GripperKind
from vlm_picking.transform import Transform

JOB = Job(model="oracle", device="cpu", grippers=("suction_30mm", "robotiq_2f85"))


HERE = Transform(np.eye(3), np.zeros(3))


def grasp(key, x_m, *, gripper="cup", quality=0.5):
    return GraspCandidate(
        id=key, object_id=key, label="object", gripper=gripper, kind=GripperKind.SUCTION, quality=quality,
        camera_from_grasp=Transform(np.eye(3), np.array([x_m, 0.0, 1.0])), center_px=(0.0, 0.0),
    )  # fmt: skip


def failed(x_m, *, gripper="cup", cause="pulled off"):
    return FailedPick(place_m=np.array([x_m, 0.0, 1.0]), gripper=gripper, cause=cause)


def test_places_that_failed_are_left_for_others_and_given_up_after_three():
    here, there = grasp(0, 0.0), grasp(1, 0.1)
    still = failed(0.01)
    assert _choose([here, there], HERE, []) is here
    assert _choose([here, there], HERE, [still]) is there
    assert _choose([here], HERE, [still, still]) is here
    assert _choose([here], HERE, [still, still, still]) is None
    assert _choose([], HERE, []) is None


def test_where_one_gripper_failed_another_is_tried_before_it_fails_again():
    cup, jaw = grasp(0, 0.0, quality=0.9), grasp(1, 0.0, gripper="jaw", quality=0.4)
    assert _choose([cup, jaw], HERE, []) is cup
    assert _choose([cup, jaw], HERE, [failed(0.0)]) is jaw
    assert _choose([cup, jaw], HERE, [failed(0.0), failed(0.0, gripper="jaw")]) is cup
    assert _choose([cup, jaw], HERE, [failed(0.0)] * 3) is jaw


def test_no_seal_speaks_against_the_cup_all_round_and_for_good():
    beside, far = np.array([0.05, 0.0, 1.0]), np.array([0.5, 0.0, 1.0])
    assert failed(0.0, cause="no seal").is_near(beside, "cup")
    assert not failed(0.0, cause="no seal").is_near(beside, "jaw")
    assert not failed(0.0).is_near(beside, "cup")
    assert failed(0.0).outlives(far) and not failed(0.0).outlives(beside)
    assert failed(0.0, cause="no seal").outlives(beside)


def pick(result, *, gripper="cup", held=()):
    return ClearingPick(
        seed=1, number=0, left=2, gripper=gripper, aimed="mug", held=held, result=result, planning_ms=10.0
    )


def test_figures_of_known_bins():
    picks = (pick("success", held=("mug",)), pick("no seal"), pick("success", held=("can", "-")))
    bins = [
        Clearing(seed=1, objects=3, cleared=3, lost=0, left=(), picks=picks),
        Clearing(seed=2, objects=3, cleared=0, lost=1, left=("mug", "mug"), picks=(pick("no grasp", gripper=""),) * 2),
    ]
    figures = clear_figures(bins)
    assert figures["share_cleared"] == 0.5 and figures["picks_per_object"] == 1.0
    assert (figures["picks"], figures["looks_without_grasp"], figures["lost"], figures["left"]) == (3, 2, 1, 2)
    assert figures["bins_emptied"] == 0.5
    assert figures["failures"] == {"no grasp": 2, "no seal": 1}
    assert figures["left_kinds"] == {"mug": 2}


@pytest.mark.parametrize("masks", ["geometry", "oracle"])
def test_a_bin_is_cleared_object_by_object(masks):
    (done,) = run_clear(JOB, scenes=1, seed=7, masks=masks, workers=1)  # four objects
    assert done.cleared + done.lost + len(done.left) == done.objects
    assert done.cleared == sum(len(row.held) for row in done.picks) > 0
    lefts = [row.left for row in done.picks]
    assert lefts == sorted(lefts, reverse=True)
    assert not done.left or [bool(row.gripper) for row in done.picks[-2:]] == [False, False] or len(done.picks) > 20


def test_true_masks_are_only_the_oracles():
    job = Job(model="embedded", device="cpu", grippers=("suction_30mm",))
    with pytest.raises(ConfigError, match="only the oracle has true masks"):
        run_clear(job, scenes=1, seed=0, masks="oracle", workers=1)
    with pytest.raises(ConfigError, match="unknown masks 'best'"):
        run_clear(job, scenes=1, seed=0, masks="best", workers=1)


def test_the_command_writes_figures_and_rows(monkeypatch, capsys, tmp_path):
    line = ["vlm-picking", "bench", "clear", "--scenes", "1", "--seed", "10", "--json", "--workers", "1"]
    monkeypatch.setattr(sys, "argv", [*line, "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    figures = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert figures.keys() >= {"share_cleared", "ci95", "picks_per_object", "objects", "seed", "machine", "masks"}
    assert 0.0 <= figures["share_cleared"] <= 1.0
    with (tmp_path / "clear.csv").open() as file:
        assert len(list(csv.DictReader(file))) == figures["picks"] + figures["looks_without_grasp"]
