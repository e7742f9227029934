"""`vlm-picking bench picks | clear | planner | encode-once`: light to import; each loads what it measures."""

from pathlib import Path
from typing import Annotated

import typer

Seed = Annotated[int, typer.Option(min=0, help="Which scenes; no seed shares one with another or with training.")]
Model = Annotated[str, typer.Option(help="embedded, a checkpoint's directory, a hub id, or oracle.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, ...")]
Grippers = Annotated[str, typer.Option("--gripper", help="Names or YAML files, with commas; the best one picks.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes; one is this process itself.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
Out = Annotated[Path | None, typer.Option(help="Where figures, tables and films go; out/bench/... if not given.")]
Frames = Annotated[list[Path], typer.Argument(help="Frame files (.npz), or NAME_color.png with NAME_depth.npy beside.")]


def picks(
    episodes: Annotated[int, typer.Option(min=1, help="How many picks, each in a bin of its own.")] = 300,
    seed: Seed = 0,
    model: Model = "oracle",
    gripper: Grippers = "suction_30mm,robotiq_2f85",
    device: Device = "auto",
    workers: Workers = 2,
    films: Annotated[bool, typer.Option(help="Film the first failures.")] = True,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Does it hold? A prompt for one object, the best grasp in physics, beside random grasps on the same scenes."""
    from vlm_picking.bench import picks as benchmark
    from vlm_picking.bench.films import write_films

    job = _job(model, device, gripper)
    pairs = benchmark.run_picks(job, episodes=episodes, seed=seed, workers=workers)
    figures = {"benchmark": "picks"} | benchmark.picks_figures(pairs) | _facts(job, seed)
    folder = out or Path("out/bench") / f"picks-{seed}"
    _report(folder, "picks", figures, benchmark.picks_rows(pairs), as_json=as_json)
    if films:
        filmed = benchmark.film_failures(job, [planned for planned, _ in pairs], workers=workers)
        if filmed:
            write_films(folder, filmed)


def clear(
    scenes: Annotated[int, typer.Option(min=1, help="How many bins.")] = 30,
    seed: Seed = 0,
    model: Model = "oracle",
    gripper: Grippers = "suction_30mm,robotiq_2f85",
    masks: Annotated[str, typer.Option(help="geometry: cut apart by depth; oracle: true masks.")] = "geometry",
    device: Device = "auto",
    workers: Workers = 2,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """How much comes out? "Pick anything" until the bin is empty, or nothing more can be had."""
    from vlm_picking.bench import clear as benchmark

    job = _job(model, device, gripper)
    bins = benchmark.run_clear(job, scenes=scenes, seed=seed, masks=masks, workers=workers)
    figures = {"benchmark": "clear"} | benchmark.clear_figures(bins) | _facts(job, seed)
    figures |= {"scenes": scenes, "masks": masks}
    folder = out or Path("out/bench") / f"clear-{seed}"
    _report(folder, "clear", figures, benchmark.clear_rows(bins), as_json=as_json)


def planner(
    frames: Frames,
    gripper: Grippers = "suction_30mm,robotiq_2f85",
    camera: Annotated[str | None, typer.Option(help="Intrinsics of pictures: fx,fy,cx,cy or a YAML file.")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="How often each frame is planned; medians are given.")] = 31,
    as_json: AsJson = False,
) -> None:
    """How long does planning take on recorded frames, on one core?"""
    from vlm_picking.bench.planner import read_frames, run_planner_bench
    from vlm_picking.gripper_files import load_gripper

    grippers = tuple(load_gripper(name) for name in _names(gripper))
    figures = run_planner_bench(read_frames(frames, camera), grippers, repeats=repeats)
    _show({"benchmark": "planner", "frames": [path.name for path in frames]} | figures, as_json=as_json)


def encode_once(
    repeats: Annotated[int, typer.Option(min=1, help="How often each is timed; medians are given.")] = 9,
    as_json: AsJson = False,
) -> None:
    """What do 16 phrases cost beside one, and asking again about the same frame? One thread, on the CPU."""
    from vlm_picking.bench.encode_once import run_encode_once

    _show({"benchmark": "encode-once"} | run_encode_once(repeats=repeats), as_json=as_json)


def add_to(bench: typer.Typer) -> None:
    """Make these the sub-commands of `bench`."""
    for name, command in (("picks", picks), ("clear", clear), ("planner", planner), ("encode-once", encode_once)):
        bench.command(name)(command)


def _names(grippers: str) -> tuple[str, ...]:
    from vlm_picking.errors import ConfigError

    names = tuple(dict.fromkeys(name.strip() for name in grippers.split(",") if name.strip()))
    if not names:
        raise ConfigError("no gripper was named; give --gripper NAME[,NAME...]")
    return names


def _job(model: str, device: str, grippers: str):
    from vlm_picking.bench.pool import Job
    from vlm_picking.gripper_files import load_gripper

    names = _names(grippers)
    for name in names:
        load_gripper(name)  # what is wrong with one is said before any worker starts
    return Job(model=model, device=device, grippers=names)


def _facts(job, seed: int) -> dict[str, object]:
    from vlm_picking.bench.subject import machine

    facts = {"model": job.model, "device": job.device, "grippers": list(job.grippers), "seed": seed}
    return facts | {"machine": machine()}


def _report(folder: Path, name: str, figures: dict, rows: list[dict], *, as_json: bool) -> None:
    from vlm_picking.bench.report import write_report

    write_report(folder, name, figures, rows)
    _show(figures, as_json=as_json)
    if not as_json:
        print(f"written to {folder}")


def _show(figures: dict, *, as_json: bool) -> None:
    from rich.console import Console

    from vlm_picking.bench.report import print_tables, to_json

    if as_json:
        print(to_json(figures))
    else:
        print_tables(figures, Console())
