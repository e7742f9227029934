"""The command line: `vlm-picking ask | record | train`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from vlm_picking.config import PickingConfig
from vlm_picking.errors import PickingError
from vlm_picking.frame import RgbdFrame
from vlm_picking.result import PickResult, Status

app = typer.Typer(
    name="vlm-picking",
    help="Language-prompted perception for bin picking.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


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
    model: Annotated[str, typer.Option(help="embedded, a checkpoint's directory, or a hub id.")] = "embedded",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
    gripper: Annotated[list[str] | None, typer.Option(help="Gripper name or YAML file; may be given again.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Never reach for a model hub.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    save_image: Annotated[Path | None, typer.Option(help="Write the annotated picture here.")] = None,
) -> None:
    """Answer one sentence about one frame. Exit status 0: looked, 1: could not look, 2: wrong input."""
    from vlm_picking.pipeline import PickingPipeline

    settings = {"model": model, "device": device, "offline": offline}
    if gripper:
        settings["grippers"] = tuple(gripper)
    frame = read_source(source, depth=depth, camera=camera, at_s=at)
    pipeline = PickingPipeline.from_config(PickingConfig.from_mapping(settings))
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
