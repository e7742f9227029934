"""A gripper in the simulator: a hand that follows a pose with limited stiffness, with two coupled fingers or a cup.

The hand's frame is the grasp's: origin at the TCP, +z the approach, +y the closing direction. Jaws hold by friction
alone: nothing is welded to a finger. A cup holds what it has sealed on with a force that is limited (see vacuum.py),
and may hang on a neck that bends.
"""

import math
from collections.abc import Sequence

import mujoco

from vlm_picking.grasp import Gripper, GripperKind

HAND, TARGET, FINGERS, HAND_PREFIX = "hand", "hand_target", ("finger_left", "finger_right"), "hand_"
LIP, SWIVEL = "lip", "swivel"
"""The body that vacuum ties an object to, and the neck on which it hangs, a ball joint, if it bends."""
PAD_FRICTION = 0.8
"""Rubber pads on plastic, cardboard or metal; the pads' value holds against every object."""
PAD_TORSION_M = 0.01
"""Friction of a pad against turning, relative to its force: that of a patch of some 19 mm."""
_SOLREF, _LIP_SOLREF = [0.008, 1.0], [0.03, 1.0]
"""60 N press a pad 0.8 mm into a face, as a few millimetres of rubber give way; a lip is softer."""
_STOP_SOLIMP = [0.98, 0.995, 0.0005, 0.5, 2.0]
"""Of the fingers' ends of travel. With MuJoCo's own values 60 N push closed fingers through each other by 15 mm."""
_PALM_HEIGHT_M = 0.06
_ARENA_BYTES = 1 << 27  # for the contacts of a full bin; only what is used becomes memory
_TUBE_M = 0.12
_LIP_KG, _LIP_KG_M2, _LIP_ARMATURE = 0.01, 2e-6, 1e-4
_NECK_PA = 1.7e5
"""How stiff a neck is against bending, relative to the cube of the cup's radius: a tube of rubber (3 MPa), as long as
the radius and from 0.27 to 0.53 of it thick, so 0.6 Nm a radian for 30 mm."""
_RUBBER_S = 0.015
"""Damping, relative to that: a loss factor of 0.3 at the 20 rad/s at which a load swings."""
_TIE_SOLIMP = [0.99, 0.999, 0.001, 0.5, 2.0]
"""Stiff, though the lip weighs next to nothing."""
_GREY, _DARK = [0.25, 0.26, 0.28, 1.0], [0.08, 0.08, 0.09, 1.0]


def held_by_cup(index: int) -> str:
    """The name of the equality that stands for the vacuum between the cup and object `index`."""
    return f"vacuum_{index}"


def add_hand(spec: mujoco.MjSpec, gripper: Gripper, *, n_objects: int) -> None:
    """Add the hand of `gripper` far above the scene, to a model whose bodies "object_0".. are there already."""
    spec.option.timestep = 0.002
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.impratio = 10.0
    spec.option.iterations = 40
    # With few of them the line search fails when both fingers touch, and what they hold is thrown away.
    spec.option.ls_iterations = 50
    spec.option.noslip_iterations = 3
    spec.memory = _ARENA_BYTES
    # What lies at rest costs nothing until something touches it.
    spec.option.enableflags |= mujoco.mjtEnableBit.mjENBL_SLEEP
    aside = [0.0, 0.0, 1.5]
    spec.worldbody.add_body(name=TARGET, pos=aside, mocap=True)
    hand = spec.worldbody.add_body(name=HAND, pos=aside, gravcomp=1.0)
    hand.add_freejoint()
    hand.sleep = mujoco.mjtSleepPolicy.mjSLEEP_NEVER
    hand.explicitinertial = True
    hand.mass, hand.inertia = 1.5, [0.006, 0.006, 0.003]
    hand.ipos, hand.iquat = [0.0, 0.0, -0.06], [1.0, 0.0, 0.0, 0.0]
    weld = spec.add_equality(
        name="arm", type=mujoco.mjtEq.mjEQ_WELD, objtype=mujoco.mjtObj.mjOBJ_BODY, name1=TARGET, name2=HAND
    )
    weld.data[:11] = [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1.0]
    weld.solref = [0.01, 1.0]
    if gripper.kind is GripperKind.PARALLEL_JAW:
        _jaws(spec, hand, gripper)
    else:
        _cup(spec, hand, gripper, n_objects)


