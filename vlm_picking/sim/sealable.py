"""Whether a cup could hold an object at all: the physics' own seal and load on the true surface that a camera sees, and
a trial of the best of these spots.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from vlm_picking.camera import PinholeCamera
from vlm_picking.grasp import Gripper
from vlm_picking.sim.canvas import SEEN_GROUPS
from vlm_picking.sim.cell import PickCell
from vlm_picking.sim.hand import HAND
from vlm_picking.sim.seal import seal_share
from vlm_picking.sim.vacuum import holding_force_n, is_tight, needed_force_n
from vlm_picking.transform import Transform

HOLDS_LOADS = 1.5
"""What must be held over the load at rest: room to be lifted. Shaking asks for up to 2.1 of it, which trials tell."""
_SAMPLES = 120
_TRIALS, _APART_M = 8, 0.012
_LEAST_LOAD_N = 0.1
_RING = 8
_GRAVITY = 9.81


@dataclass(frozen=True, eq=False, kw_only=True)
class Spot:
    """A place where a cup seals: its pose at contact, and what it holds there over what the load at rest needs."""

    world_from_grasp: Transform
    spare: float


def sealing_spots(
    cell: PickCell,
    index: int,
    seen: np.ndarray,
    *,
    camera: PinholeCamera,
    world_from_camera: Transform,
    gripper: Gripper,
    rng: np.random.Generator,
) -> list[Spot]:
    """Where a cup seals on object `index` and carries its load at rest, the strongest first.

    At most 120 of the object's visible pixels are tried, each with the true point and normal that a ray through it
    meets: the normal within the gripper's tilt from straight up, the straight approach free, and `seal_share` there.
    The load is the object's own weight and that of what lies on it, with its moment about the lip.

    Args:
        cell: as it starts; what has come to sleep since presses on nothing.
        seen: (H, W) bool, the pixels that show the object to `camera`.
        rng: chooses the pixels.
    """
    if not is_tight(cell.scene.objects[index]):
        return []
    body, radius = int(cell.body_of_object[index]), gripper.cup_radius_m
    force, moment = resting_load(cell, index)
    origin = cell.data.xpos[body]
    pixels, spots = np.argwhere(seen), []
    for v, u in pixels[rng.permutation(len(pixels))[:_SAMPLES]]:
        ray = world_from_camera.rotation @ camera.deproject(np.array([u, v], float), np.array(1.0)).ravel()
        surface = _surface(cell, body, world_from_camera.translation_m, ray / np.linalg.norm(ray))
        if surface is None:
            continue
        point, normal = surface
        if normal[2] < np.cos(gripper.max_tilt_rad):
            continue
        needed = _needed(force, moment + np.cross(origin - point, force), -normal, radius)
        rotation = _facing(normal)
        if needed > holding_force_n(1.0, gripper) or not _is_free(cell, point, rotation, gripper):
            continue
        held = holding_force_n(seal_share(cell.model, cell.data, body, point, rotation, radius), gripper)
        if held > max(needed, 0.0):
            spots.append(Spot(world_from_grasp=Transform(rotation, point), spare=held / max(needed, _LEAST_LOAD_N)))
    return sorted(spots, key=lambda spot: -spot.spare)


def has_seal(spots: Sequence[Spot]) -> bool:
    """Whether one of an object's sealing spots holds 1.5 times its load at rest."""
    return any(spot.spare >= HOLDS_LOADS for spot in spots)


def seal_holds(mount: Callable[[], PickCell], index: int, spots: Sequence[Spot]) -> bool:
    """Whether object `index`, and nothing else, hangs on a cup at the end of a pick from one of its sealing spots.

    Tried are the strongest, at most eight of them, 12 mm apart: what lies on an object or hooks it may keep it down
    though it seals.

    Args:
        mount: gives the cell with the cup, as it was before the first pick.
    """
    tried: list[np.ndarray] = []
    for spot in spots:
        place = spot.world_from_grasp.translation_m
        if len(tried) == _TRIALS:
            break
        if any(np.linalg.norm(place - other) < _APART_M for other in tried):
            continue
        tried.append(place)
        cell = mount()
        cell.wants(index)
        if cell.pick(spot.world_from_grasp).held == (index,):
            return True
    return False


