"""ROS parameters out of the settings' fields: types, bounds, help, and the same checks live."""

import math
import types
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from vlm_picking.config import PickingConfig, Settings
from vlm_picking.errors import ConfigError, did_you_mean
from vlm_picking.gripper_files import load_gripper
from vlm_picking.ros.settings import NEEDS_CLEANUP, NEEDS_DEACTIVATE, NodeConfig

_INT32 = 2**31 - 1


class NodeParameters:
    """The settings of a node as its parameters.

    A bad value at start does not end the node: it is in `faults`, and configuring waits until it is mended.

    Args:
        node: where the parameters are declared.
        state: the lifecycle state's label, to tell what may be changed now.
        on_change: called with both settings after they changed.
    """

    def __init__(
        self, node: Node, *, state: Callable[[], str], on_change: Callable[[PickingConfig, NodeConfig], None]
    ) -> None:
        self._node = node
        self._state = state
        self._on_change = on_change
        self.faults: dict[str, str] = {}
        for model in (PickingConfig, NodeConfig):
            for name, field in model.model_fields.items():
                self._declare(name, field)
        self.picking = self._start(PickingConfig)
        self.node = self._start(NodeConfig)
        self._warn_of_unknown()
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._changed)

    def _declare(self, name: str, field: FieldInfo) -> None:
        descriptor = describe(name, field)
        default = plain(field.default)
        try:
            self._node.declare_parameter(name, default, descriptor)
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            self.faults[name] = f"parameter '{name}': {error}"
            self._node.declare_parameter(name, default, descriptor, ignore_override=True)

    def _start(self, model: type[Settings]) -> Settings:
        """The settings at start; what is wrong falls back to its default and is noted as a fault."""
        values = self._values(model, {})
        try:
            return model.from_mapping(values)
        except ConfigError as error:
            defaults = {name: plain(field.default) for name, field in model.model_fields.items()}
            wrong = {str(fault["loc"][0]) for fault in error.__cause__.errors() if fault["loc"]}
            for name in wrong or {name for name in values if values[name] != defaults[name]}:
                self.faults[name] = str(error)
                self._node.set_parameters([Parameter(name, value=defaults[name])])
            return self._start(model)

    def _warn_of_unknown(self) -> None:
        known = PickingConfig.model_fields.keys() | NodeConfig.model_fields.keys()
        for name in getattr(self._node, "_parameter_overrides", {}):
            if not self._node.has_parameter(name) and not name.startswith("qos_overrides"):
                self._node.get_logger().warning(f"unknown parameter '{name}' is ignored; {did_you_mean(name, known)}")

    def _values(self, model: type[Settings], changes: Mapping[str, Any]) -> dict[str, Any]:
        values = {name: self._node.get_parameter(name).value for name in model.model_fields}
        return values | {name: value for name, value in changes.items() if name in model.model_fields}

    def _check(self, parameters: list[Parameter]) -> SetParametersResult:
        """Refuse what the settings refuse; the old values then stay."""
        changes = {parameter.name: parameter.value for parameter in parameters}
        if refusal := self._refuse_now(changes):
            return SetParametersResult(successful=False, reason=refusal)
        try:
            for model in (PickingConfig, NodeConfig):
                model.from_mapping(self._values(model, changes))
            for gripper in changes.get("grippers", ()):
                load_gripper(gripper)
        except ConfigError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _refuse_now(self, changes: Mapping[str, Any]) -> str:
        state = self._state()
        for name, value in changes.items():
            if not self._node.has_parameter(name) or value == self._node.get_parameter(name).value:
                continue
            if name in NEEDS_CLEANUP and state in ("active", "inactive"):
                steps = "deactivate and clean up" if state == "active" else "clean up"
                return f"'{name}' is read when the model is loaded; {steps} the node first, then configure again"
            if name in NEEDS_DEACTIVATE and state == "active":
                return f"'{name}' is read when the node is activated; deactivate it first"
        return ""

    def _changed(self, parameters: list[Parameter]) -> None:
        names = {parameter.name for parameter in parameters}
        if not names & (PickingConfig.model_fields.keys() | NodeConfig.model_fields.keys()):
            return
        self.picking = PickingConfig.from_mapping(self._values(PickingConfig, {}))
        self.node = NodeConfig.from_mapping(self._values(NodeConfig, {}))
        for name in names:
            self.faults.pop(name, None)
        self._on_change(self.picking, self.node)


def describe(name: str, field: FieldInfo) -> ParameterDescriptor:
    """Descriptor of a field: its help, and its bounds as far as ROS knows such; settings check the rest."""
    descriptor = ParameterDescriptor(name=name, description=field.description or "")
    low, high = _bounds(field.metadata)
    kind = _bare(field.annotation)
    if kind is float:
        descriptor.dynamic_typing = True  # lets a YAML file say 1 for 1.0
        if math.isfinite(low) and math.isfinite(high):
            descriptor.floating_point_range = [FloatingPointRange(from_value=float(low), to_value=float(high))]
    elif kind is int and (math.isfinite(low) or math.isfinite(high)):
        low, high = max(low, -_INT32), min(high, _INT32)
        descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high), step=1)]
    elif get_origin(kind) is tuple and float in get_args(kind):
        descriptor.dynamic_typing = True  # an empty list of ROS is one of bytes, and [0, 1] one of whole numbers
    if choices := _choices(kind):
        descriptor.additional_constraints = f"one of: {', '.join(choices)}"
    return descriptor


def plain(value: Any) -> Any:
    """A setting as ROS holds it: enums by value, tuples as lists."""
    if isinstance(value, Enum):
        return value.value
    return [plain(part) for part in value] if isinstance(value, tuple) else value


def _bounds(metadata: Iterable[Any]) -> tuple[float, float]:
    low, high = -math.inf, math.inf
    for bound in metadata:
        low = getattr(bound, "ge", getattr(bound, "gt", low))
        high = getattr(bound, "le", getattr(bound, "lt", high))
    return low, high


def _bare(annotation: Any) -> Any:
    """The type without `| None`."""
    if get_origin(annotation) in (Union, types.UnionType):
        return next(part for part in get_args(annotation) if part is not type(None))
    return annotation


def _choices(kind: Any) -> list[str]:
    if get_origin(kind) is Literal:
        return [str(choice) for choice in get_args(kind)]
    return [str(choice.value) for choice in kind] if isinstance(kind, type) and issubclass(kind, Enum) else []
