"""`vlm-picking bench presence | grounding | text`: light to import; each command loads what it measures."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from vlm_picking.bench import picking_commands

bench = typer.Typer(
    name="bench",
    help="Measure on simulated scenes that no training has seen; docs/benchmarks.md defines the figures.",
    no_args_is_help=True,
)
picking_commands.add_to(bench)

Scenes = Annotated[int, typer.Option(min=1, help="How many scenes.")]
Seed = Annotated[int, typer.Option(min=0, help="Which scenes; no seed shares one with another or with training.")]
Model = Annotated[str, typer.Option(help="embedded, a checkpoint's directory, a hub id, or oracle.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, ...")]
Workers = Annotated[int, typer.Option(min=1, help="Processes that render.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
Out = Annotated[Path | None, typer.Option(help="Where figures, tables and pictures go; out/bench/... if not given.")]

_TIMED_FRAMES = 12


@bench.command()
def presence(
    scenes: Scenes = 500,
    seed: Seed = 0,
    model: Model = "embedded",
    device: Device = "auto",
    workers: Workers = 2,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Is it there? Balanced yes and no, in the manner of POPE: random, popular and adversarial negatives."""
    from vlm_picking.bench import presence as benchmark
    from vlm_picking.bench.plots import write_failures, write_reliability
    from vlm_picking.bench.scenes import kinds_by_frequency
    from vlm_picking.bench.subject import Subject

    subject = Subject(model, device=device)
    frames = _Frames(scenes, seed, workers)
    run = benchmark.run_presence(subject, frames, by_frequency=kinds_by_frequency(scenes, seed))
    figures = benchmark.presence_figures(run) | _facts("presence", subject, frames)
    folder = out or Path("out/bench") / f"presence-{seed}"
    _report(folder, "presence", figures, benchmark.presence_rows(run), as_json=as_json)
    write_reliability(
        folder / "reliability.png",
        benchmark.reliability(run),
        title=f"presence, {model}, {scenes} scenes, seed {seed}",
        x="probability that it is there, as answered",
        y="share that is there",
    )
    write_failures(folder / "failures.png", [run.worst])


@bench.command()
def grounding(
    scenes: Scenes = 500,
    seed: Seed = 0,
    model: Model = "embedded",
    device: Device = "auto",
    workers: Workers = 2,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Where is it? Boxes of nouns and colour-nouns, superlatives, relations and counts."""
    from vlm_picking.bench import grounding as benchmark
    from vlm_picking.bench.plots import write_failures, write_reliability
    from vlm_picking.bench.subject import Subject

    subject = Subject(model, device=device)
    frames = _Frames(scenes, seed, workers)
    run = benchmark.run_grounding(subject, frames)
    figures = benchmark.grounding_figures(run, threshold=subject.config.present_threshold)
    figures |= _facts("grounding", subject, frames)
    folder = out or Path("out/bench") / f"grounding-{seed}"
    _report(folder, "grounding", figures, benchmark.grounding_rows(run), as_json=as_json)
    write_reliability(
        folder / "reliability.png",
        benchmark.box_reliability(run),
        title=f"boxes, {model}, {scenes} scenes, seed {seed}",
        x="score of a box",
        y="share that lies on what was asked for",
    )
    write_failures(folder / "failures.png", [run.wrong_answers, run.wrong_boxes])


@bench.command()
def text(
    n: Annotated[int, typer.Option(min=1, help="How many texts.")] = 100_000,
    seed: Annotated[int, typer.Option(min=0, help="Which texts.")] = 0,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Does any reply or sentence crash it? Exit status 1 where one does, or where what is read can't be right."""
    from vlm_picking.bench import text as benchmark

    run = benchmark.run_text(n, seed)
    figures = benchmark.text_figures(run)
    _report(out or Path("out/bench") / f"text-{seed}", "text", figures, benchmark.text_rows(run), as_json=as_json)
    for fault in run.faults:
        print(fault, file=sys.stderr)
    raise typer.Exit(1 if run.faults else 0)


class _Frames:
    """The frames of a run, with a bar on stderr; the first few stay to be timed when the workers are gone."""

    def __init__(self, scenes: int, seed: int, workers: int) -> None:
        self.scenes, self.seed, self.workers = scenes, seed, workers
        self.first: list = []
        self.seconds = 0.0

    def __iter__(self) -> Iterator:
        import time

        from rich.console import Console
        from rich.progress import track

        from vlm_picking.bench.scenes import evaluation_frames

        start = time.monotonic()
        frames = evaluation_frames(scenes=self.scenes, seed=self.seed, workers=self.workers)
        console = Console(stderr=True)
        for frame in track(frames, "scenes", total=self.scenes, console=console, disable=not console.is_terminal):
            if len(self.first) < _TIMED_FRAMES:
                self.first.append(frame)
            yield frame
        self.seconds = time.monotonic() - start


def _facts(benchmark: str, subject, frames: _Frames) -> dict[str, object]:
    from vlm_picking.bench.scenes import scene_seed
    from vlm_picking.bench.speed import milliseconds

    return {
        "benchmark": benchmark,
        "scenes": frames.scenes,
        "seed": frames.seed,
        "first_scene_seed": scene_seed(frames.seed, 0),
        "seconds": frames.seconds,
        "milliseconds": milliseconds(subject, frames.first),
        **subject.facts(),
    }


def _report(
    folder: Path, name: str, figures: Mapping[str, object], rows: list[dict[str, object]], *, as_json: bool
) -> None:
    from rich.console import Console

    from vlm_picking.bench.report import print_tables, to_json, write_report

    write_report(folder, name, figures, rows)
    if as_json:
        print(to_json(figures))
    else:
        print_tables(figures, Console())
        print(f"written to {folder}")
