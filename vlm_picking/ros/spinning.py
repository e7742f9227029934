"""Spinning that ends with the context, however the executor learns of its end."""

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
