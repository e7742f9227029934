"""Whether the camera sees that the space is empty into which fingers would go."""

import numpy as np

from vlm_picking.grasp import Gripper
from vlm_picking.planning.palm import palm_reach_m
from vlm_picking.planning.scene import Scene

_BEHIND_M = 0.004


def fingers_in_sight(
    scene: Scene,
    gripper: Gripper,
    position_m: np.ndarray,
    between_m: np.ndarray,
    *,
    closing: np.ndarray,
    up: np.ndarray,
) -> np.ndarray:
    """How well (N,) it is seen that there is room, 0..1.

    1 where at least half of each finger's tip ends in space that is seen to be empty; less where the palm's ends are
    beyond the image.

    What the camera does not see, beyond the image's border or behind what it sees, may be more of the object, or a
    wall.

    Args:
        position_m: (N, 3) middles between the tips [m, optical frame].
        between_m: (N,) distance between the fingers' inner faces.
        closing: (N, 3) unit vectors.
        up: (3,) unit vector against the approach.
    """
    across = np.cross(closing, up)
    palm = palm_reach_m(gripper, between_m)[:, None] * closing
    top = position_m + gripper.finger_length_m * up
    ends = scene.pixels_of(np.stack([top - palm, top + palm]))[2]
    faces = [between_m[:, None] / 2 + beyond for beyond in (0.0, gripper.finger_thickness_m)]
    corners = [
        side * face * closing + off * gripper.finger_width_m * across
        for side in (-1, 1)
        for face in faces
        for off in (-0.5, 0.5)
    ]
    empty = _is_seen_empty(scene, position_m + np.stack(corners)).reshape(2, 4, -1)
    seen = np.minimum(2 * empty.mean(axis=1).min(axis=0), 1)
    return seen * np.array([0.25, 0.6, 1.0])[ends[0].astype(int) + ends[1]]


def _is_seen_empty(scene: Scene, points_m: np.ndarray) -> np.ndarray:
    row, column, inside = scene.pixels_of(points_m)
    return inside & (scene.depth_m[row, column] > points_m[..., 2] - _BEHIND_M)
