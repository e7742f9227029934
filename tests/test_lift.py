"""Objects in space: centres, sizes and heights of known things."""

import numpy as np
import pytest

from tests.planning.synthetic import Ball, Box, look
from vlm_picking.frame import RgbdFrame
from vlm_picking.lift import lift
from vlm_picking.support import find_support


@pytest.mark.parametrize("tilt_rad", [0.0, 0.2])
@pytest.mark.parametrize("yaw_rad", [0.0, 0.5, 1.4])
def test_a_box_keeps_its_size_and_place(yaw_rad, tilt_rad):
    shot = look([Box((0.03, -0.02, 0.03), (0.1, 0.05, 0.06), yaw_rad)], tilt_rad=tilt_rad)
    (thing,) = lift(shot.frame, shot.detections(), find_support(shot.frame))
    assert np.allclose(thing.size_m[:2], (0.1, 0.05), atol=0.008)
    assert np.allclose(shot.bin_from_camera.apply(thing.center_m)[:2], (0.03, -0.02), atol=0.006)
    assert thing.height_m == pytest.approx(0.06, abs=0.003)


def test_the_box_stands_on_the_floor():
    shot = look([Box((0, 0, 0.02), (0.1, 0.05, 0.04), 0.5)], tilt_rad=0.2)
    support = find_support(shot.frame)
    (thing,) = lift(shot.frame, shot.detections(), support)
    assert np.allclose(thing.camera_from_box.rotation[:, 2], support.normal)
    long_axis = shot.bin_from_camera.rotation @ thing.camera_from_box.rotation[:, 0]
    assert abs(long_axis @ [np.cos(0.5), np.sin(0.5), 0]) > 0.995


def test_background_in_the_mask_is_dropped():
    shot = look([Ball((0, 0, 0.1), 0.04)], distance_m=0.6)
    truth = shot.detections()
    wide = truth.mask.copy()
    wide[0, :, 100:220] |= np.pad(truth.mask[0], 3)[3:-3, 3:-3][:, 100:220]
    rows, columns = np.nonzero(truth.mask[0])
    wide[0, rows.min() - 1 : rows.min() + 1, columns.min() : columns.max()] = True
    (thing,) = lift(shot.frame, truth.replace(mask=wide), find_support(shot.frame))
    assert thing.size_m[2] < 0.06


def test_things_without_depth_are_left_out():
    shot = look([Box((0.08, 0, 0.02), (0.05, 0.05, 0.04)), Box((-0.08, 0, 0.02), (0.05, 0.05, 0.04))])
    depth = np.where(shot.ids == 1, np.nan, shot.frame.depth_m)
    frame = RgbdFrame(shot.frame.rgb, depth, shot.frame.camera)
    (thing,) = lift(frame, shot.detections(), None)
    assert thing.id == 1
    assert np.isnan(thing.height_m)


def test_without_masks_the_box_is_lifted():
    shot = look([Box((0, 0, 0.03), (0.1, 0.08, 0.06))])
    (thing,) = lift(shot.frame, shot.detections().replace(mask=None), find_support(shot.frame))
    assert thing.height_m == pytest.approx(0.06, abs=0.004)


def test_nothing_detected_is_nothing_lifted():
    shot = look([Box((0, 0, 0.03), (0.1, 0.08, 0.06))])
    assert lift(shot.frame, shot.detections()[np.zeros(1, bool)], None) == ()
