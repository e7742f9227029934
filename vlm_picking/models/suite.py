"""One model a role: what a pipeline asks, chosen by name."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from vlm_picking.detections import Detections
from vlm_picking.errors import ModelError
from vlm_picking.models.base import (
    PROTOCOL_OF_ROLE,
    BoxClassifier,
    BoxSegmenter,
    Captioner,
    ImageTextScorer,
    PhraseSegmenter,
    Role,
    VisualAnswerer,
    ZeroShotDetector,
)
from vlm_picking.models.registry import EMBEDDED, ModelSource, find_model, load_model
from vlm_picking.models.sidecar import Sidecar, sidecar_path

_FIELD_OF_ROLE = {
    Role.DETECTION: "detector",
    Role.SIMILARITY: "scorer",
    Role.ANSWERING: "answerer",
    Role.CAPTIONING: "captioner",
    Role.PHRASE_SEGMENTATION: "phrase_segmenter",
    Role.BOX_SEGMENTATION: "box_segmenter",
    Role.CLASSIFICATION: "classifier",
}
# Setting -> the roles that its model takes; it must be able to play one of them.
ROLES_OF_SETTING: dict[str, tuple[Role, ...]] = {
    "detection_model": (Role.DETECTION,),
    "similarity_model": (Role.SIMILARITY,),
    "answering_model": (Role.ANSWERING,),
    "captioning_model": (Role.CAPTIONING,),
    "segmentation_model": (Role.PHRASE_SEGMENTATION, Role.BOX_SEGMENTATION),
    "classification_model": (Role.CLASSIFICATION,),
}
NOBODY = "none"  # as `classification_model`: not even the classifier that the detector brings along


@dataclass(frozen=True, eq=False, kw_only=True)
class ModelSuite:
    """The models of a pipeline, one a role; None where nobody plays it. One model may play several."""

    detector: ZeroShotDetector | None = None
    scorer: ImageTextScorer | None = None
    answerer: VisualAnswerer | None = None
    captioner: Captioner | None = None
    phrase_segmenter: PhraseSegmenter | None = None
    box_segmenter: BoxSegmenter | None = None
    classifier: BoxClassifier | None = None

    @classmethod
    def of(cls, *models: object) -> "ModelSuite":
        """Each role is played by the first of `models` that can.

        Raises:
            ModelError: one of them can play no role at all.
        """
        playing: dict[str, object] = {}
        for model in models:
            able = [field for role, field in _FIELD_OF_ROLE.items() if isinstance(model, PROTOCOL_OF_ROLE[role])]
            if not able:
                known = ", ".join(role.value for role in Role)
                raise ModelError(f"{type(model).__name__} has the methods of no role; the roles are {known}")
            playing = dict.fromkeys(able, model) | playing
        return cls(**playing)

    @classmethod
    def load(
        cls,
        model: str = EMBEDDED,
        *,
        device: str = "auto",
        dtype: str = "float32",
        offline: bool = False,
        **chosen: str,
    ) -> "ModelSuite":
        """Load what the settings name; a checkpoint that is named twice is loaded once.

        Args:
            model: plays every role that it can and that `chosen` gives to no other; it need not detect.
            device, dtype, offline: as for `registry.load_model`.
            chosen: a setting of ROLES_OF_SETTING -> a model's name; "" leaves the role to `model`. For
                `classification_model`, "" is first the classifier that the detector's sidecar names, and "none" nobody.

        Raises:
            ModelError: a model can't be loaded, or can't play the role that it was chosen for.
        """
        settings = {
            setting: roles
            for setting, roles in ROLES_OF_SETTING.items()
            if (setting, chosen.get(setting)) != ("classification_model", NOBODY)
        }
        chosen = {setting: name for setting, name in chosen.items() if setting in settings}
        sources = {name: find_model(name, offline=offline) for name in dict.fromkeys((model, *chosen.values())) if name}
        casting: dict[Role, str] = {}
        for setting, roles in settings.items():
            name = chosen.get(setting, "")
            if setting == "classification_model" and not name and Role.DETECTION in casting:
                name = _brought_along(sources[casting[Role.DETECTION]])
                sources |= {name: find_model(name, offline=offline)} if name else {}
            able = [role for role in roles if role in sources[name or model].family.roles]
            if name and not able:
                raise ModelError(_refusal(setting, roles, name, sources[name]))
            casting |= dict.fromkeys(able, name or model)
        loaded = {
            _key(sources[name]): load_model(name, device=device, dtype=dtype, offline=offline)
            for name in {_key(sources[name]): name for name in casting.values()}.values()
        }
        return cls(**{_FIELD_OF_ROLE[role]: loaded[_key(sources[name])] for role, name in casting.items()})

    @property
    def models(self) -> tuple[object, ...]:
        """Each model once."""
        playing = (getattr(self, field.name) for field in fields(self))
        return tuple({id(model): model for model in playing if model is not None}.values())

    @property
    def name(self) -> str:
        """The names of the models: "owlv2 + clip"."""
        return " + ".join(dict.fromkeys(model.name for model in self.models))

    @property
    def finder(self) -> ZeroShotDetector | None:
        """Who says where things are: the detector, or else a segmenter of phrases."""
        if self.detector is None and self.phrase_segmenter is not None:
            return _SegmenterAsDetector(self.phrase_segmenter)
        return self.detector

    @property
    def can_tell_presence(self) -> bool:
        return not (self.finder is None and self.scorer is None and self.answerer is None)


class _SegmenterAsDetector:
    """A segmenter of phrases in the role of a detector: its outlines have boxes."""

    vocabulary: frozenset[str] | None = None
    colours: frozenset[str] | None = None
    classes: tuple[str, ...] = ()

    def __init__(self, segmenter: PhraseSegmenter) -> None:
        self.name = segmenter.name
        self._segmenter = segmenter

    def detect(self, rgb: np.ndarray, phrases: Sequence[str]) -> Detections:
        return self._segmenter.segment(rgb, phrases)


def _brought_along(detector: ModelSource) -> str:
    """The directory of the classifier that a detector's sidecar names; "" where it names none."""
    checkpoint = Path(detector.checkpoint)
    classifier = Sidecar.read(checkpoint, name=checkpoint.name).classifier
    return str((sidecar_path(checkpoint).parent / classifier).resolve()) if classifier else ""


def _key(source: ModelSource) -> str:
    """The same for every way to name a checkpoint."""
    path = Path(source.checkpoint)
    return str(path.resolve()) if path.exists() else source.checkpoint


def _refusal(setting: str, roles: tuple[Role, ...], name: str, source: ModelSource) -> str:
    lacks = " nor ".join(role.value for role in roles)
    can = ", ".join(sorted(role.value for role in source.family.roles))
    return f"{setting} {name!r} ({source.family.name}) does no {lacks}; it can be used for {can}"
