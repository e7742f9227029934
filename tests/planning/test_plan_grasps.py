"""Laws of grasp planning on scenes whose right answer is known."""

from dataclasses import replace

import numpy as np
import pytest

from tests.planning.synthetic import Ball, Box, look
from vlm_picking.detections import Detections
from vlm_picking.frame import RgbdFrame
from vlm_picking.grasp import GripperKind
from vlm_picking.gripper_files import load_gripper
from vlm_picking.planning import plan_grasps
from vlm_picking.support import find_support

JAW, CUP = load_gripper("robotiq_2f85"), load_gripper("suction_30mm")
FLAT = Box((0.02, 0.01, 0.025), (0.12, 0.05, 0.05), 0.3)


def plan(shot, grippers=(JAW, CUP), **options):
    return plan_grasps(shot.frame, shot.detections(), grippers, support=find_support(shot.frame), **options)


def in_bin(shot, candidate):
    return shot.bin_from_camera @ candidate.camera_from_grasp


@pytest.mark.parametrize("tilt_rad", [0.0, 0.25])
def test_a_flat_box_is_sucked_in_its_middle_from_above(tilt_rad):
    shot = look([FLAT], tilt_rad=tilt_rad)
    best = in_bin(shot, plan(shot, [CUP]).candidates[0])
    assert np.allclose(best.translation_m, (0.02, 0.01, 0.05), atol=0.01)
    assert best.rotation[2, 2] < -0.99
    assert abs(best.rotation[:, 1] @ [np.cos(0.3), np.sin(0.3), 0]) > 0.98


@pytest.mark.parametrize("tilt_rad", [0.0, 0.25])
@pytest.mark.parametrize("yaw_rad", [0.0, 0.3, 0.8, 1.57, 2.5])
def test_jaws_close_across_the_short_side(yaw_rad, tilt_rad):
    shot = look([replace(FLAT, yaw_rad=yaw_rad)], tilt_rad=tilt_rad)
    best = plan(shot, [JAW]).candidates[0]
    grasp = in_bin(shot, best)
    assert abs(grasp.rotation[:, 1] @ [-np.sin(yaw_rad), np.cos(yaw_rad), 0]) > 0.97
    assert best.opening_m == pytest.approx(0.05, abs=0.008)
    assert grasp.rotation[2, 2] < -0.99
    assert np.allclose(grasp.translation_m[:2], (0.02, 0.01), atol=0.02)
    assert grasp.translation_m[2] == pytest.approx(0.05 - best.insertion_m, abs=0.004)


@pytest.mark.parametrize("roll_rad", [0.4, 1.1, 2.0, 3.1])
def test_turning_the_camera_turns_the_grasps(roll_rad):
    still, turned = look([FLAT]), look([FLAT], roll_rad=roll_rad)
    for gripper in (JAW, CUP):
        one = in_bin(still, plan(still, [gripper]).candidates[0])
        other = in_bin(turned, plan(turned, [gripper]).candidates[0])
        assert np.linalg.norm(one.translation_m - other.translation_m) < 0.02
        assert abs(one.rotation[:, 1] @ other.rotation[:, 1]) > 0.97


def test_a_ball_is_gripped_across_its_middle_and_sucked_on_top():
    shot = look([Ball((0, 0, 0.03), 0.03)])
    jaw, cup = plan(shot, [JAW]).candidates[0], plan(shot, [CUP]).candidates[0]
    assert np.allclose(in_bin(shot, jaw).translation_m[:2], 0, atol=0.008)
    assert jaw.opening_m == pytest.approx(0.06, abs=0.01)
    assert np.allclose(in_bin(shot, cup).translation_m, (0, 0, 0.06), atol=0.008)


def test_a_pebble_is_too_round_for_a_large_cup_but_not_for_a_small_one():
    shot = look([Ball((0, 0, 0.012), 0.012)], distance_m=0.4)
    assert not plan(shot, [CUP]).candidates
    assert plan(shot, [load_gripper("suction_15mm")]).candidates


@pytest.mark.parametrize("width_m", [0.03, 0.055, 0.075, 0.1])
def test_a_wider_gripper_loses_nothing(width_m):
    shot = look([Box((0.01, 0, 0.025), (0.13, width_m, 0.05), 0.4)])
    straight = replace(JAW, max_tilt_rad=0.05)
    limits = {"max_per_object": 100, "max_candidates": 1000}
    narrow = plan(shot, [replace(straight, max_opening_m=0.07)], **limits).candidates
    wide = plan(shot, [replace(straight, max_opening_m=0.11)], **limits).candidates
    assert bool(wide) >= bool(narrow)
    for one in (c for c in narrow if c.quality >= 0.4):
        place = in_bin(shot, one).translation_m
        near = [c for c in wide if np.linalg.norm((in_bin(shot, c).translation_m - place)[:2]) < 0.02]
        assert near, "what the narrow gripper can hold, the wide one holds too"
    if narrow:
        assert wide[0].quality >= narrow[0].quality - 1e-3


