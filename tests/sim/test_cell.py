"""The judge is honest: jaws hold by friction alone, cups by what their seal gives, and what is hit is reported."""

import numpy as np
import pytest

from tests.sim.cells import BLOCK, CUP, JAWS, PLATE, cell_of, down, thing
from vlm_picking.gripper_files import load_gripper

pytest.importorskip("mujoco", reason="the simulator is an extra: pip install 'vlm_picking[sim]'")


def block_cell():
    return cell_of(JAWS, thing(BLOCK, mass_kg=0.4), at=[(0, 0)])


def grip(cell):
    cell.wants(0)
    return cell.pick(down(0, 0, 0.035), pregrasp_opening_m=0.048)


def pads_apart(cell):
    from vlm_picking.sim.hand import FINGERS

    return sum(cell.data.joint(finger).qpos.item() for finger in FINGERS)


def test_a_block_is_held_by_friction_and_slips_without_it():
    cell = block_cell()
    assert grip(cell).held == (0,)
    cell.restart()
    cell.model.geom_friction[:, 0] = 0.02
    outcome = grip(cell)
    assert outcome.held == () and outcome.cause == "slipped"


def test_a_restart_brings_the_same_again():
    cell = block_cell()
    first = grip(cell)
    raised = cell.data.qpos.copy()
    cell.remove(first.held)
    assert cell.inside() == ()
    cell.restart()
    assert cell.inside() == (0,)
    assert grip(cell) == first
    np.testing.assert_allclose(cell.data.qpos, raised, atol=1e-6)


def test_nothing_ties_an_object_to_the_jaws():
    import mujoco

    cell = block_cell()
    model, objects = cell.model, set(cell.body_of_object.tolist())
    bodily = np.isin(model.eq_type, [int(mujoco.mjtEq.mjEQ_WELD), int(mujoco.mjtEq.mjEQ_CONNECT)])
    tied = set(model.eq_obj1id[bodily].tolist()) | set(model.eq_obj2id[bodily].tolist())
    assert bodily.sum() == 1 and not tied & objects


def test_a_cup_is_tied_to_nothing_before_it_seals():
    cell = cell_of(CUP, thing(PLATE), at=[(0, 0)])
    vacuum = cell.model.equality("vacuum_0").id
    assert not cell.data.eq_active[vacuum]
    cell.pick(down(0.15, 0, 0.001))
    assert not cell.data.eq_active[vacuum]


@pytest.fixture
def stiff_cup(tmp_path):
    """As CUP, but on nothing that gives way."""
    own = tmp_path / "stiff_cup.yaml"
    own.write_text("kind: suction\ncup_radius_m: 0.015\n")
    return own


@pytest.mark.parametrize(("mass_kg", "cause"), [(1.0, ""), (3.5, "pulled off")])
def test_a_cup_holds_up_to_what_its_seal_stands(stiff_cup, mass_kg, cause):
    from vlm_picking.sim.vacuum import holding_force_n

    cell = cell_of(stiff_cup, thing(PLATE, mass_kg=mass_kg), at=[(0, 0)])
    outcome = cell.pick(down(0, 0, 0.02))
    assert outcome.seal == pytest.approx(1.0)
    assert (9.81 * mass_kg < holding_force_n(1.0, cell.gripper)) == (cause == "")
    assert outcome.cause == cause and outcome.held == ((0,) if not cause else ())


@pytest.mark.parametrize(("vacuum_pa", "cause"), [(80_000, ""), (30_000, "pulled off")])
def test_a_cup_holds_with_the_vacuum_of_its_file(tmp_path, vacuum_pa, cause):
    own = tmp_path / "own_cup.yaml"
    own.write_text(f"kind: suction\ncup_radius_m: 0.015\nvacuum_pa: {vacuum_pa}\n")
    cell = cell_of(own, thing(PLATE, mass_kg=1.3), at=[(0, 0)])
    assert cell.pick(down(0, 0, 0.02)).cause == cause


@pytest.mark.parametrize("lever_m", [0.0, 0.03])
def test_a_cup_feels_the_weight_and_its_moment_about_the_lip(stiff_cup, lever_m):
    cell = cell_of(stiff_cup, thing(PLATE, mass_kg=0.3), at=[(0, 0)])
    assert cell.pick(down(lever_m, 0, 0.02)).held == (0,)
    weight = 9.81 * 0.3
    pull, shear, moment = cell.vacuum.load
    assert pull == pytest.approx(weight, abs=0.05)
    assert shear == pytest.approx(0.0, abs=0.05)
    assert moment == pytest.approx(weight * lever_m, abs=0.003)


def test_a_cup_that_swivels_tilts_towards_its_load():
    cell = cell_of(CUP, thing(PLATE, mass_kg=0.3), at=[(0, 0)])
    assert cell.pick(down(0.03, 0, 0.02)).held == (0,)
    weight, limit = 9.81 * 0.3, cell.gripper.swivel_rad
    tilt = np.arccos(cell.data.xmat[cell.body_of_object[0]].reshape(3, 3)[2, 2])
    assert 0.3 * limit < tilt < limit
    pull, shear, moment = cell.vacuum.load
    assert pull == pytest.approx(weight * np.cos(tilt), abs=0.1)
    assert shear == pytest.approx(weight * np.sin(tilt), abs=0.1)
    lever = 0.03 * np.cos(tilt) - PLATE[2] * np.sin(tilt)  # the middle swings in under the lip
    assert moment == pytest.approx(weight * lever, abs=0.005)


