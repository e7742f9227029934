"""A run becomes a checkpoint: `python -m vlm_picking.training.export RUN DATA --out DIRECTORY`."""

import copy
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from vlm_picking.errors import ConfigError
from vlm_picking.models.resizing import Resample
from vlm_picking.models.sidecar import Sidecar
from vlm_picking.training.batch import MEAN, STD
from vlm_picking.training.calibration import expected_calibration_error, fit_calibration
from vlm_picking.training.data import FrameFile, FrameFolder
from vlm_picking.training.evaluate import balanced_accuracy, evaluate, presence, score_frames
from vlm_picking.training.lexicon import known_categories, run_words
from vlm_picking.training.mixing import mix
from vlm_picking.training.network import IMAGE_PX, build_network, warm_start
from vlm_picking.training.phrases import Lexicon, Phrase
from vlm_picking.training.state import TrainingState
from vlm_picking.training.targets import MIN_VISIBLE
from vlm_picking.training.train import run_shape

FLOOR = 0.02  # low, so that the tails of recall and of calibration can be measured
_TABLE = """# Evaluation of {name}

{frames} frames of {scenes} simulated scenes that neither trained nor calibrated it, squashed to {px} x {px} px;
things under {visible:.0%} visible do not count either way. {minutes:.0f} minutes of training, {views:,} views.

| | |
|---|---|
| mAP at IoU 0.5 | {map50:.3f} |
| best box of a kind that is there lies on one (IoU 0.5) | {top1:.1%} |
| "is there a mug?", balanced accuracy at score 0.5 | {presence:.1%} |
| "is there a red mug?" where a mug of another colour is there | {coloured_presence:.1%} |
| calibration error of the score, nouns; coloured | {presence_calibration_error:.3f}; {coloured_calibration_error:.3f} |
| words for what is never there: fired | {absent_words_fired:.2%} |

| kind | AP50 |
|---|---|
"""


def export(
    run: Path,
    data: Path,
    out: Path,
    *,
    name: str = "embedded",
    device: str = "cpu",
    classifier: Path | None = None,
    start: Path | None = None,
    keep: float = 0.0,
) -> dict[str, float]:
    """Write the averaged weights of a run in `save_pretrained` form, calibrated, with a sidecar and the evaluation.

    Half of the validation scenes fit the calibration, the other half measure it and everything else.

    Args:
        run: folder of the run.
        data: folder with val/.
        out: where to write; what an earlier export left there is replaced at the end.
        name: what the model calls itself.
        device: where to measure, "cpu" or "cuda".
        start: the checkpoint that the run began with.
        keep: share of the start's weights in what is written.
        classifier: the directory of one that shall look again at its boxes; it is copied along (`weigh` it then).

    Returns:
        The figures that the sidecar holds under "measured", and evaluation.json and evaluation.md.

    Raises:
        ConfigError: the run has no state yet, or too few scenes to calibrate on one half and measure on the other.
    """
    lexicon, tokenizer = run_words(run)
    if not TrainingState.is_in(run):
        raise ConfigError(f"there is no training state in {run}; train first (vlm-picking train {run})")
    model = build_network(tokenizer, **run_shape(run)).to(device)
    state = TrainingState(model, minutes=1.0)
    state.load(run)
    frames = FrameFolder(data / "val").frames
    fitting = [f for f in frames if f.scene % 2 == 0]
    measuring = [f for f in frames if f.scene % 2 == 1]
    if not fitting or not measuring:
        raise ConfigError(f"{data / 'val'} needs frames of scenes with even and with odd seeds; render more of them")
    with state.averaged() as average:
        if start is not None and keep > 0:
            began = build_network(tokenizer, **run_shape(run))
            warm_start(began, tokenizer, start)
            mix(average, began.state_dict(), keep)
        sidecar = _calibrated(_answers(average, tokenizer, fitting, lexicon), lexicon, name=name)
        answers = _answers(average, tokenizer, measuring, lexicon)
        report = evaluate(average, tokenizer, measuring, lexicon, size=IMAGE_PX)
        _save(average, tokenizer, out)
    if classifier is not None:
        shutil.copytree(classifier, out / classifier.name)
        sidecar = replace(sidecar, classifier=classifier.name)
    nouns = _said([a for a in answers if not a.phrase.colour], sidecar)
    coloured = _said([a for a in answers if a.phrase.colour], sidecar)
    measured = {
        "frames": len(measuring),
        "scenes": len({f.scene for f in measuring}),
        "map50": report.map50,
        "top1": report.top1,
        "presence": _balanced(*nouns),
        "presence_calibration_error": expected_calibration_error(*nouns),
        "coloured_presence": _balanced(*coloured),
        "coloured_calibration_error": expected_calibration_error(*coloured),
        "absent_words_fired": report.absent,
        "training_minutes": state.minutes_done(),
        "training_views": state.views,
        **{f"ap50_{kind}": ap for kind, ap in report.ap50.items()},
    }
    measured = {key: value if isinstance(value, int) else round(value, 4) for key, value in measured.items()}
    sidecar.write(out, measured=measured)
    _write_evaluation(out, name, measured)
    return measured


