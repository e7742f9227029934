"""These tests run real nodes over real DDS on this machine; without ROS they are left out, and a line says so."""

import warnings
from importlib.util import find_spec

_MISSING = [name for name in ("rclpy", "vlm_picking_msgs", "vision_msgs") if find_spec(name) is None]

if _MISSING:
    collect_ignore_glob = ["test_*.py"]
    warnings.warn(
        f"tests/ros is left out: no {', '.join(_MISSING)}; run `make test`, or source ROS and the workspace first",
        stacklevel=1,
    )
