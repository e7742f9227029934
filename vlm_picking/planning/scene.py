"""What the planners look at: the cloud with filled holes, whose each pixel is, and how large the objects are."""

from dataclasses import dataclass

import cv2
import numpy as np

from vlm_picking.camera import PinholeCamera
from vlm_picking.depth import filled_cloud, window_of
from vlm_picking.frame import RgbdFrame
from vlm_picking.planning.height_map import CELL_M, HeightMap, upright_map
from vlm_picking.support import Support
from vlm_picking.transform import Transform

_MARGIN_M = 0.12
_FEWEST_READINGS = 12
_COVERED_BY_M = 0.008
_RING_PX = 4
_OVERLAP = 0.1
_DENSITY = 500.0  # kg/m^3 of what stands between a seen surface and the floor: much of it is air


@dataclass(frozen=True, eq=False, kw_only=True)
class Scene:
    """One frame, prepared for planning on K objects whose masks do not overlap.

    Args:
        camera: the frame's camera.
        camera_from_bin: z points out of the bin, z = 0 is its floor (the farthest reading where no floor is known).
        cloud: (H, W, 3) float32 points [m, optical frame], holes filled; NaN only where nothing is known at all.
        known: (H, W) bool, where depth was measured.
        known_share: (H, W) float32, share of measured pixels in the 9 x 9 around each.
        labels: (H, W) int16, which of the K objects a pixel shows; -1 for none.
        window: rows and columns around all objects and what a gripper may hit beside them.
        map: the scene seen straight from above.
        readable: (K,) bool, whether enough of the object was measured to plan on it.
        middle_m: (K, 3) the middle of each object's measured points [m, optical frame].
        length_m: (K,) their extent [m].
        mass_kg: (K,) a guess from the object's size.
        longer_side: (K, 3) unit vectors along it, across the bin's normal.
        on_top: (K,) 1 where nothing covers the object; less by the share of its outline at which something else lies
            higher.
    """

    camera: PinholeCamera
    camera_from_bin: Transform
    cloud: np.ndarray
    known: np.ndarray
    known_share: np.ndarray
    labels: np.ndarray
    window: tuple[slice, slice]
    map: HeightMap
    readable: np.ndarray
    middle_m: np.ndarray
    length_m: np.ndarray
    mass_kg: np.ndarray
    longer_side: np.ndarray
    on_top: np.ndarray

    @property
    def up(self) -> np.ndarray:
        """(3,) direction out of the bin, in the optical frame."""
        return self.camera_from_bin.rotation[:, 2]

    def pixels_of(self, points_m: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows, columns (clipped) and whether inside the image, of points (..., 3) [m, optical frame]."""
        camera = self.camera
        z = np.maximum(points_m[..., 2], points_m.dtype.type(1e-3))
        column = np.rint(points_m[..., 0] * points_m.dtype.type(camera.fx) / z + points_m.dtype.type(camera.cx))
        row = np.rint(points_m[..., 1] * points_m.dtype.type(camera.fy) / z + points_m.dtype.type(camera.cy))
        inside = (column >= 0) & (row >= 0) & (column < camera.width) & (row < camera.height)
        row = np.clip(row, 0, camera.height - 1).astype(np.int32)
        return row, np.clip(column, 0, camera.width - 1).astype(np.int32), inside

    def measured_around(self, points_m: np.ndarray) -> np.ndarray:
        """Share (N,) of pixels with a depth reading around points (N, 3) [m, optical frame]; 0 outside the image."""
        row, column, inside = self.pixels_of(points_m)
        return np.where(inside, self.known_share[row, column], np.float32(0))


def build_scene(frame: RgbdFrame, support: Support | None, masks: np.ndarray) -> Scene | None:
    """Prepare a frame for planning on the objects with `masks` (K, H, W) bool, which hardly overlap.

    Returns:
        The scene, or None where no object has enough depth readings.
    """
    known = np.isfinite(frame.depth_m)
    labels = label_image(masks)
    seen = labels[known]
    count = np.bincount(seen[seen >= 0], minlength=len(masks))
    readable = count >= _FEWEST_READINGS
    if not readable.any():
        return None
    cloud = filled_cloud(frame)
    camera_from_bin = _bin_frame(frame, support, known)
    window = _window(frame, labels, cloud)
    small = _strided(window, cloud, frame)
    origin = camera_from_bin.translation_m.astype(np.float32)
    in_bin = (cloud[small].reshape(-1, 3) - origin) @ camera_from_bin.rotation.astype(np.float32)
    shape = labels[small].shape
    flat_labels, flat_known = labels[small].ravel(), known[small].ravel()
    facts = _facts(in_bin, flat_labels, flat_known, len(masks))
    rotation = camera_from_bin.rotation
    return Scene(
        camera=frame.camera,
        camera_from_bin=camera_from_bin,
        cloud=cloud,
        known=known,
        known_share=cv2.blur(known.astype(np.float32), (9, 9), borderType=cv2.BORDER_CONSTANT),
        labels=labels,
        window=window,
        map=upright_map(in_bin, flat_labels, flat_known, camera_from_bin, support),
        readable=readable,
        middle_m=facts.middle @ rotation.T + camera_from_bin.translation_m,
        length_m=facts.length,
        mass_kg=facts.mass,
        longer_side=facts.longer_side @ rotation[:, :2].T,
        on_top=_on_top(in_bin[:, 2].reshape(shape), labels[small], known[small], len(masks)),
    )


def label_image(masks: np.ndarray) -> np.ndarray:
    """(H, W) int16: which of the masks (K, H, W), none empty, holds a pixel (the smallest of several); -1: none."""
    labels = np.full(masks.shape[1:], -1, np.int16)
    for index in np.argsort([-np.count_nonzero(mask) for mask in masks], kind="stable"):
        window = window_of(masks[index])
        labels[window][masks[index][window]] = index
    return labels


def apart(masks: np.ndarray) -> list[np.ndarray]:
    """Split masks (K, H, W), none empty, into as few groups of indices as possible in which they hardly overlap."""
    area = np.array([np.count_nonzero(mask) for mask in masks])
    if area.sum() - np.count_nonzero(label_image(masks) >= 0) <= _OVERLAP * area.min():
        return [np.arange(len(masks))]
    small = masks[:, ::2, ::2].reshape(len(masks), -1).astype(np.float32)
    shared = small @ small.T
    held = np.maximum(np.diag(shared), 1)
    clash = shared > _OVERLAP * np.minimum(held[:, None], held)
    groups: list[list[int]] = []
    for index in range(len(masks)):
        home = next((group for group in groups if not clash[index, group].any()), None)
        if home is None:
            groups.append([index])
        else:
            home.append(index)
    return [np.array(group) for group in groups]


def _bin_frame(frame: RgbdFrame, support: Support | None, known: np.ndarray) -> Transform:
    if support is not None:
        return support.camera_from_bin
    farthest = float(np.percentile(frame.depth_m[known], 99))
    return Transform(np.diag([1.0, -1.0, -1.0]), np.array([0.0, 0.0, farthest]))


def _window(frame: RgbdFrame, labels: np.ndarray, cloud: np.ndarray) -> tuple[slice, slice]:
    owned = labels >= 0
    nearest = max(float(np.nanmin(cloud[..., 2][owned])), 0.05)
    margin = int(_MARGIN_M * frame.camera.fx / nearest)
    rows, columns = np.flatnonzero(owned.any(axis=1)), np.flatnonzero(owned.any(axis=0))
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + 1 + margin),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + 1 + margin),
    )


def _strided(window: tuple[slice, slice], cloud: np.ndarray, frame: RgbdFrame) -> tuple[slice, slice]:
    """The window with as few pixels as still reach every cell of the map."""
    pixel_m = float(np.median(cloud[window][::8, ::8, 2])) / frame.camera.fx
    step = int(np.clip(0.8 * CELL_M / max(pixel_m, 1e-6), 1, 4))
    return slice(window[0].start, window[0].stop, step), slice(window[1].start, window[1].stop, step)


@dataclass(frozen=True, eq=False)
class _Facts:
    middle: np.ndarray
    length: np.ndarray
    mass: np.ndarray
    longer_side: np.ndarray


def _facts(points: np.ndarray, labels: np.ndarray, known: np.ndarray, count: int) -> _Facts:
    """Middles (K, 3), lengths (K,), masses (K,) and longer sides (K, 2) of the objects, in the bin's frame.

    Seen from a camera the near parts of an object hold more pixels than the far ones; over an object's own height
    that difference is small.
    """
    use = known & (labels >= 0)
    label, point = labels[use], points[use].astype(np.float64)
    total = np.maximum(np.bincount(label, minlength=count), 1)

    def mean(column: np.ndarray) -> np.ndarray:
        return np.bincount(label, weights=column, minlength=count) / total

    x, y, z = point.T
    middle = np.column_stack([mean(x), mean(y), mean(z)])
    dx, dy = x - middle[label, 0], y - middle[label, 1]
    xx, yy, xy = mean(dx * dx), mean(dy * dy), mean(dx * dy)
    turn = 0.5 * np.arctan2(2 * xy, xx - yy)
    spread = np.hypot(xx - yy, 2 * xy)
    long = np.sqrt(np.maximum((xx + yy + spread) / 2, 0)) * np.sqrt(12)
    short = np.sqrt(np.maximum((xx + yy - spread) / 2, 0)) * np.sqrt(12)
    # Nothing is thicker than it is wide: what lies on a pile is not the pile's height thick.
    volume = long * short * np.minimum(np.maximum(middle[:, 2], 0.004), np.maximum(short, 0.01))
    return _Facts(middle, long, 0.03 + _DENSITY * volume, np.column_stack([np.cos(turn), np.sin(turn)]))


def _on_top(height: np.ndarray, labels: np.ndarray, known: np.ndarray, count: int) -> np.ndarray:
    """How little each object is covered (K,): looks across its outline in eight directions."""
    covered, seen = np.zeros(count), np.zeros(count)
    rows, columns = labels.shape
    inner = labels[1:-1, 1:-1]
    edge = np.zeros(labels.shape, bool)
    edge[1:-1, 1:-1] = inner >= 0
    differs = (inner != labels[:-2, 1:-1]) | (inner != labels[2:, 1:-1])
    edge[1:-1, 1:-1] &= differs | (inner != labels[1:-1, :-2]) | (inner != labels[1:-1, 2:])
    row, column = np.nonzero(edge)
    label = labels[row, column]
    for dy, dx in ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)):
        reach = _RING_PX // (1 + (dy != 0 and dx != 0)) or 1
        there = np.clip(row + dy * reach, 0, rows - 1), np.clip(column + dx * reach, 0, columns - 1)
        back = np.clip(row - dy * reach, 0, rows - 1), np.clip(column - dx * reach, 0, columns - 1)
        beyond = (labels[there] != label) & known[there]
        own = np.where(labels[back] == label, np.maximum(height[back], height[row, column]), height[row, column])
        higher = beyond & (height[there] > own + _COVERED_BY_M)
        seen += np.bincount(label[beyond], minlength=count)
        covered += np.bincount(label[higher], minlength=count)
    return 1.0 - covered / np.maximum(seen, 1)
