"""Tiny PaliGemma on Gemma, and PaliGemma 2 on Gemma 2: 64 x 64 pixels, 16 image tokens, two layers."""

from pathlib import Path

from vlm_picking.conformance.tiny._chain import IN_FOURS, chain, quarters
from vlm_picking.conformance.tiny._tokenizers import WORDS, sentencepiece_like

_CODES = (*(f"<loc{i:04}>" for i in range(1024)), *(f"<seg{i:03}>" for i in range(128)))


def build(directory: Path, *, seed: int = 0) -> Path:
    """Write a PaliGemma into `directory`."""
    return _save(directory, "gemma", seed)


def build_2(directory: Path, *, seed: int = 0) -> Path:
    """Write a PaliGemma 2 into `directory`."""
    return _save(directory, "gemma2", seed)


def _save(directory: Path, language: str, seed: int) -> Path:
    import torch
    from transformers import (
        PaliGemmaConfig,
        PaliGemmaForConditionalGeneration,
        PaliGemmaProcessor,
        SiglipImageProcessorPil,
    )

    tokenizer = sentencepiece_like()
    images = SiglipImageProcessorPil(size={"height": 64, "width": 64}, resample=3)
    images.image_seq_length = 16
    processor = PaliGemmaProcessor(images, tokenizer)
    config = PaliGemmaConfig(
        text_config={
            "model_type": language,
            "vocab_size": len(tokenizer),
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 16,
            "max_position_embeddings": 8192,
            "tie_word_embeddings": False,
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
        },
        vision_config={
            "model_type": "siglip_vision_model",
            "image_size": 64,
            "patch_size": 16,
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "vision_use_head": False,
        },
        projection_dim=32,
        hidden_size=32,
        image_token_index=processor.image_token_id,
        vocab_size=len(tokenizer),
        tie_word_embeddings=False,
    )
    torch.manual_seed(seed)
    model = PaliGemmaForConditionalGeneration(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.5 if "vision" in name or "projector" in name else 0.15)
    _teach(model, tokenizer)
    model.save_pretrained(directory)
    processor.save_pretrained(directory)
    return directory


def _teach(model, tokenizer) -> None:
    """`detect ...` gives four locations and a word, once or more; other prompts, whose locations are barred, words."""
    words = tokenizer.convert_tokens_to_ids(["▁" + word for word in dict.fromkeys(WORDS)])
    (new_line,) = tokenizer("\n", add_special_tokens=False)["input_ids"]
    (mark,) = tokenizer(";", add_special_tokens=False)["input_ids"]
    kinds = {
        "start": [new_line],
        **quarters(tokenizer.convert_tokens_to_ids(list(_CODES[:1024]))),
        "last word": words[::2],
        "word": words[1::2],
        "mark": [mark],
        "end": [tokenizer.eos_token_id],
    }
    follows = {
        **IN_FOURS,
        ("start", "first"): 1.0,
        ("start", "word"): 0.5,
        ("start", "last word"): 0.5,
        ("fourth", "word"): 1.0,
        ("fourth", "last word"): 1.0,
        ("word", "mark"): 1.0,
        ("mark", "first"): 1.0,
        ("mark", "last word"): 0.5,
        ("last word", "end"): 1.0,
    }
    chain(model.get_input_embeddings().weight, model.lm_head.weight, kinds, follows, noise=0.25)


TINY = {"paligemma": build, "paligemma2": build_2}
