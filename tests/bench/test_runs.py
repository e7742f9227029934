"""The benchmarks on real scenes, through the real pipeline: with the oracle they must find nothing wrong."""

import csv
import json
import math
import sys

import cv2
import numpy as np
import pytest

from vlm_picking import cli
from vlm_picking.bench.grounding import grounding_figures, run_grounding
from vlm_picking.bench.presence import presence_figures, presence_rows, run_presence
from vlm_picking.bench.questions import presence_questions
from vlm_picking.bench.scenes import evaluation_frames, kinds_by_frequency, render_frame
from vlm_picking.bench.subject import ORACLE, Subject
from vlm_picking.result import Status

SCENES, SEED = 4, 7

PRESENCE_KEYS = {"accuracy", "precision", "recall", "f1", "ece", "answered", "n", "unknown_nouns"}
GROUNDING_KEYS = {
    "map50", "map", "recall50", "colour_map50", "relation_accuracy", "count_accuracy", "n", "per_class",
}  # fmt: skip


@pytest.fixture(scope="module")
def frames():
    return [render_frame(SEED, number) for number in range(SCENES)]


@pytest.fixture(scope="module")
def by_frequency():
    return kinds_by_frequency(SCENES, SEED)


@pytest.fixture(scope="module")
def embedded():
    return Subject("embedded", device="cpu", offline=True)


def test_workers_render_the_same_frames_in_their_order(frames):
    made = list(evaluation_frames(scenes=2, seed=SEED, workers=1))
    assert [frame.number for frame in made] == [0, 1]
    for ours, theirs in zip(frames, made, strict=False):
        np.testing.assert_array_equal(ours.frame.rgb, theirs.frame.rgb)
        np.testing.assert_array_equal(ours.ids, theirs.ids)
        assert [thing.kind for thing in ours.things] == [thing.kind for thing in theirs.things]


def test_frames_are_photos_with_holes_and_a_truth_that_fits(frames):
    for frame in frames:
        assert frame.frame.rgb.shape == (480, 640, 3)
        assert 0.5 < frame.frame.valid_depth_share < 1.0
        for thing in frame.things:
            assert thing.pixels == frame.mask(thing).sum()
            if thing.clear:
                assert thing.top_m > 0 and 0.2 < thing.distance_m < 2.0


def test_the_oracle_answers_all_presence_questions(frames, by_frequency):
    run = run_presence(Subject(ORACLE), frames, by_frequency=by_frequency)
    figures = presence_figures(run)
    assert figures.keys() >= PRESENCE_KEYS
    assert [
        a.question.sentence for a in run.answers if a.status in (Status.PRESENT, Status.ABSENT) and not a.right
    ] == []
    assert set(figures["accuracy"].values()) == {1.0}
    assert figures["answered"] > 0.9
    assert figures["failed"] == 0 and figures["ece"] < 0.01
    assert figures["unknown_nouns"]["present"] == 0.0
    assert figures["n"] == len(run.answers) == len({(a.scene, a.question) for a in run.answers}) > 3 * SCENES
    assert len(presence_rows(run)) == figures["n"] + figures["unknown_nouns"]["n"]


def test_the_oracle_finds_everything(frames):
    run = run_grounding(Subject(ORACLE), frames)
    figures = grounding_figures(run, threshold=0.5)
    assert figures.keys() >= GROUNDING_KEYS
    assert figures["map50"] == figures["map"] == figures["recall50"] == pytest.approx(1.0)
    assert figures["colour_map50"] == pytest.approx(1.0)
    assert figures["count_accuracy"] == 1.0
    assert [j.sentence for j in (*run.superlatives, *run.relations) if not j.right] == []
    assert figures["spatial_n"] > SCENES and figures["n"] > 3 * SCENES


def test_a_detector_that_sees_nothing_is_found_out(frames, by_frequency):
    class Blind(Subject):
        def boxes(self, frame, sentences):
            return [found[:0] for found in super().boxes(frame, sentences)]

    figures = grounding_figures(run_grounding(Blind(ORACLE), frames[:2]), threshold=0.5)
    assert figures["map50"] == figures["colour_map50"] == figures["recall50"] == 0.0


def test_boxes_are_those_that_the_pipeline_answers_with(frames, embedded):
    frame = frames[0]
    (found,) = embedded.boxes(frame, ["find all mugs"])
    sure = found[found.score >= embedded.config.present_threshold]
    answered = embedded.ask(frame, "find all mugs").detections.by_score()
    np.testing.assert_allclose(answered.xyxy, sure.by_score().xyxy)
    np.testing.assert_allclose(answered.score, sure.by_score().score)


def test_the_embedded_model_runs_through_both(frames, by_frequency, embedded):
    presence = presence_figures(run_presence(embedded, frames[:2], by_frequency=by_frequency))
    grounding = grounding_figures(run_grounding(embedded, frames[:2]), threshold=0.5)
    shares = [presence[key] for key in ("answered", "ece", "ece_presence", "accuracy_of_all")]
    shares += [grounding[key] for key in ("map50", "map", "recall50", "colour_map50", "count_accuracy")]
    assert all(value is not None and 0.0 <= value <= 1.0 for value in shares)
    assert presence["failed"] == grounding["failed"] == 0
    assert grounding["map"] <= grounding["map50"] and grounding["recall50"] <= grounding["recall50_any_score"]


def test_questions_of_a_real_scene_are_true(frames, by_frequency):
    for frame in frames:
        for question in presence_questions(frame, by_frequency=by_frequency):
            seen = [t for t in frame.things if t.kind == question.noun and question.colour in (None, t.colour)]
            assert any(thing.clear for thing in seen) == question.there


@pytest.mark.parametrize("name", ["presence", "grounding"])
def test_the_command_writes_figures_table_and_pictures(name, monkeypatch, capsys, tmp_path):
    pytest.importorskip("matplotlib", reason="the plots need matplotlib: pip install matplotlib")
    line = ["vlm-picking", "bench", name, "--scenes", "3", "--seed", "3", "--json", "--workers", "1"]
    monkeypatch.setattr(sys, "argv", [*line, "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    figures = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert figures.keys() >= (PRESENCE_KEYS if name == "presence" else GROUNDING_KEYS)
    assert figures.keys() >= {"milliseconds", "seed", "scenes", "machine", "model"}
    assert figures["milliseconds"]["detect"] > 0 and math.isfinite(figures["milliseconds"]["ratio"])
    assert json.loads((tmp_path / f"{name}.json").read_text()) == figures
    with (tmp_path / f"{name}.csv").open() as file:
        assert len(list(csv.DictReader(file))) > 3
    assert "benchmark" in (tmp_path / f"{name}.txt").read_text()
    for picture in ("reliability.png", "failures.png"):
        assert cv2.imread(str(tmp_path / picture)).std() > 1


def test_a_wrong_seed_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["vlm-picking", "bench", "presence", "--seed", "-1"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
