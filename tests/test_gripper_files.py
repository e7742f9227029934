"""Gripper files: the shipped ones load, a user's own loads by path, and mistakes are named with their fix."""

import pytest

from vlm_picking.errors import ConfigError
from vlm_picking.grasp import GripperKind
from vlm_picking.gripper_files import available_grippers, load_gripper

OWN = "kind: parallel_jaw\nmax_opening_m: 0.1\nfinger_thickness_m: 0.01\nfinger_width_m: 0.02\nfinger_length_m: 0.05\n"


def test_the_shipped_grippers():
    hands = ("franka_hand", "robotiq_2f85", "suction_15mm", "suction_30mm", "suction_50mm", "wsg_50_long_fingers")
    assert available_grippers() == hands


@pytest.mark.parametrize("name", available_grippers())
def test_a_shipped_gripper_loads_under_its_name(name):
    assert load_gripper(name).name == name


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "wide.yaml"
    path.write_text(OWN)
    gripper = load_gripper(path)
    assert (gripper.name, gripper.kind, gripper.max_opening_m) == ("wide", GripperKind.PARALLEL_JAW, 0.1)


def test_a_palm_is_as_large_as_the_open_fingers_unless_it_is_given(tmp_path):
    path = tmp_path / "wide.yaml"
    path.write_text(OWN)
    assert load_gripper(path).palm_m == pytest.approx((0.02, 0.12))
    assert load_gripper(path).knuckle_m == pytest.approx(0.01)
    path.write_text(OWN + "palm_width_m: 0.03\npalm_length_m: 0.2\nknuckle_reach_m: 0.04\n")
    assert load_gripper(path).palm_m == pytest.approx((0.03, 0.2))
    assert load_gripper(path).knuckle_m == pytest.approx(0.04)


def test_a_file_may_give_its_own_name(tmp_path):
    path = tmp_path / "wide.yaml"
    path.write_text(OWN + "name: line 4\n")
    assert load_gripper(str(path)).name == "line 4"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(OWN.replace("max_opening_m", "max_opning_m"), "did you mean 'max_opening_m'", id="misspelt key"),
        pytest.param(OWN.replace("parallel_jaw", "paralel_jaw"), "did you mean 'parallel_jaw'", id="misspelt kind"),
        pytest.param(OWN.replace("0.1", "wide"), "max_opening_m must be a number", id="word for a number"),
        pytest.param(OWN.replace("0.1", "true"), "max_opening_m must be a number", id="truth for a number"),
        pytest.param(OWN.replace("0.1", "-0.1"), "max_opening_m > 0", id="negative"),
        pytest.param(OWN + "palm_width_m: -0.1\n", "palm_width_m >= 0", id="negative palm"),
        pytest.param(OWN + "insertion_depth_m: 0.06\n", "at most finger_length_m", id="deeper than the fingers"),
        pytest.param("kind: suction\n", "cup_radius_m > 0", id="size missing"),
        pytest.param("kind: suction\ncup_radius_m: 0.015\nswivel_rad: 15\n", "within 0..1", id="degrees"),
        pytest.param("- suction\n", "keys and values", id="a list"),
        pytest.param("kind: [suction\n", "not valid YAML", id="broken"),
        pytest.param("", "keys and values", id="empty"),
    ],
)
def test_a_mistake_is_named(tmp_path, text, says):
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=says):
        load_gripper(path)


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'robotiq_2f85'"):
        load_gripper("robotiq_2f58")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="nowhere.yaml"):
        load_gripper(tmp_path / "nowhere.yaml")
