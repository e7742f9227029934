"""A tiny OmDet-Turbo of 64 x 64 pixels with a Swin backbone."""

from pathlib import Path

from vlm_picking.conformance.tiny._tokenizers import clip_like


def build(directory: Path, *, seed: int = 0) -> Path:
    """Write the checkpoint into `directory`."""
    import torch
    from transformers import (
        CLIPTextConfig,
        DetrImageProcessorPil,
        OmDetTurboConfig,
        OmDetTurboForObjectDetection,
        SwinConfig,
    )

    tokenizer = clip_like(max_tokens=77)
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": 0}
    config = OmDetTurboConfig(
        backbone_config=SwinConfig(
            image_size=64,
            embed_dim=16,
            depths=[1, 1, 1, 1],
            num_heads=[1, 2, 2, 4],
            window_size=4,
            out_features=["stage2", "stage3", "stage4"],
        ),
        text_config=CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=48,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=77,
            **ends,
        ),
        apply_layernorm_after_vision_backbone=False,
        image_size=64,
        text_projection_in_dim=48,
        text_projection_out_dim=48,
        class_embed_dim=48,
        task_encoder_hidden_dim=32,
        num_queries=40,
        vision_features_channels=[32, 32, 32],
        encoder_in_channels=[32, 64, 128],
        encoder_hidden_dim=32,
        encoder_attention_heads=2,
        encoder_dim_feedforward=32,
        decoder_hidden_dim=32,
        decoder_num_heads=2,
        decoder_num_layers=2,
        decoder_dim_feedforward=32,
        attn_implementation="eager",
    )
    torch.manual_seed(seed)
    model = OmDetTurboForObjectDetection(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "bbox_head" in name:
                parameter.normal_(std=0.2)
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    DetrImageProcessorPil(size={"height": 64, "width": 64}, do_pad=False).save_pretrained(directory)
    return Path(directory)


TINY = {"omdet-turbo": build}
