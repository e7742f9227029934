"""Tiny CLIPSeg: 64 pixels in patches of 16, a decoder over two layers."""

from collections.abc import Callable, Mapping
from pathlib import Path

from vlm_picking.conformance.tiny._tokenizers import clip_like
from vlm_picking.conformance.tiny.clip import MAX_TOKENS, towers


def build_clipseg(directory: Path, *, seed: int = 0) -> Path:
    """Write a `CLIPSegForImageSegmentation` with its processor into `directory`."""
    import torch
    from transformers import CLIPSegConfig, CLIPSegForImageSegmentation, CLIPSegProcessor, ViTImageProcessorPil

    tokenizer = clip_like(max_tokens=MAX_TOKENS)
    config = CLIPSegConfig(
        **towers(tokenizer, image_px=32, layers=3),
        projection_dim=32,
        extract_layers=[0, 1],
        reduce_dim=16,
        decoder_num_attention_heads=2,
        decoder_intermediate_size=32,
        use_complex_transposed_convolution=True,
    )
    torch.manual_seed(seed)
    model = CLIPSegForImageSegmentation(config).eval()
    with torch.no_grad():
        for weights in model.decoder.transposed_convolution.parameters():
            weights.normal_(std=0.2)
    pictures = ViTImageProcessorPil(
        size={"height": 64, "width": 64}, image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225]
    )
    model.save_pretrained(directory)
    CLIPSegProcessor(pictures, tokenizer).save_pretrained(directory)
    return directory


TINY: Mapping[str, Callable[..., Path]] = {"clipseg": build_clipseg}
