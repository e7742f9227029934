"""Where cups are put: on the middle of what just carries them, with room for the whole cup, on slopes too."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.planning.synthetic import Ball, Box, look
from vlm_picking.gripper_files import load_gripper
from vlm_picking.planning import plan_grasps
from vlm_picking.support import find_support

CUP = load_gripper("suction_30mm")
RADIUS = CUP.cup_radius_m


def grasps(shot):
    """Places (N, 3) and approaches (N, 3) in the bin's frame of the candidates on the first object."""
    found = shot.detections()
    plan = plan_grasps(shot.frame, found, [CUP], support=find_support(shot.frame), max_per_object=8)
    poses = [shot.bin_from_camera @ c.camera_from_grasp for c in plan.candidates if c.object_id == 0]
    assert poses, plan.rejected
    return np.array([p.translation_m for p in poses]), np.array([p.rotation[:, 2] for p in poses])


@pytest.mark.parametrize("seed", range(3))
def test_a_top_that_just_carries_a_cup_is_met_in_its_middle(seed):
    top = 2 * RADIUS + 0.005
    places, _ = grasps(look([Box((0.02, 0.01, 0.04), (top, top, 0.08), 0.3)], noise_m=5e-4, seed=seed))
    assert np.linalg.norm(places[0, :2] - [0.02, 0.01]) < 0.002


def test_a_side_that_drops_away_from_the_camera_is_no_part_of_the_rim():
    width = 0.044
    places, _ = grasps(look([Box((0.0, 0.0, 0.05), (0.12, width, 0.1))], tilt_rad=0.6))
    assert np.all(np.abs(places[:, 1]) < width / 2 - RADIUS + 0.002)


def test_edges_without_a_reading_are_the_objects_own_where_its_mask_says_so():
    shot = look([Box((0.0, 0.0, 0.04), (2 * RADIUS + 0.003, 2 * RADIUS + 0.003, 0.08))])
    found = shot.detections()
    whole = found.mask[0].astype(np.uint8)
    inner = cv2.erode(whole, np.ones((3, 3), np.uint8))
    depth = np.where(cv2.dilate(whole, np.ones((3, 3), np.uint8)) > inner, np.float32(np.nan), shot.frame.depth_m)
    frame = replace(shot.frame, depth_m=depth)
    plan = plan_grasps(frame, found, [CUP], support=find_support(frame))
    assert plan.candidates, plan.rejected
    assert plan.candidates[0].terms["measured"] < 0.95
    place = (shot.bin_from_camera @ plan.candidates[0].camera_from_grasp).translation_m
    np.testing.assert_allclose(place, [0, 0, 0.08], atol=0.002)
    without = replace(found, mask=inner[None] > 0)
    assert not plan_grasps(frame, without, [CUP], support=find_support(frame)).candidates


def test_the_whole_cup_passes_a_neighbour_on_its_way():
    low, high = Box((0, 0, 0.02), (0.08, 0.06, 0.04)), Box((0.077, 0, 0.06), (0.07, 0.1, 0.12))
    places, _ = grasps(look([low, high]))
    assert places[:, 0].max() < 0.042 - RADIUS + 0.001


@pytest.mark.parametrize(
    ("tilt_rad", "over_it_m", "is_held"), [(0.2, -0.004, True), (0.25, 0.0, True), (0.0, 0.02, False)]
)
def test_what_a_neighbour_hides_from_the_camera_is_no_gap_but_what_lies_under_it_is(tilt_rad, over_it_m, is_held):
    low, high = Box((0, 0.018, 0.01), (0.08, 0.036, 0.02)), Box((0, over_it_m - 0.02, 0.045), (0.1, 0.04, 0.05))
    shot = look([low, high], tilt_rad=tilt_rad)
    plan = plan_grasps(shot.frame, shot.detections(), [CUP], support=find_support(shot.frame), max_per_object=8)
    mine = [c for c in plan.candidates if c.object_id == 0]
    assert bool(mine) == is_held
    for candidate in mine:
        assert candidate.terms["measured"] < 0.9
        place = (shot.bin_from_camera @ candidate.camera_from_grasp).translation_m
        assert over_it_m + RADIUS - 0.002 < place[1] < 0.036 - RADIUS + 0.002


