"""Train the detector: `python -m vlm_picking.training.train DATA --out RUN --minutes 85`. Run it again to go
on.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import distributed

from vlm_picking.training.batch import Batch, make_batch
from vlm_picking.training.data import FrameFolder
from vlm_picking.training.evaluate import evaluate
from vlm_picking.training.lexicon import run_words
from vlm_picking.training.losses import box_losses, focal_loss
from vlm_picking.training.network import IMAGE_PX, PATCH_PX, build_network
from vlm_picking.training.phrases import PhraseSampler
from vlm_picking.training.state import TrainingState

COARSE_PX = 192


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """How long and how fast.

    Args:
        data: folder with train/ and val/.
        run: folder for checkpoints and the log; a run that is there already goes on.
        minutes: training time in all, over all starts of the run; the learning rate follows the clock.
        processes: workers with one thread each; their gradients are averaged.
        batch: frames a step and worker at full resolution.
        coarse_share: the share of the time that is spent on small views first, COARSE_PX wide and more of
            them.
        eval_minutes, save_minutes: how often to measure and to save.
        eval_frames: validation frames a measurement.
        seed: of weights and augmentation.
    """

    data: Path
    run: Path
    minutes: float = 85.0
    processes: int = 2
    batch: int = 16
    coarse_share: float = 0.36
    eval_minutes: float = 8.0
    save_minutes: float = 4.0
    eval_frames: int = 240
    seed: int = 0

    def views(self, progress: float) -> tuple[int, int]:
        """Side of the views [px], and how many a step and worker."""
        if progress < self.coarse_share:
            return COARSE_PX, round(self.batch * (IMAGE_PX / COARSE_PX) ** 2)
        return IMAGE_PX, self.batch


def train(settings: TrainSettings) -> None:
    """Train until the time is up; raises FileNotFoundError when there are no frames."""
    for part in ("train", "val"):
        if not len(FrameFolder(settings.data / part)):
            raise FileNotFoundError(f"no frames in {settings.data / part}: render some first (vlm_picking.sim)")
    settings.run.mkdir(parents=True, exist_ok=True)
    run_words(settings.run)  # before the workers start, so that they find the same
    if settings.processes == 1:
        _work(0, settings, "")
    else:
        meeting = settings.run / f".meeting-{os.getpid()}"
        torch.multiprocessing.spawn(_work, (settings, str(meeting)), nprocs=settings.processes)
        meeting.unlink(missing_ok=True)


def batch_loss(model, text: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
    """The loss of one batch, with its parts; `text` (Q, D) holds the phrases' embeddings."""
    with torch.autocast("cpu", torch.bfloat16):
        feature_map, _ = model.image_embedder(batch.pixels, interpolate_pos_encoding=True)
    feature_map = feature_map.float()  # bfloat16 boxes would snap to a pixel grid
    features = feature_map.flatten(1, 2)
    logits, _ = model.class_predictor(features, text.expand(len(features), -1, -1))
    boxes = model.box_predictor(features, feature_map, interpolate_pos_encoding=True)
    words = focal_loss(logits, batch.positive, batch.ignored, batch.weight)
    l1, giou = box_losses(boxes[batch.boxed], batch.boxes[batch.boxed], batch.weight[batch.boxed])
    return 2 * words + 4 * l1 + 1.5 * giou, {"words": words.item(), "l1": l1.item(), "giou": giou.item()}


def embed_phrases(model, tokenizer, phrases) -> torch.Tensor:
    """(Q, D) text embeddings, one forward for all."""
    tokens = tokenizer(list(phrases), padding="longest", truncation=True, return_tensors="pt")
    return model.owlvit.get_text_features(**tokens).pooler_output


def _work(rank: int, settings: TrainSettings, meeting: str) -> None:
    torch.set_num_threads(1)
    if meeting:
        distributed.init_process_group(
            "gloo", init_method=f"file://{meeting}", rank=rank, world_size=settings.processes
        )
    lexicon, tokenizer = run_words(settings.run)
    torch.manual_seed(settings.seed)
    model = build_network(tokenizer)
    model.set_attn_implementation("eager")  # the fused kernel's backward is three times slower on a CPU
    state = TrainingState(model, minutes=settings.minutes)
    state.load(settings.run)
    rng = np.random.default_rng([settings.seed, rank, state.steps])
    frames, val = FrameFolder(settings.data / "train"), FrameFolder(settings.data / "val")
    sampler = PhraseSampler(lexicon)
    log = _Log(settings.run / "training.log") if rank == 0 else None
    evaluated = saved = state.minutes_done()
    while state.progress() < 1:
        if state.steps % 50 == 0:
            frames.refresh()
        size, n_views = settings.views(state.progress())
        picked = [frames.frames[i] for i in rng.integers(len(frames), size=n_views)]
        batch = make_batch(picked, sampler, size=size, patch_px=PATCH_PX, rng=rng)
        loss, parts = batch_loss(model, embed_phrases(model, tokenizer, batch.phrases), batch)
        loss.backward()
        state.step(settings.processes, views=n_views * settings.processes)
        if log is None:
            continue
        log.step(state, parts, len(frames))
        now = state.minutes_done()
        if now - saved > settings.save_minutes:
            state.save(settings.run)
            saved = now
        if now - evaluated > settings.eval_minutes or state.progress() >= 1:
            val.refresh()
            held_out = val.frames[: settings.eval_frames]
            with state.averaged() as average:
                log.write(f"eval {state.head()} {evaluate(average, tokenizer, held_out, lexicon, size=size)}")
            evaluated = state.minutes_done()
    if rank == 0:
        state.save(settings.run)
    if meeting:
        distributed.destroy_process_group()


class _Log:
    """Means of the last 50 steps, a line each, on the screen and in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parts: list[dict[str, float]] = []
        self._since = time.monotonic()

    def step(self, state: TrainingState, parts: dict[str, float], n_frames: int) -> None:
        self._parts.append(parts)
        if len(self._parts) == 50:
            mean = " ".join(f"{key} {np.mean([p[key] for p in self._parts]):.4f}" for key in parts)
            pace = (time.monotonic() - self._since) / 50
            self.write(f"step {state.head()} {mean} frames {n_frames} {pace:.2f} s/step")
            self._parts, self._since = [], time.monotonic()

    def write(self, line: str) -> None:
        print(line, flush=True)
        with self._path.open("a") as stream:
            stream.write(line + "\n")


def main(
    data: Annotated[Path, typer.Argument(help="folder with train/ and val/, as the renderer writes them")],
    out: Annotated[Path, typer.Option(help="folder of the run; one that is there goes on")],
    minutes: Annotated[float, typer.Option(help="training time in all")] = 85.0,
    processes: Annotated[int, typer.Option(help="workers of one thread each")] = 2,
    batch: Annotated[int, typer.Option(help="frames a step and worker")] = 16,
    seed: Annotated[int, typer.Option(help="of weights and augmentation")] = 0,
) -> None:
    """Train the small detector on rendered frames."""
    train(TrainSettings(data=data, run=out, minutes=minutes, processes=processes, batch=batch, seed=seed))


if __name__ == "__main__":
    typer.run(main)
