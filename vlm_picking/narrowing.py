"""Which of the things that were seen a query means: colours, exclusions, relations, sizes and superlatives."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np

from vlm_picking.answering import TargetSight, numbered
from vlm_picking.colours import COLOURS, colour_shares
from vlm_picking.config import PickingConfig
from vlm_picking.detections import Detections, box_iou
from vlm_picking.frame import RgbdFrame
from vlm_picking.query import Query, RelationKind, Target
from vlm_picking.relations import holds, may_hold, order_by
from vlm_picking.result import LiftedObject
from vlm_picking.search import Scene
from vlm_picking.supposition import picks_one, tells_which, the_first, the_only, the_related

# Boxes that overlap more than this are one object, seen under two names.
SAME_OBJECT_IOU = 0.7
# What lies in another object's outline by more than this share is a part of that object.
PART_SHARE = 0.5
# Share of an object's pixels that must have a colour for "anything red" to mean it.
COLOUR_SHARE = 0.35
# Of what may be a reference, so many of the likeliest are compared with.
_REFERENCES = 4

Objects = Mapping[int, LiftedObject]


def narrow(frame: RgbdFrame, query: Query, scene: Scene, objects: Objects, config: PickingConfig) -> list[TargetSight]:
    """Decide which detections each target of the query means.

    Args:
        objects: detection id -> the object in space, for those that have depth.

    Returns:
        One sight a target. An object that an earlier target already has is not given to a later one.
    """
    excluded = [_matching(frame, scene, target) for target in query.excluded]
    taken = [detections[detections.score >= config.present_threshold] for detections in excluded]
    # What could not be looked for could not be left out either.
    not_left_out = tuple(doubt for target in query.excluded for doubt in _doubts(scene, target))
    sights: list[TargetSight] = []
    for target in query.targets:
        found = _matching(frame, scene, target)
        found = _apart_from(taken, found) if target.anything else _other_than(taken, found)
        sight = _sight(target, found, scene, config)
        sight = replace(sight, doubts=sight.doubts + not_left_out)
        if query.relation is not None:
            sight = _related(sight, query, frame, scene, objects, config)
        if target.size is not None:
            sight = _sized(sight, target.size, objects)
        if query.superlative is not None:
            sight = _chosen(sight, query, objects, config, resolution_wh=(frame.camera.width, frame.camera.height))
        if picks_one(query) and not target.anything:
            sight = _likeliest(sight, config)
        if tells_which(query) or picks_one(query):  # the one has been found among all that might be it
            sight = replace(sight, maybe=sight.maybe[sight.maybe.score >= config.absent_threshold])
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


def _doubts(scene: Scene, target: Target) -> tuple[str, ...]:
    """What of a target nobody checked."""
    if not target.anything:
        return scene.wordings[target].doubts
    unchecked = (*target.attributes, *(colour for colour in target.colours if colour not in COLOURS))
    return tuple(f"'{words}' was not checked: name the object too" for words in unchecked)


def _is_sure(detections: Detections, target: Target, config: PickingConfig) -> np.ndarray:
    """(N,) bool. What geometry finds has no probability of being a thing: it sticks out of the floor."""
    return detections.score >= (0.0 if target.anything else config.present_threshold)


def _best_score(scene: Scene, target: Target) -> float:
    """The highest score of a target in the image; 1 for anything, 0.5 for a word that nobody knows."""
    if target.anything:
        return 1.0 if len(scene.separate) else 0.0
    phrase = scene.wordings[target].phrase
    return 0.5 if phrase is None else scene.best_score[phrase]


def _sight(target: Target, found: Detections, scene: Scene, config: PickingConfig) -> TargetSight:
    """What was seen of a target by its name and colours alone."""
    sure = _is_sure(found, target, config)
    reason = ""
    if target.anything and len(found) and scene.cut_off:
        reason = "the image's border cuts off what is left, and nothing is known of what lies beyond it"
    if not target.anything and target.colours and not len(found):
        noun = scene.wordings[target].noun
        same = scene.named[(scene.named.label == noun) & (scene.named.score >= config.present_threshold)]
        if len(same):
            colours = " and ".join(target.colours)
            reason = f"{numbered(Target(noun), len(same))} seen, but none that is {colours}"
    best = 0.0 if target.anything else _best_score(scene, target)
    return TargetSight(target, found[sure], found[~sure], best, _doubts(scene, target), reason)


@dataclass(frozen=True, eq=False)
class _Reference:
    """What a relation compares with, and all that `may_be` it; `note` is for the operator where it was not seen for
    sure.
    """

    target: Target
    seen: Detections
    may_be: Detections
    best_score: float
    doubts: tuple[str, ...]
    note: str = ""


def _reference(target: Target, frame: RgbdFrame, scene: Scene, config: PickingConfig) -> _Reference:
    """Who says "the mug" of "next to the mug" knows that it is there: where none is sure, the likeliest is meant."""
    found = _matching(frame, scene, target)
    sure = found[_is_sure(found, target, config)]
    best_score, doubts = _best_score(scene, target), _doubts(scene, target)
    found = found.by_score()[:_REFERENCES]
    if len(sure) or not len(found):
        return _Reference(target, sure, found, best_score, doubts)
    best_score = max(best_score, config.present_threshold)
    return _Reference(target, found[:1], found, best_score, doubts, _took_for(target, found))


def _likeliest(sight: TargetSight, config: PickingConfig) -> TargetSight:
    """Who has one picked knows that it is there: where none is sure, what is likely enough to be it."""
    if len(sight.present) or not len(sight.maybe):
        return sight
    likely = the_only(sight.maybe.score)
    best = int(likely.argmax())
    if likely[best] < config.present_threshold:
        return sight
    note, meant = _took_for(sight.target, sight.maybe[best]), sight.maybe.replace(score=likely)[best]
    return replace(sight, present=meant, maybe=sight.maybe[sight.maybe.id != meant.id[0]], reason=note)


def _took_for(target: Target, thing: Detections) -> str:
    return f"took for the {target} what looks most like one ({float(thing.score[0]):.2f})"


def _related(
    sight: TargetSight, query: Query, frame: RgbdFrame, scene: Scene, objects: Objects, config: PickingConfig
) -> TargetSight:
    """Keep what stands in the relation. What can't be compared is a doubt, never a no."""
    relation = query.relation
    if not len(sight.present) and not len(sight.maybe):
        return sight
    references = [_reference(target, frame, scene, config) for target in relation.references]
    seen = tuple(reference.seen for reference in references)
    present = sight.present[holds(relation.kind, sight.present, seen, objects)]
    maybe = sight.maybe[holds(relation.kind, sight.maybe, seen, objects)]
    is_sure = len(present) > 0 and not any(reference.note for reference in references)
    if tells_which(query) and not is_sure:
        meant, notes = _meant(relation.kind, Detections.union([sight.present, sight.maybe]), references, objects)
        if len(meant) and float(meant.score[0]) >= config.present_threshold:
            maybe = maybe[maybe.id != meant.id[0]]
            return replace(sight, present=meant, maybe=maybe, doubts=_all_doubts(sight, references), reason=notes)
    doubts = _all_doubts(sight, references)
    weakest = min(reference.best_score for reference in references)
    lost = [str(target) for target, things in zip(relation.references, seen, strict=True) if not len(things)]
    best = sight.best_score
    reason = "; ".join(filter(None, (sight.reason, *(reference.note for reference in references))))
    if lost:
        # Next to a box that is not there nothing is, as surely as the box is not there.
        best = min(best, weakest)
        reason = f"I see no {' and no '.join(lost)} to compare with"
    elif not len(present) and len(sight.present):
        # The geometry is right if what it compared was.
        best = 1.0 - min(weakest, float(sight.present.score.max()))
        words = f"{relation.kind.value} the {' and the '.join(map(str, relation.references))}"
        none = f"{numbered(sight.target, len(sight.present))} seen, but none {words}"
        reason = "; ".join(filter(None, (none, reason)))
        if may_hold(relation.kind, sight.present, seen, objects).any():
            doubts += ("depth is missing to tell what lies on what",)
    if doubts and not len(present) and not len(maybe):
        best = 0.5
    return replace(sight, present=present, maybe=maybe, best_score=best, doubts=doubts, reason=reason)


