"""Calibration of models of any family: on answers whose truth is known, and as a command on rendered frames."""

import json
import sys

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="models need torch")
pytest.importorskip("transformers", reason="models need transformers")
pytest.importorskip("mujoco", reason="the scenes are simulated (extra 'sim')")

from vlm_picking import cli  # noqa: E402
from vlm_picking.conformance.tiny.owl import build_owlvit  # noqa: E402
from vlm_picking.detections import Detections  # noqa: E402
from vlm_picking.errors import ConfigError, ModelError  # noqa: E402
from vlm_picking.models.sidecar import SIDECAR_FILE, Sidecar  # noqa: E402
from vlm_picking.training.calibrate import Answers, ask, best_scores, fit, measured, questions, write  # noqa: E402
from vlm_picking.training.calibration import Calibration  # noqa: E402
from vlm_picking.training.data import FrameFolder  # noqa: E402

THINGS = (("mug", "red"), ("apple", "green"), ("book", "blue"), ("hammer", None))


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    """Sixty frames of two or three things on a grid; what is there shows in the instance map alone."""
    root = tmp_path_factory.mktemp("frames")
    rng = np.random.default_rng(0)
    (root / "images").mkdir()
    (root / "ids").mkdir()
    with (root / "index-0.jsonl").open("w") as index:
        for n in range(60):
            ids, objects = np.zeros((60, 80), np.uint8), []
            for i, pick in enumerate(rng.permutation(4)[: 2 + n % 2], start=1):
                kind, colour = THINGS[pick]
                ids[10:40, 20 * i : 20 * i + 18] = i
                objects.append({"kind": kind, "colour": colour, "id": i, "visible": 0.9})
            picture = np.full((60, 80, 3), n, np.uint8)
            cv2.imwrite(str(root / f"images/{n}.png"), picture)
            cv2.imwrite(str(root / f"ids/{n}.png"), ids)
            index.write(json.dumps({"image": f"images/{n}.png", "ids": f"ids/{n}.png", "scene": n, "objects": objects}))
            index.write("\n")
    return FrameFolder(root).frames


class NoisyOracle:
    """Knows what is in each frame and is much too sure of itself; a `ZeroShotDetector`."""

    name = "noisy oracle"
    vocabulary = colours = None
    classes = ()
    sidecar = Sidecar(name="noisy oracle", scale=8.0, bias=5.0)

    def __init__(self, frames):
        self._frames = frames
        self._rng = np.random.default_rng(1)

    def detect(self, rgb, phrases):
        things = {(t.kind, t.colour) for t in self._frames[int(rgb[0, 0, 0])].things}
        names = {kind for kind, _ in things} | {f"{colour} {kind}" for kind, colour in things}
        logit = np.array([(1.0 if p in names else -1.0) + self._rng.normal() for p in phrases])
        score = np.array([self.sidecar.probability(x, p) for x, p in zip(logit, phrases, strict=True)], np.float32)
        return Detections(np.tile([0.0, 0, 9, 9], (len(phrases), 1)), score, np.array(phrases, dtype=object))


class Blind(NoisyOracle):
    """A detector that never finds anything."""

    def detect(self, rgb, phrases):
        return Detections.empty()


class Scorer:
    """An `ImageTextScorer` to which everything is likely."""

    name = "scorer"

    def embed_image(self, rgb):
        return np.ones(1, np.float32)

    def embed_texts(self, texts):
        return np.ones((len(texts), 1), np.float32)

    def classify(self, rgb, labels):
        return np.full(len(labels), 1 / len(labels), np.float32)

    def presence(self, rgb, phrases):
        return np.full(len(phrases), 0.8, np.float32)


def test_questions_are_balanced_and_true(frames):
    rng = np.random.default_rng(0)
    for frame in frames[:10]:
        _, ids = frame.read()
        asked = questions(frame.things, np.bincount(ids.ravel(), minlength=256), NoisyOracle(frames), rng)
        kinds = {thing.kind for thing in frame.things}
        colours = {f"{thing.colour} {thing.kind}" for thing in frame.things}
        plain = [q for q in asked if q.phrase in kinds or q.phrase.split()[-1] not in kinds]
        assert sum(q.present for q in plain) == sum(not q.present for q in plain) == len(kinds)
        assert all(q.present == (q.phrase in kinds | colours) for q in asked)
        assert not any("hammer" in q.phrase and q.phrase != "hammer" for q in asked), "its colour has no word"


