"""Gemma 3 (SigLIP and Gemma): images of 56 x 56 pixels become 4 tokens, about 1 MB; it always says the same."""

from pathlib import Path

from vlm_picking.conformance.tiny._chat import save_processor_config, teach
from vlm_picking.conformance.tiny._tokenizers import sentencepiece_like

_SAYING = ("a", "▁red", "▁mug", "▁in", "▁the", "▁box")
_CONTROL = ("<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>", "<image_soft_token>")
_SIDE = 56
_N_TOKENS = 4
_TEMPLATE = """\
{{ bos_token }}
{%- for message in messages -%}
<start_of_turn>{{ message.role }}
{% for part in message.content -%}
{%- if part.type == 'image' %}<start_of_image>{% else %}{{ part.text | trim }}{% endif -%}
{%- endfor -%}
<end_of_turn>
{% endfor -%}
{%- if add_generation_prompt %}<start_of_turn>model
{% endif -%}"""


def gemma3(directory: Path, *, seed: int = 0) -> Path:
    """One layer of the language model sees a window of it, the other all."""
    import torch
    import transformers as tf

    tokenizer = sentencepiece_like(
        special=_CONTROL,
        chat_template=_TEMPLATE,
        extra_special_tokens={
            "image_token": "<image_soft_token>",
            "boi_token": "<start_of_image>",
            "eoi_token": "<end_of_image>",
        },
    )
    begin, end, soft, stop = tokenizer.convert_tokens_to_ids(
        ["<start_of_image>", "<end_of_image>", "<image_soft_token>", "<end_of_turn>"]
    )
    names = ("bos_token_id", "eos_token_id", "pad_token_id")
    text = tf.Gemma3TextConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        query_pre_attn_scalar=16,
        max_position_embeddings=16384,
        sliding_window=64,
        layer_types=["sliding_attention", "full_attention"],
        tie_word_embeddings=False,
        **{name: getattr(tokenizer, name) for name in names},
    )
    vision = tf.SiglipVisionConfig(
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=_SIDE,
        patch_size=14,
        vision_use_head=False,
    )
    config = tf.Gemma3Config(
        text_config=text,
        vision_config=vision,
        mm_tokens_per_image=_N_TOKENS,
        boi_token_index=begin,
        eoi_token_index=end,
        image_token_index=soft,
        eos_token_id=[tokenizer.eos_token_id, stop],
        tie_word_embeddings=False,
    )
    torch.manual_seed(seed)
    model = tf.Gemma3ForConditionalGeneration(config).eval()
    torch.nn.init.normal_(model.model.multi_modal_projector.mm_input_projection_weight)  # the library leaves zeros
    last = tokenizer.encode("\n", add_special_tokens=False)[-1]
    teach(model, [last, *tokenizer.convert_tokens_to_ids(_SAYING), stop], seed=seed)
    model.generation_config.eos_token_id = [tokenizer.eos_token_id, stop]
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    images = tf.Gemma3ImageProcessorPil(
        size={"height": _SIDE, "width": _SIDE}, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    for part in (model, tokenizer, images):
        part.save_pretrained(directory)
    return save_processor_config(directory, "Gemma3Processor", image_seq_length=_N_TOKENS)


TINY = {"gemma3": gemma3}
