"""A small byte-pair tokenizer in CLIP's form: every word that the model knows is one token, all others fall
into pieces.

A known word shares no token with an unknown one (save words that end alike, such as "pineapple", which are
trained as negatives), so that the text encoder can tell what it was never shown.
"""

from collections import Counter
from collections.abc import Iterable

END = "</w>"
BOS, EOS, PAD = "<|startoftext|>", "<|endoftext|>", "!"
MAX_TOKENS = 16


def build_tokenizer(known: Iterable[str], others: Iterable[str], *, other_merges: int = 400):
    """A `transformers.CLIPTokenizer` whose merges make one token of every word in `known`.

    Args:
        known: phrases; each of their words becomes one token.
        others: phrases from which `other_merges` frequent pieces are learnt.
    """
    from transformers import CLIPTokenizer

    merges = _learn({word for phrase in known for word in phrase.split()}, [], None)
    merges = _learn({word for phrase in others for word in phrase.split()}, merges, len(merges) + other_merges)
    alphabet = _byte_alphabet()
    tokens = [
        PAD,
        *(c for c in alphabet if c != PAD),
        *(c + END for c in alphabet),
        *(a + b for a, b in merges),
    ]
    tokens = [*dict.fromkeys(tokens), BOS, EOS]  # EOS must be the highest id: OwlViT pools the text there
    return CLIPTokenizer(
        vocab={token: i for i, token in enumerate(tokens)},
        merges=merges,
        unk_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        model_max_length=MAX_TOKENS,
    )


def _byte_alphabet() -> list[str]:
    """The printable stand-ins that byte-level BPE gives the 256 bytes, in CLIP's order."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [b for b in range(256) if b not in printable]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(len(hidden))]


def _learn(words: set[str], merges: list[tuple[str, str]], limit: int | None) -> list[tuple[str, str]]:
    """Continue `merges` by the most frequent pair until every word is whole, or `limit` merges are there."""
    merges = list(merges)
    split = {word: _apply([*word[:-1], word[-1] + END], merges) for word in sorted(words)}
    while limit is None or len(merges) < limit:
        pairs = Counter(pair for pieces in split.values() for pair in zip(pieces, pieces[1:], strict=False))
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        split = {word: _apply(pieces, [best]) for word, pieces in split.items()}
    return merges


def _apply(pieces: list[str], merges: list[tuple[str, str]]) -> list[str]:
    for a, b in merges:
        i, joined = 0, []
        while i < len(pieces):
            if pieces[i : i + 2] == [a, b]:
                joined.append(a + b)
                i += 2
            else:
                joined.append(pieces[i])
                i += 1
        pieces = joined
    return pieces
