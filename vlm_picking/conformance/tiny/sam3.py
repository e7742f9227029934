"""A tiny SAM 3 of 112 x 112 pixels: detector and tracker in one checkpoint, as on the hub."""

import json
from pathlib import Path

from vlm_picking.conformance.tiny._tokenizers import clip_like
from vlm_picking.conformance.tiny.sam import stir

_SIDE, _PATCH = 112, 14
_GRIDS = [[32, 32], [16, 16], [8, 8]]


def build(directory: Path, *, seed: int = 0) -> Path:
    """Write the checkpoint into `directory`."""
    import torch
    from transformers import Sam3VideoConfig, Sam3VideoModel

    tokenizer = clip_like(max_tokens=32)
    torch.manual_seed(seed)
    config = Sam3VideoConfig(detector_config=_detector(tokenizer), tracker_config=_tracker(), low_res_mask_size=32)
    model = Sam3VideoModel(config)
    stir(model.tracker_model.mask_decoder)
    stir(model.detector_model.mask_decoder)
    stir(model.detector_model.detr_decoder.box_head)
    config.save_pretrained(directory)
    _write_weights(model, directory)
    tokenizer.save_pretrained(directory)
    processor = {"image_processor_type": "Sam3ImageProcessorFast", "size": {"height": _SIDE, "width": _SIDE}}
    (Path(directory) / "preprocessor_config.json").write_text(json.dumps(processor, indent=1) + "\n", encoding="utf-8")
    return Path(directory)


def _write_weights(model, directory: Path) -> None:
    """By the names that the hub's checkpoint has; `save_pretrained` of 5.23 writes some with "tracker_model." twice."""
    from safetensors.torch import save_file

    weights = {name: tensor.contiguous().clone() for name, tensor in model.state_dict().items()}
    save_file(weights, Path(directory) / "model.safetensors", metadata={"format": "pt"})


def _vision():
    from transformers import Sam3VisionConfig, Sam3ViTConfig

    backbone = Sam3ViTConfig(
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=_SIDE,
        patch_size=_PATCH,
        window_size=4,
        global_attn_indexes=[1],
        pretrain_image_size=_SIDE // 2,
    )
    return Sam3VisionConfig(backbone_config=backbone, fpn_hidden_size=32, backbone_feature_sizes=_GRIDS)


def _detector(tokenizer):
    from transformers import CLIPTextConfig, Sam3Config
    from transformers.models.sam3.configuration_sam3 import (
        Sam3DETRDecoderConfig,
        Sam3DETREncoderConfig,
        Sam3GeometryEncoderConfig,
        Sam3MaskDecoderConfig,
    )

    layers = {"hidden_size": 32, "num_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    text = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=32,
        projection_dim=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=32,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=0,
    )
    return Sam3Config(
        vision_config=_vision(),
        text_config=text,
        geometry_encoder_config=Sam3GeometryEncoderConfig(**layers),
        detr_encoder_config=Sam3DETREncoderConfig(**layers),
        detr_decoder_config=Sam3DETRDecoderConfig(num_queries=12, **layers),
        mask_decoder_config=Sam3MaskDecoderConfig(hidden_size=32, num_attention_heads=2),
    )


def _tracker():
    from transformers import (
        Sam3TrackerVideoConfig,
        Sam3TrackerVideoMaskDecoderConfig,
        Sam3TrackerVideoPromptEncoderConfig,
    )

    return Sam3TrackerVideoConfig(
        image_size=_SIDE,
        vision_config=_vision(),
        prompt_encoder_config=Sam3TrackerVideoPromptEncoderConfig(
            hidden_size=32, image_size=_SIDE, patch_size=_PATCH, mask_input_channels=8
        ),
        mask_decoder_config=Sam3TrackerVideoMaskDecoderConfig(
            hidden_size=32, mlp_dim=32, num_attention_heads=2, iou_head_hidden_dim=32
        ),
        memory_attention_hidden_size=32,
        memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=32,
        memory_attention_rope_feat_sizes=[8, 8],
        memory_encoder_hidden_size=32,
        memory_encoder_output_channels=16,
        mask_downsampler_embed_dim=32,
        memory_fuser_num_layers=1,
        memory_fuser_embed_dim=32,
        memory_fuser_intermediate_dim=32,
    )


TINY = {"sam3_video": build}
