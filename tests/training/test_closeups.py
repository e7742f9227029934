"""The classifier of close-ups: its windows are labelled right, it learns, its checkpoint is the genuine format."""

import json

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="rendering needs MuJoCo: pip install vlm_picking[sim]")
torch = pytest.importorskip("torch", reason="training needs torch: pip install vlm_picking[models]")

from vlm_picking.errors import ConfigError  # noqa: E402
from vlm_picking.models.registry import EMBEDDED_DIRECTORY, load_model  # noqa: E402
from vlm_picking.training.closeups import command, fusion  # noqa: E402
from vlm_picking.training.closeups.batch import SIDE_PX, plain_batch, random_batch  # noqa: E402
from vlm_picking.training.closeups.train import (  # noqa: E402
    CloseupTraining,
    averaged_network,
    build_network,
    checkpoint_weights,
    measure,
    train,
)
from vlm_picking.training.closeups.windows import CLASSES, NONE, WindowJob, render_windows, window_files  # noqa: E402
from vlm_picking.training.mixing import mix  # noqa: E402


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("windows")
    for part, seed in (("train", 1_000_000), ("val", 5_000_000)):
        render_windows(WindowJob(out=folder / part, scenes=3, seed=seed, views=1, workers=1))
    return folder


def test_windows_show_things_and_what_is_none(windows):
    for path in window_files(windows / "train"):
        with np.load(path) as scene:
            n = len(scene["kind"])
            assert scene["pixels"].shape == (n, 96, 96, 4)
            assert ((scene["kind"] >= 0) & (scene["kind"] <= NONE)).all()
            named = scene["kind"] < NONE
            assert named.any() and (~named).any()
            assert (scene["visible"][named] >= 0.25).all()
            known = np.isfinite(scene["side_m"])
            assert known.mean() > 0.8
            assert ((scene["side_m"][known] > 0.005) & (scene["side_m"][known] < 0.8)).all()


def test_a_second_call_renders_nothing_anew(windows):
    before = {path: path.stat().st_mtime_ns for path in window_files(windows / "train")}
    render_windows(WindowJob(out=windows / "train", scenes=3, seed=1_000_000, views=1, workers=2))
    assert {path: path.stat().st_mtime_ns for path in window_files(windows / "train")} == before


def test_changes_keep_the_middle_and_the_size(windows):
    files = window_files(windows / "train")
    closeups, kinds = random_batch(files, np.random.default_rng(0))
    assert closeups.shape == (len(kinds), 6, SIDE_PX, SIDE_PX)
    assert np.isfinite(closeups).all()
    with np.load(files[0]) as scene:
        plain = plain_batch(scene["pixels"], scene["side_m"])
        side = scene["side_m"] * 1.3
    known = np.isfinite(side)
    assert plain[known, 5, 0, 0] == pytest.approx(np.log(side[known] / 0.1), abs=1e-5)


def test_training_learns_goes_on_and_writes_a_checkpoint(windows, tmp_path):
    run = tmp_path / "run"
    settings = CloseupTraining(data=windows, run=run, minutes=0.25, eval_minutes=9.0)
    train(settings)
    losses = [float(line.split("loss ")[1].split()[0]) for line in _log(run) if "loss" in line]
    model, training = averaged_network(run)
    assert training["closeups"] > 0
    assert set(measure(model, windows / "val")) == {"things", "clear", "none", "n"}
    assert all(np.isfinite(losses))
    longer = training["minutes"] + 0.2  # a busy machine may have overrun its time
    train(CloseupTraining(data=windows, run=run, minutes=longer, eval_minutes=9.0))
    _, more = averaged_network(run)
    assert more["closeups"] > training["closeups"]

    out = tmp_path / "checkpoint"
    figures = command.write(run, windows, out, detector="embedded", fusion_scenes=4)
    assert figures["nouns"]["fused"]["n"] > 0
    classifier = load_model(str(out))
    assert classifier.classes == CLASSES
    assert classifier.knows("packaging") and classifier.knows("red mug") and not classifier.knows("giraffe")
    assert json.loads((out / "config.json").read_text())["architectures"] == ["ResNetForImageClassification"]
    for phrase in ("mug", "red mug"):
        assert min(classifier.weights(phrase)[:2]) >= 0
    assert classifier.further_bias("mug") >= 0 == classifier.further_bias("crockery")
    assert classifier.outline_weights("red mug")[0] >= 0 and classifier.outline_weights("giraffe") is None


