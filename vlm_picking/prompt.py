"""An operator's sentence -> a Query; docs/language.md says what is understood."""

from dataclasses import replace

from vlm_picking.errors import PromptError
from vlm_picking.language.clauses import read_clause
from vlm_picking.language.commands import beginning, is_clear, refuse_other_commands, second_command
from vlm_picking.language.questions import Meaning
from vlm_picking.language.refusals import Reason, explained, refusal
from vlm_picking.language.tokens import words
from vlm_picking.query import Query, QueryKind

MAX_CHARACTERS = 500


def parse_prompt(text: str) -> Query:
    """Read an operator's sentence.

    Pure and deterministic; case, politeness, stops and doubled blanks make no difference. A bare noun phrase
    ("red mug, apple") asks WHERE. Empty text is an error here: a shell for which an empty prompt means
    "clear" tests for that before.

    Args:
        text: one English sentence or noun phrase, at most MAX_CHARACTERS long.

    Raises:
        PromptError: the sentence can't be read for certain; the message says why and what can be asked.
    """
    try:
        return _read(text)
    except PromptError as error:
        raise explained(error, text) from None


def _read(text: str) -> Query:
    if len(text) > MAX_CHARACTERS:
        raise refusal(Reason.TOO_LONG, str(len(text)))
    if not text.strip():
        raise refusal(Reason.EMPTY)
    tokens = words(text)
    if not tokens:
        raise refusal(Reason.NO_WORDS)
    if is_clear(tokens):
        return Query(text, QueryKind.CLEAR)
    refuse_other_commands(tokens)
    kind, objects = _read_sentence(tokens)
    limit = {QueryKind.PICK: objects.wanted, QueryKind.WHERE: objects.number}.get(kind)
    return Query(
        text=text,
        kind=kind,
        targets=objects.targets,
        require_all=objects.require_all,
        excluded=objects.excluded,
        superlative=objects.rank,
        relation=objects.relation,
        limit=limit,
    )


def _read_sentence(tokens: list[str]) -> Meaning:
    """One command or question, or a search and a pick of what it finds ("find the mug and pick it up")."""
    second = second_command(tokens)
    if second < len(tokens):
        kind, objects = read_clause(tokens[:second])
        follows = [token for token in tokens[second:] if token not in ("and", ",", "then", "also")]
        begun = beginning(follows)
        picked = begun[1] if begun and begun[0] is QueryKind.PICK else []
        if kind is not QueryKind.WHERE or picked not in (["it"], ["them"], ["it", "up"], ["them", "up"]):
            raise refusal(Reason.TWO_COMMANDS, " ".join(follows))
        wants_one = picked[0] == "it" and objects.number is None and len(objects.targets) == 1
        return QueryKind.PICK, replace(objects, wanted=1 if wants_one else objects.wanted)
    return read_clause(tokens)
