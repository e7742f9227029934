"""Results as plain values, for JSON."""

import math
from typing import Any

from vlm_picking.result import PickResult


def to_dict(result: PickResult) -> dict[str, Any]:
    """All of a result that others compute with, as JSON types; poses are in the camera's optical frame [m]."""
    centers = {thing.id: thing.center_m for thing in result.objects}
    detections = result.detections
    return {
        "prompt": result.prompt,
        "kind": result.query.kind.value if result.query else None,
        "status": result.answer.status.value,
        "confidence": round(result.answer.confidence, 4),
        "text": result.answer.text,
        "count": result.answer.count,
        "reason": result.answer.reason,
        "model": result.model,
        "stamp_ns": result.stamp_ns,
        "frame_id": result.frame_id,
        "detections": [
            {
                "id": int(detections.id[i]),
                "label": str(detections.label[i]),
                "score": round(float(detections.score[i]), 4),
                "xyxy": [round(float(v), 1) for v in detections.xyxy[i]],
                "center_m": _rounded(centers.get(int(detections.id[i]))),
            }
            for i in range(len(detections))
        ],
        "grasps": [
            {
                "id": grasp.id,
                "object_id": grasp.object_id,
                "kind": grasp.kind.value,
                "gripper": grasp.gripper,
                "quality": round(grasp.quality, 4),
                "position_m": _rounded(grasp.camera_from_grasp.translation_m),
                "quaternion_xyzw": _rounded(grasp.camera_from_grasp.quaternion_xyzw),
                "width_m": round(grasp.opening_m, 4),
                "pregrasp_opening_m": round(grasp.pregrasp_opening_m, 4),
                "clearance_m": round(grasp.clearance_m, 4) if math.isfinite(grasp.clearance_m) else None,
                "reason": grasp.reason,
            }
            for grasp in result.grasps
        ],
        "rejected": dict(result.rejected),
        "timings_ms": {name: round(value, 2) for name, value in result.timings_ms.items()},
    }


def _rounded(values: Any) -> list[float] | None:
    return None if values is None else [round(float(v), 5) for v in values]
