"""From frames on disk to the tensors of one step."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch

from vlm_picking.training.augment import random_view
from vlm_picking.training.data import FrameFile
from vlm_picking.training.phrases import NO, YES, PhraseSampler, match_matrix
from vlm_picking.training.targets import PatchTargets, assign

# CLIP's own normalisation: the processor that is saved with the checkpoint writes it down.
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, eq=False)
class Batch:
    """One step's input and targets: B views of S x S pixels with P patches, Q phrases.

    Args:
        pixels: (B, 3, S, S) float32, normalised.
        phrases: Q texts that all views share.
        positive, ignored: (B, P, Q) bool.
        boxes: (B, P, 4) float32 cxcywh, relative; zero where `boxed` is not set.
        boxed: (B, P) bool, patches whose box counts.
        weight: (B, P) float32, how much a patch's object counts there: thin things have few patches.
        kind: (B, P) int64, which of the first phrases, one a kind, names what a patch shall fire for; -1 for none.
    """

    pixels: torch.Tensor
    phrases: tuple[str, ...]
    positive: torch.Tensor
    ignored: torch.Tensor
    boxes: torch.Tensor
    boxed: torch.Tensor
    weight: torch.Tensor
    kind: torch.Tensor

    def to(self, device: str) -> "Batch":
        """A copy whose tensors lie on `device`."""
        moved = {f.name: getattr(self, f.name) for f in fields(self)}
        return Batch(**{k: v.to(device, non_blocking=True) if torch.is_tensor(v) else v for k, v in moved.items()})


def normalised(rgb: np.ndarray) -> torch.Tensor:
    """(B, H, W, 3) uint8 to (B, 3, H, W) float32 in CLIP's normalisation."""
    pixels = torch.from_numpy(rgb).permute(0, 3, 1, 2).float() / 255
    return (pixels - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


def make_batch(
    frames: Sequence[FrameFile], sampler: PhraseSampler, *, size: int, patch_px: int, rng: np.random.Generator
) -> Batch:
    """Read the frames, change each at random, and say which patch shall answer which phrase."""
    views, targets = [], []
    for frame in frames:
        rgb, ids = frame.read()
        rgb, ids, kept = random_view(rgb, ids, size, rng)
        views.append(rgb)
        targets.append(assign(ids, frame.things, patch_px, kept=kept))
    phrases = sampler.draw((thing for target in targets for thing in target.things), rng)
    positive, ignored = zip(
        *(patch_answers(target, match_matrix(phrases, target.things)) for target in targets), strict=True
    )
    index = {kind: column for column, kind in enumerate(sampler.lexicon.nouns)}
    boxed = np.stack([target.owner >= 0 for target in targets])
    boxes = np.stack([_owned_boxes(target) for target in targets])
    return Batch(
        pixels=normalised(np.stack(views)),
        phrases=tuple(phrase.text for phrase in phrases),
        positive=torch.from_numpy(np.stack(positive)),
        ignored=torch.from_numpy(np.stack(ignored)),
        boxes=torch.from_numpy(boxes),
        boxed=torch.from_numpy(boxed),
        weight=torch.from_numpy(np.stack([_weights(target) for target in targets])),
        kind=torch.from_numpy(np.stack([_kinds(target, index) for target in targets])),
    )


def patch_answers(target: PatchTargets, match: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(P, Q) positive and ignored, from the objects' patches and from which phrase names which object (N,
    Q).
    """
    wanted = target.positive.T.astype(np.float32) @ (match == YES) > 0
    named = target.touched.T.astype(np.float32) @ (match != NO) > 0
    return wanted, named & ~wanted


def _weights(target: PatchTargets) -> np.ndarray:
    """Patches of small objects weigh more, of large ones less: between every patch and every object the same."""
    n_owned = np.bincount(target.owner + 1, minlength=len(target.things) + 1)
    n_owned[0] = 0
    return np.clip(8 / np.maximum(n_owned[target.owner + 1], 1), 0.5, 2.5).astype(np.float32)


def _kinds(target: PatchTargets, index: dict[str, int]) -> np.ndarray:
    """(P,) the column of the kind that a patch's owner is of, where it shall fire for its owner; -1 elsewhere."""
    columns = np.array([index.get(thing.kind, -1) for thing in target.things] + [-1])
    fires = np.concatenate([target.positive, np.zeros((1, len(target.owner)), bool)])
    return np.where(fires[target.owner, np.arange(len(target.owner))], columns[target.owner], -1)


def _owned_boxes(target: PatchTargets) -> np.ndarray:
    boxes = np.zeros((len(target.owner), 4), np.float32)
    owned = target.owner >= 0
    boxes[owned] = target.cxcywh[target.owner[owned]]
    return boxes
