"""What is truly in a rendered frame: the labels of training data and the knowledge of the oracle."""

from dataclasses import dataclass

import numpy as np

from vlm_picking.sim.render import Rendered
from vlm_picking.sim.scene import Scene

_LEAST_PIXELS = 8
_LEAST_PAINTED = 0.35


@dataclass(frozen=True, kw_only=True)
class TrueObject:
    """One object that can be seen.

    `kind` is None for a distractor; `colour` None where no word fits what is seen (a red can from above, onto
    its bare lid); `id` its value in the id map; `xyxy` the box of its visible pixels; `visible` the share of
    its silhouette that nothing hides.
    """

    kind: str | None
    colour: str | None
    id: int
    xyxy: tuple[int, int, int, int]
    visible: float


@dataclass(frozen=True, eq=False, kw_only=True)
class FrameTruth:
    """The objects of a frame and its instance map `ids` (H, W) u8, 0 where none is."""

    objects: tuple[TrueObject, ...]
    ids: np.ndarray


def frame_truth(scene: Scene, rendered: Rendered) -> FrameTruth:
    """The truth about a view of `scene`; objects of fewer than 8 visible pixels are left out."""
    pixels = np.bincount(rendered.ids.ravel(), minlength=len(scene.objects) + 1)
    boxes = rendered.boxes()
    objects = tuple(
        TrueObject(
            kind=item.kind,
            colour=item.colour if rendered.painted[index] >= _LEAST_PAINTED else None,
            id=index + 1,
            xyxy=tuple(int(v) for v in boxes[index]),
            visible=round(float(rendered.visible[index]), 3),
        )
        for index, item in enumerate(scene.objects)
        if pixels[index + 1] >= _LEAST_PIXELS
    )
    return FrameTruth(objects=objects, ids=rendered.ids)