def resting_load(cell: PickCell, index: int) -> tuple[np.ndarray, np.ndarray]:
    """What lifting object `index` has to carry: a force (3,) [N], and a moment (3,) [Nm] about the object's centre.

    Its own weight, and what other objects press on it from above as they lie now.
    """
    model, data = cell.model, cell.data
    body = int(cell.body_of_object[index])
    force, moment = np.array([0.0, 0.0, -_GRAVITY * cell.scene.objects[index].mass_kg]), np.zeros(3)
    wrench = np.zeros(6)
    for number in range(data.ncon):
        contact = data.contact[number]
        first, second = (int(model.geom_bodyid[geom]) for geom in (contact.geom1, contact.geom2))
        if body not in (first, second) or (first if second == body else second) not in cell.body_of_object:
            continue
        mujoco.mj_contactForce(model, data, number, wrench)
        pressed = contact.frame.reshape(3, 3).T @ wrench[:3] * (1 if second == body else -1)
        if pressed[2] < 0:
            force += pressed
            moment += np.cross(contact.pos - data.xpos[body], pressed)
    return force, moment


def _needed(force: np.ndarray, moment: np.ndarray, axis: np.ndarray, radius_m: float) -> float:
    """The force [N] with which a cup that faces along `axis` must hold a load, given about its lip."""
    pull = float(force @ axis)
    shear, bending = force - pull * axis, moment - (moment @ axis) * axis
    return needed_force_n(pull, float(np.linalg.norm(shear)), float(np.linalg.norm(bending)), radius_m)


def _surface(cell: PickCell, body: int, eye: np.ndarray, ray: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The point (3,) and the normal (3,) in the world where a ray meets `body`; None where it meets anything else."""
    distance, hit, normal = _cast(cell, eye, ray)
    if hit != body:
        return None
    return eye + distance * ray, normal if normal @ ray < 0 else -normal


def _is_free(cell: PickCell, point: np.ndarray, rotation: np.ndarray, gripper: Gripper) -> bool:
    """Whether nothing is in the cup's way over the gripper's whole straight approach."""
    angle = np.linspace(0, 2 * np.pi, _RING, endpoint=False)
    ring = gripper.cup_radius_m * np.column_stack([np.cos(angle), np.sin(angle), np.zeros(_RING)])
    least = gripper.standoff_m - max(0.5 * gripper.cup_radius_m, 0.01)
    for place in ring:
        start = point + rotation @ (place - [0.0, 0.0, gripper.standoff_m])
        distance, hit, _ = _cast(cell, start, rotation[:, 2])
        if hit >= 0 and distance < least:
            return False
    return True


def _cast(cell: PickCell, start: np.ndarray, ray: np.ndarray) -> tuple[float, int, np.ndarray]:
    """Distance [m], body (-1 for none) and normal (3,) of what a ray from `start` meets first."""
    geom, normal = np.array([-1], np.int32), np.zeros(3)
    hand = int(cell.model.body(HAND).id)
    distance = mujoco.mj_ray(cell.model, cell.data, start, ray, SEEN_GROUPS, 1, hand, geom, normal)
    return float(distance), int(cell.model.geom_bodyid[geom[0]]) if geom[0] >= 0 else -1, normal


def _facing(normal: np.ndarray) -> np.ndarray:
    """A rotation (3, 3) whose z points against `normal`."""
    z = -normal
    x = np.cross([0.0, 1.0, 0.0], z) if abs(z[1]) < 0.9 else np.cross([1.0, 0.0, 0.0], z)
    x /= np.linalg.norm(x)
    return np.column_stack([x, np.cross(z, x), z])
