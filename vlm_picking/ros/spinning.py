"""Spinning and shutting down where a signal may end the context at any moment, in a thread of its own."""

import rclpy
from rclpy.executors import Executor, ExternalShutdownException


def spin_to_the_end(executor: Executor) -> None:
    """Spin until the executor is shut down or its context ends; what a callback raises comes out."""
    try:
        executor.spin()
    except ExternalShutdownException:
        return
    except Exception:
        # Ended while the executor prepares to wait, a context raises an error of its own kind there.
        if executor.context.ok():
            raise


def shut_down() -> None:
    """End the default context, unless it has ended or a signal ends it right now."""
    try:
        rclpy.try_shutdown()
    except Exception:
        if rclpy.ok():
            raise
