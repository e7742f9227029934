"""Where the camera stands: transforms at an image's stamp, from tf2_ros, or else from /tf_static."""

from typing import Protocol

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.time import Time

from vlm_picking.errors import FrameError
from vlm_picking.ros.conversions import transform_from_msg
from vlm_picking.transform import Transform

_WAIT_S = 0.1  # for a transform that comes a little later than the image


class FrameLookup(Protocol):
    """Looks transforms up."""

    def target_from_source(self, target: str, source: str, stamp_ns: int) -> Transform:
        """The transform from frame `source` to `target` at `stamp_ns`.

        Raises:
            FrameError: it is not known at that time; the message says what is.
        """

    def stop(self) -> None:
        """End the subscriptions."""


def frame_lookup(node: Node) -> FrameLookup:
    """tf2_ros where it is installed, else the static transforms alone."""
    try:
        import tf2_ros  # noqa: F401
    except ImportError:
        return StaticLookup(node)
    return Tf2Lookup(node)


class Tf2Lookup:
    """The whole of TF, at the stamp of the image and never at 'the latest'."""

    def __init__(self, node: Node) -> None:
        import tf2_ros

        self._error = tf2_ros.TransformException
        self._buffer = tf2_ros.Buffer(cache_time=Duration(seconds=10.0))
        self._listener = tf2_ros.TransformListener(self._buffer, node, spin_thread=False)

    def target_from_source(self, target: str, source: str, stamp_ns: int) -> Transform:
        stamp = Time(nanoseconds=stamp_ns)
        try:
            found = self._buffer.lookup_transform(target, source, stamp, timeout=Duration(seconds=_WAIT_S))
        except self._error as error:
            raise FrameError(f"no transform from '{source}' to '{target}' at the image's stamp: {error}") from error
        return transform_from_msg(found.transform)

    def stop(self) -> None:
        self._listener.unregister()


class StaticLookup:
    """Fixed transforms only; a chain with a moving link is refused, since its time can't be honoured here."""

    def __init__(self, node: Node) -> None:
        from tf2_msgs.msg import TFMessage

        self._node = node
        self._links: dict[str, tuple[str, Transform]] = {}
        self._moving: set[str] = set()
        group = MutuallyExclusiveCallbackGroup()
        latched = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._subscriptions = [
            node.create_subscription(TFMessage, "/tf_static", self._on_static, latched, callback_group=group),
            node.create_subscription(TFMessage, "/tf", self._on_moving, 10, callback_group=group),
        ]

    def target_from_source(self, target: str, source: str, stamp_ns: int) -> Transform:
        links = dict(self._links)
        above_target, above_source = self._chain(target, links), self._chain(source, links)
        common = next((frame for frame in above_source if frame in above_target), None)
        if common is None:
            ends = {next(reversed(chain)) for chain in (above_target, above_source)}
            if moving := sorted(ends & self._moving):
                raise FrameError(
                    f"'{moving[0]}' moves (it is on /tf), and moving transforms need tf2_ros: "
                    "install ros-$ROS_DISTRO-tf2-ros-py"
                )
            known = ", ".join(sorted({*links, *(parent for parent, _ in links.values())})) or "none"
            raise FrameError(
                f"no transform from '{source}' to '{target}' on /tf_static; known frames: {known}. "
                "Publish one, or leave target_frame empty"
            )
        return above_target[common].inverse() @ above_source[common]

    def stop(self) -> None:
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    @staticmethod
    def _chain(frame: str, links: dict[str, tuple[str, Transform]]) -> dict[str, Transform]:
        """Every frame from `frame` to its root -> that frame from `frame`."""
        chain = {frame: Transform.identity()}
        while frame in links:
            parent, parent_from_frame = links[frame]
            if parent in chain:
                raise FrameError(f"/tf_static has a loop through '{parent}'")
            chain[parent] = parent_from_frame @ chain[frame]
            frame = parent
        return chain

    def _on_static(self, message) -> None:
        links = dict(self._links)
        for link in message.transforms:
            try:
                links[link.child_frame_id] = (link.header.frame_id, transform_from_msg(link.transform))
            except ValueError as error:
                self._node.get_logger().error(f"/tf_static: '{link.child_frame_id}' is no transform: {error}")
        self._links = links

    def _on_moving(self, message) -> None:
        self._moving.update(link.child_frame_id for link in message.transforms)
