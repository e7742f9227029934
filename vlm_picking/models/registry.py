"""Names to models: the one that ships, local directories, and repositories on the hub."""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from vlm_picking.errors import ModelError, did_you_mean
from vlm_picking.models.base import Role, ZeroShotDetector
from vlm_picking.models.family import Family
from vlm_picking.models.hub import require_cached
from vlm_picking.models.loading import hub_is_offline, read_config, require_packages, require_transformers
from vlm_picking.models.remote_address import FORM, PREFIX, RemoteAddress

EMBEDDED = "embedded"
EMBEDDED_DIRECTORY = Path(__file__).parent / "embedded"

# Modules beside this one that have a FAMILY: adding a family is one file and one word here.
MODULES: tuple[str, ...] = (
    "clip",
    "clipseg",
    "florence2",
    "gemma3",
    "grounding_dino",
    "image_classification",
    "llava",
    "molmo2",
    "omdet",
    "owl",
    "paligemma",
    "qwen_vl",
    "remote",
    "sam",
    "sam2",
    "sam3",
    "siglip",
    "smolvlm",
)

# Short names for checkpoints that people ask for most.
ALIASES: dict[str, str] = {
    "owlvit": "google/owlvit-base-patch32",
    "owlv2": "google/owlv2-base-patch16-ensemble",
}


@cache
def families() -> dict[str, Family]:
    """`model_type` of a checkpoint's config.json -> its family. Loads neither torch nor transformers."""
    known: dict[str, Family] = {}
    for module in MODULES:
        family = import_module(f"vlm_picking.models.{module}").FAMILY
        known |= dict.fromkeys(family.model_types, family)
    return known


@dataclass(frozen=True)
class ModelSource:
    """Where a model's files are and what family they are of."""

    checkpoint: str
    family: Family


def find_model(name: str = EMBEDDED, *, offline: bool = False) -> ModelSource:
    """Look a name up without loading any weights.

    Args:
        name: "embedded", a short name (ALIASES), a local directory, "owner/name" on the hub, or a model on a server,
            "remote:MODEL@http://host:port/v1".
        offline: never ask the hub, use its local cache.

    Raises:
        ModelError: there is no such model, it is none, or nobody wrote an adapter for its family.
    """
    if name.startswith(PREFIX):
        RemoteAddress.parse(name)
        return ModelSource(name, families()["remote"])
    if name == EMBEDDED:
        if not (EMBEDDED_DIRECTORY / "config.json").exists():
            raise ModelError(f"the embedded model is missing from {EMBEDDED_DIRECTORY}: install the package again")
        checkpoint = str(EMBEDDED_DIRECTORY)
    else:
        checkpoint = ALIASES.get(name, name)
    is_path = _names_a_path(checkpoint)
    if not is_path and checkpoint.count("/") != 1:
        known = did_you_mean(name, (EMBEDDED, *ALIASES))
        raise ModelError(f"unknown model {name!r}; {known} (or give a directory, 'owner/name' on the hub, or {FORM})")
    model_type = read_config(checkpoint, offline=offline).get("model_type")
    if model_type not in families():
        raise ModelError(
            f"{name!r} is of the family {model_type!r}, which has no adapter; "
            f"{did_you_mean(str(model_type), families())}"
        )
    if not is_path and (offline or hub_is_offline()):
        require_cached(checkpoint, families()[model_type])
    return ModelSource(str(Path(checkpoint).expanduser()) if is_path else checkpoint, families()[model_type])


def _names_a_path(checkpoint: str) -> bool:
    if checkpoint.startswith(("/", ".", "~")):
        return True
    return bool(checkpoint.strip()) and Path(checkpoint).exists()


def load_model(name: str = EMBEDDED, *, device: str = "auto", dtype: str = "float32", offline: bool = False) -> object:
    """Load a model with its weights; `roles_of` says what it can be asked.

    Args:
        name: as for `find_model`.
        device: "auto" (a GPU where there is one), "cpu", "cuda" or "cuda:N".
        dtype: "float32", "bfloat16" or "float16".
        offline: never ask the hub, use its local cache; so does HF_HUB_OFFLINE=1.

    Raises:
        ModelError: what is wrong, and what to do.
    """
    source = find_model(name, offline=offline)
    if not name.startswith(PREFIX):
        require_transformers()
    require_packages(source.family.needs, why=source.family.name)
    return source.family.load(source.checkpoint, device=device, dtype=dtype, offline=offline)


def load_detector(
    name: str = EMBEDDED, *, device: str = "auto", dtype: str = "float32", offline: bool = False
) -> ZeroShotDetector:
    """Load a model that finds what phrases name; arguments as for `load_model`.

    Raises:
        ModelError: what is wrong, and what to do; also where the model's family is none that detects.
    """
    family = find_model(name, offline=offline).family
    if Role.DETECTION not in family.roles:
        can = ", ".join(sorted(role.value for role in family.roles))
        raise ModelError(f"{name!r} ({family.name}) does no zero-shot detection; it can be used for {can}")
    return load_model(name, device=device, dtype=dtype, offline=offline)
