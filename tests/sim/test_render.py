from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="the simulator is an extra: pip install 'vlm_picking[sim]'")

from vlm_picking.errors import ConfigError
from vlm_picking.sim.example import BIN_INNER_M, example_view
from vlm_picking.sim.render import SceneRenderer
from vlm_picking.sim.scene import ObjectSpec, make_scene
from vlm_picking.sim.view import pinhole


def test_depth_deprojects_onto_the_floor_of_the_bin(example):
    scene, rendered, _ = example
    points = rendered.world_from_camera.apply(
        rendered.camera.deproject_image(rendered.depth_m).reshape(-1, 3)
    )
    points = points.reshape(*rendered.ids.shape, 3)
    inside = (np.abs(points[..., :2]) < np.array(BIN_INNER_M[:2]) / 2 - 0.02).all(axis=-1)
    floor = points[inside & (rendered.ids == 0)]
    assert len(floor) > 20_000
    assert np.abs(floor[:, 2]).max() < 0.002


def test_depth_shows_the_size_of_a_known_object():
    # An orange is an ellipsoid: its top lies one half extent above its origin.
    specs = (ObjectSpec(kind="orange", xy_m=(0.0, 0.0), yaw_rad=0.0),)
    scene = make_scene(0, objects=specs, must_keep=True)
    with SceneRenderer(scene) as renderer:
        rendered = renderer.render(example_view())
    points = rendered.world_from_camera.apply(
        rendered.camera.deproject_image(rendered.depth_m).reshape(-1, 3)
    )
    top = points[(rendered.ids == 1).ravel()]
    centre, radius = scene.positions_m()[0], scene.objects[0].half_extents_m[0]
    assert top[:, 2].max() == pytest.approx(centre[2] + radius, abs=0.004)
    distance = np.linalg.norm(top - centre, axis=1)
    assert np.median(distance) == pytest.approx(radius, abs=0.003)


def test_origins_project_into_the_boxes(example):
    scene, rendered, truth = example
    pixels = rendered.camera.project(rendered.world_from_camera.inverse().apply(scene.positions_m()))
    for item in truth.objects:
        x0, y0, x1, y1 = item.xyxy
        u, v = pixels[item.id - 1]
        assert x0 - 2 < u < x1 + 2 and y0 - 2 < v < y1 + 2, item


def test_boxes_hold_the_ids_and_touch_them(example):
    _, rendered, truth = example
    assert set(np.unique(rendered.ids)) == {0, *(item.id for item in truth.objects)}
    for item in truth.objects:
        x0, y0, x1, y1 = item.xyxy
        mask = rendered.ids == item.id
        assert mask[y0:y1, x0:x1].sum() == mask.sum()
        assert mask[y0].any() and mask[y1 - 1].any() and mask[:, x0].any() and mask[:, x1 - 1].any()


def test_rendering_repeats(example):
    scene, rendered, _ = example
    with SceneRenderer(scene) as renderer:
        again = renderer.render(example_view())
    np.testing.assert_array_equal(again.ids, rendered.ids)
    assert np.abs(again.rgb.astype(int) - rendered.rgb).max() <= 1


def test_what_is_covered_is_less_visible():
    cover = ObjectSpec(kind="book", colour="blue", xy_m=(0.0, 0.0), yaw_rad=0.0)
    below = ObjectSpec(kind="bolt", colour="grey", xy_m=(0.0, 0.0), yaw_rad=0.0)
    aside = ObjectSpec(kind="apple", colour="red", xy_m=(0.18, 0.1), yaw_rad=0.0)
    scene = make_scene(1, objects=(below, cover, aside), bin_inner_m=(0.5, 0.4, 0.1), must_keep=True)
    with SceneRenderer(scene) as renderer:
        visible = renderer.render(example_view()).visible
    assert visible[0] < 0.2
    assert visible[1] > 0.95 and visible[2] > 0.95


def test_paint_of_an_object_is_seen_in_the_image(example):
    scene, rendered, _ = example
    for index, item in enumerate(scene.objects):
        if (item.kind, item.colour) in (("mug", "red"), ("mug", "blue"), ("can", "green")):
            mean = rendered.rgb[rendered.ids == index + 1].astype(float)
            strongest = {"red": 0, "green": 1, "blue": 2}[item.colour]
            assert np.median(mean, axis=0).argmax() == strongest


def test_too_large_an_image_is_refused(example):
    scene, _, _ = example
    view = replace(example_view(), camera=pinhole(4000, 3000, 0.7))
    with SceneRenderer(scene) as renderer, pytest.raises(ConfigError, match="at most 1280x960"):
        renderer.render(view)
