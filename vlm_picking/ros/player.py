"""Plays a recorded bag onto its topics at the pace it was recorded, where rosbag2 is not installed."""

import importlib
import sys
import threading
import time
from pathlib import Path
from typing import Annotated, Any

import rclpy
import typer
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.utilities import remove_ros_args
from rosgraph_msgs.msg import Clock

from vlm_picking.bags import open_bag
from vlm_picking.errors import BagError, PickingError
from vlm_picking.ros.spinning import shut_down, spin_to_the_end

_QUEUE = 10
_LATCHED = QoSProfile(depth=_QUEUE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_CLOCK_TOPIC = "/clock"


class BagPlayer(Node):
    """Publishes a bag's messages as they were recorded, with their own stamps.

    Args:
        path: the bag.
        rate: how many times faster than recorded.
        loop: start over at the end; stamps then jump back, as with `ros2 bag play --loop`.
        clock: publish /clock as well, for nodes with use_sim_time.

    Raises:
        BagError: the bag can't be read, or nothing in it can be published.
    """

    def __init__(self, path: Path, *, rate: float = 1.0, loop: bool = False, clock: bool = False) -> None:
        super().__init__("bag_player")
        if not rate > 0:
            raise BagError(f"the rate must be above 0, got {rate}")
        self._path = path
        self._rate = rate
        self._loop = loop
        self._stopped = threading.Event()
        self._publishers_by_topic: dict[str, Any] = {}
        self._clock_publisher = self.create_publisher(Clock, _CLOCK_TOPIC, _QUEUE) if clock else None

    def play(self) -> int:
        """Play to the end, or until `stop` where it loops; the number of messages that were published."""
        with open_bag(self._path) as reader:
            if any(connection.msgtype.count("/") != 2 or not reader.is2 for connection in reader.connections):
                raise BagError(f"{self._path} is a ROS 1 bag; convert it with rosbags-convert first")
            connections = [
                c for c in reader.connections if c.topic != _CLOCK_TOPIC and self._advertise(c.topic, c.msgtype)
            ]
            if not connections:
                raise BagError(f"{self._path} holds no topic whose message type is installed here")
            count = 0
            while True:
                count += self._play_once(reader, connections)
                if not self._loop or self._stopped.is_set():
                    break
        if self.context.ok():
            for publisher in self._publishers_by_topic.values():
                publisher.wait_for_all_acked(Duration(seconds=1.0))
        return count

    def stop(self) -> None:
        """End `play` at the next message."""
        self._stopped.set()

    def _play_once(self, reader: Any, connections: list[Any]) -> int:
        start_s, first_ns, count = time.monotonic(), None, 0
        for connection, recorded_ns, data in reader.messages(connections):
            first_ns = recorded_ns if first_ns is None else first_ns
            due_s = start_s + (recorded_ns - first_ns) * 1e-9 / self._rate
            if self._stopped.wait(max(0.0, due_s - time.monotonic())) or not self.context.ok():
                break
            if self._clock_publisher is not None:
                self._clock_publisher.publish(_clock_msg(recorded_ns))
            self._publishers_by_topic[connection.topic].publish(bytes(data))
            count += 1
        return count

    def _advertise(self, topic: str, type_name: str) -> bool:
        """Make the publisher of a topic; False, with a warning, where its message type is not installed."""
        if topic in self._publishers_by_topic:
            return True
        package, _, name = type_name.split("/")
        try:
            message_type = getattr(importlib.import_module(f"{package}.msg"), name)
        except (ImportError, AttributeError):
            self.get_logger().warning(f"{topic} is left out: the message type {type_name} is not installed")
            return False
        qos = _LATCHED if topic.rsplit("/", 1)[-1] == "tf_static" else _QUEUE
        self._publishers_by_topic[topic] = self.create_publisher(message_type, topic, qos)
        return True


def _clock_msg(time_ns: int) -> Clock:
    message = Clock()
    message.clock.sec, message.clock.nanosec = divmod(time_ns, 1_000_000_000)
    return message


def play(
    bag: Annotated[Path, typer.Argument(help="Folder of a rosbag2 recording, or its .mcap or .db3 file.")],
    rate: Annotated[float, typer.Option(help="How many times faster than recorded.")] = 1.0,
    loop: Annotated[bool, typer.Option("--loop", help="Start over at the end.")] = False,
    clock: Annotated[bool, typer.Option("--clock", help="Publish /clock, for nodes with use_sim_time.")] = False,
) -> None:
    """Play a bag; topics are remapped as for every node: --ros-args -r /old:=/new."""
    rclpy.init(args=sys.argv)
    executor, spinning, player = SingleThreadedExecutor(), None, None
    try:
        player = BagPlayer(bag, rate=rate, loop=loop, clock=clock)
        executor.add_node(player)
        spinning = threading.Thread(target=_spin, args=(executor, player))
        spinning.start()
        print(f"published {player.play()} messages of {bag}")
    except PickingError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        pass
    finally:
        executor.shutdown()
        shut_down()  # wakes the thread below wherever it waits
        if spinning is not None:
            spinning.join()
        if player is not None:
            player.destroy_node()


def _spin(executor: SingleThreadedExecutor, player: BagPlayer) -> None:
    """Serve the node's parameters; the end of the context ends the playing too."""
    try:
        spin_to_the_end(executor)
    finally:
        player.stop()


def main() -> None:
    """Entry point; the arguments of ROS are left to rclpy."""
    app = typer.Typer(add_completion=False)
    app.command()(play)
    app(args=remove_ros_args(sys.argv)[1:])


if __name__ == "__main__":
    main()
