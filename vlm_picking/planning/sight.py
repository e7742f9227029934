"""Whether the camera sees that the space is empty into which fingers would go."""

import numpy as np

from vlm_picking.compiled import compiled
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
    camera = scene.camera
    lens = camera.fx, camera.fy, camera.cx, camera.cy
    finger = gripper.finger_thickness_m, gripper.finger_width_m, gripper.finger_length_m
    palm_m = palm_reach_m(gripper, between_m)
    return _in_sight(scene.depth_m, lens, position_m, between_m, palm_m, closing, up.copy(), finger)


@compiled
def _in_sight(
    depth_m: np.ndarray, lens: tuple[float, float, float, float], position_m: np.ndarray, between_m: np.ndarray,
    palm_m: np.ndarray, closing: np.ndarray, up: np.ndarray, finger: tuple[float, float, float],
) -> np.ndarray:  # fmt: skip
    """See `fingers_in_sight`.

    Args:
        lens: fx, fy, cx and cy [px].
        palm_m: (N,) how far the palm reaches to either side.
        finger: its thickness, width and length [m].
    """
    thickness, width, length = finger
    point, across, seen = np.empty(3), np.empty(3), np.empty(len(position_m))
    for n in range(len(position_m)):
        for k in range(3):
            i, j = (k + 1) % 3, (k + 2) % 3
            across[k] = closing[n, i] * up[j] - closing[n, j] * up[i]
        ends, least = 0, 4
        for side in (-1, 1):
            for k in range(3):
                point[k] = position_m[n, k] + length * up[k] + side * palm_m[n] * closing[n, k]
            ends += _pixel(depth_m, lens, point) >= 0
            empty = 0
            for face in (between_m[n] / 2, between_m[n] / 2 + thickness):
                for off in (-0.5, 0.5):
                    for k in range(3):
                        point[k] = position_m[n, k] + side * face * closing[n, k] + off * width * across[k]
                    pixel = _pixel(depth_m, lens, point)
                    empty += pixel >= 0 and depth_m.ravel()[pixel] > point[2] - _BEHIND_M
            least = min(least, empty)
        seen[n] = min(least / 2, 1.0) * (0.25 if ends == 0 else 0.6 if ends == 1 else 1.0)
    return seen


@compiled
def _pixel(depth_m: np.ndarray, lens: tuple[float, float, float, float], point: np.ndarray) -> int:
    """The flat index of the pixel that shows a point (3,) [m, optical frame]; -1 outside the image."""
    z = max(point[2], 1e-3)
    column, row = np.rint(point[0] * lens[0] / z + lens[2]), np.rint(point[1] * lens[1] / z + lens[3])
    if column < 0 or row < 0 or column >= depth_m.shape[1] or row >= depth_m.shape[0]:
        return -1
    return int(row) * depth_m.shape[1] + int(column)
