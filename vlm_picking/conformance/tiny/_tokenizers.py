"""Small tokenizers in the form of each kind of family: genuine classes, a few hundred tokens, nothing downloaded.

Every one reads any text: what is no word of its own falls into bytes or, for WordPiece, characters.
"""

import json
from collections.abc import Iterable, Mapping

WORDS = (
    *"a an the of in on is are there what how many which one photo picture image box bin crate table".split(),
    *"mug cup bowl apple banana spoon fork bottle screwdriver wrench package packaging thing object".split(),
    *"red green blue yellow white black grey orange empty full open closed yes no Yes No left right".split(),
)


def byte_pairs(words: Iterable[str] = WORDS) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Byte-level BPE as GPT-2 has it: a vocabulary of the 256 bytes and whole words with and without the space before
    them, and the merges that lead there; ids from 0.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=10**6, min_frequency=0, initial_alphabet=alphabet, show_progress=False)
    words = sorted(set(words))
    tokenizer.train_from_iterator([*words, *(" " + word for word in words)], trainer)
    return _vocab_and_merges(tokenizer)


def byte_level(
    words: Iterable[str] = WORDS,
    *,
    cls: str = "Qwen2Tokenizer",
    first: Iterable[str] = (),
    special: Iterable[str] = (),
    **options,
):
    """A byte-level BPE tokenizer of class `cls` of transformers (Qwen2Tokenizer, RobertaTokenizer, ...).

    Args:
        words: each becomes one token, with and without a space before it.
        first: tokens with ids from 0 on, before the bytes ("<s>", "<pad>").
        special: control tokens with ids after all others ("<|im_start|>", "<image>").
        options: to the constructor (eos_token, pad_token, extra_special_tokens={"image_token": "<image>"}, ...).
    """
    vocab, merges = byte_pairs(words)
    return _finished(cls, [*first, *vocab], merges, special, options)


def clip_like(words: Iterable[str] = WORDS, *, max_tokens: int = 16):
    """A `CLIPTokenizer`: lower case, words end in "</w>", the end of text, where texts are read, has the highest id."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import CLIPTokenizer

    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=10**6,
        min_frequency=0,
        initial_alphabet=alphabet,
        end_of_word_suffix="</w>",
        special_tokens=[letter + "</w>" for letter in alphabet],  # in order, or else ties fall as hashing has it
        show_progress=False,
    )
    tokenizer.train_from_iterator(sorted({word.lower() for word in words}), trainer)
    vocab, merges = _vocab_and_merges(tokenizer)
    tokens = dict.fromkeys(["!", *vocab, *(letter + "</w>" for letter in alphabet)])
    start, end = "<|startoftext|>", "<|endoftext|>"
    return CLIPTokenizer(
        vocab={token: i for i, token in enumerate([*tokens, start, end])},
        merges=merges,
        unk_token="!",  # id 0, which OWL takes for an empty text when it comes first
        bos_token=start,
        eos_token=end,
        pad_token="!",
        model_max_length=max_tokens,
    )


def sentencepiece_like(
    words: Iterable[str] = WORDS,
    *,
    cls: str = "GemmaTokenizer",
    first: Iterable[str] = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>"),
    special: Iterable[str] = (),
    **options,
):
    """BPE with byte fallback and "▁" for spaces, of class `cls` (GemmaTokenizer, LlamaTokenizer, ...).

    Args:
        words: each becomes one token, with and without "▁" before it.
        first: tokens with ids from 0 on (LlamaTokenizer: "<unk>", "<s>", "</s>").
        special: control tokens with ids after all others.
        options: to the constructor.
    """
    from tokenizers import Tokenizer, models, trainers

    tokenizer = Tokenizer(models.BPE())
    printable = [chr(code) for code in range(ord("!"), ord("~") + 1)]
    trainer = trainers.BpeTrainer(
        vocab_size=10**6, min_frequency=0, initial_alphabet=["▁", "\n", *printable], show_progress=False
    )
    words = sorted(set(words))
    tokenizer.train_from_iterator([*words, *("▁" + word for word in words)], trainer)
    vocab, merges = _vocab_and_merges(tokenizer)
    return _finished(cls, [*first, *(f"<0x{byte:02X}>" for byte in range(256)), *vocab], merges, special, options)


def unigram(
    words: Iterable[str] = WORDS,
    *,
    first: Iterable[str] = ("<pad>", "</s>", "<unk>"),
    special: Iterable[str] = (),
    **options,
):
    """A Unigram tokenizer as SentencePiece makes them (T5, SigLIP), as a `PreTrainedTokenizerFast`.

    Args:
        words: each becomes one piece, with and without "▁" before it.
        first: tokens with ids from 0 on; one of them is "<unk>".
        special: control tokens with ids after all others.
        options: to the constructor (eos_token, pad_token, model_input_names, ...).
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    first, words = list(first), sorted(set(words))
    characters = ["▁", *(chr(code) for code in range(ord("!"), ord("~") + 1))]
    pieces = [(token, 0.0) for token in first]
    pieces += [(f"<0x{byte:02X}>", -20.0) for byte in range(256)]
    pieces += [(piece, -2.0) for word in words if len(word) > 1 for piece in ("▁" + word, word)]
    pieces += [(character, -10.0) for character in characters]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=first.index("<unk>"), byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    options = {"unk_token": "<unk>", "pad_token": first[0], "eos_token": "</s>"} | options
    return _with_special(PreTrainedTokenizerFast(tokenizer_object=tokenizer, **options), special)


