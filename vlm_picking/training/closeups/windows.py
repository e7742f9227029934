"""Windows around things of rendered bins, a file a scene: what the close-ups of a training are cut from.

A window shows more than a close-up does, so that a training can shift, turn and zoom. A file SCENE.npz holds

    pixels   (N, 96, 96, 4) uint8 as `closeup.closeups` gives them, WINDOW times the longer side of the box
    side_m   (N,) float32 that longer side [m]; NaN without depth
    kind     (N,) int16 index into the sorted kinds; their number for "none of these"
    visible  (N,) float32 share of the thing that nothing hides; 0 where there is none
"""

import multiprocessing
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vlm_picking.closeup import closeups
from vlm_picking.detections import box_iou
from vlm_picking.sim.kinds import KINDS

CLASSES = tuple(sorted(KINDS))
NONE = len(CLASSES)
WINDOW, WINDOW_PX = 1.8, 96
_WIDTH, _HEIGHT = 640, 480
_LEAST_VISIBLE, _LEAST_PIXELS = 0.25, 150
_MISS_IOU, _LEAST_SIDE_PX = 0.4, 12
_STREAM = 7


@dataclass(frozen=True, kw_only=True)
class WindowJob:
    """What to render: `scenes` scenes from `seed` on, `views` pictures of each, into the folder `out`.

    `unusual` is the share of the objects that take an unusual shape of their kind.
    """

    out: Path
    scenes: int
    seed: int
    views: int = 3
    workers: int = 2
    unusual: float = 0.0


def render_windows(job: WindowJob) -> None:
    """Render `job` with its worker processes; scenes whose file is there are skipped.

    Raises:
        RuntimeError: a worker failed.
    """
    job.out.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_work, args=(job, k), daemon=True) for k in range(job.workers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError(f"a rendering process ended with {[w.exitcode for w in workers]}; its traceback is above")


def window_files(folder: Path) -> list[Path]:
    """The files of a folder that are complete."""
    return sorted(folder.glob("[0-9]*.npz"))


def _work(job: WindowJob, worker: int) -> None:
    import cv2

    from vlm_picking.sim.canvas import open_gl

    cv2.setNumThreads(1)
    gl = open_gl()
    started, done = time.monotonic(), 0
    for number in range(worker, job.scenes, job.workers):
        path = job.out / f"{number:06d}.npz"
        if path.exists():
            continue
        part = path.with_name(f"part-{path.name}")
        np.savez(part, **_windows(job, job.seed + number, gl))
        part.rename(path)
        done += 1
        if done % 50 == 0:
            pace = (time.monotonic() - started) / done
            print(f"worker {worker}: scene {number} of {job.scenes}, {pace:.2f} s a scene", flush=True)
    gl.free()


def _windows(job: WindowJob, seed: int, gl) -> dict[str, np.ndarray]:
    """The windows of all views of a scene."""
    from vlm_picking.sim.render import SceneRenderer
    from vlm_picking.sim.scene import make_scene
    from vlm_picking.sim.sensor import capture
    from vlm_picking.sim.truth import frame_truth
    from vlm_picking.sim.view import random_view, recolour

    rng = np.random.default_rng((seed, _STREAM))
    scene = make_scene(seed, unusual=job.unusual)
    parts = []
    with SceneRenderer(scene, gl=gl) as renderer:
        for view in range(job.views):
            if view:
                recolour(scene, rng)
            rendered = renderer.render(random_view(rng, scene.crate, width=_WIDTH, height=_HEIGHT))
            truth = frame_truth(scene, rendered)
            xyxy, kind, visible = labelled_boxes(truth, rng)
            pixels, side_m = closeups(capture(rendered, rng, stamp_ns=view), xyxy, side_px=WINDOW_PX, context=WINDOW)
            parts.append({"pixels": pixels, "side_m": side_m / WINDOW, "kind": kind, "visible": visible})
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def labelled_boxes(truth, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What to look at: the things that show enough of themselves, and boxes as a detector gets them wrong.

    Args:
        truth: the FrameTruth of a view.

    Returns:
        Boxes (N, 4) [px], the index of the kind (N,) int16, and what is visible (N,) float32.
    """
    things = [
        thing
        for thing in truth.objects
        if (truth.ids == thing.id).sum() >= _LEAST_PIXELS and (thing.kind is None or thing.visible >= _LEAST_VISIBLE)
    ]
    true = np.array([thing.xyxy for thing in truth.objects], np.float64).reshape(-1, 4)
    wrong = [_wrong_box(true, rng) for _ in range(max(2, len(things) // 3))] if len(true) else []
    wrong = [box for box in wrong if (box[2:] - box[:2]).min() >= _LEAST_SIDE_PX]
    wrong = [box for box in wrong if box_iou(box[None], true).max() < _MISS_IOU]
    boxes = np.array([*(thing.xyxy for thing in things), *wrong], np.float64).reshape(-1, 4)
    kinds = [CLASSES.index(thing.kind) if thing.kind else NONE for thing in things]
    visible = [thing.visible for thing in things]
    pad = [0] * len(wrong)
    return boxes, np.array(kinds + [NONE] * len(wrong), np.int16), np.array(visible + pad, np.float32)


def _wrong_box(true: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Beside a thing, a part of it, two things in one, or somewhere: (4,) [px], cut off at the image."""
    box, other = true[rng.integers(len(true), size=2)]
    centre, sides = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
    way = rng.integers(4)
    if way == 0:
        centre, sides = centre + sides * rng.uniform(-0.8, 0.8, 2), sides * np.exp(rng.uniform(-0.5, 0.5, 2))
    elif way == 1:
        part = sides * rng.uniform(0.25, 0.6, 2)
        centre, sides = centre + rng.uniform(-0.5, 0.5, 2) * (sides - part), part
    elif way == 2:
        low, high = np.minimum(box[:2], other[:2]), np.maximum(box[2:], other[2:])
        centre, sides = (low + high) / 2, high - low
    else:
        centre = rng.uniform(0.07, 0.93, 2) * (_WIDTH, _HEIGHT)
    xyxy = np.concatenate([centre - sides / 2, centre + sides / 2])
    return np.clip(xyxy, 0, [_WIDTH, _HEIGHT, _WIDTH, _HEIGHT])
