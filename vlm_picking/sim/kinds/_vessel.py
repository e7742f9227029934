"""Walls shared by open vessels."""

from dataclasses import replace

import numpy as np

from vlm_picking.sim.kinds.model import Part


def wall(
    radius_m: tuple[float, float], z_m: tuple[float, float], thick_m: float, *, pieces: int = 10
) -> tuple[Part, ...]:
    """Unseen solid slats of a conical wall from (radius, z) at its foot to (radius, z) at its rim."""
    (r0, r1), (z0, z1) = radius_m, z_m
    slant = np.arctan2(r1 - r0, z1 - z0)
    half = 0.5 * float(np.hypot(r1 - r0, z1 - z0))
    middle = 0.5 * (r0 + r1)
    slats = []
    for angle in np.arange(pieces) * 2 * np.pi / pieces:
        half_yaw, half_tilt = angle / 2, slant / 2
        quat = (
            np.cos(half_yaw) * np.cos(half_tilt),
            -np.sin(half_yaw) * np.sin(half_tilt),
            np.cos(half_yaw) * np.sin(half_tilt),
            np.sin(half_yaw) * np.cos(half_tilt),
        )
        slats.append(
            Part(
                shape="box",
                size_m=(thick_m, float(max(r0, r1) * np.tan(np.pi / pieces)), half),
                position_m=(float(middle * np.cos(angle)), float(middle * np.sin(angle)), 0.5 * (z0 + z1)),
                quat=tuple(float(v) for v in quat),
                visible=False,
                solid=True,
            )
        )
    return tuple(slats)


def squeezed(slat: Part, share: float) -> Part:
    """A slat of a round wall moved to where a wall that is `share` as wide along y has it."""
    x, y, z = slat.position_m
    yaw = np.arctan2(y, x)
    turn = (np.arctan2(np.sin(yaw) / share, np.cos(yaw)) - yaw + np.pi) % (2 * np.pi) - np.pi
    c, s = np.cos(turn / 2), np.sin(turn / 2)
    w, i, j, k = slat.quat
    quat = (c * w - s * k, c * i - s * j, c * j + s * i, c * k + s * w)
    thick, broad, tall = slat.size_m
    broad *= float(np.hypot(np.sin(yaw), share * np.cos(yaw)))
    return replace(slat, position_m=(x, share * y, z), quat=tuple(float(v) for v in quat), size_m=(thick, broad, tall))
