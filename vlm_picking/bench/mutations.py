"""Well-formed text, spoilt in the ways in which models, servers and keyboards spoil it."""

import re
from collections.abc import Callable, Sequence
from random import Random

MAX_CHARACTERS = 200_000

# Written out, and not taken from the code that removes them.
CONTROL_TOKENS = (
    *("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|image_pad|>", "<|vision_start|>", "<image>", "<video>"),
    *("<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<bos>", "<eos>", "<pad>", "<s>", "</s>", "<unk>"),
    *("[INST]", "[/INST]", "[SEP]", "[CLS]", "[MASK]", "<<SYS>>", "<loc0001>", "<seg001>", "<think>", "</think>"),
)
_NUMBERS = (
    *("0", "-0", "-1", "1001", "1e9", "1e999", "-1e999", "1e-999", "NaN", "Infinity", "-Infinity", "nan", "inf"),
    *("0x10", "1_000", "1,5", "1.", ".5", "007", "٣", "５", "½", "true", "null", '"12"', "9" * 400, "9" * 5000),
)
_NULLS = ("null", "None", "\x00", "[]", "{}", '""', "NaN", "undefined")
_MARKS = "\u200e\u200f\u202a\u202b\u202d\u202e\u202c\u2066\u2067\u2069\u200b\u200c\u200d\u2060\ufeff\u00ad\u061c"
_LETTERS = (
    *(
        "é",
        "e\u0301",
        "ß",
        "ﬁ",
        "Ａ",
        "＜",
        "＞",
        "｜",
        "［",
        "ı",
        "İ",
        "ǅ",
        "ⅷ",
        "☃",
        "🍎",
        "👩\u200d🔧",
        "日本",
        "عربي",
    ),
    *(
        "\ud800",
        "\udc80",
        "\U0010ffff",
        "\ue000",
        "\x1b[0m",
        "\x7f",
        "\x85",
        "\u2028",
        "\u00a0",
        "\u3000",
        "\t",
        "\r\n",
    ),
    "a" + "\u0300" * 60,
)
_PAIRS = (
    ("[", "]"),
    ("{", "}"),
    ('{"a":', "}"),
    ("(", ")"),
    ("<", ">"),
    ('"', '"'),
    ("<think>", "</think>"),
    ("\\", ""),
)
_DEPTHS = (1, 2, 5, 30, 300, 3000)
_LENGTHS = (10, 100, 1000, 20_000)
_RUNS = (" ", "\n", "a", "[", "{", "<", '"', "\\", "<loc", "<points ", "mug, ", "the ", "no ", "_", "-", "'", "1 ")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def mutated(text: str, others: Sequence[str], rng: Random) -> str:
    """`text` after one to four mutations, never longer than MAX_CHARACTERS; `others` is what is spliced into it."""
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        text = rng.choice(_MUTATIONS)(text, others, rng)[:MAX_CHARACTERS]
    return text


def _truncate(text: str, others: Sequence[str], rng: Random) -> str:
    at = rng.randint(0, len(text))
    return text[:at] if rng.random() < 0.7 else text[at:]


def _drop(text: str, others: Sequence[str], rng: Random) -> str:
    start, end = _slice(text, rng)
    return text[:start] + text[end:]


def _duplicate(text: str, others: Sequence[str], rng: Random) -> str:
    start, end = _slice(text, rng)
    return text[:end] + text[start:end] * rng.choice((1, 1, 2, 8, 40)) + text[end:]


def _splice(text: str, others: Sequence[str], rng: Random) -> str:
    other = rng.choice(others)
    start, end = _slice(other, rng)
    return _put(text, other[start:end], rng)


def _letter(text: str, others: Sequence[str], rng: Random) -> str:
    return _put(text, rng.choice(_LETTERS), rng)


def _wide(text: str, others: Sequence[str], rng: Random) -> str:
    """A part of it in the full-width letters that normalisation turns into the usual ones."""
    start, end = _slice(text, rng)
    part = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text[start:end])
    return text[:start] + part + text[end:]


def _mark(text: str, others: Sequence[str], rng: Random) -> str:
    for _ in range(rng.choice((1, 2, 6))):
        text = _put(text, rng.choice(_MARKS), rng)
    return text


def _control(text: str, others: Sequence[str], rng: Random) -> str:
    """A control token, whole, within another one or with a mark in it."""
    token = rng.choice(CONTROL_TOKENS)
    way = rng.random()
    if way < 0.3:
        token = _put(token, rng.choice(CONTROL_TOKENS), rng)
    elif way < 0.5:
        token = _put(token, rng.choice(_MARKS), rng)
    return _put(text, token, rng)


def _number(text: str, others: Sequence[str], rng: Random) -> str:
    numbers = list(_NUMBER.finditer(text[:5000]))
    if not numbers:
        return _put(text, rng.choice(_NUMBERS), rng)
    number = rng.choice(numbers)
    return text[: number.start()] + rng.choice(_NUMBERS) + text[number.end() :]


def _nest(text: str, others: Sequence[str], rng: Random) -> str:
    start, end = _slice(text, rng)
    opening, closing = rng.choice(_PAIRS)
    depth = rng.choice(_DEPTHS)
    closings = depth if rng.random() < 0.7 else 0
    return text[:start] + opening * depth + text[start:end] + closing * closings + text[end:]


def _null(text: str, others: Sequence[str], rng: Random) -> str:
    start, end = _slice(text, rng)
    return text[:start] + rng.choice(_NULLS) + text[end:]


def _lengthen(text: str, others: Sequence[str], rng: Random) -> str:
    run = rng.choice(_RUNS)
    return _put(text, run * (rng.choice(_LENGTHS) // len(run)), rng)


_MUTATIONS: tuple[Callable[[str, Sequence[str], Random], str], ...] = (
    *(_truncate, _drop, _duplicate, _splice, _letter, _wide, _mark, _control, _number, _number, _nest, _null),
    _lengthen,
)


def _slice(text: str, rng: Random) -> tuple[int, int]:
    """Where a part of `text` starts and ends; mostly a short one."""
    start = rng.randint(0, len(text))
    longest = len(text) - start
    return start, start + rng.randint(0, longest if rng.random() < 0.2 else min(longest, 12))


def _put(text: str, part: str, rng: Random) -> str:
    at = rng.randint(0, len(text))
    return text[:at] + part + text[at:]
