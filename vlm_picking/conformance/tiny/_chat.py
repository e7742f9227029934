"""Random weights that chat: whatever they are shown and asked, they write what they were told to, nearly surely.

The embeddings of a language model are made so large that its layers hardly change them, and its head is made to follow
one token with the next. What the image adds is small but there: probabilities change with it, words don't.
"""

import json
from collections.abc import Sequence
from pathlib import Path


def byte_level_token(text: str) -> str:
    """`text` as a byte-level vocabulary spells it."""
    return text.replace(" ", "Ġ").replace("\n", "Ċ")


def teach(model, chain: Sequence[int], *, seed: int = 0, firmness: float = 10.0) -> None:
    """Make `model` write chain[1], chain[2], ... after chain[0].

    Args:
        model: an image-text-to-text model with untied embeddings.
        chain: token ids without repetitions: the last of the prompt, those to write, the end.
        firmness: the logit of the next token above those of all others.
    """
    import torch

    if len(set(chain)) != len(chain):
        raise ValueError("a token of the chain can have only one successor")
    generator = torch.Generator().manual_seed(seed)
    embeddings, head = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "vision" not in name and name.endswith("o_proj.weight"):
                weight *= 8  # else the image would hardly be heard
        embeddings.normal_(generator=generator)
        head.normal_(std=0.05, generator=generator)
        for this, following in zip(chain, chain[1:], strict=False):
            head[following] += firmness * embeddings[this] / embeddings.shape[1]


def save_processor_config(directory: Path, processor: str, **settings) -> Path:
    """Write processor_config.json as checkpoints of the hub have it: the processor's class and its settings."""
    content = {"processor_class": processor, **settings}
    (directory / "processor_config.json").write_text(json.dumps(content, indent=2) + "\n")
    return directory
