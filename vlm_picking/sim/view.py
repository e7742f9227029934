"""Views: where the camera stands and how the scene is lit."""

from dataclasses import dataclass, replace

import mujoco
import numpy as np

from vlm_picking.camera import PinholeCamera
from vlm_picking.sim.assembly import LIGHTS
from vlm_picking.sim.bins import Bin
from vlm_picking.sim.colours import paint
from vlm_picking.sim.kinds import KINDS
from vlm_picking.sim.scene import Scene
from vlm_picking.transform import Transform


@dataclass(frozen=True, eq=False, kw_only=True)
class View:
    """A camera pose (optical axes) and the light: `light_direction` (L, 3) points away from the lamps."""

    camera: PinholeCamera
    world_from_camera: Transform
    light_direction: np.ndarray
    light_rgb: np.ndarray
    ambient_rgb: np.ndarray


def pinhole(width: int, height: int, fovy_rad: float) -> PinholeCamera:
    """The simulator's camera: square pixels, the principal point in the middle."""
    focal = height / 2 / np.tan(fovy_rad / 2)
    return PinholeCamera(
        width=width, height=height, fx=focal, fy=focal, cx=width / 2 - 0.5, cy=height / 2 - 0.5
    )


def look_at(
    target_m: np.ndarray, *, distance_m: float, tilt_rad: float, heading_rad: float, roll_rad: float
) -> Transform:
    """World from camera (optical) for a camera above `target_m`, leaning `tilt_rad` towards `heading_rad`."""
    lean = np.array([np.cos(heading_rad), np.sin(heading_rad), 0.0]) * np.sin(tilt_rad)
    back = lean + np.array([0.0, 0.0, np.cos(tilt_rad)])
    forward = -back
    right = np.array([np.cos(roll_rad), np.sin(roll_rad), 0.0])
    right -= forward * (right @ forward)
    right /= np.linalg.norm(right)
    rotation = np.column_stack([right, np.cross(forward, right), forward])
    return Transform(rotation=rotation, translation_m=np.asarray(target_m) + distance_m * back)


def random_view(
    rng: np.random.Generator, crate: Bin, *, width: int, height: int, max_tilt_rad: float = 0.26
) -> View:
    """A view from above in which the bin fills most of the image."""
    camera = pinhole(width, height, rng.uniform(0.72, 1.0))
    roll = rng.choice([0.0, np.pi]) + rng.normal(0, 0.12)
    length, span, depth = crate.inner_m
    fit = max((length + 0.05) / 2 * camera.fx / (width / 2), (span + 0.05) / 2 * camera.fy / (height / 2))
    target = np.array([*rng.uniform(-0.03, 0.03, 2), 0.0])
    pose = look_at(
        target,
        distance_m=float(fit * rng.uniform(0.9, 1.2) + 0.7 * depth),
        tilt_rad=float(rng.uniform(0, max_tilt_rad)),
        heading_rad=float(rng.uniform(0, 2 * np.pi)),
        roll_rad=float(roll),
    )
    return _lit(rng, camera, pose)


def _lit(rng: np.random.Generator, camera: PinholeCamera, pose: Transform) -> View:
    direction = rng.normal(0, 0.45, (LIGHTS, 3))
    direction[:, 2] = -1.0
    strength = np.array([rng.uniform(0.45, 0.8), rng.uniform(0.0, 0.35), rng.uniform(0.0, 0.25)])[:, None]
    tint = 1 + rng.uniform(-0.05, 0.05, (LIGHTS, 3))
    return View(
        camera=camera,
        world_from_camera=pose,
        light_direction=direction / np.linalg.norm(direction, axis=1, keepdims=True),
        light_rgb=strength * tint,
        ambient_rgb=rng.uniform(0.24, 0.46) * (1 + rng.uniform(-0.04, 0.04, 3)),
    )


def apply_view(scene: Scene, view: View) -> None:
    """Write the camera and the lights of `view` into the simulator's model."""
    model, data = scene.model, scene.data
    pose = view.world_from_camera
    model.cam_fovy[0] = np.degrees(2 * np.arctan(view.camera.height / 2 / view.camera.fy))
    model.cam_pos[0] = pose.translation_m
    # The simulator's cameras look along -z with y up.
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, (pose.rotation * np.array([1.0, -1.0, -1.0])).ravel())
    model.cam_quat[0] = quat
    model.light_type[:] = int(mujoco.mjtLightType.mjLIGHT_DIRECTIONAL)
    model.light_dir[:] = view.light_direction
    model.light_pos[:] = -2.0 * view.light_direction
    model.light_diffuse[:] = view.light_rgb
    model.light_specular[:] = 0.35 * view.light_rgb
    model.light_ambient[:] = 0.0
    model.vis.headlight.ambient[:] = view.ambient_rgb
    model.vis.headlight.diffuse[:] = 0.12
    model.vis.headlight.specular[:] = 0.05
    # Where what is at rest may sleep, a camera that stands in the world counts as such and would stay where it was.
    flags = int(model.opt.enableflags)
    model.opt.enableflags = flags & ~int(mujoco.mjtEnableBit.mjENBL_SLEEP)
    mujoco.mj_camlight(model, data)
    model.opt.enableflags = flags


def recolour(scene: Scene, rng: np.random.Generator) -> None:
    """Give every object of a named kind another of its usual colours, and distractors another paint."""
    for index, item in enumerate(scene.objects):
        if item.kind is None:
            rgb = tuple(float(v) for v in rng.uniform(0.04, 0.95, 3))
            scene.objects[index] = replace(item, paint_rgb=rgb)
        else:
            colour = str(rng.choice(KINDS[item.kind].colours))
            rgb = paint(colour, rng)
            scene.objects[index] = replace(item, colour=colour, paint_rgb=rgb)
        for material in scene.assembly.main_materials[index]:
            scene.model.mat_rgba[material, :3] = rgb
