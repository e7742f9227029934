"""An example of a pick planner: takes `grasps`, and gives the poses of the first one that the robot reaches.

    python3 -m vlm_picking.ros.examples.consume_grasps --ros-args -r __ns:=/cell_1 -p robot_frame:=base_link

It publishes three poses of the TCP on `grasp_path` (geometry_msgs/PoseArray, in the robot's base frame, stamped with
the image): before the approach, at contact, and after the retreat. An empty array says that nothing was reachable;
where nobody could look, nothing is published and the log says why. `reachable` is what a robot's own inverse
kinematics goes into.
"""

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
import rclpy
from geometry_msgs.msg import PoseArray
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node

from vlm_picking.errors import FrameError
from vlm_picking.ros.conversions import header_of, pose_from_msg, pose_to_msg, stamp_ns
from vlm_picking.ros.frames import frame_lookup
from vlm_picking.ros.spinning import shut_down, spin_to_the_end
from vlm_picking.transform import Transform
from vlm_picking_msgs.msg import GraspCandidate, GraspCandidateArray


@dataclass(frozen=True)
class Reach:
    """Where the TCP may go, in the robot's base frame.

    Args:
        low_m, high_m: (3,) corners of a box [m].
        nearest_m, farthest_m: distances from the base's origin [m].
    """

    low_m: tuple[float, ...] = (-1.0, -1.0, 0.0)
    high_m: tuple[float, ...] = (1.0, 1.0, 1.2)
    nearest_m: float = 0.2
    farthest_m: float = 0.85

    def refusal(self, position_m: np.ndarray) -> str:
        """Why a position (3,) [m] is out of reach; empty where it is not."""
        if (position_m < self.low_m).any() or (position_m > self.high_m).any():
            return "outside the workspace"
        distance_m = float(np.linalg.norm(position_m))
        if distance_m > self.farthest_m:
            return "too far"
        return "too near" if distance_m < self.nearest_m else ""


def grasp_path(candidate: GraspCandidate, base_from_target: Transform) -> list[Transform]:
    """Poses of the TCP in the robot's base: before the approach, at contact, and after the retreat."""
    base_from_grasp = base_from_target @ pose_from_msg(candidate.pose.pose)

    def moved(direction, distance_m: float) -> Transform:
        step_m = base_from_target.rotation @ np.array([direction.x, direction.y, direction.z]) * distance_m
        return Transform(base_from_grasp.rotation, base_from_grasp.translation_m + step_m)

    before = moved(candidate.approach_direction, -candidate.approach_desired_distance_m)
    return [before, base_from_grasp, moved(candidate.retreat_direction, candidate.retreat_desired_distance_m)]


def reachable(path: list[Transform], reach: Reach) -> str:
    """Why the robot can't follow a path; empty where it can. Put your robot's inverse kinematics here."""
    return next(filter(None, (reach.refusal(pose.translation_m) for pose in path)), "")


def first_reachable(
    grasps: GraspCandidateArray,
    base_from_target: Transform,
    *,
    reach: Reach,
    grippers: tuple[str, ...] = (),
    min_quality: float = 0.0,
) -> tuple[GraspCandidate | None, list[Transform], dict[str, int]]:
    """The best candidate that can be reached, its path, and how many before it were left out for which reason.

    Args:
        base_from_target: from the frame of the grasps to the robot's base.
        grippers: those that are mounted; empty takes all.
    """
    left_out: Counter[str] = Counter()
    for candidate in grasps.candidates:
        if grippers and candidate.gripper_id not in grippers:
            left_out["another gripper"] += 1
        elif candidate.quality < min_quality:
            left_out["poor"] += 1
        elif not math.isfinite(candidate.approach_desired_distance_m + candidate.retreat_desired_distance_m):
            left_out["no length of the approach"] += 1
        elif refusal := reachable(path := grasp_path(candidate, base_from_target), reach):
            left_out[refusal] += 1
        else:
            return candidate, path, dict(left_out)
    return None, [], dict(left_out)


class GraspConsumer(Node):
    """Follows `grasps` and publishes `grasp_path`; its settings are ROS parameters.

    Args:
        options: of rclpy's Node.
    """

    def __init__(self, **options) -> None:
        super().__init__("grasp_consumer", **options)
        default = Reach()
        self._base = self._setting("robot_frame", "base_link")
        self._grippers = tuple(filter(None, self._setting("grippers", [""])))
        self._min_quality = self._setting("min_quality", 0.3)
        self._reach = Reach(
            low_m=tuple(self._setting("workspace_low_m", list(default.low_m))),
            high_m=tuple(self._setting("workspace_high_m", list(default.high_m))),
            nearest_m=self._setting("nearest_m", default.nearest_m),
            farthest_m=self._setting("farthest_m", default.farthest_m),
        )
        self._frames = frame_lookup(self)
        self._path = self.create_publisher(PoseArray, "grasp_path", 5)
        self.create_subscription(GraspCandidateArray, "grasps", self._on_grasps, 5)

    def _setting(self, name: str, default):
        return self.declare_parameter(name, default).value

    def _on_grasps(self, grasps: GraspCandidateArray) -> None:
        log = self.get_logger()
        if grasps.status == GraspCandidateArray.NOT_PLANNED:
            return
        if grasps.status == GraspCandidateArray.FAILED:
            log.warning(f"'{grasps.prompt}': nobody could look: {grasps.message}")
            return
        time_ns = stamp_ns(grasps.header.stamp)
        try:
            base_from_target = self._frames.target_from_source(self._base, grasps.header.frame_id, time_ns)
        except FrameError as error:
            log.error(f"'{grasps.prompt}': {error}")
            return
        best, path, left_out = first_reachable(
            grasps, base_from_target, reach=self._reach, grippers=self._grippers, min_quality=self._min_quality
        )
        why = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
        if best is None:
            log.info(f"'{grasps.prompt}': no grasp of {len(grasps.candidates)} to try ({why or grasps.message})")
        else:
            x, y, z = path[1].translation_m
            log.info(
                f"'{grasps.prompt}': {best.label} with {best.gripper_id}, quality {best.quality:.2f}, "
                f"at ({x:.3f}, {y:.3f}, {z:.3f}) m in {self._base}; before it: {why or 'none'}"
            )
        self._path.publish(PoseArray(header=header_of(self._base, time_ns), poses=[pose_to_msg(pose) for pose in path]))


def main() -> None:
    """Entry point."""
    rclpy.init()
    node = GraspConsumer()
    executor = MultiThreadedExecutor(num_threads=2)  # transforms come in while a callback waits for one
    executor.add_node(node)
    try:
        spin_to_the_end(executor)
    except KeyboardInterrupt:
        pass
    finally:
        executor.shutdown()
        node.destroy_node()
        shut_down()


if __name__ == "__main__":
    main()
