"""The main job in one command: node, bag player and operator as processes that talk over DDS; answers checked, pictures
kept.

    python -m vlm_picking.demo

plays examples/bin, asks what examples/questions.yaml lists, and ends with status 1 when an answer is missing or wrong.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
import yaml

from vlm_picking.bags import find_topics, open_bag
from vlm_picking.detections import box_iou
from vlm_picking.errors import PickingError
from vlm_picking.frame_files import write_image

EXAMPLES = Path("examples")
_MARK = {True: "ok   ", False: "WRONG"}
_END_S = 5.0  # for a process to end by itself


@dataclass(frozen=True)
class Expectation:
    """What a question of questions.yaml must be answered with.

    Args:
        ask: the operator's sentence.
        status: PRESENT, ABSENT, UNCERTAIN or FAILED.
        count: the exact count, or None where it does not matter.
        finds: names in truth.json that the best detections must lie on, in any order.
        grasps: how many candidates there must be at least; the best one must lie on what was found.
    """

    ask: str
    status: str
    count: int | None = None
    finds: tuple[str, ...] = ()
    grasps: int = 0


def read_questions(folder: Path) -> tuple[list[Expectation], dict[str, list[float]]]:
    """Read questions.yaml and, from truth.json, the box [px] of each object ("red mug")."""
    questions = yaml.safe_load((folder / "questions.yaml").read_text(encoding="utf-8"))
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    boxes = {f"{thing['colour']} {thing['kind']}": thing["xyxy"] for thing in truth["objects"]}
    return [Expectation(**(item | {"finds": tuple(item.get("finds", ()))})) for item in questions], boxes


def faults(expected: Expectation, reply: Any, boxes: dict[str, list[float]]) -> list[str]:
    """What is wrong with a reply; nothing when it is right."""
    found = []
    if reply.status != expected.status:
        found.append(f"status {reply.status}, not {expected.status}")
    if expected.count is not None and reply.answer.count != expected.count:
        found.append(f"count {reply.answer.count}, not {expected.count}")
    seen = np.array([_xyxy(d.bbox) for d in reply.detections.detections]).reshape(-1, 4)
    for name in expected.finds:
        if not len(seen) or box_iou(seen, [boxes[name]]).max() < 0.5:
            found.append(f"no box on the {name}")
    if len(reply.grasps.candidates) < expected.grasps:
        found.append(f"{len(reply.grasps.candidates)} grasps, not {expected.grasps}")
    if expected.grasps and reply.grasps.candidates and expected.finds:
        best = reply.grasps.candidates[0]
        at = np.array([best.image_x_px, best.image_y_px])
        if not any((at >= boxes[name][:2]).all() and (at <= boxes[name][2:]).all() for name in expected.finds):
            found.append(f"the best grasp is at {at.round().tolist()}, off the {' and the '.join(expected.finds)}")
    return found


def _xyxy(box: Any) -> list[float]:
    center = box.center.position
    return [center.x - box.size_x / 2, center.y - box.size_y / 2, center.x + box.size_x / 2, center.y + box.size_y / 2]


@contextmanager
def process(arguments: Sequence[str], log: Path) -> Iterator[subprocess.Popen]:
    """Run `python ARGUMENTS` beside this one, its output in `log`; it is interrupted at the end."""
    with log.open("w", encoding="utf-8") as out:
        child = subprocess.Popen(
            [sys.executable, "-u", *arguments], stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield child
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGINT)
                try:
                    child.wait(_END_S)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()


def remappings(bag: Path) -> list[str]:
    """Arguments that lead the node's relative topics to a bag's."""
    with open_bag(bag) as reader:
        topics = find_topics(reader)
    color_info = topics.color.rsplit("/", 1)[0] + "/camera_info"
    pairs = {
        "color/image": topics.color,
        "color/camera_info": color_info,
        "depth/image": topics.depth,
        "depth/camera_info": topics.camera_info,
    }
    return [word for name, topic in pairs.items() for word in ("-r", f"{name}:={topic}")]


def watch_standing_prompt(operator: Any, prompt: str, *, frames: int, timeout_s: float) -> str:
    """Set a standing prompt and receive what a pick planner would; returns a line that says what came.

    Raises:
        PickingError: the prompt was refused, or too few frames were answered in time.
    """
    from vlm_picking.ros.planner_client import PlannerClient

    with PlannerClient() as planner:
        response = operator.set_prompt(prompt)
        if not response.success:
            raise PickingError(f"the standing prompt was refused: {response.message}")
        planner.wait_for(1, prompt_id=response.prompt_id, timeout_s=timeout_s)
        start = time.monotonic()
        received = planner.wait_for(frames, prompt_id=response.prompt_id, timeout_s=timeout_s)
        rate = (frames - 1) / (time.monotonic() - start)
        operator.set_prompt("")
    counts = [len(grasps.candidates) for grasps in received]
    if not all(counts):
        raise PickingError(f"a frame without grasps for the standing prompt: {counts}")
    return f"{len(received)} frames at {rate:.1f} Hz, each with {min(counts)} to {max(counts)} grasps"


def run(folder: Path, out: Path, model: str) -> int:
    """Play, ask, check; returns how many answers were wrong."""
    from vlm_picking.ros.client import OperatorClient

    out.mkdir(parents=True, exist_ok=True)
    questions, boxes = read_questions(folder)
    parameters = ["-p", f"model:={model}", "-p", "reliable:=true"]
    node = ["-m", "vlm_picking.ros.node", "--ros-args", *parameters, *remappings(folder / "bin")]
    player = ["-m", "vlm_picking.ros.player", str(folder / "bin"), "--loop", "--rate", "2.0"]
    wrong = 0
    with ExitStack() as stack:
        stack.enter_context(process(node, out / "node.log"))
        stack.enter_context(process(player, out / "player.log"))
        operator = stack.enter_context(OperatorClient(pictures=True))
        start = time.monotonic()
        operator.wait_until_active(timeout_s=120.0)
        print(f"node active after {time.monotonic() - start:.1f} s; logs in {out}\n")
        operator.ask(
            "what do you see?", timeout_s=60.0
        )  # the first frame and the model's warm-up are not a question's time
        for number, expected in enumerate(questions):
            reply = operator.ask(expected.ask, timeout_s=60.0)
            found = faults(expected, reply, boxes)
            wrong += bool(found)
            print(
                f"{_MARK[not found]} {expected.ask:32} {reply.status:9} {reply.answer.confidence:4.2f}  "
                f"{reply.wall_s * 1e3:5.0f} ms"
            )
            print(f"        {reply.answer.text}")
            for fault in found:
                print(f"        expected otherwise: {fault} ({reply.answer.reason})")
            if reply.picture is None and reply.status != "FAILED":
                wrong += 1
                print("        no annotated picture came")
            elif reply.picture is not None:
                name = "".join(c if c.isalnum() else "_" for c in expected.ask.lower()).strip("_")
                write_image(out / f"{number:02}_{name}.png", reply.picture)
        standing = "the mugs"
        print(f"\nstanding prompt '{standing}', as a pick planner receives it: ", end="", flush=True)
        print(watch_standing_prompt(operator, f"pick {standing}", frames=10, timeout_s=60.0))
    return wrong


def main(
    examples: Annotated[Path, typer.Option(help="Folder with bin/, questions.yaml and truth.json.")] = EXAMPLES,
    out: Annotated[Path, typer.Option(help="Where pictures and logs go.")] = Path("out/demo"),
    model: Annotated[str, typer.Option(help="embedded, a checkpoint's directory, or a hub id.")] = "embedded",
) -> None:
    """Play the example bag, ask its questions, and end with 1 when an answer is missing or wrong."""
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    try:
        wrong = run(examples, out, model)
    except (PickingError, OSError) as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
    print(f"\npictures in {out}: " + ("all answers are right" if not wrong else f"{wrong} answers are wrong"))
    raise typer.Exit(1 if wrong else 0)


if __name__ == "__main__":
    typer.run(main)
