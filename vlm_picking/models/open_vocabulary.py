"""What detectors that score phrases have in common beside looking: what they are called and were taught."""

from vlm_picking.errors import ModelError
from vlm_picking.models.loading import hub_is_offline
from vlm_picking.models.sidecar import Sidecar


class SidecarFacts:
    """The properties of a `ZeroShotDetector`, from the checkpoint's sidecar."""

    _sidecar: Sidecar

    @property
    def name(self) -> str:
        return self._sidecar.name

    @property
    def vocabulary(self) -> frozenset[str] | None:
        return self._sidecar.vocabulary

    @property
    def classes(self) -> tuple[str, ...]:
        return self._sidecar.classes

    @property
    def colours(self) -> frozenset[str] | None:
        return self._sidecar.colours


def require_tokenizer(cls, checkpoint: str, *, offline: bool, vocab_size: int | None = None):
    """The checkpoint's tokenizer, of class `cls` of transformers.

    Args:
        vocab_size: of the model; without its files a tokenizer comes up empty and says nothing.

    Raises:
        ModelError: there is none, or none that fits.
    """
    try:
        tokenizer = cls.from_pretrained(checkpoint, local_files_only=offline or hub_is_offline())
    except (OSError, ValueError, TypeError, KeyError) as error:
        why = (str(error).strip() or repr(error)).splitlines()[0]
        raise ModelError(f"{checkpoint!r} has no tokenizer: {why}") from error
    if vocab_size is not None and len(tokenizer) != vocab_size:
        raise ModelError(
            f"{checkpoint!r} has no tokenizer that fits its model: {len(tokenizer)} of {vocab_size} tokens"
        )
    return tokenizer
