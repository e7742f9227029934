"""Tiny Florence-2: a DaViT of four small stages on 64 x 64 pixels, a BART of one layer each way."""

from pathlib import Path

from vlm_picking.conformance.tiny._chain import IN_FOURS, chain, quarters
from vlm_picking.conformance.tiny._tokenizers import WORDS, byte_level

_LOCATIONS = tuple(f"<loc_{i}>" for i in range(1000))
_MARKS = ("<mask>", *_LOCATIONS, "<poly>", "</poly>", "<sep>", "<ground>", "<image>")
_POST = ("pure_text", "ocr", "description_with_bboxes", "phrase_grounding", "polygons", "bboxes",
         "description_with_polygons", "description_with_bboxes_or_polygons")  # fmt: skip


def build(directory: Path, *, seed: int = 0) -> Path:
    """Write a Florence-2 into `directory`."""
    import torch
    from transformers import (
        CLIPImageProcessorPil,
        Florence2Config,
        Florence2ForConditionalGeneration,
        Florence2Processor,
    )

    tokenizer = byte_level(
        cls="RobertaTokenizer",
        first=("<s>", "<pad>", "</s>", "<unk>"),
        special=_MARKS,
        extra_special_tokens={"image_token": "<image>"},
    )
    images = CLIPImageProcessorPil(size={"height": 64, "width": 64}, do_center_crop=False, resample=3)
    images.image_seq_length = 5
    processor = Florence2Processor(images, tokenizer, post_processor_config={task: {} for task in _POST})
    config = Florence2Config(
        text_config={
            "model_type": "bart",
            "vocab_size": len(tokenizer),
            "d_model": 32,
            "encoder_layers": 1,
            "decoder_layers": 1,
            "encoder_attention_heads": 2,
            "decoder_attention_heads": 2,
            "encoder_ffn_dim": 32,
            "decoder_ffn_dim": 32,
            "max_position_embeddings": 1024,
            "tie_word_embeddings": False,
        },
        vision_config={
            "depths": (1, 1, 1, 1),
            "embed_dim": (8, 16, 16, 32),
            "num_heads": (1, 2, 2, 2),
            "num_groups": (1, 2, 2, 2),
            "window_size": 4,
            "projection_dim": 32,
        },
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        tie_word_embeddings=False,
    )
    torch.manual_seed(seed)
    model = Florence2ForConditionalGeneration(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.3 if "vision" in name or "projector" in name else 0.12)
    _teach(model, tokenizer)
    model.generation_config.update(forced_bos_token_id=0, num_beams=3, early_stopping=True, no_repeat_ngram_size=3)
    model.save_pretrained(directory)
    processor.save_pretrained(directory)
    return directory


def _teach(model, tokenizer) -> None:
    """Every prompt gives a word and eight locations; where locations are barred, words."""
    import torch

    kinds = {
        "start": [tokenizer.bos_token_id],
        **quarters(tokenizer.convert_tokens_to_ids(list(_LOCATIONS))),
        "word": tokenizer.convert_tokens_to_ids(["Ġ" + word for word in dict.fromkeys(WORDS)]),
        "late": [],
        "end": [tokenizer.eos_token_id],
    }
    follows = {
        **IN_FOURS,
        ("start", "word"): 1.0,
        ("word", "first"): 1.0,
        ("word", "word"): 0.5,
        ("fourth", "first"): 0.6,
        ("fourth", "end"): 0.3,
        ("late", "end"): 0.6,
    }
    bart = model.model.language_model
    chain(bart.shared.weight, model.lm_head.weight, kinds, follows, noise=0.25)
    with torch.no_grad():
        for part in (bart.encoder, bart.decoder):
            part.embed_tokens.weight.copy_(bart.shared.weight)
        positions = bart.decoder.embed_positions.weight
        positions.normal_(std=0.05)
        positions[11:, list(kinds).index("late")] = 2.0  # after two boxes, or an outline of four corners


TINY = {"florence2": build}