def test_a_sheet_is_too_shallow_to_grip_but_can_be_sucked():
    shot = look([Box((0, 0, 0.0015), (0.1, 0.08, 0.003))])
    assert not plan(shot, [JAW]).candidates
    assert plan(shot, [CUP]).candidates


def test_what_lies_on_top_comes_first():
    below, above = Box((0, 0, 0.02), (0.14, 0.12, 0.04)), Box((0, 0, 0.06), (0.06, 0.05, 0.04))
    shot = look([below, above])
    result = plan(shot)
    assert result.candidates[0].object_id == 1
    covered = [c for c in result.candidates if c.object_id == 0]
    assert all(c.terms["on_top"] < 0.9 for c in covered)


def test_what_is_surely_meant_comes_before_what_may_be():
    shot = look([FLAT, replace(FLAT, center_m=(-0.14, 0.01, 0.025), yaw_rad=0.0)])
    for likelihood in ([0.9, 0.4], [0.4, 0.9]):
        found = plan(shot, likelihood=np.array(likelihood)).candidates
        assert found[0].object_id == np.argmax(likelihood)
        assert {c.object_id for c in found} == {0, 1}, "the other may be picked too"
    one, other = (plan(shot, likelihood=np.array(x)).candidates for x in ([0.9, 0.4], [0.4, 0.9]))
    assert {c.quality for c in one} == {c.quality for c in other}, "quality is the grasp's alone"


def test_grasps_stay_where_the_mask_is_likely_to_be_the_things_own():
    shot = look([FLAT])
    v, u = np.nonzero(shot.ids == 1)
    for side in (u < np.median(u), u >= np.median(u)):
        likely = np.full((1, *shot.ids.shape), 0.2)
        likely[0, v[side], u[side]] = 0.9
        for gripper in (JAW, CUP):
            best = plan(shot, [gripper], likelihood=likely).candidates[0]
            assert likely[0, round(best.center_px[1]), round(best.center_px[0])] == 0.9


def test_a_cup_at_the_foot_of_a_tall_neighbour_is_refused():
    shot = look(
        [
            Box((0, 0, 0.01), (0.04, 0.04, 0.02)),
            Box((0.031, 0, 0.05), (0.02, 0.2, 0.1)),
            Box((-0.031, 0, 0.05), (0.02, 0.2, 0.1)),
        ]
    )
    wide = replace(CUP, cup_radius_m=0.025)
    assert not [c for c in plan(shot, [wide]).candidates if c.object_id == 0]


def test_a_surface_further_beyond_the_largest_tilt_than_a_cup_leans_is_refused():
    shot = look([FLAT], tilt_rad=0.3)
    upright = plan_grasps(shot.frame, shot.detections(), [replace(CUP, max_tilt_rad=0.05)])
    assert not upright.candidates
    assert upright.rejected["surface too tilted"] > 0


def test_candidates_are_ranked_diverse_and_complete():
    shot = look([FLAT, Ball((-0.1, -0.05, 0.03), 0.03)])
    result = plan(shot)
    quality = [c.quality for c in result.candidates]
    assert quality == sorted(quality, reverse=True)
    assert [c.id for c in result.candidates] == list(range(len(quality)))
    assert {c.object_id for c in result.candidates} == {0, 1}
    assert {c.kind for c in result.candidates} == {GripperKind.SUCTION, GripperKind.PARALLEL_JAW}
    for one in result.candidates:
        assert 0 < one.quality <= 1
        assert all(0 <= term <= 1 for term in one.terms.values())
        assert one.reason
        assert np.allclose(one.center_px, shot.frame.camera.project(one.camera_from_grasp.translation_m), atol=0.1)
        for other in result.candidates[one.id + 1 :]:
            if (one.object_id, one.gripper) != (other.object_id, other.gripper):
                continue
            apart = np.linalg.norm(one.camera_from_grasp.translation_m - other.camera_from_grasp.translation_m)
            turned = abs(one.camera_from_grasp.rotation[:, 1] @ other.camera_from_grasp.rotation[:, 1]) < 0.9
            assert apart > 0.01 or turned


@pytest.mark.parametrize(("per_object", "total"), [(1, 50), (3, 50), (5, 4), (5, 1)])
def test_limits_hold(per_object, total):
    shot = look([FLAT, Ball((-0.1, -0.05, 0.03), 0.03), Box((-0.1, 0.08, 0.02), (0.05, 0.05, 0.04))])
    result = plan(shot, max_per_object=per_object, max_candidates=total)
    counts = np.bincount([c.object_id for c in result.candidates], minlength=3)
    assert counts.max() <= per_object
    assert len(result.candidates) <= total
    if total >= 3:
        assert counts.min() >= 1


