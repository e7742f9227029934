"""The training of the classifier of close-ups: a stock `ResNetForImageClassification` with six channels."""

import json
import math
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional

from vlm_picking.errors import ConfigError
from vlm_picking.models.sidecar import Sidecar
from vlm_picking.training.closeups.batch import SIDE_PX, plain_batch, random_batch
from vlm_picking.training.closeups.windows import CLASSES, NONE, window_files
from vlm_picking.training.muon import Muon
from vlm_picking.training.precision import fast_dtype

CHANNELS = 6
_STEM, _WIDTHS, _DEPTHS = 48, [64, 128, 192, 256], [2, 2, 2, 2]
_MUON_LR, _ADAM_LR, _WARM_UP_STEPS, _KEEP = 0.02, 2e-3, 100, 0.999
_SMOOTHING = 0.02
_STATE = "state.pt"
_LOG_STEPS = 100
_CLEAR = 0.5  # visible


@dataclass(frozen=True, kw_only=True)
class CloseupTraining:
    """How long, and from what.

    Args:
        data: folder with train/ and val/ as `windows` renders them; more may come while the training runs.
        run: folder of the state and the log; a run that is there goes on.
        minutes: training time in all, over all starts; the learning rate follows the clock.
        start: a checkpoint whose weights a new run begins with; None: from nothing.
        peak: the highest learning rate, relative to the usual one.
        device: "cpu" or "cuda".
        eval_minutes: how often to measure and to save.
        seed: of weights and changes.
    """

    data: Path
    run: Path
    minutes: float = 120.0
    start: Path | None = None
    peak: float = 1.0
    device: str = "cpu"
    eval_minutes: float = 5.0
    seed: int = 0


def build_network(seed: int = 0):
    """A fresh network for the close-ups of all kinds, and "none" as the last class."""
    from transformers import ResNetConfig, ResNetForImageClassification

    torch.manual_seed(seed)
    labels = dict(enumerate((*CLASSES, "none")))
    config = ResNetConfig(
        num_channels=CHANNELS,
        embedding_size=_STEM,
        hidden_sizes=_WIDTHS,
        depths=_DEPTHS,
        layer_type="basic",
        id2label=labels,
        label2id={label: index for index, label in labels.items()},
    )
    return ResNetForImageClassification(config)


def train(settings: CloseupTraining) -> None:
    """Train until the time is up; Ctrl-C saves and raises KeyboardInterrupt.

    Raises:
        ConfigError: there are no windows, or nothing to start from.
    """
    if not window_files(settings.data / "train"):
        raise ConfigError(f"no windows in {settings.data / 'train'}: render some first")
    settings.run.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    run = _Run(settings)
    try:
        run.until_done()
    finally:
        run.save()


def averaged_network(run: Path):
    """The network of a run with its averaged weights, and the run's minutes and close-ups seen.

    Raises:
        ConfigError: the run has no state yet.
    """
    if not (run / _STATE).exists():
        raise ConfigError(f"there is no training state in {run}; train first")
    content = torch.load(run / _STATE, weights_only=True, map_location="cpu")
    model = build_network()
    model.load_state_dict(content["average"])
    return model.eval(), {"minutes": round(content["minutes"], 1), "closeups": content["seen"]}


@torch.inference_mode()
def measure(model, folder: Path) -> dict[str, float]:
    """Share of right classes of things, of things that show half of themselves, and of what is none, with perfect
    boxes; empty without windows.
    """
    device = next(model.parameters()).device
    said, kind, visible = [], [], []
    for path in window_files(folder):
        with np.load(path) as scene:
            inputs = torch.from_numpy(plain_batch(scene["pixels"], scene["side_m"])).to(device)
            said.append(model(pixel_values=inputs).logits.argmax(dim=1).cpu().numpy())
            kind.append(scene["kind"])
            visible.append(scene["visible"])
    if not said:
        return {}
    said, kind, visible = map(np.concatenate, (said, kind, visible))
    parts = {"things": kind < NONE, "clear": (kind < NONE) & (visible >= _CLEAR), "none": kind == NONE}
    return {name: round(float((said == kind)[rows].mean()), 4) for name, rows in parts.items()} | {"n": len(kind)}


