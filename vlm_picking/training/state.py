"""What a training run carries from step to step, and from one start to the next."""

import math
import os
import time
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import distributed

from vlm_picking.training.muon import Muon

WARMUP_STEPS = 80
EMA = 0.998
_FILE = "state.pt"


class TrainingState:
    """Weights, their moving average, optimizers and the clock.

    Args:
        model: the detector.
        minutes: training time in all; the learning rate falls along a cosine of the time that is used up.
        peak: the highest learning rate, relative to the usual one.
    """

    def __init__(self, model, *, minutes: float, peak: float = 1.0) -> None:
        self.model = model
        self.steps = self.views = 0
        self.stopped = False
        self._minutes = minutes
        self._before = 0.0
        self._started = time.monotonic()
        self._shared_progress = 0.0
        named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
        matrices = [p for n, p in named if _is_matrix(n, p)]
        rest = [p for n, p in named if not _is_matrix(n, p) and p.ndim > 1]
        vectors = [p for _, p in named if p.ndim <= 1]
        self._optimizers = [
            Muon(matrices, lr=0.012 * peak, weight_decay=0.02),
            torch.optim.AdamW(
                [{"params": rest, "weight_decay": 0.02}, {"params": vectors, "weight_decay": 0.0}],
                lr=1.5e-3 * peak,
                betas=(0.9, 0.98),
            ),
        ]
        self._peaks = [[group["lr"] for group in o.param_groups] for o in self._optimizers]
        self._average = {n: p.detach().clone() for n, p in model.named_parameters()}

    def minutes_done(self) -> float:
        return self._before + (time.monotonic() - self._started) / 60

    def progress(self) -> float:
        """How much of the time is used up, 0..1, the same in every worker."""
        return self._shared_progress

    def head(self) -> str:
        return f"{self.steps} minutes {self.minutes_done():.1f} views {self.views}"

    def step(self, workers: int, *, views: int, stop: bool = False) -> None:
        """Average the gradients of all workers, step, and forget the gradients; `stop` of one sets all `stopped`."""
        params = [p for p in self.model.parameters() if p.grad is not None]
        shared = torch.tensor([float(stop), self.minutes_done() / self._minutes], device=params[0].device)
        flat = torch.cat([*(p.grad.flatten() for p in params), shared])
        if workers > 1:
            distributed.all_reduce(flat)
            flat /= workers
        self.stopped = float(flat[-2]) > 0
        self._shared_progress = min(float(flat[-1]), 1.0)
        norm = float(flat[:-2].norm())
        flat = flat * min(1.0, 5.0 / (norm + 1e-6))
        start = 0
        for p in params:
            p.grad.copy_(flat[start : start + p.numel()].view_as(p))
            start += p.numel()
        self.steps += 1
        self.views += views
        scale = min(1.0, self.steps / WARMUP_STEPS) * (
            0.01 + 0.99 * (1 + math.cos(math.pi * self._shared_progress)) / 2
        )
        for optimizer, peaks in zip(self._optimizers, self._peaks, strict=True):
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * scale
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        keep = min(EMA, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            for name, p in self.model.named_parameters():
                self._average[name].lerp_(p, 1 - keep)

    @contextmanager
    def averaged(self):
        """The model with its averaged weights, for as long as the block lasts."""
        own = {n: p.detach().clone() for n, p in self.model.named_parameters()}
        self._put(self._average)
        try:
            yield self.model.eval()
        finally:
            self._put(own)
            self.model.train()

    def save(self, run: Path) -> None:
        """Write the run's state; a reader never sees half a file."""
        content = {
            "model": self.model.state_dict(),
            "average": self._average,
            "optimizers": [o.state_dict() for o in self._optimizers],
            "steps": self.steps,
            "views": self.views,
            "minutes": self.minutes_done(),
            "stopped": self.stopped,
        }
        torch.save(content, run / f"{_FILE}.part")
        os.replace(run / f"{_FILE}.part", run / _FILE)

    @staticmethod
    def is_in(run: Path) -> bool:
        """Whether a run has a state to go on from."""
        return (run / _FILE).exists()

    @staticmethod
    def was_stopped(run: Path) -> bool:
        """Whether the run in a folder ended before its time was up; so does one that never was saved."""
        if not TrainingState.is_in(run):
            return True
        return bool(torch.load(run / _FILE, weights_only=True, map_location="cpu").get("stopped", False))

    def load(self, run: Path) -> bool:
        """Go on from the state in `run`; False when there is none."""
        if not self.is_in(run):
            return False
        content = torch.load(run / _FILE, weights_only=True, map_location=next(self.model.parameters()).device)
        self.model.load_state_dict(content["model"])
        self._average = content["average"]
        for optimizer, saved in zip(self._optimizers, content["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.steps, self.views, self._before = content["steps"], content["views"], content["minutes"]
        self._shared_progress = min(self._before / self._minutes, 1.0)
        return True

    def _put(self, weights: dict[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, p in self.model.named_parameters():
                p.copy_(weights[name])


def _is_matrix(name: str, p: torch.nn.Parameter) -> bool:
    """The matrices of encoders and heads: Muon's; embeddings and one-row outputs are AdamW's."""
    inside = "encoder.layers" in name or ".dense" in name or "text_projection" in name
    return inside and p.ndim == 2 and min(p.shape) >= 16
