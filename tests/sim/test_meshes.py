import numpy as np
import pytest

from vlm_picking.sim.meshes import extrude, loft, revolve, sweep


def _edges_match(mesh):
    """Every edge of a closed, consistently turned surface is walked once in each direction."""
    key = {tuple(np.round(v, 9)): i for i, v in enumerate(mesh.vertices)}
    welded = np.array([key[tuple(np.round(v, 9))] for v in mesh.vertices])[mesh.faces]
    edges = {}
    for a, b, c in welded:
        for edge in ((a, b), (b, c), (c, a)):
            edges[edge] = edges.get(edge, 0) + 1
    return all(edges.get((b, a), 0) == n for (a, b), n in edges.items() if a != b)


def test_revolved_rectangle_is_a_cylinder():
    mesh = revolve(np.array([(0, 0), (0.02, 0), (0.02, 0.1), (0, 0.1)]), segments=128)
    assert mesh.volume_m3 == pytest.approx(np.pi * 0.02**2 * 0.1, rel=2e-3)
    assert _edges_match(mesh)


def test_revolved_ring_keeps_its_hole():
    ring = np.array([(0.02, 0), (0.03, 0), (0.03, 0.01), (0.02, 0.01), (0.02, 0)])
    mesh = revolve(ring, segments=128)
    assert mesh.volume_m3 == pytest.approx(np.pi * (0.03**2 - 0.02**2) * 0.01, rel=2e-3)
    assert np.hypot(*mesh.vertices[:, :2].T).min() > 0.0199
    assert _edges_match(mesh)


def test_swept_tube_has_the_volume_of_its_path():
    turn = np.linspace(0, 1.5, 40)
    path = np.column_stack([0.1 * np.sin(turn), 0 * turn, 0.1 * np.cos(turn)])
    mesh = sweep(path, 0.01, segments=64)
    assert mesh.volume_m3 == pytest.approx(np.pi * 0.01**2 * 0.15, rel=1e-2)
    assert _edges_match(mesh)


@pytest.mark.parametrize("turn", [1, -1], ids=["counter-clockwise", "clockwise"])
def test_extruded_concave_outline(turn):
    outline = np.array([(0, 0), (3, 0), (3, 3), (2, 3), (2, 1), (1, 1), (1, 3), (0, 3)], dtype=float)[::turn]
    mesh = extrude(outline, 0.5)
    assert mesh.volume_m3 == pytest.approx(7 * 0.5)
    assert _edges_match(mesh)


def test_outline_that_crosses_itself_is_refused():
    with pytest.raises(ValueError, match="simple polygon"):
        extrude(np.array([(0, 0), (1, 1), (1, 0), (0, 1.0), (-1, 0.5), (2, 0.5)]), 0.1)


def test_loft_turns_outwards_whatever_the_order_of_its_rings():
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], dtype=float)
    rings = np.stack([np.column_stack([square, np.full(4, z)]) for z in (0.0, 2.0)])
    assert loft(rings).volume_m3 == pytest.approx(2.0)
    assert loft(rings[::-1]).volume_m3 == pytest.approx(2.0)
