"""The unusual shapes of tools and other long things: many forms, and never one that evaluation keeps for itself."""

from functools import cache

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="the simulator is an extra: pip install 'vlm_picking[sim]'")

from vlm_picking.sim.kinds import get_kind
from vlm_picking.sim.kinds.model import extents

SEEDS = range(80)
# The kind, and at least how many times longer the longest unusual one is than the shortest.
LONG_KINDS = {
    "screwdriver": 1.6,
    "hammer": 1.4,
    "fork": 1.4,
    "spoon": 1.7,
    "bracket": 1.5,
    "wrench": 1.5,
    "marker": 1.25,
    "toothbrush": 1.2,
    "scissors": 1.4,
    "bolt": 1.5,
    "stapler": 1.4,
    "pliers": 1.3,
    "carrot": 1.4,
}


@cache
def unusual(name):
    return [get_kind(name).build(np.random.default_rng(seed), unusual=True) for seed in SEEDS]


@pytest.mark.parametrize("name", sorted(LONG_KINDS))
def test_unusual_lengths_and_forms_are_many(name):
    items = unusual(name)
    lengths = [item.half_extents_m.max() for item in items]
    assert np.quantile(lengths, 0.97) > LONG_KINDS[name] * np.quantile(lengths, 0.03)
    assert len({_form(item) for item in items}) >= 6


@pytest.mark.parametrize("name", sorted(LONG_KINDS))
def test_unusual_shape_is_closed_and_fits_a_hand_and_a_bin(name):
    for item in unusual(name):
        assert all(part.mesh.volume_m3 > 0 for part in item.parts if part.mesh is not None)
        assert any(part.visible and part.rgb is None for part in item.parts)
        assert 0.003 < item.half_extents_m.min() and item.half_extents_m.max() < 0.16


# The leaves of a carrot are soft: only their stalk collides.
@pytest.mark.parametrize("name", sorted(set(LONG_KINDS) - {"carrot"}))
def test_collision_body_is_as_large_as_what_is_seen(name):
    for item in unusual(name)[:60]:
        seen = extents(tuple(part for part in item.parts if part.visible))
        solid = extents(tuple(part for part in item.parts if part.solid))
        assert np.abs(seen - solid).max() < 0.02


def _form(item) -> tuple:
    """What tells forms apart whatever their size: the visible parts and the detail of their meshes."""
    visible = [part for part in item.parts if part.visible]
    return tuple((part.shape, part.texture, 0 if part.mesh is None else len(part.mesh.vertices)) for part in visible)


def test_no_unusual_screwdriver_is_stubby():
    for item in unusual("screwdriver"):
        assert 2 * item.half_extents_m[0] > 0.125
        # Long against its thickness too: the stubby one is below 3.
        assert item.half_extents_m[0] / item.half_extents_m[1:].max() > 3.5


def test_no_unusual_hammer_is_a_mallet():
    mallets = [get_kind("hammer").build(np.random.default_rng(seed), variant="mallet") for seed in range(20)]
    for item in unusual("hammer"):
        assert item.half_extents_m[2] < min(mallet.half_extents_m[2] for mallet in mallets)
