"""The managed node: transitions through its services, failing ones too, and what it says in each state."""

import threading
import time

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Parameter as ParameterMsg
from rcl_interfaces.msg import ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from std_srvs.srv import SetBool

import vlm_picking.ros.node as node_module
from tests.ros.rig import Rig, eventually
from vlm_picking.errors import ModelError
from vlm_picking.pipeline import PickingPipeline
from vlm_picking.ros.client import NodeUnreachable


def change(rig: Rig, transition: int) -> bool:
    request = ChangeState.Request(transition=Transition(id=transition))
    return rig.call(ChangeState, "picking_node/change_state", request, timeout_s=10).success


def state(rig: Rig) -> str:
    return rig.call(GetState, "picking_node/get_state", GetState.Request()).current_state.label


def set_parameter(rig: Rig, name: str, value: ParameterValue):
    request = SetParameters.Request(parameters=[ParameterMsg(name=name, value=value)])
    return rig.call(SetParameters, "picking_node/set_parameters", request).results[0]


def text(value: str) -> ParameterValue:
    return ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=value)


def number(value: float) -> ParameterValue:
    return ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=value)


def test_the_whole_cycle_twice():
    with Rig(autostart=False) as rig:
        assert state(rig) == "unconfigured"
        assert "configure, then activate" in rig.operator.ask("is there an apple?", timeout_s=5).answer.reason
        for _ in range(2):
            assert change(rig, Transition.TRANSITION_CONFIGURE)
            assert state(rig) == "inactive"
            assert "activate" in rig.operator.ask("is there an apple?", timeout_s=5).answer.reason
            assert change(rig, Transition.TRANSITION_ACTIVATE)
            assert state(rig) == "active"
            with rig.camera.streaming("apple", hz=10):
                assert rig.operator.ask("is there an apple?", timeout_s=15).status == "PRESENT"
            assert change(rig, Transition.TRANSITION_DEACTIVATE)
            eventually(lambda: rig.ears.count_subscribers(f"{rig.namespace}/color/image") == 0)
            assert change(rig, Transition.TRANSITION_CLEANUP)
        assert change(rig, Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
        assert state(rig) == "finalized"


def test_deactivating_answers_the_questions_that_wait():
    with Rig() as rig:
        rig.operator.wait_until_active(20)
        replies = []
        asking = threading.Thread(target=lambda: replies.append(rig.operator.ask("where is the apple?", timeout_s=20)))
        asking.start()
        time.sleep(0.5)
        assert change(rig, Transition.TRANSITION_DEACTIVATE)
        asking.join(timeout=10)
        assert [reply.answer.reason for reply in replies] == ["the node was deactivated"]


def test_a_model_that_cannot_be_loaded_leaves_the_node_alive_and_says_why():
    def load(config):
        raise ModelError("no model at /nowhere; train one, or set model:=embedded")

    with Rig(load=load) as rig:
        rig.hear(DiagnosticArray, "/diagnostics")

        def says_why(message: DiagnosticArray) -> bool:
            return any("no model at /nowhere" in status.message for status in message.status)

        rig.wait_for("/diagnostics", says_why, timeout_s=8)
        assert state(rig) == "unconfigured"
        assert "no model at /nowhere" in rig.operator.ask("is there an apple?", timeout_s=5).answer.reason
        assert not change(rig, Transition.TRANSITION_CONFIGURE)
        assert state(rig) == "unconfigured"
        with pytest.raises(NodeUnreachable, match="unconfigured after 0.5 s"):
            rig.operator.wait_until_active(0.5)


def test_a_real_load_of_no_model_names_the_fix(tmp_path):
    with Rig(load=PickingPipeline.from_config, model=str(tmp_path), autostart=False) as rig:
        assert not change(rig, Transition.TRANSITION_CONFIGURE)
        reason = rig.operator.ask("is there an apple?", timeout_s=5).answer.reason
        assert str(tmp_path) in reason
        assert set_parameter(rig, "model", text("embedded")).successful


def test_a_fault_of_the_code_that_loads_is_no_end_either():
    def load(config):
        raise RuntimeError("boom")

    with Rig(load=load, autostart=False) as rig:
        assert not change(rig, Transition.TRANSITION_CONFIGURE)
        assert state(rig) == "unconfigured"
        assert "RuntimeError: boom" in rig.operator.ask("is there an apple?", timeout_s=5).answer.reason


def test_a_bad_parameter_at_start_waits_to_be_mended():
    with Rig(absent_threshold=0.9, max_grasps=-4, autostart=False) as rig:
        assert not change(rig, Transition.TRANSITION_CONFIGURE)
        reason = rig.operator.ask("is there an apple?", timeout_s=5).answer.reason
        assert "max_grasps" in reason and "absent_threshold" in reason
        bad = set_parameter(rig, "absent_threshold", number(0.8))
        assert not bad.successful and "must not exceed present_threshold" in bad.reason
        assert set_parameter(rig, "absent_threshold", number(0.1)).successful
        assert not change(rig, Transition.TRANSITION_CONFIGURE)
        ten = ParameterValue(type=ParameterType.PARAMETER_INTEGER, integer_value=10)
        assert set_parameter(rig, "max_grasps", ten).successful
        assert change(rig, Transition.TRANSITION_CONFIGURE)


def test_disabled_is_said_and_enabled_goes_on():
    with Rig() as rig:
        rig.operator.wait_until_active(20)
        assert rig.call(SetBool, "picking_node/enable", SetBool.Request(data=False)).success
        with rig.camera.streaming("apple", hz=10):
            assert "disabled" in rig.operator.ask("is there an apple?", timeout_s=5).answer.reason
            assert rig.call(SetBool, "picking_node/enable", SetBool.Request(data=True)).success
            assert rig.operator.ask("is there an apple?", timeout_s=15).status == "PRESENT"


def test_a_fault_while_activating_is_said_and_mended(monkeypatch):
    def no_tf(node):
        raise ModuleNotFoundError("No module named 'tf2_msgs'")

    with Rig(autostart=False, target_frame="world") as rig:
        assert change(rig, Transition.TRANSITION_CONFIGURE)
        with monkeypatch.context() as patch:
            patch.setattr(node_module, "frame_lookup", no_tf)
            assert not change(rig, Transition.TRANSITION_ACTIVATE)
        assert state(rig) == "inactive"
        assert "tf2_msgs" in rig.operator.ask("is there an apple?", timeout_s=5).answer.reason
        assert change(rig, Transition.TRANSITION_ACTIVATE)
        assert state(rig) == "active"
