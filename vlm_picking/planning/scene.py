"""What the planners look at: the cloud with filled holes, whose each pixel is, and how large the objects are."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vlm_picking.camera import PinholeCamera
from vlm_picking.compiled import compiled
from vlm_picking.depth import filled_depth
from vlm_picking.frame import RgbdFrame
from vlm_picking.holes import fill_edges
from vlm_picking.planning.covering import on_top
from vlm_picking.planning.height_map import CELL_M, Cloud, HeightMap, LeaningMaps, upright_map
from vlm_picking.planning.load import Load, load_of
from vlm_picking.planning.painting import heights, some_points
from vlm_picking.support import Support
from vlm_picking.transform import Transform

_MARGIN_M = 0.12
_FEWEST_READINGS = 12
_EDGE_PX, _STEP_M = 3, 0.006
_ENOUGH_POINTS = 8_000
_DENSITY = 500.0  # kg/m^3 of what stands between a seen surface and the floor: much of it is air


@dataclass(frozen=True, eq=False, kw_only=True)
class Scene:
    """One frame, prepared for planning on K objects whose masks do not overlap.

    Args:
        camera: the frame's camera.
        camera_from_bin: z points out of the bin, z = 0 is its floor (the farthest reading where no floor is known).
        depth_m: (H, W) float32 [m], holes filled: at an object's edges from the object, beside it from behind it.
        known: (H, W) bool, where depth was measured.
        labels: (H, W) int16, which of the K objects a pixel shows; -1 for none.
        window: rows and columns around all objects and what a gripper may hit beside them.
        map: the scene seen straight from above; leaning: seen from other directions.
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
    depth_m: np.ndarray
    known: np.ndarray
    labels: np.ndarray
    window: tuple[slice, slice]
    map: HeightMap
    leaning: LeaningMaps
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

    @cached_property
    def load(self) -> Load:
        """What lies on the objects."""
        return load_of(self.map, self.on_top)

    def points_of(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Points (N, 3) float32 [m, optical frame] that pixels (N,) show, holes filled."""
        z, camera = self.depth_m[row, column], self.camera
        return np.column_stack([(column - camera.cx) / camera.fx * z, (row - camera.cy) / camera.fy * z, z]).astype(
            np.float32
        )

    def pixels_of(self, points_m: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows, columns (clipped) and whether inside the image, of points (..., 3) [m, optical frame]."""
        camera = self.camera
        z = np.maximum(points_m[..., 2], points_m.dtype.type(1e-3))
        column = np.rint(points_m[..., 0] * points_m.dtype.type(camera.fx) / z + points_m.dtype.type(camera.cx))
        row = np.rint(points_m[..., 1] * points_m.dtype.type(camera.fy) / z + points_m.dtype.type(camera.cy))
        inside = (column >= 0) & (row >= 0) & (column < camera.width) & (row < camera.height)
        row = np.clip(row, 0, camera.height - 1).astype(np.int32)
        return row, np.clip(column, 0, camera.width - 1).astype(np.int32), inside

    @property
    def images(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Depth, labels and what was measured, for compiled functions."""
        return self.depth_m, self.labels, self.known

    @property
    def lens(self) -> np.ndarray:
        """(4,) float32 fx, fy, cx and cy [px], for compiled functions."""
        return np.array([self.camera.fx, self.camera.fy, self.camera.cx, self.camera.cy], np.float32)

    def measured_around(self, points_m: np.ndarray) -> np.ndarray:
        """Share (N,) of pixels with a depth reading around points (N, 3) [m, optical frame]; 0 outside the image."""
        row, column, inside = self.pixels_of(points_m)
        return np.where(inside, _share_around(self.known, row, column), np.float32(0))


def build_scene(frame: RgbdFrame, support: Support | None, labels: np.ndarray, count: int) -> Scene | None:
    """Prepare a frame for planning on the `count` objects of a label image (see label_image.py).

    Returns:
        The scene, or None where no object has enough depth readings.
    """
    known, depth_m = np.isfinite(frame.depth_m), filled_depth(frame).copy()
    readings, nearest, box = _survey(labels, known, depth_m, count)
    readable = readings >= _FEWEST_READINGS
    if not readable.any():
        return None
    fill_edges(depth_m, labels, known, box, _EDGE_PX, _STEP_M)
    camera_from_bin = _bin_frame(frame, support, known)
    window = _window(frame, box, nearest)
    small, pixel_m = _strided(window, frame)
    image_from_bin = _projection(frame.camera, camera_from_bin, small)
    in_bin = _cloud_in_bin(depth_m, labels, known, camera_from_bin, image_from_bin, small)
    points, owner = some_points(in_bin.depth_m, in_bin.labels, in_bin.known, in_bin.matrix, _ENOUGH_POINTS)
    facts = _facts(points, owner, count)
    rotation = camera_from_bin.rotation
    map_ = upright_map(
        in_bin,
        some=points,
        pixel_m=pixel_m,
        image_from_bin=image_from_bin,
        camera_from_bin=camera_from_bin,
        support=support,
    )
    return Scene(
        camera=frame.camera,
        camera_from_bin=camera_from_bin,
        depth_m=depth_m,
        known=known,
        labels=labels,
        window=window,
        map=map_,
        leaning=LeaningMaps(map_),
        readable=readable,
        middle_m=facts.middle @ rotation.T + camera_from_bin.translation_m,
        length_m=facts.length,
        mass_kg=facts.mass,
        longer_side=facts.longer_side @ rotation[:, :2].T,
        on_top=on_top(in_bin.height_m, in_bin.labels, in_bin.known, count),
    )


def _bin_frame(frame: RgbdFrame, support: Support | None, known: np.ndarray) -> Transform:
    if support is not None:
        return support.camera_from_bin
    farthest = float(np.percentile(frame.depth_m[known], 99))
    return Transform(np.diag([1.0, -1.0, -1.0]), np.array([0.0, 0.0, farthest]))


@compiled
def _survey(
    labels: np.ndarray, known: np.ndarray, depth_m: np.ndarray, count: int
) -> tuple[np.ndarray, float, tuple[int, int, int, int]]:
    """Readings (K,) on each of `count` objects, the depth that is nearest on any, and rows and columns of all of them.

    Args:
        labels, known, depth_m: (H, W) as in Scene.

    Returns:
        The last as first row, row behind the last, first column, column behind the last.
    """
    rows, columns = labels.shape
    readings, nearest = np.zeros(count, np.int64), np.inf
    top, bottom, left, right = rows, 0, columns, 0
    for row in range(rows):
        for column in range(columns):
            label = labels[row, column]
            if label >= 0:
                readings[label] += known[row, column]
                nearest = min(nearest, depth_m[row, column])
                top, bottom = min(top, row), row + 1
                left, right = min(left, column), max(right, column + 1)
    return readings, nearest, (top, bottom, left, right)


def _window(frame: RgbdFrame, box: tuple[int, int, int, int], nearest_m: float) -> tuple[slice, slice]:
    top, bottom, left, right = box
    margin = int(_MARGIN_M * frame.camera.fx / max(nearest_m, 0.05))
    return (
        slice(max(0, top - margin), min(bottom + margin, frame.camera.height)),
        slice(max(0, left - margin), min(right + margin, frame.camera.width)),
    )


def _strided(window: tuple[slice, slice], frame: RgbdFrame) -> tuple[tuple[slice, slice], float]:
    """The window with as few pixels as still reach every cell of the map, and how far they are apart [m]."""
    pixel_m = float(np.median(filled_depth(frame)[window][::16, ::16])) / frame.camera.fx
    step = int(np.clip(0.8 * CELL_M / max(pixel_m, 1e-6), 1, 4))
    return tuple(slice(part.start, part.stop, step) for part in window), step * pixel_m


def _projection(camera: PinholeCamera, camera_from_bin: Transform, small: tuple[slice, slice]) -> np.ndarray:
    """(3, 4) projection of homogeneous points [m, bin's frame] to columns and rows of a strided window."""
    rows, columns = small
    intrinsics = np.array(
        [[camera.fx, 0, camera.cx - columns.start], [0, camera.fy, camera.cy - rows.start], [0, 0, 1]]
    )
    intrinsics[:2] /= [[columns.step], [rows.step]]
    return intrinsics @ np.column_stack([camera_from_bin.rotation, camera_from_bin.translation_m])


def _cloud_in_bin(
    depth_m: np.ndarray,
    labels: np.ndarray,
    known: np.ndarray,
    camera_from_bin: Transform,
    image_from_bin: np.ndarray,
    small: tuple[slice, slice],
) -> Cloud:
    """The cloud of a strided window of images (see _projection), in the bin's frame."""
    back = np.linalg.inv(image_from_bin[:, :3])
    matrix = np.column_stack([back, camera_from_bin.inverse().translation_m])
    depth_m = depth_m[small].copy()
    return Cloud(depth_m, heights(depth_m, matrix), labels[small].copy(), known[small].copy(), matrix)


@dataclass(frozen=True, eq=False)
class _Facts:
    middle: np.ndarray
    length: np.ndarray
    mass: np.ndarray
    longer_side: np.ndarray


def _facts(points: np.ndarray, label: np.ndarray, count: int) -> _Facts:
    """Middles (K, 3), lengths (K,), masses (K,) and longer sides (K, 2) of the objects, in the bin's frame.

    Seen from a camera the near parts of an object hold more pixels than the far ones; over an object's own height
    that difference is small.

    Args:
        points: (P, 3) measured points on objects [m, bin's frame], and label (P,) whose each is.
    """
    middle, (xx, yy, xy) = _moments(points, label, count)
    turn = 0.5 * np.arctan2(2 * xy, xx - yy)
    spread = np.hypot(xx - yy, 2 * xy)
    long = np.sqrt(np.maximum((xx + yy + spread) / 2, 0)) * np.sqrt(12)
    short = np.sqrt(np.maximum((xx + yy - spread) / 2, 0)) * np.sqrt(12)
    # Nothing is thicker than it is wide: what lies on a pile is not the pile's height thick.
    volume = long * short * np.minimum(np.maximum(middle[:, 2], 0.004), np.maximum(short, 0.01))
    return _Facts(middle, long, 0.03 + _DENSITY * volume, np.column_stack([np.cos(turn), np.sin(turn)]))


@compiled
def _share_around(known: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Shares (N,) float32 of True in the 9 x 9 pixels around pixels (N,) of an image; beyond its border none is."""
    share = np.empty(len(row), np.float32)
    for k in range(len(row)):
        count = 0
        for r in range(max(row[k] - 4, 0), min(row[k] + 5, known.shape[0])):
            for c in range(max(column[k] - 4, 0), min(column[k] + 5, known.shape[1])):
                count += known[r, c]
        share[k] = count / 81
    return share


@compiled
def _moments(points: np.ndarray, label: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Middles (K, 3) of points (P, 3), and means (3, K) of the squares of x and y from there and of their product."""
    size, middle, square = np.zeros(count), np.zeros((count, 3)), np.zeros((3, count))
    for k in range(len(points)):
        size[label[k]] += 1
        for axis in range(3):
            middle[label[k], axis] += points[k, axis]
    for k in range(count):
        size[k] = max(size[k], 1)
        for axis in range(3):
            middle[k, axis] /= size[k]
    for k in range(len(points)):
        x, y = points[k, 0] - middle[label[k], 0], points[k, 1] - middle[label[k], 1]
        for place, value in enumerate((x * x, y * y, x * y)):
            square[place, label[k]] += value / size[label[k]]
    return middle, square
