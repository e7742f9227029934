"""The camera's laws, and what a frame refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlm_picking.camera import PinholeCamera
from vlm_picking.errors import FrameError
from vlm_picking.frame import RgbdFrame

CAMERA = PinholeCamera(64, 48, 60.0, 61.0, 31.5, 23.5)


@given(st.floats(0, 63), st.floats(0, 47), st.floats(0.1, 5))
def test_projection_undoes_deprojection(u, v, z):
    assert np.allclose(CAMERA.project(CAMERA.deproject(np.array([u, v]), np.array(z))), [u, v])


def test_an_image_is_lifted_as_its_pixels_are():
    depth = np.linspace(0.5, 1.5, 64 * 48).reshape(48, 64).astype(np.float32)
    v, u = np.mgrid[:48, :64]
    assert np.allclose(CAMERA.deproject_image(depth), CAMERA.deproject(np.stack([u, v], -1), depth), atol=1e-5)


def test_points_behind_the_camera_have_no_pixel():
    assert np.isnan(CAMERA.project(np.array([[0, 0, -1.0], [0, 0, 0]]))).all()


def test_a_resized_camera_sees_the_same_rays():
    half = CAMERA.scaled_to(width=32, height=24)
    # The corner between four pixels is the same place in both images.
    ray = CAMERA.deproject(np.array([31.5, 23.5]), np.array(1.0))
    assert np.allclose(half.project(ray), [15.5, 11.5])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((64, 48, 0, 0, 0, 0), "calibrate"),
        ((0, 48, 60, 60, 32, 24), "size must be positive"),
        ((64, 48, float("nan"), 60, 32, 24), "finite"),
    ],
    ids=["uncalibrated", "no width", "nan"],
)
def test_a_camera_without_intrinsics_is_refused(values, message):
    with pytest.raises(FrameError, match=message):
        PinholeCamera(*values)


def test_readings_that_are_none_become_nan():
    depth = np.ones((48, 64), np.float32)
    depth[0, :4] = [0, -1, np.inf, np.nan]
    frame = RgbdFrame(np.zeros((48, 64, 3), np.uint8), depth, CAMERA)
    assert np.isnan(frame.depth_m[0, :4]).all()
    assert np.isfinite(frame.depth_m).sum() == 48 * 64 - 4
    assert frame.valid_depth_share == pytest.approx(1 - 4 / (48 * 64))
    assert depth[0, 0] == 0, "the caller's array is left as it was"


@pytest.mark.parametrize(
    ("rgb", "depth", "message"),
    [
        (np.zeros((48, 64, 3), np.float32), np.ones((48, 64)), "uint8"),
        (np.zeros((48, 64), np.uint8), np.ones((48, 64)), "rgb must have shape"),
        (np.zeros((24, 32, 3), np.uint8), np.ones((48, 64)), "colour image is 32x24"),
        (np.zeros((48, 64, 3), np.uint8), np.ones((24, 32)), "aligned to colour"),
    ],
    ids=["float colour", "grey", "small colour", "small depth"],
)
def test_a_frame_that_does_not_fit_together_is_refused(rgb, depth, message):
    with pytest.raises(FrameError, match=message):
        RgbdFrame(rgb, depth, CAMERA)