def write_checkpoint(model, out: Path, *, name: str, words: dict[str, tuple[str, ...]], **extra: object) -> None:
    """Write `save_pretrained`'s form in half precision, with the processor's settings and a sidecar.

    Args:
        words: a noun -> the classes that it stands for.
        extra: for readers of the sidecar.
    """
    fresh = out.with_name(out.name + ".part")
    shutil.rmtree(fresh, ignore_errors=True)
    model.half().save_pretrained(fresh)
    (fresh / "model.safetensors").chmod(0o644)
    config = json.loads((fresh / "config.json").read_text(encoding="utf-8"))
    config["dtype"] = "float32"
    (fresh / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    size = {"height": SIDE_PX, "width": SIDE_PX}
    processor = {"image_processor_type": "ViTImageProcessor", "size": size, "do_resize": True, "do_normalize": False}
    (fresh / "preprocessor_config.json").write_text(json.dumps(processor, indent=1) + "\n", encoding="utf-8")
    Sidecar(name=name, categories=words).write(fresh, **extra)
    shutil.rmtree(out, ignore_errors=True)
    fresh.rename(out)


class _Run:
    """The state of a training on its way."""

    def __init__(self, settings: CloseupTraining) -> None:
        self._settings = settings
        self._model = build_network(settings.seed)
        path = settings.run / _STATE
        saved = torch.load(path, weights_only=True, map_location="cpu") if path.exists() else None
        if saved is None and settings.start is not None:
            self._model.load_state_dict(checkpoint_weights(settings.start))
        self._model.to(settings.device, memory_format=torch.channels_last)
        matrices = [p for n, p in self._model.named_parameters() if p.ndim > 1 and _is_inner(n)]
        rest = [p for n, p in self._model.named_parameters() if p.ndim > 1 and not _is_inner(n)]
        vectors = [p for p in self._model.parameters() if p.ndim <= 1]
        self._optimizers = [
            Muon(matrices, lr=_MUON_LR * settings.peak, weight_decay=0.02),
            torch.optim.AdamW(
                [{"params": rest, "weight_decay": 0.03}, {"params": vectors, "weight_decay": 0.0}],
                lr=_ADAM_LR * settings.peak,
                betas=(0.9, 0.98),
            ),
        ]
        self._peaks = [[group["lr"] for group in o.param_groups] for o in self._optimizers]
        self._average = {name: value.clone() for name, value in self._model.state_dict().items()}
        self._before, self._steps, self._seen = 0.0, 0, 0
        if saved is not None:
            self._model.load_state_dict(saved["model"])
            for name, value in saved["average"].items():
                self._average[name].copy_(value)
            for optimizer, state in zip(self._optimizers, saved["optimizers"], strict=True):
                optimizer.load_state_dict(state)
            self._before, self._steps, self._seen = saved["minutes"], saved["steps"], saved["seen"]
        self._started = time.monotonic()

    @property
    def minutes(self) -> float:
        return self._before + (time.monotonic() - self._started) / 60

    def until_done(self) -> None:
        settings = self._settings
        rng = np.random.default_rng((settings.seed, self._steps))
        losses: list[float] = []
        measured, files = self.minutes, []
        while self.minutes < settings.minutes:
            if not len(losses):
                files = window_files(settings.data / "train")  # there may be more by now
            losses.append(self._step(files, rng))
            if len(losses) == _LOG_STEPS:
                left = settings.minutes - self.minutes
                self._log(
                    f"step {self._head()} loss {np.mean(losses):.4f} scenes {len(files)}, {left:.0f} minutes left"
                )
                losses = []
            if self.minutes - measured > settings.eval_minutes:
                self._measure()
                self.save()
                measured = self.minutes
        self._measure()

    def save(self) -> None:
        """Write the state; a reader never sees half a file."""
        content = {
            "model": self._model.state_dict(),
            "average": self._average,
            "optimizers": [o.state_dict() for o in self._optimizers],
            "minutes": self.minutes,
            "steps": self._steps,
            "seen": self._seen,
        }
        torch.save(content, self._settings.run / f"{_STATE}.part")
        os.replace(self._settings.run / f"{_STATE}.part", self._settings.run / _STATE)

    def _step(self, files: list[Path], rng: np.random.Generator) -> float:
        progress = min(self.minutes / self._settings.minutes, 1.0)
        scale = min(1.0, (self._steps + 1) / _WARM_UP_STEPS) * (0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2)
        for optimizer, peaks in zip(self._optimizers, self._peaks, strict=True):
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = scale * peak
        closeups, kinds = random_batch(files, rng)
        device = self._settings.device
        inputs = torch.from_numpy(closeups).to(device, memory_format=torch.channels_last)
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=fast_dtype(device) is torch.bfloat16):
            logits = self._model.train()(pixel_values=inputs).logits
        loss = functional.cross_entropy(logits.float(), torch.from_numpy(kinds).to(device), label_smoothing=_SMOOTHING)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), 5.0)
        for optimizer in self._optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self._steps += 1
        self._seen += len(kinds)
        keep = min(_KEEP, (1 + self._steps) / (10 + self._steps))
        with torch.no_grad():
            for name, value in self._model.state_dict().items():
                if value.dtype.is_floating_point:
                    self._average[name].lerp_(value, 1 - keep)
                else:
                    self._average[name].copy_(value)
        return loss.item()

    def _measure(self) -> None:
        own = {name: value.clone() for name, value in self._model.state_dict().items()}
        self._model.load_state_dict(self._average)
        figures = measure(self._model.eval(), self._settings.data / "val")
        self._model.load_state_dict(own)
        self._log(f"eval {self._head()} " + " ".join(f"{key} {value}" for key, value in figures.items()))

    def _head(self) -> str:
        return f"{self._steps} minutes {self.minutes:.1f} seen {self._seen}"

    def _log(self, line: str) -> None:
        print(line, flush=True)
        with (self._settings.run / "training.log").open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")


def _is_inner(name: str) -> bool:
    """The kernels that Muon takes: not those that see the image, nor those that give the classes."""
    return not name.startswith(("resnet.embedder", "classifier"))


def checkpoint_weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    """The weights of a classifier of close-ups, in float32.

    Raises:
        ConfigError: there is no such checkpoint, or it tells other kinds apart.
    """
    from transformers import ResNetForImageClassification

    try:
        loaded = ResNetForImageClassification.from_pretrained(checkpoint, local_files_only=True, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise ConfigError(f"can't start from {checkpoint}: {error}") from error
    if tuple(loaded.config.id2label[i] for i in range(len(CLASSES))) != CLASSES:
        raise ConfigError(f"{checkpoint} tells other kinds apart; start from nothing (--start none)")
    return loaded.state_dict()
