"""Procedural triangle meshes: lofts, revolutions, sweeps and extrusions, all closed with outward normals."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from vlm_picking.sim.pieces import along, prisms, turned


@dataclass(frozen=True, eq=False)
class TriMesh:
    """A closed triangle mesh: `vertices` (V, 3) in metres and `faces` (F, 3), which turn outwards.

    `cut` gives its convex pieces, indices of vertices each (see pieces.py); few who draw a mesh ask for them.
    """

    vertices: np.ndarray
    faces: np.ndarray
    cut: Callable[[], tuple[np.ndarray, ...]]

    @property
    def volume_m3(self) -> float:
        """The signed volume; negative when the faces point inwards."""
        a, b, c = (self.vertices[self.faces[:, k]] for k in range(3))
        return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6.0)

    def moved(self, vertices: np.ndarray) -> "TriMesh":
        """The same mesh with its vertices elsewhere."""
        return replace(self, vertices=vertices)


def _outward(vertices: np.ndarray, faces: np.ndarray, cut: Callable[[], tuple[np.ndarray, ...]]) -> TriMesh:
    mesh = TriMesh(np.asarray(vertices, dtype=np.float64), np.asarray(faces, dtype=np.int32), cut)
    return mesh if mesh.volume_m3 >= 0 else replace(mesh, faces=mesh.faces[:, ::-1].copy())


def loft(rings: np.ndarray, *, capped: bool = True, profile: np.ndarray | None = None) -> TriMesh:
    """Join `rings` (M, N, 3), each a closed loop of N points, by strips; fans close both ends when `capped`.

    Without caps the last ring is joined to the first one, as for a torus.

    Args:
        profile: (M, 2) radii and heights of rings that go round a hollow, or round themselves; else they follow each
            other along a solid bar.
    """
    rings = np.asarray(rings, dtype=np.float64)
    m, n, _ = rings.shape
    index = np.arange(m * n).reshape(m, n)
    lower, upper = (index[:-1], index[1:]) if capped else (index, np.roll(index, -1, axis=0))
    a, b = lower, np.roll(lower, -1, axis=1)
    c, d = np.roll(upper, -1, axis=1), upper
    faces = [np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)]
    vertices = [rings.reshape(-1, 3)]
    if capped:
        for centre, (ring, turn) in enumerate(((index[0], -1), (index[-1], 1))):
            vertices.append(rings[0 if centre == 0 else -1].mean(axis=0, keepdims=True))
            hub = np.full(n, m * n + centre)
            faces.append(np.stack([hub, ring, np.roll(ring, -1)][::1], -1)[:, ::turn])
    closed = not capped
    cut = partial(along, rings, closed=closed) if profile is None else partial(_turned, profile, n, closed=closed)
    return _outward(np.concatenate(vertices), np.concatenate(faces), cut)


def _turned(profile: np.ndarray, segments: int, *, closed: bool) -> tuple[np.ndarray, ...]:
    return turned(profile, _section(profile, closed=closed), segments, closed=closed)


def _section(profile: np.ndarray, *, closed: bool) -> np.ndarray:
    """Triangles (T, 3) of what a profile (M, 2) encloses, if open with its ends' places on the axis, M and M + 1."""
    count = len(profile)
    outline = profile if closed else np.array([*profile, (0.0, profile[0, 1]), (0.0, profile[-1, 1])])
    order = np.arange(count) if closed else np.array([*range(count), count + 1, count])
    if _area(outline[order]) < 0:
        order = order[::-1]
    order = order[_is_corner(outline[order])]
    return order[_ear_clip(outline[order])]


def _is_corner(outline: np.ndarray) -> np.ndarray:
    """Which points (N,) of a polygon (N, 2) are needed: no repetition, none on a straight line."""
    kept = list(range(len(outline)))
    k = 0
    while k < len(kept) and len(kept) > 3:
        a, b, c = outline[kept[k - 1]], outline[kept[k]], outline[kept[(k + 1) % len(kept)]]
        if abs(_cross(b - a, c - b)) <= 1e-10:
            kept.pop(k)
            k = max(k - 1, 0)
        else:
            k += 1
    return np.isin(np.arange(len(outline)), kept)


