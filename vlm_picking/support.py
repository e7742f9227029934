"""The floor of the bin: its plane and its inside, from depth alone."""

from dataclasses import dataclass, field
from functools import partial

import cv2
import numpy as np

from vlm_picking.arrays import frozen_array
from vlm_picking.bin_shape import CELL_M, orientation, shell_height, supposed_rise, turned_by, walls
from vlm_picking.depth import filled_cloud, filled_depth, noise_m, normals
from vlm_picking.frame import RgbdFrame
from vlm_picking.transform import Transform

_SEARCH_WIDTH_PX = 160
_MAX_TILT_RAD = 0.7
_PROPOSALS = 40
_VOTERS = 3000
_LARGEST_OBJECT_M = 0.3
_BESIDE_M = 0.1
_ENOUGH_INSIDE = 0.25


@dataclass(frozen=True, eq=False, kw_only=True)
class Support:
    """The bin's floor.

    Args:
        normal: (3,) unit normal of the floor, towards the camera, in the optical frame.
        offset_m: height of the camera above the floor: `normal @ point + offset_m` is a point's height [m].
        inlier_share: share of the known depth readings that lie on the floor, 0..1.
        roughness_m: spread of the readings of the floor around its plane (a robust standard deviation) [m].
        interior: (H, W) bool, pixels that look into the bin: what they see stands on the floor between the walls.
        camera_from_bin: origin in the middle of the floor, z out of the bin, x along its longer side.
        size_m: (2,) length and width of the flat floor [m].
        rise_m: (4, K) height of the bin's own surface at K distances (steps of 5 mm) outwards from the flat floor's
            sides +x, -x, +y, -y [m]: the slope or wall that begins there. All zero where there is no wall.
        cut_off: (4,) bool, on which sides the top of the wall was not seen, or nothing beyond the floor.
    """

    normal: np.ndarray
    offset_m: float
    inlier_share: float
    roughness_m: float
    interior: np.ndarray
    camera_from_bin: Transform
    size_m: np.ndarray
    rise_m: np.ndarray
    cut_off: np.ndarray = field(default_factory=partial(np.zeros, 4, bool))

    def __post_init__(self) -> None:
        columns = (("normal", (3,), np.float64), ("interior", (None, None), bool), ("size_m", (2,), np.float64))
        columns += (("rise_m", (4, None), np.float64), ("cut_off", (4,), bool))
        for name, shape, dtype in columns:
            object.__setattr__(self, name, frozen_array(getattr(self, name), name=name, shape=shape, dtype=dtype))

    def height_above(self, points_m: np.ndarray) -> np.ndarray:
        """Height (...) of points (..., 3) [m, optical frame] above the floor [m]; NaN points give NaN."""
        return np.asarray(points_m) @ self.normal.astype(np.asarray(points_m).dtype) + self.offset_m

    def beyond_open_side(self, points_m: np.ndarray) -> np.ndarray:
        """Whether points (..., 3) [m, optical frame] lie past a side of the floor that has no wall; (...) bool."""
        points = np.asarray(points_m)
        axes, origin = self.camera_from_bin.rotation.astype(points.dtype), self.camera_from_bin.translation_m
        past = np.zeros(points.shape[:-1], bool)
        for side in np.flatnonzero(self.rise_m.max(axis=1) <= 0):
            axis, sign = side // 2, (1, -1)[side % 2]
            past |= sign * (points @ axes[:, axis] - points.dtype.type(origin @ axes[:, axis])) > self.size_m[axis] / 2
        return past

    def shell_height(self, points_m: np.ndarray) -> np.ndarray:
        """Height (...) of the bin's own surface, floor or wall, straight below points (..., 3) [m, optical frame]."""
        return shell_height(self.camera_from_bin, self.size_m, self.rise_m, points_m)

    def obstacle_height(self, points_m: np.ndarray) -> np.ndarray:
        """The same as a gripper has to take it: walls whose tops were not seen are as high as the highest."""
        return shell_height(self.camera_from_bin, self.size_m, supposed_rise(self.rise_m, self.cut_off), points_m)


