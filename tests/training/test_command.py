"""`vlm-picking train`: what it renders, how it goes on, and what it leaves; tiny, but the real parts."""

import fcntl
import json
import sys

import cv2
import pytest

pytest.importorskip("torch", reason="training needs torch")
pytest.importorskip("transformers", reason="training needs transformers")
pytest.importorskip("mujoco", reason="the scenes are simulated (extra 'sim')")
pytest.importorskip("matplotlib", reason="the curve is drawn with matplotlib")

from safetensors.numpy import load_file  # noqa: E402

from vlm_picking import cli  # noqa: E402
from vlm_picking.errors import ConfigError  # noqa: E402
from vlm_picking.models.registry import EMBEDDED_DIRECTORY, load_detector  # noqa: E402
from vlm_picking.models.suite import ModelSuite  # noqa: E402
from vlm_picking.sim.categories import CATEGORIES  # noqa: E402
from vlm_picking.sim.kinds import KINDS  # noqa: E402
from vlm_picking.training.command import start_checkpoint  # noqa: E402
from vlm_picking.training.curve import Curve, plot  # noqa: E402
from vlm_picking.training.lexicon import known_categories  # noqa: E402
from vlm_picking.training.phrases import Lexicon  # noqa: E402
from vlm_picking.training.rendering import TRAIN_SEED, Renderer, RenderPlan, mend  # noqa: E402

LOG = """\
step 50 minutes 1.2 views 1400 words 0.5120 kinds 1.2000 l1 0.1 giou 0.9000 frames 1200 0.52 s/step, 9 minutes left
step 100 minutes 2.4 views 2800 words 0.4120 kinds 1.1000 l1 0.09 giou 0.8 frames 1300 0.52 s/step, 8 minutes left
eval 100 minutes 2.5 views 2800 mAP50 0.125 presence 0.600 coloured nan top1 0.3 absent 0.01 threshold -1.20 | mug:0.1
"""


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line; gives (exit status, stdout, stderr)."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["vlm-picking", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return call


def test_one_command_from_nothing_to_a_checkpoint_and_on(run, tmp_path):
    folder, out = tmp_path / "run", tmp_path / "checkpoint"
    tiny = ("--scenes", 2, "--views", 1, "--val-scenes", 2, "--first-frames", 2, "--workers", 1, "--device", "cpu")
    network = ("--start", "none", "--layers", 1, "--width", 64, "--batch", 1)
    command = ("train", folder, "--out", out, *tiny, *network, "--name", "mine")
    status, text, err = run(*command, "--minutes", 0.02)
    assert status == 0, err
    assert "frames" in text and str(out) in text
    measured = json.loads((out / "evaluation.json").read_text())
    assert measured["frames"] == 2 and measured["training_views"] > 0
    assert "| kind | AP50 |" in (out / "evaluation.md").read_text()
    assert cv2.imread(str(folder / "curve.png")).shape[1] >= 400
    detector = load_detector(str(out), device="cpu")
    assert detector.name == "mine" and {"mug", "fruit", "tool"} <= detector.vocabulary
    rendered = sorted(path.stat().st_mtime_ns for path in folder.glob("data/*/images/*.jpg"))
    assert len(rendered) == 2 + 4
    status, _, err = run(*command, "--minutes", measured["training_minutes"] + 0.02)
    assert status == 0, err
    again = json.loads((out / "evaluation.json").read_text())
    assert again["training_views"] > measured["training_views"]
    assert sorted(path.stat().st_mtime_ns for path in folder.glob("data/*/images/*.jpg")) == rendered


def test_a_checkpoint_to_start_from_passes_its_closer_look_on(run, tmp_path):
    """Trained on, the detector speaks otherwise than before: its classifier is weighed against it anew."""
    folder = tmp_path / "run"
    tiny = ("--scenes", 1, "--views", 1, "--val-scenes", 2, "--first-frames", 1, "--workers", 1, "--device", "cpu")
    status, _, err = run(
        "train", folder, *tiny, "--batch", 1, "--fusion-scenes", 4, "--minutes", 0.02, "--keep-start", 1
    )
    assert status == 0, err
    written, began = (load_file(place / "model.safetensors") for place in (folder / "checkpoint", EMBEDDED_DIRECTORY))
    assert written.keys() == began.keys()
    assert all((written[key] == began[key]).all() for key in began), "all of what it began with was to be kept"
    closeup = folder / "checkpoint" / "closeup"
    words, before = (
        json.loads((place / "vlm_picking.json").read_text()) for place in (closeup, EMBEDDED_DIRECTORY / "closeup")
    )
    assert words["weighed_against"] == "checkpoint"
    assert words["categories"] == before["categories"]
    assert words["measured"]["training"] == before["measured"]["training"], "what it was taught is still known"
    assert 0 < words["measured"]["nouns"]["fused"]["n"] < before["measured"]["nouns"]["fused"]["n"]
    models = ModelSuite.load(str(folder / "checkpoint"), device="cpu")
    assert models.classifier is not None and models.classifier.weights("mug") == tuple(words["fusion"])


