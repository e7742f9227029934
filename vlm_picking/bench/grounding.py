"""`bench grounding`: where is it? Boxes of nouns and of colour-nouns, superlatives, relations and counts.

Figures:

    map50, map         mean over the kinds of AP at IoU 0.5, and over IoU 0.5 to 0.95 (COCO: 101 recalls, 100 boxes);
                       every kind is asked of every frame, half of the time by a synonym where it has any
    recall50           share of the clear things that a box from the threshold for PRESENT on finds, IoU 0.5
    colour_map50       mean over the colour-nouns that were there of AP at IoU 0.5; every usual colour of every kind
                       is asked of every frame
    relation_accuracy  share of the superlatives and relations of `spatial` that are right: one object, answered
                       PRESENT, with the right object's box at IoU 0.5; ABSENT where nothing stands in the relation
    count_accuracy     share of the counts that are exact
    n                  clear things to be found
    per_class          kind -> ap50, ap, recall50, n

Things that are there but not clear count neither way: a box on them is ignored.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from vlm_picking.bench.boxes import ClassBoxes, mean_ap, per_class, recall, scored_hits, split, stack
from vlm_picking.bench.failures import Worst
from vlm_picking.bench.metrics import WRONG, calibration_bins, calibration_error, share
from vlm_picking.bench.scenes import EvaluationFrame
from vlm_picking.bench.sentences import name_of
from vlm_picking.bench.spatial import (
    CountQuestion,
    SpatialQuestion,
    count_questions,
    relation_questions,
    superlative_questions,
)
from vlm_picking.bench.subject import Subject
from vlm_picking.detections import box_iou
from vlm_picking.result import Status

_RIGHT_IOU = 0.5


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One superlative, relation or count with its answer."""

    scene: int
    sentence: str
    name: str
    wanted: str
    said: str
    status: Status
    confidence: float
    right: bool


@dataclass(eq=False)
class GroundingRun:
    """All that a run collects."""

    kinds: dict[str, ClassBoxes] = field(default_factory=dict)
    colour_nouns: dict[str, ClassBoxes] = field(default_factory=dict)
    superlatives: list[Judged] = field(default_factory=list)
    relations: list[Judged] = field(default_factory=list)
    counts: list[Judged] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=lambda: {"hidden": 0, "small": 0})
    wrong_boxes: Worst = field(default_factory=lambda: Worst(6))
    wrong_answers: Worst = field(default_factory=lambda: Worst(6))


def run_grounding(subject: Subject, frames: Iterable[EvaluationFrame]) -> GroundingRun:
    """Ask all questions about all frames."""
    from vlm_picking.sim.kinds import KINDS

    run = GroundingRun(kinds={kind: ClassBoxes() for kind in KINDS})
    colour_nouns = [
        (colour, kind) for kind, entry in KINDS.items() for colour in dict.fromkeys(entry.colours)
        if len(set(entry.colours)) > 1
    ]  # fmt: skip
    run.colour_nouns = {f"{colour} {kind}": ClassBoxes() for colour, kind in colour_nouns}
    for frame in frames:
        for thing in frame.things:
            if thing.kind and thing.pixels and not thing.clear:
                run.left_out["small" if thing.visible >= _RIGHT_IOU else "hidden"] += 1
        _find_kinds(subject, frame, run)
        _find_colour_nouns(subject, frame, colour_nouns, run)
        run.superlatives += [_choose(subject, frame, q, run.wrong_answers) for q in superlative_questions(frame)]
        run.relations += [_choose(subject, frame, q, run.wrong_answers) for q in relation_questions(frame)]
        run.counts += [_count(subject, frame, q, run.wrong_answers) for q in count_questions(frame)]
    return run


def _find_kinds(subject: Subject, frame: EvaluationFrame, run: GroundingRun) -> None:
    rng = np.random.default_rng((frame.scene_seed, 7))
    names = {kind: name_of(kind, rng) for kind in run.kinds}
    found = subject.boxes(frame, [f"find the {name}" for name in names.values()])
    for (kind, name), boxes in zip(names.items(), found, strict=True):
        clear, hidden = split(frame, kind)
        outcome = run.kinds[kind].add(boxes, stack(clear), stack(hidden))
        wrong = np.flatnonzero(outcome == WRONG)
        if len(wrong):
            # Outcomes are best first: the first wrong one is the surest.
            best = boxes.by_score()[int(wrong[0])]
            run.wrong_boxes.add(
                frame,
                confidence=float(best.score[0]),
                caption=(f"find the {name}", f"wrong box, score {best.score[0]:.2f}, scene {frame.scene_seed}"),
                true_xyxy=stack(clear),
                said_xyxy=best.xyxy,
            )


def _find_colour_nouns(
    subject: Subject, frame: EvaluationFrame, colour_nouns: list[tuple[str, str]], run: GroundingRun
) -> None:
    found = subject.boxes(frame, [f"find the {colour} {kind}" for colour, kind in colour_nouns])
    for (colour, kind), boxes in zip(colour_nouns, found, strict=True):
        clear, hidden = split(frame, kind, colour)
        run.colour_nouns[f"{colour} {kind}"].add(boxes, stack(clear), stack(hidden))