def _jaws(spec: mujoco.MjSpec, hand, gripper: Gripper) -> None:
    half_opening, thick = gripper.max_opening_m / 2, gripper.finger_thickness_m
    reach = gripper.finger_length_m
    width, length = gripper.palm_m
    palm = [width / 2, length / 2, _PALM_HEIGHT_M / 2]
    _geom(hand, "palm", mujoco.mjtGeom.mjGEOM_BOX, palm, [0, 0, -reach - palm[2]], _DARK)
    for name, side in zip(FINGERS, (-1.0, 1.0), strict=True):
        finger = hand.add_body(name=name, gravcomp=1.0)
        finger.explicitinertial = True
        finger.mass, finger.inertia = 0.05, [2e-5, 2e-5, 1e-5]
        finger.ipos, finger.iquat = [0.0, 0.0, -reach / 2], [1.0, 0.0, 0.0, 0.0]
        finger.add_joint(
            name=name,
            type=mujoco.mjtJoint.mjJNT_SLIDE,
            axis=[0, side, 0],
            limited=True,
            range=[0.0, half_opening],
            damping=4.0,
            armature=0.05,
            solref_limit=_SOLREF,
            solimp_limit=_STOP_SOLIMP,
        )
        size = [gripper.finger_width_m / 2, thick / 2, reach / 2]
        _geom(finger, name, mujoco.mjtGeom.mjGEOM_BOX, size, [0, side * thick / 2, -reach / 2], _GREY)
        knuckle = [width / 2, gripper.knuckle_m / 2, _PALM_HEIGHT_M / 2]
        place = [0, side * knuckle[1], -reach - knuckle[2]]
        _geom(finger, f"{name}_knuckle", mujoco.mjtGeom.mjGEOM_BOX, knuckle, place, _DARK)
        motor = spec.add_actuator(
            name=name,
            target=name,
            trntype=mujoco.mjtTrn.mjTRN_JOINT,
            gaintype=mujoco.mjtGain.mjGAIN_FIXED,
            biastype=mujoco.mjtBias.mjBIAS_AFFINE,
            ctrllimited=True,
            ctrlrange=[-0.02, half_opening],
            forcelimited=True,
            forcerange=[-gripper.grip_force_n, gripper.grip_force_n],
        )
        motor.gainprm[0], motor.biasprm[1], motor.biasprm[2] = 3000.0, -3000.0, -40.0
    # The fingers are geared together, as those of both grippers are: what lies off centre is pushed to the middle.
    gear = spec.add_equality(
        name="gear",
        type=mujoco.mjtEq.mjEQ_JOINT,
        objtype=mujoco.mjtObj.mjOBJ_JOINT,
        name1=FINGERS[0],
        name2=FINGERS[1],
    )
    gear.data[:5] = [0, 1, 0, 0, 0]


def _cup(spec: mujoco.MjSpec, hand, gripper: Gripper, n_objects: int) -> None:
    radius = gripper.cup_radius_m
    lip = 0.4 * radius + 0.004
    # The lip gives way like rubber; the tube above it does not.
    _geom(hand, "lip", mujoco.mjtGeom.mjGEOM_CYLINDER, [radius, lip / 2, 0], [0, 0, -lip / 2], _DARK, _LIP_SOLREF)
    tube = [min(0.8 * radius, 0.01), _TUBE_M / 2, 0]
    _geom(hand, "tube", mujoco.mjtGeom.mjGEOM_CYLINDER, tube, [0, 0, -lip - tube[1]], _GREY)
    bends_nm = _NECK_PA * radius**3
    held_by = hand.add_body(name=LIP, gravcomp=1.0)
    held_by.explicitinertial = True
    held_by.mass, held_by.inertia = _LIP_KG, [_LIP_KG_M2] * 3
    if gripper.swivel_rad > 0:
        held_by.add_joint(
            name=SWIVEL,
            type=mujoco.mjtJoint.mjJNT_BALL,
            pos=[0.0, 0.0, -lip],
            limited=True,
            range=[0.0, math.degrees(gripper.swivel_rad)],  # the unit of models that are made in memory
            solref_limit=_LIP_SOLREF,
            stiffness=bends_nm,
            damping=_RUBBER_S * bends_nm,
            armature=_LIP_ARMATURE,
        )
    for index in range(n_objects):
        vacuum = spec.add_equality(
            name=held_by_cup(index),
            type=mujoco.mjtEq.mjEQ_WELD,
            objtype=mujoco.mjtObj.mjOBJ_BODY,
            name1=LIP,
            name2=f"object_{index}",
            active=False,
        )
        vacuum.solref = [0.01, 1.0]
        vacuum.solimp = _TIE_SOLIMP


def _geom(body, name: str, shape, size: list, pos: list, rgba: list, solref: Sequence[float] = _SOLREF) -> None:
    body.add_geom(
        name=HAND_PREFIX + name,
        type=shape,
        size=size,
        pos=pos,
        rgba=rgba,
        mass=0.0,
        contype=2,  # the hand's own parts don't meet each other
        conaffinity=1,
        condim=4,
        priority=1,
        friction=[PAD_FRICTION, PAD_TORSION_M, 0.002],
        solref=solref,
    )
