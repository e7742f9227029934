"""Whether a cup could hold an object at all: its seal, its load, and what hooks it."""

import numpy as np
import pytest

from tests.sim.cells import CUP, PLATE, cell_of, thing

pytest.importorskip("mujoco", reason="the simulator is an extra: pip install 'vlm_picking[sim]'")


def spots_of(cell):
    """Where the cup seals on the first object, as seen from above."""
    from vlm_picking.sim.sealable import sealing_spots
    from vlm_picking.sim.view import look_at, pinhole

    eye = look_at(np.zeros(3), distance_m=0.7, tilt_rad=0.1, heading_rad=0.3, roll_rad=0.0)
    view = {"camera": pinhole(320, 240, 0.3), "world_from_camera": eye}
    seen = np.ones((240, 320), bool)
    return sealing_spots(cell, 0, seen, **view, gripper=cell.gripper, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("half_m", "mass_kg", "texture", "sealable"),
    [(PLATE, 0.3, "plain", True), (PLATE, 0.3, "porous", False), ((0.1, 0.008, 0.008), 0.1, "plain", False),
     (PLATE, 4.0, "plain", False)],
    ids=["plate", "sponge", "too narrow", "too heavy"],
)  # fmt: skip
def test_objects_with_a_seal(half_m, mass_kg, texture, sealable):
    from vlm_picking.sim.sealable import has_seal

    cell = cell_of(CUP, thing(half_m, mass_kg=mass_kg, texture=texture), at=[(0, 0)])
    assert sealable == has_seal(spots_of(cell))


def loaded_cell(mass_kg):
    """A plate, and a block of some mass that stands on its end."""
    block = thing((0.02, 0.02, 0.02), mass_kg=mass_kg)
    return cell_of(CUP, thing((0.1, 0.04, 0.01), mass_kg=0.3), block, at=[(0, 0), (0.07, 0)], above_m=0.02)


def test_what_lies_on_an_object_is_part_of_its_load():
    from vlm_picking.sim.sealable import resting_load

    force, moment = resting_load(loaded_cell(0.5), 0)
    np.testing.assert_allclose(force, [0, 0, -9.81 * 0.8], atol=0.1)
    np.testing.assert_allclose(moment, [0, 9.81 * 0.5 * 0.07, 0], atol=0.02)
    np.testing.assert_allclose(resting_load(loaded_cell(0.5), 1)[0], [0, 0, -9.81 * 0.5], atol=0.1)


@pytest.mark.parametrize(("mass_kg", "sealable"), [(0.05, True), (1.5, False)])
def test_what_carries_too_much_has_no_seal(mass_kg, sealable):
    from vlm_picking.sim.sealable import has_seal

    assert sealable == has_seal(spots_of(loaded_cell(mass_kg)))


def test_a_spot_has_to_be_near_the_middle_of_what_is_heavy():
    spots = spots_of(cell_of(CUP, thing((0.1, 0.04, 0.01), mass_kg=0.5), at=[(0, 0)]))
    away = [np.hypot(*spot.world_from_grasp.translation_m[:2]) for spot in spots]
    assert [spot.spare for spot in spots] == sorted((spot.spare for spot in spots), reverse=True)
    assert away[0] < 0.01 and max(away) < 0.08


def bridge():
    """A heavy slab on two legs, 35 mm above the ground."""
    from vlm_picking.sim.kinds.model import ObjectModel, Part

    slab = Part(shape="box", size_m=(0.015, 0.06, 0.01), solid=True)
    legs = [
        Part(shape="box", size_m=(0.015, 0.008, 0.0175), position_m=(0.0, side * 0.052, -0.0275), solid=True)
        for side in (-1, 1)
    ]
    half_m = np.array([0.015, 0.06, 0.045])
    return ObjectModel(kind=None, colour=None, parts=(slab, *legs), mass_kg=4.0, half_extents_m=half_m)


@pytest.mark.parametrize(("bridge_at", "holds"), [(0.2, True), (0.06, False)], ids=["beside it", "over it"])
def test_a_seal_on_what_is_hooked_holds_nothing(bridge_at, holds):
    from vlm_picking.sim.sealable import has_seal, seal_holds

    cell = cell_of(CUP, thing((0.1, 0.035, 0.01), mass_kg=0.2), bridge(), at=[(0, 0), (bridge_at, 0)])
    spots = spots_of(cell)

    def mount():
        cell.restart()
        return cell

    assert has_seal(spots)
    assert seal_holds(mount, 0, spots) == holds
