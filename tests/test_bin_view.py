"""Looking into the bin: the view holds the bin, keeps the image's proportions, and boxes come back to the frame."""

import numpy as np
import pytest

from vlm_picking.bin_view import bin_view, detect_in_bin
from vlm_picking.camera import PinholeCamera
from vlm_picking.detections import Detections
from vlm_picking.frame import RgbdFrame
from vlm_picking.support import Support
from vlm_picking.transform import Transform

HEIGHT, WIDTH = 120, 160
FRAME = RgbdFrame(
    np.arange(HEIGHT * WIDTH * 3, dtype=np.uint64).reshape(HEIGHT, WIDTH, 3).astype(np.uint8),
    np.ones((HEIGHT, WIDTH), np.float32),
    PinholeCamera(WIDTH, HEIGHT, 150.0, 150.0, 80.0, 60.0),
)


def support(x0, y0, x1, y1):
    interior = np.zeros((HEIGHT, WIDTH), bool)
    interior[y0:y1, x0:x1] = True
    return Support(
        normal=np.array([0.0, 0.0, -1.0]),
        offset_m=1.0,
        inlier_share=0.5,
        roughness_m=0.001,
        interior=interior,
        camera_from_bin=Transform(np.diag([1.0, -1.0, -1.0]), np.array([0.0, 0.0, 1.0])),
        size_m=np.array([0.3, 0.2]),
        rise_m=np.zeros((4, 8)),
    )


class Corner:
    """Finds its image's last three by two pixels; notes what it was shown."""

    name = "corner"
    vocabulary = None
    classes = ()
    colours = None

    def __init__(self, prefers):
        self.prefers_bin_view = prefers
        self.shown = None

    def detect(self, rgb, phrases):
        self.shown = rgb
        height, width = rgb.shape[:2]
        return Detections(np.array([[width - 3, height - 2, width, height]], np.float32), [0.9], [phrases[0]])


@pytest.mark.parametrize("box", [(40, 30, 100, 80), (0, 0, 60, 50), (110, 70, 160, 120), (20, 50, 120, 70)])
def test_the_view_holds_the_bin_in_the_image_s_proportions(box):
    rows, columns = bin_view(support(*box))
    assert columns.start <= box[0] and columns.stop >= box[2] and rows.start <= box[1] and rows.stop >= box[3]
    assert 0 <= rows.start < rows.stop <= HEIGHT and 0 <= columns.start < columns.stop <= WIDTH
    height, width = rows.stop - rows.start, columns.stop - columns.start
    assert width / height == pytest.approx(WIDTH / HEIGHT, rel=0.03)
    assert width * height < 0.9 * WIDTH * HEIGHT


@pytest.mark.parametrize(
    "box", [(0, 0, 160, 120), (2, 2, 158, 118), (0, 0, 0, 0)], ids=["all", "nearly all", "nothing"]
)
def test_where_the_bin_fills_the_image_or_is_unseen_all_of_it_is_shown(box):
    assert bin_view(support(*box)) == (slice(0, HEIGHT), slice(0, WIDTH))


def test_boxes_come_back_to_the_frame():
    detector = Corner(prefers=True)
    rows, columns = bin_view(support(40, 30, 100, 80))
    found = detect_in_bin(FRAME, support(40, 30, 100, 80), detector, ["mug"])
    np.testing.assert_array_equal(detector.shown, FRAME.rgb[rows, columns])
    assert found.xyxy[0].tolist() == [columns.stop - 3, rows.stop - 2, columns.stop, rows.stop]


@pytest.mark.parametrize(("prefers", "where"), [(True, None), (False, support(40, 30, 100, 80))])
def test_others_are_shown_the_whole_image(prefers, where):
    detector = Corner(prefers)
    found = detect_in_bin(FRAME, where, detector, ["mug"])
    assert detector.shown is FRAME.rgb
    assert found.xyxy[0].tolist() == [WIDTH - 3, HEIGHT - 2, WIDTH, HEIGHT]
