"""Tiny SigLIP with a SentencePiece tokenizer, and tiny SigLIP 2 of flexible size with one in Gemma's form."""

import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from vlm_picking.conformance.tiny._tokenizers import WORDS, sentencepiece_like

MAX_TOKENS = 64


def build_siglip(directory: Path, *, seed: int = 0) -> Path:
    """Write a `SiglipModel` of 48 pixels in patches of 16, with its processor, into `directory`."""
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel, SiglipProcessor

    tokenizer = siglip_tokenizer()
    config = _config(SiglipConfig, tokenizer, vision={"image_size": 48, "patch_size": 16})
    pictures = SiglipImageProcessorPil(size={"height": 48, "width": 48})
    return _save(directory, SiglipModel, config, SiglipProcessor(pictures, tokenizer), seed)


def build_siglip2(directory: Path, *, seed: int = 0) -> Path:
    """Write a `Siglip2Model` of at most 24 patches of 8 pixels, with its processor, into `directory`."""
    from transformers import Siglip2Config, Siglip2ImageProcessorPil, Siglip2Model, Siglip2Processor

    tokenizer = sentencepiece_like(cls="Siglip2Tokenizer", model_max_length=MAX_TOKENS, model_input_names=["input_ids"])
    config = _config(Siglip2Config, tokenizer, vision={"patch_size": 8, "num_patches": 25})
    pictures = Siglip2ImageProcessorPil(patch_size=8, max_num_patches=24)
    return _save(directory, Siglip2Model, config, Siglip2Processor(pictures, tokenizer), seed)


def siglip_tokenizer(words: Iterable[str] = WORDS):
    """A `SiglipTokenizer` from a SentencePiece model that was trained on `words`."""
    import sentencepiece
    from transformers import SiglipTokenizer

    words, letters, model = list(dict.fromkeys(words)), map(chr, range(ord("a"), ord("z") + 1)), io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([" ".join(words), *words, *letters]),
        model_writer=model,
        vocab_size=400,
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        num_threads=1,
        minloglevel=2,
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "spiece.model"
        path.write_bytes(model.getvalue())
        tokenizer = SiglipTokenizer(str(path), model_input_names=["input_ids"], model_max_length=MAX_TOKENS)
        tokenizer.save_pretrained(folder)
        return SiglipTokenizer.from_pretrained(folder)


def _config(cls, tokenizer, *, vision: dict[str, int]):
    width = {"hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 2, "num_hidden_layers": 1}
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "bos_token_id": None}
    text = {"vocab_size": len(tokenizer), "max_position_embeddings": MAX_TOKENS, "projection_size": 32}
    return cls(text_config=width | text | ends, vision_config=width | vision)


def _save(directory: Path, cls, config, processor, seed: int) -> Path:
    import torch

    torch.manual_seed(seed)
    model = cls(config).eval()
    with torch.no_grad():
        model.logit_scale.fill_(2.0)
        model.logit_bias.fill_(-1.0)
    model.save_pretrained(directory)
    processor.save_pretrained(directory)
    return directory


TINY: Mapping[str, Callable[..., Path]] = {"siglip": build_siglip, "siglip2": build_siglip2}
