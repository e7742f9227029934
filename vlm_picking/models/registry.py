"""Names to models: the one that ships, local directories, and repositories on the hub."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from vlm_picking.errors import ModelError, did_you_mean
from vlm_picking.models.base import ZeroShotDetector
from vlm_picking.models.loading import read_config, require_transformers

EMBEDDED = "embedded"
EMBEDDED_DIRECTORY = Path(__file__).parent / "embedded"

# `model_type` of a checkpoint's config.json -> where its adapter is: adding a family is one file and one
# line.
FAMILIES: dict[str, str] = {
    "owlvit": "vlm_picking.models.owl:OwlDetector",
    "owlv2": "vlm_picking.models.owl:OwlDetector",
}

# Short names for checkpoints that people ask for most.
ALIASES: dict[str, str] = {
    "owlvit": "google/owlvit-base-patch32",
    "owlv2": "google/owlv2-base-patch16-ensemble",
}


@dataclass(frozen=True)
class ModelSource:
    """Where a model's files are and what family they are of."""

    checkpoint: str
    family: str


def find_model(name: str = EMBEDDED, *, offline: bool = False) -> ModelSource:
    """Look a name up without loading any weights.

    Args:
        name: "embedded", a short name (ALIASES), a local directory, or "owner/name" on the hub.
        offline: never ask the hub, use its local cache.

    Raises:
        ModelError: there is no such model, it is none, or nobody wrote an adapter for its family.
    """
    if name == EMBEDDED:
        if not (EMBEDDED_DIRECTORY / "config.json").exists():
            raise ModelError(
                f"the embedded model is missing from {EMBEDDED_DIRECTORY}: install the package again"
            )
        checkpoint = str(EMBEDDED_DIRECTORY)
    else:
        checkpoint = ALIASES.get(name, name)
    is_path = _names_a_path(checkpoint)
    if not is_path and checkpoint.count("/") != 1:
        known = did_you_mean(name, (EMBEDDED, *ALIASES))
        raise ModelError(f"unknown model {name!r}; {known} (or give a directory, or 'owner/name' on the hub)")
    family = read_config(checkpoint, offline=offline).get("model_type")
    if family not in FAMILIES:
        raise ModelError(
            f"{name!r} is of the family {family!r}, which has no adapter; "
            f"{did_you_mean(str(family), FAMILIES)}"
        )
    return ModelSource(str(Path(checkpoint).expanduser()) if is_path else checkpoint, family)


def _names_a_path(checkpoint: str) -> bool:
    if checkpoint.startswith(("/", ".", "~")):
        return True
    return bool(checkpoint.strip()) and Path(checkpoint).exists()


def load_detector(name: str = EMBEDDED, *, device: str = "auto", offline: bool = False) -> ZeroShotDetector:
    """Load a detector with its weights.

    Args:
        name: as for `find_model`.
        device: "auto" (a GPU where there is one), "cpu", "cuda" or "cuda:N".
        offline: never ask the hub, use its local cache; so does HF_HUB_OFFLINE=1.

    Raises:
        ModelError: what is wrong, and what to do.
    """
    source = find_model(name, offline=offline)
    require_transformers()
    module, _, attribute = FAMILIES[source.family].partition(":")
    return getattr(import_module(module), attribute)(source.checkpoint, device=device, offline=offline)
