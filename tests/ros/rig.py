"""A camera, a picking node and its listeners: real nodes over DDS, each rig in its own namespace."""

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor, SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image

from tests.ros.toys import ToyDetector, toy_frame
from vlm_picking.config import PickingConfig
from vlm_picking.frame import RgbdFrame
from vlm_picking.gripper_files import load_gripper
from vlm_picking.models.suite import ModelSuite
from vlm_picking.pipeline import PickingPipeline
from vlm_picking.ros.client import OperatorClient
from vlm_picking.ros.conversions import header_of, image_to_msg, info_to_msg
from vlm_picking.ros.node import PickingNode

_numbers = itertools.count()
BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
RELIABLE = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)


def toy_pipeline(detector: ToyDetector) -> Callable[[PickingConfig], PickingPipeline]:
    """What the node calls to load its pipeline, with the toy detector instead of a trained model."""

    def load(config: PickingConfig) -> PickingPipeline:
        grippers = tuple(load_gripper(name) for name in config.grippers)
        return PickingPipeline(config, models=ModelSuite.of(detector), grippers=grippers)

    return load


class Camera:
    """Publishes frames as a driver does."""

    def __init__(self, node: Any, qos: QoSProfile = qos_profile_sensor_data) -> None:
        self._color = node.create_publisher(Image, "color/image", qos)
        self._depth = node.create_publisher(Image, "depth/image", qos)
        self._color_info = node.create_publisher(CameraInfo, "color/camera_info", qos)
        self._depth_info = node.create_publisher(CameraInfo, "depth/camera_info", qos)

    def send(
        self, frame: RgbdFrame, *, color: Any = None, depth: Any = None, info: bool = True, skew_ns: int = 0
    ) -> None:
        """Publish a frame; `color` and `depth` make other messages from a header, False leaves one out."""
        header = header_of(frame.frame_id, frame.stamp_ns)
        late = header_of(frame.frame_id, frame.stamp_ns + skew_ns)
        if info:
            self._color_info.publish(info_to_msg(frame.camera, header))
            self._depth_info.publish(info_to_msg(frame.camera, late))
        if color is not False:
            self._color.publish(color(header) if color else image_to_msg(frame.rgb, "rgb8", header))
        if depth is not False:
            self._depth.publish(depth(late) if depth else image_to_msg(frame.depth_m, "32FC1", late))

    @contextmanager
    def streaming(self, *names: str, hz: float = 20.0, start_ns: int = 10**9, **options: Any):
        """Publish the named toys again and again, while the block runs."""
        stop = threading.Event()

        def stream() -> None:
            for number in itertools.count():
                self.send(toy_frame(*names, stamp_ns=start_ns + int(number * 1e9 / hz)), **options)
                if stop.wait(1 / hz):
                    return

        thread = threading.Thread(target=stream, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


class Rig:
    """A picking node with a toy detector, a camera, an operator, and ears on any topic."""

    def __init__(
        self,
        *,
        load: Callable[[PickingConfig], PickingPipeline] | None = None,
        camera_qos: QoSProfile = qos_profile_sensor_data,
        **parameters: Any,
    ) -> None:
        self.namespace = f"/rig_{next(_numbers)}"
        self.detector = ToyDetector()
        self.heard: dict[str, list[Any]] = defaultdict(list)
        self._heard_more = threading.Condition()
        self._node_context, self._ears_context = rclpy.Context(), rclpy.Context()
        rclpy.init(context=self._node_context)
        rclpy.init(context=self._ears_context)
        self.node = PickingNode(
            context=self._node_context,
            namespace=self.namespace,
            load=load or toy_pipeline(self.detector),
            parameter_overrides=[Parameter(name, value=value) for name, value in parameters.items()],
        )
        self.ears = rclpy.create_node("ears", namespace=self.namespace, context=self._ears_context)
        self.camera = Camera(self.ears, camera_qos)
        self._executors = [
            MultiThreadedExecutor(num_threads=4, context=self._node_context),
            SingleThreadedExecutor(context=self._ears_context),
        ]
        for executor, node in zip(self._executors, (self.node, self.ears), strict=True):
            executor.add_node(node)
        self._threads = [threading.Thread(target=self._spin, args=(e,), daemon=True) for e in self._executors]
        for thread in self._threads:
            thread.start()
        self.operator = OperatorClient(namespace=self.namespace)

    @staticmethod
    def _spin(executor: Any) -> None:
        try:
            executor.spin()
        except ExternalShutdownException:
            pass

    def __enter__(self) -> "Rig":
        return self

    def __exit__(self, *exception: object) -> None:
        self.operator.close()
        self.node.close()
        for executor, thread in zip(self._executors, self._threads, strict=True):
            executor.shutdown()
            thread.join(timeout=5)
        self.node.destroy_node()
        self.ears.destroy_node()
        self._node_context.try_shutdown()
        self._ears_context.try_shutdown()

    def hear(self, message_type: type, topic: str, qos: Any = RELIABLE) -> None:
        """Collect the messages of a topic in `heard`."""

        def collect(message: Any) -> None:
            with self._heard_more:
                self.heard[topic].append(message)
                self._heard_more.notify_all()

        self.ears.create_subscription(message_type, topic, collect, qos)

    def wait_for(
        self, topic: str, wanted: Callable[[Any], bool] = lambda message: True, *, timeout_s: float = 5.0
    ) -> Any:
        """The first message on a topic that is as wanted, those that came before included."""
        with self._heard_more:
            self._heard_more.wait_for(lambda: any(map(wanted, self.heard[topic])), timeout=timeout_s)
            found = [message for message in self.heard[topic] if wanted(message)]
        assert found, f"nothing as wanted on {topic}; {len(self.heard[topic])} messages, last: {self.heard[topic][-1:]}"
        return found[0]

    def forget(self) -> None:
        with self._heard_more:
            self.heard.clear()

    def call(self, service_type: type, name: str, request: Any, *, timeout_s: float = 5.0) -> Any:
        """Call a service and wait for what comes back."""
        client = self.ears.create_client(service_type, name)
        assert client.wait_for_service(timeout_sec=timeout_s), f"nobody serves {name}"
        future, done = client.call_async(request), threading.Event()
        future.add_done_callback(lambda _: done.set())
        assert done.wait(timeout_s), f"no reply from {name}"
        self.ears.destroy_client(client)
        return future.result()


def eventually(condition: Callable[[], bool], *, timeout_s: float = 5.0) -> None:
    """Wait until a condition holds, and fail where it does not in time."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, "it did not come true in time"
        time.sleep(0.02)
