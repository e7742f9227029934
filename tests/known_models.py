"""Models that know the truth of a simulated bin, one for each role: faults of the pipeline are not a model's."""

from collections.abc import Sequence

import numpy as np

from vlm_picking.detections import Detections
from vlm_picking.models.base import YesNo


class KnowingScorer:
    """Finds a phrase present where it names an object of the bin; `believes` are probabilities of its own."""

    def __init__(self, truth, *, believes: dict[str, float] | None = None) -> None:
        self.name = "scorer"
        self._phrases = {f"{o.colour} {o.kind}" for o in truth.objects} | {o.kind for o in truth.objects}
        self._believes = believes or {}
        self.asked: list[str] = []

    def embed_image(self, rgb: np.ndarray) -> np.ndarray:
        return np.array([1, 0], np.float32)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[1, 0] if text in self._phrases else [0, 1] for text in texts], np.float32).reshape(-1, 2)

    def classify(self, rgb: np.ndarray, labels: Sequence[str]) -> np.ndarray:
        self.asked += labels
        believed = np.array([self._believes.get(label, 0.01) for label in labels], np.float32)
        return believed / believed.sum()

    def presence(self, rgb: np.ndarray, phrases: Sequence[str]) -> np.ndarray:
        self.asked += phrases
        return np.array([self._believes.get(p, 0.95 if p in self._phrases else 0.05) for p in phrases], np.float32)


class Answerer:
    """Says what it was told to believe, and for "move" compares the images that came with the question."""

    def __init__(
        self, *, max_images: int = 1, yes: float = 0.9, mass: float = float("nan"), reply: str = "It is red."
    ) -> None:
        self.name = "answerer"
        self.max_images = max_images
        self._yes = YesNo(yes, mass)
        self._reply = reply
        self.asked: list[tuple[int, str]] = []

    def answer(self, images: Sequence[np.ndarray], question: str) -> str:
        assert 1 <= len(images) <= self.max_images
        self.asked.append((len(images), question))
        if "changed" in question:
            return f"{sum((a != b).any() for a, b in zip(images, images[1:], strict=False))} changes"
        return self._reply

    def yes_probability(self, images: Sequence[np.ndarray], question: str) -> YesNo:
        assert 1 <= len(images) <= self.max_images
        self.asked.append((len(images), question))
        if "move" in question:
            return YesNo(0.99 if (images[0] != images[-1]).any() else 0.01, 1.0)
        return self._yes


class Captioner:
    """Says one sentence."""

    name = "captioner"

    def caption(self, rgb: np.ndarray) -> str:
        return "A crate with\nsix things."


class TrueOutlines:
    """Segments boxes and phrases by the truth; boxes in which nothing lies get no pixels."""

    def __init__(self, truth) -> None:
        self.name = "outlines"
        self._truth = truth

    def outline(self, box: np.ndarray) -> np.ndarray:
        x0, y0, x1, y1 = (round(v) for v in box.tolist())
        inside = self._truth.ids[y0:y1, x0:x1]
        counts = np.bincount(inside[inside > 0].ravel(), minlength=1)
        return (self._truth.ids == counts.argmax()) if counts.any() else np.zeros(self._truth.ids.shape, bool)


class BoxOutlines(TrueOutlines):
    def masks(self, rgb: np.ndarray, xyxy: np.ndarray) -> np.ndarray:
        return np.array([self.outline(box) for box in xyxy], bool).reshape(-1, *rgb.shape[:2])


class PhraseOutlines(TrueOutlines):
    def segment(self, rgb: np.ndarray, phrases: Sequence[str]) -> Detections:
        found = [(p, o) for p in phrases for o in self._truth.objects if p in (o.kind, f"{o.colour} {o.kind}")]
        if not found:
            return Detections.empty()
        return Detections(
            np.array([o.xyxy for _, o in found]),
            np.full(len(found), 0.9),
            [p for p, _ in found],
            mask=np.stack([self._truth.ids == o.id for _, o in found]),
        )


class Boxes:
    """Another detector's boxes without their masks, and with a score of choice."""

    vocabulary = None
    colours = None
    classes = ()

    def __init__(self, detector, *, score: float = 0.9) -> None:
        self.name = "boxes"
        self._detector = detector
        self._score = score

    def detect(self, rgb: np.ndarray, phrases: Sequence[str]) -> Detections:
        found = self._detector.detect(rgb, phrases)
        return found.replace(mask=None, score=np.full(len(found), self._score))
