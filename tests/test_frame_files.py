"""Frames on disk: what is read, and what is refused with the fix."""

import cv2
import numpy as np
import pytest

from vlm_picking.camera import PinholeCamera
from vlm_picking.errors import FrameError
from vlm_picking.frame import RgbdFrame
from vlm_picking.frame_files import read_camera, read_depth, read_npz, read_picture, write_image, write_npz


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.5, 1, (48, 64)).astype(np.float32)
    depth[:5] = np.nan
    return RgbdFrame(
        rng.integers(0, 255, (48, 64, 3), np.uint8), depth, PinholeCamera(64, 48, 60, 61, 32, 24), "eye", 7
    )


def test_a_frame_file_there_and_back(tmp_path, frame):
    write_npz(tmp_path / "f.npz", frame)
    again = read_npz(tmp_path / "f.npz")
    assert np.array_equal(again.rgb, frame.rgb)
    assert np.array_equal(again.depth_m, frame.depth_m, equal_nan=True)
    assert (again.camera, again.frame_id, again.stamp_ns) == (frame.camera, "eye", 7)


def test_a_frame_file_names_what_it_lacks(tmp_path):
    np.savez(tmp_path / "f.npz", rgb=np.zeros((4, 4, 3), np.uint8), fx=1.0)
    with pytest.raises(FrameError, match="lacks depth_m, fy, cx, cy"):
        read_npz(tmp_path / "f.npz")


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04broken"], ids=["empty", "text", "cut"])
def test_a_file_that_is_no_frame(tmp_path, content):
    (tmp_path / "f.npz").write_bytes(content)
    with pytest.raises(FrameError, match="no frame file"):
        read_npz(tmp_path / "f.npz")


def test_a_picture_with_depth_in_millimetres_and_half_the_pixels(tmp_path, frame):
    write_image(tmp_path / "c.png", cv2.resize(frame.rgb, (128, 96), interpolation=cv2.INTER_NEAREST))
    cv2.imwrite(str(tmp_path / "d.png"), np.nan_to_num(frame.depth_m * 1000).astype(np.uint16))
    (tmp_path / "k.yaml").write_text("camera_matrix: {rows: 3, cols: 3, data: [60, 0, 32, 0, 61, 24, 0, 0, 1]}")
    again = read_picture(tmp_path / "c.png", tmp_path / "d.png", str(tmp_path / "k.yaml"))
    assert np.array_equal(again.rgb, frame.rgb)
    assert np.allclose(again.depth_m, frame.depth_m, atol=1e-3, equal_nan=True)
    assert again.camera == frame.camera


def test_depth_of_another_shape_is_refused(tmp_path, frame):
    write_image(tmp_path / "c.png", frame.rgb)
    np.save(tmp_path / "d.npy", np.ones((30, 64), np.float32))
    with pytest.raises(FrameError, match="aligned to colour"):
        read_picture(tmp_path / "c.png", tmp_path / "d.npy", "60,60,32,24")


def test_depth_needs_intrinsics(tmp_path, frame):
    write_image(tmp_path / "c.png", frame.rgb)
    np.save(tmp_path / "d.npy", frame.depth_m)
    with pytest.raises(FrameError, match="--camera"):
        read_picture(tmp_path / "c.png", tmp_path / "d.npy", None)


@pytest.mark.parametrize("text", ["60,60,32", "a,b,c,d", "0,0,0,0", "nowhere.yaml"])
def test_intrinsics_that_are_none(text):
    with pytest.raises(FrameError):
        read_camera(text, width=64, height=48)


def test_an_eight_bit_picture_is_no_depth(tmp_path):
    cv2.imwrite(str(tmp_path / "d.png"), np.zeros((4, 4), np.uint8))
    with pytest.raises(FrameError, match="16-bit"):
        read_depth(tmp_path / "d.png")


def test_a_picture_without_a_known_ending_can_t_be_written(tmp_path, frame):
    with pytest.raises(FrameError, match=r"\.png"):
        write_image(tmp_path / "picture.nonsense", frame.rgb)
