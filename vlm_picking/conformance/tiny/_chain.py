"""Random weights that still write well-formed replies: each kind of token is followed by the kind that should follow.

The first dimensions of a token's embedding say what kind it is; the rows of the output layer answer to the kind before
them. All other numbers are random, so which token of a kind comes depends on the picture and on the words.
"""

from collections.abc import Mapping, Sequence


def chain(
    embeddings, head, kinds: Mapping[str, Sequence[int]], follows: Mapping[tuple[str, str], float], *, noise: float
) -> None:
    """Fill an embedding (V, D) and an output layer (V, D), parameters, in place.

    Args:
        kinds: token ids of each kind; at most D / 2 kinds.
        follows: (kind, next kind) -> how much it is wanted, 1 is certain.
        noise: standard deviation of all other numbers, twice as much in the output layer; the marks of kinds are 2.
    """
    import torch

    places = {kind: i for i, kind in enumerate(kinds)}
    with torch.no_grad():
        embeddings.normal_(std=noise)
        head.normal_(std=2 * noise)
        for weights in (embeddings, head):
            weights[:, : len(places)] = 0
        for kind, ids in kinds.items():
            embeddings[list(ids), places[kind]] = 2.0
        for (kind, following), wanted in follows.items():
            head[list(kinds[following]), places[kind]] = 6.0 * wanted


def quarters(ids: Sequence[int]) -> dict[str, list[int]]:
    """Location tokens as four kinds, by turns: low ones for the first corner, high ones for the second."""
    half = len(ids) // 2
    low, high = list(ids[:half]), list(ids[half:])
    return {"first": low[::2], "second": low[1::2], "third": high[::2], "fourth": high[1::2]}


IN_FOURS = {("first", "second"): 1.0, ("second", "third"): 1.0, ("third", "fourth"): 1.0}