def test_ids_and_labels_are_the_detections_own():
    shot = look([FLAT])
    detections = shot.detections().replace(id=np.array([42]), label=np.array(["box"], object))
    result = plan_grasps(shot.frame, detections, [CUP], support=find_support(shot.frame))
    assert {(c.object_id, c.label, c.gripper) for c in result.candidates} == {(42, "box", "suction_30mm")}


def with_depth(shot, depth):
    return RgbdFrame(shot.frame.rgb, depth.astype(np.float32), shot.frame.camera)


def test_no_grasp_on_invented_depth():
    shot = look([FLAT])
    rows, columns = np.nonzero(shot.ids == 1)
    middle = (rows.mean(), columns.mean())
    v, u = np.mgrid[: shot.ids.shape[0], : shot.ids.shape[1]]
    hole = np.hypot(v - middle[0], u - middle[1]) < 12
    frame = with_depth(shot, np.where(hole, np.nan, shot.frame.depth_m))
    result = plan_grasps(frame, shot.detections(), [CUP, JAW], support=find_support(frame))
    assert result.candidates
    for candidate in result.candidates:
        if candidate.kind is GripperKind.SUCTION:
            column, row = np.rint(candidate.center_px).astype(int)
            assert not hole[row, column]


def test_quality_falls_with_missing_depth():
    whole, holed = look([FLAT]), look([FLAT], hole_share=0.3)
    assert plan(holed, [CUP]).candidates[0].terms["measured"] < plan(whole, [CUP]).candidates[0].terms["measured"]
    assert plan(holed, [CUP]).candidates[0].quality < plan(whole, [CUP]).candidates[0].quality


def test_jaws_hold_what_is_half_holes_and_expect_less_of_it():
    thing, best = Box((0, 0, 0.025), (0.05, 0.03, 0.05)), {}
    for hole_share in (0.0, 0.3, 0.5, 0.75):
        made = plan(look([thing], hole_share=hole_share), [JAW])
        best[hole_share] = max((c.quality for c in made.candidates), default=0.0)
        if hole_share == 0.5:
            assert max(c.terms["measured"] for c in made.candidates) < 0.6
    assert best[0.0] > best[0.3] > best[0.5] > 0.5
    assert best[0.75] == 0.0 and made.rejected["too little depth at the contact"]


@pytest.mark.parametrize("hole_share", [0.1, 0.33])
def test_a_third_of_holes_still_leaves_grasps(hole_share):
    shot = look([FLAT, Ball((-0.1, -0.05, 0.03), 0.03)], hole_share=hole_share, noise_m=0.0005)
    result = plan(shot)
    assert {c.object_id for c in result.candidates} == {0, 1}
    assert {c.kind for c in result.candidates} == {GripperKind.SUCTION, GripperKind.PARALLEL_JAW}


def one_mask(shot, mask):
    return Detections(np.array([[0, 0, 10, 10]], np.float32), np.ones(1), np.array(["x"], object), mask=mask[None])


@pytest.mark.parametrize(
    ("mask", "depth", "reason"),
    [
        pytest.param("empty", "true", "empty mask", id="empty mask"),
        pytest.param("pixel", "true", "no depth on the object", id="one pixel"),
        pytest.param("true", "none", "no depth on the object", id="no depth"),
        pytest.param("pixel", "none", "no depth on the object", id="one pixel without depth"),
        pytest.param("true", "object missing", "no depth on the object", id="no depth on the object"),
    ],
)
def test_bad_input_is_a_reason_and_no_exception(mask, depth, reason):
    shot = look([FLAT])
    true = shot.ids == 1
    pixel = np.zeros_like(true)
    pixel[120, 160] = True
    chosen = {"empty": np.zeros_like(true), "pixel": pixel, "true": true}[mask]
    depths = {
        "true": shot.frame.depth_m,
        "none": np.full_like(shot.frame.depth_m, np.nan),
        "object missing": np.where(true, np.nan, shot.frame.depth_m),
    }
    frame = with_depth(shot, depths[depth])
    result = plan_grasps(frame, one_mask(shot, chosen), [JAW, CUP], support=find_support(frame))
    assert result.candidates == ()
    assert result.rejected[reason] >= 1


def test_detections_without_masks_are_a_reason():
    shot = look([FLAT])
    result = plan_grasps(shot.frame, shot.detections().replace(mask=None), [JAW])
    assert (result.candidates, result.rejected) == ((), {"no mask": 1})


def test_no_detection_and_no_gripper_are_empty_plans():
    shot = look([FLAT])
    assert plan_grasps(shot.frame, Detections.empty(), [JAW]).candidates == ()
    assert plan_grasps(shot.frame, shot.detections(), []).candidates == ()


def test_without_a_floor_the_optical_axis_is_the_approach():
    shot = look([FLAT])
    for candidate in plan_grasps(shot.frame, shot.detections(), [JAW]).candidates:
        assert np.allclose(candidate.camera_from_grasp.rotation[:, 2], (0, 0, 1), atol=1e-6)