def test_slopes_are_approached_along_their_normals():
    places, approaches = grasps(look([Ball((0, 0, 0.05), 0.05)]))
    outwards = places - [0, 0, 0.05]
    radius = np.linalg.norm(outwards, axis=1)
    np.testing.assert_allclose((outwards * approaches).sum(axis=1) / radius, -1, atol=2e-3)
    # The lip lies deeper than the middle of what it surrounds.
    np.testing.assert_allclose(radius, np.sqrt(0.05**2 - RADIUS**2), atol=2e-3)
    tilt = np.arccos(-approaches[:, 2])
    assert tilt.max() > 0.3
    assert np.all(tilt <= CUP.max_tilt_rad + 1e-6)


def test_on_what_is_tilted_more_than_a_cup_may_be_it_leans_a_little_and_says_so():
    shot = look([Box((0, 0, 0.02), (0.12, 0.09, 0.04))], tilt_rad=0.3)
    best = {}
    for limit in (CUP.max_tilt_rad, 0.15):
        # Without a floor the optical axis is where cups come from.
        cup = replace(CUP, max_tilt_rad=limit)
        found = plan_grasps(shot.frame, shot.detections(), [cup]).candidates
        tilt = [np.arccos(c.camera_from_grasp.rotation[2, 2]) for c in found if c.object_id == 0]
        assert max(tilt) <= limit + 1e-6
        best[limit] = found[0], tilt[0]
    straight, along = best[CUP.max_tilt_rad]
    leaning, nearer = best[0.15]
    assert straight.terms["facing"] == 1.0 and along == pytest.approx(0.3, abs=0.02)
    assert leaning.terms["facing"] == pytest.approx(1 - (along - nearer) / 0.25, abs=0.05) and nearer < along - 0.05
    assert leaning.quality < straight.quality


def test_under_a_roof_a_cup_leans_the_way_that_is_free():
    # Of a camera that leans the optical axis is up: the slab's normal leans away from it, under the roof.
    slab, roof = Box((0, 0.022, 0.02), (0.08, 0.044, 0.04)), Box((0, 0.07, 0.15), (0.2, 0.1, 0.02))
    leans = {}
    for objects in ((slab,), (slab, roof)):
        shot = look(objects, tilt_rad=0.3)
        found = [c for c in plan_grasps(shot.frame, shot.detections(), [CUP]).candidates if c.object_id == 0]
        assert found
        tilt = np.array([np.arccos(c.camera_from_grasp.rotation[2, 2]) for c in found])
        leans[len(objects)] = 0.3 - tilt
        np.testing.assert_allclose([c.terms["facing"] for c in found], 1 - leans[len(objects)] / 0.25, atol=0.02)
    np.testing.assert_allclose(leans[1], 0, atol=5e-3)
    assert leans[2].min() > 0.09 and leans[2].max() < 0.21


def test_a_cup_that_comes_upright_leans_by_no_more_than_the_surface_does():
    shot = look([Box((0, 0, 0.02), (0.12, 0.09, 0.04))], tilt_rad=0.06)
    plan = plan_grasps(shot.frame, shot.detections(), [replace(CUP, max_tilt_rad=0.03)])
    best = next(c for c in plan.candidates if c.object_id == 0)
    assert best.camera_from_grasp.rotation[2, 2] == pytest.approx(1.0, abs=1e-3)
    assert best.terms["facing"] == pytest.approx(1 - 0.06 / 0.25, abs=0.03)


def test_a_word_that_lets_air_through_is_doubted():
    shot = look([Box((0, 0, 0.02), (0.09, 0.07, 0.04))])
    found = shot.detections()
    best = {}
    for label in ("soap", "yellow sponge"):
        named = replace(found, label=np.array([label], object))
        best[label] = plan_grasps(shot.frame, named, [CUP], support=find_support(shot.frame)).candidates[0]
    assert best["soap"].terms["airtight"] == 1.0
    assert best["yellow sponge"].quality < 0.5 * best["soap"].quality
    assert "airtight" in best["yellow sponge"].reason


