"""Qwen2.5-VL and Qwen3-VL: about 1 MB each; they write two boxes whatever they are asked."""

from pathlib import Path

from vlm_picking.conformance.tiny._chat import byte_level_token, teach
from vlm_picking.conformance.tiny._tokenizers import byte_level

_CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>")
_BOXES = (
    '[{"bbox_2d": [',
    "4, ",
    "8, ",
    "40, ",
    '36], "label": "mug"}, {"bbox_2d": [',
    "20, ",
    "10, ",
    "52, ",
    "50]}]",
)
_TEMPLATE = """\
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.content is string %}{{ message.content }}{% else -%}
{%- for part in message.content -%}
{%- if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part.text }}{% endif -%}
{%- endfor -%}
{%- endif %}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif -%}"""


def qwen2_5_vl(directory: Path, *, seed: int = 0) -> Path:
    """Patches of 14 x 14 pixels, four of them one token."""
    import transformers as tf

    tokenizer = _tokenizer()
    vision = {"depth": 2, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "fullatt_block_indexes": [1]}
    config = tf.Qwen2_5_VLConfig(
        text_config=_text(tokenizer, {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]}),
        vision_config={**vision, "out_hidden_size": 64, "window_size": 56},
        **_image_ids(tokenizer),
    )
    return _save(directory, tf.Qwen2_5_VLForConditionalGeneration, config, tokenizer, seed=seed, patch=14)


def qwen3_vl(directory: Path, *, seed: int = 0) -> Path:
    """Patches of 16 x 16 pixels, four of them one token; two layers of the image go deep into the language model."""
    import transformers as tf

    tokenizer = _tokenizer()
    rope = {"rope_type": "default", "rope_theta": 5e6, "mrope_section": [4, 2, 2], "mrope_interleaved": True}
    vision = {"depth": 2, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "num_position_embeddings": 64}
    config = tf.Qwen3VLConfig(
        text_config={**_text(tokenizer, rope), "head_dim": 16},
        vision_config={**vision, "out_hidden_size": 64, "deepstack_visual_indexes": [0, 1]},
        **_image_ids(tokenizer),
    )
    return _save(directory, tf.Qwen3VLForConditionalGeneration, config, tokenizer, seed=seed, patch=16)


def _tokenizer():
    # No merges lead to the pieces of the boxes: they are written and never read.
    pieces = [byte_level_token(piece) for piece in _BOXES]
    return byte_level(
        cls="Qwen2Tokenizer",
        first=pieces,
        special=(*_CONTROL, "<|video_pad|>"),
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=_TEMPLATE,
    )


def _text(tokenizer, rope: dict) -> dict:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 16384,
        "rope_parameters": rope,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def _image_ids(tokenizer) -> dict:
    names = {"image": "image_pad", "video": "video_pad", "vision_start": "vision_start", "vision_end": "vision_end"}
    ids = {f"{key}_token_id": tokenizer.convert_tokens_to_ids(f"<|{name}|>") for key, name in names.items()}
    return {**ids, "tie_word_embeddings": False}


def _save(directory: Path, cls, config, tokenizer, *, seed: int, patch: int) -> Path:
    import torch
    from transformers import Qwen2VLImageProcessorPil

    torch.manual_seed(seed)
    model = cls(config).eval()
    pieces = tokenizer.convert_tokens_to_ids([byte_level_token(piece) for piece in _BOXES])
    end = tokenizer.eos_token_id
    teach(model, [*tokenizer.encode("\n"), *pieces, end], seed=seed)
    model.generation_config.eos_token_id = [end, tokenizer.pad_token_id]
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    step = 2 * patch
    size = {"shortest_edge": 4 * step * step, "longest_edge": 64 * step * step}
    half = [0.5, 0.5, 0.5]
    norm = {} if patch == 14 else {"image_mean": half, "image_std": half}
    Qwen2VLImageProcessorPil(patch_size=patch, size=size, **norm).save_pretrained(directory)
    return directory


TINY = {"qwen2_5_vl": qwen2_5_vl, "qwen3_vl": qwen3_vl}
