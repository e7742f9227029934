"""`vlm_picking.json`: what a checkpoint knows of itself beyond its weights. Checkpoints from elsewhere do
without.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vlm_picking.errors import ModelError

SIDECAR_FILE = "vlm_picking.json"


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """Facts about a checkpoint.

    Args:
        name: what to call it.
        vocabulary: the nouns that it was taught, synonyms included; None for an open vocabulary.
        classes: one noun for each kind of thing that it was taught, for "what do you see?".
        colours: the colour words that it was taught; None for an open vocabulary.
        template: how a phrase becomes a prompt; "{}" stands for the phrase.
        scale, bias: probability = 1 / (1 + exp(-(scale * logit + bias))).
        coloured: scale and bias of phrases that begin with a colour word, "red mug"; None: as all others.
        floor: boxes with a lower probability are dropped, save the best of a phrase.
    """

    name: str
    vocabulary: frozenset[str] | None = None
    classes: tuple[str, ...] = ()
    colours: frozenset[str] | None = None
    template: str = "a photo of a {}"
    scale: float = 1.0
    bias: float = 0.0
    coloured: tuple[float, float] | None = None
    floor: float = 0.05

    def __post_init__(self) -> None:
        if "{}" not in self.template:
            raise ModelError(f"the template {self.template!r} of {self.name} has no '{{}}' for the phrase")
        for scale, bias in ((self.scale, self.bias), self.coloured or (1.0, 0.0)):
            if not (math.isfinite(scale) and scale > 0 and math.isfinite(bias)):
                raise ModelError(f"the score calibration of {self.name} must be finite with scale > 0")

    def prompt(self, phrase: str) -> str:
        return self.template.replace("{}", phrase)

    def probability(self, logit: np.ndarray, phrase: str) -> np.ndarray:
        """Logits of any shape that `phrase` got, to probabilities, float32."""
        first, _, rest = phrase.partition(" ")
        coloured = self.coloured if rest and first in (self.colours or ()) else None
        scale, bias = coloured or (self.scale, self.bias)
        return (1 / (1 + np.exp(-np.clip(scale * logit + bias, -60, 60)))).astype(np.float32)

    def write(self, directory: Path, **extra: object) -> None:
        """Write the file; `extra` is for readers of the file and comes back from nowhere."""
        content = {
            "name": self.name,
            "vocabulary": None if self.vocabulary is None else sorted(self.vocabulary),
            "classes": list(self.classes),
            "colours": None if self.colours is None else sorted(self.colours),
            "template": self.template,
            "score_calibration": {"scale": self.scale, "bias": self.bias, "coloured": self.coloured},
            "floor": self.floor,
            **extra,
        }
        (Path(directory) / SIDECAR_FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, directory: Path, *, name: str) -> "Sidecar":
        """The sidecar in `directory`; one with defaults called `name` when there is none.

        Raises:
            ModelError: the file is broken.
        """
        path = Path(directory) / SIDECAR_FILE
        if not path.exists():
            return cls(name=name)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            calibration = content.get("score_calibration", {})
            coloured = calibration.get("coloured")
            words = {key: content.get(key) for key in ("vocabulary", "colours")}
            return cls(
                name=str(content.get("name", name)),
                **{key: None if value is None else frozenset(map(str, value)) for key, value in words.items()},
                classes=tuple(map(str, content.get("classes", ()))),
                template=str(content.get("template", "a photo of a {}")),
                scale=float(calibration.get("scale", 1.0)),
                bias=float(calibration.get("bias", 0.0)),
                coloured=None if coloured is None else (float(coloured[0]), float(coloured[1])),
                floor=float(content.get("floor", 0.05)),
            )
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            raise ModelError(
                f"{path} can't be read ({error}); remove it, or write it as docs/embedded_model.md says"
            ) from error
