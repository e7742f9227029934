"""The package's descriptions: what colcon, pip and rosdep read, and what the interface files promise."""

import ast
import importlib.util
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[1]
INTERFACES = sorted(
    path for kind in ("msg", "srv", "action") for path in (ROOT / "vlm_picking_msgs" / kind).iterdir()
)
UNDERLAY = sorted((ROOT / "underlay" / "src").iterdir())

ROSDEP_KEYS = {
    "diagnostic_msgs",
    "geometry_msgs",
    "launch",
    "launch_ros",
    "rclpy",
    "sensor_msgs",
    "std_msgs",
    "std_srvs",
    "tf2_ros_py",
    "vision_msgs",
    "visualization_msgs",
    "vlm_picking_msgs",
}


def manifest(folder: Path) -> ElementTree.Element:
    return ElementTree.parse(folder / "package.xml").getroot()


def dependencies(package: ElementTree.Element) -> set[str]:
    return {element.text for element in package if element.tag.endswith("depend")}


def setup_keywords() -> dict[str, ast.expr]:
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    (call,) = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "setup"
    ]
    return {keyword.arg: keyword.value for keyword in call.keywords}


def console_scripts() -> dict[str, str]:
    entries = ast.literal_eval(setup_keywords()["entry_points"])["console_scripts"]
    return dict(re.split(r"\s*=\s*", entry) for entry in entries)


def test_manifest_names_what_a_ros_user_needs():
    package = manifest(ROOT)
    assert package.get("format") == "3"
    assert package.findtext("name") == "vlm_picking"
    assert package.findtext("license") == "Apache-2.0"
    assert package.findtext("export/build_type") == "ament_python"
    assert dependencies(package) >= ROSDEP_KEYS


def test_manifest_names_every_ros_package_that_the_code_imports():
    sources = [*(ROOT / "vlm_picking").rglob("*.py"), *(ROOT / "launch").glob("*.py")]
    imported = {
        name
        for source in sources
        for name in re.findall(r"^\s*(?:from|import) (\w+)", source.read_text(encoding="utf-8"), re.MULTILINE)
    }
    interfaces = {name for name in imported if re.search(r"_(msgs|srvs|interfaces)$", name)}
    assert interfaces | imported & ROSDEP_KEYS <= dependencies(manifest(ROOT))


def test_versions_agree():
    version = ast.literal_eval(setup_keywords()["version"])
    assert manifest(ROOT).findtext("version") == version
    assert manifest(ROOT / "vlm_picking_msgs").findtext("version") == version


@pytest.mark.parametrize("script, target", console_scripts().items())
def test_console_script_points_at_a_function_that_is_there(script, target):
    module, function = target.split(":")
    spec = importlib.util.find_spec(module)
    assert spec is not None, f"{script} wants {module}"
    body = ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body
    assert function in {node.name for node in body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("path", INTERFACES, ids=lambda path: path.name)
def test_interface_says_its_units_and_is_built(path):
    text = path.read_text(encoding="utf-8")
    assert re.search(r"\bunits?\b|\bmetres\b", text, re.IGNORECASE), "say the units in a comment"
    build = (ROOT / "vlm_picking_msgs" / "CMakeLists.txt").read_text(encoding="utf-8")
    assert f'"{path.parent.name}/{path.name}"' in build


@pytest.mark.parametrize("path", INTERFACES, ids=lambda path: path.name)
def test_interface_numbers_with_a_unit_carry_it_in_their_name(path):
    ratios = {"quality", "detection_score", "confidence", "progress"}
    floats = re.findall(r"^float\d+(?:\[\])? (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert all(name in ratios or re.search(r"_(m|s|px|rad)$", name) for name in floats), floats


@pytest.mark.parametrize("folder", UNDERLAY, ids=lambda folder: folder.name)
def test_underlay_package_builds_all_its_messages(folder):
    build = (folder / "CMakeLists.txt").read_text(encoding="utf-8")
    listed = set(re.findall(r'"(msg/\w+\.msg)"', build))
    assert listed == {f"msg/{path.name}" for path in (folder / "msg").iterdir()}


def test_underlay_is_hidden_from_a_ros_users_workspace():
    assert (ROOT / "underlay" / "COLCON_IGNORE").is_file()


def test_a_message_that_nobody_filled_in_reads_as_a_failure():
    messages = pytest.importorskip("vlm_picking_msgs.msg", reason="not built: run `make setup`")
    assert messages.Answer().status == messages.Answer.FAILED != messages.Answer.PRESENT
    assert messages.GraspCandidateArray().status == messages.GraspCandidateArray.FAILED


@pytest.mark.parametrize("name", ["constraints.txt", "requirements-ros.txt"])
def test_pins_are_versions_and_never_places(name):
    lines = (ROOT / "underlay" / name).read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    for pin in pins:
        assert re.fullmatch(r'[\w.\[\]-]+(==[\w.]+|<\d+)?( ?; python_version [<>=]+ "3\.\d+")?', pin), pin
