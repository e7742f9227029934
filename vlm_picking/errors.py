"""The errors of the package: one root, one child for each thing a caller can mend, messages that name the fix."""

from collections.abc import Iterable
from difflib import get_close_matches


class PickingError(Exception):
    """Root of every error that this package raises on purpose."""


class FrameError(PickingError):
    """A camera frame, its depth or its intrinsics can't be used."""


class PromptError(PickingError):
    """An operator's sentence can't be read."""


class ModelError(PickingError):
    """A model can't be loaded, or gave a reply that can't be read."""


class ReplyError(ModelError):
    """A model wrote what can't be read."""

    @classmethod
    def about(cls, why: str, reply: str) -> "ReplyError":
        """Say what is wrong with a reply and how it begins."""
        return cls(f"{why}; the reply begins {reply[:80]!r}")


class ConfigError(PickingError):
    """A setting, a gripper file or a parameter is wrong."""


class BagError(PickingError):
    """A recording can't be read or written."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Say which known name is nearest to `name`, and all of them when none is near.

    >>> did_you_mean("mugg", ["mug", "bowl"])
    "did you mean 'mug'?"
    """
    known = sorted(known)
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"known: {', '.join(known)}" if known else "none is known"
