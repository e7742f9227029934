"""Dropping objects into the bin: place without overlap, let them fall, keep what came to rest inside."""

from collections.abc import Sequence
from typing import Protocol

import mujoco
import numpy as np

from vlm_picking.sim.assembly import Assembly
from vlm_picking.sim.bins import Bin
from vlm_picking.sim.kinds.model import ObjectModel, about, rotation

_GAP_M = 0.006


class WantedPose(Protocol):
    """Where an object should be dropped; None leaves it to chance."""

    xy_m: tuple[float, float] | None
    yaw_rad: float | None
    tilt_rad: float


def drop_poses(
    objects: tuple[ObjectModel, ...], crate: Bin, rng: np.random.Generator, *, wanted: Sequence[WantedPose]
) -> tuple[np.ndarray, np.ndarray]:
    """Positions (N, 3) [m] and quaternions (N, 4) above the bin whose bounding boxes don't overlap.

    `wanted[i]` may fix the place and the turn of object i; everything else is drawn from `rng`.
    """
    inner = np.array(crate.inner_m)
    positions, quats, low, high = [], [], [], []
    for item, wish in zip(objects, wanted, strict=True):
        quat = _attitude(item, rng) if wish.yaw_rad is None else _turned(wish)
        half = np.abs(rotation(quat)) @ item.half_extents_m
        room = np.maximum(inner[:2] / 2 - half[:2] - _GAP_M, 0.0)
        spots = rng.uniform(-room, room, (6, 2)) if wish.xy_m is None else np.array([wish.xy_m])
        heights = [_free_height(spot, half, low, high) for spot in spots]
        best = int(np.argmin(heights))
        centre = np.array([*spots[best], heights[best] + half[2]])
        positions.append(centre)
        quats.append(quat)
        low.append(centre - half)
        high.append(centre + half)
    return np.array(positions).reshape(-1, 3), np.array(quats).reshape(-1, 4)


def _free_height(spot: np.ndarray, half: np.ndarray, low: list, high: list) -> float:
    top = _GAP_M
    for a, b in zip(low, high, strict=True):
        if np.all(spot - half[:2] < b[:2]) and np.all(spot + half[:2] > a[:2]):
            top = max(top, float(b[2]) + _GAP_M)
    return top


def _attitude(item: ObjectModel, rng: np.random.Generator) -> tuple[float, float, float, float]:
    yaw = about("z", rng.uniform(0, 2 * np.pi))
    if item.rest == "flat":
        return _compose(yaw, about("x", np.pi * rng.integers(2) + rng.normal(0, 0.1)))
    if item.rest == "stand_or_lie":
        tilt = (0.0, np.pi / 2, np.pi)[rng.choice(3, p=(0.56, 0.38, 0.06))]
        return _compose(
            yaw, _compose(about("x", tilt + rng.normal(0, 0.08)), about("z", rng.uniform(0, 2 * np.pi)))
        )
    quat = rng.normal(size=4)
    return tuple(quat / np.linalg.norm(quat))


def _turned(wish: WantedPose) -> tuple[float, float, float, float]:
    return _compose(about("z", wish.yaw_rad), about("x", wish.tilt_rad))


def _compose(a: tuple, b: tuple) -> tuple[float, float, float, float]:
    out = np.zeros(4)
    mujoco.mju_mulQuat(out, np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
    return tuple(out)


def settle(
    assembly: Assembly, crate: Bin, positions_m: np.ndarray, quats: np.ndarray
) -> tuple[mujoco.MjData, np.ndarray]:
    """Let the objects fall and come to rest.

    Returns the state and a mask (N,) of the objects that lie inside the bin; the others have to be left out.
    """
    model = assembly.model
    data = mujoco.MjData(model)
    data.qpos[:] = np.concatenate([positions_m, quats], axis=1).ravel()
    for _ in range(20):
        mujoco.mj_step(model, data, 25)
        # Friction alone lets round things roll for long.
        data.qvel[:] *= 0.8
        if data.time > 0.5 and np.abs(data.qvel).max(initial=0.0) < 0.04:
            break
    data.qvel[:] = 0.0
    mujoco.mj_forward(model, data)
    centre = data.xpos[assembly.body]
    reach = np.array(crate.inner_m[:2]) / 2 + 0.01
    inside = np.all(np.abs(centre[:, :2]) < reach, axis=1) & (centre[:, 2] > -0.005) & (centre[:, 2] < 0.45)
    return data, inside & np.isfinite(centre).all(axis=1)
