"""Which patches shall answer for which object: assignment by instance mask, one object to many patches."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from vlm_picking.training.data import Thing

MIN_VISIBLE = 0.35  # objects that are covered more than this are neither asked for nor counted as wrong
_CENTRAL = 0.72


@dataclass(frozen=True, eq=False)
class PatchTargets:
    """What the patches of one view shall say about its N objects.

    Args:
        things: the objects with pixels in the view.
        cxcywh: (N, 4) float32 boxes relative to the view.
        positive: (N, P) bool, patches that shall fire for the object.
        touched: (N, P) bool, patches with pixels of the object; those that are not positive are left out of
            the class loss.
        owner: (P,) int, the object that a patch's box is about, -1 for none.
    """

    things: tuple[Thing, ...]
    cxcywh: np.ndarray
    positive: np.ndarray
    touched: np.ndarray
    owner: np.ndarray


def assign(ids: np.ndarray, things: Sequence[Thing], patch_px: int, *, kept: np.ndarray | None = None) -> PatchTargets:
    """Assign the patches of a view to its objects.

    Args:
        ids: (S, S) instance map of the view.
        things: the objects of the frame; those without pixels in the view drop out.
        patch_px: side of a patch.
        kept: (256,) the share of every instance that a crop left in the view; what it cut off counts as
            covered.
    """
    size = ids.shape[0]
    grid = size // patch_px
    n_patches = grid * grid
    boxes = ndimage.find_objects(ids)
    seen = [t for t in things if t.id <= len(boxes) and boxes[t.id - 1] is not None]
    rows = np.arange(size) // patch_px
    cell = rows[:, None] * grid + rows[None, :]
    stride = int(ids.max()) + 1
    counts = np.bincount((cell * stride + ids).ravel(), minlength=n_patches * stride).reshape(n_patches, stride)
    coverage = counts[:, [t.id for t in seen]].T / patch_px**2
    centre = (np.arange(grid) + 0.5) / grid
    cxcywh = np.zeros((len(seen), 4), np.float32)
    positive = np.zeros((len(seen), n_patches), bool)
    clear = np.zeros(len(seen), bool)
    for n, thing in enumerate(seen):
        y, x = boxes[thing.id - 1]
        cxcywh[n] = (
            np.array([x.start + x.stop, y.start + y.stop, 2 * (x.stop - x.start), 2 * (y.stop - y.start)]) / 2 / size
        )
        share = 1.0 if kept is None else kept[thing.id]
        clear[n] = thing.visible * share >= MIN_VISIBLE
        if clear[n]:
            reach = np.maximum(_CENTRAL / 2 * cxcywh[n, 2:], 0.5 / grid)  # at least the patch at the centre
            near_x = np.abs(centre - cxcywh[n, 0]) <= reach[0]
            near_y = np.abs(centre - cxcywh[n, 1]) <= reach[1]
            central = (near_y[:, None] & near_x[None, :]).ravel()
            best = coverage[n].max()
            positive[n] = central & (coverage[n] >= min(0.5, best / 2))
            if not positive[n].any():
                positive[n] = coverage[n] == best
    boxed = coverage * clear[:, None]
    owner = np.full(n_patches, -1)
    if len(seen):
        owner = np.where(boxed.max(axis=0) > 0.12, boxed.argmax(axis=0), -1)
    return PatchTargets(tuple(seen), cxcywh, positive, coverage > 0.06, owner)