def find_support(frame: RgbdFrame, *, rng: np.random.Generator | None = None) -> Support | None:
    """Find the bin's floor: a plane roughly across the viewing direction, below everything in the middle of the view.

    Planes are proposed by single points with their normals (a random sample consensus of one point), refined by
    least squares and judged by how much of the middle they hold, whether anything lies below them, and whether
    their outline drops (the top of a box) or rises (the walls of a bin).

    Args:
        rng: draws the proposals; seeded with 0 when not given, so the same frame gives the same floor.

    Returns:
        The floor, or None when the depth holds no such plane.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    step = max(1, round(frame.camera.width / _SEARCH_WIDTH_PX))
    known = np.isfinite(frame.depth_m[::step, ::step])
    if known.sum() < 100:
        return None
    cloud = filled_cloud(frame)
    small = np.ascontiguousarray(cloud[::step, ::step])
    small_normals = normals(filled_depth(frame), frame.camera, radius_px=2 * step)[::step, ::step]
    plane = _floor_plane(small, small_normals, known, rng)
    if plane is None:
        return None
    normal, offset_m = plane
    interior = interior_mask(cloud, *_bin_frame(small, known, *plane)[:3])
    inside = cloud[::step, ::step][known & interior[::step, ::step]]
    normal, offset_m = _refine(inside, *plane) or plane
    camera_from_bin, size_m, rise_m, cut_off = _bin_frame(small, known, normal, offset_m)
    interior = interior_mask(cloud, camera_from_bin, size_m, rise_m)
    inlier_share, roughness_m = scatter_on_floor(small, known, normal, offset_m)
    return Support(
        normal=normal,
        offset_m=offset_m,
        inlier_share=inlier_share,
        roughness_m=roughness_m,
        interior=interior,
        camera_from_bin=camera_from_bin,
        size_m=size_m,
        rise_m=rise_m,
        cut_off=cut_off,
    )


def _floor_plane(
    cloud: np.ndarray, normal: np.ndarray, known: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, float] | None:
    """The plane (normal, offset) of the floor in a small organised cloud."""
    weight_image = _middle_weight(known.shape) * known
    level = known & (normal[..., 2] < -np.cos(_MAX_TILT_RAD))
    if level.sum() < 50:
        return None
    points = cloud[known].astype(np.float64)
    voters = np.flatnonzero(known.ravel())
    voters = voters[:: max(1, len(voters) // _VOTERS)]
    voting = cloud.reshape(-1, 3)[voters]
    tolerance = 1.5 * noise_m(voting[:, 2])[:, None]
    free = level.copy()
    best, best_score = None, 0.0
    for _ in range(6):
        seeds = np.argwhere(free)
        if len(seeds) < 50:
            break
        odds = weight_image[seeds[:, 0], seeds[:, 1]] + 1e-9
        chosen = seeds[rng.choice(len(seeds), size=_PROPOSALS, p=odds / odds.sum())]
        n = normal[chosen[:, 0], chosen[:, 1]]
        offsets = -np.einsum("kc,kc->k", n, cloud[chosen[:, 0], chosen[:, 1]])
        hits = np.abs(voting @ n.T + offsets) < tolerance
        top = int(np.argmax((weight_image * free).ravel()[voters] @ hits))
        plane = _refine(points, n[top].astype(np.float64), float(offsets[top]))
        if plane is None or -plane[0][2] < np.cos(_MAX_TILT_RAD):
            free[tuple(chosen[top])] = False
            continue
        height = (cloud @ plane[0] + plane[1]).astype(np.float32)
        score = _floor_score(height, cloud, known, weight_image)
        if score > best_score:
            best, best_score = plane, score
        free &= np.abs(height) > 2 * noise_m(cloud[..., 2])
    return best


def _refine(points: np.ndarray, normal: np.ndarray, offset_m: float) -> tuple[np.ndarray, float] | None:
    """Least squares over the points near the plane, three times with a shrinking band."""
    for band in (2.5, 1.5, 1.0):
        near = np.abs(points @ normal + offset_m) < band * 1.5 * noise_m(points[:, 2])
        if near.sum() < 30:
            return None
        chosen = points[near].astype(np.float64)
        middle = chosen.mean(axis=0)
        _, vectors = np.linalg.eigh(np.cov((chosen - middle).T))
        normal = vectors[:, 0] if vectors[2, 0] < 0 else -vectors[:, 0]
        offset_m = float(-normal @ middle)
    return normal, offset_m


def _floor_score(height: np.ndarray, cloud: np.ndarray, known: np.ndarray, weight: np.ndarray) -> float:
    """How much a plane looks like the bin's floor: its share of the view's middle, less what speaks against it."""
    tolerance = 1.5 * noise_m(cloud[..., 2])
    on = known & (np.abs(height) < tolerance)
    on = cv2.morphologyEx(on.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    if on.sum() < 30:
        return 0.0
    corners = np.argwhere(on)[:, ::-1].astype(np.int32)
    hull = cv2.convexHull(corners)
    region = cv2.fillConvexPoly(np.zeros(known.shape, np.uint8), hull, 1)
    deeper = known & (height < -2 * tolerance)
    share = float(weight[on].sum() / weight.sum())
    below = float((weight * deeper)[region > 0].sum() / max(weight[region > 0].sum(), 1e-9))
    ring = (cv2.dilate(region, np.ones((9, 9), np.uint8)) > 0) & (region == 0) & known
    drop = float(deeper[ring].mean()) if ring.any() else 0.0
    rise = float((height[ring] > 0.015).mean()) if ring.any() else 0.0
    (_, sides_px, _) = cv2.minAreaRect(hull)
    pixel_m = float(np.median(np.abs(np.diff(cloud[::8, :, 0], axis=1))))
    shorter_m = min(sides_px) * pixel_m
    large = min(1.0, shorter_m / _LARGEST_OBJECT_M)
    return share * (1 - below) ** 2 * (1 - 0.9 * drop * (1 - 0.9 * (large >= 1))) * (0.3 + 0.7 * large) * (1 + 4 * rise)


def _bin_frame(
    cloud: np.ndarray, known: np.ndarray, normal: np.ndarray, offset_m: float
) -> tuple[Transform, np.ndarray, np.ndarray, np.ndarray]:
    """The flat floor between the walls: its pose (z out of the bin), its sides [m], and how the walls rise round it and
    where they are cut off, as in Support.
    """
    points = cloud[known].astype(np.float64)
    height = points @ normal + offset_m
    x_axis = np.cross(np.cross(normal, [1.0, 0.0, 0.0]), normal)
    x_axis /= np.linalg.norm(x_axis)
    plane_axes = np.stack([x_axis, np.cross(normal, x_axis)], axis=1)
    flat = points @ plane_axes
    on_floor = _within_walls(np.abs(cloud @ normal + offset_m) < 1.5 * noise_m(cloud[..., 2]), known)[known]
    low, high = flat[on_floor].min(axis=0) - _BESIDE_M, flat[on_floor].max(axis=0) + _BESIDE_M
    beside = ((flat > low) & (flat < high)).all(axis=1)
    turn = turned_by(orientation(flat[on_floor], flat[beside & (height > 0.03)]))
    low, high, rise, cut_off = walls(flat @ turn, height, on_floor)
    size, middle = high - low, turn @ ((low + high) / 2)
    axes = plane_axes @ turn
    if size[1] > size[0]:
        sides = [2, 3, 1, 0]
        axes, size, rise = np.stack([axes[:, 1], -axes[:, 0]], axis=1), size[::-1], rise[sides]
        cut_off = cut_off[sides]
    return Transform(np.column_stack([axes, normal]), plane_axes @ middle - normal * offset_m), size, rise, cut_off


def _within_walls(floor: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The pieces of the floor (rows, columns) that belong to the bin.

    A table at the same level lies beyond the walls, so it is another piece, and it runs out of the image; if enough
    of the floor does not, only that counts.
    """
    closed = cv2.morphologyEx((floor & known).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, piece = cv2.connectedComponents(closed, connectivity=4)
    weight = np.bincount(
        piece.ravel(), weights=(_middle_weight(floor.shape) * (floor & known)).ravel(), minlength=count
    )
    weight[0] = 0
    runs_out = np.zeros(count, bool)
    for edge in (piece[0], piece[-1], piece[:, 0], piece[:, -1]):
        runs_out[edge] = True
    runs_out[0] = True
    if weight[~runs_out].sum() < _ENOUGH_INSIDE * weight.sum():
        return floor & known
    return ~runs_out[piece] & floor & known


def _middle_weight(shape: tuple[int, int]) -> np.ndarray:
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    return np.exp(-1.5 * (x**2 + y**2))


def scatter_on_floor(cloud: np.ndarray, known: np.ndarray, normal: np.ndarray, offset_m: float) -> tuple[float, float]:
    """Share of the known readings of a cloud (H, W, 3) that lie on a plane, and their robust spread around it [m]."""
    distance = np.abs(cloud @ normal.astype(np.float32) + np.float32(offset_m))
    near = known & (distance < 1.5 * noise_m(cloud[..., 2]))
    if not near.any():
        return 0.0, 0.0
    return float(near.sum() / known.sum()), 1.48 * float(np.median(distance[near]))


def interior_mask(cloud: np.ndarray, camera_from_bin: Transform, size_m: np.ndarray, rise_m: np.ndarray) -> np.ndarray:
    """Pixels whose surface stands inside the walls, up to four fifths of their height."""
    in_bin = (cloud - camera_from_bin.translation_m.astype(np.float32)) @ camera_from_bin.rotation.astype(np.float32)
    inside = np.ones(cloud.shape[:2], bool)
    for side in range(4):
        axis, sign = side // 2, (1, -1)[side % 2]
        top = rise_m[side].max()
        reach = np.argmax(rise_m[side] >= 0.8 * top) * CELL_M if top > 0 else 0.0
        inside &= sign * in_bin[..., axis] < size_m[axis] / 2 + reach
    return inside
