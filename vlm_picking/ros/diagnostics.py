"""The node's health as diagnostic_msgs, once a second."""

import math
import sys
from collections.abc import Mapping

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from std_msgs.msg import Header

from vlm_picking.ros.health import HealthReport

_POOR_DEPTH_SHARE = 0.5


def diagnostics_to_msg(
    *,
    node_name: str,
    stamp: Time,
    state: str,
    model: str,
    prompt: str,
    fault: str,
    report: HealthReport,
    stale: str,
    publishers: Mapping[str, int],
    topics: Mapping[str, str],
) -> DiagnosticArray:
    """Two statuses: the node itself, and its inputs.

    Args:
        fault: why the node could not be configured, or empty.
        stale: why no frame comes, or empty.
    """
    return DiagnosticArray(
        header=Header(stamp=stamp),
        status=[
            _node_status(node_name, state, model, prompt, fault, report),
            _input_status(node_name, state, report, stale, publishers, topics),
        ],
    )


def _node_status(
    node_name: str, state: str, model: str, prompt: str, fault: str, report: HealthReport
) -> DiagnosticStatus:
    level, message = DiagnosticStatus.OK, state
    if fault:
        level, message = DiagnosticStatus.ERROR, f"{state}: {fault}"
    elif report.last_frame_bad:
        level, message = DiagnosticStatus.ERROR, report.last_error
    elif state != "active":
        level, message = DiagnosticStatus.WARN, f"{state}: activate the node to get answers"
    values = {
        "state": state,
        "model": model,
        "prompt": prompt,
        "frames processed": report.processed,
        "frames dropped": report.dropped,
        "frames unusable": report.bad_frames,
        "latency p50 [ms]": _ms(report.latency_p50_s),
        "latency p95 [ms]": _ms(report.latency_p95_s),
        "last error": report.last_error,
    }
    # While the model loads, torch may be there by half.
    if state.startswith(("active", "inactive")) and (memory := _gpu_memory_mb()):
        values["GPU memory [MB]"] = f"{memory:.0f}"
    return _status(level, f"{node_name}: picking", message, values)


def _input_status(
    node_name: str,
    state: str,
    report: HealthReport,
    stale: str,
    publishers: Mapping[str, int],
    topics: Mapping[str, str],
) -> DiagnosticStatus:
    level, message = DiagnosticStatus.OK, "frames come in"
    if state != "active":
        message = "not subscribed"
    elif stale:
        level, message = DiagnosticStatus.ERROR, stale
    elif report.qos:
        level, message = DiagnosticStatus.WARN, "; ".join(report.qos)
    elif report.valid_depth_share < _POOR_DEPTH_SHARE:
        level, message = (
            DiagnosticStatus.WARN,
            f"only {report.valid_depth_share:.0%} of the depth image has readings",
        )
    values = {f"{name} received": count for name, count in report.received.items()}
    values |= {f"{name} topic": f"{topic} ({publishers.get(name, 0)} publishers)" for name, topic in topics.items()}
    values |= {
        "pairs": report.pairs,
        "pairing skew [ms]": _ms(report.skew_s),
        "valid depth share": "" if math.isnan(report.valid_depth_share) else f"{report.valid_depth_share:.3f}",
        "qos": "; ".join(report.qos),
    }
    return _status(level, f"{node_name}: inputs", message, values)


def _status(level: bytes, name: str, message: str, values: Mapping[str, object]) -> DiagnosticStatus:
    pairs = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
    return DiagnosticStatus(level=level, name=name, message=message, hardware_id="vlm_picking", values=pairs)


def _ms(seconds: float) -> str:
    return "" if math.isnan(seconds) else f"{seconds * 1e3:.1f}"


def _gpu_memory_mb() -> float:
    """What torch holds on the GPU, where torch is loaded and has one."""
    torch = sys.modules.get("torch")
    return torch.cuda.memory_allocated() / 1e6 if torch is not None and torch.cuda.is_available() else 0.0
