"""A tiny SAM 2: 128 x 128 pixels; as the model for still images, and as checkpoints come from the hub, with the video
model around it.
"""

import json
from pathlib import Path

from vlm_picking.conformance.tiny.sam import stir


def build(directory: Path, *, seed: int = 0) -> Path:
    """Write the still-image model into `directory`."""
    from transformers import Sam2Config, Sam2MaskDecoderConfig, Sam2Model, Sam2PromptEncoderConfig

    config = Sam2Config(
        vision_config=_vision(),
        prompt_encoder_config=Sam2PromptEncoderConfig(**_PROMPTS),
        mask_decoder_config=Sam2MaskDecoderConfig(**_DECODER),
    )
    return _save(directory, Sam2Model, config, seed)


def build_video(directory: Path, *, seed: int = 0) -> Path:
    """Write the video model into `directory`."""
    from transformers import Sam2VideoConfig, Sam2VideoMaskDecoderConfig, Sam2VideoModel, Sam2VideoPromptEncoderConfig

    config = Sam2VideoConfig(
        vision_config=_vision(),
        prompt_encoder_config=Sam2VideoPromptEncoderConfig(**_PROMPTS),
        mask_decoder_config=Sam2VideoMaskDecoderConfig(**_DECODER),
        image_size=128,
        memory_attention_hidden_size=32,
        memory_attention_num_layers=1,
        memory_attention_num_attention_heads=1,
        memory_attention_feed_forward_hidden_size=32,
        memory_attention_rope_feat_sizes=[8, 8],
        memory_encoder_hidden_size=32,
        memory_encoder_output_channels=16,
        mask_downsampler_embed_dim=32,
        memory_fuser_num_layers=1,
        memory_fuser_embed_dim=32,
        memory_fuser_intermediate_dim=32,
    )
    return _save(directory, Sam2VideoModel, config, seed)


_PROMPTS = {"hidden_size": 32, "image_size": 128, "patch_size": 16, "mask_input_channels": 8}
_DECODER = {"hidden_size": 32, "mlp_dim": 64, "num_attention_heads": 2, "iou_head_hidden_dim": 32}


def _vision():
    from transformers import Sam2HieraDetConfig, Sam2VisionConfig

    backbone = Sam2HieraDetConfig(
        hidden_size=8,
        num_attention_heads=1,
        image_size=[128, 128],
        blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[8, 16, 32, 64],
        num_attention_heads_per_stage=[1, 2, 4, 8],
        window_positional_embedding_background_size=[4, 4],
        window_size_per_stage=[8, 4, 8, 4],
        global_attention_blocks=[3],
    )
    return Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=[64, 32, 16, 8],
        backbone_feature_sizes=[[32, 32], [16, 16], [8, 8]],
        fpn_hidden_size=32,
    )


def _save(directory: Path, cls, config, seed: int) -> Path:
    import torch

    torch.manual_seed(seed)
    model = cls(config)
    stir(model.mask_decoder)
    model.save_pretrained(directory)
    processor = {"image_processor_type": "Sam2ImageProcessorFast", "size": {"height": 128, "width": 128}}
    (Path(directory) / "preprocessor_config.json").write_text(json.dumps(processor, indent=1) + "\n", encoding="utf-8")
    return Path(directory)


TINY = {"sam2": build, "sam2_video": build_video}