def test_what_is_nearly_hidden_is_not_asked(frames):
    frame = frames[0]
    speck = np.zeros(256, int)
    speck[0], speck[[thing.id for thing in frame.things]] = 10_000, 2
    asked = questions(frame.things, speck, NoisyOracle(frames), np.random.default_rng(0))
    assert not {thing.kind for thing in frame.things} & {q.phrase for q in asked}


def test_only_what_a_model_was_taught_is_asked(frames):
    model = NoisyOracle(frames)
    model.vocabulary, model.colours = frozenset({"mug", "pear"}), frozenset({"red"})
    _, ids = frames[0].read()
    asked = questions(frames[0].things, np.bincount(ids.ravel(), minlength=256), model, np.random.default_rng(0))
    assert {q.phrase for q in asked} <= {"mug", "pear", "red mug"}


def test_the_curve_is_found_whatever_curve_the_model_had(frames):
    model = NoisyOracle(frames)
    for kind, answers in ask(model, model.sidecar, frames).items():
        curve = fit(answers.half(0))
        assert curve.scale == pytest.approx(2.0, rel=0.5), kind  # the log-odds of what is 2 apart with noise of 1
        before = measured(answers.half(1), Calibration(8.0, 5.0))
        after = measured(answers.half(1), curve)
        assert after["ece"] < 0.1 < before["ece"]
        assert after["balanced_accuracy"] > before["balanced_accuracy"]
        assert after["n"] == len(answers.half(1).logit)


def test_halves_share_no_scene():
    answers = Answers(np.zeros(4), np.ones(4, bool), np.array([1, 1, 2, 3]))
    assert set(answers.half(0).scene) == {2} and set(answers.half(1).scene) == {1, 3}


def test_what_was_looked_for_and_not_found_counts_as_a_no(frames):
    model = Blind(frames)
    answers = ask(model, model.sidecar, frames[:10])["nouns"]
    assert np.isnan(answers.logit).all()
    assert measured(answers, Calibration(1.0, 0.0))["balanced_accuracy"] == 0.5
    with pytest.raises(ConfigError, match="more --scenes"):
        fit(answers)


def test_a_scorer_is_asked_for_presence_and_others_are_refused(frames):
    rgb, _ = frames[0].read()
    np.testing.assert_allclose(best_scores(Scorer(), rgb, ["mug", "red mug"]), [0.8, 0.8], atol=1e-6)
    with pytest.raises(ModelError, match="gives no scores"):
        best_scores(object(), rgb, ["mug"])


def test_writing_keeps_what_else_the_sidecar_says(tmp_path):
    Sidecar(name="kept", vocabulary=frozenset({"mug"}), template="{}").write(tmp_path, measured={"map50": 0.5})
    curves = {"nouns": Calibration(2.0, 1.0), "coloured": Calibration(3.0, -1.0)}
    write(tmp_path / SIDECAR_FILE, curves=curves, sidecar_of=tmp_path / SIDECAR_FILE, figures={})
    read = Sidecar.read(tmp_path, name="other")
    expected = Sidecar(
        name="kept", vocabulary=frozenset({"mug"}), template="{}", scale=2.0, bias=1.0, coloured=(3.0, -1.0)
    )
    assert read == expected
    assert json.loads((tmp_path / SIDECAR_FILE).read_text())["measured"] == {"map50": 0.5}
    with pytest.raises(ConfigError, match="can't write"):
        write(tmp_path / SIDECAR_FILE / "x.json", curves=curves, sidecar_of=tmp_path / "none", figures={})


def test_the_command_calibrates_a_checkpoint_on_rendered_bins(tmp_path, monkeypatch, capsys):
    checkpoint = build_owlvit(tmp_path / "tiny")
    arguments = ["--model", checkpoint, "--scenes", 2, "--seed", 3, "--device", "cpu", "--workers", 1]
    monkeypatch.setattr(sys, "argv", ["vlm-picking", "calibrate", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    assert ended.value.code == 0, err
    assert out.count("calibration error") == 4 and str(checkpoint / SIDECAR_FILE) in out
    written = json.loads((checkpoint / SIDECAR_FILE).read_text())
    assert written["score_calibration"]["scale"] > 0 and len(written["score_calibration"]["coloured"]) == 2
    assert set(written["calibration_measured"]["nouns"]) == {"before", "after"}


def test_a_server_takes_no_calibration(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["vlm-picking", "calibrate", "--model", "remote:m@http://localhost:9/v1"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "takes no score calibration" in capsys.readouterr().err
