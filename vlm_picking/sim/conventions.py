"""Draws the picture of docs/conventions.md: planned grasps in the simulator, with every frame's axes and lengths.

python -m vlm_picking.sim.conventions docs/images/conventions.png
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import mujoco
import numpy as np

from vlm_picking.detections import Detections
from vlm_picking.frame import RgbdFrame
from vlm_picking.grasp import GraspCandidate, Gripper, GripperKind
from vlm_picking.gripper_files import load_gripper
from vlm_picking.lift import lift
from vlm_picking.planning import plan_grasps
from vlm_picking.result import LiftedObject
from vlm_picking.segmentation import box_of
from vlm_picking.sim.assembly import assemble
from vlm_picking.sim.example import example_view
from vlm_picking.sim.hand import FINGERS, HAND
from vlm_picking.sim.render import Rendered, SceneRenderer
from vlm_picking.sim.scene import ObjectSpec, Scene, make_scene
from vlm_picking.sim.view import View, look_at, pinhole
from vlm_picking.support import Support, find_support
from vlm_picking.transform import Transform

PANEL_WH = (430, 440)
_SEED = 4
_SHARPNESS = 2  # drawn so many times larger, then shrunk: lines and edges come out smooth
_ASIDE_RAD = 0.5  # looked at a little from the side, x does not point into the eye
_RGB = ((226, 54, 54), (40, 170, 70), (45, 105, 235))
_INK, _PAPER = (25, 25, 30), (255, 255, 255)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_OBJECTS = (
    ObjectSpec(kind="soap", colour="yellow", xy_m=(-0.11, 0.0), yaw_rad=0.5),
    ObjectSpec(kind="carton", colour="brown", xy_m=(0.12, 0.0), yaw_rad=0.2),
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Shown:
    """What one frame of the picture's scene gave: the truth of the picture is what the pipeline's parts said."""

    scene: Scene
    seen: Rendered
    support: Support
    objects: tuple[LiftedObject, ...]
    grasps: tuple[GraspCandidate, ...]

    def best(self, gripper: Gripper, object_id: int) -> GraspCandidate:
        return next(g for g in self.grasps if g.gripper == gripper.name and g.object_id == object_id)


def show(grippers: tuple[Gripper, ...], *, seed: int = _SEED) -> Shown:
    """Photograph two things in a shallow bin, and find the floor, the boxes and the grasps in that frame."""
    scene = make_scene(seed, objects=_OBJECTS, bin_colour="grey", bin_inner_m=(0.46, 0.34, 0.05), must_keep=True)
    with SceneRenderer(scene) as renderer:
        seen = renderer.render(overhead_view())
    frame = RgbdFrame(seen.rgb, seen.depth_m, seen.camera)
    masks = np.stack([seen.ids == index + 1 for index in range(len(scene.objects))])
    boxes = np.stack([box_of(mask) for mask in masks])
    names = np.array([spec.kind for spec in _OBJECTS], object)
    detections = Detections(boxes, np.ones(len(masks)), names, np.arange(len(masks)), masks)
    support = find_support(frame)
    return Shown(
        scene=scene,
        seen=seen,
        support=support,
        objects=lift(frame, detections, support),
        grasps=plan_grasps(frame, detections, grippers, support=support).candidates,
    )


def with_hand(scene: Scene, gripper: Gripper, world_from_grasp: Transform, *, opening_m: float) -> Scene:
    """The same scene with the gripper's hand at a grasp; nothing moves."""
    assembly = assemble(tuple(scene.objects), scene.crate, np.random.default_rng(scene.seed), gripper=gripper)
    model = assembly.model
    data = mujoco.MjData(model)
    for mine, theirs in zip(assembly.body, scene.assembly.body, strict=True):
        start, other = (m.jnt_qposadr[m.body_jntadr[b]] for m, b in ((model, mine), (scene.model, theirs)))
        data.qpos[start : start + 7] = scene.data.qpos[other : other + 7]
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, world_from_grasp.rotation.ravel())
    start = model.jnt_qposadr[model.body_jntadr[model.body(HAND).id]]
    data.qpos[start : start + 7] = [*world_from_grasp.translation_m, *quat]
    if gripper.kind is GripperKind.PARALLEL_JAW:
        for finger in FINGERS:
            data.qpos[model.jnt_qposadr[model.joint(finger).id]] = opening_m / 2
    mujoco.mj_forward(model, data)
    return Scene(scene.seed, scene.objects, scene.crate, assembly, data)


