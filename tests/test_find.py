"""Searching a recording by words: what is found, what is kept, and what is refused."""

import json
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from vlm_picking import cli
from vlm_picking.bags import read_frames
from vlm_picking.conformance.tiny.clip import build_clip
from vlm_picking.contact_sheet import contact_sheet, draw_moment
from vlm_picking.find import Moment, merged, thinned
from vlm_picking.find_cache import FindCache, Order, Seen, checkpoint_digest
from vlm_picking.models.suite import ModelSuite

EXAMPLE = Path(__file__).parents[1] / "examples" / "bin"
NOTHING = Seen(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `vlm-picking find`; gives (exit status, stdout, stderr)."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["vlm-picking", "find", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return call


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    """A copy of the example, so that nothing is kept in the repository."""
    return Path(shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("find") / "bin", ignore=shutil.ignore_patterns(".*")))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return build_clip(tmp_path_factory.mktemp("clip"))


def test_the_red_mug_is_found_where_it_is(run, bag, tmp_path):
    """Twice: the second time nothing is looked at again."""
    sheet = tmp_path / "sheet.png"
    arguments = (bag, "red mug", "--every", "4", "--top", "3", "--json", "--device", "cpu", "--save-image", sheet)
    code, out, err = run(*arguments)
    first = json.loads(out)
    assert (code, first["by"], first["frames"], first["from_cache"]) == (0, "detection", 3, 0), err
    assert Path(first["cache"]).parent == bag / ".vlm_picking"
    assert len(first["moments"]) == 3
    scores = [moment["score"] for moment in first["moments"]]
    assert scores == sorted(scores, reverse=True) and scores[-1] > 0.5
    truth = next(
        thing
        for thing in json.loads((EXAMPLE.parent / "truth.json").read_text())["objects"]
        if (thing["colour"], thing["kind"]) == ("red", "mug")
    )
    for moment in first["moments"]:
        assert np.abs(np.array(moment["boxes"][0]["xyxy"]) - truth["xyxy"]).max() < 20
    # 3 moments lie in two columns of 320 pixels.
    assert cv2.imread(str(sheet)).shape[1] == 2 * 320 + 3 * 6

    def refuse(*_, **__):
        raise AssertionError("the model was loaded again")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ModelSuite, "load", refuse)
        again = json.loads(run(*arguments)[1])
        people = run(*(argument for argument in arguments if argument != "--json"))[1]
    assert again == first | {"from_cache": 3}
    assert "3 of them from the cache" in people


def test_nothing_found_is_not_could_not_look(run, bag):
    code, out, _ = run(bag, "screwdriver", "--every", "6", "--device", "cpu")
    assert code == 0 and out.startswith("found nothing: the best score of 2 frames is 0.")
    code, out, err = run(bag, "giraffe", "--every", "6", "--device", "cpu")
    assert (code, out) == (2, "") and "does not know 'giraffe'" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("{bag}", "pick the mug on the box"), "by their names"),
        (("{bag}", "what do you see?"), "by their names"),
        (("{bag}", "open the gripper"), "is there"),
        (("nowhere", "mug"), "no recording"),
        ((str(EXAMPLE.parent / "bin_frame.npz"), "mug"), "no recording"),
        (("{bag}", "mug", "--model", "nowhere/../here"), "unknown model"),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else None,
)
def test_wrong_input_is_one_line_that_names_the_fix(run, bag, arguments, message):
    code, out, err = run(*(argument.format(bag=bag) for argument in arguments), "--device", "cpu")
    assert (code, out) == (2, "") and message in err and "Traceback" not in err


def test_similarity_keeps_images_so_that_other_words_cost_nothing(run, bag, clip):
    options = ("--model", clip, "--every", "2", "--apart", "0", "--json", "--device", "cpu")
    first = json.loads(run(bag, "red mug", *options)[1])
    other = json.loads(run(bag, "an open box with a lid", *options)[1])
    assert (first["by"], first["frames"], first["from_cache"]) == ("similarity", 6, 0)
    assert (other["from_cache"], len(other["moments"])) == (6, 6)
    assert first["moments"][0]["boxes"] == []
    assert all(-1 <= moment["score"] <= 1 for moment in first["moments"] + other["moments"])
    denser = json.loads(run(bag, "red mug", *options, "--every", "1")[1])
    assert (denser["frames"], denser["from_cache"]) == (12, 6)


def test_another_checkpoint_is_another_cache(run, bag, clip, tmp_path):
    other = build_clip(tmp_path / "clip", seed=1)
    assert checkpoint_digest(str(clip)) != checkpoint_digest(str(other))
    found = json.loads(run(bag, "mug", "--model", other, "--every", "6", "--json", "--device", "cpu")[1])
    assert found["from_cache"] == 0


