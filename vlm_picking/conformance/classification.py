"""The rules for classifiers of boxes."""

import numpy as np

from vlm_picking.camera import PinholeCamera
from vlm_picking.conformance.demands import HOSTILE, NOBODY_SAYS, Asked, Broken, demand, equal, shares_of
from vlm_picking.errors import ModelError
from vlm_picking.frame import RgbdFrame


def classifies(asked: Asked, shown: dict[str, np.ndarray]) -> None:
    k = len(asked.model.classes)
    demand(k > 0, "it has no classes")
    for rgb in shown.values():
        frame, boxes = _frame_of(rgb), _boxes_of(rgb)
        for n in (0, 1, len(boxes)):
            shares = asked.ask("classify_boxes", frame, boxes[:n])
            demand(shares.shape == (n, k) and shares.dtype == np.float32, f"it gave {shares.dtype} {shares.shape}")
            whole = bool((shares >= 0).all() and (shares.sum(axis=1) <= 1 + 1e-4).all())
            demand(whole, f"probabilities that sum to more than 1: {shares.tolist()[:2]}")
        demand(not shares[-1].any(), "a box without an area shows something")
        equal(asked.ask("classify_boxes", frame, boxes[::-1]), shares[::-1], "order matters", loosely=True)
    blind = RgbdFrame(rgb, np.full(rgb.shape[:2], np.nan, np.float32), frame.camera)
    demand(np.isfinite(asked.ask("classify_boxes", blind, boxes)).all(), "without depth it gives no numbers")


def classifies_again(asked: Asked, shown: dict[str, np.ndarray]) -> None:
    rgb = shown["odd"]
    camera, turned, boxes = rgb.copy(), np.ascontiguousarray(rgb[::-1, ::-1]), _boxes_of(rgb)
    of_turned = asked.ask("classify_boxes", _frame_of(turned), boxes)
    first = asked.ask("classify_boxes", _frame_of(camera), boxes)
    equal(asked.ask("classify_boxes", _frame_of(camera), boxes), first, "the same frame, asked twice, differs")
    camera[:] = turned
    again = asked.ask("classify_boxes", _frame_of(camera), boxes)
    equal(again, of_turned, "a new picture in the same buffer is not seen", loosely=True)


def knows_words(asked: Asked, shown: dict[str, np.ndarray]) -> None:
    model = asked.model
    shares = asked.ask("classify_boxes", _frame_of(shown["odd"]), _boxes_of(shown["odd"]))
    for noun in model.classes:
        plain, coloured = (model.phrase_probability(shares, phrase) for phrase in (noun, f"red {noun}"))
        demand(model.knows(noun) and model.knows(f"red {noun}"), f"it does not know its class {noun!r}")
        demand(np.array_equal(plain, coloured), f"a colour changes the probability of {noun!r}")
        column = shares[:, model.classes.index(noun)]
        demand(bool((plain >= column - 1e-6).all() and (plain <= 1).all()), f"probabilities of {noun!r}: {plain}")
    for text in (*NOBODY_SAYS, *HOSTILE):
        if model.knows(text):
            shares_of(model.phrase_probability(shares, text), len(shares), "phrase_probability")
            continue
        try:
            model.phrase_probability(shares, text)
        except ModelError:
            continue
        raise Broken(f"phrase_probability took {text[:60]!r}, which it does not know")


def wrong_calls(rgb: np.ndarray) -> list[tuple[str, tuple]]:
    """Methods with arguments that must be refused."""
    wrong: list[tuple[str, tuple]] = [
        ("classify_boxes", (rgb, _boxes_of(rgb))),
        ("phrase_probability", (np.ones((2, 9999), np.float32), "mug")),
    ]
    for boxes in ([[0, 0, 9]], [[9, 0, 0, 9]], [[0, 0, 9, np.nan]]):
        wrong.append(("classify_boxes", (_frame_of(rgb), np.array(boxes, np.float32))))
    return wrong


def _frame_of(rgb: np.ndarray) -> RgbdFrame:
    """A frame with holes in its depth."""
    height, width = rgb.shape[:2]
    depth_m = 0.5 + rgb[..., 0].astype(np.float32) / 1000
    depth_m[rgb[..., 1] > 200] = np.nan
    return RgbdFrame(rgb, depth_m, PinholeCamera(width, height, width, width, width / 2, height / 2))


def _boxes_of(rgb: np.ndarray) -> np.ndarray:
    """All of an image, a corner of it, more than it, and a box without an area."""
    h, w = rgb.shape[:2]
    corner = (0, 0, max(1, w // 2), max(1, h // 2))
    return np.array([(0, 0, w, h), corner, (-5, -5, w + 5, h + 5), (w / 2, 0, w / 2, h)], np.float32)
