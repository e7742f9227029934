"""The unusual shapes of vessels, packets and household things: wide families, apart from the held-out shapes."""

from functools import cache

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="the simulator is an extra: pip install 'vlm_picking[sim]'")

from vlm_picking.sim.kinds import get_kind
from vlm_picking.sim.kinds._vessel import squeezed, wall
from vlm_picking.sim.kinds.model import extents, rotation

SEEDS = range(80)
# The widest over the narrowest instance that a family must at least hold, by its longest side.
SPANS = {
    "bottle": 2.0,
    "can": 1.6,
    "bowl": 1.7,
    "mug": 1.5,
    "carton": 1.8,
    "book": 1.6,
    "plate": 1.4,
    "pan": 1.2,
    "toilet roll": 1.3,
    "toothpaste": 1.6,
    "flashlight": 1.7,
}


@cache
def _unusual(name):
    return [get_kind(name).build(np.random.default_rng(seed), unusual=True) for seed in SEEDS]


def _main_mesh(item):
    """The first mesh in the paint that is named."""
    return next(part.mesh for part in item.parts if part.mesh is not None and part.visible and part.rgb is None)


@pytest.mark.parametrize(("name", "span"), SPANS.items())
def test_family_is_wide_and_every_member_is_sound(name, span):
    items = _unusual(name)
    longest = np.array([item.half_extents_m.max() for item in items])
    assert longest.max() > span * longest.min()
    for item in items:
        # Half extents of 3 mm to 165 mm fit the bins.
        assert 0.003 < item.half_extents_m.min() and longest.max() < 0.165
        assert all(part.mesh.volume_m3 > 0 for part in item.parts if part.mesh is not None)
        assert all(np.isfinite(part.size_m).all() and min(part.size_m, default=1.0) > 0 for part in item.parts)
        assert any(part.visible and part.rgb is None for part in item.parts), "nothing wears the colour that is named"


@pytest.mark.parametrize("name", SPANS)
def test_what_collides_reaches_as_far_as_what_is_seen(name):
    for item in _unusual(name)[:40]:
        if name == "toilet roll":
            # A loose sheet is soft: it is seen and does not collide.
            continue
        seen = extents(tuple(part for part in item.parts if part.visible))
        felt = extents(tuple(part for part in item.parts if part.solid))
        assert np.abs(seen - felt).max() < 0.016


@pytest.mark.parametrize("name", ["bottle", "can", "carton", "book", "mug", "plate"])
def test_some_are_plain_and_some_are_printed(name):
    printed = [any(part.texture == "text" or part.rgb is not None for part in item.parts) for item in _unusual(name)]
    texts = [any(part.texture == "text" for part in item.parts) for item in _unusual(name)]
    assert any(printed) and not all(texts)


def test_every_unusual_can_is_taller_than_the_flat_one():
    flat = [get_kind("can").build(np.random.default_rng(seed), variant="flat") for seed in SEEDS]
    tallest_flat = max(item.half_extents_m[2] for item in flat)
    assert min(item.half_extents_m[2] for item in _unusual("can")) > tallest_flat + 0.008
    assert all(item.half_extents_m[2] > 0.8 * item.half_extents_m[0] for item in _unusual("can"))


def test_unusual_bottles_and_bowls_have_no_flat_side():
    for name in ("bottle", "bowl"):
        for item in _unusual(name):
            x, y, z = _main_mesh(item).vertices.T
            wide, deep = np.abs(x).max(), np.abs(y).max()
            ring = np.hypot(x / wide, y / deep)
            # The widest ring of an ellipse stays at 1; a rounded rectangle reaches beyond it at its corners.
            assert ring.max() < 1.02
            assert deep > 0.68 * wide


def test_no_unusual_mug_is_strongly_conical():
    for item in _unusual("mug"):
        x, y, z = _main_mesh(item).vertices.T
        radius = np.hypot(x, y)
        low, high = z.min(), z.max()
        foot, rim = radius[z < low + 0.005].max(), radius[z > high - 1e-4].max()
        assert foot > 0.72 * rim


def test_unusual_cartons_end_flat_and_books_have_no_wire():
    for item in _unusual("carton"):
        assert all(part.mesh is None for part in item.parts), "a folded ridge would be a mesh"
    for item in _unusual("book"):
        assert not any(part.texture == "metal" for part in item.parts)


@pytest.mark.parametrize("share", [0.7, 0.85, 1.0])
def test_squeezed_walls_follow_an_ellipse(share):
    for slat in wall((0.05, 0.05), (-0.02, 0.02), 0.003, pieces=8):
        moved = squeezed(slat, share)
        x, y, _ = moved.position_m
        assert np.hypot(x, y / share) == pytest.approx(0.05)
        normal = rotation(moved.quat)[:, 0]
        outward = np.array([x, y / share**2, 0.0])
        assert normal @ outward / np.linalg.norm(outward) == pytest.approx(1.0, abs=1e-6)
