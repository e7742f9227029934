"""The scene of the example recording: what lies in its bin, and from where the camera looks."""

import numpy as np

from vlm_picking.sim.scene import ObjectSpec, Scene, make_scene
from vlm_picking.sim.view import View, look_at, pinhole

BIN_INNER_M = (0.56, 0.42, 0.12)
IMAGE_WH = (640, 480)

# Kind, colour, place on the bin's floor [m] and turn [deg].
_LAYOUT: tuple[tuple[str, str, tuple[float, float], float], ...] = (
    ("bowl", "white", (-0.180, 0.105), 0.0),
    ("mug", "red", (0.000, 0.120), 35.0),
    ("mug", "blue", (0.185, 0.120), -140.0),
    ("carton", "brown", (-0.165, -0.095), 15.0),
    ("banana", "yellow", (-0.015, 0.012), 20.0),
    ("apple", "red", (0.112, 0.005), 0.0),
    ("can", "green", (0.205, -0.010), 25.0),
    ("wrench", "grey", (-0.012, -0.095), -38.0),
    ("orange", "orange", (0.100, -0.128), 0.0),
    ("mug", "yellow", (0.215, -0.145), 100.0),
)
# A can that stands shows a camera above it little but its bare lid.
_LYING = ("can",)


def example_scene(seed: int) -> Scene:
    """A grey bin with three mugs, a bowl, a carton, a can, a wrench and fruit, side by side; no screwdriver.

    The seed varies sizes, prints and places a little, not what lies there.
    """
    rng = np.random.default_rng((seed, 2))
    specs = tuple(
        ObjectSpec(
            kind=kind,
            colour=colour,
            xy_m=tuple(float(v) for v in np.array(xy) + rng.uniform(-0.006, 0.006, 2)),
            yaw_rad=float(np.radians(turn) + rng.uniform(-0.2, 0.2)),
            tilt_rad=np.pi / 2 if kind in _LYING else 0.0,
        )
        for kind, colour, xy, turn in _LAYOUT
    )
    return make_scene(seed, objects=specs, bin_colour="grey", bin_inner_m=BIN_INNER_M, must_keep=True)


def example_view() -> View:
    """A 640x480 camera with a usual depth camera's field of view, 0.8 m above the bin, leaning by 9 deg."""
    camera = pinhole(*IMAGE_WH, 0.74)
    pose = look_at(
        np.array([0.0, 0.0, 0.04]),
        distance_m=0.80,
        tilt_rad=np.radians(9.0),
        heading_rad=np.radians(-90.0),
        roll_rad=0.0,
    )
    light = np.array([[0.25, 0.2, -1.0], [-0.5, 0.1, -1.0], [0.1, -0.6, -1.0]])
    return View(
        camera=camera,
        world_from_camera=pose,
        light_direction=light / np.linalg.norm(light, axis=1, keepdims=True),
        light_rgb=np.array([0.46, 0.2, 0.12])[:, None] * np.ones(3),
        ambient_rgb=np.full(3, 0.3),
    )
