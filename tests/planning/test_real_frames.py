"""Pick anything on real frames: no model, only geometry, and the grasps must lie on the objects.

The frames are not part of the repository. VLM_PICKING_REAL_FRAMES names their folder; beside the repository they
are found at ../shared/data/real. Each has NAME_color.png, NAME_depth.npy [m, 0 unknown] and NAME_segmask.png
(non-zero: an object).
"""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from vlm_picking.camera import PinholeCamera
from vlm_picking.frame import RgbdFrame
from vlm_picking.gripper_files import load_gripper
from vlm_picking.lift import lift
from vlm_picking.planning import plan_grasps
from vlm_picking.segmentation import segment_objects
from vlm_picking.support import find_support

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("VLM_PICKING_REAL_FRAMES", ROOT.parent / "shared" / "data" / "real"))
# Focal length and principal point for the depth's size, and the floor's normal known from the camera's mounting.
CAMERAS = {
    "phoxi": (552.5, 255.5, 191.75, (-0.1464, 0.0021, -0.9892)),
    "primesense": (525.0, 319.5, 239.5, (0.0047, -0.2199, -0.9755)),
}
# The masks of these frames end on the right at a straight line through objects; beyond it nothing is judged.
LAST_COLUMNS = {"phoxi_0": 421, "phoxi_1": 414}
NAMES = ("phoxi_0", "phoxi_1", "primesense_0", "primesense_1")

pytestmark = pytest.mark.skipif(
    not all((FOLDER / f"{name}_depth.npy").is_file() for name in NAMES),
    reason=f"no real frames in {FOLDER}; set VLM_PICKING_REAL_FRAMES to their folder",
)


def load(name: str) -> tuple[RgbdFrame, np.ndarray, np.ndarray]:
    """The frame, its objects (H, W) bool, and the floor's true normal."""
    depth = np.load(FOLDER / f"{name}_depth.npy").squeeze().astype(np.float32)
    height, width = depth.shape
    color = cv2.resize(cv2.imread(str(FOLDER / f"{name}_color.png")), (width, height), interpolation=cv2.INTER_AREA)
    objects = cv2.imread(str(FOLDER / f"{name}_segmask.png"), cv2.IMREAD_GRAYSCALE) > 0
    focal, cx, cy, normal = CAMERAS[name.split("_")[0]]
    frame = RgbdFrame(cv2.cvtColor(color, cv2.COLOR_BGR2RGB), depth, PinholeCamera(width, height, focal, focal, cx, cy))
    return frame, objects, np.array(normal)


@pytest.mark.parametrize("name", NAMES)
def test_pick_anything_on_a_real_frame(name):
    frame, objects, normal = load(name)
    support = find_support(frame)
    assert np.degrees(np.arccos(support.normal @ normal)) < 1.0
    found = segment_objects(frame, support)
    assert len(lift(frame, found, support)) == len(found)
    plan = plan_grasps(frame, found, [load_gripper("robotiq_2f85"), load_gripper("suction_30mm")], support=support)
    # Tips that are deep beside a thin wall would show up beside it: what counts is where they meet its top.
    tops = [c.camera_from_grasp.apply(np.array([0.0, 0.0, -c.insertion_m])) for c in plan.candidates]
    columns, rows = np.rint(frame.camera.project(np.array(tops))).astype(int).T
    judged = columns <= LAST_COLUMNS.get(name, objects.shape[1])
    on_object = objects[rows, columns][judged]
    assert len(on_object) >= 10
    assert on_object.mean() >= 0.95, f"{on_object.sum()} of {len(on_object)} grasps lie on objects"
    assert on_object[0], "the best grasp lies beside the objects"
