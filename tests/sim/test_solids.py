"""What a hand meets has the shape that a camera sees."""

import numpy as np
import pytest

from vlm_picking.sim.meshes import extrude, loft, revolve, sweep

pytest.importorskip("mujoco", reason="the simulator is an extra: pip install 'vlm_picking[sim]'")

_RAYS = 400
_NEAR_M = 0.004


def hull_volume_m3(mesh):
    from scipy.spatial import ConvexHull

    return sum(ConvexHull(mesh.vertices[piece]).volume for piece in mesh.cut())


RING = np.array([(0.03, 0), (0.05, 0), (0.05, 0.02), (0.03, 0.02), (0.03, 0)])
CUP = np.array([(0, 0), (0.04, 0), (0.04, 0.08), (0.036, 0.08), (0.036, 0.006), (0, 0.006)])
NECKED = np.array([(0, 0), (0.03, 0), (0.03, 0.1), (0.01, 0.12), (0.01, 0.15), (0, 0.15)])
U = np.array([(0, 0), (3, 0), (3, 3), (2, 3), (2, 1), (1, 1), (1, 3), (0, 3)]) * 0.02
BEND = np.column_stack([0.05 * np.cos(a := np.linspace(0, np.pi, 20)), 0 * a, 0.05 * np.sin(a)])


@pytest.mark.parametrize(
    "mesh",
    [
        revolve(RING, segments=36),
        revolve(CUP, segments=36),
        revolve(NECKED, segments=36),
        extrude(U, 0.02),
        extrude(U[::-1], 0.02),
        sweep(BEND, 0.008),
        loft(np.stack([np.column_stack([U[[0, 1, 2, 7]], np.full(4, z)]) for z in (0.0, 0.1)])),
    ],
    ids=["ring", "cup", "bottle", "plate", "plate the other way round", "bent tube", "block"],
)
def test_the_hulls_of_a_meshs_pieces_fill_it_and_little_more(mesh):
    assert 0.98 * mesh.volume_m3 <= hull_volume_m3(mesh) <= 1.2 * mesh.volume_m3


def test_a_convex_mesh_is_one_piece():
    cylinder = revolve(np.array([(0, 0), (0.02, 0), (0.02, 0.1), (0, 0.1)]))
    assert len(cylinder.cut()) == 1


def shapes():
    from vlm_picking.sim.kinds import KINDS

    return [(name, variant) for name, kind in sorted(KINDS.items()) for variant in (None, *kind.held_out)]


def distances_m(item, is_target):
    """How far (R,) rays from all sides go until they meet the parts that are targets; NaN where they miss them."""
    import mujoco

    from vlm_picking.sim.assembly import assemble
    from vlm_picking.sim.bins import make_bin

    rng = np.random.default_rng(0)
    assembly = assemble((item,), make_bin(rng), rng)
    model, data = assembly.model, mujoco.MjData(assembly.model)
    middle = np.array([5.0, 5.0, 5.0])
    data.qpos[:7] = [*middle, 1, 0, 0, 0]
    mujoco.mj_forward(model, data)
    own = np.flatnonzero(model.geom_bodyid == assembly.body[0])
    model.geom_group[own] = np.where([is_target(part) for part in item.parts], 1, 2)
    groups, hit = np.array([0, 1, 0, 0, 0, 0], np.uint8), np.array([-1], np.int32)
    towards = rng.normal(size=(_RAYS, 3))
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    reach = float(np.linalg.norm(item.half_extents_m)) + 0.05
    starts = middle + rng.uniform(-0.9, 0.9, (_RAYS, 3)) * item.half_extents_m - reach * towards
    found = [mujoco.mj_ray(model, data, a, b, groups, 1, -1, hit) for a, b in zip(starts, towards, strict=True)]
    return np.where(np.array(found) >= 0, found, np.nan)


@pytest.mark.parametrize(("name", "variant"), shapes())
def test_what_is_met_is_what_is_seen(name, variant):
    from dataclasses import replace

    from vlm_picking.sim.kinds import get_kind
    from vlm_picking.sim.solids import as_seen

    item = get_kind(name).build(np.random.default_rng(1), variant=variant)
    item = replace(item, parts=as_seen(item.parts))
    seen = distances_m(item, lambda part: part.visible)
    met = distances_m(item, lambda part: part.solid)
    both = np.isfinite(seen) & np.isfinite(met)
    assert both.sum() > 0.2 * _RAYS
    assert np.mean(np.abs(met - seen)[both] < _NEAR_M) > 0.95
    assert (np.isfinite(seen) != np.isfinite(met)).sum() < 0.05 * both.sum()


def test_things_that_met_in_simpler_shapes_do_not_jump_apart():
    from vlm_picking.gripper_files import load_gripper
    from vlm_picking.sim.cell import PickCell
    from vlm_picking.sim.scene import make_scene

    scene = make_scene(12, held_out=True)
    before = scene.positions_m()
    cell = PickCell(scene, load_gripper("robotiq_2f85"))
    assert np.median(np.linalg.norm(scene.positions_m() - before, axis=1)) < 0.01
    assert len(cell.inside()) == len(scene.objects)


def test_what_settled_in_a_wall_is_taken_out_and_lies_in_the_bin_again():
    from vlm_picking.bench.cells import episode_seed
    from vlm_picking.gripper_files import load_gripper
    from vlm_picking.sim.cell import PickCell
    from vlm_picking.sim.parting import stuck_objects
    from vlm_picking.sim.scene import make_scene

    scene = make_scene(episode_seed(13, 27), held_out=True)
    carrot = [item.kind for item in scene.objects].index("carrot")
    before = scene.positions_m()
    cell = PickCell(scene, load_gripper("robotiq_2f85"))
    moved = np.linalg.norm(scene.positions_m() - before, axis=1)
    assert moved[carrot] > 0.05 and np.median(moved) < 0.01
    assert len(cell.inside()) == len(scene.objects)
    assert stuck_objects(cell.model, cell.data, cell.body_of_object, scene.objects) == []
