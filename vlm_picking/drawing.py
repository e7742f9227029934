"""Pictures of results: masks, boxes with labels, grasps as they stand in space."""

import colorsys

import cv2
import numpy as np

from vlm_picking.camera import PinholeCamera
from vlm_picking.frame import RgbdFrame
from vlm_picking.grasp import GraspCandidate, Gripper, GripperKind
from vlm_picking.result import PickResult, Status

_STATUS_RGB = {
    Status.PRESENT: (40, 170, 80),
    Status.ABSENT: (90, 90, 100),
    Status.UNCERTAIN: (225, 150, 20),
    Status.FAILED: (205, 45, 45),
}
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FINGER_M = 0.045  # drawn length of a finger; the grasp's pose is at its tip
_CUP_RADIUS_M = 0.015  # drawn where the gripper is not known


def palette(index: int) -> tuple[int, int, int]:
    """A bright colour for detection `index`; neighbours in the list lie far apart on the colour circle."""
    red, green, blue = colorsys.hsv_to_rgb((0.33 + index * 0.618034) % 1.0, 0.75, 1.0)
    return int(red * 255), int(green * 255), int(blue * 255)


def draw_result(
    frame: RgbdFrame, result: PickResult, *, grippers: tuple[Gripper, ...] = (), max_grasps: int = 6
) -> np.ndarray:
    """Draw a result over its frame.

    Args:
        grippers: to draw the cups in their size.
        max_grasps: how many grasps are drawn; the best one is drawn last and thicker.

    Returns:
        (H + banner, W, 3) uint8 RGB: the picture with a banner that holds the prompt and the answer.
    """
    picture = frame.rgb.copy()
    scale = max(frame.camera.width / 640, 0.5)
    detections = result.detections
    if detections.mask is not None:
        for i, mask in enumerate(detections.mask):
            picture[mask] = (0.6 * picture[mask] + 0.4 * np.array(palette(i))).astype(np.uint8)
            contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
            cv2.drawContours(picture, contours, -1, palette(i), max(1, round(scale)), cv2.LINE_AA)
    for i in range(len(detections)):
        x0, y0, x1, y1 = (int(round(float(v))) for v in detections.xyxy[i])
        cv2.rectangle(picture, (x0, y0), (x1, y1), palette(i), max(1, round(2 * scale)), cv2.LINE_AA)
    for candidate in reversed(result.grasps[:max_grasps]):
        radius = {g.name: g.cup_radius_m for g in grippers}.get(candidate.gripper, _CUP_RADIUS_M)
        draw_grasp(picture, frame.camera, candidate, cup_radius_m=radius, best=candidate.id == result.grasps[0].id)
    for i in range(len(detections)):
        label = f"#{detections.id[i]} {detections.label[i]} {detections.score[i]:.2f}"
        x0, y0 = (int(v) for v in detections.xyxy[i, :2])
        draw_tag(picture, label, (x0, y0), palette(i), 0.42 * scale)
    return np.concatenate([_banner(picture.shape[1], result, scale), picture])


def draw_grasp(
    picture: np.ndarray, camera: PinholeCamera, candidate: GraspCandidate, *, cup_radius_m: float, best: bool
) -> None:
    """Draw one grasp into (H, W, 3) RGB in place: a cup's rim and axis, or two fingers and the line of closing."""
    colour, width = ((255, 255, 255), 3) if best else ((20, 20, 20), 1)
    inner = (255, 40, 160) if candidate.kind is GripperKind.PARALLEL_JAW else (0, 190, 255)
    for line in _grasp_lines(candidate, cup_radius_m):
        uv = camera.project(candidate.camera_from_grasp.apply(line))
        if not np.isfinite(uv).all():
            continue
        points = [np.round(uv * 8).astype(np.int32)]
        cv2.polylines(picture, points, False, colour, width + 2, cv2.LINE_AA, shift=3)
        cv2.polylines(picture, points, False, inner, width, cv2.LINE_AA, shift=3)


def _grasp_lines(candidate: GraspCandidate, cup_radius_m: float) -> list[np.ndarray]:
    """Polylines (P, 3) [m, grasp frame]."""
    back = np.array([0.0, 0.0, -_FINGER_M])
    if candidate.kind is GripperKind.SUCTION:
        angle = np.linspace(0, 2 * np.pi, 33)
        rim = cup_radius_m * np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=1)
        return [rim, np.stack([np.zeros(3), back])]
    half = np.array([0.0, candidate.opening_m / 2, 0.0])
    return [np.stack([-half, -half + back, half + back, half]), np.stack([back, 2 * back])]


def draw_tag(picture: np.ndarray, text: str, at: tuple[int, int], colour: tuple[int, int, int], scale: float) -> None:
    """Write words on a plate of `colour` into (H, W, 3) RGB in place, above the point `at` (x, y) [px]."""
    (width, height), base = cv2.getTextSize(text, _FONT, scale, 1)
    x = int(np.clip(at[0], 0, max(picture.shape[1] - width - 4, 0)))
    y = int(np.clip(at[1] - 4, height + 4, picture.shape[0] - base))
    cv2.rectangle(picture, (x, y - height - 4), (x + width + 4, y + base), colour, cv2.FILLED)
    dark = np.dot(colour, (0.299, 0.587, 0.114)) > 140
    cv2.putText(picture, text, (x + 2, y - 1), _FONT, scale, (0, 0, 0) if dark else (255, 255, 255), 1, cv2.LINE_AA)


def _banner(width: int, result: PickResult, scale: float) -> np.ndarray:
    lines = _wrap(result.answer.text, int(width / (8.2 * scale)))[:3]
    step = int(20 * scale)
    banner = np.full((step * (len(lines) + 1) + int(10 * scale), width, 3), 28, np.uint8)
    colour = _STATUS_RGB[result.answer.status]
    banner[:, : int(6 * scale)] = colour
    x = int(14 * scale)
    question = "".join(c if c.isascii() and c.isprintable() else "?" for c in result.prompt)[:70]
    head = f"> {question}   {result.answer.status.value} {result.answer.confidence:.2f}"
    cv2.putText(banner, head, (x, step), _FONT, 0.5 * scale, (255, 255, 255), 1, cv2.LINE_AA)
    for i, line in enumerate(lines):
        cv2.putText(banner, line, (x, step * (i + 2)), _FONT, 0.45 * scale, (200, 200, 205), 1, cv2.LINE_AA)
    return banner


def _wrap(text: str, width: int) -> list[str]:
    lines = [""]
    for token in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(token) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {token}".strip()
    return lines