def _all_doubts(sight: TargetSight, references: list[_Reference]) -> tuple[str, ...]:
    return sight.doubts + tuple(doubt for reference in references for doubt in reference.doubts)


def _meant(
    kind: RelationKind, candidates: Detections, references: list[_Reference], objects: Objects
) -> tuple[Detections, str]:
    """The one of N candidates that most likely stands in a relation to whatever its references are, if any does; its
    score is how likely. And what was taken for the references, where that was not sure.
    """
    may_be = [reference.may_be for reference in references]
    sizes = [len(things) for things in may_be]
    if not len(candidates) or not all(sizes):
        return Detections.empty(), ""
    places = list(itertools.product(*map(range, sizes)))
    each = [
        holds(kind, candidates, tuple(things[k] for things, k in zip(may_be, place, strict=True)), objects)
        for place in places
    ]
    holding = np.stack(each, axis=1).reshape(len(candidates), *sizes)
    for axis, things in enumerate(may_be, start=1):  # what has two names does not stand in a relation to itself
        other = box_iou(candidates.xyxy, things.xyxy) <= SAME_OBJECT_IOU
        holding &= np.expand_dims(other, tuple(k for k in range(1, holding.ndim) if k != axis))
    likely = the_related(candidates.score, [things.score for things in may_be], holding)
    best = int(likely.argmax())
    weight = [np.prod([things.score[k] for things, k in zip(may_be, place, strict=True)]) for place in places]
    place = places[int(np.argmax(np.where(holding[best].ravel(), weight, -1)))]
    chosen = [things[k] for things, k in zip(may_be, place, strict=True)]
    notes = [
        _took_for(reference.target, thing)
        for reference, thing in zip(references, chosen, strict=True)
        if not len(reference.seen) or reference.note or thing.id[0] not in reference.seen.id
    ]
    return candidates.replace(score=likely)[best], "; ".join(notes)


