"""Parameters: declared from the settings, checked live by the settings, refused with the reason."""

import pytest
import rclpy
from rcl_interfaces.msg import ParameterType
from rclpy.node import Node
from rclpy.parameter import Parameter

from tests.ros.rig import RELIABLE, Rig
from tests.ros.toys import toy_frame
from vlm_picking.config import PickingConfig
from vlm_picking.ros.parameters import NodeParameters
from vlm_picking.ros.settings import NEEDS_CLEANUP, NEEDS_DEACTIVATE, NodeConfig
from vlm_picking_msgs.msg import Answer, GraspCandidateArray

FIELDS = PickingConfig.model_fields | NodeConfig.model_fields


@pytest.fixture(scope="module")
def context():
    context = rclpy.Context()
    rclpy.init(context=context)
    yield context
    context.try_shutdown()


class Declared:
    """A node with the parameters declared, in a lifecycle state of choice."""

    def __init__(self, context, **overrides) -> None:
        self.state = "unconfigured"
        self.changes = []
        values = [Parameter(name, value=value) for name, value in overrides.items()]
        self.node = Node("declared", context=context, parameter_overrides=values)
        self.settings = NodeParameters(
            self.node, state=lambda: self.state, on_change=lambda picking, node: self.changes.append(picking)
        )

    def set(self, **values):
        (result,) = (self.node.set_parameters_atomically([Parameter(n, value=v) for n, v in values.items()]),)
        return result


@pytest.fixture
def declared(context):
    declared = Declared(context)
    yield declared
    declared.node.destroy_node()


@pytest.fixture(scope="module")
def untouched(context):
    """One node for all tests that only look at it: DDS may block where many come and go on a busy machine."""
    declared = Declared(context)
    yield declared
    declared.node.destroy_node()


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_is_a_parameter_with_help_and_default(untouched, name):
    descriptor = untouched.node.describe_parameter(name)
    assert descriptor.description == FIELDS[name].description
    default = FIELDS[name].default
    value = untouched.node.get_parameter(name).value
    assert (tuple(value) if isinstance(default, tuple) else value) == default


def test_bounds_are_in_the_descriptors(untouched):
    rate = untouched.node.describe_parameter("max_rate_hz").floating_point_range[0]
    assert (rate.from_value, rate.to_value) == (0.0, 1000.0)
    count = untouched.node.describe_parameter("max_grasps").integer_range[0]
    assert (count.from_value, count.to_value, count.step) == (1, 1000, 1)


def test_a_good_value_takes_effect(declared):
    assert declared.set(present_threshold=0.7).successful
    assert declared.settings.picking.present_threshold == 0.7
    assert declared.changes[-1].present_threshold == 0.7


def test_a_whole_number_is_a_fine_decimal(declared):
    assert declared.set(ask_timeout_s=3).successful
    assert declared.settings.node.ask_timeout_s == 3.0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"present_threshold": 1.5}, "present_threshold"),
        ({"present_threshold": "high"}, "present_threshold"),
        ({"absent_threshold": 0.9}, "must not exceed present_threshold"),
        ({"grippers": ["robotiq_2f58"]}, "robotiq_2f85"),
        ({"prompt": "x" * 10_000}, "prompt"),
        ({"sync_slop_s": -1.0}, "sync_slop_s"),
        ({"present_threshold": 0.3, "absent_threshold": 0.4}, "must not exceed"),
    ],
)
def test_a_bad_value_is_refused_and_the_old_one_stays(declared, values, words):
    before = declared.settings.picking, declared.settings.node
    result = declared.set(**values)
    assert not result.successful
    assert words in result.reason
    assert (declared.settings.picking, declared.settings.node) == before
    assert not declared.changes


@pytest.mark.parametrize("name", sorted(NEEDS_CLEANUP | NEEDS_DEACTIVATE))
def test_what_is_read_once_is_refused_while_it_is_in_use(declared, name):
    value = "float16" if name == "dtype" else {str: "cpu", bool: True, int: 3, float: 0.05}[type(FIELDS[name].default)]
    declared.state = "active"
    result = declared.set(**{name: value})
    assert not result.successful and "deactivate" in result.reason
    declared.state = "unconfigured"
    assert declared.set(**{name: value}).successful


def test_setting_what_it_already_is_is_never_refused(declared):
    declared.state = "active"
    assert declared.set(model=PickingConfig().model).successful


def test_a_bad_value_at_start_is_a_fault_and_not_the_end(context):
    declared = Declared(context, present_threshold=7.0, max_grasps=3, ask_timeout_s="long")
    assert set(declared.settings.faults) == {"present_threshold", "ask_timeout_s"}
    assert declared.settings.picking.max_grasps == 3
    assert declared.set(present_threshold=0.6).successful
    assert set(declared.settings.faults) == {"ask_timeout_s"}
    assert declared.set(ask_timeout_s=4.0).successful
    assert not declared.settings.faults
    declared.node.destroy_node()


def test_types_are_those_of_the_settings(untouched):
    kinds = {name: untouched.node.get_parameter(name).type_ for name in FIELDS}
    assert kinds["grippers"] == Parameter.Type.STRING_ARRAY
    assert kinds["autostart"] == Parameter.Type.BOOL
    assert kinds["max_grasps"].value == ParameterType.PARAMETER_INTEGER
    assert kinds["present_threshold"].value == ParameterType.PARAMETER_DOUBLE


def test_thresholds_and_the_prompt_change_on_a_running_node():
    with Rig(prompt="is there an apple?", camera_qos=RELIABLE, reliable=True) as rig:
        rig.hear(Answer, "answer")
        rig.operator.wait_until_active(20)

        def status(stamp_ns: int) -> int:
            rig.camera.send(toy_frame("apple", stamp_ns=stamp_ns))
            return rig.wait_for("answer", lambda m: m.header.stamp.nanosec == stamp_ns, timeout_s=10).status

        with rig.camera.streaming("apple", hz=10, start_ns=10**9 + 1):
            rig.wait_for("answer", lambda m: m.status == Answer.PRESENT, timeout_s=10)
        assert rig.node.set_parameters([Parameter("present_threshold", value=0.99)])[0].successful
        assert status(101) == Answer.UNCERTAIN
        assert rig.node.set_parameters([Parameter("present_threshold", value=0.5)])[0].successful
        assert status(102) == Answer.PRESENT
        assert not rig.node.set_parameters([Parameter("model", value="elsewhere")])[0].successful
        assert rig.node.set_parameters([Parameter("prompt", value="is there a mug?")])[0].successful
        assert status(103) == Answer.ABSENT


def test_grasps_are_planned_for_a_standing_prompt_that_does_not_pick():
    with Rig(prompt="is there an apple?", plan_standing=True) as rig:
        rig.hear(GraspCandidateArray, "grasps")
        rig.operator.wait_until_active(20)
        with rig.camera.streaming("apple", hz=10):
            rig.wait_for("grasps", lambda m: m.status == GraspCandidateArray.FOUND, timeout_s=15)
