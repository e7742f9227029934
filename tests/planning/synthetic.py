"""Bins of boxes and balls under a camera, ray by ray: exact depth and masks, no simulator."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vlm_picking.camera import PinholeCamera
from vlm_picking.detections import Detections
from vlm_picking.frame import RgbdFrame
from vlm_picking.segmentation import box_of
from vlm_picking.transform import Transform

CAMERA = PinholeCamera(width=320, height=240, fx=300.0, fy=300.0, cx=159.5, cy=119.5)
COLOURS = np.array(
    [[90, 90, 90], [200, 40, 40], [40, 160, 60], [50, 60, 200], [210, 190, 50], [150, 60, 170]], np.uint8
)


@dataclass(frozen=True)
class Box:
    """A box turned by `yaw_rad` about the vertical; `center_m` in the bin's frame (z up, floor at 0)."""

    center_m: tuple[float, float, float]
    size_m: tuple[float, float, float]
    yaw_rad: float = 0.0

    def distances(self, origin: np.ndarray, rays: np.ndarray) -> np.ndarray:
        c, s = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        start, along = (origin - np.array(self.center_m)) @ turn, rays @ turn
        with np.errstate(divide="ignore", invalid="ignore"):
            one = (-np.array(self.size_m) / 2 - start) / along
            other = (np.array(self.size_m) / 2 - start) / along
        enter, leave = np.minimum(one, other).max(axis=-1), np.maximum(one, other).min(axis=-1)
        return np.where((enter < leave) & (enter > 0), enter, np.inf)


@dataclass(frozen=True)
class Ball:
    """A ball; `center_m` in the bin's frame."""

    center_m: tuple[float, float, float]
    radius_m: float

    def distances(self, origin: np.ndarray, rays: np.ndarray) -> np.ndarray:
        start = origin - np.array(self.center_m)
        a, b = (rays**2).sum(axis=-1), rays @ start
        root = b**2 - a * (start @ start - self.radius_m**2)
        enter = (-b - np.sqrt(np.maximum(root, 0))) / a
        return np.where((root > 0) & (enter > 0), enter, np.inf)


@dataclass(frozen=True, eq=False)
class Shot:
    """A frame, which object each pixel sees (0 the bin or table, k + 1 object k), and where the camera stood."""

    frame: RgbdFrame
    ids: np.ndarray
    bin_from_camera: Transform

    def detections(self) -> Detections:
        """The true masks of all visible objects; ids as in `ids`, less one."""
        seen = [k for k in range(self.ids.max()) if (self.ids == k + 1).any()]
        masks = np.stack([self.ids == k + 1 for k in seen])
        boxes = np.stack([box_of(mask) for mask in masks])
        return Detections(boxes, np.ones(len(seen)), np.full(len(seen), "thing", object), np.array(seen), masks)


def walls(length_m: float, width_m: float, height_m: float, thickness_m: float = 0.012) -> list[Box]:
    """Four walls round a floor of `length_m` along x and `width_m` along y."""
    x, y, t = length_m / 2 + thickness_m / 2, width_m / 2 + thickness_m / 2, thickness_m
    return [
        Box((x, 0, height_m / 2), (t, width_m + 2 * t, height_m)),
        Box((-x, 0, height_m / 2), (t, width_m + 2 * t, height_m)),
        Box((0, y, height_m / 2), (length_m, t, height_m)),
        Box((0, -y, height_m / 2), (length_m, t, height_m)),
    ]


def look(
    objects: Sequence[Box | Ball],
    *,
    bin_parts: Sequence[Box] = (),
    distance_m: float = 0.7,
    tilt_rad: float = 0.0,
    roll_rad: float = 0.0,
    table_m: float = 0.0,
    floor_size_m: tuple[float, float] | None = None,
    noise_m: float = 0.0,
    hole_share: float = 0.0,
    camera: PinholeCamera = CAMERA,
    seed: int = 0,
) -> Shot:
    """Photograph a bin from `distance_m` above its middle, leaning by `tilt_rad`, turned by `roll_rad`.

    With `floor_size_m` the floor ends there, and the table lies `table_m` above (below, if negative) it.
    """
    rng = np.random.default_rng(seed)
    back = np.array([0.0, -np.sin(tilt_rad), np.cos(tilt_rad)])
    right, down = np.array([1.0, 0.0, 0.0]), np.cross(-back, [1.0, 0.0, 0.0])
    c, s = np.cos(roll_rad), np.sin(roll_rad)
    rotation = np.column_stack([c * right + s * down, -s * right + c * down, -back])
    origin = distance_m * back
    v, u = np.mgrid[: camera.height, : camera.width]
    rays = camera.deproject(np.stack([u, v], axis=-1), np.ones(u.shape)) @ rotation.T
    floor = -origin[2] / rays[..., 2]
    if floor_size_m is not None:
        hit = origin + rays * floor[..., None]
        outside = (np.abs(hit[..., :2]) > np.array(floor_size_m) / 2).any(axis=-1)
        floor = np.where(outside, (table_m - origin[2]) / rays[..., 2], floor)
    layers = np.stack(
        [floor, *[p.distances(origin, rays) for p in bin_parts], *[o.distances(origin, rays) for o in objects]]
    )
    nearest = np.argmin(layers, axis=0)
    ids = np.maximum(nearest - len(bin_parts), 0)
    depth = layers.min(axis=0)  # rays have z = 1 in the optical frame, so this is the depth
    depth = depth + noise_m * rng.standard_normal(depth.shape)
    depth = np.where(rng.random(depth.shape) < hole_share, np.nan, depth).astype(np.float32)
    rgb = COLOURS[np.where(ids > 0, 1 + (ids - 1) % (len(COLOURS) - 1), 0)]
    return Shot(RgbdFrame(rgb, depth, camera), ids, Transform(rotation, origin))
