"""What a cup holds: no more than its seal on the true surface gives it.

The vacuum is a stiff tie at the middle of the lip between the cup and the object that it sealed on, read like a load
cell in every step. Vacuum presses the object on the lip with a force; a pull along the axis takes from that force, a
push adds to it. What is left gives friction against shear and stands the moment that would tip the object off over the
lip's edge. When load needs more than there is, the tie is cut for good. Twist about the axis makes a lip slip but does
not open it, so it is not counted. On a neck that bends the cup tilts towards what pulls it to one side.
"""

import mujoco
import numpy as np

from vlm_picking.grasp import Gripper
from vlm_picking.sim.canvas import SEEN_GROUPS
from vlm_picking.sim.hand import HAND, HAND_PREFIX, LIP, SWIVEL, held_by_cup
from vlm_picking.sim.kinds.model import ObjectModel
from vlm_picking.sim.seal import seal_share

SHEAR = 0.6
"""Friction of a rubber lip: 0.5 to 0.6 on dry smooth surfaces in makers' tables."""
PEEL = 0.8
"""The moment that peels a cup off, relative to force times radius; a rigid cup tips over its edge at 1.0."""
_SUCKED = 0.85
"""The radius under vacuum, relative to the lip's outer one."""
_BEHIND_M = 0.02
_SMOOTH_S, _STEP_S = 0.02, 0.01


def holding_force_n(seal: float, gripper: Gripper) -> float:
    """The straight pull [N] that a cup stands with a seal of 0..1."""
    return seal * gripper.vacuum_pa * np.pi * (_SUCKED * gripper.cup_radius_m) ** 2


def needed_force_n(pull_n: float, shear_n: float, moment_nm: float, radius_m: float) -> float:
    """The force [N] with which vacuum must press an object on the lip to stand a load; a pull below 0 is a push."""
    return float(pull_n + np.hypot(shear_n / SHEAR, moment_nm / (PEEL * radius_m)))


def is_tight(thing: ObjectModel) -> bool:
    """Whether a surface holds air at all; a sponge's does not."""
    return not any(part.texture == "porous" for part in thing.parts if part.visible)


class Vacuum:
    """The cup of a hand, and the object that hangs on it.

    Args:
        model, data: of the cell.
        bodies: (N,) the objects' body ids; `things` are their models.
        gripper: whose lip's radius and vacuum count.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        data: mujoco.MjData,
        bodies: np.ndarray,
        things: tuple[ObjectModel, ...],
        gripper: Gripper,
    ) -> None:
        self._model, self._data, self._bodies, self._things = model, data, bodies, things
        self._gripper = gripper
        self._hand, self._lip = model.body(HAND).id, model.body(LIP).id
        self._held: int | None = None
        self._limit_n = 0.0
        self._load = np.zeros(3)
        self.torn = False

    def seal(self) -> float:
        """Seal on what is before the cup, and hold it from now on; how well it seals, 0 where it does not."""
        position = self._data.xpos[self._hand].copy()
        rotation = self._data.xmat[self._hand].reshape(3, 3).copy()
        hit = np.array([-1], np.int32)
        back = position - _BEHIND_M * rotation[:, 2]
        mujoco.mj_ray(self._model, self._data, back, rotation[:, 2], SEEN_GROUPS, 1, self._hand, hit)
        body = self._model.geom_bodyid[hit[0]] if hit[0] >= 0 else -1
        found = np.flatnonzero(self._bodies == body)
        if not len(found):
            return 0.0
        index = int(found[0])
        share = self.share(index, position, rotation)
        if share > 0:
            self._tie(index)
            self._limit_n = holding_force_n(share, self._gripper)
        return share

    def share(self, index: int, position: np.ndarray, rotation: np.ndarray) -> float:
        """How well a cup at a pose in the world would seal on object `index`, 0..1."""
        if not is_tight(self._things[index]):
            return 0.0
        body = int(self._bodies[index])
        return seal_share(self._model, self._data, body, position, rotation, self._gripper.cup_radius_m)

    @property
    def holds(self) -> bool:
        return self._held is not None

    @property
    def load(self) -> np.ndarray:
        """(3,) what the tie held when it was last read: pull along the axis [N], shear [N], bending moment [Nm]."""
        return self._load.copy()

    def watch(self) -> None:
        """Note the load of now, and let go where it is more than the seal stands."""
        if self._held is None:
            return
        self._load = self._load + (self._forces(self._held) - self._load) * min(1.0, _STEP_S / _SMOOTH_S)
        if needed_force_n(*self._load, self._gripper.cup_radius_m) > self._limit_n:
            self._data.eq_active[self._equality(self._held)] = 0
            self._held, self.torn = None, True

    def release(self) -> None:
        """Hold nothing; ready for the next pick."""
        for index in range(len(self._bodies)):
            self._data.eq_active[self._equality(index)] = 0
        self._held, self._load, self.torn = None, np.zeros(3), False
        if self._gripper.swivel_rad > 0:
            self._data.joint(SWIVEL).qpos[:] = [1.0, 0.0, 0.0, 0.0]
            self._data.joint(SWIVEL).qvel[:] = 0.0
        self._lip_meets(True)

    def _tie(self, index: int) -> None:
        equality, thing = self._equality(index), self._bodies[index]
        inverse, turn = np.zeros(4), np.zeros(4)
        mujoco.mju_negQuat(inverse, self._data.xquat[self._hand])
        mujoco.mju_mulQuat(turn, inverse, self._data.xquat[thing])
        lip = self._data.xpos[self._hand] - self._data.xpos[thing]
        # Tied at the lip, so that the moment which is read is the one about the lip.
        self._model.eq_data[equality, :3] = self._data.xmat[thing].reshape(3, 3).T @ lip
        self._model.eq_data[equality, 3:6] = 0.0
        self._model.eq_data[equality, 6:10] = turn
        self._model.eq_data[equality, 10] = 1.0
        self._data.eq_active[equality] = 1
        self._held = index
        self._lip_meets(False)

    def _equality(self, index: int) -> int:
        return int(self._model.equality(held_by_cup(index)).id)

    def _lip_meets(self, others: bool) -> None:
        """Held by vacuum, the lip's own pressure against the object would count as a load."""
        lip = self._model.geom(f"{HAND_PREFIX}lip").id
        self._model.geom_contype[lip], self._model.geom_conaffinity[lip] = (2, 1) if others else (0, 0)

    def _forces(self, index: int) -> np.ndarray:
        """What the tie holds now: pull along the cup's axis [N], shear [N] and bending moment [Nm]."""
        data = self._data
        rows = (data.efc_type == mujoco.mjtConstraint.mjCNSTR_EQUALITY) & (data.efc_id == self._equality(index))
        force = data.efc_force[rows]
        if len(force) < 6:
            return np.zeros(3)
        axis = data.xmat[self._lip].reshape(3, 3)[:, 2]
        pull = float(force[:3] @ axis)
        shear = float(np.linalg.norm(force[:3] - pull * axis))
        # MuJoCo's rows for rotation count in half angles, in the second body's frame.
        moment = 0.5 * data.xmat[self._bodies[index]].reshape(3, 3) @ force[3:6]
        bending = float(np.linalg.norm(moment - (moment @ axis) * axis))
        return np.array([pull, shear, bending])
