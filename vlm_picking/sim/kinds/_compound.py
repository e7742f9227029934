"""Several meshes as one part, and plates with a hole."""

from functools import partial

import numpy as np

from vlm_picking.sim.meshes import TriMesh, loft
from vlm_picking.sim.pieces import strip


def joined(meshes: list[TriMesh]) -> TriMesh:
    """One mesh of several closed ones, side by side or overlapping: one geom is cheaper to draw than twenty."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    faces = [mesh.faces + start for mesh, start in zip(meshes, starts[:-1], strict=True)]
    vertices = np.concatenate([mesh.vertices for mesh in meshes])
    return TriMesh(vertices, np.concatenate(faces).astype(np.int32), partial(_pieces_of_all, meshes, starts))


def _pieces_of_all(meshes: list[TriMesh], starts: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(piece + start for mesh, start in zip(meshes, starts[:-1], strict=True) for piece in mesh.cut())


def block(centre_m: tuple[float, float, float], half_m: tuple[float, float, float]) -> TriMesh:
    """A box as a mesh, its sides along the axes, to be joined with others."""
    (x, y, z), (a, b, c) = centre_m, half_m
    corners = np.array([(-a, -b), (a, -b), (a, b), (-a, b)]) + (x, y)
    rings = [np.column_stack([corners, np.full(4, z + side * c)]) for side in (-1, 1)]
    return loft(np.array(rings))


def ring_plate(outer_m: np.ndarray, inner_m: np.ndarray, height_m: float) -> TriMesh:
    """A plate about z = 0 between two counter-clockwise loops (N, 2) of as many points: a true hole."""
    n = len(outer_m)
    loops = [np.column_stack([loop, np.full(n, z)]) for loop in (outer_m, inner_m) for z in (0.5, -0.5)]
    vertices = np.concatenate([*loops, *loops]) * (1.0, 1.0, height_m)
    i, j = np.arange(n), np.roll(np.arange(n), -1)

    def joint(first: int, second: int) -> np.ndarray:
        a, b = first * n, second * n
        return np.concatenate([np.stack([i + a, j + a, j + b], -1), np.stack([i + a, j + b, i + b], -1)])

    # Loops: outer top, outer bottom, inner top, inner bottom; a second set of them keeps the rims sharp.
    strips = [joint(0, 2), joint(3, 1), joint(5, 4), joint(6, 7)]
    return TriMesh(vertices, np.concatenate(strips).astype(np.int32), partial(strip, vertices, n))
