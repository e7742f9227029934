"""The first question to each model, and the first plan, which are the slow ones: kernels are built, memory is taken.

`python -m vlm_picking.warming` compiles the planner for this machine and user, which its first plan would do otherwise.
"""

import numpy as np

from vlm_picking.camera import PinholeCamera
from vlm_picking.detections import Detections
from vlm_picking.errors import ReplyError
from vlm_picking.frame import RgbdFrame
from vlm_picking.grasp import Gripper
from vlm_picking.gripper_files import available_grippers, load_gripper
from vlm_picking.models.suite import ModelSuite
from vlm_picking.planning import plan_grasps


def empty_floor(width: int, height: int) -> RgbdFrame:
    """A frame of a black floor, a metre away."""
    camera = PinholeCamera(width, height, float(width), float(width), width / 2, height / 2)
    return RgbdFrame(np.zeros((height, width, 3), np.uint8), np.ones((height, width), np.float32), camera)


def warm_up(models: ModelSuite, frame: RgbdFrame) -> None:
    """Ask every model in every role about a frame.

    Raises:
        ModelError: a model can't look. A reply that can't be read is none: an empty picture invites odd ones.
    """
    rgb = frame.rgb
    height, width = rgb.shape[:2]
    middle = np.array([[width / 4, height / 4, width * 3 / 4, height * 3 / 4]], np.float32)
    asked = [
        (models.detector, lambda model: model.detect(rgb, ["object"])),
        (models.scorer, lambda model: model.presence(rgb, ["object"])),
        (models.answerer, lambda model: model.yes_probability([rgb], "Is there an object in the image?")),
        (models.captioner, lambda model: model.caption(rgb)),
        (models.phrase_segmenter, lambda model: model.segment(rgb, ["object"])),
        (models.box_segmenter, lambda model: model.masks(rgb, middle)),
        (models.classifier, lambda model: model.classify_boxes(frame, middle)),
    ]
    for model, ask in asked:
        if model is None:
            continue
        try:
            ask(model)
        except ReplyError:
            continue


def warm_up_planning(grippers: tuple[Gripper, ...], camera: PinholeCamera) -> None:
    """Plan once for a box that lies on a larger one: whatever a plan may need is compiled then, once a machine."""
    size = camera.height, camera.width
    masks, depth_m = np.zeros((2, *size), bool), np.ones(size, np.float32)
    middle_y, middle_x, reach = camera.height // 2, camera.width // 2, max(camera.width // 10, 4)
    for mask, half, top_m in ((masks[0], reach, 0.96), (masks[1], reach // 3, 0.92)):
        box = slice(middle_y - half, middle_y + half), slice(middle_x - half, middle_x + half)
        mask[box], depth_m[box] = True, top_m
    masks[0] &= ~masks[1]
    xyxy = np.array([[0, 0, camera.width, camera.height]] * 2, np.float32)
    boxes = Detections(xyxy, np.ones(2), np.array(["box", "box"]), np.arange(2), masks)
    frame = RgbdFrame(np.zeros((*size, 3), np.uint8), depth_m, camera)
    plan_grasps(frame, boxes, grippers)


if __name__ == "__main__":
    warm_up_planning(tuple(load_gripper(name) for name in available_grippers()), empty_floor(640, 480).camera)
