"""The seam: the roles that a model may play; every family, the simulator's oracle and a server fit in here.

A family implements the roles that it can play by having their methods; `isinstance(model, Captioner)` tells. Every
method raises ModelError when the model could not look: what it returns always means that it looked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, runtime_checkable

import numpy as np

from vlm_picking.detections import Detections
from vlm_picking.frame import RgbdFrame


class Role(str, Enum):
    """What a model can be asked to do, in the words of the field."""

    DETECTION = "zero-shot detection"
    SIMILARITY = "image-text similarity"
    ANSWERING = "visual question answering"
    CAPTIONING = "captioning"
    PHRASE_SEGMENTATION = "segmentation by phrase"
    BOX_SEGMENTATION = "segmentation by box"
    CLASSIFICATION = "image classification"


@runtime_checkable
class ZeroShotDetector(Protocol):
    """Finds what phrases name."""

    @property
    def name(self) -> str:
        """What to call the model in answers and diagnostics."""

    @property
    def vocabulary(self) -> frozenset[str] | None:
        """The nouns that the model was taught, synonyms included; None for a model of open vocabulary."""

    @property
    def classes(self) -> tuple[str, ...]:
        """One noun for each kind that the model was taught, for "what do you see?"; empty for open vocabulary."""

    @property
    def colours(self) -> frozenset[str] | None:
        """The colour words that the model was taught; None for a model of open vocabulary."""

    def detect(self, rgb: np.ndarray, phrases: Sequence[str]) -> Detections:
        """Look for every phrase in an image.

        Args:
            rgb: (H, W, 3) uint8.
            phrases: what to look for ("red mug"); lower case, singular, without article.

        Returns:
            Boxes in pixels of `rgb`; `label` is the phrase, `score` the model's probability that the box shows what the
            phrase names. Where the model scores all it looks at, the best box of every phrase is there however low its
            score, so that a caller can tell ABSENT from UNCERTAIN; others only above the model's floor. A phrase
            without a box was looked for and not found. No two boxes of one phrase overlap much (NMS was done).

        Raises:
            ModelError: the model could not look. An empty result always means that it looked.
        """


@runtime_checkable
class PrefersBinView(Protocol):
    """A detector that may see better when the bin fills its image."""

    @property
    def prefers_bin_view(self) -> bool:
        """Whether to show it the bin alone."""


@runtime_checkable
class ImageTextScorer(Protocol):
    """Says how well texts fit a whole image."""

    @property
    def name(self) -> str:
        """What to call the model."""

    def embed_image(self, rgb: np.ndarray) -> np.ndarray:
        """The image (H, W, 3) uint8 as a vector (D,) float32 of length 1."""

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """The texts as vectors (T, D) float32 of length 1; their products with `embed_image` are similarities."""

    def classify(self, rgb: np.ndarray, labels: Sequence[str]) -> np.ndarray:
        """Probabilities (L,) float32 that sum to 1: which one of `labels` ("an open box") fits the image."""

    def presence(self, rgb: np.ndarray, phrases: Sequence[str]) -> np.ndarray:
        """Probabilities (P,) float32, each for itself: whether the image shows what the phrase ("red mug") names."""


@dataclass(frozen=True)
class YesNo:
    """A model's belief in "yes".

    Args:
        probability: of yes against no, 0..1.
        mass: the share of the model's belief that went to yes or no at all, 0..1; little of it means that the model
            would rather have said something else. NaN where the model only gives text.
    """

    probability: float
    mass: float


@runtime_checkable
class VisualAnswerer(Protocol):
    """Answers questions about images."""

    @property
    def name(self) -> str:
        """What to call the model."""

    @property
    def max_images(self) -> int:
        """How many images a question may come with: 1, or more where the model takes frames in sequence."""

    def answer(self, images: Sequence[np.ndarray], question: str) -> str:
        """The answer to a question about images (H, W, 3) uint8, oldest first; never empty."""

    def yes_probability(self, images: Sequence[np.ndarray], question: str) -> YesNo:
        """How far the model believes that the answer to a yes-or-no question is yes."""


@runtime_checkable
class Captioner(Protocol):
    """Says what an image shows."""

    @property
    def name(self) -> str:
        """What to call the model."""

    def caption(self, rgb: np.ndarray) -> str:
        """A sentence or two about the image (H, W, 3) uint8; never empty."""


@runtime_checkable
class PhraseSegmenter(Protocol):
    """Finds the pixels of what phrases name."""

    @property
    def name(self) -> str:
        """What to call the model."""

    def segment(self, rgb: np.ndarray, phrases: Sequence[str]) -> Detections:
        """As `ZeroShotDetector.detect`, every detection with a mask (N, H, W) bool."""


@runtime_checkable
class BoxSegmenter(Protocol):
    """Finds the pixels of the thing in a box."""

    @property
    def name(self) -> str:
        """What to call the model."""

    def masks(self, rgb: np.ndarray, xyxy: np.ndarray) -> np.ndarray:
        """Masks (N, H, W) bool of the things in boxes (N, 4) [px] of an image (H, W, 3) uint8."""


@runtime_checkable
class BoxClassifier(Protocol):
    """Says which of a few kinds of things a box shows: a closer look at what a detector proposes."""

    @property
    def name(self) -> str:
        """What to call the model."""

    @property
    def classes(self) -> tuple[str, ...]:
        """K nouns that it can tell apart; "none of these" is not among them."""

    def weights(self, phrase: str) -> tuple[float, float, float] | None:
        """What a detector's log-odds of `phrase` weigh, what its own weigh, and a bias; None where not measured."""

    def further_bias(self, phrase: str) -> float:
        """What the log-odds of each further box of `phrase` lose: how much seldomer there are several; from 0."""

    def outline_weights(self, phrase: str) -> tuple[float, float] | None:
        """What its log-odds of `phrase` weigh, and a bias, for an outline in depth that a detector has no box for; None
        where not measured: then outlines are not looked at.
        """

    def knows(self, phrase: str) -> bool:
        """Whether `phrase` ("red packaging") stands for some of the classes; colours are a detector's business."""

    def classify_boxes(self, frame: RgbdFrame, xyxy: np.ndarray) -> np.ndarray:
        """Look at boxes of a frame.

        Args:
            xyxy: (N, 4) [px]; what lies outside of the image is cut off.

        Returns:
            Probabilities (N, K) float32 of each class for what each box shows; a row sums to at most 1, and what lacks
            is "none of these". Boxes without an area get zeros.

        Raises:
            ModelError: the model could not look.
        """

    def phrase_probability(self, probabilities: np.ndarray, phrase: str) -> np.ndarray:
        """Probabilities (N,) float32 that boxes show what `phrase` names, of what `classify_boxes` gave.

        Raises:
            ModelError: it does not know the phrase.
        """


PROTOCOL_OF_ROLE: dict[Role, type] = {
    Role.DETECTION: ZeroShotDetector,
    Role.SIMILARITY: ImageTextScorer,
    Role.ANSWERING: VisualAnswerer,
    Role.CAPTIONING: Captioner,
    Role.PHRASE_SEGMENTATION: PhraseSegmenter,
    Role.BOX_SEGMENTATION: BoxSegmenter,
    Role.CLASSIFICATION: BoxClassifier,
}


def roles_of(model: object) -> frozenset[Role]:
    """The roles that `model` has the methods for."""
    return frozenset(role for role, protocol in PROTOCOL_OF_ROLE.items() if isinstance(model, protocol))
