"""Boxes as detectors give them to boxes of an image, and boxes of an image as segmenters want them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from vlm_picking.detections import Detections, suppress
from vlm_picking.errors import ModelError
from vlm_picking.models.sidecar import Sidecar

Features = TypeVar("Features")

_MAX_IOU = 0.4
_MAX_BOXES = 100  # a phrase, before suppression
_MASKS_AT_ONCE = 16  # of full size, as float32


@dataclass
class Seen(Generic[Features]):
    """An image that was encoded, and what was last asked of it."""

    features: Features
    asked: tuple[str, ...] | None = None
    answer: Detections | None = None

    def ask(self, phrases: Sequence[str], look: Callable[[Features, Sequence[str]], Detections]) -> Detections:
        """`look(features, phrases)`, or what it gave when the same was asked before."""
        if self.asked != tuple(phrases):
            self.answer = look(self.features, phrases)
            self.asked = tuple(phrases)
        return self.answer


def corners_px(cxcywh: np.ndarray, height: int, width: int) -> np.ndarray:
    """Boxes (N, 4) x y w h around their centres, as shares of an image, to x0 y0 x1 y1 [px] clipped to it."""
    low, high = cxcywh[:, :2] - cxcywh[:, 2:] / 2, cxcywh[:, :2] + cxcywh[:, 2:] / 2
    size = np.array([width, height, width, height], np.float32)
    return np.clip(np.concatenate([low, high], axis=1) * size, 0, size)


def best_boxes(logits: np.ndarray, xyxy: np.ndarray, *, phrase: str, sidecar: Sidecar) -> tuple[np.ndarray, np.ndarray]:
    """The boxes that a phrase keeps: the best one always, others above the sidecar's floor that overlap it little.

    Args:
        logits: (N,) of the phrase in every box.
        xyxy: (N, 4) [px].

    Returns:
        Indices (K,) into the boxes, best first, and their probabilities (K,).

    Raises:
        ModelError: scores or boxes that are no numbers.
    """
    if not (np.isfinite(logits).all() and np.isfinite(xyxy).all()):
        raise ModelError(f"{sidecar.name} gave scores or boxes that are no numbers; with dtype float16 try float32")
    score = sidecar.probability(logits, phrase)
    order = np.argsort(-logits, kind="stable")[:_MAX_BOXES]
    order = order[(score[order] >= sidecar.floor) | (np.arange(len(order)) == 0)]
    kept = order[suppress(xyxy[order], logits[order], max_iou=_MAX_IOU)]
    return kept, score[kept]


def logit(probability: np.ndarray) -> np.ndarray:
    """Probabilities of any shape to logits, finite also for 0 and 1; NaN stays NaN."""
    probability = np.clip(np.asarray(probability, np.float64), 1e-9, 1 - 1e-9)
    return np.log(probability / (1 - probability))


def in_passes(phrases: Sequence[str], n_tokens: Callable[[str], int], *, limit: int) -> Iterator[list[str]]:
    """Phrases in order, in as few groups as hold `limit` tokens.

    Raises:
        ModelError: one phrase alone is longer.
    """
    group: list[str] = []
    left = limit
    for phrase in phrases:
        needed = n_tokens(phrase)
        if needed > limit:
            raise ModelError(f"the phrase {phrase[:40]!r}... takes {needed} tokens of {limit}: shorten it")
        if needed > left:
            yield group
            group, left = [], limit
        group.append(phrase)
        left -= needed
    if group:
        yield group


def checked_boxes(xyxy: np.ndarray, height: int, width: int) -> np.ndarray:
    """Boxes (N, 4) float32 [px], clipped to the image.

    Raises:
        ModelError: they are of another shape, turned inside out or not finite.
    """
    xyxy = np.asarray(xyxy, np.float32)
    xyxy = xyxy.reshape(0, 4) if xyxy.size == 0 else xyxy
    if xyxy.ndim != 2 or xyxy.shape[1] != 4 or not np.isfinite(xyxy).all() or (xyxy[:, 2:] < xyxy[:, :2]).any():
        raise ModelError(f"boxes must be (N, 4), finite, x0 <= x1 and y0 <= y1, got an array {xyxy.shape}")
    return np.clip(xyxy, 0, np.array([width, height, width, height], np.float32))


def masks_in_boxes(xyxy: np.ndarray, height: int, width: int, decode: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Masks (N, height, width) bool by `decode`, which gets a few checked boxes (n, 4) at a time.

    Raises:
        ModelError: as `checked_boxes`.
    """
    xyxy = checked_boxes(xyxy, height, width)
    masks = np.zeros((len(xyxy), height, width), bool)
    for first in range(0, len(xyxy), _MASKS_AT_ONCE):
        some = slice(first, first + _MASKS_AT_ONCE)
        masks[some] = decode(xyxy[some])
    return masks


def full_size(logits, *sizes: tuple[int, int], padded: tuple[int, int] | None = None) -> np.ndarray:
    """Mask logits, a tensor (N, h, w), to masks (N, H, W) bool of the image.

    Args:
        sizes: (H, W) of the image; where it was padded, its size on the model's canvas before that.
        padded: the canvas.

    Raises:
        ModelError: logits that are no numbers.
    """
    import torch
    from torch.nn.functional import interpolate

    logits = logits.float()[:, None]
    if not torch.isfinite(logits).all():
        raise ModelError("the model gave masks that are no numbers; with dtype float16 try float32")
    masks = [np.zeros((0, *sizes[0]), bool)]
    for part in logits.split(_MASKS_AT_ONCE):
        if padded is not None:
            part = interpolate(part, padded, mode="bilinear", align_corners=False)
            part = part[..., : sizes[1][0], : sizes[1][1]]
        part = interpolate(part, sizes[0], mode="bilinear", align_corners=False)
        masks.append((part[:, 0] > 0).cpu().numpy())
    return np.concatenate(masks)
