"""Looking for what a query names: which phrases the model is asked, and which of its boxes are meant."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from vlm_picking.answering import TargetSight, numbered
from vlm_picking.colours import COLOURS, colour_shares
from vlm_picking.config import PickingConfig
from vlm_picking.detections import Detections, box_iou
from vlm_picking.errors import FrameError, did_you_mean
from vlm_picking.frame import RgbdFrame
from vlm_picking.models.base import ZeroShotDetector
from vlm_picking.query import Query, Target
from vlm_picking.relations import holds, order_by
from vlm_picking.result import LiftedObject
from vlm_picking.segmentation import segment_objects
from vlm_picking.support import Support

# Boxes that overlap more than this are one object, seen under two names.
SAME_OBJECT_IOU = 0.7
# What lies in another object's outline by more than this share is a part of that object.
PART_SHARE = 0.5
# Share of an object's pixels that must have a colour for "anything red" to mean it.
COLOUR_SHARE = 0.35


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


def word(target: Target, detector: ZeroShotDetector) -> Wording:
    """Put a target into words that the model was taught; a model of open vocabulary gets all of them."""
    vocabulary = detector.vocabulary
    if vocabulary is None:
        return Wording(target.phrase, target.noun)
    noun, left_out = _known_noun(target, vocabulary)
    if noun is None:
        unknown = (
            f"the {detector.name} model does not know '{target.noun}'; {did_you_mean(target.noun, detector.classes)}"
        )
        return Wording(None, target.noun, (unknown,))
    colours = tuple(colour for colour in target.colours if colour in COLOURS)
    left_out += [colour for colour in target.colours if colour not in COLOURS]
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
        whole = " ".join((*attributes[start:], target.noun))
        if whole in vocabulary:
            return whole, attributes[:start]
    head = _DETAILS.sub("", target.noun)
    for noun in dict.fromkeys((target.noun, head, head.split()[-1])):
        if noun in vocabulary:
            return noun, attributes + ([] if noun == target.noun else [target.noun])
    return None, attributes


@dataclass(frozen=True, eq=False)
class Scene:
    """What a model and the geometry saw in one frame.

    Args:
        named: detections of phrases, at or above the threshold for ABSENT.
        separate: things that stick out of the bin's floor, found without a model; empty when nobody asked for
            "anything".
        best_score: phrase -> the highest score in the image, however low.
        wordings: target -> how it was put to the model.
    """

    named: Detections
    separate: Detections
    best_score: Mapping[str, float]
    wordings: Mapping[Target, Wording]


def look(
    frame: RgbdFrame, query: Query, support: Support | None, *, detector: ZeroShotDetector, config: PickingConfig
) -> Scene:
    """Ask the model, and the geometry where "anything" is meant.

    Raises:
        FrameError: "anything" was asked and the depth shows no bin floor to look above.
        ModelError: the model could not look.
    """
    references = query.relation.references if query.relation else ()
    targets = dict.fromkeys((*query.targets, *references, *query.excluded))
    wordings = {target: word(target, detector) for target in targets if not target.anything}
    phrases = dict.fromkeys(phrase for w in wordings.values() if w.phrase for phrase in (w.phrase, w.noun))
    found = detector.detect(frame.rgb, list(phrases)) if phrases else Detections.empty()
    best = {phrase: float(found.score[found.label == phrase].max(initial=0.0)) for phrase in phrases}
    named = found[found.score >= config.absent_threshold].by_score()[: config.max_detections]
    separate = Detections.empty()
    if any(target.anything for target in targets):
        if support is None:
            raise FrameError(
                f"the depth image shows no bin floor ({frame.valid_depth_share:.0%} of it has readings); "
                "check the depth stream, or name an object"
            )
        separate = segment_objects(frame, support)[: config.max_detections]
    n = len(named)
    return Scene(named.replace(id=np.arange(n)), separate.replace(id=np.arange(n, n + len(separate))), best, wordings)


def narrow(
    frame: RgbdFrame, query: Query, scene: Scene, objects: Mapping[int, LiftedObject], config: PickingConfig
) -> list[TargetSight]:
    """Decide which detections each target of the query means.

    Args:
        objects: detection id -> the object in space, for those that have depth.

    Returns:
        One sight a target. An object that an earlier target already has is not given to a later one.
    """
    excluded = [_matching(frame, scene, target) for target in query.excluded]
    taken = [detections[detections.score >= config.present_threshold] for detections in excluded]
    sights: list[TargetSight] = []
    for target in query.targets:
        found = _matching(frame, scene, target)
        found = _apart_from(taken, found) if target.anything else _other_than(taken, found)
        sight = _sight(target, found, query, scene, objects, config, frame)
        sights.append(sight)
        taken.append(sight.present)
    return sights


def _other_than(taken: list[Detections], found: Detections) -> Detections:
    """What is not an object of `taken` under another name."""
    boxes = np.concatenate([np.zeros((0, 4)), *(detections.xyxy for detections in taken)])
    return found[box_iou(found.xyxy, boxes).max(axis=1, initial=0.0) <= SAME_OBJECT_IOU]


def _apart_from(taken: list[Detections], found: Detections) -> Detections:
    """What depth found that is neither an object of `taken` nor a part of one, such as the handle of a mug."""
    found = _other_than(taken, found)
    masks = [mask for detections in taken if detections.mask is not None for mask in detections.mask if mask.any()]
    if found.mask is None or not masks:
        return found
    # A mug's mask can miss its inside or its handle; its hull has them.
    covered = np.zeros(masks[0].shape, np.uint8)
    for mask in masks:
        cv2.fillConvexPoly(covered, cv2.convexHull(np.argwhere(mask)[:, ::-1].astype(np.int32)), 1)
    return found[np.array([covered[mask].mean() <= PART_SHARE for mask in found.mask], dtype=bool)]


def _matching(frame: RgbdFrame, scene: Scene, target: Target) -> Detections:
    if not target.anything:
        phrase = scene.wordings[target].phrase
        return scene.named[scene.named.label == phrase] if phrase else Detections.empty()
    if not target.colours:
        return scene.separate
    masks = scene.separate.mask if scene.separate.mask is not None else []
    shares = [sum(colour_shares(frame.rgb[mask]).get(colour, 1.0) for colour in target.colours) for mask in masks]
    return scene.separate[np.array(shares, dtype=float) >= COLOUR_SHARE]


def _sight(
    target: Target,
    found: Detections,
    query: Query,
    scene: Scene,
    objects: Mapping[int, LiftedObject],
    config: PickingConfig,
    frame: RgbdFrame,
) -> TargetSight:
    wording = scene.wordings.get(target, Wording(None, ""))
    doubts, reason = list(wording.doubts), ""
    # What geometry finds has no probability of being a thing: it sticks out of the floor.
    sure = found.score >= (0.0 if target.anything else config.present_threshold)
    present, maybe = found[sure], found[~sure]
    if not target.anything and target.colours and not len(found) and wording.phrase:
        same = scene.named[(scene.named.label == wording.noun) & (scene.named.score >= config.present_threshold)]
        if len(same):
            reason = (
                f"{numbered(Target(wording.noun), len(same))} seen, but none that is {' and '.join(target.colours)}"
            )
    if target.anything:
        unchecked = (*target.attributes, *(colour for colour in target.colours if colour not in COLOURS))
        doubts += [f"'{words}' was not checked: name the object too" for words in unchecked]
    if query.relation is not None and len(found):
        references = tuple(_matching(frame, scene, reference) for reference in query.relation.references)
        references = tuple(
            d[d.score >= (0 if r.anything else config.present_threshold)]
            for d, r in zip(references, query.relation.references, strict=True)
        )
        words = f"{query.relation.kind.value} the {' and the '.join(map(str, query.relation.references))}"
        lost = [str(r) for r, d in zip(query.relation.references, references, strict=True) if not len(d)]
        before = len(present)
        present = present[holds(query.relation.kind, present, references, objects)]
        maybe = maybe[holds(query.relation.kind, maybe, references, objects)]
        if lost:
            reason = f"I see no {' and no '.join(lost)} to compare with"
        elif before and not len(present):
            reason = f"{numbered(target, before)} seen, but none {words}"
    if target.size is not None:
        present = _sized(present, target.size, objects)
    if query.superlative is not None and len(present):
        size = (frame.camera.width, frame.camera.height)
        order = order_by(query.superlative, present, objects, resolution_wh=size)
        # "the apple and the mug on the left" wants one of each.
        present = present[order[: max((query.limit or 1) // len(query.targets), 1)]]
    best = scene.best_score.get(wording.phrase or "", 0.5 if wording.phrase is None and not target.anything else 0.0)
    return TargetSight(target, present, maybe, best, tuple(doubts), reason)


def _sized(detections: Detections, size: str, objects: Mapping[int, LiftedObject]) -> Detections:
    """Of several, those nearer to the largest (smallest) than to the other end; one alone is what was meant."""
    extent = np.array([objects[i].size_m.max() if i in objects else np.nan for i in detections.id.tolist()])
    if len(detections) < 2 or np.isnan(extent).all():
        return detections
    middle = (np.nanmin(extent) + np.nanmax(extent)) / 2
    return detections[extent >= middle if size == "large" else extent <= middle]
