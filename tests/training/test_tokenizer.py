"""The words of the detector as tokens."""

import numpy as np
import pytest

pytest.importorskip("transformers", reason="the tokenizer is transformers'")

from vlm_picking.training.tokenizer import build_tokenizer  # noqa: E402
from vlm_picking.training.words import ABSENT_WORDS, invented_word  # noqa: E402

KNOWN = ("red", "mug", "cardboard box", "object")


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer(KNOWN, ABSENT_WORDS, other_merges=100)


@pytest.mark.parametrize("phrase", KNOWN)
def test_known_words_are_whole(tokenizer, phrase):
    assert tokenizer.tokenize(phrase) == [word + "</w>" for word in phrase.split()]


@pytest.mark.parametrize("word", ["zebra", "müsli", "mugs", "redmug", "x", "日本", "a-b 3"])
def test_other_words_are_pieces_and_come_back(tokenizer, word):
    pieces = tokenizer.tokenize(word)
    assert tokenizer.unk_token not in pieces
    assert not {"mug</w>", "red</w>"} & set(pieces) or word == "redmug"


def test_the_end_has_the_highest_id_and_the_start_is_not_padding(tokenizer):
    ids = tokenizer(["red mug", "mug"], padding=True)["input_ids"]
    assert all(row[0] == tokenizer.bos_token_id != tokenizer.pad_token_id for row in ids)
    assert all(max(row) == tokenizer.eos_token_id == len(tokenizer) - 1 for row in ids)


def test_it_comes_back_from_disk(tokenizer, tmp_path):
    from transformers import CLIPTokenizer

    tokenizer.save_pretrained(tmp_path)
    again = CLIPTokenizer.from_pretrained(tmp_path)
    for text in ("red mug", "cardboard box", "zorblat"):
        assert again(text)["input_ids"] == tokenizer(text)["input_ids"]
    assert again.model_max_length == tokenizer.model_max_length


def test_invented_words_vary_and_repeat_with_the_seed():
    words = [invented_word(np.random.default_rng(seed)) for seed in range(50)]
    assert len(set(words)) > 45
    assert words == [invented_word(np.random.default_rng(seed)) for seed in range(50)]
