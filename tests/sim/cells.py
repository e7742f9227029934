"""Cells of plain boxes for tests of what grippers do in physics."""

import numpy as np

from vlm_picking.gripper_files import load_gripper
from vlm_picking.transform import Transform

JAWS, CUP = "robotiq_2f85", "suction_30mm"
BLOCK = (0.02, 0.02, 0.03)
PLATE = (0.06, 0.06, 0.01)


def thing(half_m, *, mass_kg=0.2, texture="plain"):
    from vlm_picking.sim.kinds.model import ObjectModel, Part

    part = Part(shape="box", size_m=half_m, solid=True, texture=texture)
    return ObjectModel(kind=None, colour=None, parts=(part,), mass_kg=mass_kg, half_extents_m=np.array(half_m))


def cell_of(gripper, *things, at, above_m=0.0, depth_m=0.1):
    """A cell with plain boxes that stand in a crate of 0.5 x 0.4 m at the places `at` [m].

    They stand on its floor, or, but for the first, `above_m` higher.
    """
    import mujoco

    from vlm_picking.sim.assembly import assemble
    from vlm_picking.sim.bins import make_bin
    from vlm_picking.sim.cell import PickCell
    from vlm_picking.sim.scene import Scene

    rng = np.random.default_rng(0)
    crate = make_bin(rng, inner_m=(0.5, 0.4, depth_m))
    assembly = assemble(things, crate, rng)
    data = mujoco.MjData(assembly.model)
    for index, (item, (x, y)) in enumerate(zip(things, at, strict=True)):
        z = item.half_extents_m[2] + 1e-4 + (above_m if index else 0.0)
        data.qpos[7 * index : 7 * index + 7] = [x, y, z, 1, 0, 0, 0]
    mujoco.mj_forward(assembly.model, data)
    return PickCell(Scene(0, list(things), crate, assembly, data), load_gripper(gripper))


def down(x, y, z):
    """A TCP straight down, closing along the world's y."""
    return Transform(np.diag([1.0, -1.0, -1.0]), np.array([x, y, z]))
