"""A cup on a depth image: the planes that cups come to stand on, and where their rims meet the surface.

Everything is worked out for N spots at once. Rings are counted from the inside: one within the lip, two on it, and two
beside it.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vlm_picking.depth import noise_m
from vlm_picking.grasp import Gripper
from vlm_picking.planning.scene import Scene

DIRECTIONS, COARSE = 24, 12
"""On each ring, at the last looks and at a first one."""
LIP, BESIDE = slice(1, 3), slice(3, 5)
"""Which rings are on the lip, and which beside it."""
_LIP_AT, _BESIDE_M = (0.45, 0.8, 1.0), (0.002, 0.004)
_RINGS = len(_LIP_AT) + len(_BESIDE_M)
_STEP = 0.6  # of the radius, for half of a rim that hangs free: undoes small overhangs at once


def first_normals(scene: Scene, contact: np.ndarray, owner: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Normals (N, 3) of planes through the objects' own pixels round the contacts, and contacts on those planes."""
    reach = (radius * scene.camera.fx / contact[:, 2])[:, None]
    angle = np.arange(COARSE) * (2 * np.pi / COARSE)
    scale = np.repeat([0.35, 0.7, 0.95], COARSE).astype(np.float32)
    dx = np.tile(np.cos(angle), 3).astype(np.float32) * scale
    dy = np.tile(np.sin(angle), 3).astype(np.float32) * scale
    u = contact[:, :1] / contact[:, 2:] * np.float32(scene.camera.fx) + np.float32(scene.camera.cx) + reach * dx
    v = contact[:, 1:2] / contact[:, 2:] * np.float32(scene.camera.fy) + np.float32(scene.camera.cy) + reach * dy
    row = np.clip(np.rint(v), 0, scene.camera.height - 1)
    column = np.clip(np.rint(u), 0, scene.camera.width - 1)
    pixel = (row * np.float32(scene.camera.width) + column).astype(np.intp)
    own = (scene.labels.ravel().take(pixel) == owner[:, None].astype(np.int16)) & scene.known.ravel().take(pixel)
    depth = scene.depth_m.ravel().take(pixel)
    x = (column - np.float32(scene.camera.cx)) * (depth / np.float32(scene.camera.fx)) - contact[:, :1]
    y = (row - np.float32(scene.camera.cy)) * (depth / np.float32(scene.camera.fy)) - contact[:, 1:2]
    depth -= contact[:, 2:]
    own &= np.abs(depth) < 1.5 * radius
    slope, offset = _planes(x, y, depth, own)
    normal = np.column_stack([slope, -np.ones(len(slope), np.float32)])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    contact = contact.copy()
    contact[:, 2] += np.clip(offset, -0.004, 0.004)
    return normal.astype(np.float32), contact


