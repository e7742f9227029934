"""Free questions about an image or the last few of them, to the models that answer such."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vlm_picking.answering import failed
from vlm_picking.config import PickingConfig
from vlm_picking.errors import ModelError
from vlm_picking.language.free_questions import Form, FreeQuestion, Option, read_free_question
from vlm_picking.language.refusals import shortened
from vlm_picking.models.base import Captioner, ImageTextScorer, VisualAnswerer
from vlm_picking.models.suite import ModelSuite
from vlm_picking.presence import LEAST_MASS, status_of
from vlm_picking.result import Answer, Status

_LONGEST_REPLY = 500
# How a question of yes or no is answered.
YES_NO_TEXT = {Status.PRESENT: "Yes.", Status.ABSENT: "No.", Status.UNCERTAIN: "I am not sure."}


def answer_freely(
    text: str, images: Sequence[np.ndarray], models: ModelSuite, config: PickingConfig
) -> tuple[Answer, str]:
    """Answer a free question.

    Args:
        images: (H, W, 3) uint8, oldest first; the last is the one that the question is about, those before it are for
            questions about change.

    Returns:
        The answer and the name of the model that was asked, "" where none could be. A yes is PRESENT and a no ABSENT,
        by the thresholds; one of several options is PRESENT where the others together would be ABSENT. An answer in
        words comes without a probability: UNCERTAIN.

    Raises:
        ModelError: the model could not look, or its reply can't be read.
        PromptError: the question has no words.
    """
    question = read_free_question(text)
    if refusal := _refusal(text, question, len(images), models):
        return failed(refusal), ""
    answerer, scorer = models.answerer, models.scorer
    if question.about_change:
        asked = (
            f"These {len(images)} pictures were taken by one camera, one after the other, the oldest first. "
            f"{text.strip()}"
        )
        if question.form is Form.YES_NO:
            return _yes_or_no(answerer, images, asked, config), answerer.name
        return _in_words(answerer, images, asked), answerer.name
    if question.form is Form.CHOICE and scorer is not None:
        return _choice(scorer, images[-1], question.options, config), scorer.name
    if question.form is Form.YES_NO and answerer is None:
        return _by_opposites(scorer, images[-1], question.options, config), scorer.name
    if question.form is Form.YES_NO:
        return _yes_or_no(answerer, images[-1:], text.strip(), config), answerer.name
    return _in_words(answerer, images[-1:], text.strip()), answerer.name


def wants_history(text: str) -> bool:
    """Whether one picture can't answer a question."""
    return read_free_question(text).about_change


def captioned(answer: Answer, rgb: np.ndarray, captioner: Captioner) -> Answer:
    """A description with the captioner's sentence behind it.

    Raises:
        ModelError: the captioner could not look.
    """
    caption = _plain(captioner.caption(rgb))
    reason = "; ".join(filter(None, (answer.reason, f"caption by {captioner.name}")))
    return replace(answer, text=f"{answer.text} {caption}".strip(), reason=reason)


def _refusal(text: str, question: FreeQuestion, image_count: int, models: ModelSuite) -> str:
    """Why nobody can be asked, with the fix; empty where somebody can."""
    answerer, quoted = models.answerer, f"'{shortened(text.strip())}'"
    if question.about_change:
        if answerer is None or answerer.max_images < 2:
            who = "no model that answers questions is set" if answerer is None else f"{answerer.name} takes one image"
            return f"{quoted} needs a look at several frames, and {who}; set answering_model to one that takes several"
        if image_count < 2:
            return (
                f"{quoted} needs frames from before this one, and there is none yet; "
                "ask again later in the stream or recording"
            )
        return ""
    if answerer is None and (models.scorer is None or not question.options):
        also = " or, for 'open or closed?', similarity_model" if question.options else ""
        return (
            f"{models.name} can't answer {quoted}; set answering_model to a model that answers questions{also}, "
            "or ask 'is there ...', 'where is ...', 'how many ...', 'pick ...'"
        )
    return ""


def _yes_or_no(answerer: VisualAnswerer, images: Sequence[np.ndarray], asked: str, config: PickingConfig) -> Answer:
    yes = answerer.yes_probability(images, asked)
    if not 0.0 <= yes.probability <= 1.0:
        raise ModelError(f"{answerer.name} gave {yes.probability} where a probability is needed")
    if yes.mass < LEAST_MASS:
        answer = _in_words(answerer, images, asked)
        return replace(answer, reason=f"{answer.reason}; it takes this for no question of yes or no")
    return _yes_answer(yes.probability, answerer.name, config)


def _yes_answer(probability: float, model: str, config: PickingConfig) -> Answer:
    status = status_of(probability, config)
    confidence = 1 - probability if status is Status.ABSENT else probability
    return Answer(status, confidence, YES_NO_TEXT[status], reason=f"probability of yes {probability:.2f} by {model}")


def _in_words(answerer: VisualAnswerer, images: Sequence[np.ndarray], asked: str) -> Answer:
    reply = _plain(answerer.answer(images, asked))
    return Answer(Status.UNCERTAIN, 0.5, reply, reason=f"{answerer.name} answered in words, without a probability")


def _choice(scorer: ImageTextScorer, rgb: np.ndarray, options: tuple[Option, ...], config: PickingConfig) -> Answer:
    p = _shares(scorer, rgb, options)
    best = int(p.argmax())
    sure = p[best] >= config.present_threshold and 1 - p[best] < config.absent_threshold
    reason = ", ".join(f"{option.word} {share:.2f}" for option, share in zip(options, p, strict=True))
    text = f"{options[best].word.capitalize()}." if sure else f"Perhaps {options[best].word}."
    return Answer(
        Status.PRESENT if sure else Status.UNCERTAIN, float(p[best]), text, reason=f"{reason} by {scorer.name}"
    )


def _by_opposites(
    scorer: ImageTextScorer, rgb: np.ndarray, options: tuple[Option, ...], config: PickingConfig
) -> Answer:
    """A yes-or-no question to a model that only compares: "open" against "closed"."""
    p = _shares(scorer, rgb, options)
    answer = _yes_answer(float(p[0]), scorer.name, config)
    if 1 - p.max() >= config.absent_threshold:  # the same margin as for one of several options
        answer = replace(answer, status=Status.UNCERTAIN, confidence=float(p[0]), text=YES_NO_TEXT[Status.UNCERTAIN])
    return replace(answer, reason=f"{answer.reason}, '{options[0].word}' against '{options[1].word}'")


def _shares(scorer: ImageTextScorer, rgb: np.ndarray, options: tuple[Option, ...]) -> np.ndarray:
    p = np.asarray(scorer.classify(rgb, [option.statement for option in options]), np.float64)
    if p.shape != (len(options),) or not np.isfinite(p).all() or not ((p >= 0) & (p <= 1)).all():
        raise ModelError(f"{scorer.name} gave {p.tolist()} where {len(options)} probabilities are needed")
    return p


def _plain(reply: str) -> str:
    """A model's words on one line, of a length that fits a status bar."""
    line = " ".join("".join(c if c.isprintable() else " " for c in reply).split())
    if not line:
        raise ModelError("the model answered with nothing but blanks; ask again or set another model")
    return line if len(line) <= _LONGEST_REPLY else f"{line[:_LONGEST_REPLY]}..."
