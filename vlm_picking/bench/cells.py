"""Robot cells to be picked from: their seeds, what a camera sees of them, and grippers that are changed like tools."""

import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from vlm_picking.bench.scenes import HEIGHT, LEAST_PIXELS, LEAST_VISIBLE, WIDTH, scene_seed
from vlm_picking.frame import RgbdFrame
from vlm_picking.grasp import Gripper
from vlm_picking.pipeline import PickingPipeline
from vlm_picking.query import Query
from vlm_picking.result import PickResult
from vlm_picking.transform import Transform

FIRST_SEED, FIRST_CLEARING_SEED = 3_000_000_000, 5_000_000_000
OTHER_SCENE = 10_000_000_000
"""What is added to a seed whose scene has nothing that can be asked for."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Shot:
    """What a camera sees of a cell, with the truth.

    `world_from_camera` is the camera's pose; `truth` (a FrameTruth) the objects that can be seen and the id map.
    """

    frame: RgbdFrame
    world_from_camera: Transform
    truth: Any


def episode_seed(seed: int, number: int) -> int:
    """The seed of episode `number` of the benchmark's `seed`; raises ConfigError as `scene_seed` does."""
    return scene_seed(seed, number) - scene_seed(0, 0) + FIRST_SEED


def clearing_seed(seed: int, number: int) -> int:
    """The seed of bin `number` to be cleared; raises ConfigError as `scene_seed` does."""
    return scene_seed(seed, number) - scene_seed(0, 0) + FIRST_CLEARING_SEED


@cache
def graphics():
    """This process's graphics context."""
    from vlm_picking.sim.canvas import open_gl

    return open_gl()


def photograph_cell(scene, rng: np.random.Generator, *, view=None) -> Shot:
    """A frame of `scene` as a depth camera would give it: colour jitter, depth noise, holes, whole millimetres.

    Args:
        view: where the camera stands; a random one from above if not given.
    """
    from vlm_picking.sim.render import SceneRenderer
    from vlm_picking.sim.sensor import capture
    from vlm_picking.sim.truth import frame_truth
    from vlm_picking.sim.view import random_view

    with SceneRenderer(scene, gl=graphics()) as renderer:
        rendered = renderer.render(view or random_view(rng, scene.crate, width=WIDTH, height=HEIGHT))
    frame = capture(rendered, rng, stamp_ns=1)
    return Shot(frame=frame, world_from_camera=rendered.world_from_camera, truth=frame_truth(scene, rendered))


def choose_target(truth, rng: np.random.Generator) -> tuple[Any, str] | None:
    """One of `named_alone`, drawn at random."""
    options = named_alone(truth)
    return options[int(rng.integers(len(options)))] if options else None


def named_alone(truth) -> list[tuple[Any, str]]:
    """The objects that are half visible and the only ones that their words name, and those words."""
    pixels = np.bincount(truth.ids.ravel(), minlength=256)
    options = []
    for item in truth.objects:
        if item.kind is None or item.visible < LEAST_VISIBLE or pixels[item.id] < LEAST_PIXELS:
            continue
        alike = [other for other in truth.objects if other.kind == item.kind]
        if len(alike) == 1:
            options.append((item, item.kind))
        elif item.colour and sum(other.colour in (item.colour, None) for other in alike) == 1:
            options.append((item, f"{item.colour} {item.kind}"))
    return options


def ask(pipeline: PickingPipeline, frame: RgbdFrame, prompt: str | Query) -> tuple[PickResult, float]:
    """The pipeline's result, and the CPU time of its planning [ms], NaN where there was nothing to plan for.

    Wall time would measure the other processes on the machine as well.
    """
    began = float("nan")

    def note(stage: str, _progress: float) -> None:
        nonlocal began
        if stage == "plan":
            began = time.process_time()

    result = pipeline.run(frame, prompt, on_stage=note)
    took = time.process_time() - began
    return result, 1e3 * took if len(result.detections) else float("nan")


class ToolChanger:
    """The cells of one scene, a gripper each, that are always in the same state.

    Args:
        scene: settled; it follows the cell that was used last.
        grippers: the first is mounted when it begins.
        seed: as for PickCell.
    """

    def __init__(self, scene, grippers: tuple[Gripper, ...], *, seed: int) -> None:
        from vlm_picking.sim.cell import PickCell

        self._scene, self._seed = scene, seed
        self._grippers = {gripper.name: gripper for gripper in grippers}
        self._first = self.cell = PickCell(scene, grippers[0], seed=seed)
        self._cells = {grippers[0].name: self.cell}

    def take(self, name: str):
        """The cell with gripper `name` mounted, in the state that the last one left."""
        from vlm_picking.sim.cell import PickCell

        before = self.cell
        if name not in self._cells:
            self._cells[name] = PickCell(self._scene, self._grippers[name], seed=self._seed)
        self.cell = self._cells[name]
        if self.cell is not before:
            self.cell.take_over(before)
        return self.cell

    def restart(self) -> None:
        """Bring everything back to how it was before the first pick."""
        self._first.restart()
        self.cell = self._first
