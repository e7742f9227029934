"""A robot cell in physics: a settled scene, a hand, and one pick after the other from start to end.

A pick: approach along the grasp's axis, close with limited force (or seal), lift out of the bin, shake, hold. Jaws hold
by friction; a cup holds with at most the force that its seal, measured on the true surface, gives it, and lets go
beyond that.
"""

from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np

from vlm_picking.grasp import Gripper, GripperKind
from vlm_picking.sim.assembly import assemble
from vlm_picking.sim.motions import LIFT_M, STEP_S, Motions
from vlm_picking.sim.parting import stuck_objects
from vlm_picking.sim.scene import Scene
from vlm_picking.sim.vacuum import Vacuum
from vlm_picking.transform import Transform

_HELD_RISE_M, _HELD_WITHIN_M = 0.6 * LIFT_M, 0.2
_MOVED_M = 0.02
_OVER_THE_WALLS_M = 0.02
_SETTLE_S, _SETTLE_TRIES, _AT_REST_M_S = 0.6, 5, 0.003
_CALM_STEPS, _CALMED = 40, 0.3
_PARTINGS, _DROP_STEPS, _DROP_CALMED, _OVER_M = 6, 120, 0.8, 0.01
_STATE = mujoco.mjtState.mjSTATE_INTEGRATION


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
        theirs = scene.model.jnt_qposadr[scene.model.body_jntadr[scene.assembly.body]]
        for mine, other in zip(self._qpos, theirs, strict=True):
            self.data.qpos[mine : mine + 7] = scene.data.qpos[other : other + 7]
        self._theirs = theirs
        self._gone: set[int] = set()
        self._wanted = -1
        self._on_step: Callable[[PickCell], None] | None = None
        suction = gripper.kind is GripperKind.SUCTION
        things = tuple(scene.objects)
        self.vacuum = Vacuum(self.model, self.data, self._body, things, gripper) if suction else None
        self._hand = Motions(self.model, self.data, self._body, gripper, self.vacuum, self._after_step)
        self._hand.park()
        self._calm(_CALM_STEPS, _CALMED)
        self._settle()
        self._part()
        self._rest = self._state()
        self.restart()

    @property
    def body_of_object(self) -> np.ndarray:
        """(N,) the body ids of the scene's objects in this cell's model."""
        return self._body

    def sync(self) -> None:
        """Bring the scene, which is what the camera looks at, to the state of this cell."""
        data = self.scene.data
        for mine, other in zip(self._qpos, self._theirs, strict=True):
            data.qpos[other : other + 7] = self.data.qpos[mine : mine + 7]
        mujoco.mj_forward(self.scene.model, data)

    def restart(self) -> None:
        """Bring the cell back to how it was before its first pick; what was taken out lies there again."""
        mujoco.mj_resetData(self.model, self.data)  # wakes what is at rest
        mujoco.mj_setState(self.model, self.data, self._rest, _STATE)
        self._gone.clear()
        if self.vacuum is not None:
            self.vacuum.release()
        mujoco.mj_forward(self.model, self.data)
        self.sync()

    def take_over(self, other: "PickCell") -> None:
        """Bring this cell, which has another gripper, to the state in which `other` is."""
        mujoco.mj_resetData(self.model, self.data)
        for mine, its in zip(self._qpos, other._qpos, strict=True):
            self.data.qpos[mine : mine + 7] = other.data.qpos[its : its + 7]
        self._gone = set(other._gone)
        self._hand.park()
        self.sync()

    def wants(self, index: int | None) -> None:
        """Say which object the next picks are for: pressing on it is no collision."""
        self._wanted = -1 if index is None else int(self._body[index])

    def pick(
        self,
        world_from_grasp: Transform,
        *,
        pregrasp_opening_m: float = 0.0,
        on_step: Callable[["PickCell"], None] | None = None,
    ) -> Outcome:
        """Carry out one grasp: the TCP's pose at contact in the world, and how far the pads come down apart [m].

        Args:
            on_step: called after every 10 ms, to film.
        """
        before = self._centres()
        standoff = world_from_grasp @ Transform(np.eye(3), np.array([0.0, 0.0, -self.gripper.standoff_m]))
        opening_m = min(pregrasp_opening_m, self.gripper.max_opening_m) if self.vacuum is None else 0.0
        if self.vacuum is not None:
            self.vacuum.release()
        self._on_step, seal, met = on_step, 0.0, False
        self._hand.jump(standoff, opening_m)
        collided, stopped = self._hand.approach(standoff, world_from_grasp, wanted=self._wanted)
        if not stopped and self.vacuum is None:
            self._hand.close()
            met = self._hand.is_closed
        elif not stopped:
            self._hand.press()
            seal = self.vacuum.seal()
        # Shaken between walls that are higher than that, it would be the wall that is tested.
        self._hand.carry(max(LIFT_M, self.scene.crate.inner_m[2] + _OVER_THE_WALLS_M))
        self._on_step = None
        rise = self._centres()[:, 2] - before[:, 2]
        near = np.linalg.norm(self._centres() - self._hand.position_m, axis=1) < _HELD_WITHIN_M
        held = tuple(int(i) for i in np.flatnonzero((rise > _HELD_RISE_M) & near) if i not in self._gone)
        cause = "" if held else "collision" if stopped else self._why(seal, met, rise)
        return Outcome(held=held, collided=collided, cause=cause, seal=seal)

    def _why(self, seal: float, met: bool, rise: np.ndarray) -> str:
        """Why nothing hangs in a gripper that came down unharmed."""
        if self.vacuum is not None:
            return "no seal" if seal <= 0 else "pulled off" if self.vacuum.torn else "missed"
        lifted = any(rise[index] >= _MOVED_M for index in range(len(rise)) if index not in self._gone)
        return "missed" if met and not lifted else "slipped"

    def remove(self, indices: tuple[int, ...]) -> None:
        """Take objects out of the cell, and let what lay on them settle."""
        self._gone.update(indices)
        self._hold_back()
        self._hand.park()
        self._settle()
        self.sync()

    def inside(self) -> tuple[int, ...]:
        """The objects that still lie in the bin."""
        centre = self._centres()
        reach = np.array(self.scene.crate.inner_m[:2]) / 2 + 0.01
        lies = np.all(np.abs(centre[:, :2]) < reach, axis=1) & (centre[:, 2] > -0.02)
        return tuple(int(i) for i in np.flatnonzero(lies) if i not in self._gone)

    def _centres(self) -> np.ndarray:
        return self.data.xpos[self._body].copy()

    def _state(self) -> np.ndarray:
        state = np.empty(mujoco.mj_stateSize(self.model, _STATE))
        mujoco.mj_getState(self.model, self.data, state, _STATE)
        return state

    def _settle(self) -> None:
        """Let everything come to rest; what still rolls after a while rolls on."""
        for _ in range(_SETTLE_TRIES):
            self._hand.wait(_SETTLE_S)
            if np.abs(self.data.cvel[self._body, 3:]).max(initial=0.0) < _AT_REST_M_S:
                break

    def _calm(self, steps: int, kept: float) -> None:
        """Let time pass, in which everything keeps only a share of its speed from step to step.

        Things that meet here, and did not in the simpler shapes in which they settled, so part without a jump.
        """
        for _ in range(steps):
            self._hand.wait(STEP_S)
            self.data.qvel[:] *= kept

    def _part(self) -> None:
        """Take out what is stuck in something (see parting.py), and let it sink onto the pile anew."""
        objects, half = self.scene.objects, np.array(self.scene.crate.inner_m[:2]) / 2
        size = np.array([np.linalg.norm(item.half_extents_m) for item in objects])
        for _ in range(_PARTINGS):
            stuck = stuck_objects(self.model, self.data, self._body, objects)
            if not stuck:
                return
            positions = self.data.qpos.copy()
            mujoco.mj_resetData(self.model, self.data)  # wakes what is at rest
            self.data.qpos[:] = positions
            self._hand.park()
            for index in stuck:
                start = self._qpos[index]
                place = self.data.qpos[start : start + 3]
                room = np.maximum(half - size[index], 0)
                place[:2] = np.clip(place[:2], -room, room)
                place[2] = (self._centres()[:, 2] + size).max() + size[index] + _OVER_M
                mujoco.mj_forward(self.model, self.data)
            self._calm(_DROP_STEPS, _DROP_CALMED)
            self._settle()

    def _after_step(self) -> None:
        self._hold_back()
        if self._on_step is not None:
            self._on_step(self)

    def _hold_back(self) -> None:
        """What was taken out neither falls nor comes back."""
        for index in self._gone:
            start = self._qpos[index]
            self.data.qpos[start : start + 7] = [3.0 + index, 0, -5.0, 1, 0, 0, 0]
            speed = self.model.jnt_dofadr[self.model.body_jntadr[self._body[index]]]
            self.data.qvel[speed : speed + 6] = 0.0
