"""How long planning takes: CPU time on one core, candidates and memory, over repeated runs on given frames."""

import resource
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from vlm_picking.depth import filled_depth, normals
from vlm_picking.errors import FrameError
from vlm_picking.frame import RgbdFrame
from vlm_picking.frame_files import read_npz, read_picture
from vlm_picking.grasp import GraspPlan, Gripper
from vlm_picking.planning.planner import REPEATED, WORSE, plan_grasps
from vlm_picking.segmentation import segment_objects
from vlm_picking.support import find_support

_WARM_UP = 3
_MOST_OF_EACH, _MOST = 20, 100
_COLOUR_ENDINGS = ("_color", "_colour", "_rgb")


def read_frames(paths: Sequence[Path], camera: str | None = None) -> dict[str, RgbdFrame]:
    """Read frame files (.npz), and pictures with their depth beside them, as name -> frame.

    A picture NAME_color.png (or NAME.png) has its depth in NAME_depth.npy [m] or NAME_depth.png [mm].

    Args:
        camera: 'fx,fy,cx,cy' for the depth's size or a YAML file, for all pictures; for one it may lie beside it as
            NAME_camera.yaml.

    Raises:
        FrameError: a file is missing or can't be read, or two have one name.
    """
    frames: dict[str, RgbdFrame] = {}
    for path in paths:
        name, frame = (path.stem, read_npz(path)) if path.suffix == ".npz" else _read_beside(path, camera)
        if name in frames:
            raise FrameError(f"two frames are called {name}; rename one of them")
        frames[name] = frame
    return frames


def _read_beside(path: Path, camera: str | None) -> tuple[str, RgbdFrame]:
    name = path.stem
    for ending in _COLOUR_ENDINGS:
        name = name.removesuffix(ending)
    depths = [path.with_name(f"{name}_depth{suffix}") for suffix in (".npy", ".png")]
    depth = next((place for place in depths if place.is_file()), None)
    if depth is None:
        raise FrameError(f"{path} has no depth beside it: neither {depths[0].name} nor {depths[1].name}")
    own = path.with_name(f"{name}_camera.yaml")
    return name, read_picture(path, depth, str(own) if own.is_file() else camera)


def run_planner_bench(
    frames: Mapping[str, RgbdFrame], grippers: Sequence[Gripper], repeats: int = 31
) -> dict[str, object]:
    """Plan for all that geometry finds in each frame, again and again, with all grippers together.

    The floor and the masks are found once beforehand, and holes are filled with them: in the pipeline earlier stages
    do both. Times are CPU time of this process; OpenCV is held to one thread, and numpy should be
    (OMP_NUM_THREADS=1).

    Args:
        frames: name -> frame.
        repeats: runs that count, after three that do not.

    Returns:
        For each frame: objects, checked (grasps that passed every check, collisions included), candidates (those of
        them that were published: no near repetitions, none that is unlikely to hold), by_kind, cpu_ms_median and
        cpu_ms_max, normals_ms (a plain pass of normals over the same depth, run beside it), ratio_to_normals, and how
        much memory the runs left behind: peak_growth_kib of the process and python_growth_kib of what Python still
        holds.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        rows = {name: _measure(frame, grippers, repeats) for name, frame in frames.items()}
    finally:
        cv2.setNumThreads(threads)
    return {"repeats": repeats, "grippers": [gripper.name for gripper in grippers], "frames": rows}


def _measure(frame: RgbdFrame, grippers: Sequence[Gripper], repeats: int) -> dict[str, object]:
    support = find_support(frame)
    found = segment_objects(frame, support)
    depth_m = filled_depth(frame)

    def plan() -> GraspPlan:
        return plan_grasps(frame, found, grippers, support=support, max_per_object=_MOST_OF_EACH, max_candidates=_MOST)

    for _ in range(_WARM_UP):
        result = plan()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = _cpu_ms(plan, repeats)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
    plain = _cpu_ms(lambda: normals(depth_m, frame.camera), repeats)
    median, plain_ms = float(np.median(times)), float(np.median(plain))
    kinds = [candidate.kind.value for candidate in result.candidates]
    return {
        "size": f"{frame.camera.width}x{frame.camera.height}",
        "objects": len(found),
        "checked": len(kinds) + sum(result.rejected.get(reason, 0) for reason in (REPEATED, WORSE)),
        "candidates": len(kinds),
        "by_kind": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
        "cpu_ms_median": round(median, 2),
        "cpu_ms_max": round(max(times), 2),
        "normals_ms": round(plain_ms, 2),
        "ratio_to_normals": round(median / max(plain_ms, 1e-6), 1),
        "peak_growth_kib": int(grown),
        "python_growth_kib": round(_python_growth_kib(plan), 1),
    }


def _cpu_ms(call: Callable[[], object], repeats: int) -> list[float]:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(1e3 * (time.process_time() - start))
    return times


def _python_growth_kib(call: Callable[[], object]) -> float:
    """What Python holds more after five further runs."""
    tracemalloc.start()
    try:
        call()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(5):
            call()
        return (tracemalloc.get_traced_memory()[0] - before) / 1024
    finally:
        tracemalloc.stop()
