"""The motions of a hand in a cell: approach, close, press, lift, shake and hold, at the speed of a cell."""

from collections.abc import Callable

import mujoco
import numpy as np

from vlm_picking.grasp import Gripper, GripperKind
from vlm_picking.sim.hand import FINGERS, HAND, HAND_PREFIX, TARGET
from vlm_picking.sim.vacuum import Vacuum
from vlm_picking.transform import Transform

LIFT_M = 0.2
"""How far a hand lifts what it holds, at least."""
STEP_S = 0.01
"""How often paths are updated, forces are watched and `on_step` is called."""
TOUCH_N, CRASH_N = 3.0, 25.0
"""On the way to contact: what counts as a collision, and what stops the arm."""
_APPROACH_SPEED, _LIFT_SPEED = 0.15, 0.25  # m/s
_CLOSE_SPEED = 0.06  # m/s a finger
_DWELL_S, _SHAKE_S, _HOLD_S = 0.15, 1.2, 1.0
_SHAKE_M, _SHAKES = 0.015, 2  # along one axis, then along the other: 6.6 m/s^2 at most
_PRESS_M, PRESS_N = 0.006, 10.0
"""How far a cup is pressed on at most, and the force at which the arm stops; bellows give way at about 1 N/mm."""
_CLOSED_M = 5e-4
_REACTION_S = 0.05
"""How long the arm goes on after a crash; an approach is made of legs of this length."""
_STEPS_A_LEG, _LEGS_AT_CONTACT = round(_REACTION_S / STEP_S), 2
_AWAY = np.array([0.0, 0.0, 1.5])

Path = Callable[[float], np.ndarray]
OnStep = Callable[[], None]


