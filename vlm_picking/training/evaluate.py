"""How good the detector is on held-out frames: boxes, presence, colours, words it was never shown."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from vlm_picking.detections import box_iou, suppress
from vlm_picking.training.augment import squash
from vlm_picking.training.batch import normalised
from vlm_picking.training.data import FrameFile
from vlm_picking.training.phrases import YES, Lexicon, Phrase
from vlm_picking.training.targets import MIN_VISIBLE, PatchTargets, assign

_CANDIDATES, _NMS_IOU = 24, 0.5


@dataclass(frozen=True)
class Report:
    """Held-out figures.

    Args:
        map50: mean over kinds of the average precision at IoU 0.5.
        ap50: the same for each kind.
        presence: balanced accuracy of "is there a <kind>?" at one threshold for all kinds, the best one.
        coloured: balanced accuracy of "is there a <colour> <kind>?" where another colour of the kind is
            there, same threshold.
        top1: how often the best box of a kind that is there lies on one of them (IoU 0.5).
        absent: share of (frame, absent word) that fire at that threshold.
        threshold: that threshold, a logit.
    """

    map50: float
    ap50: dict[str, float]
    presence: float
    coloured: float
    top1: float
    absent: float
    threshold: float

    def __str__(self) -> str:
        kinds = " ".join(f"{kind}:{ap:.2f}" for kind, ap in self.ap50.items())
        return (
            f"mAP50 {self.map50:.3f} presence {self.presence:.3f} coloured {self.coloured:.3f} "
            f"top1 {self.top1:.3f} absent {self.absent:.4f} threshold {self.threshold:.2f} | {kinds}"
        )


@dataclass(frozen=True, eq=False)
class Scored:
    """One frame with its answers: logits (P, Q), boxes (P, 4) xyxy relative, and the truth."""

    logits: np.ndarray
    xyxy: np.ndarray
    truth: PatchTargets


@torch.inference_mode()
def score_frames(
    model, tokenizer, frames: Sequence[FrameFile], phrases: Sequence[Phrase], *, size: int
) -> list[Scored]:
    """Run the model on whole frames, squashed to `size`, for all phrases."""
    patch, batch = model.config.vision_config.patch_size, 8
    tokens = tokenizer([p.text for p in phrases], padding="longest", truncation=True, return_tensors="pt")
    text = model.owlvit.get_text_features(**tokens.to(model.device)).pooler_output
    scored = []
    for start in range(0, len(frames), batch):
        pictures, truths = [], []
        for frame in frames[start : start + batch]:
            rgb, ids = frame.read()
            pictures.append(squash(np.ascontiguousarray(rgb), size))
            truths.append(assign(cv2.resize(ids, (size, size), interpolation=cv2.INTER_NEAREST), frame.things, patch))
        pixels = normalised(np.stack(pictures)).to(model.device)
        feature_map, _ = model.image_embedder(pixels, interpolate_pos_encoding=True)
        features = feature_map.flatten(1, 2)
        logits = model.class_predictor(features, text.expand(len(features), -1, -1))[0].cpu().numpy()
        boxes = _xyxy(model.box_predictor(features, feature_map, interpolate_pos_encoding=True).cpu().numpy())
        scored += [Scored(*row) for row in zip(logits, boxes, truths, strict=True)]
    return scored


def evaluate(
    model, tokenizer, frames: Sequence[FrameFile], lexicon: Lexicon, *, size: int, n_absent: int = 60
) -> Report:
    """All figures of a Report on `frames` squashed to `size`."""
    nouns = [Phrase(names[0], kind) for kind, names in lexicon.nouns.items()]
    coloured = [Phrase(f"{c} {n.text}", n.kind, c) for n in nouns for c in lexicon.colours]
    absent = [Phrase(word) for word in lexicon.absent_phrases()[:: max(1, len(lexicon.absent_phrases()) // n_absent)]]
    phrases = [*nouns, *coloured, *absent]
    scored = score_frames(model, tokenizer, frames, phrases, size=size)
    best = np.array([s.logits.max(axis=0) for s in scored])
    asked = np.array([[presence(p, s.truth) for p in phrases] for s in scored])
    n, m = len(nouns), len(nouns) + len(coloured)
    threshold = best_threshold(best[:, :n], asked[:, :n])
    return Report(
        **_boxes(scored, nouns),
        presence=balanced_accuracy(best[:, :n], asked[:, :n], threshold),
        coloured=balanced_accuracy(best[:, n:m], asked[:, n:m], threshold),
        absent=float((best[:, m:] > threshold).mean()),
        threshold=threshold,
    )


def presence(phrase: Phrase, truth: PatchTargets) -> int:
    """1 there, 0 not there, -1 not asked: it is there but nearly covered, or no other colour of the kind
    makes it a question.
    """
    named = [n for n, thing in enumerate(truth.things) if phrase.names(thing) == YES]
    if named:
        return 1 if any(truth.positive[n].any() for n in named) else -1
    rivals = [t for t in truth.things if t.kind == phrase.kind and t.visible >= MIN_VISIBLE and t.colour]
    return 0 if phrase.colour is None or rivals else -1


def balanced_accuracy(score: np.ndarray, asked: np.ndarray, threshold: float) -> float:
    """Mean of the share of right answers where it is there and where it is not; NaN when one was never
    asked.
    """
    if not (asked == 1).any() or not (asked == 0).any():
        return float("nan")
    fires = score > threshold
    return float((fires[asked == 1].mean() + (~fires[asked == 0]).mean()) / 2)


def best_threshold(score: np.ndarray, asked: np.ndarray) -> float:
    """The threshold with the best balanced accuracy."""
    grid = np.quantile(score[asked >= 0], np.linspace(0.02, 0.98, 97))
    return float(max(grid, key=lambda t: balanced_accuracy(score, asked, t)))


def average_precision(score: np.ndarray, hit: np.ndarray, n_truth: int) -> float:
    """Area under the precision-recall curve, every recall level at its best precision."""
    order = np.argsort(-score, kind="stable")
    true = np.cumsum(hit[order])
    precision = true / np.arange(1, len(true) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float((precision * hit[order]).sum() / max(n_truth, 1))


def _boxes(scored: Sequence[Scored], nouns: Sequence[Phrase]) -> dict:
    ap50, firsts = {}, []
    for q, noun in enumerate(nouns):
        score, hit, n_truth = [], [], 0
        for frame in scored:
            clear, covered = _truth_boxes(frame.truth, noun)
            n_truth += len(clear)
            top = np.argsort(-frame.logits[:, q])[:_CANDIDATES]
            top = top[suppress(frame.xyxy[top], frame.logits[top, q], max_iou=_NMS_IOU)]
            on_clear, on_covered = box_iou(frame.xyxy[top], clear), box_iou(frame.xyxy[top], covered)
            if len(clear):
                firsts.append(on_clear[0].max() >= 0.5)
            free = np.ones(len(clear), bool)
            for row, index in enumerate(top):
                overlap = on_clear[row] * free
                found = len(clear) > 0 and overlap.max() >= 0.5
                if found:
                    free[overlap.argmax()] = False
                elif len(covered) and on_covered[row].max() >= 0.5:
                    continue
                score.append(frame.logits[index, q])
                hit.append(found)
        if n_truth:
            ap50[noun.kind] = average_precision(np.array(score), np.array(hit), n_truth)
    return {"ap50": ap50, "map50": float(np.mean(list(ap50.values()))), "top1": float(np.mean(firsts))}


def _truth_boxes(truth: PatchTargets, noun: Phrase) -> tuple[np.ndarray, np.ndarray]:
    """Boxes of the objects that count, and of those that are covered too much to count."""
    named = np.array([noun.names(thing) == YES for thing in truth.things], bool)
    clear = np.array([p.any() for p in truth.positive], bool)
    boxes = _xyxy(truth.cxcywh)
    return boxes[named & clear].reshape(-1, 4), boxes[named & ~clear].reshape(-1, 4)


def _xyxy(cxcywh: np.ndarray) -> np.ndarray:
    half = cxcywh[..., 2:] / 2
    return np.concatenate([cxcywh[..., :2] - half, cxcywh[..., :2] + half], axis=-1)
