"""What a kind of object is made of, before it becomes a body of the simulator."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from vlm_picking.sim.meshes import TriMesh

Shape = Literal["box", "cylinder", "capsule", "ellipsoid", "sphere", "mesh"]
Rest = Literal["any", "flat", "stand_or_lie"]

IDENTITY_QUAT = (1.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False, kw_only=True)
class Part:
    """One visible piece or one convex collision piece, in the frame of its object.

    `size_m` is what the simulator's primitive takes (half extents; radius and half length); `quat` is
    (w, x, y, z). `rgb` None means the main paint of the object, that its colour word names. A `solid` part
    collides; a part that is not `visible` only collides.
    """

    shape: Shape
    size_m: tuple[float, ...] = ()
    position_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    quat: tuple[float, float, float, float] = IDENTITY_QUAT
    mesh: TriMesh | None = None
    rgb: tuple[float, float, float] | None = None
    texture: str = "plain"
    gloss: float = 0.3
    visible: bool = True
    solid: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class ObjectModel:
    """An object that can be dropped: parts, mass, friction, and how it likes to lie.

    `colour` is the word for its main paint, None when nobody could name one.
    """

    kind: str | None
    colour: str | None
    parts: tuple[Part, ...]
    mass_kg: float
    half_extents_m: np.ndarray
    friction: float = 0.7
    rest: Rest = "any"
    paint_rgb: tuple[float, float, float] = field(default=(0.5, 0.5, 0.5))


def extents(parts: tuple[Part, ...]) -> np.ndarray:
    """Half extents (3,) of the origin-centred box that holds all `parts` [m]."""
    reach = np.zeros(3)
    for part in parts:
        reach = np.maximum(reach, np.abs(_corners(part)).max(axis=0))
    return reach


def _corners(part: Part) -> np.ndarray:
    if part.mesh is not None:
        local = part.mesh.vertices
    else:
        radius, *rest = part.size_m
        half = {
            "box": part.size_m,
            "ellipsoid": part.size_m,
            "sphere": (radius, radius, radius),
            "cylinder": (radius, radius, rest[0] if rest else 0.0),
            "capsule": (radius, radius, radius + (rest[0] if rest else 0.0)),
        }[part.shape]
        signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
        local = signs * np.asarray(half)
    return local @ rotation(part.quat).T + np.asarray(part.position_m)


def rotation(quat: tuple[float, float, float, float]) -> np.ndarray:
    """The rotation matrix (3, 3) of the unit quaternion w, x, y, z."""
    w, x, y, z = np.asarray(quat, dtype=np.float64) / np.linalg.norm(quat)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def about(axis: Literal["x", "y", "z"], angle_rad: float) -> tuple[float, float, float, float]:
    """The quaternion w, x, y, z of a turn about one axis."""
    quat = [float(np.cos(angle_rad / 2)), 0.0, 0.0, 0.0]
    quat[1 + "xyz".index(axis)] = float(np.sin(angle_rad / 2))
    return tuple(quat)


def rod(start: tuple, end: tuple, radius_m: float, *, shape: Shape = "capsule", **paint) -> Part:
    """A capsule or cylinder whose axis runs from `start` to `end` [m]."""
    a, b = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    length = float(np.linalg.norm(b - a))
    direction = (b - a) / length
    # The shortest turn of +z onto the direction; a rod that points down needs no turn, it is symmetric.
    if direction[2] < -0.999999:
        direction = -direction
    quat = np.array([1.0 + direction[2], -direction[1], direction[0], 0.0])
    quat = tuple(float(v) for v in quat / np.linalg.norm(quat))
    centre = tuple(float(v) for v in (a + b) / 2)
    return Part(shape=shape, size_m=(radius_m, length / 2), position_m=centre, quat=quat, **paint)
