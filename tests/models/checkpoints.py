"""Tiny random checkpoints of the OWL family, as `save_pretrained` writes them."""

from pathlib import Path

WORDS = ("red mug", "mug", "apple", "blue box", "a photo of a")


def save_owlvit(directory: Path, *, seed: int = 0) -> Path:
    """OWL-ViT of 64 x 64 pixels, patches of 16."""
    from transformers import OwlViTConfig, OwlViTForObjectDetection, OwlViTImageProcessorPil, OwlViTProcessor

    tokenizer, parts = _tokenizer_and_parts()
    model = _seeded(OwlViTForObjectDetection, OwlViTConfig(**parts), seed)
    processor = OwlViTProcessor(OwlViTImageProcessorPil(size={"height": 64, "width": 64}), tokenizer)
    return _save(directory, model, processor)


def save_owlv2(directory: Path, *, seed: int = 0) -> Path:
    """OWLv2 of 64 x 64 pixels, patches of 16."""
    from transformers import Owlv2Config, Owlv2ForObjectDetection, Owlv2ImageProcessorPil, Owlv2Processor

    tokenizer, parts = _tokenizer_and_parts()
    model = _seeded(Owlv2ForObjectDetection, Owlv2Config(**parts), seed)
    processor = Owlv2Processor(Owlv2ImageProcessorPil(size={"height": 64, "width": 64}), tokenizer)
    return _save(directory, model, processor)


def _tokenizer_and_parts():
    from vlm_picking.training.tokenizer import build_tokenizer

    tokenizer = build_tokenizer(WORDS, ("spoon",), other_merges=2)
    text = {"vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1}
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": 0}
    vision = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    parts = {
        "text_config": {**text, **ends, "num_attention_heads": 2, "max_position_embeddings": 16},
        "vision_config": {**vision, "image_size": 64, "patch_size": 16},
        "projection_dim": 32,
    }
    return tokenizer, parts


def _seeded(cls, config, seed: int):
    import torch

    torch.manual_seed(seed)
    model = cls(config)
    with torch.no_grad():
        for head in (model.class_head, model.box_head):
            for p in head.parameters():
                p.normal_(std=0.3)
    return model.eval()


def _save(directory: Path, model, processor) -> Path:
    model.save_pretrained(directory)
    processor.save_pretrained(directory)
    return directory
