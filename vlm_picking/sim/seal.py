"""Does a cup seal? Measured on the true surface with rays, not on what a camera saw."""

import mujoco
import numpy as np

from vlm_picking.sim.canvas import SEEN_GROUPS

_RAYS = 32
_RINGS = (0.8, 1.0)
_START_M = 0.02
_FOLLOWS = 0.22
"""How far, in radii, a bellows' lip follows a surface that is not flat."""
_LEANS_RAD = 0.26
"""How far the lip turns to meet a surface that it does not face."""
_LEAK = 0.15
"""The leaking share of the lip at which no vacuum is left."""


def seal_share(
    model: mujoco.MjModel, data: mujoco.MjData, body: int, position: np.ndarray, rotation: np.ndarray, radius_m: float
) -> float:
    """How much of its vacuum a cup would build up on an object, 0..1.

    Args:
        body: the object.
        position, rotation: the cup's frame in the world [m], (3,) and (3, 3); +z into the surface.
        radius_m: of the lip.
    """
    angle = np.linspace(0, 2 * np.pi, _RAYS, endpoint=False)
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    share = 1.0
    for scale in _RINGS:
        places = scale * radius_m * ring
        depth = np.array([_depth(model, data, body, position, rotation, place) for place in places])
        share = min(share, _sealed(places, depth, radius_m))
    return share


def _depth(model, data, body: int, position, rotation, place) -> float:
    """Distance [m] from the lip's plane to the object along the approach; NaN where the ray meets something else."""
    start = position + rotation @ np.array([*place, -_START_M])
    hit = np.array([-1], np.int32)
    distance = mujoco.mj_ray(model, data, start, rotation[:, 2], SEEN_GROUPS, 1, int(model.body("hand").id), hit)
    if hit[0] < 0 or model.geom_bodyid[hit[0]] != body:
        return float("nan")
    return float(distance) - _START_M


def _sealed(places: np.ndarray, depth: np.ndarray, radius_m: float) -> float:
    known = np.isfinite(depth) & (np.abs(depth) < 2 * _START_M)
    if known.sum() < 0.5 * len(depth):
        return 0.0
    columns = np.column_stack([places, np.ones(len(places))])
    plane, *_ = np.linalg.lstsq(columns[known], depth[known], rcond=None)
    slope = np.hypot(*plane[:2])
    if slope > np.tan(_LEANS_RAD):
        plane[:2] *= np.tan(_LEANS_RAD) / slope
        plane[2] = np.median(depth[known] - columns[known, :2] @ plane[:2])
    off = np.where(known, np.abs(depth - columns @ plane), np.inf)
    leaking = float((off > _FOLLOWS * radius_m).mean())
    return float(np.clip(1 - leaking / _LEAK, 0, 1))
