"""The floor that is found is the bin's: under noise, holes, tilt, walls, a table around and objects on most of it."""

import numpy as np
import pytest

from tests.planning.synthetic import Ball, Box, look, walls
from vlm_picking.bin_shape import supposed_rise
from vlm_picking.bin_shape import walls as walls_of
from vlm_picking.camera import PinholeCamera
from vlm_picking.frame import RgbdFrame
from vlm_picking.support import find_support

SCATTERED = [Box((0.08, 0.05, 0.02), (0.06, 0.04, 0.04), 0.5), Ball((-0.08, -0.04, 0.03), 0.03)]


def error_of(support, shot) -> tuple[float, float]:
    """Angle to the true normal [deg], and error of the camera's height above the floor [m]."""
    up = shot.bin_from_camera.rotation.T @ np.array([0.0, 0.0, 1.0])
    angle = np.degrees(np.arccos(np.clip(up @ support.normal, -1, 1)))
    return float(angle), float(abs(support.offset_m - shot.bin_from_camera.translation_m[2]))


@pytest.mark.parametrize(
    "case",
    [
        pytest.param({}, id="open floor"),
        pytest.param({"tilt_rad": 0.35}, id="camera leans 20 degrees"),
        pytest.param({"noise_m": 0.002}, id="noise"),
        pytest.param({"hole_share": 0.33}, id="a third is holes"),
        pytest.param({"bin_parts": walls(0.4, 0.3, 0.1), "tilt_rad": 0.15}, id="walls"),
        pytest.param(
            {"bin_parts": walls(0.3, 0.22, 0.08), "floor_size_m": (0.31, 0.23), "table_m": -0.03},
            id="table below, in view",
        ),
    ],
)
def test_the_floor_is_found(case):
    shot = look(SCATTERED, **case)
    support = find_support(shot.frame)
    angle, height = error_of(support, shot)
    assert angle < 0.6
    assert height < 0.002
    assert support.normal[2] < 0


def test_a_floor_of_which_little_is_seen():
    pile = [
        Box((x, y, 0.02 + 0.005 * k), (0.075, 0.065, 0.04 + 0.01 * k))
        for k, (x, y) in enumerate((x, y) for x in (-0.12, -0.04, 0.04, 0.12) for y in (-0.075, 0.0, 0.075))
    ]
    shot = look(pile, bin_parts=walls(0.36, 0.26, 0.15), noise_m=0.001)
    angle, height = error_of(find_support(shot.frame), shot)
    assert angle < 1.0
    assert height < 0.004


def test_a_box_that_fills_the_view_is_not_the_floor():
    shot = look([Box((0, 0, 0.04), (0.22, 0.16, 0.08))], bin_parts=walls(0.4, 0.3, 0.1))
    assert error_of(find_support(shot.frame), shot)[1] < 0.003


def test_heights_are_true():
    shot = look([Box((0.0, 0.0, 0.03), (0.1, 0.1, 0.06))], tilt_rad=0.2)
    support = find_support(shot.frame)
    height = support.height_above(shot.frame.camera.deproject_image(shot.frame.depth_m))
    top = shot.ids == 1
    assert np.abs(height[~top]).max() < 0.003
    assert np.percentile(height[top], 90) == pytest.approx(0.06, abs=0.003)


def test_the_inside_leaves_out_walls_and_table():
    shot = look(SCATTERED, bin_parts=walls(0.3, 0.22, 0.08), floor_size_m=(0.31, 0.23), table_m=-0.02, tilt_rad=0.1)
    support = find_support(shot.frame)
    assert np.allclose(support.size_m, (0.3, 0.22), atol=0.015)
    assert support.interior[shot.ids > 0].mean() > 0.97
    cloud = shot.bin_from_camera.apply(shot.frame.camera.deproject_image(shot.frame.depth_m))
    far_out = (np.abs(cloud[..., 0]) > 0.17) | (np.abs(cloud[..., 1]) > 0.13)
    assert not support.interior[far_out].any()