def test_the_mean_of_two_classifiers_lies_between_them():
    start = checkpoint_weights(EMBEDDED_DIRECTORY / "closeup")
    fresh, half = build_network().state_dict(), build_network()
    mix(half, start, 0.5)
    for name, value in half.state_dict().items():
        if value.dtype.is_floating_point:
            torch.testing.assert_close(value, (fresh[name] + start[name]) / 2)
    with pytest.raises(ConfigError, match="can't start from"):
        checkpoint_weights(EMBEDDED_DIRECTORY / "nothing")


def _log(run):
    return (run / "training.log").read_text(encoding="utf-8").splitlines()


def test_a_training_without_windows_says_so(tmp_path):
    with pytest.raises(ConfigError, match="render some first"):
        train(CloseupTraining(data=tmp_path, run=tmp_path / "run"))


def test_fusion_trusts_who_knows():
    rng = np.random.default_rng(0)
    answers = []
    for scene in range(400):
        present = bool(rng.random() < 0.5)
        truth = 1.0 if present else -1.0
        # The detector guesses, the classifier knows.
        answers.append(fusion.Answer(rng.normal(0, 2, 3), rng.normal(0, 1, 3) + 3 * truth, present, scene))
    weights = fusion.fit_fusion(answers)
    of_detector, of_classifier, _ = weights.boxes
    assert of_classifier > 4 * of_detector
    measured = fusion.measure_fusion(answers, weights)
    alone = fusion.measure_fusion(answers, fusion.Weights((1.0, 0.0, 0.0)))
    assert measured["balanced_accuracy"] > 0.9 > alone["balanced_accuracy"]
    assert measured["ece"] < 0.1


def test_outlines_tell_what_has_no_box():
    rng = np.random.default_rng(0)
    answers = []
    for scene in range(600):
        present = bool(rng.random() < 0.5)
        # Boxes never show it; an outline does where it is there, and looks a little like it where it is not.
        outlines = rng.normal(5 if present else -1, 2, 3)
        answers.append(fusion.Answer(*rng.normal(-2, 1, (2, 3)), present, scene, overlooked=outlines))
    weights = fusion.fit_fusion(answers)
    assert weights.outlines[0] > 0 > weights.outlines[1]
    measured = fusion.measure_fusion(answers, weights)
    boxes_alone = fusion.measure_fusion(answers, fusion.Weights(weights.boxes))
    assert measured["balanced_accuracy"] > 0.85 > boxes_alone["balanced_accuracy"]
    assert measured["ece"] < 0.1


def test_further_boxes_lose_what_the_scenes_say():
    rng = np.random.default_rng(0)
    answers = []
    for scene in range(600):
        things = 4 if rng.random() < 0.3 else 1
        odds = np.sort(np.concatenate([rng.normal(3, 1, things), rng.normal(-0.5, 1, 4)]))[::-1]
        shows = np.where(odds > 1.2, np.arange(len(odds)), -1)
        answers.append(fusion.Answer(odds, np.zeros(len(odds)), True, scene, shows=shows, things=things))
    weights = fusion.Weights((1.0, 0.0, 0.0))
    bias = fusion.fit_further(answers, weights)
    assert 0.5 < bias < 6
    with_bias, without = (fusion.measure_counts(answers, weights, b) for b in (bias, 0.0))
    assert with_bias["one"] > without["one"] + 0.2
    assert with_bias["several"] > without["several"] - 0.05
    assert with_bias["n"] == 600


def test_fusion_needs_both_answers():
    answers = [fusion.Answer(np.zeros(1), np.zeros(1), True, scene) for scene in range(3)]
    with pytest.raises(ConfigError, match="more scenes"):
        fusion.fit_fusion(answers)
