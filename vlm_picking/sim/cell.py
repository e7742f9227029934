"""A robot cell in physics: a settled scene, a hand, and one pick after the other from start to end.

A pick: approach along the grasp's axis, close with limited force (or seal), lift, shake, hold. Jaws hold by friction;
a cup holds with at most the force that its seal, measured on the true surface, gives it, and lets go beyond that.
"""

from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np

from vlm_picking.grasp import Gripper, GripperKind
from vlm_picking.sim.assembly import assemble
from vlm_picking.sim.canvas import SEEN_GROUPS
from vlm_picking.sim.hand import FINGERS, HAND, HAND_PREFIX, TARGET, held_by_cup
from vlm_picking.sim.scene import Scene
from vlm_picking.sim.seal import VACUUM_PA, seal_share
from vlm_picking.transform import Transform

LIFT_M = 0.2
PRE_OPENING_M = 0.008
"""Jaws come down this much wider than what they will hold."""
_APPROACH_SPEED, _LIFT_SPEED = 0.15, 0.25  # m/s
_CLOSE_SPEED = 0.06  # m/s a finger
_DWELL_S, _SHAKE_S, _HOLD_S = 0.15, 1.2, 1.0
_SHAKE_M, _SHAKES = 0.015, 2  # along one axis, then along the other: 6.6 m/s^2 at most
_PRESS_M = 0.006
_TOUCH_N, _CRASH_N = 3.0, 25.0
_HELD_RISE_M = 0.6 * LIFT_M
_SHEAR = 0.6
"""What a cup holds sideways, relative to what it holds straight."""
_PEEL = 0.8
"""The moment that peels a cup off, relative to force times radius."""
_SMOOTH_S = 0.02

