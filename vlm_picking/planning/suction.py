"""Suction grasps: spots where a cup's rim finds a flat, measured, reachable surface.

The seal is judged as in Dex-Net 3.0 (Mahler 2018) by how far the surface under the rim departs from the cup's
plane, here in closed form on the depth image instead of with a spring model.
"""

from collections import Counter

import cv2
import numpy as np

from vlm_picking.depth import noise_m, window_of
from vlm_picking.grasp import Gripper
from vlm_picking.planning.proposal import LEAST_MEASURED, Proposals, combine, reject_in_turn
from vlm_picking.planning.scene import Scene

_SPOTS = 40
_PATCH = 13
_MOST_POINTS = 800
_SECTORS = 12
_NEIGHBOUR_MARGIN_M = 0.012
_WEIGHTS = {"seal": 3.0, "flatness": 2.0, "center": 1.5, "tilt": 1.0, "measured": 2.0, "clearance": 0.5}


def propose_suction(scene: Scene, mask: np.ndarray, gripper: Gripper) -> Proposals:
    """Suction grasps on the object in `mask` (H, W) bool, in no order."""
    rejected: Counter = Counter()
    window = window_of(mask)
    measured = mask[window] & scene.known[window]
    points = scene.cloud[window][measured].astype(np.float64)
    if len(points) < 12:
        rejected["no depth on the object"] += 1
        return Proposals.none(gripper, rejected)
    radius = gripper.cup_radius_m
    points = points[:: 1 + len(points) // _MOST_POINTS]
    center, length = _middle(points)
    radius_px = radius * scene.camera.fx / float(np.median(points[:, 2]))
    spots = _spots(mask[window], measured, radius_px) + (window[0].start, window[1].start)
    patch = _Patch.around(scene, mask, spots, radius)
    normal, on_plane, residual = _fit_planes(patch, radius)
    contact = patch.center
    across = patch.points - contact[:, None]
    height = (across @ normal[:, :, None])[..., 0]
    distance = np.sqrt(np.maximum(np.square(across).sum(axis=2) - height**2, 0))
    tolerance = 0.12 * radius + 0.5 * noise_m(contact[:, 2])[:, None]
    own = patch.own & patch.known
    seal = _sealed_sectors(across, normal, distance, own & (np.abs(height) < tolerance), radius)
    under = distance < radius
    measured_share = (under & patch.known).sum(axis=1) / np.maximum(under.sum(axis=1), 1)
    higher = ~patch.own & (height > 0.004)
    nearest = np.where(higher, distance, np.inf).min(axis=1)
    tilt = np.arccos(np.clip(normal @ scene.up, -1, 1))
    off_center = np.linalg.norm(contact - center, axis=1)
    alive = reject_in_turn(
        [
            ("too little depth at the contact", (measured_share < LEAST_MEASURED) | (on_plane < 8)),
            ("surface too tilted", ~(tilt <= gripper.max_tilt_rad)),
            ("surface not flat enough", residual > tolerance[:, 0]),
            ("rim would not seal", seal < 0.7),
            ("cup would hit a neighbour", nearest < radius),
        ],
        rejected,
    )
    terms = {
        "flatness": np.exp(-np.square(residual / tolerance[:, 0])),
        "seal": seal,
        "center": np.exp(-np.square(off_center / max(0.5 * length, radius))),
        "tilt": np.clip(np.cos(tilt), 0, 1),
        "measured": measured_share,
        "clearance": np.clip((nearest - radius) / _NEIGHBOUR_MARGIN_M, 0, 1),
    }
    zero = np.zeros(len(spots))
    return Proposals(
        gripper=gripper,
        position_m=contact,
        approach=-normal,
        closing=_along(-normal, _longer_side(points, scene.up)),
        quality=combine(terms, _WEIGHTS),
        opening_m=zero,
        insertion_m=zero,
        clearance_m=np.maximum(nearest - radius, 0.0),
        terms=terms,
        rejected=rejected,
    )[alive]


class _Patch:
    """Surroundings of K spots: points (K, P, 3) on a grid of pixels, whether measured and whether the object's own."""

    def __init__(self, center: np.ndarray, points: np.ndarray, known: np.ndarray, own: np.ndarray) -> None:
        self.center, self.points, self.known, self.own = center, points, known, own

    @classmethod
    def around(cls, scene: Scene, mask: np.ndarray, spots: np.ndarray, radius: float) -> "_Patch":
        depth = scene.cloud[spots[:, 0], spots[:, 1], 2]
        reach = (radius + _NEIGHBOUR_MARGIN_M) * scene.camera.fx / depth
        grid = np.linspace(-1, 1, _PATCH)
        dy, dx = (g.ravel() for g in np.meshgrid(grid, grid, indexing="ij"))
        rows = np.rint(spots[:, :1] + reach[:, None] * dy).astype(np.int32)
        columns = np.rint(spots[:, 1:] + reach[:, None] * dx).astype(np.int32)
        inside = (rows >= 0) & (rows < mask.shape[0]) & (columns >= 0) & (columns < mask.shape[1])
        np.clip(rows, 0, mask.shape[0] - 1, out=rows)
        np.clip(columns, 0, mask.shape[1] - 1, out=columns)
        points = scene.cloud[rows, columns].astype(np.float64)
        known = scene.known[rows, columns] & inside
        return cls(
            scene.cloud[spots[:, 0], spots[:, 1]].astype(np.float64), points, known, mask[rows, columns] & inside
        )


def _spots(mask: np.ndarray, measured: np.ndarray, radius_px: float) -> np.ndarray:
    """(K, 2) rows and columns: a grid over the mask's inner part, its innermost spot and its middle."""
    edge_px = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    edge_px = np.where(measured, edge_px, 0)
    needed = min(0.7 * radius_px, 0.8 * float(edge_px.max()))
    candidates = np.argwhere(edge_px >= max(needed, 1))
    step = max(1, int(np.sqrt(len(candidates) / _SPOTS)))
    on_grid = candidates[(candidates[:, 0] % step == step // 2) & (candidates[:, 1] % step == step // 2)]
    inmost = np.array(np.unravel_index(int(np.argmax(edge_px)), edge_px.shape))
    middle = candidates[np.argmin(np.square(candidates - candidates.mean(axis=0)).sum(axis=1))]
    return np.vstack([inmost, middle, on_grid])


def _fit_planes(patch: _Patch, radius: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Planes under the cups (normals towards the camera), how many points hold each, and their distance (RMS) to it."""
    away = np.linalg.norm(patch.points - patch.center[:, None], axis=2)
    used = patch.known & patch.own & (away < radius)
    for _ in range(2):
        weight = used.astype(np.float64)
        count = np.maximum(weight.sum(axis=1), 1)
        mean = (weight[:, None] @ patch.points)[:, 0] / count[:, None]
        from_mean = patch.points - mean[:, None]
        weighted = from_mean * weight[..., None]
        _, vectors = np.linalg.eigh(weighted.transpose(0, 2, 1) @ weighted)
        normal = vectors[:, :, 0]
        normal = np.where((normal * mean).sum(axis=1, keepdims=True) > 0, -normal, normal)
        off = (from_mean @ normal[:, :, None])[..., 0]
        rms = np.sqrt((weight * off**2).sum(axis=1) / count)
        trimmed = used & (np.abs(off) < 2.5 * rms[:, None] + 1e-4)
        used = np.where((trimmed.sum(axis=1) >= 8)[:, None], trimmed, used)
    # The contact lies on the fitted plane, not on one noisy reading.
    lift = ((mean - patch.center) * normal).sum(axis=1)
    patch.center = patch.center + np.clip(lift, -0.005, 0.005)[:, None] * normal
    return normal, used.sum(axis=1), rms


def _sealed_sectors(
    across: np.ndarray, normal: np.ndarray, distance: np.ndarray, good: np.ndarray, radius: float
) -> np.ndarray:
    """Share (K,) of the rim's sectors in which the object's measured surface touches the rim."""
    helper = np.where(np.abs(normal[:, :1]) < 0.8, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    first = np.cross(normal, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(normal, first)
    in_plane = across @ np.stack([first, second], axis=2)
    angle = np.arctan2(in_plane[..., 1], in_plane[..., 0])
    sector = np.floor((angle / (2 * np.pi) + 0.5) * _SECTORS).astype(int) % _SECTORS
    rim = (distance > 0.6 * radius) & (distance < 1.15 * radius)
    flat = np.arange(len(normal))[:, None] * _SECTORS + sector
    size = len(normal) * _SECTORS
    touching = np.bincount(flat[rim & good], minlength=size)
    seen = np.bincount(flat[rim], minlength=size)
    return (touching > 0.6 * np.maximum(seen, 1)).reshape(-1, _SECTORS).mean(axis=1)


def _middle(points: np.ndarray) -> tuple[np.ndarray, float]:
    """The middle (3,) of an object's points, and its length [m]."""
    return points.mean(axis=0), float(np.ptp(np.percentile(points, [2, 98], axis=0), axis=0).max())


def _longer_side(points: np.ndarray, up: np.ndarray) -> np.ndarray:
    flat = points - points.mean(axis=0)
    flat -= np.outer(flat @ up, up)
    _, vectors = np.linalg.eigh(flat.T @ flat)
    return vectors[:, 2]


def _along(approach: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Unit vectors (N, 3) across the approaches (N, 3), as near to `direction` (3,) as that allows."""
    y = direction - (approach @ direction)[:, None] * approach
    flat = np.linalg.norm(y, axis=1) < 1e-6
    y[flat] = np.cross(approach[flat], np.eye(3)[np.argmin(np.abs(approach[flat]), axis=1)])
    return y / np.linalg.norm(y, axis=1, keepdims=True)
