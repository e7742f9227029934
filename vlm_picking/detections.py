"""Detections in one image, kept as columns: filter them by indexing, as one would an array."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vlm_picking.arrays import frozen_array


@dataclass(frozen=True, eq=False)
class Detections:
    """N detections in one image.

    Args:
        xyxy: (N, 4) float32 boxes x0 y0 x1 y1 [px of the original image, edges: a full image is 0 0 W H].
        score: (N,) float32, 0..1.
        label: (N,) the phrase or class of each, str.
        id: (N,) int64, unique within the frame (stable over frames where a tracker ran); 0..N-1 when not given.
        mask: (N, H, W) bool, or None when no model gave masks.

    Raises:
        ValueError: columns of different length, scores out of 0..1, boxes turned inside out or not finite.
    """

    xyxy: np.ndarray
    score: np.ndarray
    label: np.ndarray
    id: np.ndarray | None = None
    mask: np.ndarray | None = None

    def __post_init__(self) -> None:
        xyxy = frozen_array(np.reshape(self.xyxy, (-1, 4)), name="xyxy", shape=(None, 4), dtype=np.float32)
        n = len(xyxy)
        columns = {
            "xyxy": xyxy,
            "score": frozen_array(self.score, name="score", shape=(n,), dtype=np.float32),
            "label": frozen_array(np.array(self.label, dtype=object), name="label", shape=(n,), dtype=object),
            "id": frozen_array(np.arange(n) if self.id is None else self.id, name="id", shape=(n,), dtype=np.int64),
        }
        if self.mask is not None:
            columns["mask"] = frozen_array(self.mask, name="mask", shape=(n, None, None), dtype=bool)
        if not np.isfinite(xyxy).all() or (xyxy[:, 2:] < xyxy[:, :2]).any():
            raise ValueError("boxes must be finite with x0 <= x1 and y0 <= y1")
        score = columns["score"]
        if not ((score >= 0) & (score <= 1)).all():
            raise ValueError(f"scores must lie in 0..1, got {score.tolist()}")
        if len(np.unique(columns["id"])) != n:
            raise ValueError("ids must be unique within a frame")
        for name, array in columns.items():
            object.__setattr__(self, name, array)

    @classmethod
    def empty(cls) -> "Detections":
        """No detection: somebody looked and saw nothing."""
        return cls(np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=object))

    @classmethod
    def merge(cls, parts: Sequence["Detections"]) -> "Detections":
        """All detections of `parts` in one; ids are given anew. Masks are kept where every non-empty part has them."""
        parts = [part for part in parts if len(part)]
        if not parts:
            return cls.empty()
        masks = [part.mask for part in parts]
        return cls(
            np.concatenate([part.xyxy for part in parts]),
            np.concatenate([part.score for part in parts]),
            np.concatenate([part.label for part in parts]),
            mask=None if any(mask is None for mask in masks) else np.concatenate(masks),
        )

    @classmethod
    def union(cls, parts: Sequence["Detections"]) -> "Detections":
        """As `merge`, of detections of one frame: they keep their ids."""
        ids = [part.id for part in parts if len(part)]
        return cls.merge(parts).replace(id=np.concatenate(ids)) if ids else cls.empty()

    def __len__(self) -> int:
        return len(self.xyxy)

    def __getitem__(self, index: int | slice | Sequence[int] | np.ndarray) -> "Detections":
        """Pick rows by integer, slice, index array or boolean array (N,); ids go along."""
        if isinstance(index, (int, np.integer)):
            index = [index]
        mask = None if self.mask is None else self.mask[index]
        return type(self)(self.xyxy[index], self.score[index], self.label[index], self.id[index], mask)

    def replace(self, **columns: np.ndarray | None) -> "Detections":
        """The same detections with some columns exchanged."""
        kept = {name: getattr(self, name) for name in ("xyxy", "score", "label", "id", "mask")}
        return type(self)(**(kept | columns))

    @property
    def center_px(self) -> np.ndarray:
        """(N, 2) centres of the boxes [px]."""
        return (self.xyxy[:, :2] + self.xyxy[:, 2:]) / 2

    @property
    def area_px(self) -> np.ndarray:
        """(N,) areas of the boxes [px^2]."""
        return (self.xyxy[:, 2:] - self.xyxy[:, :2]).prod(axis=1)

    def by_score(self) -> "Detections":
        """Best first; ties keep their order."""
        return self[np.argsort(-self.score, kind="stable")]

    def nms(self, iou_threshold: float, *, class_agnostic: bool = False) -> "Detections":
        """Greedy non-maximum suppression, best first; boxes of another label never suppress unless `class_agnostic`."""
        groups = [np.arange(len(self))]
        if not class_agnostic:
            groups = [np.flatnonzero(self.label == label) for label in dict.fromkeys(self.label.tolist())]
        kept = [group[suppress(self.xyxy[group], self.score[group], max_iou=iou_threshold)] for group in groups]
        return self[np.sort(np.concatenate([np.zeros(0, int), *kept]))].by_score()


def suppress(xyxy: np.ndarray, score: np.ndarray, *, max_iou: float) -> np.ndarray:
    """Greedy non-maximum suppression: indices (K,) into N boxes, best first, no two overlapping more than `max_iou`.

    Args:
        score: (N,) anything that orders the boxes; a tie goes to the earlier one.
    """
    left = np.argsort(-score, kind="stable")
    kept: list[int] = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(int(best))
        left = left[box_iou(xyxy[best : best + 1], xyxy[left])[0] <= max_iou]
    return np.array(kept, int)


def box_iou(a_xyxy: np.ndarray, b_xyxy: np.ndarray) -> np.ndarray:
    """Intersection over union (N, M) of boxes (N, 4) and (M, 4); 0 where both are empty."""
    a, b = np.asarray(a_xyxy, np.float64)[:, None], np.asarray(b_xyxy, np.float64)[None]
    sides = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None)
    overlap = sides.prod(axis=-1)
    union = (a[..., 2:] - a[..., :2]).prod(axis=-1) + (b[..., 2:] - b[..., :2]).prod(axis=-1) - overlap
    return np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)
