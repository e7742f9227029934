"""Objects for a hand to meet: what is seen of them collides, cut into convex pieces, and nothing else does."""

from dataclasses import replace

import numpy as np

from vlm_picking.sim.kinds.model import Part
from vlm_picking.sim.meshes import TriMesh

_NO_FACES = np.zeros((0, 3), np.int32)  # the simulator makes the hull
_PRINT_M = 0.0015
"""What is thinner than that lies on another part: print, a label, a dark disc for a hole."""


def as_seen(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The same visible parts; what collides are they themselves, or unseen convex pieces of those that are meshes."""
    seen = [part for part in parts if part.visible]
    solid: list[Part] = []
    for part in seen:
        if part.mesh is None:
            solid.append(replace(part, solid=_thickness_m(part) >= _PRINT_M))
        else:
            solid.append(replace(part, solid=False))
            solid += [
                Part(shape="mesh", mesh=hull, position_m=part.position_m, quat=part.quat, visible=False, solid=True)
                for hull in _hulls(part.mesh)
            ]
    return tuple(solid)


def _thickness_m(part: Part) -> float:
    """The thinnest side of a primitive [m]."""
    return 2 * min(size for size in part.size_m if size > 0)


def _hulls(mesh: TriMesh) -> list[TriMesh]:
    """The pieces of a mesh, but for those that are flat, as meshes of their own."""
    hulls = []
    for piece in mesh.cut():
        points = mesh.vertices[np.unique(piece)]
        spread = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2]
        if np.ptp(points @ spread.T, axis=0).min() >= _PRINT_M:
            hulls.append(TriMesh(points, _NO_FACES, tuple))
    return hulls
