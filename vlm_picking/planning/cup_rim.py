"""A cup on a depth image: the planes that cups come to stand on, and where their rims meet the surface."""

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from vlm_picking.depth import noise_m
from vlm_picking.grasp import Gripper
from vlm_picking.planning.rings import first_planes, turned_cups
from vlm_picking.planning.scene import Scene

DIRECTIONS, COARSE = 24, 12
"""On each ring, at the last looks and at a first one."""
_LIP_AT, _BESIDE_M = (0.45, 0.8, 1.0), (0.002, 0.004)
_FIRST_LOOK_AT = (0.35, 0.7, 0.95)
_NOISE_SHARE = 0.25


@dataclass(frozen=True, eq=False)
class Seats:
    """N cups that have turned to meet the surface under their rims.

    Args:
        contact: (N, 3) float32 [m, optical frame], and normal (N, 3).
        sealed: (N, rings) how much of each ring meets the object.
        measured: (N,) share of depth readings within the lip and on it.
        pressed: (N,) share beside the lip of what stands higher than the lip gives way and is not the object.
        gives_m: (N,) how far the lip must give way [m], root mean square; follows_m: (N,) how far it may.
        inwards: (N, 3) steps [m] away from where the lip, or what is just beside it, does not meet the object.
    """

    contact: np.ndarray
    normal: np.ndarray
    sealed: np.ndarray
    measured: np.ndarray
    pressed: np.ndarray
    gives_m: np.ndarray
    follows_m: np.ndarray
    inwards: np.ndarray

    def __getitem__(self, index: np.ndarray) -> "Seats":
        return Seats(*(getattr(self, f.name)[index] for f in fields(self)))


def first_normals(scene: Scene, contact: np.ndarray, owner: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Normals (N, 3) of planes through the objects' own pixels round the contacts, and contacts on those planes."""
    place = np.concatenate([np.float32(scale) * _circle(COARSE) for scale in _FIRST_LOOK_AT])
    return first_planes(*scene.images, scene.lens, contact, owner, place, np.float32(radius))


def seated(
    scene: Scene,
    contact: np.ndarray,
    normal: np.ndarray,
    owner: np.ndarray,
    gripper: Gripper,
    *,
    directions: int = DIRECTIONS,
    straight: bool = False,
) -> Seats:
    """Turn cups at contacts (N, 3) with normals (N, 3), both float32, to meet the surface under their rims.

    Args:
        owner: (N,) the objects that they shall meet.
        straight: look along the normals. Otherwise a place that does not lie on the surface shows what the camera
            sees beside it; the difference matters where a side drops away.
    """
    radius, still_m = gripper.cup_radius_m, _NOISE_SHARE * noise_m(0.0)
    follows = gripper.lip_follow_ratio * radius + still_m, _NOISE_SHARE * noise_m(1.0) - still_m
    rings, places = _circle(directions), _places(radius, directions)
    looks = 3 if straight else 1
    view, cups = (*scene.images, scene.lens), (contact, normal, owner)
    return Seats(*turned_cups(*view, *cups, places, rings, np.float32(radius), looks, follows))


@lru_cache(maxsize=4)
def _circle(directions: int) -> np.ndarray:
    angle = np.arange(directions) * (2 * np.pi / directions)
    return np.column_stack([np.cos(angle), np.sin(angle)]).astype(np.float32)


@lru_cache(maxsize=16)
def _places(radius: float, directions: int) -> np.ndarray:
    """(2, M) float32 [m], the places on all rings."""
    reach = [scale * radius for scale in _LIP_AT] + [radius + more for more in _BESIDE_M]
    return np.concatenate([r * _circle(directions).T for r in reach], axis=1).astype(np.float32, order="C")
