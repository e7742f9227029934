"""The small tokenizers: genuine classes that read any text and come back from their files."""

import pytest

pytest.importorskip("tokenizers", reason="models need transformers")
pytest.importorskip("transformers", reason="models need transformers")

from vlm_picking.conformance.tiny import _tokenizers as tiny  # noqa: E402

TEXT = "pick the red mug, then 3 bowls\n\x00 \U0001f600 zör"
MAKE = {
    "byte_level": lambda: tiny.byte_level(special=["<image>"], extra_special_tokens={"image_token": "<image>"}),
    "roberta": lambda: tiny.byte_level(cls="RobertaTokenizer", first=("<s>", "<pad>", "</s>", "<unk>")),
    "clip_like": tiny.clip_like,
    "gemma": lambda: tiny.sentencepiece_like(special=["<image>"]),
    "llama": lambda: tiny.sentencepiece_like(cls="LlamaTokenizer", first=("<unk>", "<s>", "</s>"), pad_token="<unk>"),
    "unigram": tiny.unigram,
    "bert_like": tiny.bert_like,
    "word_level": tiny.word_level,
}


@pytest.mark.parametrize("kind", MAKE)
def test_it_comes_back_from_its_files_and_reads_the_same(kind, tmp_path):
    from transformers import AutoTokenizer

    tokenizer = MAKE[kind]()
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert type(again) is type(tokenizer) or kind in ("unigram", "word_level")
    assert again(TEXT, verbose=False)["input_ids"] == tokenizer(TEXT, verbose=False)["input_ids"]
    assert max(tokenizer.get_vocab().values()) == len(tokenizer) - 1


@pytest.mark.parametrize("kind", MAKE)
def test_a_known_word_is_one_token(kind):
    tokenizer = MAKE[kind]()
    one, two = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("a mug", "a mug mug"))
    assert len(two) == len(one) + 1


@pytest.mark.parametrize("kind", ["byte_level", "roberta", "gemma", "llama", "unigram"])
def test_any_text_comes_back_whole(kind):
    tokenizer = MAKE[kind]()
    ids = tokenizer(TEXT, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids, clean_up_tokenization_spaces=False).strip() == TEXT


def test_ids_that_families_have_built_in():
    assert tiny.bert_like().convert_tokens_to_ids(["[PAD]", "[CLS]", "[SEP]", ".", "?"]) == [0, 101, 102, 1012, 1029]
    clip = tiny.clip_like()
    assert clip.eos_token_id == len(clip) - 1
