"""Picks of real scenes through the real pipeline and physics, few of them; figures from attempts written by hand."""

import csv
import json
import math
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest

from vlm_picking import cli
from vlm_picking.bench.cells import choose_target, clearing_seed, episode_seed
from vlm_picking.bench.episodes import Attempt, Episode
from vlm_picking.bench.metrics import wilson_interval
from vlm_picking.bench.picks import picks_figures, picks_rows
from vlm_picking.bench.scenes import scene_seed
from vlm_picking.errors import ConfigError
from vlm_picking.sim.truth import FrameTruth, TrueObject

GRIPPERS = ("suction_30mm", "robotiq_2f85")
KEYS = {
    "success_rate", "ci95", "wrong_object_rate", "no_grasp_rate", "collision_rate", "n", "planning_ms_p50", "failures",
    "control", "per_kind", "has_seal_success_rate", "seal_holds_success_rate", "mistaken_rate", "brought",
}  # fmt: skip


@pytest.fixture(scope="module")
def episode():
    return Episode(episode_seed(3, 0), GRIPPERS)


def attempt(result, *, control=False, gripper="cup", kind="mug", has_seal=None, seal_holds=None, collided=""):
    return Attempt(
        seed=1, scene_seed=1, prompt="pick the mug", kind=kind, control=control, gripper=gripper, result=result,
        planning_ms=20.0, has_seal=has_seal, seal_holds=seal_holds, collided=collided,
    )  # fmt: skip


def test_what_can_be_reached_from_one_side_alone_is_picked_leaning():
    # A fork on the floor beside something tall: jaws once closed on nothing above it.
    fork = Episode(episode_seed(13, 43), ("wsg_50_long_fingers",))
    picked = fork.planned(None)
    assert picked.result == "success", picked
    assert picked.terms["upright"] < 1.0


def test_wilson_interval():
    # Wilson's own form, worked out by hand for 95 of 100.
    low, high = wilson_interval(95, 100)
    assert (low, high) == pytest.approx((0.8882, 0.9785), abs=2e-4)
    assert wilson_interval(0, 0) is None
    assert wilson_interval(10, 10)[1] == pytest.approx(1.0)


def test_figures_of_known_attempts():
    alone = {"has_seal": True, "seal_holds": True}
    planned = [
        replace(attempt("success", **alone), brought=True),
        replace(attempt("success", **alone, collided="neighbour", kind="can"), brought=True),
        attempt("no seal", has_seal=False, seal_holds=False),
        attempt("pulled off", has_seal=True, seal_holds=False),
        replace(attempt("wrong object", has_seal=False), held=("mug", "can"), brought=True),
        replace(attempt("wrong object", has_seal=False), held=("can",)),
        attempt("no grasp", gripper="", has_seal=False),
        replace(attempt("not seen", gripper="", has_seal=True), planning_ms=float("nan")),
        attempt("collision", collided="bin", has_seal=True, seal_holds=True),
    ]
    control = [attempt("success" if i == 0 else "missed", control=True) for i in range(9)]
    figures = picks_figures(list(zip(planned, control, strict=True)))
    assert figures.keys() >= KEYS
    assert (figures["success_rate"], figures["n"]) == (2 / 9, 9)
    assert figures["wrong_object_rate"] == 2 / 9
    assert figures["mistaken_rate"] == 1 / 9
    assert figures["brought"] == {"success_rate": 3 / 9, "ci95": wilson_interval(3, 9), "n": 9}
    assert (figures["no_grasp_rate"], figures["not_seen_rate"]) == (2 / 9, 1 / 9)
    assert figures["collision_rate"] == 2 / 9
    assert figures["planning_ms_p50"] == 20.0
    assert (figures["has_seal_success_rate"], figures["has_seal"]["n"]) == (2 / 5, 5)
    assert (figures["seal_holds_success_rate"], figures["seal_holds"]["n"]) == (2 / 3, 3)
    assert figures["control"] == {"success_rate": 1 / 9, "ci95": wilson_interval(1, 9), "n": 9}
    assert sum(figures["failures"].values()) == 7
    assert figures["per_kind"]["can"]["success_rate"] == 1.0


