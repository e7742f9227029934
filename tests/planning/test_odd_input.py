"""Whatever the depth holds, every stage answers: no exception, no arithmetic warning, only finite numbers."""

import numpy as np
import pytest

from vlm_picking.camera import PinholeCamera
from vlm_picking.detections import Detections
from vlm_picking.frame import RgbdFrame
from vlm_picking.gripper_files import available_grippers, load_gripper
from vlm_picking.lift import lift
from vlm_picking.planning import plan_grasps
from vlm_picking.segmentation import masks_from_boxes, segment_objects
from vlm_picking.support import find_support

GRIPPERS = [load_gripper(name) for name in available_grippers()]


def depth_of(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    height, width = shape
    depth = np.full(shape, 0.7)
    block = (slice(height // 3, 2 * height // 3), slice(width // 3, 2 * width // 3))
    if kind == "noise":
        depth += rng.normal(0, 0.05, shape)
    elif kind == "nothing known":
        depth[:] = np.nan
    elif kind == "one reading":
        depth[:] = np.nan
        depth[0, 0] = 1.0
    elif kind == "a block":
        depth[block] = 0.6
    elif kind == "a block, nine tenths missing":
        depth[block] = 0.6
        depth[rng.random(shape) < 0.9] = np.nan
    elif kind == "any depth":
        depth = rng.uniform(0.1, 10, shape)
    elif kind == "stripes":
        depth[:, ::2], depth[:, 1::4] = np.nan, 0.5
    elif kind == "millimetres taken for metres":
        depth[:] = 700.0
    elif kind == "a steep slope":
        depth[:] = np.linspace(0.3, 2, width)
    return depth


KINDS = (
    "flat",
    "noise",
    "nothing known",
    "one reading",
    "a block",
    "a block, nine tenths missing",
    "any depth",
    "stripes",
    "millimetres taken for metres",
    "a steep slope",
)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("shape", [(6, 8), (40, 60), (120, 160)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_every_stage_answers(kind, shape):
    rng = np.random.default_rng(len(kind))
    height, width = shape
    camera = PinholeCamera(width, height, 0.9 * width, 0.9 * width, width / 2, height / 2)
    rgb = rng.integers(0, 255, (*shape, 3)).astype(np.uint8)
    frame = RgbdFrame(rgb, depth_of(kind, shape, rng).astype(np.float32), camera)
    support = find_support(frame)
    corners = np.sort(rng.uniform(-5, max(shape) + 5, (4, 2, 2)), axis=1).reshape(4, 4)
    boxes = Detections(corners, np.ones(4), np.full(4, "x", object))
    scattered = boxes.replace(mask=rng.random((4, *shape)) < np.array([0.01, 0.2, 0.5, 1.0])[:, None, None])
    for floor in (support, None):
        for found in (masks_from_boxes(frame, boxes, floor), segment_objects(frame, floor), scattered):
            for thing in lift(frame, found, floor):
                assert np.isfinite(thing.size_m).all()
            for candidate in plan_grasps(frame, found, GRIPPERS, support=floor).candidates:
                assert 0 <= candidate.quality <= 1
                assert np.isfinite(candidate.center_px).all()


def test_what_is_noise_throughout_is_not_looked_at_from_the_side():
    shape, jaws = (120, 160), [load_gripper("robotiq_2f85")]
    camera = PinholeCamera(160, 120, 144.0, 144.0, 80.0, 60.0)
    thing = Detections(np.array([[0, 0, 160, 120]], float), np.ones(1), np.full(1, "x", object))
    thing = thing.replace(mask=np.ones((1, *shape), bool))
    reason = "depth too ragged for a leaning approach"
    for kind, ragged in (("any depth", True), ("a block", False)):
        depth_m = depth_of(kind, shape, np.random.default_rng(0)).astype(np.float32)
        frame = RgbdFrame(np.zeros((*shape, 3), np.uint8), depth_m, camera)
        assert (reason in plan_grasps(frame, thing, jaws).rejected) == ragged, kind