def test_what_is_held_down_on_one_side_slips_out_if_the_cup_swivels(stiff_cup):
    plate, on_its_end = thing((0.11, 0.04, 0.01)), thing((0.018, 0.03, 0.03), mass_kg=0.3)
    held = []
    for cup in (CUP, stiff_cup):
        cell = cell_of(cup, plate, on_its_end, at=[(0, 0), (0.08, 0)], above_m=0.021)
        cell.wants(0)
        held.append(cell.pick(down(0.02, 0, 0.02)).held)
    assert held == [(0,), ()]


def test_far_from_the_middle_a_cup_peels_off():
    wide = (0.11, 0.04, 0.01)
    held = [cell_of(CUP, thing(wide, mass_kg=0.6), at=[(0, 0)]).pick(down(x, 0, 0.02)).held for x in (0.0, 0.08)]
    assert held == [(0,), ()]


def test_a_push_helps_a_lip_and_a_pull_does_not():
    from vlm_picking.sim.vacuum import needed_force_n

    still = needed_force_n(0.0, 3.0, 0.1, 0.015)
    assert needed_force_n(-4.0, 3.0, 0.1, 0.015) == pytest.approx(still - 4.0)
    assert needed_force_n(4.0, 3.0, 0.1, 0.015) == pytest.approx(still + 4.0)
    assert needed_force_n(0.0, 3.0, 0.1, 0.0075) > still


@pytest.mark.parametrize(
    ("texture", "x_m"), [("porous", 0.0), ("plain", 0.055), ("plain", 0.08)], ids=["sponge", "edge", "beside"]
)
def test_there_is_no_seal_on_a_sponge_or_over_an_edge(texture, x_m):
    cell = cell_of(CUP, thing(PLATE, texture=texture), at=[(0, 0)])
    outcome = cell.pick(down(x_m, 0, 0.02))
    assert (outcome.seal, outcome.held, outcome.cause) == (0.0, (), "no seal")


@pytest.mark.parametrize(
    ("places", "hit"),
    [([(0, 0), (0, 0.05)], "neighbour"), ([(0, 0.178), (0, -0.1)], "bin"), ([(0, 0), (0, -0.1)], "")],
    ids=["neighbour", "wall", "free"],
)
def test_what_a_finger_comes_down_on_is_reported(places, hit):
    cell = cell_of(JAWS, thing(BLOCK), thing(BLOCK), at=places)
    cell.wants(0)
    outcome = cell.pick(down(*places[0], 0.035), pregrasp_opening_m=0.048)
    assert outcome.collided == hit
    assert (outcome.held == (0,)) or hit


def test_pressing_on_what_is_wanted_is_no_collision():
    cell = cell_of(CUP, thing(PLATE), at=[(0, 0)])
    cell.wants(0)
    assert cell.pick(down(0, 0, 0.012)).collided == ""
    cell.restart()
    cell.wants(None)
    assert cell.pick(down(0, 0, 0.012)).collided == "neighbour"


def test_a_pick_of_nothing_is_missed():
    outcome = block_cell().pick(down(0.15, 0.1, 0.03), pregrasp_opening_m=0.038)
    assert (outcome.held, outcome.cause, outcome.collided) == ((), "missed", "")


@pytest.mark.parametrize("half_m", [(0.02, 0.02, 0.03), (0.05, 0.0015, 0.03)], ids=["block", "sheet"])
def test_pads_press_into_what_they_hold_as_rubber_does(half_m):
    cell = cell_of(JAWS, thing(half_m, mass_kg=0.1), at=[(0, 0)])
    cell.wants(0)
    assert cell.pick(down(0, 0, 0.035), pregrasp_opening_m=2 * half_m[1] + 0.008).held == (0,)
    assert 2 * half_m[1] - pads_apart(cell) == pytest.approx(1.5e-3, abs=5e-4)


def test_fingers_end_at_each_other():
    cell = block_cell()
    cell.pick(down(0.15, 0.1, 0.03), pregrasp_opening_m=0.038)
    assert abs(pads_apart(cell)) < 1e-3


def test_random_grasps_do_worse_than_a_good_one():
    from vlm_picking.bench.cells import photograph_cell
    from vlm_picking.bench.episodes import random_grasp

    cell = cell_of(JAWS, thing((0.05, 0.012, 0.02), mass_kg=0.3), at=[(0, 0)])
    cell.wants(0)
    assert cell.pick(down(0, 0, 0.02), pregrasp_opening_m=0.032).held == (0,)
    cell.restart()
    rng = np.random.default_rng(1)
    shot = photograph_cell(cell.scene, rng)
    held = []
    for _ in range(8):
        cell.restart()
        grasp = random_grasp(shot, shot.truth.objects[0], (cell.gripper,), rng)
        place = shot.world_from_camera @ grasp.camera_from_grasp
        held.append(cell.pick(place, pregrasp_opening_m=grasp.pregrasp_opening_m).held)
    assert sum(held == (0,) for held in held) <= 4


def test_a_changed_gripper_finds_what_the_other_left():
    cell = cell_of(JAWS, thing(BLOCK), thing(PLATE), at=[(0, 0), (0.15, 0.05)])
    cell.remove(grip(cell).held)
    from vlm_picking.sim.cell import PickCell

    other = PickCell(cell.scene, load_gripper(CUP))
    other.take_over(cell)
    assert other.inside() == (1,)
    assert other.pick(down(0.15, 0.05, 0.02)).held == (1,)
    assert cell.inside() == (1,)


def test_what_lies_beside_a_high_wall_is_not_shaken_against_it():
    cell = cell_of(CUP, thing(PLATE, mass_kg=0.3), at=[(0, 0.135)], depth_m=0.24)
    cell.wants(0)
    assert cell.pick(down(0, 0.135, 0.02)).held == (0,)
    assert cell.data.xpos[cell.body_of_object[0]][2] > 0.24