@pytest.mark.parametrize("damage", ["cut off", "empty", "no archive", "lacks an array"])
def test_a_broken_cache_is_made_anew(run, bag, clip, damage):
    options = (bag, "mug", "--model", clip, "--every", "6", "--json", "--device", "cpu")
    place = Path(json.loads(run(*options)[1])["cache"])
    whole = place.read_bytes()
    if damage == "lacks an array":
        with np.load(place) as kept:
            np.savez(place, **{name: kept[name] for name in kept.files if name != "embeddings"})
    else:
        place.write_bytes({"cut off": whole[: len(whole) // 2], "empty": b"", "no archive": b"x" * 500}[damage])
    mended = json.loads(run(*options)[1])
    assert mended["from_cache"] == 0 and "made anew" in mended["notes"][0]
    again = json.loads(run(*options)[1])
    assert (again["from_cache"], again["notes"]) == (2, [])
    assert [path.suffix for path in place.parent.glob("*.part")] == []


def test_a_recording_that_changed_is_looked_at_again(run, clip, tmp_path):
    bag = shutil.copytree(EXAMPLE, tmp_path / "bin", ignore=shutil.ignore_patterns(".*"))
    options = (bag, "mug", "--model", clip, "--every", "6", "--json", "--device", "cpu")
    assert json.loads(run(*options)[1])["from_cache"] == 0
    (bag / "metadata.yaml").touch()
    changed = json.loads(run(*options)[1])
    assert changed["from_cache"] == 0 and "the recording changed" in changed["notes"][0]


def test_where_nothing_can_be_written_the_users_cache_is_used(run, clip, tmp_path, monkeypatch):
    bag = shutil.copytree(EXAMPLE, tmp_path / "bin", ignore=shutil.ignore_patterns(".*"))
    (bag / ".vlm_picking").write_text("in the way, as a read-only folder would be", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    options = (bag, "mug", "--model", clip, "--every", "6", "--json", "--device", "cpu")
    first, again = (json.loads(run(*options)[1]) for _ in range(2))
    assert Path(first["cache"]).is_relative_to(tmp_path / "cache") and again["from_cache"] == 2
    (tmp_path / "cache2").write_text("", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache2"))
    nowhere = json.loads(run(*options)[1])
    assert nowhere["cache"] is None and "could not be kept" in nowhere["notes"][0] and nowhere["moments"]


def test_no_cache_leaves_no_trace(run, clip, tmp_path):
    bag = shutil.copytree(EXAMPLE, tmp_path / "bin", ignore=shutil.ignore_patterns(".*"))
    found = json.loads(run(bag, "mug", "--model", clip, "--every", "6", "--json", "--no-cache", "--device", "cpu")[1])
    assert found["cache"] is None and not (bag / ".vlm_picking").exists()


def test_what_is_kept_comes_back(tmp_path):
    bag = tmp_path / "one.mcap"
    bag.write_bytes(b"recording")
    cache = FindCache.open(bag, "model", checkpoint="abc", dtype="float32")
    cache.stamps_ns = [3, 5, 8]
    cache.embeddings[5] = np.float32([0.6, 0.8])
    cache.boxes["red mug"] = {3: NOTHING, 8: Seen(np.float32([[1, 2, 3, 4], [5, 6, 7, 8]]), np.float32([0.9, 0.4]))}
    cache.orders["a red mug"] = Order(model="owl", phrases=("red mug",), doubts=("striped was not checked",))
    cache.save()
    again = FindCache.open(bag, "model", checkpoint="abc", dtype="float32")
    assert (again.stamps_ns, list(again.embeddings), again.note) == ([3, 5, 8], [5], "")
    assert np.array_equal(again.boxes["red mug"][8].xyxy, [[1, 2, 3, 4], [5, 6, 7, 8]])
    assert len(again.boxes["red mug"][3].score) == 0
    assert again.orders == cache.orders
    for other in ({"checkpoint": "abd", "dtype": "float32"}, {"checkpoint": "abc", "dtype": "float16"}):
        assert FindCache.open(bag, "model", **other).stamps_ns == []


def moment(at_s: float, score: float) -> Moment:
    return Moment(at_s, int(at_s * 1e9), score, NOTHING)


def test_moments_close_together_are_one():
    row = [moment(0, 0.5), moment(1, 0.9), moment(2, 0.8), moment(3, 0.7), moment(9, 0.6)]
    assert [m.at_s for m in merged(row, apart_s=2)] == [1, 3, 9]
    assert [m.at_s for m in merged(row[::-1], apart_s=2)] == [1, 3, 9]
    assert [m.at_s for m in merged(row, apart_s=0)] == [1, 2, 3, 9, 0]


@pytest.mark.parametrize(
    ("stamps_s", "every_s", "taken"),
    [
        ([0, 0.5, 1, 1.5, 2], 1, [0, 1, 2]),
        ([0, 0.5, 1], 0, [0, 0.5, 1]),
        ([5, 5.5, 0, 0.5, 1], 1, [5, 0, 1]),
        ([], 1, []),
    ],
    ids=["one a second", "all", "a recording of a loop", "none"],
)
def test_thinned(stamps_s, every_s, taken):
    assert thinned([int(s * 1e9) for s in stamps_s], every_s=every_s) == [int(s * 1e9) for s in taken]


def test_unwanted_frames_are_not_decoded_but_counted():
    asked = []
    assert list(read_frames(EXAMPLE, wanted=lambda stamp_ns: bool(asked.append(stamp_ns)))) == []
    assert len(asked) == 24 and asked == sorted(asked)
    assert [f.stamp_ns for f in read_frames(EXAMPLE, wanted=lambda s: s == asked[7])] == [asked[7]]


@pytest.mark.parametrize("count", [0, 1, 3, 5, 16])
def test_a_sheet_holds_every_cell(count):
    cells = [draw_moment(np.full((60 + i, 80, 3), 200, np.uint8), "1.0 s", NOTHING.xyxy) for i in range(count)]
    sheet = contact_sheet(cells, "mug   größer")
    assert sheet.dtype == np.uint8 and sheet.shape[1] >= 2 * 320
    bright = (sheet[34:] == 200).all(axis=2).sum()
    assert bright >= 0.75 * sum(cell.shape[0] * cell.shape[1] for cell in cells)
