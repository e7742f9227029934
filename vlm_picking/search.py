"""Looking for what a query names: which phrases the model is asked, and what it and the geometry see."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from vlm_picking.bin_view import detect_in_bin
from vlm_picking.colours import COLOURS
from vlm_picking.config import PickingConfig
from vlm_picking.detections import Detections
from vlm_picking.errors import FrameError, did_you_mean
from vlm_picking.frame import RgbdFrame
from vlm_picking.language.inflection import singular
from vlm_picking.models.base import ZeroShotDetector
from vlm_picking.models.suite import ModelSuite
from vlm_picking.overlooked import looks_at_outlines, overlooked
from vlm_picking.query import Query, Target
from vlm_picking.segmentation import are_cut_off
from vlm_picking.support import Support
from vlm_picking.supposition import BY_CHANCE, least_score, supposes
from vlm_picking.verification import verified


@dataclass(frozen=True)
class Wording:
    """How a target is put to a model, and what of it the model can't check.

    Args:
        phrase: the phrase to ask; None when the model does not know the noun.
        noun: the phrase without colours and attributes.
        doubts: what was left out, as sentences.
    """

    phrase: str | None
    noun: str
    doubts: tuple[str, ...] = ()


def word(target: Target, detector: ZeroShotDetector | None, *, without: str = "") -> Wording:
    """Put a target into words that the model was taught; a model of open vocabulary gets all of them.

    Args:
        detector: None where no model can say where things are; then `without` says so.
    """
    if detector is None:
        return Wording(None, target.noun, (without,))
    vocabulary = detector.vocabulary
    if vocabulary is None:
        return Wording(target.phrase, target.noun)
    noun, left_out = _known_noun(target, vocabulary)
    if noun is None:
        unknown = (
            f"the {detector.name} model does not know '{target.noun}'; {did_you_mean(target.noun, detector.classes)}"
        )
        return Wording(None, target.noun, (unknown,))
    taught = COLOURS if detector.colours is None else detector.colours
    colours = tuple(colour for colour in target.colours if colour in taught)
    left_out += [colour for colour in target.colours if colour not in taught]
    doubts = tuple(f"'{words}' was not checked: the {detector.name} model was not taught it" for words in left_out)
    return Wording(" ".join((*colours, noun)), noun, doubts)


# What follows these words says more about the thing, not what it is.
_DETAILS = re.compile(r" (?:of|with|without|for|from|made|full) .*")


def _known_noun(target: Target, vocabulary: frozenset[str]) -> tuple[str | None, list[str]]:
    """The noun of a vocabulary that fits a target best, and what of the target that noun leaves out.

    "cardboard box" may be known as such; "coffee mug" is at least a mug, "box of screws" at least a box.
    """
    attributes = list(target.attributes)
    for start in range(len(attributes)):
        whole = _taught(" ".join((*attributes[start:], target.noun)), vocabulary)
        if whole in vocabulary:
            return whole, attributes[:start]
    head = _DETAILS.sub("", target.noun)
    for words in dict.fromkeys((target.noun, head, head.split()[-1])):
        noun = _taught(words, vocabulary)
        if noun in vocabulary:
            return noun, attributes + ([] if words == target.noun else [target.noun])
    return None, attributes


def _taught(noun: str, vocabulary: frozenset[str]) -> str:
    """A noun in the singular as a model knows it, which may be by its plural alone: "playing dice"."""
    if noun in vocabulary:
        return noun
    *before, last = noun.split()
    plurals = (known for known in sorted(vocabulary) if known.split()[:-1] == before)
    return next((known for known in plurals if singular(known.split()[-1]) == last), noun)


def cannot_find(models: ModelSuite) -> str:
    """Why nobody says where a thing is, with the fix."""
    return f"{models.name} can't say where things are; set detection_model to a model that detects ('embedded' does)"


@dataclass(frozen=True, eq=False)
class Scene:
    """What a model and the geometry saw in one frame.

    Args:
        named: detections of phrases, at or above the threshold for ABSENT, or above a lower one for a query that
            supposes them to be there.
        separate: things that stick out of the bin's floor, found without a model; empty when nobody asked for
            "anything".
        best_score: phrase -> the highest score in the image, however low.
        wordings: target -> how it was put to the model.
        asked: names of the models that looked.
        cut_off: whether `separate` are what the image's border cuts off, for there is nothing whole.
    """

    named: Detections
    separate: Detections
    best_score: Mapping[str, float]
    wordings: Mapping[Target, Wording]
    asked: tuple[str, ...] = ()
    cut_off: bool = False


def look(
    frame: RgbdFrame,
    query: Query,
    support: Support | None,
    *,
    outlines: Callable[[], Detections],
    models: ModelSuite,
    config: PickingConfig,
) -> Scene:
    """Ask the model that finds things, and the geometry where "anything" is meant or a classifier looks at outlines.

    Args:
        outlines: what stands above `support`, as `segment_objects` gives it; called where it is needed.

    Raises:
        FrameError: "anything" was asked and the depth shows no bin floor to look above.
        ModelError: the model could not look.
    """
    references = query.relation.references if query.relation else ()
    targets = dict.fromkeys((*query.targets, *references, *query.excluded))
    detector, without = models.finder, cannot_find(models)
    wordings = {target: word(target, detector, without=without) for target in targets if not target.anything}
    phrases = dict.fromkeys(phrase for w in wordings.values() if w.phrase for phrase in (w.phrase, w.noun))
    found = detect_in_bin(frame, support, detector, list(phrases)) if phrases else Detections.empty()
    further = Detections.empty()
    if support is not None and looks_at_outlines(models.classifier, list(phrases)):
        further = overlooked(frame, found, outlines(), models.classifier, list(phrases))
    found = verified(frame, found, models.classifier, further=further, expects_several=query.superlative is not None)
    asked = [detector.name] if phrases else []
    if models.classifier is not None and any(map(models.classifier.knows, found.label.tolist())):
        asked.append(models.classifier.name)
    best = {phrase: float(found.score[found.label == phrase].max(initial=0.0)) for phrase in phrases}
    floor = config.absent_threshold
    if supposes(query):
        chance = BY_CHANCE if query.relation is not None else 1.0
        floor = min(floor, least_score(config.present_threshold, chance=chance))
    named = found[found.score >= floor].by_score()[: config.max_detections]
    separate, partly = Detections.empty(), False
    if any(target.anything for target in targets):
        if support is None:
            raise FrameError(
                f"the depth image shows no bin floor ({frame.valid_depth_share:.0%} of it has readings); "
                "check the depth stream, or name an object"
            )
        separate = outlines()[: config.max_detections]
        partly = len(separate) > 0 and bool(are_cut_off(frame, support, separate.mask).any())
    n = len(named)
    return Scene(
        named.replace(id=np.arange(n)),
        separate.replace(id=np.arange(n, n + len(separate))),
        best,
        wordings,
        tuple(asked),
        partly,
    )
