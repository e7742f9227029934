"""What the planners look at: the cloud with filled holes, whose each pixel is, and how large the objects are."""

from dataclasses import dataclass

import cv2
import numpy as np

from vlm_picking.camera import PinholeCamera
from vlm_picking.depth import filled_cloud, filled_depth
from vlm_picking.frame import RgbdFrame
from vlm_picking.planning.covering import on_top
from vlm_picking.planning.height_map import CELL_M, Cloud, HeightMap, upright_map
from vlm_picking.support import Support
from vlm_picking.transform import Transform

_MARGIN_M = 0.12
_FEWEST_READINGS = 12
_ENOUGH_POINTS = 8_000
_DENSITY = 500.0  # kg/m^3 of what stands between a seen surface and the floor: much of it is air


@dataclass(frozen=True, eq=False, kw_only=True)
class Scene:
    """One frame, prepared for planning on K objects whose masks do not overlap.

    Args:
        camera: the frame's camera.
        camera_from_bin: z points out of the bin, z = 0 is its floor (the farthest reading where no floor is known).
        depth_m: (H, W) float32 [m], holes filled.
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
    depth_m: np.ndarray
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

    def surface_over(
        self,
        contact_m: np.ndarray,
        axes: tuple[np.ndarray, np.ndarray, np.ndarray],
        place_m: np.ndarray,
        above_m: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What the camera sees towards places in a plane at each contact, and how high it lies over that plane.

        Args:
            contact_m: (N, 3) float32 [m, optical frame].
            axes: two unit vectors in each plane, and its normal, (N, 3) float32 each.
            place_m: (M, 2) float32 along the first two.
            above_m: (N, M) float32, how far above the plane to look; 0 if left out.

        Returns:
            Pixels (N, M) as indices into flattened images (clipped), whether they are inside the image (N, M), and
            heights (N, M) float32 [m].
        """
        camera, normal = self.camera, axes[2]
        count = len(contact_m)
        span = np.empty((3, len(place_m)), np.float32)
        span[0], span[1:] = 1, place_m.T
        lens = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]], np.float32)
        frames = np.empty((3, count, 3), np.float32)  # the lens' rows, points, and corner and axes
        for k, vector in enumerate((contact_m, *axes[:2])):
            frames[:, :, k] = lens @ vector.T
        x, y, z = (frames.reshape(-1, 3) @ span).reshape(3, count, len(place_m))
        if above_m is not None:
            for plane, up in zip((x, y, z), lens @ normal.T, strict=True):
                plane += above_m * up[:, None]
        np.maximum(z, np.float32(1e-3), out=z)
        inside = None
        for plane, last in ((x, camera.width - 1), (y, camera.height - 1)):
            plane /= z
            np.rint(plane, out=plane)
            within = plane.clip(np.float32(0), np.float32(last))
            equal = within == plane
            inside = equal if inside is None else np.logical_and(inside, equal, out=inside)
            plane[:] = within
        pixel = (y * np.float32(camera.width) + x).astype(np.intp)
        # A pixel's point is its depth times its ray, so its height needs its depth alone.
        per_x, per_y = normal[:, 0] / np.float32(camera.fx), normal[:, 1] / np.float32(camera.fy)
        x *= per_x[:, None]
        y *= per_y[:, None]
        x += y
        x += (normal[:, 2] - per_x * np.float32(camera.cx) - per_y * np.float32(camera.cy))[:, None]
        x *= self.depth_m.ravel().take(pixel)
        x -= np.einsum("nk,nk->n", contact_m, normal)[:, None]
        return pixel, inside, x

    def measured_around(self, points_m: np.ndarray) -> np.ndarray:
        """Share (N,) of pixels with a depth reading around points (N, 3) [m, optical frame]; 0 outside the image."""
        row, column, inside = self.pixels_of(points_m)
        return np.where(inside, self.known_share[row, column], np.float32(0))


