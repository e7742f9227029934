"""Tiny OWL-ViT and OWLv2: 64 pixels in patches of 16."""

from collections.abc import Callable, Mapping
from pathlib import Path

from vlm_picking.conformance.tiny._tokenizers import clip_like
from vlm_picking.conformance.tiny.clip import MAX_TOKENS, towers


def build_owlvit(directory: Path, *, seed: int = 0) -> Path:
    """Write an `OwlViTForObjectDetection` with its processor into `directory`."""
    from transformers import OwlViTConfig, OwlViTForObjectDetection, OwlViTImageProcessorPil, OwlViTProcessor

    pictures = OwlViTImageProcessorPil(size={"height": 64, "width": 64})
    return _save(directory, OwlViTForObjectDetection, OwlViTConfig, OwlViTProcessor, pictures, seed)


def build_owlv2(directory: Path, *, seed: int = 0) -> Path:
    """Write an `Owlv2ForObjectDetection` with its processor into `directory`."""
    from transformers import Owlv2Config, Owlv2ForObjectDetection, Owlv2ImageProcessorPil, Owlv2Processor

    pictures = Owlv2ImageProcessorPil(size={"height": 64, "width": 64})
    return _save(directory, Owlv2ForObjectDetection, Owlv2Config, Owlv2Processor, pictures, seed)


def _save(directory: Path, cls, config_cls, processor_cls, pictures, seed: int) -> Path:
    import torch

    tokenizer = clip_like(max_tokens=MAX_TOKENS)
    torch.manual_seed(seed)
    model = cls(config_cls(**towers(tokenizer, image_px=64), projection_dim=32)).eval()
    with torch.no_grad():
        for head in (model.class_head, model.box_head):
            for weights in head.parameters():
                weights.normal_(std=0.3)
    model.save_pretrained(directory)
    processor_cls(pictures, tokenizer).save_pretrained(directory)
    return directory


TINY: Mapping[str, Callable[..., Path]] = {"owlvit": build_owlvit, "owlv2": build_owlv2}