def fitted(column: np.ndarray) -> np.ndarray:
    """Of a column (N, M) about all places of rings, those on which a cup comes to stand."""
    return column[:, : column.shape[1] // _RINGS * len(_LIP_AT)]


@lru_cache(maxsize=4)
def _circle(directions: int) -> np.ndarray:
    angle = np.arange(directions) * (2 * np.pi / directions)
    return np.column_stack([np.cos(angle), np.sin(angle)]).astype(np.float32)


def _planes(x: np.ndarray, y: np.ndarray, z: np.ndarray, use: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least squares z = a x + b y + c (N rows of points): slopes (N, 2) and c (N,)."""
    w = use.astype(np.float32)
    n = np.maximum(w.sum(axis=1), 1)
    mx, my, mz = (np.einsum("nm,nm->n", w, q) / n for q in (x, y, z))
    dx, dy, dz = (x - mx[:, None]) * w, (y - my[:, None]) * w, z - mz[:, None]
    xx, yy, xy, xz, yz = (np.einsum("nm,nm->n", p, q) for p, q in ((dx, dx), (dy, dy), (dx, dy), (dx, dz), (dy, dz)))
    return _solved((mx, my, mz), (xx, yy, xy), (xz, yz))


def _planes_over(place: np.ndarray, z: np.ndarray, use: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same for heights z (N, M) over the same places (M, 2) each time, with the sums as products of matrices."""
    x, y = place.T
    basis = np.empty((len(place), 6), np.float32)
    basis[:, 0], basis[:, 1], basis[:, 2] = 1, x, y
    basis[:, 3:5] = place * place
    basis[:, 5] = x * y
    w = use.astype(np.float32)
    n, sx, sy, sxx, syy, sxy = np.ascontiguousarray((w @ basis).T)
    w *= z
    sz, sxz, syz = np.ascontiguousarray((w @ basis[:, :3]).T)
    n = np.maximum(n, 1)
    mx, my, mz = sx / n, sy / n, sz / n
    return _solved((mx, my, mz), (sxx - sx * mx, syy - sy * my, sxy - sx * my), (sxz - sx * mz, syz - sy * mz))


def _solved(
    middle: tuple[np.ndarray, ...], spread: tuple[np.ndarray, ...], lifted: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Slopes (N, 2) and heights at 0 (N,) of planes, from means of x, y, z and sums of xx, yy, xy and of xz, yz."""
    (mx, my, mz), (xx, yy, xy), (xz, yz) = middle, spread, lifted
    ridge = np.float32(1e-9) + np.float32(1e-3) * (xx + yy)
    xx, yy = xx + ridge, yy + ridge
    determinant = xx * yy - xy * xy
    a, b = (xz * yy - yz * xy) / determinant, (yz * xx - xz * xy) / determinant
    return np.column_stack([a, b]), mz - a * mx - b * my


def axes_across(normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors (N, 3) across each normal (N, 3)."""
    # Without a branch, as in Duff et al. 2017; a cup has no preferred direction.
    nx, ny, nz = normal.T
    sign = np.copysign(nz.dtype.type(1), nz)
    scale = -1 / (sign + nz)
    cross = nx * ny * scale
    first, second = np.empty_like(normal), np.empty_like(normal)
    first[:, 0], first[:, 1], first[:, 2] = 1 + sign * nx * nx * scale, sign * cross, -sign * nx
    second[:, 0], second[:, 1], second[:, 2] = cross, sign + ny * ny * scale, -ny
    return first, second


@lru_cache(maxsize=16)
def _places(radius: float, directions: int) -> np.ndarray:
    """(M, 2) float32 [m], the places on all rings."""
    circle = _circle(directions)
    reach = [scale * radius for scale in _LIP_AT] + [radius + more for more in _BESIDE_M]
    return np.concatenate([r * circle for r in reach]).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Seen:
    """What lies under M places on rings about N contacts.

    Args:
        own, known: (N, M) bool, whether it is the object itself, and was measured.
        height: (N, M) [m] over the plane through the contact.
        place: (M, 2) [m] in that plane, along its axes, two of (N, 3).
    """

    own: np.ndarray
    known: np.ndarray
    height: np.ndarray
    place: np.ndarray
    axes: tuple[np.ndarray, np.ndarray]


def rings_of(
    scene: Scene,
    contact: np.ndarray,
    normal: np.ndarray,
    owner: np.ndarray,
    radius: float,
    *,
    directions: int = DIRECTIONS,
    straight: bool = False,
) -> Seen:
    """Look under the rings of cups at contacts (N, 3) with normals (N, 3).

    Args:
        straight: look along the normals. Otherwise a place that does not lie on the surface shows what the camera
            sees beside it; the difference matters where a side drops away.
    """
    first, second = axes_across(normal)
    place = _places(radius, directions)
    pixel, inside, height = scene.surface_over(contact, (first, second, normal), place)
    for _ in range(2 if straight else 0):
        down = np.clip(height, -3 * radius, 3 * radius, out=height)
        pixel, inside, height = scene.surface_over(contact, (first, second, normal), place, above_m=down)
    own = inside & (scene.labels.ravel().take(pixel) == owner[:, None].astype(np.int16))
    return Seen(own, inside & scene.known.ravel().take(pixel), height, place, (first, second))


def refit(
    contact: np.ndarray, normal: np.ndarray, rings: Seen, radius: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Turn the cups to meet the surface under their rims.

    Returns:
        Normals (N, 3), contacts (N, 3), and for all places of the rings their heights over the rims' planes (N, M).
    """
    height, place = rings.height, rings.place
    level = np.ascontiguousarray(fitted(height))
    inner = place[: level.shape[1]]
    near = fitted(rings.own) & (np.abs(level) < 0.8 * radius)
    span = np.vstack([np.ones(len(place), np.float32), place.T])
    slope, offset = _planes_over(inner, level, near)
    residual = level - np.column_stack([offset, slope]) @ span[:, : len(inner)]
    use = near.astype(np.float32)
    count = np.maximum(use.sum(axis=1), 1)
    spread = np.sqrt(np.einsum("nm,nm->n", residual * use, residual) / count)
    near &= np.abs(residual) < (2.0 * spread + np.float32(5e-4))[:, None]
    slope, offset = _planes_over(inner, level, near)
    off = height - np.column_stack([offset, slope]) @ span
    first, second = rings.axes
    turned = normal - slope[:, :1] * first - slope[:, 1:] * second
    turned /= np.sqrt(np.einsum("nk,nk->n", turned, turned))[:, None]
    return turned, contact + np.clip(offset, -0.004, 0.004)[:, None] * normal, off


def follows_m(gripper: Gripper, contact: np.ndarray) -> np.ndarray:
    """How far (N,) [m] a reading may depart from a lip that still meets the surface."""
    return gripper.lip_follow_ratio * gripper.cup_radius_m + 0.25 * noise_m(contact[:, 2])


def _departure(off: np.ndarray, own: np.ndarray, follows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far each place departs from its own ring (N, rings, directions), and which are the object's own.

    A lip sinks on a round surface until it meets it: what counts is how even a ring is, not how deep it lies.
    """
    shape = (len(off), _RINGS, off.shape[1] // _RINGS)
    off, own = off.reshape(shape), own.reshape(shape)
    departure, reach, one = np.abs(off), 3 * follows[:, None, None], np.ones(shape[2], np.float32)
    for _ in range(2):
        near = (own & (departure < reach)).astype(np.float32)
        # Sums along a short axis are quicker as products.
        count = np.maximum(near @ one, np.float32(1))
        near *= off
        np.abs(off - ((near @ one) / count)[..., None], out=departure)
        reach = 1.5 * follows[:, None, None]
    return departure, own


def meets(off: np.ndarray, own: np.ndarray, follows: np.ndarray) -> np.ndarray:
    """Whether the lip meets the object at each place (N, rings, directions)."""
    departure, own = _departure(off, own, follows)
    return own & (departure < follows[:, None, None])


def gives_m(off: np.ndarray, own: np.ndarray, follows: np.ndarray) -> np.ndarray:
    """How far (N,) [m] the lip must give way, root mean square."""
    departure, own = _departure(off, own, follows)
    square = np.where(own[:, LIP], np.square(np.minimum(departure[:, LIP], 2 * follows[:, None, None])), 0)
    return np.sqrt(square.mean(axis=(1, 2)))


def inwards(good: np.ndarray, normal: np.ndarray, radius: float) -> np.ndarray:
    """Steps (N, 3) [m] away from where the lip, or what is just beside it, does not meet the object."""
    directions = good.shape[2]
    step = (good[:, LIP.stop - 1 : BESIDE.start + 1].mean(axis=1, dtype=np.float32) @ _circle(directions)) * np.float32(
        _STEP * radius / directions
    )
    first, second = axes_across(normal)
    return step[:, :1] * first + step[:, 1:] * second
