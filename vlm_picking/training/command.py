"""`vlm-picking train`: frames, training, calibrated checkpoint and evaluation, in one command that goes on."""

import json
import os
import shlex
import shutil
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from vlm_picking.errors import ConfigError, did_you_mean
from vlm_picking.training.curve import FIGURES, Curve, plot
from vlm_picking.training.rendering import Renderer, RenderPlan

_FROM_CHECKPOINT_PEAK = 0.3  # more makes a checkpoint worse before it gets better, which takes hours to pay
_VIEWS_A_STEP = 32


def train_command(
    run: Annotated[Path, typer.Argument(help="Folder of the run; one that is there already goes on.")] = Path(
        "out/training"
    ),
    data: Annotated[Path | None, typer.Option(help="Folder of the frames; RUN/data if not given.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where the checkpoint goes; RUN/checkpoint if not given.")] = None,
    start: Annotated[
        str, typer.Option(help="What a new run begins with: embedded, a checkpoint's directory, or none.")
    ] = "embedded",
    minutes: Annotated[float, typer.Option(min=0.01, help="Training time in all, over all calls.")] = 240.0,
    scenes: Annotated[int, typer.Option(min=1, help="Simulated scenes to train on.")] = 3000,
    views: Annotated[int, typer.Option(min=1, help="Pictures of each.")] = 6,
    val_scenes: Annotated[
        int, typer.Option(min=2, help="Scenes to measure and calibrate on, two pictures each.")
    ] = 240,
    fusion_scenes: Annotated[
        int, typer.Option(min=2, help="Scenes to weigh the start's classifier of close-ups against the new detector.")
    ] = 240,
    first_frames: Annotated[int, typer.Option(min=1, help="Training begins when so many frames are there.")] = 1000,
    workers: Annotated[int, typer.Option(help="Processes that render, and that train on a CPU; 0: one a core.")] = 0,
    batch: Annotated[int, typer.Option(help="Views a step and process; 0: 32 a step in all.")] = 0,
    layers: Annotated[int, typer.Option(help="Layers of the vision tower; 0: as in the checkpoint, else 6.")] = 0,
    width: Annotated[int, typer.Option(help="Width of the vision tower; 0: as in the checkpoint, else 192.")] = 0,
    peak: Annotated[
        float, typer.Option(min=0.0, help="Highest learning rate, relative to the usual; 0: 1 from nothing, else 0.3.")
    ] = 0.0,
    keep_start: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of the start's weights in what is written; 0 for long runs.")
    ] = 0.5,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    eval_minutes: Annotated[float, typer.Option(help="Minutes between measurements.")] = 10.0,
    name: Annotated[str, typer.Option(help="What the model calls itself.")] = "embedded",
    seed: Annotated[int, typer.Option(help="Of weights and augmentation.")] = 0,
) -> None:
    """Render bins, train the small detector on them, and write its checkpoint with its evaluation."""
    from vlm_picking.models.loading import require_packages, require_transformers

    require_transformers()
    require_packages(("mujoco", "matplotlib"), why="training")
    from vlm_picking.training.closeups.weighing import weigh
    from vlm_picking.training.export import export
    from vlm_picking.training.schedule import Schedule
    from vlm_picking.training.train import TrainSettings, choose_device, train

    workers = workers or os.cpu_count() or 1
    device = choose_device(device)
    checkpoint = start_checkpoint(start)
    plan = RenderPlan(data=data or run / "data", scenes=scenes, views=views, val_scenes=val_scenes, workers=workers)
    processes = workers if device == "cpu" else 1
    settings = TrainSettings(
        data=plan.data,
        run=run,
        minutes=minutes,
        processes=processes,
        device=device,
        schedule=(Schedule if checkpoint is None else Schedule.going_on)(
            batch=batch or max(_VIEWS_A_STEP // processes, 4)
        ),
        **_shape(checkpoint, layers=layers, width=width),
        start=checkpoint,
        peak=peak or (1.0 if checkpoint is None else _FROM_CHECKPOINT_PEAK),
        eval_minutes=eval_minutes,
        seed=seed,
    )
    run.mkdir(parents=True, exist_ok=True)
    renderer = Renderer(plan, run / "rendering.log")
    try:
        _wait_for_frames(plan, renderer, min(first_frames, plan.wanted("train")))
        with _watched(plan, renderer, run):
            is_done = train(settings)
    except KeyboardInterrupt:
        is_done = False
    finally:
        renderer.stop()
    plot(Curve.read(run / "training.log"), run / "curve.png")
    if not is_done:
        print(f"stopped; nothing is lost. Go on with: {_this_command()}", flush=True)
        raise typer.Exit(130)
    target = out or run / "checkpoint"
    print(f"calibrating and measuring on {plan.data / 'val'} ...", flush=True)
    classifier = _classifier_of(checkpoint)
    grown = settings.layers != _shape(checkpoint, layers=0, width=0)["layers"]  # new layers have nothing to keep
    mix = {"start": checkpoint, "keep": 0.0 if grown else keep_start}
    measured = export(run, plan.data, target, name=name, device=device, classifier=classifier, **mix)
    if classifier is not None:
        print(f"weighing {classifier.name} against it on {fusion_scenes} scenes ...", flush=True)
        weigh(target / classifier.name, detector=str(target), scenes=fusion_scenes)
    shutil.copy(run / "curve.png", target / "curve.png")
    print(json.dumps({key: value for key, value in measured.items() if not key.startswith("ap50_")}, indent=1))
    print(f"checkpoint in {target}, figures in {target / 'evaluation.md'}, curve in {run / 'curve.png'}")
    print(f"use it: vlm-picking ask FRAME SENTENCE --model {target}; train on: the same command with more --minutes")


def start_checkpoint(start: str) -> Path | None:
    """The directory that `start` names; None for "none".

    Raises:
        ConfigError: there is no such checkpoint.
    """
    from vlm_picking.models.registry import EMBEDDED, EMBEDDED_DIRECTORY

    if start == "none":
        return None
    directory = EMBEDDED_DIRECTORY if start == EMBEDDED else Path(start).expanduser()
    if not (directory / "config.json").exists():
        raise ConfigError(
            f"there is no checkpoint to start from at {directory}: {did_you_mean(start, (EMBEDDED, 'none'))} "
            "(or a directory as `vlm-picking train` writes it)"
        )
    return directory


def _classifier_of(checkpoint: Path | None) -> Path | None:
    """The directory of the classifier that a checkpoint brings along."""
    from vlm_picking.models.sidecar import Sidecar

    name = "" if checkpoint is None else Sidecar.read(checkpoint, name=checkpoint.name).classifier
    return checkpoint / name if name else None


def _shape(checkpoint: Path | None, *, layers: int, width: int) -> dict[str, int]:
    """Layers and width that were asked for, else those of the checkpoint to start from, else the usual ones."""
    from vlm_picking.training.network import LAYERS, WIDTH

    vision = {}
    if checkpoint is not None:
        vision = json.loads((checkpoint / "config.json").read_text(encoding="utf-8")).get("vision_config", {})
    return {
        "layers": layers or vision.get("num_hidden_layers", LAYERS),
        "width": width or vision.get("hidden_size", WIDTH),
    }


def _wait_for_frames(plan: RenderPlan, renderer: Renderer, first: int) -> None:
    status = _Status(plan, plan.data)
    told = 0.0
    while plan.rendered("train") < first or plan.rendered("val") < plan.wanted("val"):
        if why := renderer.failure():
            raise ConfigError(why)
        if time.monotonic() - told > 15:
            print(f"{status.rendering()}; training begins at {first:,} and all frames of val", flush=True)
            told = time.monotonic()
        time.sleep(0.5)


@contextmanager
def _watched(plan: RenderPlan, renderer: Renderer, run: Path):
    """While the block runs: a line a minute about it, and the curve anew after every measurement."""
    done = threading.Event()

    def watch() -> None:
        status, drawn = _Status(plan, run), 0
        while not done.wait(60):
            print(status, renderer.failure(), flush=True)
            curve = Curve.read(run / "training.log")
            if len(curve.evaluations) > drawn:
                plot(curve, run / "curve.png")
                drawn = len(curve.evaluations)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


class _Status:
    """How far rendering is and how long it will take, and the last figures of a run."""

    def __init__(self, plan: RenderPlan, run: Path) -> None:
        self._plan, self._run = plan, run
        self._total = plan.wanted("train") + plan.wanted("val")
        self._before, self._since = self._rendered(), time.monotonic()

    def _rendered(self) -> int:
        return self._plan.rendered("train") + self._plan.rendered("val")

    def rendering(self) -> str:
        now = self._rendered()
        new, seconds = now - self._before, time.monotonic() - self._since
        left = ""
        if now < self._total:
            minutes = f"{seconds / new * (self._total - now) / 60:.0f} minutes" if new else "unknown time"
            left = f", {minutes} left"
        return f"frames {now:,} of {self._total:,}{left}"

    def __str__(self) -> str:
        curve = Curve.read(self._run / "training.log")
        parts = [self.rendering()]
        if curve.evaluations:
            last = curve.evaluations[-1]
            figures = ", ".join(f"{name} {last[name]:.3f}" for name in FIGURES if name in last)
            parts.append(f"at minute {last['minutes']:.0f}: {figures}")
        return " | ".join(parts)


def _this_command() -> str:
    return shlex.join(["vlm-picking", *sys.argv[1:]])
