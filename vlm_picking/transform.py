"""Rigid transforms whose names cancel: `world_from_grasp = world_from_camera @ camera_from_grasp`."""

from dataclasses import dataclass
from math import isfinite

import numpy as np

from vlm_picking.arrays import frozen_array

_OFF = 1e-4
"""How far products of a rotation's axes may be off."""


@dataclass(frozen=True, eq=False)
class Transform:
    """A rotation, then a translation: `a_from_b.apply(points_in_b)` gives the points in frame a.

    Args:
        rotation: (3, 3), orthonormal, determinant +1; its columns are the axes of b in a.
        translation_m: (3,) origin of b in a [m].

    Raises:
        ValueError: the matrix is no rotation, or a number is not finite.
    """

    rotation: np.ndarray
    translation_m: np.ndarray

    def __post_init__(self) -> None:
        rotation = frozen_array(self.rotation, name="rotation", shape=(3, 3), dtype=np.float64)
        translation = frozen_array(self.translation_m, name="translation_m", shape=(3,), dtype=np.float64)
        # Plain numbers: on nine of them numpy takes many times as long.
        if not all(map(isfinite, (*rotation.ravel().tolist(), *translation.tolist()))):
            raise ValueError("a transform needs finite numbers")
        if not _is_rotation(rotation):
            raise ValueError(f"not a rotation matrix (orthonormal, determinant +1): {rotation.tolist()}")
        object.__setattr__(self, "rotation", rotation)
        object.__setattr__(self, "translation_m", translation)

    @classmethod
    def each(cls, rotations: np.ndarray, translations_m: np.ndarray) -> list["Transform"]:
        """One of each of rotations (N, 3, 3) and translations (N, 3), checked together: quicker where N is large.

        Raises:
            ValueError: as for a single one.
        """
        rotations = np.array(rotations, np.float64)
        translations_m = np.array(translations_m, np.float64)
        if rotations.shape[1:] != (3, 3) or translations_m.shape != (len(rotations), 3):
            raise ValueError(
                f"rotations (N, 3, 3) and translations (N, 3), not {rotations.shape}, {translations_m.shape}"
            )
        if not (np.isfinite(rotations).all() and np.isfinite(translations_m).all()):
            raise ValueError("a transform needs finite numbers")
        off = np.abs(rotations @ rotations.transpose(0, 2, 1) - np.eye(3)).max(axis=(1, 2)) > _OFF
        wrong = off | (np.linalg.det(rotations) < 0)
        if wrong.any():
            first = rotations[np.argmax(wrong)].tolist()
            raise ValueError(f"not a rotation matrix (orthonormal, determinant +1): {first}")
        rotations.setflags(write=False)
        translations_m.setflags(write=False)
        made = []
        for rotation, translation in zip(rotations, translations_m, strict=True):
            transform = object.__new__(cls)
            object.__setattr__(transform, "rotation", rotation)
            object.__setattr__(transform, "translation_m", translation)
            made.append(transform)
        return made

    @classmethod
    def identity(cls) -> "Transform":
        return cls(np.eye(3), np.zeros(3))

    @classmethod
    def from_quaternion(cls, xyzw: np.ndarray, translation_m: np.ndarray) -> "Transform":
        """Build from a quaternion in ROS order (x, y, z, w); it is normalised first.

        Raises:
            ValueError: the quaternion has no length.
        """
        xyzw = frozen_array(xyzw, name="xyzw", shape=(4,), dtype=np.float64)
        norm = float(np.linalg.norm(xyzw))
        if not norm > 1e-9:
            raise ValueError("a quaternion of length zero is no rotation; identity is (0, 0, 0, 1)")
        x, y, z, w = xyzw / norm
        rotation = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
        )
        return cls(rotation, translation_m)

    @property
    def quaternion_xyzw(self) -> np.ndarray:
        """The rotation as a unit quaternion (x, y, z, w), w >= 0.

        Taken from the largest eigenvector of Bar-Itzhack's symmetric matrix (2000), which has no singular case.
        """
        r = self.rotation
        k = np.array(
            [
                [r[0, 0] - r[1, 1] - r[2, 2], 0.0, 0.0, 0.0],
                [r[0, 1] + r[1, 0], r[1, 1] - r[0, 0] - r[2, 2], 0.0, 0.0],
                [r[0, 2] + r[2, 0], r[1, 2] + r[2, 1], r[2, 2] - r[0, 0] - r[1, 1], 0.0],
                [r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], r[0, 0] + r[1, 1] + r[2, 2]],
            ]
        )
        _, vectors = np.linalg.eigh(k)  # eigh reads the lower triangle only
        xyzw = vectors[:, -1]
        return xyzw if xyzw[3] >= 0 else -xyzw

    def __matmul__(self, other: "Transform") -> "Transform":
        """Compose: `a_from_b @ b_from_c` is `a_from_c`."""
        return type(self)(self.rotation @ other.rotation, self.rotation @ other.translation_m + self.translation_m)

    def inverse(self) -> "Transform":
        return type(self)(self.rotation.T, -self.rotation.T @ self.translation_m)

    def apply(self, points_m: np.ndarray) -> np.ndarray:
        """Move points (..., 3) [m] of frame b into frame a."""
        return np.asarray(points_m) @ self.rotation.T + self.translation_m


def _is_rotation(matrix: np.ndarray) -> bool:
    """Whether a matrix (3, 3) is orthonormal and no mirror. Every pose that is made comes through here."""
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
    lengths = (a * a + b * b + c * c, d * d + e * e + f * f, g * g + h * h + i * i)
    angles = (a * d + b * e + c * f, a * g + b * h + c * i, d * g + e * h + f * i)
    if max(*(abs(length - 1) for length in lengths), *map(abs, angles)) > _OFF:
        return False
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g) > 0
