"""Convex pieces of procedural meshes: what a hand meets has the shape that a camera sees.

The simulator takes the convex hull of every mesh that collides, so a hollow or bent thing is cut into pieces first.
Each piece is an array of indices into the mesh's vertices; the hulls of all pieces together fill the mesh, and reach at
most BULGE_M beyond it.
"""

from collections.abc import Sequence

import numpy as np
from scipy.spatial import ConvexHull, QhullError

BULGE_M, BULGE = 0.0015, 0.15
"""How far a hull may reach beyond the mesh, and by which share of what it fills."""
_SECTORS = (8, 16)
_ON_AXIS_M = 2e-3


def polygon_pieces(outline: np.ndarray, triangles: np.ndarray) -> list[np.ndarray]:
    """Convex, or nearly convex, pieces of a simple polygon.

    Args:
        outline: (N, 2).
        triangles: (T, 3) that fill it.

    Returns:
        Indices into the outline, by Hertel and Mehlhorn's merging of neighbours.
    """
    pieces = [set(map(int, triangle)) for triangle in triangles]
    sizes = [_hull(outline[sorted(piece)])[0] for piece in pieces]
    merged = True
    while merged:
        merged = False
        for i in range(len(pieces)):
            for j in range(len(pieces) - 1, i, -1):
                if len(pieces[i] & pieces[j]) < 2:
                    continue
                both = pieces[i] | pieces[j]
                if _fills(outline[sorted(both)], outline, sizes[i] + sizes[j]):
                    pieces[i], sizes[i] = both, sizes[i] + sizes[j]
                    del pieces[j], sizes[j]
                    merged = True
    return [np.array(sorted(piece)) for piece in pieces]


def prisms(outline: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, ...]:
    """Pieces of a plate whose vertices are its outline (N, 2) on one side and then on the other."""
    return tuple(np.concatenate([piece, piece + len(outline)]) for piece in polygon_pieces(outline, triangles))


def along(rings: np.ndarray, *, closed: bool) -> tuple[np.ndarray, ...]:
    """Pieces between rings (M, N, 3) of a solid bar; the last ring is followed by the first where it is closed."""
    count, points, _ = rings.shape
    flat = rings.reshape(-1, 3)
    ring = np.arange(count * points).reshape(count, points)
    steps = [np.concatenate([ring[k], ring[(k + 1) % count]]) for k in range(count if closed else count - 1)]
    return _chained(flat, steps)


def strip(vertices: np.ndarray, count: int) -> tuple[np.ndarray, ...]:
    """Pieces of a plate with a hole whose vertices begin with four loops of `count`, each next to the others."""
    each = np.arange(count)
    after, loops = np.roll(each, -1), np.arange(4)[:, None] * count
    steps = [np.concatenate([(loops + each[k]).ravel(), (loops + after[k]).ravel()]) for k in range(count)]
    return _chained(vertices[:, :2], steps)


def turned(
    profile: np.ndarray, triangles: np.ndarray, segments: int, *, closed: bool
) -> tuple[np.ndarray, ...]:
    """Pieces of a profile turned about the z axis.

    The mesh has M rings of `segments` vertices; where the profile is not closed, the middles of the first and the last
    ring follow.

    Args:
        profile: (M, 2) radius and height.
        triangles: (T, 3) that fill it; where it is not closed M and M + 1 are those middles.
    """
    axis = [] if closed else [(0.0, profile[0, 1]), (0.0, profile[-1, 1])]
    outline = np.array([*profile, *axis])
    ring = np.arange(len(profile) * segments).reshape(len(profile), segments)
    pieces = []
    for piece in polygon_pieces(outline, triangles):
        on_ring, on_axis = piece[piece < len(profile)], piece[piece >= len(profile)] - len(profile)
        every = np.concatenate([ring[on_ring].ravel(), len(profile) * segments + on_axis])
        if _is_solid(outline[piece]):
            pieces.append(every)
            continue
        reach = float(outline[piece, 0].max())
        half_turn = np.arccos(np.clip(1 - BULGE_M / max(reach, 1e-6), -1, 1))
        sectors = int(np.clip(np.ceil(np.pi / half_turn), *_SECTORS))
        ends = np.unique(np.rint(np.linspace(0, segments, sectors + 1)).astype(int))
        for first, last in zip(ends, ends[1:], strict=False):
            turn = np.arange(first, last + 1) % segments
            pieces.append(np.concatenate([ring[np.ix_(on_ring, turn)].ravel(), len(profile) * segments + on_axis]))
    return tuple(pieces)


def _is_solid(outline: np.ndarray) -> bool:
    """Whether a convex piece (N, 2) of radius and height fills its hull when it is turned about the axis."""
    if (outline[:, 0] < _ON_AXIS_M).sum() < 2:
        return False
    return _fills(np.concatenate([outline, outline * (-1, 1)]), outline, 2 * _hull(outline)[0])


def _chained(points: np.ndarray, steps: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """Steps that follow each other along a mesh, merged as far as they stay convex."""
    pieces, chain, size = [], steps[0], _hull(points[steps[0]])[0]
    for step in steps[1:]:
        both, more = np.unique(np.concatenate([chain, step])), _hull(points[step])[0]
        if _fills(points[both], points[both], size + more):
            chain, size = both, size + more
        else:
            pieces.append(chain)
            chain, size = step, more
    return (*pieces, chain)


def _fills(corners: np.ndarray, surface: np.ndarray, size: float) -> bool:
    """Whether the hull of points (N, 2 or 3) is hardly more than the parts of an area or volume `size` that it is for.

    Places of the surface (M, 2 or 3) that lie deep in it show a notch that it fills.
    """
    hull, sides = _hull(corners)
    if hull > (1 + BULGE) * size:
        return False
    return not len(sides) or -(surface @ sides[:, :-1].T + sides[:, -1]).max(axis=1).min() <= BULGE_M


def _hull(points: np.ndarray) -> tuple[float, np.ndarray]:
    """Area or volume of the convex hull of points (N, 2 or 3), and its sides (F, 3 or 4) as normals and offsets.

    0 and no side where all points lie in a line or a plane.
    """
    try:
        hull = ConvexHull(points)
    except (QhullError, ValueError):
        return 0.0, np.zeros((0, points.shape[1] + 1))
    return float(hull.volume), hull.equations
