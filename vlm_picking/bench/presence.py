"""`bench presence`: is it there? Balanced questions in three settings, and words that nobody taught.

Figures, over the questions of `questions.presence_questions`:

    accuracy     for each setting, the share of right answers among PRESENT, ABSENT and FAILED (which is always wrong)
    answered     share of the questions of all settings whose answer is not UNCERTAIN
    precision    share of the PRESENT answers that are right
    recall       share of what is there that is answered PRESENT; UNCERTAIN counts as missed
    f1           their harmonic mean
    ece          expected calibration error of the answers PRESENT and ABSENT: |confidence - share right|, in 10 bins
                 of the confidence, weighed by size
    ece_presence the same over all answers but FAILED, of the probability that it is there: the confidence of PRESENT
                 and UNCERTAIN, one minus that of ABSENT; against whether it is there
    n            questions that were asked; a "yes" that several settings share is asked once and counts in each
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from vlm_picking.bench.failures import Worst
from vlm_picking.bench.metrics import calibration_bins, calibration_error, share
from vlm_picking.bench.questions import SETTINGS, PresenceQuestion, presence_questions, unknown_questions
from vlm_picking.bench.scenes import EvaluationFrame
from vlm_picking.bench.subject import Subject
from vlm_picking.bench.unknown_nouns import UNKNOWN_NOUNS
from vlm_picking.result import Status


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One question with its answer."""

    scene: int
    question: PresenceQuestion
    status: Status
    confidence: float
    reason: str

    @property
    def right(self) -> bool:
        return self.status is (Status.PRESENT if self.question.there else Status.ABSENT)

    @property
    def presence(self) -> float:
        """The probability that it is there, as the answer has it."""
        return 1.0 - self.confidence if self.status is Status.ABSENT else self.confidence


@dataclass(frozen=True, eq=False, kw_only=True)
class PresenceRun:
    """All answers of a run; `fired` of `probed` unknown words fired when the model was asked past the pipeline."""

    answers: list[Answered]
    unknown: list[Answered]
    fired: int
    probed: int
    worst: Worst


def run_presence(subject: Subject, frames: Iterable[EvaluationFrame], *, by_frequency: Sequence[str]) -> PresenceRun:
    """Ask all questions about all frames."""
    answers: list[Answered] = []
    unknown: list[Answered] = []
    worst, fired, probed = Worst(), 0, 0
    for frame in frames:
        for question in presence_questions(frame, by_frequency=by_frequency):
            answers.append(_ask(subject, frame, question, worst))
        vocabulary = subject.detector(frame).vocabulary if subject.detector(frame) else None
        for question in unknown_questions(frame, known=vocabulary or frozenset()):
            unknown.append(_ask(subject, frame, question, worst))
        best = _scores_of_unknown(subject, frame)
        fired += int((best >= subject.config.present_threshold).sum())
        probed += len(best)
    return PresenceRun(answers=answers, unknown=unknown, fired=fired, probed=probed, worst=worst)


def _ask(subject: Subject, frame: EvaluationFrame, question: PresenceQuestion, worst: Worst) -> Answered:
    result = subject.ask(frame, question.sentence)
    answer = result.answer
    answered = Answered(
        scene=frame.scene_seed,
        question=question,
        status=answer.status,
        confidence=answer.confidence,
        reason=answer.reason,
    )
    is_wrong = not answered.right and answer.status in (Status.PRESENT, Status.ABSENT)
    if is_wrong:
        meant = [t.xyxy for t in frame.of_kind(question.noun) if question.colour in (None, t.colour) and t.pixels]
        worst.add(
            frame,
            confidence=answer.confidence,
            caption=(question.sentence, f"{answer.status.value} {answer.confidence:.2f}, scene {frame.scene_seed}"),
            true_xyxy=np.array(meant),
            said_xyxy=result.detections.xyxy,
        )
    return answered


def _scores_of_unknown(subject: Subject, frame: EvaluationFrame) -> np.ndarray:
    """The model's own best scores for all unknown words, without the pipeline's check of the vocabulary."""
    detector = subject.detector(frame)
    if detector is None:
        return np.zeros(0)
    found = detector.detect(frame.frame.rgb, UNKNOWN_NOUNS)
    return np.array([found.score[found.label == noun].max(initial=0.0) for noun in UNKNOWN_NOUNS])


