"""Spoilt replies and sentences through everything that reads text: it gives a result or refuses, it never crashes."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from random import Random

from vlm_picking.bench.mutations import mutated
from vlm_picking.bench.text_readers import READERS, Reader, Unsound
from vlm_picking.errors import ModelError, PromptError

_FOREIGN_SHARE = 0.1  # of replies that are in the format of another reader
_KEPT_FAULTS = 20


@dataclass
class Tally:
    """What came of the texts of one reader; times are of the processor [ms]."""

    read: int = 0
    refused: int = 0
    crashed: int = 0
    unsound: int = 0
    slowest_ms: float = 0.0


@dataclass
class TextRun:
    """What came of all texts; `faults` are the first crashes and unsound results, with how to make them again."""

    seed: int
    tallies: dict[str, Tally]
    faults: list[dict[str, object]] = field(default_factory=list)
    seconds: float = 0.0


def run_text(n: int, seed: int) -> TextRun:
    """Read n spoilt texts, by turns with each reader; text i of a seed is always the same."""
    everything = [text for reader in READERS for text in reader.corpus]
    run = TextRun(seed, {reader.name: Tally() for reader in READERS})
    start = time.process_time()
    for i in range(n):
        reader = READERS[i % len(READERS)]
        text, cut = spoilt(reader, everything, Random(seed * 1_000_003 + i))
        _read(run, reader, i, text, cut)
    run.seconds = time.process_time() - start
    return run


def spoilt(reader: Reader, everything: Sequence[str], rng: Random) -> tuple[str, bool]:
    """A text for a reader, and whether it is said to be cut short."""
    text = rng.choice(everything if rng.random() < _FOREIGN_SHARE else reader.corpus)
    others = everything if rng.random() < 0.5 else reader.corpus
    return mutated(text, others, rng), rng.random() < 0.4


def _read(run: TextRun, reader: Reader, number: int, text: str, cut: bool) -> None:
    tally = run.tallies[reader.name]
    begun = time.thread_time()
    error: Exception | None = None
    try:
        reader.read(text, cut)
        tally.read += 1
    except (ModelError, PromptError):
        tally.refused += 1
    except Unsound as wrong:
        tally.unsound += 1
        error = wrong
    except Exception as crash:  # what this looks for
        tally.crashed += 1
        error = crash
    tally.slowest_ms = max(tally.slowest_ms, (time.thread_time() - begun) * 1e3)
    if error is not None and len(run.faults) < _KEPT_FAULTS:
        told = f"{type(error).__name__}: {str(error)[:200]}"
        run.faults.append(
            {"reader": reader.name, "number": number, "fault": told, "cut": cut, "text": ascii(text[:300])}
        )


def text_figures(run: TextRun) -> dict[str, object]:
    """The figures of a run: what `vlm-picking bench text` gives."""
    tallies = run.tallies.values()
    n = sum(t.read + t.refused + t.crashed + t.unsound for t in tallies)
    return {
        "benchmark": "text",
        "n": n,
        "seed": run.seed,
        "crashes": sum(t.crashed for t in tallies),
        "unsound": sum(t.unsound for t in tallies),
        "read": sum(t.read for t in tallies),
        "refused": sum(t.refused for t in tallies),
        "seconds": run.seconds,
        "per_second": n / run.seconds if run.seconds else 0.0,
        "slowest_ms": max(t.slowest_ms for t in tallies),
        "readers": {name: asdict(tally) for name, tally in run.tallies.items()},
    }


def text_rows(run: TextRun) -> list[dict[str, object]]:
    """A row a reader."""
    return [{"reader": name, **asdict(tally)} for name, tally in run.tallies.items()]
