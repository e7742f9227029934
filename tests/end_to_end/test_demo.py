"""`make demo`'s own program: node, player and operator as processes over DDS, on the example bag."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "vlm_picking.demo", "--out", str(out)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False), out


def test_every_answer_is_right(demo):
    done, out = demo
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{(out / 'node.log').read_text()}"
    assert "all answers are right" in done.stdout
    assert "as a pick planner receives it: 10 frames" in done.stdout


def test_every_question_leaves_a_picture(demo):
    _, out = demo
    questions = yaml.safe_load((ROOT / "examples" / "questions.yaml").read_text(encoding="utf-8"))
    assert len(questions) >= 5
    assert {q["status"] for q in questions} >= {"PRESENT", "ABSENT"}
    assert len(list(out.glob("*.png"))) == len([q for q in questions if q["status"] != "FAILED"])


def test_a_wrong_answer_ends_with_an_error(tmp_path):
    """The same bag with a truth that does not hold."""
    folder = tmp_path / "examples"
    folder.mkdir()
    (folder / "bin").symlink_to(ROOT / "examples" / "bin")
    (folder / "truth.json").write_text((ROOT / "examples" / "truth.json").read_text(encoding="utf-8"))
    (folder / "questions.yaml").write_text('- {ask: "is there a screwdriver?", status: PRESENT}\n')
    command = [sys.executable, "-m", "vlm_picking.demo", "--out", str(tmp_path / "out"), "--examples", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1
    assert "1 answers are wrong" in done.stdout, done.stdout + done.stderr
