"""What a detector's word and a classifier's weigh against each other, fitted on frames of their own.

Presence is asked as `vlm_picking.training.calibrate` asks it. The best box of a phrase after fusion answers, so the
weights are fitted to that best box: a logistic curve (Platt 1999) of both models' log-odds. What further boxes lose
(`verification.doubt_further`) is fitted to them: do they show another thing of the kind? An outline that the detector
has no box for (`overlooked`) has the classifier's word alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit

from vlm_picking.bin_view import detect_in_bin
from vlm_picking.detections import box_iou
from vlm_picking.errors import ConfigError
from vlm_picking.frame import RgbdFrame
from vlm_picking.language.lexicon import COLOURS
from vlm_picking.overlooked import is_overlooked
from vlm_picking.segmentation import segment_objects
from vlm_picking.support import find_support
from vlm_picking.training.calibrate import LEAST_SHARE, LEAST_VISIBLE, questions
from vlm_picking.training.calibration import balanced_weights, expected_calibration_error
from vlm_picking.verification import doubt_further, log_odds

FIRST_SEED = 30_000_000  # apart from training, validation, calibration of detectors, and evaluation
_WIDTH, _HEIGHT = 640, 480
_STREAM = 11
_SHOWN_IOU = 0.5
_MOST_DOUBT = 6.0
_NOTHING = -30.0


@dataclass(frozen=True, eq=False)
class Answer:
    """What both models say of the boxes of one phrase in one frame.

    Args:
        detected, closer: (N,) log-odds of the detector and of the classifier.
        present: the truth.
        scene: number of the scene.
        coloured: whether the phrase begins with a colour.
        overlooked: (M,) log-odds of the classifier for outlines that the detector has no box of the phrase for.
        shows: (N + M,) the number of the thing of the phrase that a box or an outline shows, -1 for none; empty where
            the phrase has a colour, or where things of its kind are too hidden to say.
        things: how many things of the phrase there are, where `shows` says something.
    """

    detected: np.ndarray
    closer: np.ndarray
    present: bool
    scene: int
    coloured: bool = False
    overlooked: np.ndarray = field(default_factory=lambda: np.zeros(0))
    shows: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    things: int = 0


@dataclass(frozen=True)
class Weights:
    """What log-odds weigh.

    Args:
        boxes: the detector's, the classifier's, and a bias.
        outlines: the classifier's, and a bias, where the detector has no box; None: nobody looks there.
    """

    boxes: tuple[float, float, float]
    outlines: tuple[float, float] | None = None


def ask_both(detector, classifier, *, scenes: int) -> list[Answer]:
    """The answers of a detector and a classifier about `scenes` rendered frames.

    Raises:
        ModelError: one of them could not look.
    """
    answers = []
    for scene, (frame, truth) in enumerate(rendered_frames(scenes, seed=FIRST_SEED)):
        pixels = np.bincount(truth.ids.ravel(), minlength=256)
        asked = questions(truth.objects, pixels, detector, np.random.default_rng((FIRST_SEED, scene)))
        asked = [question for question in asked if classifier.knows(question.phrase)]
        support = find_support(frame)
        found = detect_in_bin(frame, support, detector, [question.phrase for question in asked])
        probabilities = classifier.classify_boxes(frame, found.xyxy)
        outlines = segment_objects(frame, support).xyxy
        of_outlines = classifier.classify_boxes(frame, outlines)
        for question in asked:
            rows = found.label == question.phrase
            closer = classifier.phrase_probability(probabilities[rows], question.phrase)
            coloured = question.phrase.split()[0] in COLOURS
            # Of a coloured phrase the classifier knows half: its boxes alone are weighed.
            free = is_overlooked(outlines, found.xyxy[rows]) & (not coloured)
            boxes = np.concatenate([found.xyxy[rows], outlines[free]])
            shows, things = _shown(boxes, question.phrase, truth, pixels)
            overlooked = log_odds(classifier.phrase_probability(of_outlines[free], question.phrase))
            odds = log_odds(found.score[rows]), log_odds(closer)
            answers.append(Answer(*odds, question.present, scene, coloured, overlooked, shows, things))
    return answers


def _shown(xyxy: np.ndarray, phrase: str, truth, pixels: np.ndarray) -> tuple[np.ndarray, int]:
    """See `Answer.shows` and `things`."""
    things = [thing for thing in truth.objects if thing.kind == phrase]
    if not all(thing.visible >= LEAST_VISIBLE and pixels[thing.id] >= LEAST_SHARE * pixels.sum() for thing in things):
        return np.zeros(0, int), 0
    if not things:
        return np.full(len(xyxy), -1), 0
    overlap = box_iou(xyxy, np.array([thing.xyxy for thing in things], np.float64))
    return np.where(overlap.max(axis=1) >= _SHOWN_IOU, overlap.argmax(axis=1), -1), len(things)


def fit_fusion(answers: list[Answer]) -> Weights:
    """The weights of the greatest likelihood, all together; "there" and "not there" weigh the same.

    Raises:
        ConfigError: all that was asked is there, or all is not.
    """
    present = np.array([answer.present for answer in answers])
    if present.all() or not present.any():
        raise ConfigError("all that was asked is there, or all is not: give more scenes")
    weight = balanced_weights(present)

    def weights(x: np.ndarray) -> Weights:
        of_detector, of_classifier, of_outlines = np.exp(np.clip(x[[0, 1, 3]], -6, 2)).tolist()
        return Weights((of_detector, of_classifier, float(x[2])), (of_outlines, float(x[4])))

    def loss(x: np.ndarray) -> float:
        z = presence_odds(answers, weights(x))
        return float((weight * np.where(present, np.logaddexp(0, -z), np.logaddexp(0, z))).sum())

    start = np.array([np.log(0.5), np.log(0.5), 0.0, 0.0, -2.0])
    best = weights(minimize(loss, start, method="Nelder-Mead", options={"maxiter": 2000}).x)
    return Weights(*(tuple(round(value, 4) for value in part) for part in (best.boxes, best.outlines)))


def fit_further(answers: list[Answer], weights: Weights) -> float:
    """What each further box or outline of a noun loses, of the greatest likelihood; phrases of which there is one and
    phrases of which there are several weigh the same.
    """
    rows = []
    for answer in answers:
        if answer.things and len(answer.shows) > 1:
            odds = thing_odds(answer, weights)
            order = np.argsort(-odds, kind="stable")
            first = np.zeros(len(order), bool)
            first[np.unique(answer.shows[order], return_index=True)[1]] = True
            rows.append((odds[order], first & (answer.shows[order] >= 0), answer.things > 1))
    weight = balanced_weights(np.array([several for *_, several in rows], bool))

    def loss(bias: float) -> float:
        wrong = [
            np.logaddexp(0, np.where(another, -1, 1)[1:] * doubt_further(odds, bias)[1:]).sum()
            for odds, another, _ in rows
        ]
        return float(weight @ np.array(wrong))

    return round(float(minimize_scalar(loss, bounds=(0.0, _MOST_DOUBT), method="bounded").x), 4)


def measure_counts(answers: list[Answer], weights: Weights, further_bias: float) -> dict[str, float]:
    """Share of exact counts of what is there and clear, of one and of several of a kind."""
    right: dict[bool, list[bool]] = {False: [], True: []}
    for answer in answers:
        if answer.present and len(answer.shows):
            number = answer.things
            said = (doubt_further(thing_odds(answer, weights), further_bias) >= 0).sum()
            right[number > 1].append(said == number)
    return {
        "one": round(float(np.mean(right[False] or [np.nan])), 4),
        "several": round(float(np.mean(right[True] or [np.nan])), 4),
        "n": len(right[False]) + len(right[True]),
    }


def thing_odds(answer: Answer, weights: Weights) -> np.ndarray:
    """The log-odds (N + M,) of an answer's boxes and outlines after fusion."""
    of_detector, of_classifier, bias = weights.boxes
    boxes = of_detector * answer.detected + of_classifier * answer.closer + bias
    if weights.outlines is None:
        return np.concatenate([boxes, np.full(len(answer.overlooked), _NOTHING)])
    weight, bias = weights.outlines
    return np.concatenate([boxes, weight * answer.overlooked + bias])


