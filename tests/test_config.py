"""Settings refuse what is wrong and name the fix."""

import pytest

from vlm_picking.config import PickingConfig
from vlm_picking.errors import ConfigError, PickingError, did_you_mean


def test_defaults_need_nothing():
    assert PickingConfig.from_mapping({}).model == "embedded"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"modle": "x"}, "unknown setting 'modle'; did you mean 'model'"),
        ({"present_threshold": 1.5}, "present_threshold.*less than or equal to 1"),
        ({"present_threshold": "high"}, "present_threshold.*number"),
        ({"present_threshold": 0.1, "absent_threshold": 0.4}, r"absent_threshold \(0.4\) must not exceed"),
        ({"max_grasps": 0, "modle": "x"}, "max_grasps.*; unknown setting"),
        ({"bin_pose": [0, 0, 0.7], "bin_inner_m": [0.4, 0.3, 0.1]}, "bin_pose.*seven finite numbers"),
        ({"bin_pose": [0, 0, 0.7, 0, 0, 0, 0], "bin_inner_m": [0.4, 0.3, 0.1]}, "bin_pose.*of length 1"),
        ({"bin_pose": [0, 0, 0.7, 1, 0, 0, 0]}, "bin_pose needs bin_inner_m"),
        ({"bin_inner_m": [0.4, 0.0, 0.1]}, "bin_inner_m.*above 0"),
    ],
    ids=[
        "misspelt",
        "out of range",
        "wrong type",
        "thresholds crossed",
        "two faults",
        "bin without a turn",
        "bin with no quaternion",
        "bin without a size",
        "bin without width",
    ],  # fmt: skip
)
def test_a_wrong_setting_is_refused_with_the_fix(values, message):
    with pytest.raises(ConfigError, match=message):
        PickingConfig.from_mapping(values)


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        PickingConfig().model = "x"


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("mugg", ["mug", "bowl"], "did you mean 'mug'?"),
        ("zebra", ["mug", "bowl"], "known: bowl, mug"),
        ("zebra", [], "none is known"),
    ],
)
def test_hints(name, known, hint):
    assert did_you_mean(name, known) == hint


def test_every_error_is_a_picking_error():
    from vlm_picking import errors

    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) >= 6
    assert all(issubclass(kind, PickingError) for kind in kinds)
