"""SmolVLM and Idefics3: tiles of 28 x 28 pixels, under 1 MB each; they always say the same."""

from pathlib import Path

from vlm_picking.conformance.tiny._chat import save_processor_config, teach
from vlm_picking.conformance.tiny._tokenizers import byte_level

_SAYING = ("a", "Ġred", "Ġmug", "Ġin", "Ġthe", "Ġbox")
_SIDE = 28
_PATCH = 7
_SCALE = 2
_TILES = [f"<row_{row}_col_{column}>" for row in range(1, 4) for column in range(1, 4)]
_TEMPLATE = """\
{%- for message in messages -%}
{{ message.role | capitalize }}{{ ':' if message.content[0].type == 'image' else ': ' }}
{%- for part in message.content %}{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}{% endfor -%}
<end_of_utterance>
{% endfor -%}
{%- if add_generation_prompt %}Assistant:{% endif -%}"""


def smolvlm(directory: Path, *, seed: int = 0) -> Path:
    """With Llama for its language model, in the manner of SmolLM2."""
    return _build(directory, "SmolVLM", beginning="<|im_start|>", seed=seed)


def idefics3(directory: Path, *, seed: int = 0) -> Path:
    """With Llama 3 for its language model."""
    return _build(directory, "Idefics3", beginning="<|begin_of_text|>", seed=seed)


def _build(directory: Path, family: str, *, beginning: str, seed: int) -> Path:
    import torch
    import transformers as tf

    control = ("<|endoftext|>", beginning, "<end_of_utterance>", "<fake_token_around_image>", "<image>", "<global-img>")
    tokenizer = byte_level(
        cls="GPT2Tokenizer",
        special=(*control, *_TILES),
        bos_token=beginning,
        eos_token="<end_of_utterance>",
        pad_token="<|endoftext|>",
        unk_token="<|endoftext|>",
        chat_template=beginning + _TEMPLATE,
    )
    names = ("bos_token_id", "eos_token_id", "pad_token_id")
    text = tf.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=16384,
        **{name: getattr(tokenizer, name) for name in names},
    )
    vision = {
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": _SIDE,
        "patch_size": _PATCH,
    }
    config = getattr(tf, f"{family}Config")(
        vision_config=vision,
        text_config=text,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        scale_factor=_SCALE,
        tie_word_embeddings=False,
    )
    torch.manual_seed(seed)
    model = getattr(tf, f"{family}ForConditionalGeneration")(config).eval()
    (colon,) = tokenizer.encode(":")
    teach(model, [colon, *tokenizer.convert_tokens_to_ids(_SAYING), tokenizer.eos_token_id], seed=seed)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    images = getattr(tf, f"{family}ImageProcessorPil")(
        size={"longest_edge": 3 * _SIDE}, max_image_size={"longest_edge": _SIDE}
    )
    for part in (model, tokenizer, images):
        part.save_pretrained(directory)
    n_tokens = (_SIDE // _PATCH // _SCALE) ** 2
    return save_processor_config(directory, f"{family}Processor", image_seq_len=n_tokens)


TINY = {"smolvlm": smolvlm, "idefics3": idefics3}
