"""Whole episodes in worker processes; each loads the models once."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from vlm_picking.bench.subject import ORACLE
from vlm_picking.errors import ConfigError
from vlm_picking.models.suite import ModelSuite

Item = TypeVar("Item")
Done = TypeVar("Done")

_suites: dict[tuple[str, str], ModelSuite] = {}


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is the same for all episodes of a run: the model's name, where it runs, and the grippers."""

    model: str
    device: str
    grippers: tuple[str, ...]

    def models(self) -> ModelSuite | None:
        """The models, loaded once a process; None for the oracle, whose truth is another one for each frame.

        Raises:
            ModelError: the model can't be loaded, or does not say where things are.
        """
        if self.model == ORACLE:
            return None
        key = self.model, self.device
        if key not in _suites:
            _suites[key] = ModelSuite.load(self.model, device=self.device)
        return _suites[key]


def in_order(
    task: Callable[[Job, Item], Done], job: Job, items: Sequence[Item], *, workers: int, label: str = "episodes"
) -> Iterator[Done]:
    """`task(job, item)` for all items in their order, with a bar on stderr; one worker is this process itself.

    Raises:
        ConfigError: no worker.
    """
    from rich.console import Console
    from rich.progress import track

    if workers < 1:
        raise ConfigError(f"workers must be at least 1, got {workers}")
    console = Console(stderr=True)

    def shown(done: Iterator[Done]) -> Iterator[Done]:
        return iter(track(done, label, total=len(items), console=console, disable=not console.is_terminal))

    if workers == 1:
        yield from shown(task(job, item) for item in items)
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_one_thread) as pool:
        futures = [pool.submit(task, job, item) for item in items]
        try:
            yield from shown(future.result() for future in futures)
        finally:
            for future in futures:
                future.cancel()


def _one_thread() -> None:
    import cv2

    os.environ.setdefault("OMP_NUM_THREADS", "1")  # torch, which a model loads later, reads it
    cv2.setNumThreads(1)