class Motions:
    """Moves the hand of a model that `assemble` made with a gripper.

    Args:
        bodies: (N,) the objects' body ids.
        gripper: the hand's.
        vacuum: of a cup; None for jaws.
        on_time: called after every STEP_S that passes.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        data: mujoco.MjData,
        bodies: np.ndarray,
        gripper: Gripper,
        vacuum: Vacuum | None,
        on_time: OnStep,
    ) -> None:
        self._model, self._data, self._bodies, self._gripper = model, data, bodies, gripper
        self._vacuum, self._on_time = vacuum, on_time
        self._hand = model.body(HAND).id
        self._target = int(model.body_mocapid[model.body(TARGET).id])
        names = [model.geom(number).name for number in range(model.ngeom)]
        self._is_hand = np.array([name.startswith(HAND_PREFIX) for name in names])

    @property
    def position_m(self) -> np.ndarray:
        """(3,) the TCP in the world [m]."""
        return self._data.xpos[self._hand].copy()

    @property
    def is_closed(self) -> bool:
        """Whether the jaws met, with nothing between them."""
        return bool(self._data.qpos[self._finger(0)] < _CLOSED_M)

    def wait(self, seconds: float, path: Path | None = None) -> None:
        """Let time pass; `path(share)` gives the hand's position on the way."""
        steps = max(1, round(seconds / STEP_S))
        per_step = max(1, round(STEP_S / self._model.opt.timestep))
        for step in range(steps):
            if path is not None:
                self._data.mocap_pos[self._target] = path((step + 1) / steps)
            mujoco.mj_step(self._model, self._data, per_step)
            self._on_time()

    def park(self) -> None:
        """The hand far away at once, holding nothing; everything stands still."""
        if self._vacuum is not None:
            self._vacuum.release()
        self.jump(Transform(np.eye(3), _AWAY), 0.0)
        self._data.qvel[:] = 0.0

    def jump(self, world_from_hand: Transform, opening_m: float) -> None:
        """Be at a pose at once, the pads `opening_m` apart."""
        model, data = self._model, self._data
        start = model.jnt_qposadr[model.body_jntadr[self._hand]]
        quat = np.zeros(4)
        mujoco.mju_mat2Quat(quat, world_from_hand.rotation.ravel())
        data.qpos[start : start + 7] = [*world_from_hand.translation_m, *quat]
        if self._gripper.kind is GripperKind.PARALLEL_JAW:
            for which in range(len(FINGERS)):
                data.qpos[self._finger(which)] = opening_m / 2
            data.ctrl[:] = opening_m / 2
        data.mocap_pos[self._target] = world_from_hand.translation_m
        data.mocap_quat[self._target] = quat
        mujoco.mj_forward(model, data)

    def approach(self, start: Transform, end: Transform, *, wanted: int) -> tuple[str, bool]:
        """Move straight to contact.

        Args:
            wanted: the body that may be pressed on.

        Returns:
            What was hit on the way, "bin", "neighbour" or "", and whether that stopped the arm.
        """
        a, b = start.translation_m, end.translation_m
        seconds = max(self._gripper.standoff_m / _APPROACH_SPEED, _REACTION_S)
        legs = max(1, round(seconds / _REACTION_S))
        collided, stopped = "", False
        for leg in range(legs + _LEGS_AT_CONTACT):
            near, far = (a + (b - a) * min(end, legs) / legs for end in (leg, leg + 1))
            for step in range(_STEPS_A_LEG):
                there = near + (far - near) * ((step + 1) / _STEPS_A_LEG)
                self.wait(STEP_S, lambda _, there=there: there)
                hit, force = self._touching(wanted)
                if force > TOUCH_N and not collided:
                    collided = hit
                stopped = stopped or force > CRASH_N
                if self._vacuum is not None and self._pressing() > PRESS_N:
                    return collided, stopped
            if stopped:
                break
        return collided, stopped

    def close(self) -> None:
        """Close at a speed that throws nothing, then press with the full force."""
        start, end = float(self._data.ctrl[0]), -0.02
        steps = max(1, round((start - end) / (_CLOSE_SPEED * STEP_S)))
        for step in range(steps):
            self._data.ctrl[:] = start + (end - start) * (step + 1) / steps
            self.wait(STEP_S)
        self.wait(0.1)

    def press(self) -> None:
        """Push the cup's lip onto the surface."""
        axis = self._data.xmat[self._hand].reshape(3, 3)[:, 2].copy()
        start = self._data.mocap_pos[self._target].copy()
        steps = round(0.15 / STEP_S)
        for step in range(steps):
            if self._pressing() > PRESS_N:
                break
            there = start + (step + 1) / steps * _PRESS_M * axis
            self.wait(STEP_S, lambda _, there=there: there)

    def carry(self, lift_m: float) -> None:
        """Lift by `lift_m`, shake and hold."""
        start = self.position_m
        self.wait(_DWELL_S, lambda _: start)  # what the press has squeezed springs back
        top = start + [0.0, 0.0, lift_m]

        def lifted(share: float) -> np.ndarray:
            return start + (top - start) * (share * share * (3 - 2 * share))

        def shaken(share: float) -> np.ndarray:
            axis = np.array([1.0, 0.0, 0.0]) if share < 0.5 else np.array([0.0, 1.0, 0.0])
            return top + _SHAKE_M * np.sin(2 * np.pi * 2 * _SHAKES * share) * axis

        self._watched(1.5 * lift_m / _LIFT_SPEED, lifted)
        self._watched(_SHAKE_S, shaken)
        self._watched(_HOLD_S, lambda _: top)

    def _watched(self, seconds: float, path: Path) -> None:
        steps = max(1, round(seconds / STEP_S))
        for step in range(steps):
            self.wait(STEP_S, lambda _, step=step: path((step + 1) / steps))
            if self._vacuum is not None:
                self._vacuum.watch()

    def _finger(self, which: int) -> int:
        return int(self._model.jnt_qposadr[self._model.joint(FINGERS[which]).id])

    def _pressing(self) -> float:
        """With how much the hand presses on whatever it touches [N]."""
        total, wrench = 0.0, np.zeros(6)
        for number in range(self._data.ncon):
            contact = self._data.contact[number]
            if self._is_hand[contact.geom1] != self._is_hand[contact.geom2]:
                mujoco.mj_contactForce(self._model, self._data, number, wrench)
                total += float(wrench[0])
        return total

    def _touching(self, wanted: int) -> tuple[str, float]:
        """What the hand presses on hardest, apart from the body `wanted`, and the force [N]."""
        name, most = "", 0.0
        wrench = np.zeros(6)
        for number in range(self._data.ncon):
            contact = self._data.contact[number]
            if self._is_hand[contact.geom1] == self._is_hand[contact.geom2]:
                continue
            other = contact.geom2 if self._is_hand[contact.geom1] else contact.geom1
            body = int(self._model.geom_bodyid[other])
            if body == wanted:
                continue
            mujoco.mj_contactForce(self._model, self._data, number, wrench)
            if wrench[0] > most:
                name, most = "neighbour" if body in self._bodies else "bin", float(wrench[0])
        return name, most
