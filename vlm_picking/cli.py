"""The command line: `vlm-picking ask | record | models | bench | train | calibrate`."""

import json
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Annotated

import typer

from vlm_picking.bench.commands import bench
from vlm_picking.config import PickingConfig
from vlm_picking.errors import PickingError
from vlm_picking.find import find_command
from vlm_picking.frame import RgbdFrame
from vlm_picking.model_commands import models
from vlm_picking.result import PickResult, Status
from vlm_picking.training.calibrate import calibrate_command
from vlm_picking.training.closeups.command import train_closeups_command
from vlm_picking.training.command import train_command

app = typer.Typer(
    name="vlm-picking",
    help="Language-prompted perception for bin picking.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(bench)
app.command("models")(models)
app.command("find")(find_command)
app.command("train")(train_command)
app.command("train-closeups")(train_closeups_command)
app.command("calibrate")(calibrate_command)


@app.callback()
def _commands() -> None:
    """Keeps `ask` a sub-command, however few there are."""


@app.command()
def ask(
    source: Annotated[Path, typer.Argument(help="A frame file (.npz), a picture, or a bag.")],
    sentence: Annotated[str, typer.Argument(help='What to ask, such as "pick the red mug".')],
    depth: Annotated[Path | None, typer.Option(help="Depth of a picture: .npy [m] or 16-bit PNG [mm].")] = None,
    camera: Annotated[str | None, typer.Option(help="Intrinsics of a picture: fx,fy,cx,cy or a YAML file.")] = None,
    at: Annotated[float, typer.Option(help="Moment of a bag [s after its beginning].")] = 0.0,
    model: Annotated[
        str, typer.Option(help="The main model: embedded, a checkpoint's directory, or a hub id.")
    ] = "embedded",
    detection_model: Annotated[str, typer.Option(help="What says where things are, if not the main model.")] = "",
    similarity_model: Annotated[str, typer.Option(help="What compares the image with words.")] = "",
    answering_model: Annotated[str, typer.Option(help="What answers free questions.")] = "",
    captioning_model: Annotated[str, typer.Option(help="What describes the image.")] = "",
    segmentation_model: Annotated[str, typer.Option(help="What outlines what was detected.")] = "",
    classification_model: Annotated[
        str, typer.Option(help="What looks again at what was detected, close up; none: nobody.")
    ] = "",
    history_frames: Annotated[int, typer.Option(help="Most frames of a bag for questions about change.")] = 4,
    history_interval: Annotated[float, typer.Option(help="Least time between those frames [s].")] = 0.5,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
    dtype: Annotated[str, typer.Option(help="float32, bfloat16 or float16.")] = "float32",
    gripper: Annotated[list[str] | None, typer.Option(help="Gripper name or YAML file; may be given again.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Never reach for a model hub.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    save_image: Annotated[Path | None, typer.Option(help="Write the annotated picture here.")] = None,
) -> None:
    """Answer one sentence about one frame. Exit status 0: looked, 1: could not look, 2: wrong input."""
    from vlm_picking.pipeline import PickingPipeline

    settings = {
        "model": model,
        "detection_model": detection_model,
        "similarity_model": similarity_model,
        "answering_model": answering_model,
        "captioning_model": captioning_model,
        "segmentation_model": segmentation_model,
        "classification_model": classification_model,
        "history_frames": history_frames,
        "history_interval_s": history_interval,
        "device": device,
        "dtype": dtype,
        "offline": offline,
    }
    if gripper:
        settings["grippers"] = tuple(gripper)
    frame = read_source(source, depth=depth, camera=camera, at_s=at)
    pipeline = PickingPipeline.from_config(PickingConfig.from_mapping(settings))
    if pipeline.history_limit > 1:
        for earlier in _frames_before(source, frame, at_s=at, length_s=history_frames * history_interval):
            pipeline.remember(earlier)
    result = pipeline.run(frame, sentence)
    if save_image is not None:
        from vlm_picking.drawing import draw_result
        from vlm_picking.frame_files import write_image

        write_image(save_image, draw_result(frame, result, grippers=pipeline.grippers))
    if as_json:
        from vlm_picking.report import to_dict

        print(json.dumps(to_dict(result)))
    else:
        _print(result)
    raise typer.Exit(1 if result.answer.status is Status.FAILED else 0)


@app.command()
def record(
    out: Annotated[Path, typer.Argument(help="Folder to write; it must not exist.")],
    seed: Annotated[int, typer.Option(help="Seed of the scene.")] = 0,
    seconds: Annotated[float, typer.Option(min=0.1, help="Length [s].")] = 12.0,
    rate: Annotated[float, typer.Option(min=0.1, help="Frames a second.")] = 2.0,
    frame_file: Annotated[Path | None, typer.Option(help="Write the first frame here as well (.npz).")] = None,
) -> None:
    """Record a bag (MCAP) of a simulated bin, as a depth camera's driver would; prints what is truly in it as JSON."""
    from vlm_picking.sim.record import record_bag

    print(json.dumps(record_bag(out, seed=seed, seconds=seconds, rate_hz=rate, frame_file=frame_file)))


def read_source(source: Path, *, depth: Path | None, camera: str | None, at_s: float) -> RgbdFrame:
    """Read a frame from a frame file, a picture or a bag, told apart by what lies at `source`.

    Raises:
        PickingError: nothing usable is there; the message names the fix.
    """
    from vlm_picking import frame_files
    from vlm_picking.bags import frame_at, is_bag
    from vlm_picking.errors import FrameError

    if is_bag(source):
        return frame_at(source, at_s)
    if not source.exists():
        raise FrameError(f"there is nothing at {source}; give a frame file (.npz), a picture or a bag")
    if source.is_dir():
        raise FrameError(
            f"{source} is a folder without metadata.yaml, so no bag; give a frame file, a picture or a bag"
        )
    if source.suffix == ".npz":
        return frame_files.read_npz(source)
    return frame_files.read_picture(source, depth, camera)


def _frames_before(source: Path, frame: RgbdFrame, *, at_s: float, length_s: float) -> Iterator[RgbdFrame]:
    """The moments of a bag before a frame of it; nothing where `source` is no bag."""
    from vlm_picking.bags import is_bag, read_frames

    if is_bag(source):
        yield from takewhile(
            lambda earlier: earlier.stamp_ns < frame.stamp_ns,
            read_frames(source, start_s=max(at_s - length_s, 0.0)),
        )


def _print(result: PickResult) -> None:
    answer = result.answer
    print(f"{answer.status.value} ({answer.confidence:.2f})  {answer.text}")
    if answer.reason:
        print(f"  because: {answer.reason}")
    centers = {thing.id: thing.center_m for thing in result.objects}
    for i in range(len(result.detections)):
        key = int(result.detections.id[i])
        box = ", ".join(f"{v:.0f}" for v in result.detections.xyxy[i])
        place = "  at " + ", ".join(f"{v:.3f}" for v in centers[key]) + " m" if key in centers else ""
        print(f"  #{key} {result.detections.label[i]} {result.detections.score[i]:.2f}  box [{box}]{place}")
    for grasp in result.grasps[:5]:
        x, y, z = grasp.camera_from_grasp.translation_m
        print(
            f"  grasp {grasp.id}: {grasp.gripper} on #{grasp.object_id}, quality {grasp.quality:.2f}, "
            f"at {x:.3f}, {y:.3f}, {z:.3f} m"
        )
    print(f"  {result.timings_ms['total']:.0f} ms, {result.model}")


def main() -> None:
    """Entry point; a fault of the input is one line on stderr, never a traceback."""
    try:
        app()
    except PickingError as error:
        print(f"vlm-picking: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