def test_seeds_share_no_scene():
    seeds = {f(s, i) for f in (scene_seed, episode_seed, clearing_seed) for s in (0, 1, 1999) for i in (0, 999_999)}
    assert len(seeds) == 3 * 3 * 2
    with pytest.raises(ConfigError, match="a seed is 0 to"):
        episode_seed(2000, 0)


def test_only_what_its_words_fit_alone_is_asked_for():
    def item(key, kind, colour, visible=1.0):
        return TrueObject(kind=kind, colour=colour, id=key, xyxy=(0, 0, 1, 1), visible=visible)

    ids = np.repeat(np.arange(1, 7, dtype=np.uint8), 2000).reshape(60, 200)
    objects = (
        item(1, "mug", "red"), item(2, "mug", "blue"), item(3, "mug", "blue"), item(4, "can", "red", 0.3),
        item(5, None, "red"), item(6, "bolt", "grey"),
    )  # fmt: skip
    rng = np.random.default_rng(0)
    asked = {choose_target(FrameTruth(objects=objects, ids=ids), rng)[1] for _ in range(40)}
    assert asked == {"red mug", "bolt"}


def test_an_episode_begins_anew_for_each_pick(episode):
    first, control, again = episode.planned(None), episode.control(), episode.planned(None)
    assert replace(first, planning_ms=0.0) == replace(again, planning_ms=0.0)
    assert control.control and not first.control
    assert (control.prompt, control.seed) == (first.prompt, first.seed)
    assert control.gripper in GRIPPERS


def test_where_cups_alone_pick_an_object_is_tried_for_a_seal(episode):
    alone = Episode(episode_seed(3, 0), ("suction_30mm",)).planned(None)
    assert alone.has_seal in (True, False) and (alone.has_seal or not alone.seal_holds)
    assert episode.planned(None).has_seal is None


def test_other_candidates_can_be_carried_out(episode):
    best = episode.planned(None)
    grasps = episode.result.grasps
    last = episode.planned(None, rank=len(grasps) - 1)
    assert (best.quality, last.quality) == (grasps[0].quality, grasps[-1].quality)
    assert episode.planned(None, rank=1000).quality == last.quality


def test_an_attempt_is_a_row_with_every_field(episode):
    (row,) = picks_rows([(episode.planned(None),)])
    assert row["prompt"].startswith("pick the ")
    assert {"terms", "rejected", "seal", "visible", "scene_seed"} <= row.keys()
    assert isinstance(json.loads(row["terms"]), dict)


def test_a_gripper_that_does_not_exist_is_named():
    with pytest.raises(ConfigError, match="did you mean 'robotiq_2f85'"):
        Episode(episode_seed(3, 0), ("robotiq",))


def test_the_command_writes_figures_rows_and_films(monkeypatch, capsys, tmp_path):
    line = ["vlm-picking", "bench", "picks", "--episodes", "3", "--seed", "2", "--json", "--workers", "1"]
    monkeypatch.setattr(sys, "argv", [*line, "--gripper", ",".join(GRIPPERS), "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    figures = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert figures.keys() >= KEYS | {"seed", "machine", "model"}
    assert figures["n"] == figures["control"]["n"] == 3
    assert math.isfinite(figures["planning_ms_p50"])
    assert json.loads((tmp_path / "picks.json").read_text()) == figures
    with (tmp_path / "picks.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["control"] for row in rows] == ["False", "True"] * 3
    failed = sum(figures["failures"].values())
    assert sum(row["result"] != "success" and row["control"] == "False" for row in rows) == failed
    assert len(list(tmp_path.glob("*.gif"))) <= failed
    assert (tmp_path / "failures.png").exists() == (failed > 0)


def test_films_show_the_pick(tmp_path, episode):
    from vlm_picking.bench.films import Film, Filmed, write_films

    film = Film()
    episode.control(film)
    film.close()
    assert len(film.frames) > 20
    assert np.std([frame.mean() for frame in film.frames]) > 0.1
    picture = np.zeros((480, 640, 3), np.uint8)
    write_films(tmp_path, [Filmed(name="control", caption=("one", "two"), picture=picture, frames=tuple(film.frames))])
    pages = cv2.VideoCapture(str(tmp_path / "control.gif"))
    shown = pages.read()[1]
    assert shown.shape == (192, 256, 3) and shown.std() > 5
    assert (tmp_path / "control.gif").stat().st_size < 2_000_000
    assert cv2.imread(str(tmp_path / "failures.png")).std() > 1
