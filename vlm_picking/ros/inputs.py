"""The node's inputs: subscriptions to the camera, paired into what the worker decodes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos import qos_policy_name_from_kind as policy_name
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from vlm_picking.errors import FrameError
from vlm_picking.frame import RgbdFrame
from vlm_picking.ros.conversions import frame_from_msgs, stamp_ns
from vlm_picking.ros.health import Health
from vlm_picking.ros.pairing import Arrival, Pair, Side, StampPairing


def sensor_qos(*, reliable: bool) -> QoSProfile:
    """Volatile and, unless `reliable`, best effort hears every publisher; depth 1 keeps latency from piling up."""
    return QoSProfile(
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.VOLATILE,
        history=HistoryPolicy.KEEP_LAST,
        depth=1,
    )


@dataclass(frozen=True, eq=False)
class CameraPair:
    """Colour and depth as messages, with the camera_info of both as far as it has come."""

    pair: Pair
    color_info: CameraInfo | None
    depth_info: CameraInfo | None
    color_info_topic: str

    def decode(self) -> RgbdFrame:
        """The frame in metres and RGB.

        Raises:
            FrameError: it can't be used; the message names the fix.
        """
        if self.color_info is None:
            raise FrameError(
                f"no camera_info on {self.color_info_topic}: grasps need the intrinsics; "
                "let the driver publish it, or remap it"
            )
        return frame_from_msgs(
            color=self.pair.color.message,
            depth=self.pair.depth.message,
            color_info=self.color_info,
            depth_info=self.depth_info,
        )


class CameraInputs:
    """Subscribes while it is started; hands every pair on.

    Args:
        on_pair: called with each pair from the executor; must return at once.
    """

    def __init__(self, node: Node, *, health: Health, on_pair: Callable[[CameraPair], None]) -> None:
        self._node = node
        self._health = health
        self._on_pair = on_pair
        self._group = MutuallyExclusiveCallbackGroup()
        self._subscriptions = []
        self._infos: dict[Side, CameraInfo] = {}
        self.topics: dict[str, str] = {}

    def start(self, *, compressed: bool, reliable: bool, slop_s: float) -> None:
        self._qos = sensor_qos(reliable=reliable)
        self._pairing = StampPairing(slop_s)
        self._infos = {}
        image_type = CompressedImage if compressed else Image
        suffixes = {"color": "/compressed", "depth": "/compressedDepth"} if compressed else {"color": "", "depth": ""}
        for side in ("color", "depth"):
            self._subscribe(side, image_type, f"{side}/image{suffixes[side]}", partial(self._on_image, side))
            self._subscribe(f"{side}_info", CameraInfo, f"{side}/camera_info", partial(self._on_info, side))

    def stop(self) -> None:
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions = []

    def publishers(self) -> dict[str, int]:
        """How many publishers each input has."""
        return {name: self._node.count_publishers(topic) for name, topic in self.topics.items()}

    def _subscribe(self, name: str, message_type: type, topic: str, callback: Callable) -> None:
        def on_incompatible(event: Any) -> None:
            text = f"a publisher of {topic} offers another {policy_name(event.last_policy_kind)} than is asked for"
            self._health.incompatible_qos(f"{text}; set reliable to false")
            self._node.get_logger().warning(f"{text}; nothing will come from it, unless reliable is set to false")

        subscription = self._node.create_subscription(
            message_type,
            topic,
            callback,
            self._qos,
            callback_group=self._group,
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=on_incompatible),
        )
        self._subscriptions.append(subscription)
        self.topics[name] = subscription.topic_name

    def _on_info(self, side: Side, message: CameraInfo) -> None:
        self._health.received(f"{side}_info")
        self._infos[side] = message

    def _on_image(self, side: Side, message: Image | CompressedImage) -> None:
        self._health.received(side)
        arrival = Arrival(message, stamp_ns(message.header.stamp), time.monotonic())
        pair = self._pairing.add(side, arrival)
        if pair is None:
            self._health.missed(self._pairing.nearest_miss_s)
            return
        self._health.paired(pair.skew_s, time.monotonic())
        self._on_pair(CameraPair(pair, self._infos.get("color"), self._infos.get("depth"), self.topics["color_info"]))
