"""Tiny Grounding DINO and MM-Grounding DINO: a Swin of four small stages, BERT of one layer, 30 queries."""

from pathlib import Path

from vlm_picking.conformance.tiny._tokenizers import bert_like


def build(directory: Path, *, seed: int = 0) -> Path:
    """Write a Grounding DINO into `directory`."""
    from transformers import GroundingDinoConfig, GroundingDinoForObjectDetection

    return _save(directory, GroundingDinoForObjectDetection, GroundingDinoConfig, seed)


def build_mm(directory: Path, *, seed: int = 0) -> Path:
    """Write an MM-Grounding DINO into `directory`."""
    from transformers import MMGroundingDinoConfig, MMGroundingDinoForObjectDetection

    return _save(directory, MMGroundingDinoForObjectDetection, MMGroundingDinoConfig, seed)


def _save(directory: Path, cls, config_cls, seed: int) -> Path:
    import torch
    from transformers import BertConfig, GroundingDinoImageProcessorPil, GroundingDinoProcessor, SwinConfig

    tokenizer = bert_like(model_max_length=512)
    config = config_cls(
        backbone_config=SwinConfig(
            image_size=64,
            embed_dim=16,
            depths=[1, 1, 1, 1],
            num_heads=[1, 2, 2, 4],
            window_size=4,
            out_features=["stage2", "stage3", "stage4"],
        ),
        text_config=BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=256,
        ),
        num_queries=30,
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        attn_implementation="eager",
    )
    torch.manual_seed(seed)
    model = cls(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "bbox_embed" in name or "text_projection" in name or "decoder" in name:
                parameter.normal_(std=0.15)
    model.save_pretrained(directory)
    images = GroundingDinoImageProcessorPil(size={"shortest_edge": 96, "longest_edge": 160})
    GroundingDinoProcessor(images, tokenizer).save_pretrained(directory)
    return Path(directory)


TINY = {"grounding-dino": build, "mm-grounding-dino": build_mm}
