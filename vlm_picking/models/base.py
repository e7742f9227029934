"""The seam: what the pipeline asks of a model; every family, and the simulator's oracle, fit in here."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from vlm_picking.detections import Detections


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
            phrase names. The best box of every phrase is there however low its score, so that a caller can tell ABSENT
            from UNCERTAIN; others only above the model's floor. No two boxes of one phrase overlap much (NMS was done).

        Raises:
            ModelError: the model could not look. An empty result always means that it looked.
        """