def presence_figures(run: PresenceRun) -> dict[str, object]:
    """The figures of a run; the keys are listed in docs/benchmarks.md."""
    by_setting = {setting: [a for a in run.answers if setting in a.question.settings] for setting in SETTINGS}
    pooled = [answer for answers in by_setting.values() for answer in answers]
    decided = [answer for answer in pooled if answer.status is not Status.UNCERTAIN]
    said = [answer for answer in pooled if answer.status is Status.PRESENT]
    there = [answer for answer in pooled if answer.question.there]
    hits = sum(answer.right for answer in said)
    precision, recall = share(hits, len(said)), share(hits, len(there))
    sure = [answer for answer in decided if answer.status is not Status.FAILED]
    looked = [answer for answer in pooled if answer.status is not Status.FAILED]
    return {
        "accuracy": {setting: _accuracy(answers) for setting, answers in by_setting.items()},
        "precision": precision,
        "recall": recall,
        "f1": share(2 * (precision or 0) * (recall or 0), (precision or 0) + (recall or 0)),
        "ece": calibration_error(*_columns(sure, "confidence", "right")),
        "ece_presence": calibration_error(np.array([a.presence for a in looked]), _there(looked)),
        "answered": share(len(decided), len(pooled)),
        "n": len(run.answers),
        "accuracy_of_all": share(sum(answer.right for answer in pooled), len(pooled)),
        "answered_by_setting": {
            setting: share(sum(a.status is not Status.UNCERTAIN for a in answers), len(answers))
            for setting, answers in by_setting.items()
        },
        "coloured": _summary([a for a in run.answers if a.question.colour]),
        "plain": _summary([a for a in run.answers if not a.question.colour]),
        "failed": sum(answer.status is Status.FAILED for answer in run.answers),
        "unknown_nouns": {
            "n": len(run.unknown),
            "present": share(sum(a.status is Status.PRESENT for a in run.unknown), len(run.unknown)),
            "absent": share(sum(a.status is Status.ABSENT for a in run.unknown), len(run.unknown)),
            "uncertain": share(sum(a.status is Status.UNCERTAIN for a in run.unknown), len(run.unknown)),
            "model_alone_present": share(run.fired, run.probed),
            "model_alone_n": run.probed,
        },
    }


def reliability(run: PresenceRun) -> list[dict[str, float]]:
    """The bins behind `ece_presence`."""
    pooled = [answer for answer in run.answers for _ in answer.question.settings]
    looked = [answer for answer in pooled if answer.status is not Status.FAILED]
    return calibration_bins(np.array([a.presence for a in looked]), _there(looked))


def presence_rows(run: PresenceRun) -> list[dict[str, object]]:
    """One row a question, for a table."""
    return [
        {
            "scene": answer.scene,
            "sentence": answer.question.sentence,
            "settings": " ".join(answer.question.settings) or "unknown noun",
            "noun": answer.question.noun,
            "colour": answer.question.colour or "",
            "there": answer.question.there,
            "status": answer.status.value,
            "confidence": round(answer.confidence, 4),
            "right": answer.right,
            "reason": answer.reason,
        }
        for answer in (*run.answers, *run.unknown)
    ]


def _accuracy(answers: Sequence[Answered]) -> float | None:
    decided = [answer for answer in answers if answer.status is not Status.UNCERTAIN]
    return share(sum(answer.right for answer in decided), len(decided))


def _summary(answers: Sequence[Answered]) -> dict[str, object]:
    decided = sum(answer.status is not Status.UNCERTAIN for answer in answers)
    return {"accuracy": _accuracy(answers), "answered": share(decided, len(answers)), "n": len(answers)}


def _columns(answers: Sequence[Answered], *names: str) -> list[np.ndarray]:
    return [np.array([getattr(answer, name) for answer in answers], dtype=float) for name in names]


def _there(answers: Sequence[Answered]) -> np.ndarray:
    return np.array([answer.question.there for answer in answers], dtype=float)
