"""`vlm-picking calibrate`: what a model's scores are worth in simulated bins, for models of any family.

Presence is asked of frames in balance: what is there, as many things that are not, colours of things that are there,
and other colours of the same things. A logistic curve (Platt 1999) for nouns and one for phrases with a colour are
fitted to one half of the scenes, and measured on the other.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from vlm_picking.errors import ConfigError, ModelError
from vlm_picking.models.base import ImageTextScorer, ZeroShotDetector
from vlm_picking.models.sidecar import Sidecar, sidecar_path
from vlm_picking.training.calibration import Calibration, expected_calibration_error, fit_calibration
from vlm_picking.training.data import FrameFile, FrameFolder, Thing

FIRST_SEED, SCENES_A_SEED = 20_000_000, 100_000  # apart from training, validation and evaluation
LEAST_VISIBLE, LEAST_SHARE = 0.5, 0.0013  # of a thing that counts as there; of the image's pixels


@dataclass(frozen=True)
class Question:
    """A phrase that is asked of a frame, and the truth."""

    phrase: str
    present: bool


@dataclass(frozen=True, eq=False)
class Answers:
    """N answers of a model, of nouns or of phrases with a colour.

    Args:
        logit: (N,) of its scores; NaN where it had nothing to score.
        present: (N,) bool, the truth.
        scene: (N,) int.
    """

    logit: np.ndarray
    present: np.ndarray
    scene: np.ndarray

    def half(self, remainder: int) -> "Answers":
        """Those of scenes with even (0) or odd (1) numbers."""
        kept = self.scene % 2 == remainder
        return Answers(self.logit[kept], self.present[kept], self.scene[kept])


def questions(
    things: Sequence[Thing], pixels: np.ndarray, model: object, rng: np.random.Generator
) -> list[Question]:
    """What to ask of a frame, in balance.

    Args:
        things: what is in it.
        pixels: (256,) how many of each instance are in the image, 0 the background.
        model: nouns and colours that it was not taught are not asked.
    """
    from vlm_picking.sim.colours import COLOURS
    from vlm_picking.sim.kinds import KINDS

    vocabulary, colours = getattr(model, "vocabulary", None), getattr(model, "colours", None)
    usable = [kind for kind in KINDS if vocabulary is None or kind in vocabulary]
    paints = [colour for colour in COLOURS if colours is None or colour in colours]
    all_pixels = pixels.sum()

    def is_clear(thing: Thing) -> bool:
        return thing.visible >= LEAST_VISIBLE and pixels[thing.id] >= LEAST_SHARE * all_pixels

    there = sorted({thing.kind for thing in things if is_clear(thing)} & set(usable))
    lacking = [kind for kind in usable if kind not in {thing.kind for thing in things}]
    asked = [Question(kind, True) for kind in there]
    asked += [Question(kind, False) for kind in rng.permutation(lacking)[: max(len(there), 1)].tolist()]
    for kind in there:
        same = [thing for thing in things if thing.kind == kind]
        worn = {thing.colour for thing in same if is_clear(thing)} & set(paints)
        asked += [Question(f"{colour} {kind}", True) for colour in sorted(worn)]
        if None not in {thing.colour for thing in same}:
            others = [colour for colour in paints if colour not in {thing.colour for thing in same}]
            asked += [Question(f"{c} {kind}", False) for c in rng.permutation(others)[: max(len(worn), 1)].tolist()]
    return asked


def best_scores(model: object, rgb: np.ndarray, phrases: Sequence[str]) -> np.ndarray:
    """The probability (P,) of each phrase in an image; NaN where a detector found nothing at all.

    Raises:
        ModelError: the model can't say whether a phrase fits, or could not look.
    """
    if isinstance(model, ZeroShotDetector):
        found = model.detect(rgb, list(phrases))
        scores = [found.score[found.label == phrase] for phrase in phrases]
        return np.array([score.max() if len(score) else np.nan for score in scores], np.float64)
    if isinstance(model, ImageTextScorer):
        return np.asarray(model.presence(rgb, list(phrases)), np.float64)
    raise ModelError(f"{getattr(model, 'name', model)} gives no scores: calibrate a model that detects or compares")


def ask(model: object, sidecar: Sidecar, frames: Sequence[FrameFile], *, seed: int = 0) -> dict[str, Answers]:
    """The answers of a model about frames, "nouns" and, where it knows colours, "coloured".

    Args:
        sidecar: the one that the model answers by.

    Raises:
        ModelError: as for `best_scores`.
    """
    rows: dict[str, list[tuple[float, bool, int]]] = {"nouns": [], "coloured": []}
    for number, frame in enumerate(frames):
        rgb, ids = frame.read()
        pixels = np.bincount(ids.ravel(), minlength=256)
        asked = questions(frame.things, pixels, model, np.random.default_rng((seed, number)))
        phrases = [question.phrase for question in asked]
        for question, score in zip(asked, best_scores(model, np.ascontiguousarray(rgb), phrases), strict=True):
            kind = "coloured" if sidecar.is_coloured(question.phrase) else "nouns"
            rows[kind].append((float(sidecar.logit(score, question.phrase)), question.present, frame.scene))
    tables = {kind: np.array(found, np.float64).reshape(-1, 3) for kind, found in rows.items()}
    return {kind: Answers(t[:, 0], t[:, 1] == 1, t[:, 2].astype(int)) for kind, t in tables.items() if len(t)}


def fit(answers: Answers) -> Calibration:
    """The curve of what was scored.

    Raises:
        ConfigError: of what was scored, all is there or nothing is.
    """
    scored = np.isfinite(answers.logit)
    present = answers.present[scored]
    if not present.any() or present.all():
        raise ConfigError("the scored answers are all about things that are there, or all not: give more --scenes")
    return fit_calibration(answers.logit[scored], present)


def measured(answers: Answers, curve: Calibration) -> dict[str, float]:
    """Calibration error and balanced accuracy at 0.5; what was not scored counts as probability 0.

    Raises:
        ConfigError: all is there or nothing is.
    """
    if not answers.present.any() or answers.present.all():
        raise ConfigError("half of the scenes has nothing to measure on: give more --scenes")
    said = np.where(np.isfinite(answers.logit), curve(np.nan_to_num(answers.logit)), 0.0)
    right = (said >= 0.5) == answers.present
    hits = [float(right[answers.present == truth].mean()) for truth in (True, False)]
    return {
        "ece": expected_calibration_error(said, answers.present),
        "balanced_accuracy": float(np.mean(hits)),
        "n": len(said),
    }


def write(path: Path, *, curves: dict[str, Calibration], sidecar_of: Path, figures: dict) -> None:
    """Write a sidecar to `path`: what is known at `sidecar_of` already, with these curves instead of its own.

    Raises:
        ConfigError: `path` can't be written.
    """
    content = json.loads(sidecar_of.read_text(encoding="utf-8")) if sidecar_of.exists() else {}
    pairs = {kind: [round(curve.scale, 4), round(curve.bias, 4)] for kind, curve in curves.items()}
    scale, bias = pairs["nouns"]
    content["score_calibration"] = {"scale": scale, "bias": bias, "coloured": pairs.get("coloured")}
    content["calibration_measured"] = figures
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"can't write {path} ({error.strerror}); give --out FILE") from error


def calibrate_command(
    model: Annotated[str, typer.Option(help="embedded, a checkpoint's directory, or a hub id.")] = "embedded",
    scenes: Annotated[int, typer.Option(min=2, max=SCENES_A_SEED, help="Scenes to render, half to measure on.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Which scenes.")] = 0,
    data: Annotated[
        Path | None, typer.Option(help="Use these frames instead, as vlm_picking.sim.dataset writes.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the sidecar here, not where the model looks for it.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
    dtype: Annotated[str, typer.Option(help="float32, bfloat16 or float16.")] = "float32",
    offline: Annotated[bool, typer.Option("--offline", help="Never reach for a model hub.")] = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes that render.")] = 2,
) -> None:
    """Fit a model's score calibration to simulated bins, and say how far its scores are from the truth."""
    from vlm_picking.models.loading import require_packages
    from vlm_picking.models.registry import find_model, load_model
    from vlm_picking.models.remote_address import PREFIX

    if model.startswith(PREFIX):
        raise ConfigError("a model on a server is asked in words and takes no score calibration; give a checkpoint")
    require_packages(("mujoco",), why="calibrating")
    checkpoint = find_model(model, offline=offline).checkpoint
    loaded = load_model(model, device=device, dtype=dtype, offline=offline)
    sidecar = Sidecar.read(Path(checkpoint), name=Path(checkpoint).name)
    with tempfile.TemporaryDirectory() as scratch:
        frames = FrameFolder(data or _render(Path(scratch), scenes=scenes, seed=seed, workers=workers)).frames
        if not frames:
            raise ConfigError(f"there are no frames in {data}; render some (python -m vlm_picking.sim.dataset)")
        answers = ask(loaded, sidecar, frames, seed=seed)
    before = {
        "nouns": Calibration(sidecar.scale, sidecar.bias),
        "coloured": Calibration(*(sidecar.coloured or (sidecar.scale, sidecar.bias))),
    }
    after = {kind: fit(found.half(0)) for kind, found in answers.items()}
    figures = {}
    for kind, found in answers.items():
        figures[kind] = {"before": measured(found.half(1), before[kind]), "after": measured(found.half(1), after[kind])}
        for moment, row in figures[kind].items():
            print(
                f"{kind:8} {moment:6}  calibration error {row['ece']:.3f}, balanced accuracy "
                f"{row['balanced_accuracy']:.1%} of {row['n']} questions"
            )
    target = out or sidecar_path(checkpoint)
    write(target, curves=after, sidecar_of=sidecar_path(checkpoint), figures=figures)
    print(f"written to {target}")


def _render(folder: Path, *, scenes: int, seed: int, workers: int) -> Path:
    from vlm_picking.sim.dataset import RenderJob, render_dataset

    first = FIRST_SEED + SCENES_A_SEED * seed
    render_dataset(
        RenderJob(out=folder, scenes=scenes, seed=first, views=1, width=640, height=480, workers=min(workers, scenes))
    )
    return folder
