"""A context may end at any moment of a spin; what a callback raises is another matter."""

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor

from vlm_picking.ros.spinning import spin_to_the_end


def fail():
    raise ValueError("a callback's own fault")


def test_the_end_of_the_context_is_no_error_and_a_callbacks_fault_is_one():
    context = rclpy.Context()
    rclpy.init(context=context)
    executor = SingleThreadedExecutor(context=context)
    node = rclpy.create_node("spinning", context=context)
    executor.add_node(node)
    node.create_timer(0.01, fail)
    with pytest.raises(ValueError, match="own fault"):
        spin_to_the_end(executor)
    context.try_shutdown()
    spin_to_the_end(executor)
    executor.shutdown()
