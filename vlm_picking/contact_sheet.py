"""Several moments of a recording in one picture."""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from vlm_picking.drawing import draw_tag, palette

_CELL_W = 320
_GAP = 6
_DARK = 28


def draw_moment(rgb: np.ndarray, words: str, xyxy: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) uint8 RGB scaled to the width of a cell, with boxes (N, 4) [px of `rgb`] and words."""
    scale = _CELL_W / rgb.shape[1]
    size = (_CELL_W, max(round(rgb.shape[0] * scale), 1))
    cell = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    for i, box in enumerate(np.round(np.asarray(xyxy, np.float64) * scale).astype(int).tolist()):
        cv2.rectangle(cell, tuple(box[:2]), tuple(box[2:]), palette(i), 2, cv2.LINE_AA)
    draw_tag(cell, words, (0, 0), (235, 235, 235), 0.45)
    return cell


def contact_sheet(cells: Sequence[np.ndarray], title: str) -> np.ndarray:
    """Cells (h, w, 3) of any height side by side in rows, best first, below a title; (H, W, 3) uint8 RGB."""
    columns = max(min(math.ceil(math.sqrt(len(cells))), 4), 2)
    width = columns * _CELL_W + (columns + 1) * _GAP
    head = np.full((34, width, 3), _DARK, np.uint8)
    plain = "".join(c if c.isascii() and c.isprintable() else "?" for c in title)[: width // 9]
    cv2.putText(head, plain, (_GAP + 4, 23), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    rows = [head]
    for start in range(0, len(cells), columns):
        line = cells[start : start + columns]
        row = np.full((max(cell.shape[0] for cell in line) + _GAP, width, 3), _DARK, np.uint8)
        for i, cell in enumerate(line):
            x = _GAP + i * (_CELL_W + _GAP)
            row[: cell.shape[0], x : x + _CELL_W] = cell
        rows.append(row)
    return np.concatenate(rows)
