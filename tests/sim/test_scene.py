import numpy as np
import pytest

pytest.importorskip("mujoco", reason="the simulator is an extra: pip install 'vlm_picking[sim]'")

from vlm_picking.errors import ConfigError
from vlm_picking.sim.scene import ObjectSpec, make_scene, random_specs
from vlm_picking.sim.view import random_view, recolour


def test_same_seed_gives_the_same_scene():
    one, two = make_scene(11), make_scene(11)
    assert [(item.kind, item.colour) for item in one.objects] == [
        (item.kind, item.colour) for item in two.objects
    ]
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
    assert all(4 <= len(specs) <= 12 for specs in draws)


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
