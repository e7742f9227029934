"""The training loop of the embedded detector, on a GPU or on processor cores; a run that is there goes on."""

import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import distributed

from vlm_picking.errors import ConfigError, did_you_mean
from vlm_picking.training.batch import Batch
from vlm_picking.training.data import FrameFolder
from vlm_picking.training.evaluate import evaluate
from vlm_picking.training.lexicon import run_words
from vlm_picking.training.loader import Batches, stream
from vlm_picking.training.losses import box_losses, focal_loss, kind_loss
from vlm_picking.training.network import LAYERS, WIDTH, build_network, warm_start
from vlm_picking.training.phrases import PhraseSampler
from vlm_picking.training.precision import attention_for, fast_dtype
from vlm_picking.training.schedule import Schedule
from vlm_picking.training.state import TrainingState

_LOG_STEPS = 50


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """How long, how fast, and from where.

    Args:
        data: folder with train/ and val/.
        run: folder for checkpoints and the log; a run that is there already goes on.
        minutes: training time in all, over all starts of the run; the learning rate follows the clock.
        processes: workers with one thread each on a CPU; their gradients are averaged. A GPU takes one.
        device: "auto", "cpu" or "cuda".
        schedule: sizes of the views.
        layers, width: of the vision tower.
        start: a checkpoint whose weights a new run begins with; None: from nothing.
        peak: the highest learning rate, relative to the usual one; less for a run that starts from a checkpoint.
        eval_minutes, save_minutes: how often to measure and to save.
        eval_frames: validation frames a measurement.
        seed: of weights and augmentation.
    """

    data: Path
    run: Path
    minutes: float = 120.0
    processes: int = 2
    device: str = "auto"
    schedule: Schedule = field(default_factory=Schedule)
    layers: int = LAYERS
    width: int = WIDTH
    start: Path | None = None
    peak: float = 1.0
    eval_minutes: float = 10.0
    save_minutes: float = 4.0
    eval_frames: int = 240
    seed: int = 0


def train(settings: TrainSettings) -> bool:
    """Train until the time is up, or until SIGINT (Ctrl-C): then the step is finished and the run saved.

    Returns:
        Whether the time is up.

    Raises:
        ConfigError: there are no frames, no such device, or nothing to start from.
    """
    for part in ("train", "val"):
        if not len(FrameFolder(settings.data / part)):
            raise ConfigError(f"no frames in {settings.data / part}: render some first (vlm_picking.sim.dataset)")
    device = choose_device(settings.device)
    settings.run.mkdir(parents=True, exist_ok=True)
    run_words(settings.run)  # before the workers start, so that they find the same
    run_shape(settings.run, layers=settings.layers, width=settings.width)
    if device != "cpu" or settings.processes == 1:
        _work(0, settings, device, "")
    else:
        _work_together(settings, device)
    return not TrainingState.was_stopped(settings.run)


def build_model(settings: TrainSettings, tokenizer):
    """The network that a new run begins with."""
    torch.manual_seed(settings.seed)
    model = build_network(tokenizer, **run_shape(settings.run))
    if settings.start is not None and not TrainingState.is_in(settings.run):
        warm_start(model, tokenizer, settings.start)
    return model


def run_shape(run: Path, **shape: int) -> dict[str, int]:
    """`layers` and `width` of a run's network: what its first call says, the same ever after."""
    path = run / "network.json"
    if not path.exists():
        path.write_text(json.dumps(shape), encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


def batch_loss(model, text: torch.Tensor, batch: Batch, *, n_kinds: int) -> tuple[torch.Tensor, dict[str, float]]:
    """The loss of one batch, with its parts; `text` (Q, D) holds the phrases' embeddings, `n_kinds` nouns first."""
    device = batch.pixels.device.type
    with torch.autocast(device, torch.bfloat16, enabled=fast_dtype(device) is torch.bfloat16):
        feature_map, _ = model.image_embedder(batch.pixels, interpolate_pos_encoding=True)
    feature_map = feature_map.float()  # bfloat16 boxes would snap to a pixel grid
    features = feature_map.flatten(1, 2)
    logits, _ = model.class_predictor(features, text.expand(len(features), -1, -1))
    boxes = model.box_predictor(features, feature_map, interpolate_pos_encoding=True)
    words = focal_loss(logits, batch.positive, batch.ignored, batch.weight)
    kinds = kind_loss(logits[..., :n_kinds], batch.kind, batch.weight)
    l1, giou = box_losses(boxes[batch.boxed], batch.boxes[batch.boxed], batch.weight[batch.boxed])
    loss = 2 * words + 0.25 * kinds + 4 * l1 + 1.5 * giou
    return loss, {"words": words.item(), "kinds": kinds.item(), "l1": l1.item(), "giou": giou.item()}


def embed_phrases(model, tokenizer, phrases) -> torch.Tensor:
    """(Q, D) text embeddings, one forward for all."""
    tokens = tokenizer(list(phrases), padding="longest", truncation=True, return_tensors="pt")
    return model.owlvit.get_text_features(**tokens.to(model.device)).pooler_output


def choose_device(name: str) -> str:
    """The device of TrainSettings.device; raises ConfigError where there is none such."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError(f"device {name!r} was asked for, but torch sees no GPU; use 'cpu' or 'auto'")
    if name != "cpu" and not name.startswith("cuda"):
        raise ConfigError(f"unknown device {name!r}; {did_you_mean(name, ('auto', 'cpu', 'cuda'))}")
    return name


@contextmanager
def _on_interrupt(act: Callable[..., object] | signal.Handlers):
    """While the block runs, `act` handles SIGINT; outside of a program's main thread nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, act)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _work_together(settings: TrainSettings, device: str) -> None:
    """Worker processes until all are done; SIGINT is told to them until they listen."""
    meeting = settings.run / f".meeting-{os.getpid()}"
    meeting.unlink(missing_ok=True)
    stop = threading.Event()
    with _on_interrupt(signal.SIG_IGN):  # workers inherit it: none dies of Ctrl-C before it can save
        arguments = (_work, (settings, device, str(meeting)))
        workers = torch.multiprocessing.spawn(*arguments, nprocs=settings.processes, join=False)
        with _on_interrupt(lambda *_: stop.set()):
            while not workers.join(timeout=1.0):
                for pid in workers.pids() if stop.is_set() else ():
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGINT)
    meeting.unlink(missing_ok=True)


