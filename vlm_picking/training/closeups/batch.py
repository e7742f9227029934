"""From windows to close-ups as a camera and a detector might give them: shifted, zoomed, turned, relit, with holes."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from vlm_picking.closeup import CONTEXT, as_input
from vlm_picking.training.augment import relight
from vlm_picking.training.closeups.windows import WINDOW, WINDOW_PX

SIDE_PX = 64
_SCENES, _OF_A_SCENE = 8, 16  # a batch: 128 close-ups


def random_batch(files: Sequence[Path], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Close-ups (N, 6, S, S) float32 of some scenes, each changed at random, and their classes (N,) int64."""
    pixels, side_m, kind = [], [], []
    for index in rng.choice(len(files), min(_SCENES, len(files)), replace=False):
        with np.load(files[index]) as scene:
            rows = rng.permutation(len(scene["kind"]))[:_OF_A_SCENE]
            for column, name in ((pixels, "pixels"), (side_m, "side_m"), (kind, "kind")):
                column.append(scene[name][rows])
    seen, side_m = _changed(np.concatenate(pixels), np.concatenate(side_m), rng)
    return as_input(seen, side_m), np.concatenate(kind).astype(np.int64)


def plain_batch(pixels: np.ndarray, side_m: np.ndarray) -> np.ndarray:
    """Close-ups (N, 6, S, S) of windows (N, ...) as a detector with perfect boxes gives them."""
    views = [_view(window, _move(np.eye(2), CONTEXT, np.zeros(2))) for window in pixels]
    return as_input(np.stack(views), side_m * np.float32(CONTEXT))


def _changed(pixels: np.ndarray, side_m: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Changed close-ups (N, S, S, 4) uint8 of windows, and their sides [m]."""
    views, sides_m = [], []
    for window, longer_m in zip(pixels, side_m, strict=True):
        context = CONTEXT * np.exp(rng.uniform(np.log(0.84), np.log(1.2)))
        angle = rng.integers(4) * np.pi / 2 + rng.uniform(-0.2, 0.2)
        cos, sin = np.cos(angle), np.sin(angle)
        flip = -1.0 if rng.random() < 0.5 else 1.0
        turn = _stretch(rng) @ np.array([[cos * flip, -sin], [sin * flip, cos]])
        view = _view(window, _move(turn, context, rng.uniform(-0.08, 0.08, 2)))
        side = longer_m * context * np.exp(rng.normal(0, 0.06))
        view[..., 3], side = _worse_depth(view[..., 3], side, rng)
        view[..., :3] = relight(np.ascontiguousarray(view[..., :3]), rng)
        if rng.random() < 0.2:
            view[..., :3] = cv2.GaussianBlur(np.ascontiguousarray(view[..., :3]), (0, 0), rng.uniform(0.4, 1.1))
        views.append(view)
        sides_m.append(side)
    return np.stack(views), np.array(sides_m, np.float32)


def _stretch(rng: np.random.Generator) -> np.ndarray:
    """(2, 2): half of the things become longer or stouter, as others of their kind may be."""
    longer = np.exp(rng.uniform(-0.2, 0.2)) if rng.random() < 0.5 else 1.0
    return np.diag([longer, 1 / longer])


def _worse_depth(relief: np.ndarray, side_m: float, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """No depth at all, or holes; and a middle that was measured elsewhere than in training."""
    chance = rng.random()
    if chance < 0.07:
        return np.zeros_like(relief), float("nan")
    if chance < 0.3:
        coarse = cv2.resize(rng.random((6, 6)).astype(np.float32), relief.shape)
        relief = np.where(coarse < rng.uniform(0.1, 0.5), np.uint8(0), relief)
    if chance < 0.5:
        shifted = np.clip(relief.astype(int) + rng.integers(-6, 7), 1, 255)
        relief = np.where(relief > 0, shifted, 0).astype(np.uint8)
    return relief, side_m


def _move(turn: np.ndarray, context: float, shift: np.ndarray) -> np.ndarray:
    """The affine map (2, 3) from a window to a close-up of `context`; `shift` (2,) relative to the longer side."""
    scale = SIDE_PX / (WINDOW_PX * context / WINDOW)
    middle = np.full(2, WINDOW_PX / 2 - 0.5) + shift * WINDOW_PX / WINDOW
    linear = turn * scale
    return np.column_stack([linear, np.full(2, SIDE_PX / 2 - 0.5) - linear @ middle])


def _view(window: np.ndarray, move: np.ndarray) -> np.ndarray:
    size = (SIDE_PX, SIDE_PX)
    rgb, relief = np.ascontiguousarray(window[..., :3]), np.ascontiguousarray(window[..., 3])
    rgb = cv2.warpAffine(rgb, move, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    relief = cv2.warpAffine(relief, move, size, flags=cv2.INTER_NEAREST, borderValue=0)
    return np.concatenate([rgb, relief[..., None]], axis=-1)
