"""Unusual shapes are found by kind, lie in bins as usual ones do, and change no scene that does not ask for them."""

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="the simulator is an extra: pip install 'vlm_picking[sim]'")

from vlm_picking.errors import ConfigError
from vlm_picking.sim.colours import COLOURS
from vlm_picking.sim.kinds import KINDS, UnknownKindError, get_kind
from vlm_picking.sim.scene import ObjectSpec, make_scene

UNUSUAL = sorted(name for name, entry in KINDS.items() if entry.unusual is not None)
USUAL_ONLY = sorted(set(KINDS) - set(UNUSUAL))


def test_kinds_with_held_out_shapes_have_unusual_ones_too():
    held_out = {name for name, entry in KINDS.items() if entry.held_out}
    assert len(UNUSUAL) == 24
    assert {"bottle", "can", "bowl", "mug", "carton", "book", "screwdriver", "hammer"} <= held_out & set(UNUSUAL)


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_shape_is_a_closed_solid_object_of_its_kind_and_another_than_the_usual(name):
    entry = get_kind(name)
    for seed in range(4):
        item = entry.build(np.random.default_rng(seed), unusual=True)
        assert item.kind == name and item.colour in entry.colours and item.colour in COLOURS
        assert all(part.mesh.volume_m3 > 0 for part in item.parts if part.mesh is not None)
        assert any(part.solid for part in item.parts)
        assert any(part.visible and part.rgb is None for part in item.parts), "nothing wears the colour that is named"
        assert not _same(item, entry.build(np.random.default_rng(seed)))


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_shapes_dropped_into_a_bin_come_to_rest_on_its_floor(name):
    specs = (ObjectSpec(kind=name), ObjectSpec(kind=name))
    scene = make_scene(3, objects=specs, must_keep=True, unusual=1.0)
    rng = np.random.default_rng(3)
    for place, item in zip(scene.positions_m(), scene.objects, strict=True):
        assert (np.abs(place[:2]) < np.array(scene.crate.inner_m[:2]) / 2).all()
        assert 0.0 < place[2] < 2.5 * float(np.linalg.norm(item.half_extents_m))
    rng.random()  # whether the first is unusual
    assert _same(scene.objects[0], get_kind(name).build(rng, unusual=True))


@pytest.mark.parametrize("seed", [0, 7])
def test_without_a_share_nothing_is_drawn_and_every_object_is_usual(seed):
    specs = tuple(ObjectSpec(kind=name) for name in ("mug", "pliers", "apple", "spoon"))
    rng = np.random.default_rng(seed)
    usual = [get_kind(spec.kind).build(rng) for spec in specs]
    plain = make_scene(seed, objects=specs)
    named = make_scene(seed, objects=specs, unusual=0.0)
    assert len(plain.objects) == len(named.objects) >= 2
    for scene in (plain, named):
        assert all(any(_same(item, other) for other in usual) for item in scene.objects)
    np.testing.assert_array_equal(plain.data.qpos, named.data.qpos)
    assert plain.crate.inner_m == named.crate.inner_m


def test_share_of_the_objects_is_unusual_and_a_held_out_shape_stays_one():
    specs = tuple(ObjectSpec(kind="can") for _ in range(5))
    usual = unusual = 0
    for seed in range(5):
        for item in make_scene(seed, objects=specs, must_keep=True, unusual=0.6).objects:
            # A usual can is 95 to 125 mm high and 62 to 80 mm across.
            across, high = 2 * item.half_extents_m[1], 2 * item.half_extents_m[2]
            is_usual = 0.094 < high < 0.128 and 0.061 < across < 0.083
            usual, unusual = usual + is_usual, unusual + (not is_usual)
    assert usual >= 5 and unusual >= 5
    flat = make_scene(0, objects=(ObjectSpec(kind="can", variant="flat"),), must_keep=True, unusual=1.0)
    assert flat.objects[0].half_extents_m[2] < 0.03
    scenes = [make_scene(seed, objects=specs, must_keep=True, held_out=True, unusual=1.0) for seed in range(4)]
    low = np.mean([item.half_extents_m[2] < 0.03 for scene in scenes for item in scene.objects])
    assert 0.2 < low < 0.8


def test_kind_without_unusual_shapes_keeps_its_usual_one():
    name = USUAL_ONLY[0]
    scene = make_scene(1, objects=(ObjectSpec(kind=name),), must_keep=True, unusual=1.0)
    assert _same(scene.objects[0], get_kind(name).build(np.random.default_rng(1)))
    with pytest.raises(UnknownKindError, match=f"{name} has no unusual shapes"):
        get_kind(name).build(np.random.default_rng(0), unusual=True)


def test_what_contradicts_itself_is_refused():
    with pytest.raises(UnknownKindError, match="no unusual mug is a 'conical' one"):
        get_kind("mug").build(np.random.default_rng(0), variant="conical", unusual=True)
    with pytest.raises(ConfigError, match="share from 0 to 1, not 60"):
        make_scene(0, unusual=60)


def _same(one, other) -> bool:
    """Whether two objects are alike to the last vertex."""
    return len(one.parts) == len(other.parts) and all(
        (a.shape, a.size_m, a.position_m, a.quat, a.rgb) == (b.shape, b.size_m, b.position_m, b.quat, b.rgb)
        and (a.mesh is None or np.array_equal(a.mesh.vertices, b.mesh.vertices))
        for a, b in zip(one.parts, other.parts, strict=True)
    )