def _work(rank: int, settings: TrainSettings, device: str, meeting: str) -> None:
    stop = threading.Event()
    with _on_interrupt(lambda *_: stop.set()):
        _loop(rank, settings, device, meeting, stop)


def _loop(rank: int, settings: TrainSettings, device: str, meeting: str, stop: threading.Event) -> None:
    workers = settings.processes if meeting else 1
    cv2.setNumThreads(1)
    if device == "cpu":
        torch.set_num_threads(1)  # two threads wait for each other more than they save where cores are busy
    if meeting:
        distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=workers)
    lexicon, tokenizer = run_words(settings.run)
    model = build_model(settings, tokenizer).to(device)
    model.set_attn_implementation(attention_for(device))
    state = TrainingState(model, minutes=settings.minutes, peak=settings.peak)
    state.load(settings.run)
    progress = multiprocessing.get_context("spawn").Value("d", state.progress(), lock=False)
    sampler = PhraseSampler(lexicon)
    batches = Batches(
        frames=FrameFolder(settings.data / "train"),
        sampler=sampler,
        schedule=settings.schedule,
        progress=progress,
        seed=(settings.seed, rank, state.steps),
    )
    val = FrameFolder(settings.data / "val")
    log = _Log(settings) if rank == 0 else None
    evaluated = saved = state.minutes_done()
    for batch in stream(batches, device=device):
        if state.progress() >= 1 or state.stopped:
            break
        text = embed_phrases(model, tokenizer, batch.phrases)
        loss, parts = batch_loss(model, text, batch, n_kinds=len(lexicon.nouns))
        loss.backward()
        state.step(workers, views=len(batch.pixels) * workers, stop=stop.is_set())
        progress.value = state.progress()
        if log is None:
            continue
        log.step(state, parts, batches.frames)
        now = state.minutes_done()
        if now - saved > settings.save_minutes:
            state.save(settings.run)
            saved = now
        if now - evaluated > settings.eval_minutes or state.progress() >= 1:
            val.refresh()
            held_out = val.frames[: settings.eval_frames]
            size = batch.pixels.shape[-1]
            with state.averaged() as average:
                log.write(f"eval {state.head()} {evaluate(average, tokenizer, held_out, lexicon, size=size)}")
            evaluated = state.minutes_done()
    if rank == 0:
        state.save(settings.run)
    if meeting:
        distributed.destroy_process_group()


class _Log:
    """Means of the last steps, a line each with the time that is left, on the screen and in a file."""

    def __init__(self, settings: TrainSettings) -> None:
        self._path = settings.run / "training.log"
        self._minutes = settings.minutes
        self._parts: list[dict[str, float]] = []
        self._since = time.monotonic()

    def step(self, state: TrainingState, parts: dict[str, float], frames: FrameFolder) -> None:
        self._parts.append(parts)
        if len(self._parts) == _LOG_STEPS:
            mean = " ".join(f"{key} {np.mean([p[key] for p in self._parts]):.4f}" for key in parts)
            pace = (time.monotonic() - self._since) / _LOG_STEPS
            left = max(self._minutes - state.minutes_done(), 0.0)
            n_frames = frames.refresh()  # where other processes make the batches, nobody else does
            self.write(f"step {state.head()} {mean} frames {n_frames} {pace:.2f} s/step, {left:.0f} minutes left")
            self._parts, self._since = [], time.monotonic()

    def write(self, line: str) -> None:
        print(line, flush=True)
        with self._path.open("a") as stream:
            stream.write(line + "\n")
