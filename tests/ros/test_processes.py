"""Node, player and operator as processes, with the model that ships: what a user starts, and how it ends."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image
from tf2_msgs.msg import TFMessage

from vlm_picking.bags import open_bag
from vlm_picking.demo import remappings
from vlm_picking.ros.client import OperatorClient
from vlm_picking.ros.conversions import stamp_ns

BAG = Path(__file__).parents[2] / "examples" / "bin"


@pytest.fixture(autouse=True)
def own_domain(monkeypatch):
    """Absolute topics are used here, so nothing else may be in the domain."""
    other = (int(os.environ.get("ROS_DOMAIN_ID", "0")) + 50) % 101 + 1
    monkeypatch.setenv("ROS_DOMAIN_ID", str(other))


@contextmanager
def running(*arguments: str):
    """A Python process that is interrupted at the end of the block; its output is in `lines` after that."""
    child = subprocess.Popen(
        [sys.executable, "-u", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    child.lines = ""
    try:
        yield child
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
        try:
            child.lines, _ = child.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.lines, _ = child.communicate()


def test_node_and_player_and_operator_are_processes_that_end_cleanly():
    node_arguments = ("-m", "vlm_picking.ros.node", "--ros-args", *remappings(BAG))
    with (
        running(*node_arguments) as node,
        running("-m", "vlm_picking.ros.player", str(BAG), "--loop", "--rate", "4") as player,
    ):
        with OperatorClient(pictures=True) as operator:
            operator.wait_until_active(60)
            present = operator.ask("is there an apple?", timeout_s=40)
            picked = operator.ask("pick the red mug", timeout_s=40)
        asked = subprocess.run(
            [sys.executable, "-m", "vlm_picking.ros.client", "open the gripper"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (present.status, picked.status) == ("PRESENT", "PRESENT"), present.answer.reason + picked.answer.reason
    assert picked.grasps.candidates
    assert picked.picture is not None and picked.picture.shape[1] == 640
    assert asked.returncode == 1 and asked.stdout.startswith("FAILED"), asked
    assert (node.returncode, player.returncode) == (0, 0), node.lines + player.lines
    assert "Traceback" not in node.lines + player.lines, node.lines + player.lines


def test_the_player_gives_every_frame_with_its_own_stamp_and_tf_to_late_comers():
    color = "/camera/color/image_raw"
    with open_bag(BAG) as reader:
        images = [c for c in reader.connections if c.topic == color]
        recorded = {stamp_ns(reader.deserialize(raw, c.msgtype).header.stamp) for c, _, raw in reader.messages(images)}
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("listener", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    heard, transforms = set(), []
    node.create_subscription(Image, color, lambda message: heard.add(stamp_ns(message.header.stamp)), 50)
    with running("-m", "vlm_picking.ros.player", str(BAG), "--rate", "4", "--loop") as player:
        end_s = time.monotonic() + 40
        while heard != recorded and player.poll() is None and time.monotonic() < end_s:
            executor.spin_once(timeout_sec=0.1)
        latched = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        node.create_subscription(TFMessage, "/tf_static", transforms.append, latched)
        while not transforms and time.monotonic() < end_s:
            executor.spin_once(timeout_sec=0.1)
    executor.shutdown()
    node.destroy_node()
    context.try_shutdown()
    assert heard == recorded
    assert transforms
    assert player.returncode == 0 and "Traceback" not in player.lines, player.lines


def test_the_player_ends_with_the_bag():
    with open_bag(BAG) as reader:
        count = reader.message_count
    with running("-m", "vlm_picking.ros.player", str(BAG), "--rate", "20", "--clock") as player:
        player.wait(timeout=30)
    assert player.returncode == 0, player.lines
    assert f"published {count} messages" in player.lines


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["nowhere"], "there is no bag at nowhere"), ([str(BAG), "--rate", "0"], "rate must be above 0")],
)
def test_a_player_that_cannot_play_says_why(arguments, words):
    done = subprocess.run(
        [sys.executable, "-m", "vlm_picking.ros.player", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_operator_without_a_node_hears_that_nobody_is_there():
    command = [sys.executable, "-m", "vlm_picking.ros.client", "is there an apple?", "--timeout", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "is /picking_node running" in done.stderr


def test_a_node_with_a_model_that_is_none_stays_up_and_says_so(tmp_path):
    with running("-m", "vlm_picking.ros.node", "--ros-args", "-p", f"model:={tmp_path}") as node:
        with OperatorClient() as operator:
            reply = operator.ask("is there an apple?", timeout_s=20)
            for _ in range(50):
                if str(tmp_path) in reply.answer.reason:
                    break
                time.sleep(0.2)
                reply = operator.ask("is there an apple?", timeout_s=20)
        assert node.poll() is None
    assert reply.status == "FAILED" and str(tmp_path) in reply.answer.reason
    assert node.returncode == 0 and "not configured" in node.lines
