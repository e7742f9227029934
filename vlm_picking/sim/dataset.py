"""Rendered training frames with truth: `python -m vlm_picking.sim.dataset OUT --scenes 100 --seed 1000000`.

Written to OUT: images/NNNNNN.jpg, ids/NNNNNN.png (u8 instance map, 0 the background) and a jsonl shard a
worker, index-K.jsonl, one line a frame, written after both files: a reader may start while rendering goes on.

    {"image": "images/000000.jpg", "ids": "ids/000000.png", "scene": 1000000, "objects": [
      {"kind": "mug", "colour": "red", "id": 3, "xyxy": [x0, y0, x1, y1], "visible": 0.83}]}

`kind` is null for a distractor, `colour` null where no word fits what is seen; objects that can't be seen
at all are left out.
"""

import json
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import cv2
import mujoco
import numpy as np
import typer

from vlm_picking.sim.canvas import open_gl
from vlm_picking.sim.render import SceneRenderer
from vlm_picking.sim.scene import make_scene
from vlm_picking.sim.sensor import photograph
from vlm_picking.sim.truth import frame_truth
from vlm_picking.sim.view import random_view, recolour

_JPEG_QUALITY = 92


@dataclass(frozen=True, kw_only=True)
class RenderJob:
    """What to render: `scenes` scenes from `seed` on, `views` pictures of each, `width` x `height` px.

    `unusual` is the share of the objects that take an unusual shape of their kind.
    """

    out: Path
    scenes: int
    seed: int
    views: int
    width: int = 384
    height: int = 288
    workers: int = 2
    unusual: float = 0.0


def render_dataset(job: RenderJob) -> None:
    """Render `job` with its worker processes; scenes whose index shard names them already are skipped."""
    for folder in ("images", "ids"):
        (job.out / folder).mkdir(parents=True, exist_ok=True)
    done = _scenes_done(job)
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_work, args=(job, k, done)) for k in range(job.workers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError(
            f"a rendering process ended with {[w.exitcode for w in workers]}; its traceback is above"
        )


def _scenes_done(job: RenderJob) -> frozenset[int]:
    seen: dict[int, int] = {}
    for shard in job.out.glob("index-*.jsonl"):
        for line in shard.read_text().splitlines():
            scene = json.loads(line)["scene"]
            seen[scene] = seen.get(scene, 0) + 1
    return frozenset(scene for scene, frames in seen.items() if frames >= job.views)


def _work(job: RenderJob, worker: int, done: frozenset[int]) -> None:
    cv2.setNumThreads(1)
    gl = open_gl()
    started, frames = time.monotonic(), 0
    with (job.out / f"index-{worker}.jsonl").open("a") as index:
        for number in range(worker, job.scenes, job.workers):
            seed = job.seed + number
            if seed in done:
                continue
            for line in _render_scene(job, seed, number, gl):
                index.write(json.dumps(line) + "\n")
                index.flush()
                frames += 1
            if (number // job.workers) % 20 == 0:
                pace = 1e3 * (time.monotonic() - started) / frames
                print(f"worker {worker}: scene {number} of {job.scenes}, {pace:.0f} ms a frame", flush=True)
    gl.free()


def _render_scene(job: RenderJob, seed: int, number: int, gl: mujoco.GLContext) -> Iterator[dict]:
    rng = np.random.default_rng((seed, 1))
    scene = make_scene(seed, unusual=job.unusual)
    with SceneRenderer(scene, gl=gl) as renderer:
        for k in range(job.views):
            if k % 2 == 0 and k:
                recolour(scene, rng)
            view = random_view(rng, scene.crate, width=job.width, height=job.height)
            rendered = renderer.render(view)
            name = f"{number * job.views + k:06d}"
            picture = photograph(rendered.rgb, rng)
            quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
            cv2.imwrite(str(job.out / f"images/{name}.jpg"), picture[..., ::-1], quality)
            cv2.imwrite(str(job.out / f"ids/{name}.png"), rendered.ids)
            yield {
                "image": f"images/{name}.jpg",
                "ids": f"ids/{name}.png",
                "scene": seed,
                "objects": [asdict(item) for item in frame_truth(scene, rendered).objects],
            }


def main(
    out: Path,
    scenes: int = 100,
    seed: int = 0,
    views: int = 6,
    size: Annotated[str, typer.Option(help="width x height of a frame [px]")] = "384x288",
    workers: int = 2,
    unusual: Annotated[float, typer.Option(min=0.0, max=1.0, help="share of the objects of an unusual shape")] = 0.0,
) -> None:
    """Render frames with truth into OUT."""
    width, height = (int(v) for v in size.split("x"))
    how = {"width": width, "height": height, "workers": workers, "unusual": unusual}
    render_dataset(RenderJob(out=out, scenes=scenes, seed=seed, views=views, **how))


if __name__ == "__main__":
    typer.run(main)