def test_the_walls_belong_to_the_bin():
    shot = look(SCATTERED, bin_parts=walls(0.4, 0.28, 0.1), tilt_rad=0.1)
    support = find_support(shot.frame)
    cloud = shot.frame.camera.deproject_image(shot.frame.depth_m)
    standing = support.interior & (support.height_above(cloud) - support.shell_height(cloud) > 0.006)
    assert (shot.ids[standing] == 0).mean() < 0.05


@pytest.mark.parametrize("left_px", [93, 70], ids=["its lower part is seen", "none of it is seen"])
def test_a_wall_that_the_image_cuts_off_is_taken_for_as_high_as_the_others(left_px):
    camera = PinholeCamera(width=320, height=240, fx=300.0, fy=300.0, cx=float(left_px), cy=119.5)
    table = {"floor_size_m": (0.41, 0.31), "table_m": -0.03}
    shot = look(SCATTERED, bin_parts=walls(0.4, 0.3, 0.1), camera=camera, **table)
    support = find_support(shot.frame)
    camera_from_bin = shot.bin_from_camera.inverse()
    beyond = camera_from_bin.apply(np.array([[-0.215, 0.0, 0.0], [0.215, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    assert support.shell_height(beyond)[0] < 0.09
    assert support.obstacle_height(beyond) == pytest.approx([0.1, 0.1, 0.0], abs=0.004)


def test_of_a_wall_whose_face_alone_is_seen_the_height_is_not_known():
    y = np.arange(-0.15, 0.15, 0.004)
    floor = np.array([(x, across, 0.0) for x in np.arange(-0.2, 0.2, 0.004) for across in y])
    near = np.array([(-0.202 - 0.004 * k, across, 0.1) for k in range(4) for across in y])
    face = np.array([(0.202, across, z) for across in y for z in np.arange(0.0, 0.06, 0.004)])
    points = np.concatenate([floor, near, face, near - [0.1, 0, 0.12], face + [0.1, 0, -0.08]])
    *_, rise, cut_off = walls_of(points[:, :2], points[:, 2], np.arange(len(points)) < len(floor))
    assert cut_off.tolist() == [True, False, True, True]
    assert rise.max(axis=1) == pytest.approx([0.06, 0.1, 0.0, 0.0], abs=0.006)
    assert supposed_rise(rise, cut_off).max(axis=1) == pytest.approx(0.1)


def test_where_no_wall_is_seen_none_is_supposed():
    support = find_support(look(SCATTERED).frame)
    assert not support.rise_m.any()
    beyond = support.camera_from_bin.apply(np.array([[0.4, 0.0, 0.0], [0.0, -0.4, 0.0]]))
    assert support.obstacle_height(beyond) == pytest.approx([0.0, 0.0])


def test_the_bins_frame_stands_on_the_floor():
    shot = look(SCATTERED, bin_parts=walls(0.4, 0.28, 0.1), tilt_rad=0.2)
    support = find_support(shot.frame)
    assert np.allclose(support.camera_from_bin.rotation[:, 2], support.normal)
    assert support.height_above(support.camera_from_bin.translation_m) == pytest.approx(0, abs=1e-6)
    assert support.size_m[0] >= support.size_m[1]


def test_the_same_frame_gives_the_same_floor():
    frame = look(SCATTERED, noise_m=0.002).frame
    one, other = find_support(frame), find_support(frame)
    assert np.array_equal(one.normal, other.normal)
    assert one.offset_m == other.offset_m


@pytest.mark.parametrize(
    "depth",
    [
        pytest.param(np.full((240, 320), np.nan, np.float32), id="no depth"),
        pytest.param(np.random.default_rng(0).uniform(0.3, 3.0, (240, 320)).astype(np.float32), id="noise only"),
    ],
)
def test_no_floor_is_none(depth):
    frame = look([]).frame
    assert find_support(RgbdFrame(frame.rgb, depth, frame.camera)) is None
