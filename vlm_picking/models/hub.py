"""Checkpoints from the hub: fetching one whole for use without a network, and saying what a cached one lacks."""

import json
from dataclasses import dataclass
from pathlib import Path

from vlm_picking.errors import ModelError
from vlm_picking.models.base import Role
from vlm_picking.models.family import Family
from vlm_picking.models.loading import hub_is_offline, require_packages

# What adapters read; repositories also hold the same weights for other frameworks, and examples.
WANTED = (
    *("config.json", "generation_config.json", "processor_config.json", "*preprocessor_config.json"),
    *("tokenizer*", "vocab*", "merges.txt", "spiece.model", "special_tokens_map.json", "added_tokens.json"),
    *("chat_template*", "vlm_picking.json"),
    *("model.safetensors", "model-*-of-*.safetensors", "model.safetensors.index.json"),
)
_PROCESSORS = ("preprocessor_config.json", "processor_config.json")
_TOKENIZERS = ("tokenizer.json", "vocab.json", "vocab.txt", "spiece.model", "tokenizer.model")
_WORDLESS = frozenset({Role.BOX_SEGMENTATION, Role.CLASSIFICATION})  # roles of models that read no text
_INDEX = "model.safetensors.index.json"


@dataclass(frozen=True)
class Fetched:
    """A checkpoint on this machine.

    Args:
        directory: where its files are.
        n_bytes: how large they are together.
    """

    directory: Path
    n_bytes: int


def fetch(checkpoint: str) -> Fetched:
    """Bring "owner/name" from the hub into the local cache, only the files that adapters read.

    Raises:
        ModelError: the hub can't be reached, wants a licence to be accepted, or has no such checkpoint.
    """
    require_packages(["huggingface_hub"], why="fetching a checkpoint")
    from huggingface_hub import errors, snapshot_download
    from huggingface_hub.utils import HFValidationError

    if hub_is_offline():
        raise ModelError("the hub is switched off: unset HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE to fetch from it")
    try:
        directory = Path(snapshot_download(checkpoint, allow_patterns=list(WANTED)))
    except errors.GatedRepoError as error:
        raise ModelError(
            f"{checkpoint!r} wants its licence to be accepted: do so on its page on the hub, then `hf auth login`"
        ) from error
    except (errors.RepositoryNotFoundError, HFValidationError) as error:
        raise ModelError(
            f"the hub has no {checkpoint!r}; check the name, or `hf auth login` if it is private"
        ) from error
    except (OSError, ValueError, errors.HfHubHTTPError, errors.LocalEntryNotFoundError) as error:
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"can't fetch {checkpoint!r}: check the network and the room on the disk ({why})") from error
    if not any(directory.glob("model*.safetensors")):
        raise ModelError(f"{checkpoint!r} has no model.safetensors: take a checkpoint in the form of transformers")
    return Fetched(directory, sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()))


def require_cached(checkpoint: str, family: Family) -> None:
    """Raise ModelError, naming the files, where a repository of the hub is not whole in the local cache."""
    from huggingface_hub import try_to_load_from_cache

    def cached(name: str) -> str | None:
        found = try_to_load_from_cache(checkpoint, name)
        return found if isinstance(found, str) else None

    lacking: list[str] = []
    if index := cached(_INDEX):
        try:
            shards = set(json.loads(Path(index).read_text(encoding="utf-8"))["weight_map"].values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{_INDEX} of {checkpoint!r} in the local cache is broken: fetch it again") from error
        lacking += sorted(shard for shard in shards if not cached(shard))
    elif not any(map(cached, ("model.safetensors", "pytorch_model.bin"))):
        lacking.append("model.safetensors")
    if not any(map(cached, _PROCESSORS)):
        lacking.append(_PROCESSORS[0])
    if not family.roles <= _WORDLESS and not any(map(cached, _TOKENIZERS)):
        lacking.append(_TOKENIZERS[0])
    if lacking:
        raise ModelError(
            f"{checkpoint!r} is not whole in the local cache and the hub is switched off (offline): it lacks "
            f"{', '.join(lacking[:5])}; fetch it once with `vlm-picking models --pull {checkpoint}`"
        )
