"""Watching which tokens reach a model: no word of an operator may become a control token."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_TOKEN_TABLE = re.compile(r"(^|\.)(embed_tokens|token_embedding|word_embeddings|wte|shared|tok_embeddings)$")
_MAX_DEPTH = 4


class TokenWatch:
    """Counts the control tokens that reach a model's token embeddings.

    Args:
        model: an adapter; its networks and tokenizers are found among what it holds.
    """

    def __init__(self, model: object) -> None:
        from torch.nn import Module
        from transformers import PreTrainedTokenizerBase

        held = list(_held(model))
        self._networks = [item for item in held if isinstance(item, Module)]
        self._tokenizers = [item for item in held if isinstance(item, PreTrainedTokenizerBase)]
        self.calls = 0

    @property
    def can_watch(self) -> bool:
        """Whether the model has a network and a tokenizer here, and not on a server."""
        return bool(self._networks and self._tokenizers)

    def control_tokens(self, *, limit: int) -> list[str]:
        """Tokens that an operator may try: the special ones first, then the first and last of those that were added."""
        tokens: dict[str, None] = {}
        for tokenizer in self._tokenizers:
            tokens |= dict.fromkeys(tokenizer.all_special_tokens)
            added = list(tokenizer.get_added_vocab())
            tokens |= dict.fromkeys([*added[:2], *added[-2:]])
        return [token for token in tokens if len(token.strip()) > 1][:limit]

    def counted(self, call: Callable[[], object]) -> Counter[int]:
        """How often each control token's id, padding aside, went through the token embeddings during `call()`."""
        control: set[int] = set()
        for tokenizer in self._tokenizers:
            control |= {*tokenizer.all_special_ids, *tokenizer.get_added_vocab().values()}
            control -= {tokenizer.pad_token_id}
        seen: Counter[int] = Counter()
        with self._listening(seen):
            call()
        return Counter({token: n for token, n in seen.items() if token in control})

    @contextmanager
    def _listening(self, seen: Counter[int]) -> Iterator[None]:
        def listen(_, inputs):
            ids = inputs[0] if inputs else None
            if ids is not None and ids.ndim and ids.shape[-1] > 1:  # one at a time is what the model itself writes
                self.calls += 1
                seen.update(ids.flatten().tolist())

        tables = {
            id(module): module
            for network in self._networks
            for name, module in network.named_modules()
            if _TOKEN_TABLE.search(name)
        }
        hooks = [module.register_forward_pre_hook(listen) for module in tables.values()]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


def _held(item: object, depth: int = 0, known: set[int] | None = None) -> Iterator[object]:
    """What an adapter holds, through our own objects, processors and containers."""
    known = set() if known is None else known
    if id(item) in known or depth > _MAX_DEPTH:
        return
    known.add(id(item))
    yield item
    if isinstance(item, dict):
        parts = list(item.values())
    elif isinstance(item, (list, tuple)):
        parts = list(item)[:100]
    elif type(item).__module__.startswith("vlm_picking.") or hasattr(item, "tokenizer"):
        parts = list(getattr(item, "__dict__", {}).values())
    else:
        return
    for part in parts:
        yield from _held(part, depth + 1, known)
