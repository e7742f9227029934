"""What is stuck in something: in the simpler shapes in which a scene settles a thing may come to lie through another.

A stem through the bottom of a mug, say, or a carrot's tip in a wall: contacts push neither apart again, no hand could
lift either alone, and no real bin has such a thing.
"""

from collections.abc import Sequence

import mujoco
import numpy as np

from vlm_picking.sim.kinds.model import ObjectModel

_DEEP_M, _HEAVY = 0.002, 2.0
_GRAVITY = 9.81


def stuck_objects(
    model: mujoco.MjModel, data: mujoco.MjData, bodies: np.ndarray, objects: Sequence[ObjectModel]
) -> list[int]:
    """Indices of objects that lie in another or in the bin, of two the higher one.

    An object lies in what it has sunk into deeper than contacts give way at rest, or is pressed on with more than twice
    what all objects weigh together.

    Args:
        data: in which everything is at rest; it is not changed.
        bodies: (N,) the objects' body ids.
    """
    awake = mujoco.MjData(model)  # what sleeps has no contacts
    awake.qpos[:], awake.qacc_warmstart[:] = data.qpos, data.qacc_warmstart
    mujoco.mj_forward(model, awake)
    most = _HEAVY * _GRAVITY * sum(item.mass_kg for item in objects)
    index_of = {int(body): index for index, body in enumerate(bodies)}
    force: dict[tuple[int, int], float] = {}
    wrench, pairs = np.zeros(6), set()
    for number in range(awake.ncon):
        contact = awake.contact[number]
        one, other = sorted(index_of.get(int(model.geom_bodyid[geom]), -1) for geom in contact.geom)
        if other < 0:
            continue
        mujoco.mj_contactForce(model, awake, number, wrench)
        force[one, other] = force.get((one, other), 0.0) + float(wrench[0])
        if contact.dist < -_DEEP_M or force[one, other] > most:
            pairs.add((one, other))
    height = awake.xpos[bodies, 2]
    return sorted({one if one >= 0 and height[one] > height[other] else other for one, other in pairs})
