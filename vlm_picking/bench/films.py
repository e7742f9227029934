"""Films of picks: small GIFs from a camera that follows the gripper, and a sheet of their decisive moments."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from vlm_picking.bench.cells import graphics
from vlm_picking.errors import ConfigError

WH = (256, 192)
_EVERY, _STEP_MS = 12, 10
_MOMENTS = (0.12, 0.3, 0.45, 0.7, 0.98)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True, eq=False, kw_only=True)
class Filmed:
    """A pick to look at: a name for its file, two lines, what the camera saw (H, W, 3) u8, and the film."""

    name: str
    caption: tuple[str, str]
    picture: np.ndarray
    frames: tuple[np.ndarray, ...]


class Film:
    """Call it with the cell after every 10 ms of a pick; `frames` grow by one every 120 ms."""

    def __init__(self) -> None:
        self.frames: list[np.ndarray] = []
        self._steps = 0
        self._canvas = None

    def __call__(self, cell) -> None:
        from vlm_picking.sim.canvas import Canvas
        from vlm_picking.sim.hand import HAND
        from vlm_picking.sim.view import View, apply_view, look_at, pinhole

        self._steps += 1
        if self._steps % _EVERY:
            return
        if self._canvas is None:
            self._canvas = Canvas(cell.model, graphics())
        hand = cell.data.xpos[cell.model.body(HAND).id] + [0.0, 0.0, 0.02]
        eye = look_at(hand, distance_m=0.42, tilt_rad=0.75, heading_rad=-np.pi / 2, roll_rad=0.0)
        light = np.array([[0.3, 0.4, -1.0], [-0.5, 0.2, -1.0], [0.0, -0.6, -1.0]])
        view = View(
            camera=pinhole(*WH, 0.9),
            world_from_camera=eye,
            light_direction=light / np.linalg.norm(light, axis=1, keepdims=True),
            light_rgb=np.full((3, 3), 0.3),
            ambient_rgb=np.full(3, 0.4),
        )
        apply_view(cell, view)
        self._canvas.update(cell.data)
        self.frames.append(self._canvas.colour(*WH))

    def close(self) -> None:
        """Free the graphics memory."""
        if self._canvas is not None:
            self._canvas.close()


def write_films(folder: Path, filmed: Sequence[Filmed]) -> None:
    """Write NAME.gif for each film, and failures.png, a row a pick: what the camera saw, and moments of the film.

    Raises:
        ConfigError: pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ConfigError("the films need pillow: pip install pillow") from error
    from vlm_picking.frame_files import write_image

    folder.mkdir(parents=True, exist_ok=True)
    for pick in filmed:
        if pick.frames:
            pages = [Image.fromarray(frame).quantize(64) for frame in pick.frames]
            path, pause = folder / f"{pick.name}.gif", _EVERY * _STEP_MS
            pages[0].save(path, save_all=True, append_images=pages[1:], duration=pause, loop=0, optimize=True)
    write_image(folder / "failures.png", np.concatenate([_row(pick) for pick in filmed]))


def _row(pick: Filmed) -> np.ndarray:
    width, height = WH
    tiles = [cv2.resize(pick.picture, WH, interpolation=cv2.INTER_AREA)]
    last = len(pick.frames) - 1
    tiles += [pick.frames[round(share * last)] if last >= 0 else np.zeros_like(tiles[0]) for share in _MOMENTS]
    row = np.zeros((height + 36, width * len(tiles), 3), np.uint8)
    row[36:] = np.concatenate(tiles, axis=1)
    for line, text in enumerate(pick.caption):
        cv2.putText(row, text[:190], (6, 15 + 16 * line), _FONT, 0.42, (235, 235, 235), 1, cv2.LINE_AA)
    return row
