"""LLaVA-NeXT (CLIP and Mistral) and LLaVA-OneVision (SigLIP and Qwen2): under 1 MB each; they always say the same."""

from pathlib import Path

from vlm_picking.conformance.tiny._chat import save_processor_config, teach
from vlm_picking.conformance.tiny._tokenizers import byte_level, sentencepiece_like

_SAYING = ("a", "red", "mug", "in", "the", "box")
_SIDE = 28
_LAYOUTS = [[_SIDE * down, _SIDE * across] for down in (1, 2, 3) for across in (1, 2, 3)]
_VISION = {
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": _SIDE,
    "patch_size": 7,
}
_TEXT = {
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 16384,
}
_MISTRAL_TEMPLATE = """\
{%- for message in messages -%}
{%- if message.role == 'user' %}[INST] {% for part in message.content if part.type == 'image' %}<image>
{% endfor %}{% for part in message.content if part.type == 'text' %}{{ part.text }}{% endfor %} [/INST]
{%- else %} {{ message.content[0].text }}</s>
{%- endif -%}
{%- endfor -%}"""
_QWEN_TEMPLATE = """\
{%- for message in messages -%}
<|im_start|>{{ message.role }} {% for part in message.content if part.type == 'image' %}<image>{% endfor %}
{% for part in message.content if part.type == 'text' %}{{ part.text }}{% endfor %}<|im_end|>
{%- endfor -%}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif -%}"""


def llava_next(directory: Path, *, seed: int = 0) -> Path:
    """Tiles of 28 x 28 pixels, up to nine of them."""
    import transformers as tf

    tokenizer = sentencepiece_like(
        cls="LlamaTokenizer",
        first=("<unk>", "<s>", "</s>"),
        special=("<image>", "<pad>"),
        pad_token="<pad>",
        add_bos_token=True,
        chat_template=_MISTRAL_TEMPLATE,
    )
    config = tf.LlavaNextConfig(
        vision_config=tf.CLIPVisionConfig(**_VISION, projection_dim=32),
        text_config=tf.MistralConfig(**_TEXT, **_token_ids(tokenizer), sliding_window=None),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_grid_pinpoints=_LAYOUTS,
        tie_word_embeddings=False,
    )
    processor = tf.LlavaNextImageProcessorPil(
        size={"shortest_edge": _SIDE}, crop_size={"height": _SIDE, "width": _SIDE}, image_grid_pinpoints=_LAYOUTS
    )
    words = ["▁" + word for word in _SAYING]
    model = _taught(tf.LlavaNextForConditionalGeneration, config, tokenizer, words, after="x]", seed=seed)
    _save(directory, model, tokenizer, processor)
    return save_processor_config(
        directory,
        "LlavaNextProcessor",
        patch_size=_VISION["patch_size"],
        num_additional_image_tokens=1,
        vision_feature_select_strategy="default",
        image_token="<image>",
    )


def llava_onevision(directory: Path, *, seed: int = 0) -> Path:
    """Tiles of 28 x 28 pixels, up to nine of them."""
    import transformers as tf

    tokenizer = byte_level(
        cls="Qwen2Tokenizer",
        special=("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>", "<video>"),
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=_QWEN_TEMPLATE,
    )
    config = tf.LlavaOnevisionConfig(
        vision_config=tf.SiglipVisionConfig(**_VISION, vision_use_head=False),
        text_config=tf.Qwen2Config(**_TEXT, **_token_ids(tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        video_token_index=tokenizer.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=_LAYOUTS,
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        vision_aspect_ratio="anyres_max_9",
        tie_word_embeddings=False,
    )
    processor = tf.LlavaOnevisionImageProcessorPil(
        size={"height": _SIDE, "width": _SIDE}, image_grid_pinpoints=_LAYOUTS
    )
    words = [*_SAYING[:1], *("Ġ" + word for word in _SAYING[1:])]
    model = _taught(tf.LlavaOnevisionForConditionalGeneration, config, tokenizer, words, after="\n", seed=seed)
    _save(directory, model, tokenizer, processor)
    return save_processor_config(
        directory,
        "LlavaOnevisionProcessor",
        num_image_tokens=(_SIDE // _VISION["patch_size"]) ** 2,
        vision_feature_select_strategy="full",
        image_token="<image>",
        video_token="<video>",
    )


def _token_ids(tokenizer) -> dict:
    names = ("bos_token_id", "eos_token_id", "pad_token_id")
    return {"vocab_size": len(tokenizer), **{name: getattr(tokenizer, name) for name in names}}


def _taught(cls, config, tokenizer, words: list[str], *, after: str, seed: int):
    """A model that writes `words` when the prompt ends like `after`."""
    import torch

    torch.manual_seed(seed)
    model = cls(config).eval()
    last = tokenizer.encode(after, add_special_tokens=False)[-1]
    teach(model, [last, *tokenizer.convert_tokens_to_ids(words), tokenizer.eos_token_id], seed=seed)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model


def _save(directory: Path, model, tokenizer, processor) -> None:
    for part in (model, tokenizer, processor):
        part.save_pretrained(directory)


TINY = {"llava_next": llava_next, "llava_onevision": llava_onevision}
