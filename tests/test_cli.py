"""The command line, as a user types it, with the model that ships."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from vlm_picking import cli

ROOT = Path(__file__).parents[1]
BAG, FRAME = str(ROOT / "examples" / "bin"), str(ROOT / "examples" / "bin_frame.npz")


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


def test_json_holds_all_that_is_documented(run, tmp_path):
    status, out, _ = run("ask", BAG, "pick the red mug", "--json", "--save-image", tmp_path / "a" / "mug.png")
    result = json.loads(out)
    assert status == 0
    assert set(result) >= {
        "prompt",
        "kind",
        "status",
        "confidence",
        "text",
        "count",
        "reason",
        "detections",
        "grasps",
        "timings_ms",
    }
    assert (result["kind"], result["status"], result["count"]) == ("pick", "PRESENT", 1)
    assert set(result["detections"][0]) >= {"id", "label", "score", "xyxy", "center_m"}
    assert set(result["grasps"][0]) >= {
        "id",
        "object_id",
        "kind",
        "quality",
        "position_m",
        "quaternion_xyzw",
        "width_m",
    }
    assert np.linalg.norm(result["grasps"][0]["quaternion_xyzw"]) == pytest.approx(1, abs=1e-3)
    assert cv2.imread(str(tmp_path / "a" / "mug.png")).shape[1] == 640


def test_a_frame_file_and_a_bag_agree(run):
    one, other = (json.loads(run("ask", source, "how many mugs are there?", "--json")[1]) for source in (BAG, FRAME))
    assert (one["status"], one["count"]) == (other["status"], other["count"]) == ("PRESENT", 3)


def test_text_for_people(run):
    status, out, _ = run("ask", FRAME, "is there a screwdriver?")
    assert status == 0
    assert out.startswith("ABSENT")


def test_one_gripper_only(run):
    _, out, _ = run("ask", FRAME, "pick anything", "--json", "--gripper", "suction_15mm")
    assert {grasp["kind"] for grasp in json.loads(out)["grasps"]} == {"suction"}


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("ask", FRAME, "open the gripper"), 1, "is there"),
        (("ask", FRAME, ""), 1, "is there"),
        (("ask", FRAME, "x" * 10_000), 1, "500"),
        (("ask", "nowhere.npz", "a mug"), 2, "nothing at nowhere.npz"),
        (("ask", str(ROOT / "docs"), "a mug"), 2, "no bag"),
        (("ask", BAG, "a mug", "--at", "-1"), 2, "negative"),
        (("ask", BAG, "a mug", "--at", "1000"), 2, "s long"),
        (("ask", FRAME, "a mug", "--model", str(ROOT / "docs")), 2, "config.json"),
        (("ask", FRAME, "a mug", "--gripper", "robotiq_2f58"), 2, "robotiq_2f85"),
        (("ask", FRAME, "a mug", "--device", "cuda:99"), 2, "cuda"),
        (("ask", str(ROOT / "README.md"), "a mug"), 2, "no picture"),
    ],
    ids=lambda value: " ".join(str(v)[-24:] for v in value) if isinstance(value, tuple) else str(value),
)
def test_wrong_input_is_one_line_that_names_the_fix(run, arguments, status, message):
    code, out, err = run(*arguments)
    assert code == status
    assert message in (out if status == 1 else err)
    assert "Traceback" not in err
