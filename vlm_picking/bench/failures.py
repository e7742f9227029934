"""The worst failures of a run: kept while it goes on, drawn when it ends."""

import heapq
from dataclasses import dataclass, field
from itertools import count

import cv2
import numpy as np

from vlm_picking.bench.scenes import EvaluationFrame

_TILE_WH = (400, 300)
_TRUE_RGB, _SAID_RGB = (60, 220, 90), (255, 70, 60)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True, eq=False, kw_only=True)
class Failure:
    """A wrong answer: how sure it was (0..1), two lines about it, and the tile (300, 400, 3) with both boxes."""

    confidence: float
    caption: tuple[str, str]
    tile: np.ndarray


@dataclass
class Worst:
    """Keeps the `limit` failures that were surest of themselves."""

    limit: int = 12
    _heap: list[tuple[float, int, Failure]] = field(default_factory=list)
    _order: count = field(default_factory=count)

    def add(
        self,
        frame: EvaluationFrame,
        *,
        confidence: float,
        caption: tuple[str, str],
        true_xyxy: np.ndarray,
        said_xyxy: np.ndarray,
    ) -> None:
        """Note a failure; boxes (N, 4) [px] of the truth (green) and of what was said (red)."""
        if len(self._heap) == self.limit and confidence <= self._heap[0][0]:
            return
        tile = _tile(frame.frame.rgb, true_xyxy, said_xyxy)
        failure = Failure(confidence=confidence, caption=caption, tile=tile)
        heapq.heappush(self._heap, (confidence, -next(self._order), failure))
        if len(self._heap) > self.limit:
            heapq.heappop(self._heap)

    def __len__(self) -> int:
        return len(self._heap)

    def picture(self, *, columns: int = 3) -> np.ndarray:
        """All of them in a grid (H, W, 3) uint8, the surest first; a note where nothing failed."""
        ordered = [entry[2] for entry in sorted(self._heap, reverse=True)]
        tiles = [_captioned(failure) for failure in ordered] or [_empty()]
        tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
        rows = [np.concatenate(tiles[i : i + columns], axis=1) for i in range(0, len(tiles), columns)]
        return np.concatenate(rows)


def _tile(rgb: np.ndarray, true_xyxy: np.ndarray, said_xyxy: np.ndarray) -> np.ndarray:
    tile = cv2.resize(rgb, _TILE_WH, interpolation=cv2.INTER_AREA)
    scale = np.array(_TILE_WH * 2) / np.array((*rgb.shape[1::-1], *rgb.shape[1::-1]))
    for boxes, colour in ((true_xyxy, _TRUE_RGB), (said_xyxy, _SAID_RGB)):
        for box in np.reshape(boxes, (-1, 4)) * scale:
            x0, y0, x1, y1 = (int(v) for v in np.round(box))
            cv2.rectangle(tile, (x0, y0), (x1, y1), colour, 2, cv2.LINE_AA)
    return tile


def _captioned(failure: Failure) -> np.ndarray:
    banner = np.full((46, _TILE_WH[0], 3), 28, np.uint8)
    for line, text in enumerate(failure.caption):
        plain = "".join(c if c.isascii() and c.isprintable() else "?" for c in text)[:58]
        cv2.putText(banner, plain, (6, 18 + 20 * line), _FONT, 0.42, (240, 240, 240), 1, cv2.LINE_AA)
    return np.concatenate([banner, failure.tile])


def _empty() -> np.ndarray:
    nothing = np.full((_TILE_WH[1], _TILE_WH[0], 3), 60, np.uint8)
    return _captioned(Failure(confidence=0.0, caption=("nothing failed", ""), tile=nothing))
