"""Frames for a training, rendered by a process of its own: `python -m vlm_picking.training.rendering DATA ...`.

It outlives the training that started it and is found again: whoever starts next neither renders the same twice nor
waits for it to end.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from vlm_picking.errors import ConfigError

TRAIN_SEED, VAL_SEED = 1_000_000, 5_000_000
# Most things take an unusual shape, so that a word comes to mean the kind and not its usual measures; enough keep the
# usual ones, for those are what validation and evaluation mostly show.
UNUSUAL = 0.6


@dataclass(frozen=True, kw_only=True)
class RenderPlan:
    """What a training wants to find in `data`/train and `data`/val; val is rendered first.

    Args:
        data: the folder.
        scenes, views: training scenes and pictures of each.
        val_scenes, val_views: the same for validation.
        width, height: of a picture [px].
        workers: rendering processes.
    """

    data: Path
    scenes: int = 3000
    views: int = 6
    val_scenes: int = 240
    val_views: int = 2
    width: int = 512
    height: int = 384
    workers: int = 2

    def wanted(self, part: str) -> int:
        """How many frames of "train" or "val" the plan has."""
        return self.scenes * self.views if part == "train" else self.val_scenes * self.val_views

    def rendered(self, part: str) -> int:
        """How many of them are there."""
        shards = (self.data / part).glob("index*.jsonl")
        return min(sum(shard.read_bytes().count(b"\n") for shard in shards), self.wanted(part))

    def is_complete(self) -> bool:
        return all(self.rendered(part) >= self.wanted(part) for part in ("train", "val"))


class Renderer:
    """The process that renders a plan.

    Args:
        plan: what to render; what is there already is kept.
        log: file for its output.

    Raises:
        ConfigError: the folder holds frames of another plan.
    """

    def __init__(self, plan: RenderPlan, log: Path) -> None:
        self._log = log
        self._process: subprocess.Popen | None = None
        if plan.is_complete():
            return
        plan.data.mkdir(parents=True, exist_ok=True)
        _check_names(plan.data / "train", plan.views, TRAIN_SEED)
        _check_names(plan.data / "val", plan.val_views, VAL_SEED)
        lock = os.open(plan.data / ".rendering", os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)  # another renderer is at work on the same folder
            return
        for part, views in (("train", plan.views), ("val", plan.val_views)):
            mend(plan.data / part, views=views)
        with log.open("ab") as stream:
            # Its own session: Ctrl-C is for the training, which ends the renderer itself.
            self._process = subprocess.Popen(
                _command(plan), stdout=stream, stderr=stream, pass_fds=[lock], start_new_session=True
            )
        os.close(lock)  # the process holds its own copy until it ends

    def failure(self) -> str:
        """Why the process has failed, by the end of its log; empty when it has not."""
        if self._process is None or not self._process.poll():
            return ""
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"rendering failed ({lines[-1] if lines else 'no output'}); all of it is in {self._log}"

    def stop(self) -> None:
        """End the process and its workers."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait()


def mend(folder: Path, *, views: int) -> None:
    """Forget what an interrupted renderer left half done: lines cut off, and scenes that lack views."""
    entries = {shard: _entries(shard) for shard in sorted(folder.glob("index-*.jsonl"))}
    views_of: dict[int, set[str]] = {}
    for entry in (entry for found in entries.values() for entry in found):
        views_of.setdefault(entry["scene"], set()).add(entry["image"])
    seen: set[str] = set()
    for shard, found in entries.items():
        kept = []
        for entry in found:
            if len(views_of[entry["scene"]]) >= views and entry["image"] not in seen:
                seen.add(entry["image"])
                kept.append(json.dumps(entry) + "\n")
        if (whole := "".join(kept).encode()) != shard.read_bytes():
            part = shard.with_suffix(".part")
            part.write_bytes(whole)
            part.replace(shard)


def _entries(shard: Path) -> list[dict]:
    return [json.loads(line) for line in shard.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def _check_names(folder: Path, views: int, seed: int) -> None:
    """A picture's name says its scene and its place among the scene's views: other plans would write over it."""
    for shard in folder.glob("index*.jsonl"):
        for entry in _entries(shard):
            if int(Path(entry["image"]).stem) // views != entry["scene"] - seed:
                raise ConfigError(
                    f"{folder} holds frames of other scenes or with other than {views} views; give another folder, "
                    "or render no more than it has (--scenes, --views)"
                )


def _command(plan: RenderPlan) -> list[str]:
    options = {
        "scenes": plan.scenes,
        "views": plan.views,
        "val-scenes": plan.val_scenes,
        "val-views": plan.val_views,
        "size": f"{plan.width}x{plan.height}",
        "workers": plan.workers,
    }
    flags = [word for key, value in options.items() for word in (f"--{key}", str(value))]
    return [sys.executable, "-m", "vlm_picking.training.rendering", str(plan.data), *flags]


def main(
    data: Path,
    scenes: int = RenderPlan.scenes,
    views: int = RenderPlan.views,
    val_scenes: int = RenderPlan.val_scenes,
    val_views: int = RenderPlan.val_views,
    size: Annotated[str, typer.Option(help="width x height of a frame [px]")] = "512x384",
    workers: int = 2,
) -> None:
    """Render DATA/val, then DATA/train: the latter with unusual shapes."""
    from vlm_picking.sim.dataset import RenderJob, render_dataset

    width, height = (int(v) for v in size.split("x"))
    size_and_workers = {"width": width, "height": height, "workers": workers}
    render_dataset(RenderJob(out=data / "val", scenes=val_scenes, seed=VAL_SEED, views=val_views, **size_and_workers))
    train = RenderJob(
        out=data / "train", scenes=scenes, seed=TRAIN_SEED, views=views, unusual=UNUSUAL, **size_and_workers
    )
    render_dataset(train)


if __name__ == "__main__":
    typer.run(main)
