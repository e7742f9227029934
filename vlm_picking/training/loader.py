"""An endless stream of batches, made in this process or in several."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from vlm_picking.training.batch import Batch, make_batch
from vlm_picking.training.data import FrameFolder
from vlm_picking.training.network import PATCH_PX
from vlm_picking.training.phrases import PhraseSampler
from vlm_picking.training.schedule import Schedule

_REFRESH = 50  # batches; a renderer may still be adding frames


@dataclass(eq=False)
class Batches(IterableDataset):
    """Endless random batches of a folder of frames.

    Args:
        frames: the folder.
        sampler: draws what is asked.
        schedule: how large and how many the views of a batch are.
        progress: a shared number, 0..1, how far the training is.
        seed: of the draw; every worker adds its own number.
    """

    frames: FrameFolder
    sampler: PhraseSampler
    schedule: Schedule
    progress: Any
    seed: tuple[int, ...]

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        if worker is not None:
            torch.set_num_threads(1)
        rng = np.random.default_rng([*self.seed, worker.id if worker else 0])
        made = 0
        while True:
            if made % _REFRESH == 0:
                self.frames.refresh()
            made += 1
            size, n_views = self.schedule.views(self.progress.value)
            picked = [self.frames.frames[i] for i in rng.integers(len(self.frames), size=n_views)]
            yield make_batch(picked, self.sampler, size=size, patch_px=PATCH_PX, rng=rng)


def stream(batches: Batches, *, device: str) -> Iterator[Batch]:
    """Batches on `device`; for a GPU, all cores but one make them ahead."""
    if device == "cpu":
        yield from batches
        return
    workers = max((os.cpu_count() or 2) - 1, 1)
    loader = DataLoader(batches, batch_size=None, num_workers=workers, prefetch_factor=4, pin_memory=False)
    for batch in loader:
        yield batch.to(device)
