"""Pictures show what a result holds."""

import numpy as np
import pytest

from vlm_picking.camera import PinholeCamera
from vlm_picking.detections import Detections
from vlm_picking.drawing import draw_result
from vlm_picking.frame import RgbdFrame
from vlm_picking.grasp import GraspCandidate, GripperKind
from vlm_picking.result import Answer, PickResult, Status
from vlm_picking.transform import Transform

CAMERA = PinholeCamera(320, 240, 300.0, 300.0, 159.5, 119.5)
FRAME = RgbdFrame(np.full((240, 320, 3), 90, np.uint8), np.full((240, 320), 0.8, np.float32), CAMERA)


def grasp(kind, position_m, key=0):
    return GraspCandidate(
        id=key,
        object_id=0,
        label="mug",
        gripper="g",
        kind=kind,
        quality=0.9,
        center_px=(0, 0),
        camera_from_grasp=Transform(np.eye(3), np.array(position_m)),
        opening_m=0.05,
    )


def result(*, detections=None, grasps=(), text="I see a mug.", prompt="a mug", status=Status.PRESENT):
    return PickResult(
        prompt=prompt,
        query=None,
        answer=Answer(status, 0.9, text),
        stamp_ns=0,
        frame_id="eye",
        detections=Detections.empty() if detections is None else detections,
        grasps=grasps,
    )


def changed(picture):
    """Pixels (H, W) of the frame's part that were drawn over."""
    return (picture[-240:] != FRAME.rgb).any(axis=2)


def test_a_banner_stands_above_the_frame():
    picture = draw_result(FRAME, result())
    assert picture.shape[0] > 240
    assert picture.shape[1:] == (320, 3)
    assert not changed(picture).any()


def test_masks_tint_and_boxes_frame():
    mask = np.zeros((1, 240, 320), bool)
    mask[0, 100:140, 100:160] = True
    detections = Detections([[100, 100, 160, 140]], [0.9], ["mug"], mask=mask)
    drawn = changed(draw_result(FRAME, result(detections=detections)))
    assert drawn[mask[0]].all()
    assert not drawn[200:].any()


@pytest.mark.parametrize("kind", GripperKind)
def test_grasps_are_drawn_where_they_project(kind):
    drawn = changed(draw_result(FRAME, result(grasps=(grasp(kind, (0.1, 0.0, 0.8)),))))
    v, u = np.nonzero(drawn)
    assert len(u)
    assert abs(u.mean() - (0.1 / 0.8 * 300 + 159.5)) < 15
    assert abs(v.mean() - 119.5) < 15


@pytest.mark.parametrize("kind", GripperKind)
def test_a_grasp_behind_the_camera_is_left_out(kind):
    assert not changed(draw_result(FRAME, result(grasps=(grasp(kind, (0, 0, -0.5)),)))).any()


def test_any_text_can_be_drawn():
    picture = draw_result(FRAME, result(text="x" * 3000, prompt="grün\n\x00" * 500, status=Status.FAILED))
    assert picture.shape[0] < 400