def _choose(subject: Subject, frame: EvaluationFrame, question: SpatialQuestion, worst: Worst) -> Judged:
    result = subject.ask(frame, question.sentence)
    seen, status = result.detections.xyxy, result.answer.status
    wanted = [thing for thing in frame.things if thing.id == question.answer_id]
    if wanted:
        overlap = box_iou(seen, stack(wanted))
        right = status is Status.PRESENT and len(seen) == 1 and float(overlap[0, 0]) >= _RIGHT_IOU
    else:
        right = status is Status.ABSENT
    judged = Judged(
        scene=frame.scene_seed,
        sentence=question.sentence,
        name=question.name,
        wanted="nothing" if question.answer_id is None else f"object {question.answer_id}",
        said=f"{len(seen)} boxes",
        status=status,
        confidence=result.answer.confidence,
        right=right,
    )
    _note(frame, judged, stack(wanted), seen, worst)
    return judged


def _count(subject: Subject, frame: EvaluationFrame, question: CountQuestion, worst: Worst) -> Judged:
    result = subject.ask(frame, question.sentence)
    answer = result.answer
    judged = Judged(
        scene=frame.scene_seed,
        sentence=question.sentence,
        name=str(question.count),
        wanted=str(question.count),
        said=str(answer.count),
        status=answer.status,
        confidence=answer.confidence,
        right=answer.status is not Status.FAILED and (answer.count or 0) == question.count,
    )
    _note(frame, judged, stack(list(frame.of_kind(question.kind))), result.detections.xyxy, worst)
    return judged


def _note(frame: EvaluationFrame, judged: Judged, true: np.ndarray, said: np.ndarray, worst: Worst) -> None:
    if not judged.right:
        second = f"{judged.status.value}, {judged.said} for {judged.wanted}, scene {judged.scene}"
        worst.add(
            frame,
            confidence=judged.confidence,
            caption=(judged.sentence, second),
            true_xyxy=true,
            said_xyxy=said,
        )


def grounding_figures(run: GroundingRun, *, threshold: float) -> dict[str, object]:
    """The figures of a run; `threshold` is the one for PRESENT. The keys are listed in docs/benchmarks.md."""
    map50, map_ = mean_ap(run.kinds)
    colour_map50, _ = mean_ap(run.colour_nouns)
    spatial = [*run.superlatives, *run.relations]
    score, hit = scored_hits(run.kinds)
    return {
        "map50": map50,
        "map": map_,
        "recall50": recall(run.kinds, threshold=threshold),
        "colour_map50": colour_map50,
        "relation_accuracy": _accuracy(spatial),
        "count_accuracy": _accuracy(run.counts),
        "n": sum(boxes.n_true for boxes in run.kinds.values()),
        "per_class": per_class(run.kinds, threshold=threshold),
        "recall50_any_score": recall(run.kinds, threshold=0.0),
        "colour_nouns": sum(bool(boxes.n_true) for boxes in run.colour_nouns.values()),
        "coloured_n": sum(boxes.n_true for boxes in run.colour_nouns.values()),
        "superlative_accuracy": _accuracy(run.superlatives),
        "only_relation_accuracy": _accuracy(run.relations),
        "spatial": _by_name(spatial),
        "spatial_n": len(spatial),
        "counts": _by_name(run.counts),
        "counts_n": len(run.counts),
        "failed": sum(judged.status is Status.FAILED for judged in (*spatial, *run.counts)),
        "box_ece": calibration_error(score, hit),
        "left_out": run.left_out,
    }


def box_reliability(run: GroundingRun) -> list[dict[str, float]]:
    """The bins behind `box_ece`: scores of boxes against the share of them that hit."""
    return calibration_bins(*scored_hits(run.kinds))


def grounding_rows(run: GroundingRun) -> list[dict[str, object]]:
    """One row a superlative, relation or count, for a table."""
    groups = {"superlative": run.superlatives, "relation": run.relations, "count": run.counts}
    return [
        {
            "scene": judged.scene,
            "group": group,
            "name": judged.name,
            "sentence": judged.sentence,
            "wanted": judged.wanted,
            "said": judged.said,
            "status": judged.status.value,
            "confidence": round(judged.confidence, 4),
            "right": judged.right,
        }
        for group, answers in groups.items()
        for judged in answers
    ]


def _accuracy(answers: list[Judged]) -> float | None:
    return share(sum(judged.right for judged in answers), len(answers))


def _by_name(answers: list[Judged]) -> dict[str, dict[str, float | int | None]]:
    names = sorted({judged.name for judged in answers})
    groups = {name: [judged for judged in answers if judged.name == name] for name in names}
    return {name: {"accuracy": _accuracy(group), "n": len(group)} for name, group in groups.items()}
