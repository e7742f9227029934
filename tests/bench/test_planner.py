"""The planner's benchmark: what it reads, and what it counts."""

import cv2
import numpy as np
import pytest

from tests.planning.synthetic import Box, look
from vlm_picking.bench.planner import read_frames, run_planner_bench
from vlm_picking.errors import FrameError
from vlm_picking.frame_files import write_npz
from vlm_picking.gripper_files import load_gripper
from vlm_picking.planning import plan_grasps
from vlm_picking.planning.planner import REPEATED, WORSE
from vlm_picking.support import find_support

GRIPPERS = [load_gripper("suction_30mm"), load_gripper("robotiq_2f85")]


@pytest.fixture(scope="module")
def shot():
    return look([Box((-0.08, 0.0, 0.025), (0.09, 0.05, 0.05)), Box((0.08, 0.03, 0.02), (0.12, 0.04, 0.04), 0.5)])


def test_every_grasp_is_published_or_counted_as_thrown_away(shot):
    few = plan_grasps(shot.frame, shot.detections(), GRIPPERS, support=find_support(shot.frame), max_per_object=2)
    many = plan_grasps(shot.frame, shot.detections(), GRIPPERS, support=find_support(shot.frame), max_per_object=20)
    checked = [len(p.candidates) + p.rejected.get(REPEATED, 0) + p.rejected.get(WORSE, 0) for p in (few, many)]
    assert checked[0] == checked[1] > len(many.candidates) > len(few.candidates)


def test_figures_of_a_frame(shot):
    figures = run_planner_bench({"two": shot.frame}, GRIPPERS, repeats=3)
    row = figures["frames"]["two"]
    assert row["objects"] == 2
    assert row["checked"] >= row["candidates"] == sum(row["by_kind"].values()) > 0
    assert 0 < row["cpu_ms_median"] <= row["cpu_ms_max"]


def test_frame_files_and_pictures_give_the_same_frame(tmp_path, shot):
    frame, camera = shot.frame, shot.frame.camera
    write_npz(tmp_path / "file.npz", frame)
    cv2.imwrite(str(tmp_path / "bin_color.png"), cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2BGR))
    np.save(tmp_path / "bin_depth.npy", np.nan_to_num(frame.depth_m)[..., None])
    intrinsics = f"{camera.fx},{camera.fy},{camera.cx},{camera.cy}"
    frames = read_frames([tmp_path / "file.npz", tmp_path / "bin_color.png"], intrinsics)
    assert list(frames) == ["file", "bin"]
    assert frames["bin"].camera == frames["file"].camera
    assert np.array_equal(frames["bin"].depth_m, frames["file"].depth_m, equal_nan=True)
    (tmp_path / "bin_camera.yaml").write_text(f"{{fx: 1, fy: 1, cx: {camera.cx}, cy: {camera.cy}}}")
    assert read_frames([tmp_path / "bin_color.png"], intrinsics)["bin"].camera.fx == 1


def test_a_picture_without_depth_is_refused(tmp_path, shot):
    cv2.imwrite(str(tmp_path / "lone.png"), shot.frame.rgb)
    with pytest.raises(FrameError, match="lone_depth.npy"):
        read_frames([tmp_path / "lone.png"], "1,1,1,1")
