"""`vlm-picking train-closeups`: windows, training, fusion with the detector, and the checkpoint, in one command."""

import json
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from vlm_picking.errors import ConfigError

TRAIN_SEED, VAL_SEED = 1_000_000, 5_000_000
_PER_CHECK_S = 0.5


def train_closeups_command(
    run: Annotated[Path, typer.Argument(help="Folder of the run; one that is there already goes on.")] = Path(
        "out/closeups"
    ),
    data: Annotated[Path | None, typer.Option(help="Folder of the windows; RUN/data if not given.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where the checkpoint goes; RUN/checkpoint if not given.")] = None,
    start: Annotated[
        str, typer.Option(help="What a new run begins with: embedded, a checkpoint's directory, or none.")
    ] = "embedded",
    minutes: Annotated[float, typer.Option(min=0.01, help="Training time in all, over all calls.")] = 120.0,
    scenes: Annotated[int, typer.Option(min=1, help="Simulated scenes to train on, three pictures each.")] = 4000,
    val_scenes: Annotated[int, typer.Option(min=1, help="Scenes to measure on.")] = 120,
    first_scenes: Annotated[int, typer.Option(min=1, help="Training begins when so many are there.")] = 200,
    fusion_scenes: Annotated[int, typer.Option(min=2, help="Scenes to weigh detector and classifier on.")] = 240,
    detector: Annotated[str, typer.Option(help="The detector whose boxes are looked at.")] = "embedded",
    peak: Annotated[
        float, typer.Option(min=0.0, help="Highest learning rate, relative to the usual; 0: 1 from nothing, else 0.5.")
    ] = 0.0,
    keep_start: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of the start's weights in what is written; 0 for long runs.")
    ] = 0.5,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    name: Annotated[str, typer.Option(help="What the model calls itself.")] = "embedded closeup",
    workers: Annotated[int, typer.Option(help="Processes that render; 0: one a core.")] = 0,
    seed: Annotated[int, typer.Option(help="Of weights and changes.")] = 0,
) -> None:
    """Train the classifier that looks closely at the boxes of the embedded detector, and write its checkpoint."""
    from vlm_picking.models.loading import require_packages, require_transformers

    require_transformers()
    require_packages(("mujoco",), why="training")
    from vlm_picking.training.closeups.train import CloseupTraining, train
    from vlm_picking.training.train import choose_device

    workers = workers or os.cpu_count() or 1
    settings = CloseupTraining(
        data=data or run / "data",
        run=run,
        minutes=minutes,
        start=_start(start),
        peak=peak or (1.0 if start == "none" else 0.5),
        device=choose_device(device),
        seed=seed,
    )
    renderer = multiprocessing.get_context("spawn").Process(
        target=_render, args=(settings.data, scenes, val_scenes, workers)
    )
    renderer.start()
    try:
        _wait_for_windows(settings.data, renderer, scenes=min(first_scenes, scenes), val_scenes=val_scenes)
        train(settings)
    except KeyboardInterrupt:
        print("stopped; nothing is lost: the same command goes on", flush=True)
        raise typer.Exit(130) from None
    finally:
        renderer.terminate()
        renderer.join()
    target = out or run / "checkpoint"
    kept = (settings.start, keep_start)
    figures = write(run, settings.data, target, detector=detector, name=name, fusion_scenes=fusion_scenes, kept=kept)
    print(json.dumps(figures, indent=1))
    print(f"checkpoint in {target}; use it: vlm-picking ask FRAME SENTENCE --classification-model {target}")


def write(
    run: Path,
    data: Path,
    out: Path,
    *,
    detector: str,
    name: str = "embedded closeup",
    fusion_scenes: int = 240,
    kept: tuple[Path | None, float] = (None, 0.0),
) -> dict[str, object]:
    """Write a run's checkpoint, weighed against a detector.

    Args:
        kept: the checkpoint that the run began with, and its share in what is written.

    Returns:
        The figures that the sidecar holds under "measured".

    Raises:
        ConfigError: the run has no state yet.
    """
    from vlm_picking.training.closeups.train import averaged_network, checkpoint_weights, measure, write_checkpoint
    from vlm_picking.training.closeups.weighing import weigh
    from vlm_picking.training.mixing import mix

    model, training = averaged_network(run)
    start, share = kept
    if start is not None and share > 0:
        mix(model, checkpoint_weights(start), share)
    measured = {"training": training, "classes": measure(model, data / "val")}
    write_checkpoint(model, out, name=name, words=_words(), measured=measured)
    return weigh(out, detector=detector, scenes=fusion_scenes)


def _words() -> dict[str, tuple[str, ...]]:
    """Synonyms and categories, each with the classes that it stands for."""
    from vlm_picking.training.lexicon import known_categories, simulator_lexicon

    lexicon = simulator_lexicon()
    synonyms = {noun: (kind,) for kind, names in lexicon.nouns.items() for noun in names if noun != kind}
    return synonyms | known_categories(lexicon)


def _start(start: str) -> Path | None:
    from vlm_picking.models.registry import EMBEDDED, EMBEDDED_DIRECTORY

    if start == "none":
        return None
    directory = EMBEDDED_DIRECTORY / "closeup" if start == EMBEDDED else Path(start).expanduser()
    if not (directory / "config.json").exists():
        raise ConfigError(f"there is no checkpoint to start from at {directory}; give its directory, or none")
    return directory


def _render(data: Path, scenes: int, val_scenes: int, workers: int) -> None:
    from vlm_picking.training.closeups.windows import WindowJob, render_windows
    from vlm_picking.training.rendering import UNUSUAL

    # Ctrl-C is for the training; told to end, the workers end with this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    render_windows(WindowJob(out=data / "val", scenes=val_scenes, seed=VAL_SEED, views=1, workers=workers))
    train = WindowJob(out=data / "train", scenes=scenes, seed=TRAIN_SEED, workers=workers, unusual=UNUSUAL)
    render_windows(train)


def _wait_for_windows(data: Path, renderer, *, scenes: int, val_scenes: int) -> None:
    from vlm_picking.training.closeups.windows import window_files

    told = 0.0
    while True:
        have, have_val = (len(window_files(data / part)) for part in ("train", "val"))
        if have >= scenes and have_val >= val_scenes:
            return
        if not renderer.is_alive():
            raise ConfigError("rendering failed; its traceback is above")
        if time.monotonic() - told > 15:
            print(
                f"scenes {have} of {scenes}, for measuring {have_val} of {val_scenes}; then training begins", flush=True
            )
            told = time.monotonic()
        time.sleep(_PER_CHECK_S)