def _sized(sight: TargetSight, size: str, objects: Objects) -> TargetSight:
    """Of several, those nearer to the largest (smallest) than to the other end; one alone is what was meant."""
    present = sight.present
    if len(present) < 2:
        return sight
    extent = np.array([objects[i].size_m.max() if i in objects else np.nan for i in present.id.tolist()])
    if np.isnan(extent).any():
        sight = replace(sight, doubts=(*sight.doubts, "depth is missing to compare sizes"))
    if np.isnan(extent).all():
        return sight
    middle = (np.nanmin(extent) + np.nanmax(extent)) / 2
    return replace(sight, present=present[extent >= middle if size == "large" else extent <= middle])


def _chosen(
    sight: TargetSight, query: Query, objects: Objects, config: PickingConfig, *, resolution_wh: tuple[int, int]
) -> TargetSight:
    """The first by the superlative, or as many as were asked for; without the depth to rank all of them, a doubt."""
    # "the apple and the mug on the left" wants one of each.
    count = max((query.limit or 1) // len(query.targets), 1)
    is_one = count == 1 and not sight.target.anything
    candidates = Detections.union([sight.present, sight.maybe]) if is_one else sight.present
    order = order_by(query.superlative, candidates, objects, resolution_wh=resolution_wh)
    if len(candidates) > 1 and not np.isin(np.arange(len(sight.present)), order).all():
        doubt = f"depth is missing to tell which is {query.superlative.value}"
        sight = replace(sight, doubts=(*sight.doubts, doubt))
    if not len(order):
        return sight
    ordered = candidates[order]
    if not is_one:
        return replace(sight, present=ordered[:count])
    likely = the_first(ordered, query.superlative)
    first = int(likely.argmax())
    if not len(sight.present) and likely[first] < config.present_threshold:
        return sight
    return replace(sight, present=ordered.replace(score=likely)[first], maybe=sight.maybe[:0])