def test_a_cup_comes_nearer_to_the_objects_own_edges_than_to_a_neighbours():
    groove = [Box((0, 0, 0.02), (0.1, 0.032, 0.04))]
    groove += [Box((0, side * 0.031, 0.024), (0.1, 0.03, 0.048)) for side in (-1, 1)]
    apart = look(groove)
    one = replace(apart, ids=np.minimum(apart.ids, 1))
    in_groove = []
    for shot in (one, apart):
        plan = plan_grasps(shot.frame, shot.detections(), [CUP], support=find_support(shot.frame), max_per_object=20)
        places = [(shot.bin_from_camera @ c.camera_from_grasp).translation_m for c in plan.candidates]
        in_groove.append(sum(abs(place[1]) < 0.005 and abs(place[2] - 0.04) < 0.003 for place in places))
    assert in_groove[0] > 0 and in_groove[1] == 0


def test_one_scale_of_quality_for_cups_of_all_sizes():
    small = load_gripper("suction_15mm")

    def best(box, gripper):
        shot = look([box])
        plan = plan_grasps(shot.frame, shot.detections(), [gripper], support=find_support(shot.frame))
        return max((c.quality for c in plan.candidates), default=0.0)

    carton, cube = Box((0, 0, 0.05), (0.16, 0.12, 0.1)), Box((0, 0, 0.018), (0.036, 0.036, 0.036))
    assert best(carton, CUP) > 0.8
    # It seals there as well, but a fourth of the force on half of the lever does not lift a carton.
    assert best(carton, small) < 0.2
    assert best(cube, small) > 0.5


def test_a_large_cup_lifts_what_a_smaller_one_hardly_does():
    shot = look([Box((0, 0, 0.07), (0.26, 0.20, 0.14))])
    best = {}
    for name in ("suction_15mm", "suction_30mm", "suction_50mm"):
        plan = plan_grasps(shot.frame, shot.detections(), [load_gripper(name)], support=find_support(shot.frame))
        best[name] = max(((c.terms["hold"], c.quality) for c in plan.candidates), default=(0.0, 0.0))
    assert best["suction_15mm"] < best["suction_30mm"] < best["suction_50mm"]
    assert best["suction_50mm"][1] > 0.9 > 0.8 > best["suction_30mm"][1]


def test_what_lies_on_a_book_comes_along_but_what_leans_over_its_edge_does_not():
    book, cup = Box((0, 0, 0.015), (0.20, 0.16, 0.03)), load_gripper("suction_50mm")
    best = {}
    for name, load in {
        "lies": Box((0.06, 0, 0.045), (0.06, 0.09, 0.03)),
        "leans": Box((0.11, 0, 0.045), (0.06, 0.3, 0.03)),
    }.items():
        shot = look([book, load])
        plan = plan_grasps(shot.frame, shot.detections(), [cup], support=find_support(shot.frame))
        best[name] = max((c for c in plan.candidates if c.object_id == 0), key=lambda c: c.quality)
    assert best["leans"].terms["bare"] > 0.9
    assert best["lies"].terms["bare"] < 0.3


def test_off_the_balance_a_cup_holds_less_of_the_same_object():
    shot = look([Box((0, 0, 0.02), (0.2, 0.05, 0.04))])
    plan = plan_grasps(shot.frame, shot.detections(), [CUP], support=find_support(shot.frame), max_per_object=20)
    away = [abs((shot.bin_from_camera @ c.camera_from_grasp).translation_m[0]) for c in plan.candidates]
    hold = [c.terms["hold"] for c in plan.candidates]
    order = np.argsort(away)
    assert away[order[-1]] > 0.04
    assert np.all(np.diff(np.array(hold)[order]) < 0.02) and hold[order[-1]] < hold[order[0]] - 0.1
