"""Tiny CLIP: 48 pixels in patches of 16."""

from collections.abc import Callable, Mapping
from pathlib import Path

from vlm_picking.conformance.tiny._tokenizers import clip_like

MAX_TOKENS = 32


def build_clip(directory: Path, *, seed: int = 0) -> Path:
    """Write a `CLIPModel` with its processor into `directory`."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPProcessor

    tokenizer = clip_like(max_tokens=MAX_TOKENS)
    torch.manual_seed(seed)
    model = CLIPModel(CLIPConfig(**towers(tokenizer, image_px=48), projection_dim=32))
    pictures = CLIPImageProcessorPil(size={"shortest_edge": 48}, crop_size={"height": 48, "width": 48})
    model.eval().save_pretrained(directory)
    CLIPProcessor(pictures, tokenizer).save_pretrained(directory)
    return directory


def towers(tokenizer, *, image_px: int, layers: int = 2) -> dict[str, dict[str, object]]:
    """`text_config` and `vision_config` of a small model in CLIP's form."""
    width = {"hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 2}
    ends = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    text = {"vocab_size": len(tokenizer), "max_position_embeddings": MAX_TOKENS, "num_hidden_layers": 1}
    return {
        "text_config": width | text | ends,
        "vision_config": width | {"image_size": image_px, "patch_size": 16, "num_hidden_layers": layers},
    }


TINY: Mapping[str, Callable[..., Path]] = {"clip": build_clip}