def _write_evaluation(out: Path, name: str, measured: dict[str, float]) -> None:
    """evaluation.json, and evaluation.md for people: a table of everything and one of the kinds, best first."""
    (out / "evaluation.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    head = _TABLE.format(
        name=name,
        px=IMAGE_PX,
        visible=MIN_VISIBLE,
        minutes=measured["training_minutes"],
        views=measured["training_views"],
        **measured,
    )
    kinds = sorted(((key[5:], ap) for key, ap in measured.items() if key.startswith("ap50_")), key=lambda row: -row[1])
    rows = "".join(f"| {kind} | {ap:.2f} |\n" for kind, ap in kinds)
    (out / "evaluation.md").write_text(head + rows, encoding="utf-8")


@dataclass(frozen=True, eq=False)
class _Answer:
    """The best logits (N,) of a phrase in the frames where it may be asked, and whether it was there (N,)."""

    phrase: Phrase
    logit: np.ndarray
    present: np.ndarray


def _answers(model, tokenizer, frames: Sequence[FrameFile], lexicon: Lexicon) -> list[_Answer]:
    """Every noun in every frame, and every colour of a kind where another one is there too."""
    phrases = [Phrase(name, kind) for kind, names in lexicon.nouns.items() for name in names]
    for kind, names in lexicon.nouns.items():
        phrases += [Phrase(f"{colour} {names[0]}", kind, colour) for colour in lexicon.colours]
    scored = score_frames(model, tokenizer, frames, phrases, size=IMAGE_PX)
    logit = np.array([s.logits.max(axis=0) for s in scored])
    asked = np.array([[presence(p, s.truth) for p in phrases] for s in scored])
    return [
        _Answer(phrase, logit[asked[:, q] >= 0, q], asked[asked[:, q] >= 0, q] == 1) for q, phrase in enumerate(phrases)
    ]


def _calibrated(answers: Sequence[_Answer], lexicon: Lexicon, *, name: str) -> Sidecar:
    """One curve for nouns, one for colours of a noun; kinds of their own gained nothing on other scenes."""
    plain = fit_calibration(*_joined([a for a in answers if not a.phrase.colour]))
    coloured = fit_calibration(*_joined([a for a in answers if a.phrase.colour]))
    return Sidecar(
        name=name,
        vocabulary=frozenset(noun for names in lexicon.nouns.values() for noun in names),
        classes=tuple(names[0] for names in lexicon.nouns.values()),
        colours=frozenset(lexicon.colours),
        categories=known_categories(lexicon),
        template="{}",
        scale=round(plain.scale, 4),
        bias=round(plain.bias, 4),
        coloured=(round(coloured.scale, 4), round(coloured.bias, 4)),
        floor=FLOOR,
        bin_view=True,  # as most views of its training were
    )


def _joined(answers: Sequence[_Answer]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([a.logit for a in answers]), np.concatenate([a.present for a in answers])


def _said(answers: Sequence[_Answer], sidecar: Sidecar) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and the truth."""
    said = [sidecar.probability(a.logit, a.phrase.text) for a in answers]
    return np.concatenate(said), np.concatenate([a.present for a in answers])


def _balanced(said: np.ndarray, present: np.ndarray) -> float:
    return balanced_accuracy(said, present.astype(int), 0.5)


def _save(model, tokenizer, out: Path) -> None:
    """fp16 weights (half the size; computed with in fp32 all the same) and the processor."""
    from transformers import OwlViTImageProcessorPil, OwlViTProcessor

    fresh = out.with_name(out.name + ".part")
    shutil.rmtree(fresh, ignore_errors=True)
    copy.deepcopy(model).half().save_pretrained(fresh)
    (fresh / "model.safetensors").chmod(0o644)
    pictures = OwlViTImageProcessorPil(
        size={"height": IMAGE_PX, "width": IMAGE_PX},
        resample=Resample.BILINEAR,  # of the filters that every processor has, the nearest to the mean over areas
        do_center_crop=False,
        image_mean=MEAN,
        image_std=STD,
    )
    OwlViTProcessor(pictures, tokenizer).save_pretrained(fresh)
    config = json.loads((fresh / "config.json").read_text())
    config["dtype"] = "float32"
    (fresh / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    shutil.rmtree(out, ignore_errors=True)
    fresh.rename(out)


def main(
    run: Annotated[Path, typer.Argument(help="folder of the run")],
    data: Annotated[Path, typer.Argument(help="folder with val/")],
    out: Annotated[Path, typer.Option(help="directory of the checkpoint")],
) -> None:
    """Write a run's checkpoint and print what was measured on the held-out half of val/."""
    torch.set_num_threads(1)
    print(json.dumps(export(run, data, out), indent=1))


if __name__ == "__main__":
    typer.run(main)