OnStep = Callable[["PickCell"], None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one pick.

    Args:
        held: indices of the objects that hang in the gripper at the end.
        collided: "bin", "neighbour" or "" - what the gripper hit on its way with more than 3 N.
        cause: "" where something hangs in the gripper, else why not: "collision" (it was stopped), "no seal", "missed"
            (nothing between the jaws), "slipped" or "pulled off".
        seal: of the cup, 0..1; 0 for jaws.
    """

    held: tuple[int, ...]
    collided: str
    cause: str
    seal: float = 0.0


class PickCell:
    """A scene with a hand in it; picks change it.

    Args:
        scene: settled; it is brought to where the objects come to rest here (`sync` does so again after a pick).
        gripper: the hand's.
        seed: of surfaces that only pictures show.
    """

    def __init__(self, scene: Scene, gripper: Gripper, *, seed: int = 0) -> None:
        self.scene, self.gripper = scene, gripper
        rng = np.random.default_rng(seed)
        assembly = assemble(tuple(scene.objects), scene.crate, rng, gripper=gripper)
        self.model, self._body = assembly.model, assembly.body
        self.data = mujoco.MjData(self.model)
        self._qpos = self.model.jnt_qposadr[self.model.body_jntadr[self._body]]
        self._hand = self.model.body(HAND).id
        self._target = int(self.model.body_mocapid[self.model.body(TARGET).id])
        names = [self.model.geom(number).name for number in range(self.model.ngeom)]
        self._is_hand = np.array([name.startswith(HAND_PREFIX) for name in names])
        theirs = scene.model.jnt_qposadr[scene.model.body_jntadr[scene.assembly.body]]
        for mine, other in zip(self._qpos, theirs, strict=True):
            self.data.qpos[mine : mine + 7] = scene.data.qpos[other : other + 7]
        self._theirs = theirs
        self._gone: set[int] = set()
        self._park()
        self._run(0.6)
        self.sync()

    def sync(self) -> None:
        """Bring the scene, which is what the camera looks at, to the state of this cell."""
        data = self.scene.data
        for mine, other in zip(self._qpos, self._theirs, strict=True):
            data.qpos[other : other + 7] = self.data.qpos[mine : mine + 7]
        mujoco.mj_forward(self.scene.model, data)

    def pick(self, world_from_grasp: Transform, *, opening_m: float = 0.0, on_step: OnStep | None = None) -> Outcome:
        """Carry out one grasp: the TCP's pose at contact in the world, and how far the pads are apart there [m].

        Args:
            on_step: called after every 10 ms, to film.
        """
        jaws = self.gripper.kind is GripperKind.PARALLEL_JAW
        before = self._centres()
        standoff = world_from_grasp @ Transform(np.eye(3), np.array([0.0, 0.0, -self.gripper.standoff_m]))
        self._teleport(standoff, min(opening_m + PRE_OPENING_M, self.gripper.max_opening_m) if jaws else 0.0)
        collided, stopped = self._approach(standoff, world_from_grasp, on_step)
        seal, cause, sealed = 0.0, "collision" if stopped else "", None
        if not stopped and jaws:
            self._close(on_step)
        elif not stopped:
            sealed, seal = self._press_and_seal(on_step)
            cause = "" if sealed is not None else "no seal"
        pulled = self._carry(sealed, seal, on_step)
        rise = self._centres()[:, 2] - before[:, 2]
        near = np.linalg.norm(self._centres() - self.data.xpos[self._hand], axis=1) < 0.2
        held = tuple(int(i) for i in np.flatnonzero((rise > _HELD_RISE_M) & near) if i not in self._gone)
        if not held and not cause:
            if pulled:
                cause = "pulled off"
            else:
                closed = jaws and self.data.qpos[self._finger(0)] < 5e-4
                cause = "missed" if closed or not jaws else "slipped"
            if jaws and not (rise[list(set(range(len(rise))) - self._gone)] < 0.02).all():
                cause = "slipped"
        return Outcome(held=held, collided=collided, cause=cause, seal=seal)

    def remove(self, indices: tuple[int, ...]) -> None:
        """Take objects out of the cell, and let what lay on them settle."""
        for index in indices:
            self._gone.add(index)
            start = self._qpos[index]
            self.data.qpos[start : start + 7] = [3.0 + index, 0, -5.0, 1, 0, 0, 0]
        self._park()
        self._run(0.8)
        self.sync()

    def inside(self) -> tuple[int, ...]:
        """The objects that still lie in the bin."""
        centre = self._centres()
        reach = np.array(self.scene.crate.inner_m[:2]) / 2 + 0.01
        lies = np.all(np.abs(centre[:, :2]) < reach, axis=1) & (centre[:, 2] > -0.02)
        return tuple(int(i) for i in np.flatnonzero(lies) if i not in self._gone)

    def _centres(self) -> np.ndarray:
        return self.data.xpos[self._body].copy()

    def _finger(self, which: int) -> int:
        return int(self.model.jnt_qposadr[self.model.joint(FINGERS[which]).id])

    def _park(self) -> None:
        """The hand far away, holding nothing; objects that are gone stay where nothing is."""
        if self.gripper.kind is GripperKind.SUCTION:
            self._lip_meets(True)
            for index in range(len(self._body)):
                self.data.eq_active[self.model.equality(held_by_cup(index)).id] = 0
        self._teleport(Transform(np.eye(3), np.array([0.0, 0.0, 1.5])), 0.0)
        self.data.qvel[:] = 0.0

    def _teleport(self, world_from_hand: Transform, opening_m: float) -> None:
        start = self.model.jnt_qposadr[self.model.body_jntadr[self._hand]]
        quat = np.zeros(4)
        mujoco.mju_mat2Quat(quat, world_from_hand.rotation.ravel())
        self.data.qpos[start : start + 7] = [*world_from_hand.translation_m, *quat]
        if self.gripper.kind is GripperKind.PARALLEL_JAW:
            for which in (0, 1):
                self.data.qpos[self._finger(which)] = opening_m / 2
            self.data.ctrl[:] = opening_m / 2
        self._aim(world_from_hand.translation_m, quat)
        mujoco.mj_forward(self.model, self.data)

    def _aim(self, position: np.ndarray, quat: np.ndarray | None = None) -> None:
        self.data.mocap_pos[self._target] = position
        if quat is not None:
            self.data.mocap_quat[self._target] = quat

    def _run(self, seconds: float, on_step: OnStep | None = None, path=None) -> None:
        """Let time pass; `path(share)` gives the hand's position on the way."""
        steps = max(1, round(seconds / 0.01))
        per_step = max(1, round(0.01 / self.model.opt.timestep))
        for step in range(steps):
            if path is not None:
                self._aim(path((step + 1) / steps))
            mujoco.mj_step(self.model, self.data, per_step)
            for index in self._gone:
                self._still(index)
            if on_step is not None:
                on_step(self)

    def _still(self, index: int) -> None:
        """What was taken away neither falls nor comes back."""
        start = self._qpos[index]
        self.data.qpos[start : start + 7] = [3.0 + index, 0, -5.0, 1, 0, 0, 0]
        speed = self.model.jnt_dofadr[self.model.body_jntadr[self._body[index]]]
        self.data.qvel[speed : speed + 6] = 0.0

    def _approach(self, start: Transform, end: Transform, on_step: OnStep | None) -> tuple[str, bool]:
        """Move to contact; what was hit on the way, and whether that stopped the move."""
        seconds = max(self.gripper.standoff_m / _APPROACH_SPEED, 0.05)
        collided, stopped = "", False

        def watch(cell: "PickCell") -> None:
            nonlocal collided, stopped
            hit, force = cell._touching()
            if force > _TOUCH_N and not collided:
                collided = hit
            stopped = stopped or force > _CRASH_N
            if on_step is not None:
                on_step(cell)

        a, b = start.translation_m, end.translation_m
        steps = max(1, round(seconds / 0.05))
        for step in range(steps):
            near, far = a + (b - a) * step / steps, a + (b - a) * (step + 1) / steps
            self._run(0.05, watch, lambda share, near=near, far=far: near + (far - near) * share)
            if stopped:
                break
        else:
            self._run(0.1, watch)
        return collided, stopped

    def _touching(self) -> tuple[str, float]:
        """What the hand presses on hardest that is no object it may touch lightly: its name and the force [N]."""
        name, most = "", 0.0
        wrench = np.zeros(6)
        for number in range(self.data.ncon):
            contact = self.data.contact[number]
            ours = self._is_hand[contact.geom1], self._is_hand[contact.geom2]
            if ours[0] == ours[1]:
                continue
            other = contact.geom2 if ours[0] else contact.geom1
            is_object = self.model.geom_bodyid[other] in self._body
            if is_object and self.model.geom_bodyid[other] == self._wanted:
                continue
            mujoco.mj_contactForce(self.model, self.data, number, wrench)
            if wrench[0] > most:
                name, most = "neighbour" if is_object else "bin", float(wrench[0])
        return name, most

    _wanted = -1

    def wants(self, index: int | None) -> None:
        """Say which object the next picks are for: pressing on it is no collision."""
        self._wanted = -1 if index is None else int(self._body[index])

    def _close(self, on_step: OnStep | None) -> None:
        """Close at a speed that throws nothing, then press with the full force."""
        start, end = float(self.data.ctrl[0]), -0.02
        steps = max(1, round((start - end) / (_CLOSE_SPEED * 0.01)))
        for step in range(steps):
            self.data.ctrl[:] = start + (end - start) * (step + 1) / steps
            self._run(0.01, on_step)
        self._run(0.1, on_step)

    def _press_and_seal(self, on_step: OnStep | None) -> tuple[int | None, float]:
        """Press the cup on; the object that it seals on, and how well."""
        rotation = self.data.xmat[self._hand].reshape(3, 3).copy()
        start = self.data.mocap_pos[self._target].copy()
        self._run(0.15, on_step, lambda share: start + share * _PRESS_M * rotation[:, 2])
        position, rotation = self.data.xpos[self._hand].copy(), self.data.xmat[self._hand].reshape(3, 3).copy()
        hit = np.array([-1], np.int32)
        back = position - 0.02 * rotation[:, 2]
        mujoco.mj_ray(self.model, self.data, back, rotation[:, 2], SEEN_GROUPS, 1, self._hand, hit)
        body = self.model.geom_bodyid[hit[0]] if hit[0] >= 0 else -1
        found = np.flatnonzero(self._body == body)
        if not len(found):
            return None, 0.0
        index = int(found[0])
        seal = seal_share(self.model, self.data, int(body), position, rotation, self.gripper.cup_radius_m)
        if any(part.texture == "porous" for part in self.scene.objects[index].parts if part.visible):
            seal = 0.0  # air goes through
        if seal <= 0:
            return None, 0.0
        self._hold(index)
        return index, seal

    def _hold(self, index: int) -> None:
        equality = self.model.equality(held_by_cup(index)).id
        hand, thing = self._hand, self._body[index]
        inverse, place, turn = np.zeros(4), np.zeros(3), np.zeros(4)
        mujoco.mju_negQuat(inverse, self.data.xquat[hand])
        mujoco.mju_rotVecQuat(place, self.data.xpos[thing] - self.data.xpos[hand], inverse)
        mujoco.mju_mulQuat(turn, inverse, self.data.xquat[thing])
        self.model.eq_data[equality, :3] = 0.0
        self.model.eq_data[equality, 3:6] = place
        self.model.eq_data[equality, 6:10] = turn
        self.model.eq_data[equality, 10] = 1.0
        self.data.eq_active[equality] = 1
        self._lip_meets(False)

    def _lip_meets(self, others: bool) -> None:
        """Held by vacuum, the lip's own pressure against the object would count as a load."""
        lip = self.model.geom(f"{HAND_PREFIX}lip").id
        self.model.geom_contype[lip], self.model.geom_conaffinity[lip] = (2, 1) if others else (0, 0)

    def _carry(self, sealed: int | None, seal: float, on_step: OnStep | None) -> bool:
        """Lift, shake and hold; whether a cup's object was pulled off."""
        start = self.data.xpos[self._hand].copy()
        self._run(_DWELL_S, on_step, lambda _: start)  # what the press has squeezed springs back
        top = start + [0.0, 0.0, LIFT_M]
        limit = seal * VACUUM_PA * np.pi * (0.85 * self.gripper.cup_radius_m) ** 2
        load, pulled = np.zeros(3), False

        def watch(cell: "PickCell") -> None:
            nonlocal load, pulled
            if sealed is not None and not pulled:
                load = load + (cell._load(sealed) - load) * min(1.0, 0.01 / _SMOOTH_S)
                pull, shear, moment = load
                use = np.hypot(max(pull, 0.0) / limit, shear / (_SHEAR * limit))
                peel = moment / (_PEEL * limit * cell.gripper.cup_radius_m)
                if max(use, peel) > 1:
                    pulled = True
                    cell.data.eq_active[cell.model.equality(held_by_cup(sealed)).id] = 0
            if on_step is not None:
                on_step(cell)

        def ease(share: float) -> float:
            return share * share * (3 - 2 * share)

        self._run(1.5 * LIFT_M / _LIFT_SPEED, watch, lambda share: start + (top - start) * ease(share))

        def shaken(share: float) -> np.ndarray:
            axis = np.array([1.0, 0.0, 0.0]) if share < 0.5 else np.array([0.0, 1.0, 0.0])
            return top + _SHAKE_M * np.sin(2 * np.pi * 2 * _SHAKES * share) * axis

        self._run(_SHAKE_S, watch, shaken)
        self._run(_HOLD_S, watch)
        return pulled

    def _load(self, index: int) -> np.ndarray:
        """What the vacuum has to hold now: pull along the cup's axis [N], shear [N] and bending moment [Nm]."""
        equality = self.model.equality(held_by_cup(index)).id
        rows = (self.data.efc_type == mujoco.mjtConstraint.mjCNSTR_EQUALITY) & (self.data.efc_id == equality)
        force = self.data.efc_force[rows]
        if len(force) < 6:
            return np.zeros(3)
        axis = self.data.xmat[self._hand].reshape(3, 3)[:, 2]
        pull = float(force[:3] @ axis)
        shear = float(np.linalg.norm(force[:3] - pull * axis))
        return np.array([pull, shear, float(np.linalg.norm(force[3:6]))])