def test_a_wrong_start_is_one_line(run, tmp_path):
    status, _, err = run("train", tmp_path / "run", "--start", "embeded")
    assert status == 2
    assert "did you mean 'embedded'?" in err and len(err.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_what_a_run_begins_with():
    assert start_checkpoint("none") is None
    assert start_checkpoint("embedded") == start_checkpoint(str(EMBEDDED_DIRECTORY)) == EMBEDDED_DIRECTORY


def entry(scene, views, k):
    return {"image": f"images/{(scene - TRAIN_SEED) * views + k:06}.jpg", "ids": "", "scene": scene, "objects": []}


def write_shard(path, entries, tail=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(e) + "\n" for e in entries) + tail)


def test_mending_forgets_what_is_half_done(tmp_path):
    whole = [entry(TRAIN_SEED, 2, k) for k in range(2)]
    half = entry(TRAIN_SEED + 1, 2, 0)
    write_shard(tmp_path / "index-0.jsonl", [*whole, half, whole[0]], tail='{"image": "images/0000')
    mend(tmp_path, views=2)
    assert [json.loads(line) for line in (tmp_path / "index-0.jsonl").read_text().splitlines()] == whole


def test_frames_of_another_plan_are_not_written_over(tmp_path):
    write_shard(tmp_path / "train" / "index-0.jsonl", [entry(TRAIN_SEED + 5, 3, k) for k in range(3)])
    for plan in (RenderPlan(data=tmp_path, views=2), RenderPlan(data=tmp_path, views=6)):
        with pytest.raises(ConfigError, match=f"other than {plan.views} views"):
            Renderer(plan, tmp_path / "log")
    assert len((tmp_path / "train" / "index-0.jsonl").read_text().splitlines()) == 3


def test_nobody_renders_where_another_does(tmp_path):
    lock = (tmp_path / ".rendering").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    renderer = Renderer(RenderPlan(data=tmp_path, scenes=1), tmp_path / "log")
    assert not (tmp_path / "log").exists() and renderer.failure() == ""
    renderer.stop()
    lock.close()


def test_a_plan_counts_whole_lines_up_to_what_it_wants(tmp_path):
    plan = RenderPlan(data=tmp_path, scenes=1, views=2, val_scenes=0)
    assert plan.rendered("train") == 0 and not plan.is_complete()
    write_shard(tmp_path / "train" / "index-0.jsonl", [entry(TRAIN_SEED, 2, 0)], tail='{"im')
    assert plan.rendered("train") == 1
    write_shard(tmp_path / "train" / "index-1.jsonl", [entry(TRAIN_SEED + 1, 2, k) for k in range(2)])
    assert plan.rendered("train") == 2 and plan.is_complete()


def test_a_log_becomes_a_curve(tmp_path):
    log = tmp_path / "training.log"
    assert Curve.read(log) == Curve((), ())
    log.write_text(LOG)
    curve = Curve.read(log)
    assert [row["minutes"] for row in curve.steps] == [1.2, 2.4]
    assert curve.steps[1]["words"] == pytest.approx(0.412) and curve.steps[1]["giou"] == pytest.approx(0.8)
    (figures,) = curve.evaluations
    assert (figures["minutes"], figures["mAP50"], figures["presence"]) == (2.5, 0.125, 0.6)
    assert figures["coloured"] != figures["coloured"], "nan stays nan"
    plot(curve, tmp_path / "a" / "curve.png")
    assert cv2.imread(str(tmp_path / "a" / "curve.png")).std() > 5
    plot(Curve((), ()), tmp_path / "empty.png")


def test_categories_hold_kinds_and_are_none_themselves():
    nouns = {noun for name, kind in KINDS.items() for noun in (name, *kind.synonyms)}
    assert not nouns & set(CATEGORIES)
    for members in CATEGORIES.values():
        assert members and set(members) <= set(KINDS)


def test_a_run_that_began_with_fewer_words_exports_fewer_categories():
    lexicon = Lexicon({"apple": ("apple",), "fork": ("fork", "tool")}, ("red",))
    categories = known_categories(lexicon)
    assert categories["fruit"] == ("apple",) and categories["cutlery"] == ("fork",)
    assert "tool" not in categories and "vegetable" not in categories
