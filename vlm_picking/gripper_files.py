"""Grippers from YAML files: those that ship with the package, by name, and a user's own, by path."""

from dataclasses import fields
from importlib import resources
from numbers import Real
from pathlib import Path

import yaml

from vlm_picking.errors import ConfigError, did_you_mean
from vlm_picking.grasp import Gripper, GripperKind

_KEYS = {field.name for field in fields(Gripper)}


def available_grippers() -> tuple[str, ...]:
    """Names of the grippers that ship with the package, sorted."""
    folder = resources.files("vlm_picking") / "grippers"
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def load_gripper(path_or_name: str | Path) -> Gripper:
    """Load a gripper by the name of a shipped one ("robotiq_2f85") or by the path of a YAML file.

    The file holds the fields of `Gripper`, lengths in metres and angles in radians; `name` defaults to the file's own.

    Raises:
        ConfigError: no such gripper or file, broken YAML, an unknown key (the nearest one is named), or a bad value.
    """
    text, source = _read(path_or_name)
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{source} is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{source} must hold keys and values like 'kind: suction', got {type(values).__name__}")
    for key in values:
        if key not in _KEYS:
            raise ConfigError(f"{source}: unknown key '{key}'; {did_you_mean(str(key), _KEYS)}")
    kinds = [kind.value for kind in GripperKind]
    kind = values.pop("kind", None)
    if kind not in kinds:
        raise ConfigError(
            f"{source}: kind must be one of {', '.join(kinds)}, got {kind!r}; {did_you_mean(str(kind), kinds)}"
        )
    name = str(values.pop("name", Path(source).stem))
    for key, value in values.items():
        if isinstance(value, bool) or not isinstance(value, Real):
            raise ConfigError(f"{source}: {key} must be a number, got {value!r}")
    return Gripper(name=name, kind=GripperKind(kind), **{key: float(value) for key, value in values.items()})


def _read(path_or_name: str | Path) -> tuple[str, str]:
    """The text of a gripper's file, and what to call that file in messages."""
    name = str(path_or_name)
    if name in available_grippers():
        return (resources.files("vlm_picking") / "grippers" / f"{name}.yaml").read_text(
            encoding="utf-8"
        ), f"{name}.yaml"
    path = Path(path_or_name)
    if path.suffix.lower() not in (".yaml", ".yml"):
        hint = did_you_mean(name, available_grippers())
        raise ConfigError(f"unknown gripper '{name}'; {hint}, or give the path of a .yaml file")
    try:
        return path.read_text(encoding="utf-8"), str(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"can't read the gripper file {path}: {error}") from error