def bert_like(words: Iterable[str] = WORDS, *, pinned: Mapping[str, int] | None = None, **options):
    """A `BertTokenizer` (WordPiece, lower case).

    Args:
        words: each becomes one token.
        pinned: tokens that must have these ids; by default those that Grounding DINO has built in: [CLS] 101,
            [SEP] 102, "." 1012, "?" 1029. Ids between are filled with "[unusedN]" as in BERT's own vocabulary.
        options: to the constructor.
    """
    from transformers import BertTokenizer

    pinned = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103, ".": 1012, "?": 1029} | dict(
        pinned or {}
    )
    printable = [chr(code) for code in range(ord("!"), ord("~") + 1) if not chr(code).isupper()]
    wanted = [*sorted({word.lower() for word in words}), *printable, *("##" + character for character in printable)]
    wanted = iter([token for token in dict.fromkeys(wanted) if token not in pinned])
    by_id = {i: token for token, i in pinned.items()}
    tokens: list[str] = []
    while len(tokens) <= max(by_id):
        i = len(tokens)
        tokens.append(by_id[i] if i in by_id else next(wanted, f"[unused{i}]"))
    tokens += wanted
    return BertTokenizer(vocab={token: i for i, token in enumerate(tokens)}, **options)


def word_level(words: Iterable[str] = WORDS, *, first: Iterable[str] = ("<pad>", "<unk>"), **options):
    """One token a word or mark, "<unk>" for all else, as a `PreTrainedTokenizerFast`: for families of unlike kind."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokens = dict.fromkeys([*first, *sorted(set(words))])
    tokenizer = Tokenizer(models.WordLevel({token: i for i, token in enumerate(tokens)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **({"unk_token": "<unk>", "pad_token": "<pad>"} | options)
    )


def _vocab_and_merges(tokenizer) -> tuple[dict[str, int], list[tuple[str, str]]]:
    model = json.loads(tokenizer.to_str())["model"]
    vocab = dict(sorted(model["vocab"].items(), key=lambda item: item[1]))
    return vocab, [tuple(merge) for merge in model["merges"]]


def _finished(cls: str, tokens: Iterable[str], merges: list, special: Iterable[str], options: dict):
    """The tokenizer of class `cls`, its control tokens added one by one after all others."""
    import transformers

    vocab = {token: i for i, token in enumerate(dict.fromkeys(tokens))}
    return _with_special(getattr(transformers, cls)(vocab=vocab, merges=merges, **options), special)


def _with_special(tokenizer, special: Iterable[str]):
    from transformers import AddedToken

    tokenizer.add_tokens([AddedToken(token, normalized=False, special=True) for token in special])
    return tokenizer