def build_scene(frame: RgbdFrame, support: Support | None, labels: np.ndarray, count: int) -> Scene | None:
    """Prepare a frame for planning on the `count` objects of a label image (see label_image.py).

    Returns:
        The scene, or None where no object has enough depth readings.
    """
    known = np.isfinite(frame.depth_m)
    owned = labels >= 0
    readings = np.bincount(labels.ravel()[np.flatnonzero(owned & known)], minlength=count)
    readable = readings >= _FEWEST_READINGS
    if not readable.any():
        return None
    cloud = filled_cloud(frame)
    camera_from_bin = _bin_frame(frame, support, known)
    window = _window(frame, owned)
    small, pixel_m = _strided(window, frame)
    image_from_bin = _projection(frame.camera, camera_from_bin, small)
    in_bin = _cloud_in_bin(filled_depth(frame), camera_from_bin, image_from_bin, small)
    height = in_bin.height()
    labels_small, known_small = np.ascontiguousarray(labels[small]), np.ascontiguousarray(known[small])
    seen = np.flatnonzero((labels_small >= 0) & known_small)
    some = seen[:: max(1, len(seen) // _ENOUGH_POINTS)]
    points = in_bin.at(some)
    facts = _facts(points, labels_small.ravel()[some], count)
    rotation = camera_from_bin.rotation
    known_share = cv2.boxFilter(known.view(np.uint8), cv2.CV_32F, (9, 9), borderType=cv2.BORDER_CONSTANT)
    return Scene(
        camera=frame.camera,
        camera_from_bin=camera_from_bin,
        depth_m=filled_depth(frame),
        cloud=cloud,
        known=known,
        known_share=known_share,
        labels=labels,
        window=window,
        map=upright_map(
            in_bin,
            height,
            labels_small,
            known_small,
            some=points,
            pixel_m=pixel_m,
            image_from_bin=image_from_bin,
            camera_from_bin=camera_from_bin,
            support=support,
        ),
        readable=readable,
        middle_m=facts.middle @ rotation.T + camera_from_bin.translation_m,
        length_m=facts.length,
        mass_kg=facts.mass,
        longer_side=facts.longer_side @ rotation[:, :2].T,
        on_top=on_top(height, labels_small, known_small, count),
    )


def _bin_frame(frame: RgbdFrame, support: Support | None, known: np.ndarray) -> Transform:
    if support is not None:
        return support.camera_from_bin
    farthest = float(np.percentile(frame.depth_m[known], 99))
    return Transform(np.diag([1.0, -1.0, -1.0]), np.array([0.0, 0.0, farthest]))


def _window(frame: RgbdFrame, owned: np.ndarray) -> tuple[slice, slice]:
    x, y, width, height = cv2.boundingRect(owned.view(np.uint8))
    inner = (slice(y, y + height), slice(x, x + width))
    nearest = cv2.minMaxLoc(filled_depth(frame)[inner], mask=owned.view(np.uint8)[inner])[0]
    margin = int(_MARGIN_M * frame.camera.fx / max(nearest, 0.05))
    return (
        slice(max(0, y - margin), min(y + height + margin, frame.camera.height)),
        slice(max(0, x - margin), min(x + width + margin, frame.camera.width)),
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
    depth_m: np.ndarray, camera_from_bin: Transform, image_from_bin: np.ndarray, small: tuple[slice, slice]
) -> Cloud:
    """The cloud of a strided window of a depth image (see _projection), in the bin's frame."""
    back = np.linalg.inv(image_from_bin[:, :3])
    shift = camera_from_bin.inverse().translation_m
    return Cloud(np.ascontiguousarray(depth_m[small]), np.column_stack([back, shift]))


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
        points: (3, P) measured points on objects [m, bin's frame], and label (P,) whose each is.
    """
    label = label.astype(np.intp)
    total = np.maximum(np.bincount(label, minlength=count), 1)

    def mean(column: np.ndarray) -> np.ndarray:
        return np.bincount(label, weights=column, minlength=count) / total

    x, y, z = (column.astype(np.float64) for column in points)
    middle = np.column_stack([mean(x), mean(y), mean(z)])
    dx, dy = x - middle[:, 0][label], y - middle[:, 1][label]
    xx, yy, xy = mean(dx * dx), mean(dy * dy), mean(dx * dy)
    turn = 0.5 * np.arctan2(2 * xy, xx - yy)
    spread = np.hypot(xx - yy, 2 * xy)
    long = np.sqrt(np.maximum((xx + yy + spread) / 2, 0)) * np.sqrt(12)
    short = np.sqrt(np.maximum((xx + yy - spread) / 2, 0)) * np.sqrt(12)
    # Nothing is thicker than it is wide: what lies on a pile is not the pile's height thick.
    volume = long * short * np.minimum(np.maximum(middle[:, 2], 0.004), np.maximum(short, 0.01))
    return _Facts(middle, long, 0.03 + _DENSITY * volume, np.column_stack([np.cos(turn), np.sin(turn)]))
