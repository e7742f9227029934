"""A toy bin for the ROS tests: coloured blocks on a floor, and a detector that finds them by colour alone."""

import threading
import time
from collections.abc import Sequence

import numpy as np

from vlm_picking.camera import PinholeCamera
from vlm_picking.detections import Detections
from vlm_picking.errors import ModelError
from vlm_picking.frame import RgbdFrame

WIDTH, HEIGHT = 320, 240
CAMERA = PinholeCamera(width=WIDTH, height=HEIGHT, fx=300.0, fy=300.0, cx=159.5, cy=119.5)
FRAME_ID = "camera_color_optical_frame"
FLOOR_M, BLOCK_M = 0.6, 0.05
FLOOR_RGB = (105, 105, 105)
# What a phrase names -> its colour and its box x0 y0 x1 y1 [px].
TOYS = {
    "apple": ((200, 30, 30), (60, 60, 100, 100)),
    "banana": ((230, 210, 40), (180, 130, 240, 155)),
    "mug": ((40, 60, 200), (130, 40, 165, 75)),
}


def toy_frame(*names: str, stamp_ns: int = 0, depth: bool = True) -> RgbdFrame:
    """A frame with the named toys on the floor of the bin."""
    rgb = np.full((HEIGHT, WIDTH, 3), FLOOR_RGB, np.uint8)
    depth_m = np.full((HEIGHT, WIDTH), FLOOR_M if depth else np.nan, np.float32)
    for name in names:
        colour, (x0, y0, x1, y1) = TOYS[name]
        rgb[y0:y1, x0:x1] = colour
        depth_m[y0:y1, x0:x1] = FLOOR_M - BLOCK_M
    return RgbdFrame(rgb, depth_m, CAMERA, frame_id=FRAME_ID, stamp_ns=stamp_ns)


class ToyDetector:
    """Finds toys by their colour; slow or failing on demand."""

    name = "toy"
    vocabulary = None
    colours = None
    classes = tuple(TOYS)

    def __init__(self) -> None:
        self.delay_s = 0.0
        self.failure = ""
        self.phrases: list[str] = []
        self.looking = threading.Event()

    def detect(self, rgb: np.ndarray, phrases: Sequence[str]) -> Detections:
        self.phrases += phrases
        self.looking.set()
        time.sleep(self.delay_s)
        if self.failure:
            raise ModelError(self.failure)
        return Detections.merge([self._find(rgb, phrase) for phrase in phrases])

    def _find(self, rgb: np.ndarray, phrase: str) -> Detections:
        colour = next((TOYS[name][0] for name in TOYS if name in phrase), None)
        rows, columns = np.nonzero((rgb == colour).all(axis=2)) if colour else (np.zeros(0), np.zeros(0))
        if not len(rows):
            return Detections(np.array([[0, 0, 10, 10]]), np.array([0.03]), [phrase])
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        return Detections(np.array([box]), np.array([0.95]), [phrase])
