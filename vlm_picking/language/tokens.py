"""A sentence -> its words: case, contractions and hyphens put in order, small talk taken off both ends."""

import re
import unicodedata

from vlm_picking.language.lexicon import COLOURS, FOREIGN, SHADES, SIZES
from vlm_picking.language.refusals import Reason, refusal

_WORD = re.compile(r"\d+\.\d+|[^\W_]+(?:['-][^\W_]+)*|[,.;:!?&+/…]")
_QUOTES = str.maketrans({c: "'" for c in "‘’‚‛`´′ʼ"} | {c: "-" for c in "‐‑–—−"})
_CONTRACTIONS = {
    "wheres": "where is", "whats": "what is", "theres": "there is", "thats": "that is", "isnt": "is not",
    "arent": "are not",
    "dont": "do not", "doesnt": "does not", "didnt": "did not", "cant": "can not", "cannot": "can not",
    "won't": "will not", "wont": "will not", "can't": "can not", "im": "i am", "id": "i would",
    "let's": "let us",
    "lets": "let us", "gimme": "give me", "wanna": "want to", "gonna": "going to", "lemme": "let me",
    "nevermind": "never mind", "&": "and", "+": "and", "leftest": "leftmost", "nr": "number",
    "off-white": "white", "where'd": "where did",
}  # fmt: skip
_IS_AFTER = frozenset("where what there that it who how here which he she everything".split())
_ENDINGS = {"'re": "are", "'m": "am", "'d": "would", "'ll": "will", "'ve": "have"}

_NOISE = frozenset(
    "please pls plz uh uhh uhm um umm ummm er erm hm hmm hmmm mhm ah eh kindly just maybe perhaps".split()
)


def _phrases(text: str) -> list[tuple[str, ...]]:
    return sorted((tuple(phrase.split()) for phrase in text.split("|")), key=len, reverse=True)


_OPENERS = _phrases(
    ",|hey|hi|hello|hej|ok|okay|so|well|now|then|and|alright|all right|good morning|good evening|dear|"
    "robot|computer|yes|yeah|listen|also|quick|first ,|next ,|oh|could you|can you|would you|will you|"
    "can we|could we|shall we|would you mind|do you mind|i want you to|i would like you to|i need you to|"
    "i want to|i would like to|we want to|we need to|we have to|i need to|you should|you must|you can|"
    "you need to|try to|go and|go ahead and|help me to|let us|tell me if|tell me whether|tell me|"
    "let me know if|let me know whether|let me know|have a look if|have a look whether|"
    "check if|check whether|see if|see whether|"
    "do you know if|do you know whether|do you know|can you tell if|can you tell whether|i wonder if|"
    "i wonder whether|i wonder|i would like to know|i would like to know if|i want to know if|"
    "i want to know whether|i want to know|if possible|i need to know|be so kind and|be so kind as to|"
    "do me a favour and|do me a favor and|make sure to|start|go"
)
_CLOSERS = _phrases(
    ",|now|right now|thanks|thank you|thank you very much|many thanks|for me|to me|for us|again|ok|okay|"
    ", robot|at the moment|currently|today|if possible|if you can|if you could|would you|will you|"
    "can you|could you|or not|at all|somewhere|anywhere|immediately|quickly|asap|too|carefully|gently|"
    "slowly|softly|safely|faster|slower|only|alone|very|as well|mate|cheers|right away|at once|anyway|"
    "or what"
)
_QUESTION_WORDS = frozenset("where what which how who why when is are do if whether the everything".split())
_MOTIONS = frozenset("get fetch find pick grab take look looking picking searching counting finding".split())
# The last word of an opener -> what must follow to be small talk: "tell me where", not "tell me a joke".
_ONLY_BEFORE = {
    "me": _QUESTION_WORDS,
    "know": _QUESTION_WORDS,
    "wonder": _QUESTION_WORDS,
    "go": _MOTIONS,
    "start": _MOTIONS,
}


def words(text: str) -> list[str]:
    """The words of a sentence in lower case, "," for every stop between them; small talk is left out.

    Raises:
        PromptError: there is no word, or a word is not English.
    """
    clean = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    clean = "".join(c for c in clean if unicodedata.category(c) not in ("Cf", "Cs", "Co", "Cn"))
    clean = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", clean).casefold()).translate(_QUOTES)
    found = [part for token in _WORD.findall(clean) for part in _expanded(token)]
    found = [word for word in found if word not in _NOISE]
    if not any(any(c.isalpha() for c in word) for word in found):
        raise refusal(Reason.NO_WORDS)
    for word in found:
        is_latin = all(unicodedata.name(c, "").startswith("LATIN") for c in word if c.isalpha())
        if word in FOREIGN or not is_latin:
            raise refusal(Reason.NOT_ENGLISH, word)
    return _without_closers(_without_openers(_joined(found)))


def _without_closers(tokens: list[str]) -> list[str]:
    """The words without the small talk at the end."""
    while ending := next((p for p in _CLOSERS if tuple(tokens[-len(p) :]) == p), None):
        if len(ending) == len(tokens) and ending not in ((",",), ("thanks",)):
            break
        tokens = tokens[: -len(ending)]
    return tokens


def _without_openers(tokens: list[str]) -> list[str]:
    while opening := next((p for p in _OPENERS if tuple(tokens[: len(p)]) == p), None):
        rest = tokens[len(opening) :]
        follows = next((needed for words, needed in _ONLY_BEFORE.items() if opening[-1] == words), None)
        if (follows and not (rest and rest[0] in follows)) or (not rest and opening != (",",)):
            break
        tokens = rest
    return tokens


def _expanded(token: str) -> list[str]:
    """The words that a token stands for: contractions written out, "dark-blue" taken apart, stops as ","."""
    if token in _CONTRACTIONS:
        return _CONTRACTIONS[token].split()
    if not any(c.isalnum() for c in token):
        return [","]
    if token.endswith("n't"):
        return [token[:-3], "not"]
    if token.endswith("'s") and token[:-2] in _IS_AFTER:
        return [token[:-2], "is"]
    for ending, word in _ENDINGS.items():
        if token.endswith(ending) and len(token) > len(ending):
            return [token[: -len(ending)], word]
    parts = token.split("-")
    is_split = any(p in COLOURS or p in SHADES or p in SIZES or p in ("most", "hand", "up") for p in parts)
    return parts if is_split else [token]


def _joined(tokens: list[str]) -> list[str]:
    """ "left most" -> "leftmost"; "left hand" keeps its side only; doubled stops become one."""
    joined: list[str] = []
    for token in tokens:
        before = joined[-1] if joined else ","
        if token == "most" and before in ("left", "right", "top", "bottom", "upper", "lower"):
            joined[-1] = before + "most"
        elif token == "to" and before == "happen":  # "do you happen to see"
            joined.pop()
        elif (token == "hand" and before in ("left", "right")) or (token == "," and before == ","):
            continue
        else:
            joined.append(token)
    return joined
