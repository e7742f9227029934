from collections import Counter

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="the simulator is an extra: pip install 'vlm_picking[sim]'")

import mujoco

from vlm_picking.errors import ConfigError
from vlm_picking.sim.bins import BIN_COLOURS, make_bin
from vlm_picking.sim.kinds import UnknownKindError
from vlm_picking.sim.scene import ObjectSpec, make_scene, random_specs
from vlm_picking.sim.textures import HELD_OUT_SURFACES, TEXTURES
from vlm_picking.sim.view import random_view, recolour


def test_same_seed_gives_the_same_scene():
    one, two = make_scene(11), make_scene(11)
    assert [(item.kind, item.colour) for item in one.objects] == [(item.kind, item.colour) for item in two.objects]
    np.testing.assert_array_equal(one.data.qpos, two.data.qpos)
    assert one.crate.inner_m == two.crate.inner_m


def test_seeds_differ_and_zero_is_a_seed():
    assert make_scene(0).crate.inner_m != make_scene(1).crate.inner_m
    assert make_scene(0).crate.inner_m == make_scene(0).crate.inner_m


@pytest.mark.parametrize("seed", range(5))
def test_random_scene_has_settled_inside_the_bin(seed):
    scene = make_scene(seed)
    assert len(scene.objects) >= 2
    reach = np.array(scene.crate.inner_m[:2]) / 2 + 0.011
    places = scene.positions_m()
    assert (np.abs(places[:, :2]) < reach).all()
    assert (places[:, 2] > -0.005).all()


def test_random_specs_repeat_kinds_in_part_of_the_scenes():
    draws = [random_specs(np.random.default_rng(seed)) for seed in range(200)]
    counts = [[spec.kind for spec in specs if spec.kind] for specs in draws]
    repeated = np.mean([len(set(kinds)) < len(kinds) for kinds in counts])
    assert 0.2 < repeated < 0.5
    assert max(max(Counter(kinds).values()) for kinds in counts) == 6
    sizes = [len(specs) for specs in draws]
    assert min(sizes) == 4 and 17 <= max(sizes) <= 20 and 8.5 < np.mean(sizes) < 11.5
    distractors = [len(specs) - len(kinds) for specs, kinds in zip(draws, counts, strict=True)]
    assert min(distractors) == 0 and max(distractors) == 4


def test_crowded_scene_settles_inside_the_bin_and_comes_to_rest():
    specs = tuple(ObjectSpec(kind=kind) for kind in ("mug", "apple", "can", "bolt", "book") for _ in range(4))
    scene = make_scene(3, objects=specs)
    assert len(scene.objects) >= 18
    before = scene.positions_m()
    mujoco.mj_step(scene.model, scene.data, 50)
    moved = np.linalg.norm(scene.positions_m() - before, axis=1)
    assert np.median(moved) < 0.002 and moved.max() < 0.03


def test_table_of_an_evaluation_scene_is_none_that_training_shows():
    taught, evaluated = set(), set()
    for seed in range(8):
        specs = (ObjectSpec(kind="mug"),)
        size = (0.45, 0.35, 0.12)
        taught.add(_table(make_scene(seed, objects=specs, bin_inner_m=size, must_keep=True)))
        held_out = make_scene(seed, objects=specs, bin_inner_m=size, must_keep=True, held_out=True)
        evaluated.add(_table(held_out))
    assert taught <= set(TEXTURES) and evaluated <= set(HELD_OUT_SURFACES)
    assert len(evaluated) > 1


def test_half_of_the_objects_of_an_evaluation_scene_take_a_held_out_shape():
    # The parts of a tuna can are lower than those of any can that is taught.
    specs = tuple(ObjectSpec(kind="can") for _ in range(6))
    scenes = [make_scene(seed, objects=specs, must_keep=True, held_out=True) for seed in range(6)]
    flat = np.mean([item.half_extents_m[2] < 0.03 for scene in scenes for item in scene.objects])
    assert 0.2 < flat < 0.8
    plain = make_scene(0, objects=specs, must_keep=True)
    assert all(item.half_extents_m[2] > 0.03 for item in plain.objects)


