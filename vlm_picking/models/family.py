"""What there is to know about a family of models before one of its checkpoints is loaded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vlm_picking.models.base import Role


@dataclass(frozen=True, kw_only=True)
class Family:
    """A family: each module of `vlm_picking.models` that adapts one has it as `FAMILY`.

    Args:
        name: as people write it, "Grounding DINO".
        model_types: the `model_type`s of config.json that the adapter loads.
        roles: what its models can be asked.
        load: `load(checkpoint, *, device, dtype, offline)`, the adapter's class.
        licence: of the usual checkpoints.
        checkpoints: hub id of usual checkpoints -> how many parameters they have, "155 M".
        encode_once: an image is encoded once, and each further phrase costs next to nothing: 16 phrases take about as
            long as one. Not so where each phrase gets a reply or a mask of its own, though there, too, the image is
            encoded once.
        compiled: torch.compile takes its vision tower without graph breaks.
        needs: modules to import beyond torch and transformers ("sentencepiece").
    """

    name: str
    model_types: tuple[str, ...]
    roles: frozenset[Role]
    load: Callable[..., object]
    licence: str
    checkpoints: Mapping[str, str]
    encode_once: bool = False
    compiled: bool = False
    needs: tuple[str, ...] = ()
