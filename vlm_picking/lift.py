"""From masks to space: the points of each object, its oriented box and its height."""

import cv2
import numpy as np

from vlm_picking.depth import noise_m, window_of
from vlm_picking.detections import Detections
from vlm_picking.frame import RgbdFrame
from vlm_picking.result import LiftedObject
from vlm_picking.support import Support
from vlm_picking.transform import Transform

_FEWEST_POINTS = 20
_MOST_POINTS = 4000


def lift(frame: RgbdFrame, detections: Detections, support: Support | None) -> tuple[LiftedObject, ...]:
    """Lift each detection's mask (its box where there are no masks) to a cloud with an oriented box.

    Readings far behind or before the rest (the background seen past a mask's edge, flying pixels) are dropped. The
    box stands on the floor's normal, or on the optical axis where no floor is known, and is the tightest around the
    seen surface.

    Returns:
        In the detections' order; those with fewer than 20 readings are left out.
    """
    towards_camera = np.array([0.0, 0.0, -1.0]) if support is None else support.normal
    cloud = frame.camera.deproject_image(frame.depth_m)
    lifted = []
    for i in range(len(detections)):
        points = _points(frame, cloud, detections, i)
        if len(points) < _FEWEST_POINTS:
            continue
        pose, size_m = _oriented_box(points, towards_camera)
        height_m = float("nan") if support is None else float(np.percentile(support.height_above(points), 99))
        points.setflags(write=False)
        lifted.append(
            LiftedObject(
                id=int(detections.id[i]), points_m=points, camera_from_box=pose, size_m=size_m, height_m=height_m
            )
        )
    return tuple(lifted)


def _points(frame: RgbdFrame, cloud: np.ndarray, detections: Detections, i: int) -> np.ndarray:
    if detections.mask is None:
        height, width = frame.depth_m.shape
        x0, y0 = np.clip(np.floor(detections.xyxy[i, :2]).astype(int), 0, (width, height))
        x1, y1 = np.clip(np.ceil(detections.xyxy[i, 2:]).astype(int), 0, (width, height))
        points = cloud[y0:y1, x0:x1].reshape(-1, 3)
    elif detections.mask[i].any():
        window = window_of(detections.mask[i])
        points = cloud[window][detections.mask[i][window]]
    else:
        points = np.zeros((0, 3), np.float32)
    points = points[np.isfinite(points[:, 2])]
    if len(points) > _MOST_POINTS:
        points = points[np.linspace(0, len(points) - 1, _MOST_POINTS).astype(int)]
    if len(points) < _FEWEST_POINTS:
        return points
    depth = points[:, 2]
    low, middle, high = np.percentile(depth, [10, 50, 90])
    slack = 3 * noise_m(float(middle)) + 1.5 * (high - low)
    return points[(depth > low - slack) & (depth < high + slack)]


def _oriented_box(points: np.ndarray, up: np.ndarray) -> tuple[Transform, np.ndarray]:
    x_axis = np.cross(np.cross(up, [1.0, 0.0, 0.0]), up)
    x_axis /= np.linalg.norm(x_axis)
    axes = np.stack([x_axis, np.cross(up, x_axis), up], axis=1)
    local = points.astype(np.float64) @ axes
    flat = (local[:, :2] * 1000).astype(np.float32)  # minAreaRect loses digits on metres
    (_, _), (_, _), angle = cv2.minAreaRect(flat)
    c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    low, high = np.percentile(local @ turn, [0.5, 99.5], axis=0)
    size, middle = high - low, axes @ turn @ ((low + high) / 2)
    rotation = axes @ turn
    if size[1] > size[0]:
        rotation, size = np.column_stack([rotation[:, 1], -rotation[:, 0], rotation[:, 2]]), size[[1, 0, 2]]
    return Transform(rotation, middle), size
