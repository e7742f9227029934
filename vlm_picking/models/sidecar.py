"""`vlm_picking.json`: what a checkpoint knows of itself beyond its weights. Checkpoints from elsewhere do without."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vlm_picking.errors import ModelError
from vlm_picking.language.lexicon import COLOURS

SIDECAR_FILE = "vlm_picking.json"


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """Facts about a checkpoint.

    Args:
        name: what to call it.
        vocabulary: the nouns that it was taught, synonyms included; None for an open vocabulary.
        classes: one noun for each kind of thing that it was taught, for "what do you see?".
        colours: the colour words that it was taught; None for an open vocabulary.
        categories: words for several kinds, "fruit", and the nouns that a model is asked instead.
        template: how a phrase becomes a prompt; "{}" stands for the phrase.
        scale, bias: probability = 1 / (1 + exp(-(scale * logit + bias))).
        coloured: scale and bias of phrases that begin with a colour word, "red mug"; None: as all others.
        floor: boxes with a lower probability are dropped, save the best of a phrase.
        bin_view: whether a detector sees better when it is shown the bin alone, not all of the image.
        classifier: of a detector: the classifier that looks again at its boxes, a directory beside this file; "": none.
        fusion: of a classifier: what the detector's log-odds weigh, what its own weigh, and a bias; None: not measured.
        coloured_fusion: the same for phrases that begin with a colour word; None: as all others.
        further_bias: of a classifier: what the log-odds of each further box of a phrase lose.
        outline_fusion: of a classifier: what its log-odds weigh, and a bias, for an outline in depth that the detector
            has no box for; None: outlines are not looked at.
    """

    name: str
    vocabulary: frozenset[str] | None = None
    classes: tuple[str, ...] = ()
    colours: frozenset[str] | None = None
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    template: str = "a photo of a {}"
    scale: float = 1.0
    bias: float = 0.0
    coloured: tuple[float, float] | None = None
    floor: float = 0.05
    bin_view: bool = False
    classifier: str = ""
    fusion: tuple[float, float, float] | None = None
    coloured_fusion: tuple[float, float, float] | None = None
    further_bias: float = 0.0
    outline_fusion: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if "{}" not in self.template:
            raise ModelError(f"the template {self.template!r} of {self.name} has no '{{}}' for the phrase")
        for scale, bias in ((self.scale, self.bias), self.coloured or (1.0, 0.0)):
            if not (math.isfinite(scale) and scale > 0 and math.isfinite(bias)):
                raise ModelError(f"the score calibration of {self.name} must be finite with scale > 0")
        for fusion in filter(None, (self.fusion, self.coloured_fusion)):
            if not (all(map(math.isfinite, fusion)) and min(fusion[:2]) >= 0):
                raise ModelError(f"the fusion of {self.name} must be two weights from 0 and a bias, all finite")
        if self.outline_fusion and not (all(map(math.isfinite, self.outline_fusion)) and self.outline_fusion[0] >= 0):
            raise ModelError(f"the outline fusion of {self.name} must be a weight from 0 and a bias, both finite")
        if not 0 <= self.further_bias < math.inf:
            raise ModelError(f"the bias of {self.name} against further boxes must be finite, from 0")
        for category, nouns in self.categories.items():
            if not nouns:
                raise ModelError(f"the category {category!r} of {self.name} has no nouns")

    @property
    def words(self) -> frozenset[str] | None:
        """All nouns that can be asked: the vocabulary and the categories; None for an open vocabulary."""
        return None if self.vocabulary is None else self.vocabulary | self.categories.keys()

    def prompt(self, phrase: str) -> str:
        return self.template.replace("{}", phrase)

    def members(self, phrase: str) -> tuple[str, ...]:
        """What to ask the model for `phrase`: "red apple", "red lemon" for "red fruit"; most phrases are their own."""
        if phrase in self.categories:
            return self.categories[phrase]
        first, _, rest = phrase.partition(" ")
        if self._is_colour(first) and rest in self.categories:
            return tuple(f"{first} {noun}" for noun in self.categories[rest])
        return (phrase,)

    def probability(self, logit: np.ndarray, phrase: str) -> np.ndarray:
        """Logits of any shape that `phrase` got, to probabilities, float32."""
        scale, bias = self._curve(phrase)
        return (1 / (1 + np.exp(-np.clip(scale * logit + bias, -60, 60)))).astype(np.float32)

    def logit(self, probability: np.ndarray, phrase: str) -> np.ndarray:
        """The other way round, finite also for 0 and 1."""
        scale, bias = self._curve(phrase)
        p = np.clip(np.asarray(probability, np.float64), 1e-12, 1 - 1e-6)  # float32 is coarser near 1 than near 0
        return (np.log(p / (1 - p)) - bias) / scale

    def weights(self, phrase: str) -> tuple[float, float, float] | None:
        """Of `fusion` and `coloured_fusion` the one for `phrase`."""
        return self.coloured_fusion if self.coloured_fusion and self.is_coloured(phrase) else self.fusion

    def is_coloured(self, phrase: str) -> bool:
        """Whether `phrase` begins with a colour word that something follows."""
        first, _, rest = phrase.partition(" ")
        return bool(rest) and self._is_colour(first)

    def write(self, directory: Path, **extra: object) -> None:
        """Write the file; `extra` is for readers of the file and comes back from nowhere."""
        content = {
            "name": self.name,
            "vocabulary": None if self.vocabulary is None else sorted(self.vocabulary),
            "classes": list(self.classes),
            "colours": None if self.colours is None else sorted(self.colours),
            "categories": {category: list(nouns) for category, nouns in self.categories.items()},
            "template": self.template,
            "score_calibration": {"scale": self.scale, "bias": self.bias, "coloured": self.coloured},
            "floor": self.floor,
            "bin_view": self.bin_view,
            "classifier": self.classifier,
            "fusion": self.fusion,
            "coloured_fusion": self.coloured_fusion,
            "further_bias": self.further_bias,
            "outline_fusion": self.outline_fusion,
            **extra,
        }
        (Path(directory) / SIDECAR_FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, checkpoint: Path, *, name: str) -> "Sidecar":
        """The sidecar of a checkpoint (`sidecar_path`); one with defaults called `name` when there is none.

        Raises:
            ModelError: the file is broken.
        """
        path = sidecar_path(checkpoint)
        if not path.exists():
            return cls(name=name)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            calibration = content.get("score_calibration", {})
            coloured = calibration.get("coloured")
            fusions = {key: _numbers(content.get(key), 3) for key in ("fusion", "coloured_fusion")}
            words = {key: content.get(key) for key in ("vocabulary", "colours")}
            categories = content.get("categories", {})
            return cls(
                name=str(content.get("name", name)),
                **{key: None if value is None else frozenset(map(str, value)) for key, value in words.items()},
                classes=tuple(map(str, content.get("classes", ()))),
                categories={str(category): tuple(map(str, nouns)) for category, nouns in categories.items()},
                template=str(content.get("template", "a photo of a {}")),
                scale=float(calibration.get("scale", 1.0)),
                bias=float(calibration.get("bias", 0.0)),
                coloured=None if coloured is None else (float(coloured[0]), float(coloured[1])),
                floor=float(content.get("floor", 0.05)),
                bin_view=bool(content.get("bin_view", False)),
                classifier=_text(content.get("classifier") or ""),
                **fusions,
                further_bias=float(content.get("further_bias", 0.0)),
                outline_fusion=_numbers(content.get("outline_fusion"), 2),
            )
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            raise ModelError(
                f"{path} can't be read ({error}); remove it, or write it as docs/embedded_model.md says"
            ) from error

    def _is_colour(self, word: str) -> bool:
        return word in (COLOURS if self.colours is None else self.colours)

    def _curve(self, phrase: str) -> tuple[float, float]:
        if self.coloured is not None and self.is_coloured(phrase):
            return self.coloured
        return self.scale, self.bias


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _numbers(values: Sequence[float] | None, count: int) -> tuple[float, ...] | None:
    if values is None:
        return None
    numbers = tuple(map(float, values))
    if len(numbers) != count:
        raise ValueError(f"{list(values)} are not {count} numbers")
    return numbers


def sidecar_path(checkpoint: str | Path) -> Path:
    """Where a checkpoint's sidecar is: in its directory; of one from the hub, "owner/name", in the user's settings."""
    if Path(checkpoint).is_dir():
        return Path(checkpoint) / SIDECAR_FILE
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return settings / "vlm_picking" / "calibration" / f"{str(checkpoint).replace('/', '--')}.json"