def presence_odds(answers: list[Answer], weights: Weights) -> np.ndarray:
    """The log-odds (A,) of each answer's likeliest box or outline after fusion; next to nothing where there is none."""
    return np.array([thing_odds(answer, weights).max(initial=_NOTHING) for answer in answers])


def measure_fusion(answers: list[Answer], weights: Weights) -> dict[str, float]:
    """Balanced accuracy at 0.5 and calibration error."""
    said = expit(presence_odds(answers, weights))
    present = np.array([answer.present for answer in answers])
    right = [float(((said >= 0.5) == present)[present == truth].mean()) for truth in (True, False)]
    return {
        "balanced_accuracy": round(float(np.mean(right)), 4),
        "ece": round(expected_calibration_error(said, present), 4),
        "n": len(answers),
    }


def rendered_frames(scenes: int, *, seed: int) -> Iterator[tuple[RgbdFrame, object]]:
    """RGB-D frames of the scenes from `seed` on, with noise and holes, each with its FrameTruth."""
    from vlm_picking.sim.canvas import open_gl
    from vlm_picking.sim.render import SceneRenderer
    from vlm_picking.sim.scene import make_scene
    from vlm_picking.sim.sensor import capture
    from vlm_picking.sim.truth import frame_truth
    from vlm_picking.sim.view import random_view

    gl = open_gl()
    for number in range(scenes):
        rng = np.random.default_rng((seed + number, _STREAM))
        scene = make_scene(seed + number)
        with SceneRenderer(scene, gl=gl) as renderer:
            rendered = renderer.render(random_view(rng, scene.crate, width=_WIDTH, height=_HEIGHT))
            frame, truth = capture(rendered, rng, stamp_ns=number + 1), frame_truth(scene, rendered)
        yield frame, truth
    gl.free()
