"""Holes are filled from the surface that they lie in, or from behind at a step; normals of planes are exact."""

import numpy as np
import pytest

from tests.planning.synthetic import CAMERA
from vlm_picking.depth import fill_holes, normals


def plane_depth(normal: np.ndarray, distance_m: float) -> np.ndarray:
    v, u = np.mgrid[: CAMERA.height, : CAMERA.width]
    rays = CAMERA.deproject(np.stack([u, v], axis=-1), np.ones(u.shape))
    return (distance_m / (rays @ normal)).astype(np.float32)


def test_a_hole_inside_a_surface_is_interpolated():
    depth = plane_depth(np.array([0.2, 0.1, 0.97]), 0.6)
    holed = depth.copy()
    holed[100:112, 150:165] = np.nan
    assert np.abs(fill_holes(holed) - depth).max() < 0.004


def test_a_shadow_beside_a_step_takes_the_far_side():
    depth = np.full((40, 60), 0.8, np.float32)
    depth[10:30, 10:30] = 0.6
    depth[10:30, 30:36] = np.nan
    assert np.allclose(fill_holes(depth)[12:28, 30:36], 0.8)


def test_what_is_known_stays():
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.5, 0.9, (50, 50)).astype(np.float32)
    holed = np.where(rng.random(depth.shape) < 0.5, np.nan, depth)
    filled = fill_holes(holed)
    known = np.isfinite(holed)
    assert np.array_equal(filled[known], depth[known])
    assert np.isfinite(filled).all()


def test_rows_and_columns_without_any_reading_are_filled_too():
    depth = np.full((20, 20), np.nan, np.float32)
    depth[3, 4] = 0.7
    assert np.allclose(fill_holes(depth), 0.7)


def test_nothing_known_stays_unknown():
    assert np.isnan(fill_holes(np.full((5, 7), np.nan))).all()


@pytest.mark.parametrize("tilt", [(0.0, 0.0), (0.3, 0.0), (0.0, -0.4), (0.3, 0.3)])
def test_normals_of_a_plane(tilt):
    towards = np.array([*tilt, 1.0])
    towards /= np.linalg.norm(towards)
    found = normals(plane_depth(towards, 0.7), CAMERA)[5:-5, 5:-5]
    assert np.abs(found + towards).max() < 2e-3
