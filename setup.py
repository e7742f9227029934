"""Describes the package to colcon (ament_python) and to pip."""

from pathlib import Path

from setuptools import find_packages, setup

NAME = "vlm_picking"
ROOT = Path(__file__).parent


def package_files() -> list[str]:
    """Everything below the package that is not code: grippers, the embedded checkpoint, example data."""
    package = ROOT / NAME
    return [
        str(path.relative_to(package))
        for path in sorted(package.rglob("*"))
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    ]


def share_files(folder: str) -> list[tuple[str, list[str]]]:
    """The files of a folder of the repository, installed below share/vlm_picking with its layout."""
    below: dict[Path, list[str]] = {}
    for path in sorted((ROOT / folder).rglob("*")):
        relative = path.relative_to(ROOT)
        hidden = any(part.startswith(".") for part in relative.parts)  # caches beside a bag
        if path.is_file() and path.suffix != ".pyc" and not hidden:
            below.setdefault(relative.parent, []).append(str(relative))
    return [(f"share/{NAME}/{parent}", files) for parent, files in below.items()]


setup(
    name=NAME,
    version="0.1.0",
    description="Vision-language bin picking for ROS 2: from an operator's sentence to an answer and grasps",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="vlm_picking developers",
    author_email="maintainers@vlm-picking.example",
    maintainer="vlm_picking developers",
    maintainer_email="maintainers@vlm-picking.example",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={NAME: package_files()},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        *share_files("launch"),
        *share_files("config"),
        *share_files("examples"),
    ],
    zip_safe=False,
    install_requires=[
        "numpy",
        "opencv-python-headless",
        "scipy",
        "numba",
        "pydantic>=2",
        "pyyaml",
        "typer",
        "rich",
    ],
    extras_require={
        "models": ["torch", "transformers>=5", "safetensors", "pillow", "sentencepiece", "protobuf"],
        "remote": ["openai"],
        "sim": ["mujoco", "trimesh"],
        "bench": ["mujoco", "trimesh", "matplotlib"],
        "bags": ["rosbags", "zstandard"],
        "realsense": ["pyrealsense2"],
        "dev": ["pytest", "hypothesis", "ruff", "openai", "accelerate", "fastapi", "uvicorn"],
    },
    entry_points={
        "console_scripts": [
            "vlm-picking = vlm_picking.cli:main",
            "picking_node = vlm_picking.ros.node:main",
            "bag_player = vlm_picking.ros.player:main",
            "operator = vlm_picking.ros.client:main",
        ],
    },
)
