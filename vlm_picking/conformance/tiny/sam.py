"""A tiny SAM: 64 x 64 pixels, patches of 8."""

from pathlib import Path


def build(directory: Path, *, seed: int = 0) -> Path:
    """Write the checkpoint into `directory`."""
    import torch
    from transformers import (
        SamConfig,
        SamImageProcessorPil,
        SamMaskDecoderConfig,
        SamModel,
        SamPromptEncoderConfig,
        SamVisionConfig,
    )

    vision = SamVisionConfig(
        hidden_size=32,
        output_channels=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=64,
        patch_size=8,
        mlp_dim=64,
        num_pos_feats=16,
        global_attn_indexes=[1],
        window_size=4,
    )
    prompts = SamPromptEncoderConfig(hidden_size=32, image_size=64, patch_size=8, mask_input_channels=8)
    decoder = SamMaskDecoderConfig(
        hidden_size=32, mlp_dim=64, num_hidden_layers=2, num_attention_heads=2, iou_head_hidden_dim=32
    )
    torch.manual_seed(seed)
    model = SamModel(SamConfig(vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder))
    stir(model.mask_decoder)
    model.save_pretrained(directory)
    SamImageProcessorPil(size={"longest_edge": 64}, pad_size={"height": 64, "width": 64}).save_pretrained(directory)
    return Path(directory)


def stir(module) -> None:
    """Larger random weights: a fresh decoder gives masks that are all of one kind."""
    import torch

    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.3)


TINY = {"sam": build}
