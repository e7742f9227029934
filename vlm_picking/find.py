"""`vlm-picking find`: the moments of a recording that show what words name, best first."""

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from vlm_picking.answering import with_article
from vlm_picking.bags import is_bag, read_frames
from vlm_picking.config import PickingConfig
from vlm_picking.errors import BagError, ModelError, PromptError
from vlm_picking.find_cache import FindCache, Order, Seen, checkpoint_digest
from vlm_picking.models.base import Role
from vlm_picking.models.suite import ModelSuite
from vlm_picking.prompt import parse_prompt
from vlm_picking.query import QueryKind
from vlm_picking.search import word

_NAMES = (QueryKind.PRESENCE, QueryKind.WHERE, QueryKind.PICK, QueryKind.COUNT)
_NOTHING = Seen(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))


@dataclass(frozen=True, eq=False)
class Moment:
    """A frame that shows what was looked for.

    Args:
        at_s: after the recording's first frame [s].
        score: a probability where a detector looked; a cosine, good only to compare, where an image was compared.
        seen: the boxes; none by similarity.
    """

    at_s: float
    stamp_ns: int
    score: float
    seen: Seen


def find_command(
    bag: Annotated[Path, typer.Argument(help="A recording.")],
    words: Annotated[str, typer.Argument(help='What to look for, such as "red mug".')],
    model: Annotated[
        str, typer.Option(help="One that detects, or one that compares images with texts (CLIP, SigLIP).")
    ] = "embedded",
    top: Annotated[int, typer.Option(min=1, help="List at most so many moments.")] = 9,
    every: Annotated[float, typer.Option(min=0, help="Look at one frame in so many seconds; 0: at all.")] = 0.5,
    apart: Annotated[float, typer.Option(min=0, help="Moments nearer than this are one [s].")] = 2.0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
    dtype: Annotated[str, typer.Option(help="float32, bfloat16 or float16.")] = "float32",
    offline: Annotated[bool, typer.Option("--offline", help="Never reach for a model hub.")] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Neither use nor keep what was seen before.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    save_image: Annotated[Path | None, typer.Option(help="Write a contact sheet of the moments here.")] = None,
) -> None:
    """Rank a recording's moments by how well they show what words name. Exit status 0: looked, 2: could not look."""
    if not is_bag(bag):
        raise BagError(f"{bag} is no recording; give a folder with metadata.yaml, or an .mcap, .db3 or .bag file")
    from vlm_picking.models.registry import find_model

    @functools.cache
    def models() -> ModelSuite:
        return ModelSuite.load(model, device=device, dtype=dtype, offline=offline, classification_model="none")

    source = find_model(model, offline=offline)
    by_boxes = bool(source.family.roles & {Role.DETECTION, Role.PHRASE_SEGMENTATION})
    if not by_boxes and Role.SIMILARITY not in source.family.roles:
        raise ModelError(f"{model!r} neither detects nor compares images with texts; choose another --model")
    if no_cache:
        cache = FindCache(key="", places=())
    else:
        digest = checkpoint_digest(source.checkpoint)
        cache = FindCache.open(bag, source.family.name, checkpoint=digest, dtype=dtype)
    if not cache.stamps_ns:
        stamps: list[int] = []
        for _ in read_frames(bag, wanted=lambda stamp_ns: bool(stamps.append(stamp_ns))):
            pass
        cache.stamps_ns = stamps
    is_new = words not in cache.orders
    if is_new:
        cache.orders[words] = _order(words, models(), by_boxes=by_boxes)
    order = cache.orders[words]
    chosen = thinned(cache.stamps_ns, every_s=every)
    known = [cache.boxes.get(phrase, {}) for phrase in order.phrases] if by_boxes else [cache.embeddings]
    missing = {stamp for stamp in chosen if any(stamp not in stamps for stamps in known)}
    kept = None
    try:
        if missing:
            _look(bag, missing, order, models(), cache)
    finally:  # also what was seen before it was interrupted
        if (missing or is_new) and not no_cache:
            kept = cache.save()
    moments = _moments(chosen, order, cache)
    floor = PickingConfig().absent_threshold if by_boxes else -1.0
    best = max(moment.score for moment in moments)
    shown = merged([moment for moment in moments if moment.score >= floor], apart_s=apart)[:top]
    report = {
        "words": words,
        "model": order.model,
        "by": "detection" if by_boxes else "similarity",
        "frames": len(chosen),
        "from_cache": len(chosen) - len(missing),
        "cache": None if (place := kept or cache.place) is None else str(place),
        "best_score": round(best, 4),
        "moments": [_to_dict(moment) for moment in shown],
        "notes": [*filter(None, (cache.note,)), *order.doubts],
    }
    if save_image is not None:
        _save_sheet(save_image, bag, shown, f"{words}   {order.model}, {report['by']}, best of {len(chosen)} frames")
    print(json.dumps(report) if as_json else _text(report))


def thinned(stamps_ns: Sequence[int], *, every_s: float) -> list[int]:
    """Of stamps in order, the first and then each that lies at least `every_s` after the last one taken."""
    taken: list[int] = []
    for stamp in stamps_ns:
        if not taken or not 0 <= stamp - taken[-1] < every_s * 1e9:
            taken.append(stamp)
    return list(dict.fromkeys(taken))


