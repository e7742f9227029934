"""Molmo 2: crops of 56 x 56 pixels, under 1 MB; it points at two places whatever it is asked."""

import json
from pathlib import Path

from vlm_picking.conformance.tiny._chat import byte_level_token, save_processor_config, teach
from vlm_picking.conformance.tiny._tokenizers import byte_level

_CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_OF_IMAGES = (
    *("<im_start>", "<im_end>", "<im_patch>", "<im_col>", "<low_res_im_start>", "<|image|>", "<im_low>"),
    *("<frame_start>", "<frame_end>", "<|video|>"),
)
_POINTS = ('<points coords="1 1 ', "308 ", "305 ", "2 ", "752 ", '377">mugs</points>')
_SIDE = 56
_PATCH = 14
_TEMPLATE = """\
{%- set images = namespace(n=0) -%}
{%- for part in messages[0].content if part.type == 'image' %}{% set images.n = images.n + 1 %}{% endfor -%}
{%- for i in range(images.n) %}{% if images.n > 1 %}Image {{ i + 1 }}{% endif %}<|image|>{% endfor -%}
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% for part in message.content if part.type == 'text' %}{{ part.text }}{% endfor %}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif -%}"""


def molmo2(directory: Path, *, seed: int = 0) -> Path:
    """Up to eight crops that overlap by two patches; tokens of images lie beyond the vocabulary that it writes."""
    import torch
    import transformers as tf

    pieces = [byte_level_token(piece) for piece in _POINTS]
    tokenizer = byte_level(
        cls="Qwen2Tokenizer",
        first=pieces,  # no merges lead to them: they are written and never read
        special=(*_CONTROL, *_OF_IMAGES),
        bos_token="<|im_end|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=_TEMPLATE,
    )
    token_id = tokenizer.convert_tokens_to_ids
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16}
    sizes = {"hidden_size": 32, "intermediate_size": 32}
    config = tf.Molmo2Config(
        text_config=tf.Molmo2TextConfig(
            vocab_size=token_id(_OF_IMAGES[0]),
            additional_vocab_size=len(_OF_IMAGES),
            hidden_size=64,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=16,
            max_position_embeddings=16384,
            rope_parameters={"rope_type": "default", "rope_theta": 5e6},
        ),
        vision_config=tf.Molmo2VisionConfig(**sizes, **heads, num_hidden_layers=3, image_size=[_SIDE, _SIDE]),
        adapter_config=tf.Molmo2AdapterConfig(**sizes, **heads, text_hidden_size=64, vision_feature_layer=[2, 0]),
        image_start_token_id=token_id("<im_start>"),
        low_res_image_start_token_id=token_id("<low_res_im_start>"),
        image_end_token_id=token_id("<im_end>"),
        image_patch_id=token_id("<im_patch>"),
        frame_start_token_id=token_id("<frame_start>"),
        frame_end_token_id=token_id("<frame_end>"),
        tie_word_embeddings=False,
    )
    torch.manual_seed(seed)
    model = tf.Molmo2ForConditionalGeneration(config).eval()
    for part in (model.model.vision_tower.patch_embedding, model.model.multi_modal_projector):
        for weight in part.parameters():
            torch.nn.init.normal_(weight, std=0.3)  # else the image would hardly be heard
    teach(model, [*tokenizer.encode("\n"), *token_id(pieces), tokenizer.eos_token_id], seed=seed)
    model.generation_config.bos_token_id = tokenizer.bos_token_id
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    half = [0.5, 0.5, 0.5]
    images = {
        "image_processor_type": "Molmo2ImageProcessor",
        "processor_class": "Molmo2Processor",
        "do_convert_rgb": True,
        "image_mean": half,
        "image_std": half,
        "max_crops": 8,
        "overlap_margins": [1, 1],
        "patch_size": _PATCH,
        "pooling_size": [2, 2],
        "resample": 2,
        "size": {"height": _SIDE, "width": _SIDE},
    }
    (directory / "preprocessor_config.json").write_text(json.dumps(images, indent=2) + "\n")
    return save_processor_config(
        directory,
        "Molmo2Processor",
        image_use_col_tokens=True,
        use_single_crop_col_tokens=False,
        use_single_crop_start_token=True,
        video_use_col_tokens=False,
        use_frame_special_tokens=True,
    )


TINY = {"molmo2": molmo2}