class Panel:
    """One part of the picture: a view of a scene, on which frames and lengths are drawn."""

    def __init__(self, scene: Scene, view: View) -> None:
        with SceneRenderer(scene) as renderer:
            self._seen = renderer.render(view)
        self.picture = self._seen.rgb.copy()

    def _uv(self, points_m: np.ndarray) -> np.ndarray:
        camera_from_world = self._seen.world_from_camera.inverse()
        return self._seen.camera.project(camera_from_world.apply(np.atleast_2d(points_m)))

    def _line(self, start: np.ndarray, end: np.ndarray, colour: tuple[int, int, int], width: int = 2) -> None:
        ends = [tuple(int(v) for v in np.round(uv * 8)) for uv in (start, end)]
        cv2.line(self.picture, *ends, colour, width * _SHARPNESS, cv2.LINE_AA, shift=3)

    def polyline(self, points_m: np.ndarray, colour: tuple[int, int, int], width: int = 2) -> None:
        """Lines between points (P, 3) of the world [m]."""
        for start, end in zip(self._uv(points_m)[:-1], self._uv(points_m)[1:], strict=True):
            self._line(start, end, colour, width)

    def frame(self, world_from_frame: Transform, name: str, *, length_m: float, at: tuple[int, int] = (8, -8)) -> None:
        """Axes x red, y green, z blue, and the frame's name beside its origin."""
        origin = self._uv(world_from_frame.translation_m)[0]
        depth = self._seen.world_from_camera.rotation[:, 2] @ world_from_frame.rotation
        for axis in np.argsort(-depth):  # what points towards the viewer is drawn last
            tip = self._uv(world_from_frame.translation_m + length_m * world_from_frame.rotation[:, axis])[0]
            self._line(origin, tip, _PAPER, 5)
            self._line(origin, tip, _RGB[axis], 3)
            away = tip - origin
            if (reach := np.linalg.norm(away)) > 6 * _SHARPNESS:
                self.text("xyz"[axis], tip + away / reach * 8 * _SHARPNESS, _RGB[axis], centred=True)
        self.text(name, origin + np.array(at) * _SHARPNESS, _INK)

    def length(self, start_m: np.ndarray, end_m: np.ndarray, name: str, *, at: tuple[int, int] = (6, 4)) -> None:
        """A length between two points of the world [m], with its name beside the middle."""
        start, end = self._uv(start_m)[0], self._uv(end_m)[0]
        along = (end - start) / max(float(np.linalg.norm(end - start)), 1e-6)
        across = np.array([-along[1], along[0]]) * 5 * _SHARPNESS
        for colour, width in ((_PAPER, 4), (_INK, 2)):
            self._line(start, end, colour, width)
            for tip in (start, end):
                self._line(tip - across, tip + across, colour, width)
        self.text(name, (start + end) / 2 + np.array(at) * _SHARPNESS, _INK)

    def text(self, words: str, uv: np.ndarray, colour: tuple[int, int, int], *, centred: bool = False) -> None:
        """Words on a light ground; their lower left corner, or their middle, at a pixel."""
        size, scale = _SHARPNESS, 0.46 * _SHARPNESS
        (width, height), base = cv2.getTextSize(words, _FONT, scale, size)
        uv = uv + np.array([-width / 2, height / 2]) if centred else uv
        x, y = int(np.clip(uv[0], 4, self.picture.shape[1] - width - 4)), int(np.clip(uv[1], height + 4, None))
        cv2.rectangle(self.picture, (x - 4, y - height - 4), (x + width + 4, y + base), _PAPER, cv2.FILLED)
        cv2.putText(self.picture, words, (x, y), _FONT, scale, colour, size, cv2.LINE_AA)

    def done(self, title: str) -> np.ndarray:
        """The panel (H, W, 3) u8 in its final size, under its title."""
        picture = cv2.resize(self.picture, PANEL_WH, interpolation=cv2.INTER_AREA)
        banner = np.full((34, PANEL_WH[0], 3), 28, np.uint8)
        cv2.putText(banner, title, (10, 23), _FONT, 0.52, _PAPER, 1, cv2.LINE_AA)
        return np.concatenate([banner, picture])


def overhead_view() -> View:
    """The camera that looks at the bin, 0.6 m above it."""
    pose = look_at(np.zeros(3), distance_m=0.6, tilt_rad=0.15, heading_rad=np.radians(-90.0), roll_rad=0.0)
    return replace(example_view(), camera=pinhole(640, 480, 0.8), world_from_camera=pose)


def side_view(target_m: np.ndarray, heading_rad: float, *, distance_m: float, tilt_rad: float, fovy_rad: float) -> View:
    """A view from the side, upright, towards a point of the world; `heading_rad` says from where."""
    camera = pinhole(PANEL_WH[0] * _SHARPNESS, PANEL_WH[1] * _SHARPNESS, fovy_rad)
    pose = look_at(
        target_m, distance_m=distance_m, tilt_rad=tilt_rad, heading_rad=heading_rad, roll_rad=heading_rad + np.pi / 2
    )
    return replace(example_view(), camera=camera, world_from_camera=pose)


