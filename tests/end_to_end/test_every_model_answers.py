"""`vlm-picking ask` about the example bag, with `--model` set to a tiny checkpoint of every family: random weights
can't be right, but every answer is well-formed, and what a family can't do is told with what can."""

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="models need torch")
pytest.importorskip("transformers", reason="models need transformers")

from importlib.util import find_spec  # noqa: E402

from typer.testing import CliRunner  # noqa: E402

from vlm_picking import cli  # noqa: E402
from vlm_picking.conformance.checks import tiny_checkpoints  # noqa: E402

BAG = Path(__file__).parents[2] / "examples" / "bin"
WIDTH, HEIGHT = 640, 480
TINY = {tiny.name: tiny for tiny in tiny_checkpoints()}
SENTENCES = {
    "is there a red mug?": "presence",
    "how many apples are there?": "count",
    "where is the green can?": "where",
    "pick the red mug": "pick",
    "is the mug open or closed?": "ask",
}
# A failure names what to set or install, or shows the reply that can't be read.
FIX = re.compile(r"\bset \w+_model\b|\bpip install\b|; the reply begins |\bother variant\b")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """What to call a tiny checkpoint's model, by the checkpoint's name; built on first use."""
    built: dict[str, str] = {}

    def path(name: str) -> str:
        if name not in built:
            built[name] = str(TINY[name].build(tmp_path_factory.mktemp(name.replace("-", "_")) / name))
        return built[name]

    return path


@pytest.mark.parametrize("name", TINY)
def test_every_answer_is_well_formed(name, checkpoint):
    lacking = [module for module in TINY[name].family.needs if find_spec(module) is None]
    if lacking:
        pytest.skip(f"{TINY[name].family.name} needs {', '.join(lacking)}")
    answered = 0
    for sentence, kind in SENTENCES.items():
        options = ("--model", checkpoint(name), "--device", "cpu", "--offline", "--json")
        done = CliRunner().invoke(cli.app, ["ask", str(BAG), sentence, *options])
        assert isinstance(done.exception, SystemExit | None), f"{sentence}: {done.exception!r}"
        answer = json.loads(done.stdout)
        check_answer(answer, sentence, kind)
        assert done.exit_code == (1 if answer["status"] == "FAILED" else 0)
        answered += answer["status"] != "FAILED"
    assert answered or not can_tell_anything(name)


def can_tell_anything(name: str) -> bool:
    """Whether the family plays a role by which one of the sentences is surely answered: it does not write its boxes."""
    roles = {role.value for role in TINY[name].family.roles}
    return bool(roles & {"image-text similarity", "visual question answering"})


def check_answer(answer: dict, sentence: str, kind: str) -> None:
    """Shape, kinds and ranges of all that `--json` prints, and that they fit each other."""
    assert (answer["prompt"], answer["kind"]) == (sentence, kind)
    status, confidence = answer["status"], answer["confidence"]
    assert status in ("PRESENT", "ABSENT", "UNCERTAIN", "FAILED")
    assert 0 <= confidence <= 1 and (confidence == 0 or status != "FAILED")
    assert answer["text"].strip() and answer["reason"].isprintable()
    assert answer["model"] and answer["frame_id"] and answer["timings_ms"]["total"] >= 0
    assert answer["count"] is None or answer["count"] >= 0
    if status == "FAILED":
        assert FIX.search(answer["reason"]), answer["reason"]
        assert not answer["detections"] and not answer["grasps"]
    ids = [found["id"] for found in answer["detections"]]
    assert len(set(ids)) == len(ids)
    for found in answer["detections"]:
        x0, y0, x1, y1 = found["xyxy"]
        assert 0 <= x0 < x1 <= WIDTH and 0 <= y0 < y1 <= HEIGHT
        assert 0 <= found["score"] <= 1 and found["label"].strip()
        assert found["center_m"] is None or (len(found["center_m"]) == 3 and 0 < found["center_m"][2] < 5)
    for grasp in answer["grasps"]:
        assert kind == "pick" and grasp["object_id"] in ids
        assert 0 <= grasp["quality"] <= 1 and len(grasp["position_m"]) == 3
        assert sum(q * q for q in grasp["quaternion_xyzw"]) == pytest.approx(1, abs=1e-3)
