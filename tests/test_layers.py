"""The layers of docs/architecture.md: a module imports what lies below it, and the pipeline loads nothing heavy."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "vlm_picking"

LAYERS = (
    ("values", "errors arrays transform camera frame query language prompt detections grasp result"),
    ("geometry", "compiled holes depth support bin_shape known_bin regions joining closeup"),
    ("parts", "models lift segmentation planning relations colours gripper_files image_messages tracking"),
    (
        "composition",
        "config history run answering presence asking masks warming bin_view verification overlooked neighbours "
        "belonging separation supposition holding search narrowing watch pipeline",
    ),
    ("edges", "frame_files drawing report bags contact_sheet find_cache"),
    ("shells", "ros sim conformance"),
    ("training", "training"),
    ("benchmarks", "bench"),
    ("entry points", "cli demo model_commands find"),
)
LEVEL = {unit: level for level, (_, units) in enumerate(LAYERS) for unit in units.split()}
# Modules of these layers may use each other; parts never do.
TALKATIVE = {"values", "geometry", "composition", "edges", "entry points"}
ALLOWED_IN_VALUES = {"numpy", *sys.stdlib_module_names}

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def unit_of(module: str) -> str:
    """`vlm_picking.models.owl` -> `models`."""
    return module.split(".")[1]


def imports(path: Path) -> set[str]:
    """Every absolute module name that a file imports, also inside functions; relative imports are not used here."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} uses a relative import"
            own = node.module == "vlm_picking"
            names |= {f"vlm_picking.{alias.name}" for alias in node.names} if own else {node.module}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_lies_below_it(path):
    own = unit_of("vlm_picking." + str(path.relative_to(PACKAGE).with_suffix("")).replace("/", "."))
    assert own in LEVEL, f"'{own}' has no layer: give it one in {Path(__file__).name} and in docs/architecture.md"
    for name in imports(path):
        if not name.startswith("vlm_picking."):
            if LAYERS[LEVEL[own]][0] == "values":
                assert name.split(".")[0] in ALLOWED_IN_VALUES, f"a value module imports {name}"
            continue
        other = unit_of(name)
        if other in (own, "__version__"):
            continue
        same = LEVEL[other] == LEVEL[own]
        assert LEVEL[other] < LEVEL[own] or (same and LAYERS[LEVEL[own]][0] in TALKATIVE), f"{own} looks up at {other}"


def test_the_pipeline_loads_nothing_heavy():
    code = (
        "import sys, vlm_picking.pipeline\n"
        "heavy = {'rclpy', 'torch', 'transformers', 'mujoco', 'rosbags', 'sensor_msgs'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_modules_stay_short():
    lines = {str(p.relative_to(PACKAGE)): len(p.read_text(encoding="utf-8").splitlines()) for p in MODULES}
    assert {name: n for name, n in lines.items() if n > 400} == {}
    assert sum(n <= 200 for n in lines.values()) > 0.8 * len(lines)
