"""The words of a run: the simulator's when it begins, the same ever after."""

import json
from pathlib import Path

from vlm_picking.training.phrases import Lexicon
from vlm_picking.training.tokenizer import build_tokenizer

_FILE = "lexicon.json"


def simulator_lexicon() -> Lexicon:
    """Every kind of `vlm_picking.sim` with its synonyms, and its colour names."""
    from vlm_picking.sim.colours import COLOURS
    from vlm_picking.sim.kinds import KINDS

    return Lexicon({name: (name, *kind.synonyms) for name, kind in sorted(KINDS.items())}, tuple(COLOURS))


def known_categories(lexicon: Lexicon) -> dict[str, tuple[str, ...]]:
    """The simulator's words for several kinds, "fruit", each with the names of the kinds that `lexicon` has."""
    from vlm_picking.sim.categories import CATEGORIES

    nouns = {name for names in lexicon.nouns.values() for name in names}
    members = {
        category: tuple(lexicon.nouns[kind][0] for kind in kinds if kind in lexicon.nouns)
        for category, kinds in CATEGORIES.items()
    }
    return {category: names for category, names in members.items() if names and category not in nouns}


def run_words(run: Path):
    """The lexicon and the tokenizer of a run, made and written down on the first call.

    A run that goes on must keep its tokens, whatever was added to the simulator meanwhile.
    """
    from transformers import CLIPTokenizer

    path = run / _FILE
    if path.exists():
        content = json.loads(path.read_text(encoding="utf-8"))
        lexicon = Lexicon({kind: tuple(names) for kind, names in content["nouns"].items()}, tuple(content["colours"]))
        return lexicon, CLIPTokenizer.from_pretrained(run / "tokenizer")
    lexicon = simulator_lexicon()
    tokenizer = build_tokenizer(lexicon.known_phrases(), lexicon.absent_phrases())
    tokenizer.save_pretrained(run / "tokenizer")
    path.write_text(json.dumps({"nouns": lexicon.nouns, "colours": lexicon.colours}, indent=1), encoding="utf-8")
    return lexicon, tokenizer