def test_asked_variant_is_made_in_any_scene():
    scene = make_scene(1, objects=(ObjectSpec(kind="can", variant="flat"),), must_keep=True)
    assert scene.objects[0].half_extents_m[2] < 0.03


def test_unknown_variants_are_refused():
    with pytest.raises(UnknownKindError, match="did you mean 'conical'"):
        make_scene(0, objects=(ObjectSpec(kind="mug", variant="conicle"),))
    with pytest.raises(ConfigError, match="a distractor has no variant"):
        ObjectSpec(kind=None, variant="conical")


def test_bins_come_in_several_shapes_and_hold_what_they_say(rng):
    bins = [make_bin(rng) for _ in range(120)]
    assert len({len(crate.parts) for crate in bins}) >= 6
    depths = [crate.inner_m[2] for crate in bins]
    assert min(depths) < 0.09 and max(depths) > 0.18
    assert {crate.colour for crate in bins} == set(BIN_COLOURS)
    for crate in bins:
        floor, *others = (part for part in crate.parts if part.solid)
        assert floor.visible and floor.position_m[2] + floor.size_m[2] == pytest.approx(0.0)
        for part in others:
            if min(part.size_m) < 0.01 and part.size_m[2] > 0.02:
                # Ribs may stand out from a wall by a few millimetres.
                inner_face = np.abs(part.position_m[:2]) - np.asarray(part.size_m[:2])
                assert (inner_face > np.array(crate.inner_m[:2]) / 2 - 0.006).any(), "a wall stands inside of the bin"


def test_asked_bin_is_made(rng):
    crate = make_bin(rng, colour="green", inner_m=(0.5, 0.4, 0.12))
    assert crate.colour == "green" and crate.inner_m == (0.5, 0.4, 0.12)


def test_explicit_objects_lie_where_they_were_put():
    specs = (
        ObjectSpec(kind="mug", colour="red", xy_m=(-0.1, 0.05), yaw_rad=0.4),
        ObjectSpec(kind="book", colour="blue", xy_m=(0.1, -0.02), yaw_rad=0.0),
    )
    scene = make_scene(5, objects=specs, bin_inner_m=(0.5, 0.4, 0.12), bin_colour="green", must_keep=True)
    assert [(item.kind, item.colour) for item in scene.objects] == [("mug", "red"), ("book", "blue")]
    np.testing.assert_allclose(scene.positions_m()[:, :2], [(-0.1, 0.05), (0.1, -0.02)], atol=0.01)
    assert scene.crate.colour == "green"


def test_objects_that_cannot_be_kept_are_an_error():
    beside = (ObjectSpec(kind="apple", xy_m=(0.6, 0.0), yaw_rad=0.0),)
    with pytest.raises(ConfigError, match="falling out of the bin"):
        make_scene(0, objects=beside, must_keep=True)


def test_recolouring_keeps_to_the_usual_colours(rng):
    specs = tuple(ObjectSpec(kind=kind) for kind in ("mug", "apple", "orange"))
    scene = make_scene(2, objects=specs, must_keep=True)
    seen = set()
    for _ in range(6):
        recolour(scene, rng)
        seen.add(scene.objects[0].colour)
        assert scene.objects[1].colour in ("red", "green", "yellow")
        assert scene.objects[2].colour == "orange"
        material = scene.assembly.main_materials[0][0]
        np.testing.assert_allclose(scene.model.mat_rgba[material, :3], scene.objects[0].paint_rgb, atol=1e-6)
    assert len(seen) > 1


def test_random_view_looks_down_into_the_bin(rng):
    crate = make_scene(4).crate
    for _ in range(20):
        view = random_view(rng, crate, width=384, height=288)
        pose = view.world_from_camera
        tilt = np.arccos(-pose.rotation[2, 2])
        assert tilt <= 0.2601
        middle = view.camera.project(pose.inverse().apply(np.zeros((1, 3))))[0]
        assert 96 < middle[0] < 288 and 72 < middle[1] < 216


def _table(scene) -> str:
    """The name of the surface that the table wears."""
    texture = scene.model.mat_texid[scene.assembly.ground_material].max()
    return scene.model.texture(texture).name.removeprefix("t_")