def merged(moments: Sequence[Moment], *, apart_s: float) -> list[Moment]:
    """Best first, without those that lie nearer than `apart_s` to a better one (non-maximum suppression in time)."""
    kept: list[Moment] = []
    for moment in sorted(moments, key=lambda moment: (-moment.score, moment.stamp_ns)):
        if all(abs(moment.stamp_ns - other.stamp_ns) >= apart_s * 1e9 for other in kept):
            kept.append(moment)
    return kept


def _order(words: str, models: ModelSuite, *, by_boxes: bool) -> Order:
    """What the model is asked.

    Raises:
        PromptError: the words name nothing, or nothing that the detector knows.
    """
    if not by_boxes:
        vector = models.scorer.embed_texts([_caption(words)])[0]
        return Order(model=models.scorer.name, vector=tuple(vector.tolist()))
    query = parse_prompt(words)
    narrowed = query.relation or query.superlative or query.excluded or query.require_all
    named = query.targets and not any(target.anything for target in query.targets)
    if query.kind not in _NAMES or not named or narrowed:
        raise PromptError(f"find looks for things by their names, such as 'red mug' or 'mug or bowl'; got '{words}'")
    wordings = [word(target, models.finder) for target in query.targets]
    if unknown := [wording.doubts[0] for wording in wordings if wording.phrase is None]:
        raise PromptError("; ".join(unknown))
    phrases = tuple(dict.fromkeys(wording.phrase for wording in wordings))
    doubts = tuple(doubt for wording in wordings for doubt in wording.doubts)
    return Order(model=models.finder.name, phrases=phrases, doubts=doubts)


def _look(bag: Path, missing: set[int], order: Order, models: ModelSuite, cache: FindCache) -> None:
    """Show the model the frames that it did not see yet."""
    floor = PickingConfig().absent_threshold
    for frame in read_frames(bag, wanted=missing.__contains__):
        if not order.phrases:
            cache.embeddings[frame.stamp_ns] = models.scorer.embed_image(frame.rgb)
            continue
        found = models.finder.detect(frame.rgb, list(order.phrases))
        for phrase in order.phrases:
            own = found[found.label == phrase].by_score()
            kept = own[: max(int((own.score >= floor).sum()), 1)]
            cache.boxes.setdefault(phrase, {})[frame.stamp_ns] = Seen(kept.xyxy, kept.score)


def _moments(chosen: Sequence[int], order: Order, cache: FindCache) -> list[Moment]:
    """A moment a frame, in the order of time."""
    moments = []
    for stamp in chosen:
        parts = [_NOTHING, *(cache.boxes[phrase][stamp] for phrase in order.phrases)]
        seen = Seen(np.concatenate([p.xyxy for p in parts]), np.concatenate([p.score for p in parts]))
        if order.phrases:
            score = seen.score.max(initial=0.0)
        else:
            score = cache.embeddings[stamp] @ np.array(order.vector)
        moments.append(Moment((stamp - cache.stamps_ns[0]) / 1e9, stamp, float(score), seen))
    return moments


def _caption(words: str) -> str:
    """The name of a thing as a caption, as image-text models were taught; a longer text stays as it is."""
    try:
        query = parse_prompt(words)
    except PromptError:
        return words.strip()
    names = [target.phrase for target in query.targets]
    return f"a photo of {with_article(names[0])}" if names == [words.strip().casefold()] else words.strip()


def _save_sheet(path: Path, bag: Path, shown: Sequence[Moment], title: str) -> None:
    from vlm_picking.contact_sheet import contact_sheet, draw_moment
    from vlm_picking.frame_files import write_image

    stamps = {moment.stamp_ns for moment in shown}
    pictures = {frame.stamp_ns: frame.rgb for frame in read_frames(bag, wanted=stamps.__contains__)} if stamps else {}
    cells = [draw_moment(pictures[m.stamp_ns], f"{m.at_s:.1f} s  {m.score:.2f}", m.seen.xyxy) for m in shown]
    write_image(path, contact_sheet(cells, title))


def _to_dict(moment: Moment) -> dict[str, object]:
    boxes = zip(moment.seen.xyxy.tolist(), moment.seen.score.tolist(), strict=True)
    return {
        "at_s": round(moment.at_s, 3),
        "stamp_ns": moment.stamp_ns,
        "score": round(moment.score, 4),
        "boxes": [{"xyxy": [round(v, 1) for v in box], "score": round(score, 4)} for box, score in boxes],
    }


def _text(report: dict[str, object]) -> str:
    lines = [
        f"{i}. {moment['at_s']:8.2f} s  {moment['score']:.2f}" + "".join(f"  {box['xyxy']}" for box in moment["boxes"])
        for i, moment in enumerate(report["moments"], start=1)
    ]
    if not lines:
        lines = [f"found nothing: the best score of {report['frames']} frames is {report['best_score']:.2f}"]
    if report["by"] == "similarity":
        lines.append("similarities rank moments; they do not say that it is there")
    lines += [f"note: {note}" for note in report["notes"]]
    source = f", {report['from_cache']} of them from the cache {report['cache']}" if report["from_cache"] else ""
    return "\n".join([*lines, f"{report['frames']} frames by {report['model']}, {report['by']}{source}"])