def jaw_panel(shown: Shown, gripper: Gripper) -> np.ndarray:
    """Jaws at contact: the grasp's axes, opening, insertion and standoff."""
    grasp = shown.best(gripper, 0)
    world_from_grasp = shown.seen.world_from_camera @ grasp.camera_from_grasp
    scene = with_hand(shown.scene, gripper, world_from_grasp, opening_m=grasp.opening_m)
    x = -world_from_grasp.rotation[:, 0]
    view = side_view(
        world_from_grasp.apply(np.array([0.0, 0.0, -0.045])),
        float(np.arctan2(x[1], x[0])) + _ASIDE_RAD,
        distance_m=0.62,
        tilt_rad=np.radians(58),
        fovy_rad=0.42,
    )
    panel = Panel(scene, view)
    side = grasp.opening_m / 2
    far = gripper.max_opening_m / 2 + gripper.finger_thickness_m + 0.02

    def at(y: float, z: float, *, x: float = 0.0) -> np.ndarray:
        return world_from_grasp.apply(np.array([x, y, z]))

    panel.length(at(-far, -gripper.standoff_m), at(-far, 0.0), "standoff_m", at=(8, 0))
    panel.length(at(far, -grasp.insertion_m), at(far, 0.0), "insertion_m", at=(8, 4))
    panel.length(at(-side, 0.0, x=-0.05), at(side, 0.0, x=-0.05), "opening_m", at=(-40, 26))
    panel.frame(world_from_grasp, "TCP", length_m=0.035, at=(-44, -8))
    return panel.done("Jaws: camera_from_grasp at contact")


def cup_panel(shown: Shown, gripper: Gripper) -> np.ndarray:
    """A cup at contact, and where it comes from."""
    grasp = shown.best(gripper, 1)
    world_from_grasp = shown.seen.world_from_camera @ grasp.camera_from_grasp
    scene = with_hand(shown.scene, gripper, world_from_grasp, opening_m=0.0)
    view = side_view(world_from_grasp.translation_m, -1.2, distance_m=0.62, tilt_rad=np.radians(58), fovy_rad=0.42)
    panel = Panel(scene, view)
    before = world_from_grasp @ Transform(np.eye(3), np.array([0.0, 0.0, -gripper.standoff_m]))
    aside = world_from_grasp.rotation @ np.array([0.0, 0.05, 0.0])
    panel.length(before.translation_m + aside, world_from_grasp.translation_m + aside, "standoff_m", at=(8, 0))
    panel.frame(before, "pre-grasp", length_m=0.02, at=(-96, -22))
    panel.frame(world_from_grasp, "TCP", length_m=0.04, at=(-44, -8))
    return panel.done("Cup: camera_from_grasp at contact")


def cell_panel(shown: Shown) -> np.ndarray:
    """The camera, the bin and the boxes of the objects."""
    view = side_view(np.array([0.0, 0.0, 0.26]), -1.05, distance_m=1.8, tilt_rad=np.radians(60), fovy_rad=0.45)
    panel = Panel(shown.scene, view)
    world_from_camera, camera = shown.seen.world_from_camera, shown.seen.camera
    corners = np.array([[0, 0], [camera.width - 1, 0], [camera.width - 1, camera.height - 1], [0, camera.height - 1]])
    image = world_from_camera.apply(camera.deproject(corners, np.full(4, 0.12)))
    for corner in image:
        panel.polyline(np.stack([world_from_camera.translation_m, corner]), _INK, 1)
    panel.polyline(image[[0, 1, 2, 3, 0]], _INK, 1)
    for thing in shown.objects:
        world_from_box = world_from_camera @ thing.camera_from_box
        for edge in _edges(thing.size_m):
            panel.polyline(world_from_box.apply(edge), (250, 190, 30), 1)
    panel.frame(world_from_camera, "optical frame", length_m=0.14, at=(14, -14))
    panel.frame(world_from_camera @ shown.support.camera_from_bin, "bin", length_m=0.14, at=(-34, 18))
    thing = shown.objects[1]
    panel.frame(world_from_camera @ thing.camera_from_box, "box", length_m=0.08, at=(10, 16))
    return panel.done("Camera, bin and a box in space")


def _edges(size_m: np.ndarray) -> list[np.ndarray]:
    """The twelve edges (2, 3) of a box round its own origin [m]."""
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * np.asarray(size_m) / 2
    pairs = [(a, b) for a in range(8) for b in range(a + 1, 8) if bin(a ^ b).count("1") == 1]
    return [corners[list(pair)] for pair in pairs]


def draw() -> np.ndarray:
    """The whole picture (H, W, 3) u8 RGB."""
    jaws, cup = load_gripper("robotiq_2f85"), load_gripper("suction_30mm")
    shown = show((jaws, cup))
    return np.concatenate([jaw_panel(shown, jaws), cup_panel(shown, cup), cell_panel(shown)], axis=1)


def main() -> None:
    """Entry point: write the picture to the path that is given."""
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images/conventions.png")
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(draw(), cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(path)


if __name__ == "__main__":
    main()