def revolve(
    profile: np.ndarray, *, segments: int = 28, scale_xy: tuple[float, float] = (1.0, 1.0)
) -> TriMesh:
    """Turn `profile` (M, 2), points (radius, z) in metres, about the z axis.

    A profile that ends where it starts makes a ring with a hole; any other is closed by discs.
    """
    profile = np.asarray(profile, dtype=np.float64)
    is_ring = bool(np.allclose(profile[0], profile[-1]))
    profile = profile[:-1] if is_ring else profile
    angle = np.linspace(0.0, 2 * np.pi, segments, endpoint=False)
    radius = np.maximum(profile[:, :1], 1e-4)
    x, y = radius * np.cos(angle) * scale_xy[0], radius * np.sin(angle) * scale_xy[1]
    rings = np.stack([x, y, np.broadcast_to(profile[:, 1:], x.shape)], axis=-1)
    return loft(rings, capped=not is_ring, profile=np.column_stack([radius, profile[:, 1]]))


def sweep(
    path: np.ndarray, radius: np.ndarray | float, *, segments: int = 12, squash: float = 1.0
) -> TriMesh:
    """A tube along `path` (M, 3) in a plane of constant y; `squash` scales its thickness along y."""
    path = np.asarray(path, dtype=np.float64)
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    side = np.array([0.0, 1.0, 0.0])
    normal = np.cross(side, tangent)
    angle = np.linspace(0.0, 2 * np.pi, segments, endpoint=False)
    radius = np.broadcast_to(np.asarray(radius, dtype=np.float64), (len(path),))[:, None, None]
    ring = normal[:, None] * np.cos(angle)[None, :, None] + side * (squash * np.sin(angle))[None, :, None]
    return loft(path[:, None] + radius * ring)


def extrude(outline: np.ndarray, height_m: float) -> TriMesh:
    """A plate of `height_m` centred on z = 0 whose outline (N, 2) is a simple polygon, convex or not."""
    outline = np.asarray(outline, dtype=np.float64)
    if _area(outline) < 0:
        outline = outline[::-1]
    n = len(outline)
    top = np.column_stack([outline, np.full(n, height_m / 2)])
    bottom = np.column_stack([outline, np.full(n, -height_m / 2)])
    cap = _ear_clip(outline)
    i, j = np.arange(n), np.roll(np.arange(n), -1)
    sides = np.concatenate([np.stack([i + n, j + n, j], -1), np.stack([i + n, j, i], -1)])
    # The walls get vertices of their own so that their normals stay sharp at the rim.
    vertices = np.concatenate([top, bottom, top, bottom])
    return _outward(vertices, np.concatenate([cap, cap[:, ::-1] + n, sides + 2 * n]), partial(prisms, outline, cap))


def _area(outline: np.ndarray) -> float:
    x, y = outline.T
    return float(0.5 * np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


def _ear_clip(outline: np.ndarray) -> np.ndarray:
    """Triangles (N - 2, 3) of a counter-clockwise simple polygon."""
    left = list(range(len(outline)))
    triangles = []
    while len(left) > 3:
        for k in range(len(left)):
            i, j, m = left[k - 1], left[k], left[(k + 1) % len(left)]
            if _is_ear(outline, left, i, j, m):
                triangles.append((i, j, m))
                left.pop(k)
                break
        else:
            raise ValueError("the outline crosses itself; give a simple polygon")
    triangles.append(tuple(left))
    return np.array(triangles, dtype=np.int32)


def _is_ear(outline: np.ndarray, left: list[int], i: int, j: int, k: int) -> bool:
    a, b, c = outline[i], outline[j], outline[k]
    if _cross(b - a, c - a) <= 1e-14:
        return False
    rest = outline[[v for v in left if v not in (i, j, k)]]
    inside = (_cross(b - a, rest - a) >= 0) & (_cross(c - b, rest - b) >= 0) & (_cross(a - c, rest - c) >= 0)
    return not inside.any()


def _cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
