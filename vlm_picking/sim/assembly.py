"""From parts to a compiled simulator model: bodies, materials, textures, lights and one camera."""

from dataclasses import dataclass

import mujoco
import numpy as np

from vlm_picking.grasp import Gripper
from vlm_picking.sim.bins import Bin
from vlm_picking.sim.hand import add_hand
from vlm_picking.sim.kinds.model import ObjectModel, Part
from vlm_picking.sim.solids import as_seen
from vlm_picking.sim.textures import HELD_OUT_SURFACES, SIDE_PX, TEXTURES

_GEOMS = {
    "box": mujoco.mjtGeom.mjGEOM_BOX,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    "capsule": mujoco.mjtGeom.mjGEOM_CAPSULE,
    "ellipsoid": mujoco.mjtGeom.mjGEOM_ELLIPSOID,
    "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
    "mesh": mujoco.mjtGeom.mjGEOM_MESH,
}
_MAKERS = TEXTURES | HELD_OUT_SURFACES
UNSEEN_GROUP = 3
LIGHTS = 3
_TABLES = ("plain", "wood", "board", "stripes", "skin", "porous")
MAX_IMAGE_WH = (1280, 960)


@dataclass(frozen=True, eq=False)
class Assembly:
    """A compiled model and where the objects are in it.

    `body` (N,) holds the body ids of the objects; `main_materials` the ids of the materials that carry each
    one's main paint.
    """

    model: mujoco.MjModel
    body: np.ndarray
    main_materials: tuple[tuple[int, ...], ...]
    ground_material: int


def assemble(
    objects: tuple[ObjectModel, ...],
    crate: Bin,
    rng: np.random.Generator,
    *,
    held_out: bool = False,
    gripper: Gripper | None = None,
) -> Assembly:
    """Compile the bin, a table and free bodies for `objects` (their poses are set later through qpos).

    `held_out` gives the table a surface that no training scene has; `gripper` adds a hand (see hand.py), which
    meets the objects as they are seen; without one they collide with simpler shapes, which settle faster.
    """
    builder = _Builder(rng, as_seen=gripper is not None)
    builder.ground(tuple(HELD_OUT_SURFACES) if held_out else _TABLES)
    for part in crate.parts:
        builder.part(builder.spec.worldbody, part, main_rgb=(0.5, 0.5, 0.5), owner="bin", friction=0.6)
    for index, item in enumerate(objects):
        builder.object(index, item)
    if gripper is not None:
        add_hand(builder.spec, gripper, n_objects=len(objects))
    model = builder.spec.compile()
    body = np.array([model.body(f"object_{i}").id for i in range(len(objects))], dtype=np.int64)
    painted = tuple(tuple(model.material(name).id for name in names) for names in builder.main_names)
    return Assembly(model, body, painted, model.material("ground").id)


class _Builder:
    def __init__(self, rng: np.random.Generator, *, as_seen: bool) -> None:
        self.rng, self._as_seen = rng, as_seen
        self.spec = mujoco.MjSpec()
        self.main_names: list[list[str]] = []
        self._count = 0
        option, visual = self.spec.option, self.spec.visual
        option.timestep = 0.004
        option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        option.iterations = 12
        option.ls_iterations = 8
        visual.quality.shadowsize = 1024
        # Multisampling more than doubles the time of a frame on a CPU; the renderer smooths edges instead.
        visual.quality.offsamples = 0
        visual.quality.numslices = 20
        visual.quality.numstacks = 12
        visual.global_.offwidth, visual.global_.offheight = MAX_IMAGE_WH
        visual.map.znear = 0.02
        visual.map.zfar = 8.0
        self.spec.stat.extent = 1.0
        self.spec.worldbody.add_camera(name="camera")
        for index in range(LIGHTS):
            self.spec.worldbody.add_light(name=f"light_{index}", pos=[0, 0, 2], castshadow=index == 0)

    def ground(self, surfaces: tuple[str, ...]) -> None:
        rgb = tuple(self.rng.uniform(0.15, 0.85) * np.ones(3))
        self._material("ground", rgb, str(self.rng.choice(surfaces)), 0.1)
        self.spec.worldbody.add_geom(
            name="ground",
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=[2.0, 2.0, 0.05],
            pos=[0, 0, -0.07],
            material="ground",
            contype=0,
            conaffinity=0,
        )

    def object(self, index: int, item: ObjectModel) -> None:
        body = self.spec.worldbody.add_body(name=f"object_{index}", pos=[0, 0, 1.0 + index])
        body.add_freejoint()
        x, y, z = item.half_extents_m
        body.explicitinertial = True
        body.mass = item.mass_kg
        body.ipos, body.iquat = [0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]
        # The inertia of the bounding box, a little more for thin things, keeps the contact solver calm.
        body.inertia = item.mass_kg / 3 * (np.array([y * y + z * z, x * x + z * z, x * x + y * y]) + 2e-4)
        self.main_names.append([])
        for part in as_seen(item.parts) if self._as_seen else item.parts:
            name = self.part(body, part, main_rgb=item.paint_rgb, owner=f"o{index}", friction=item.friction)
            if part.rgb is None and part.visible:
                self.main_names[-1].append(name)

    def part(self, body, part: Part, *, main_rgb: tuple, owner: str, friction: float) -> str:
        name = f"{owner}_{self._count}"
        self._count += 1
        settings = {
            "name": name,
            "type": _GEOMS[part.shape],
            "pos": list(part.position_m),
            "quat": list(part.quat),
            "mass": 0.0,
            "contype": int(part.solid),
            "conaffinity": int(part.solid),
            "group": 0 if part.visible else UNSEEN_GROUP,
        }
        if part.solid:
            settings |= {"friction": [friction, 0.005, 0.002], "condim": 4, "solref": [0.012, 1.0]}
        if part.mesh is None:
            settings["size"] = [*part.size_m, 0.0, 0.0][:3]
        else:
            mesh = self.spec.add_mesh(
                name=name,
                uservert=part.mesh.vertices.astype(np.float32).ravel(),
                userface=part.mesh.faces.ravel(),
                inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
            )
            mesh.smoothnormal = False
            settings["meshname"] = name
        if part.visible:
            self._material(name, main_rgb if part.rgb is None else part.rgb, part.texture, part.gloss)
            settings["material"] = name
        body.add_geom(**settings)
        return name

    def _material(self, name: str, rgb: tuple, texture: str, gloss: float) -> None:
        material = self.spec.add_material(
            name=name, rgba=[*rgb, 1.0], specular=gloss * 0.6, shininess=0.2 + 0.6 * gloss
        )
        # Labels differ from one object to the next; a surface such as wood is shared by the whole scene.
        shared = name if texture == "text" else texture
        if self.spec.texture(f"t_{shared}") is None:
            pixels = _MAKERS[texture](self.rng)
            made = self.spec.add_texture(
                name=f"t_{shared}",
                type=mujoco.mjtTexture.mjTEXTURE_CUBE,
                nchannel=3,
                width=SIDE_PX,
                height=6 * SIDE_PX,
            )
            made.data = pixels.tobytes()
        material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = f"t_{shared}"
