"""An operator's words as tokens of encoders: never cut short, never read as control tokens."""

from collections.abc import Sequence

from vlm_picking.errors import ModelError
from vlm_picking.models.loading import hub_is_offline


def load_tokenizer(checkpoint: str, *, vocab_size: int, offline: bool = False, cls: str = "AutoTokenizer"):
    """The tokenizer of a checkpoint.

    Args:
        checkpoint: a directory, or "owner/name" on the hub.
        vocab_size: how many tokens the model knows.
        offline: look into the local cache only.
        cls: its class in transformers.

    Raises:
        ModelError: there is none, or one for another model; without its files one comes up empty and says nothing.
    """
    import transformers

    try:
        tokenizer = getattr(transformers, cls).from_pretrained(checkpoint, local_files_only=offline or hub_is_offline())
    except ImportError as error:
        raise ModelError(
            f"the tokenizer of {checkpoint!r} needs sentencepiece and protobuf: pip install sentencepiece protobuf"
        ) from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        why = (str(error).strip() or repr(error)).splitlines()[0]
        raise ModelError(f"{checkpoint!r} has no tokenizer: {why}") from error
    if not vocab_size / 2 < len(tokenizer) <= vocab_size:
        raise ModelError(
            f"{checkpoint!r} has no tokenizer that fits its model: "
            f"{len(tokenizer)} tokens, the model knows {vocab_size}"
        )
    return tokenizer


def tokenised(tokenizer, texts: Sequence[str], *, max_tokens: int, model: str, full_length: bool = False):
    """Texts as a batch of tokens, padded; control tokens spelt out in a text are letters like any others.

    Args:
        max_tokens: what the model reads at most, the tokens of start and end included.
        model: what to call the model in errors.
        full_length: pad to `max_tokens`, for models that were trained so; else to the longest text.

    Raises:
        ModelError: a text is longer.
    """
    tokens = tokenizer(list(texts), split_special_tokens=True, verbose=False)
    for text, ids in zip(texts, tokens["input_ids"], strict=True):
        if len(ids) > max_tokens:
            raise ModelError(
                f"the text {text[:40]!r}... takes {len(ids)} tokens, {model} reads {max_tokens}: shorten it"
            )
    padding = {"padding": "max_length", "max_length": max_tokens} if full_length else {"padding": "longest"}
    return tokenizer.pad(tokens, return_tensors="pt", **padding)
