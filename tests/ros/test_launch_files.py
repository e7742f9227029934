"""Launch files, parameter file and tables name what the node knows. Loading the first needs `launch`."""

import ast
import importlib.util
from pathlib import Path

import pytest
import yaml

from vlm_picking.config import PickingConfig
from vlm_picking.ros.settings import NodeConfig

ROOT = Path(__file__).parents[2]
LAUNCH_FILES = sorted((ROOT / "launch").glob("*.launch.py"))
SETTINGS = PickingConfig.model_fields | NodeConfig.model_fields


def constant(path: Path, name: str) -> ast.expr:
    """The value of a module's constant, read without running the module."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == name:
            return node.value
    raise AssertionError(f"{path.name} has no {name}")


def arguments(path: Path) -> dict[str, str]:
    return {name: default for name, default, _ in ast.literal_eval(constant(path, "ARGUMENTS"))}


def test_both_launch_files_are_there():
    assert {path.name for path in LAUNCH_FILES} >= {"picking.launch.py", "replay.launch.py"}


def test_launch_arguments_that_become_parameters_are_settings_with_their_defaults():
    picking = ROOT / "launch" / "picking.launch.py"
    names = {key.value for key in constant(picking, "PARAMETERS").keys} - {"use_sim_time"}
    assert names <= SETTINGS.keys()
    for name in names:
        given = yaml.safe_load(arguments(picking)[name]) or SETTINGS[name].default.__class__()
        default = SETTINGS[name].default
        assert (tuple(given) if isinstance(default, tuple) else given) == default, name


def test_the_parameter_file_passes_the_settings_checks():
    values = yaml.safe_load((ROOT / "config" / "picking.yaml").read_text())["/**"]["ros__parameters"]
    for model in (PickingConfig, NodeConfig):
        model.from_mapping({name: value for name, value in values.items() if name in model.model_fields})
    assert values.keys() <= SETTINGS.keys()


@pytest.mark.parametrize("name", SETTINGS)
def test_the_documents_list_every_parameter(name):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"`{name}`" in readme or f"`{name}`" in (ROOT / "docs" / "ros_interface.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", LAUNCH_FILES, ids=lambda path: path.name)
def test_launch_files_describe_a_launch(path):
    pytest.importorskip("launch_ros", reason="launch_ros is not on PyPI; it runs where ROS is installed")
    from launch.actions import DeclareLaunchArgument

    spec = importlib.util.spec_from_file_location(path.name.replace(".", "_"), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    description = module.generate_launch_description()
    declared = {entity.name for entity in description.entities if isinstance(entity, DeclareLaunchArgument)}
    assert declared >= set(arguments(path))
