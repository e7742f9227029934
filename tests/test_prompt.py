"""What operators say and what it means; tables in prompts.txt and prompts_refused.txt, laws below."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlm_picking.errors import PromptError
from vlm_picking.language.inflection import singular
from vlm_picking.language.refusals import EXAMPLES, Reason
from vlm_picking.prompt import MAX_CHARACTERS, parse_prompt
from vlm_picking.query import Query, QueryKind, RelationKind, Target


def read_table(name: str) -> dict[str, str]:
    """The lines `sentence => meaning` of a file beside this one."""
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    pairs = [line.rpartition("=>") for line in lines if line and not line.startswith("#")]
    table = {sentence.rstrip(" "): meaning.strip() for sentence, _, meaning in pairs}
    assert len(table) == len(pairs), f"{name} holds a sentence twice"
    return table


MEANINGS = read_table("prompts.txt")
REFUSALS = read_table("prompts_refused.txt")


def target_notation(target: Target) -> str:
    colours = "".join(f"+{colour}" for colour in target.colours)
    attributes = "".join(f"*{attribute}" for attribute in target.attributes)
    return f"{target.noun or 'any'}{colours}{attributes}{f'#{target.size}' if target.size else ''}"


def notation(query: Query) -> str:
    """The meaning as the table writes it."""
    parts = [f"{query.kind.value}{'' if query.limit is None else f' {query.limit}'}:"]
    if query.targets:
        parts.append((" & " if query.require_all else " | ").join(map(target_notation, query.targets)))
    parts += [f"- {target_notation(target)}" for target in query.excluded]
    if query.superlative:
        parts.append(f"^{query.superlative.value}")
    if query.relation:
        references = " & ".join(map(target_notation, query.relation.references))
        parts.append(f"~{query.relation.kind.value} {references}")
    return " ".join(parts)


def meaning_of(sentence: str) -> Query:
    """The query without the sentence, for comparisons."""
    return replace(parse_prompt(sentence), text="")


@pytest.mark.parametrize("sentence", MEANINGS, ids=str)
def test_sentence_means(sentence):
    assert notation(parse_prompt(sentence)) == MEANINGS[sentence]


@pytest.mark.parametrize("sentence", REFUSALS, ids=str)
def test_sentence_is_refused(sentence):
    with pytest.raises(PromptError) as refused:
        parse_prompt(sentence)
    reason = Reason[REFUSALS[sentence]]
    assert re.search(".*".join(map(re.escape, reason.value.split("{}"))), str(refused.value)), str(
        refused.value
    )


def test_tables_cover_every_kind_and_every_reason():
    assert len(MEANINGS) >= 200 and len(REFUSALS) >= 40
    assert {meaning.split(":")[0].split()[0] for meaning in MEANINGS.values()} == {
        kind.value for kind in QueryKind
    }
    relations = {relation.value for relation in RelationKind}
    assert {r for r in relations if any(f"~{r} " in meaning for meaning in MEANINGS.values())} == relations
    assert set(REFUSALS.values()) | {"EMPTY", "TOO_LONG"} == {reason.name for reason in Reason}


@pytest.mark.parametrize("text", ["", "   ", "\n\t"], ids=repr)
def test_empty_text_is_refused_with_examples(text):
    with pytest.raises(PromptError, match="the prompt is empty") as refused:
        parse_prompt(text)
    assert all(example in str(refused.value) for example in EXAMPLES)


def test_a_long_text_is_refused_and_not_echoed():
    with pytest.raises(PromptError, match=f"10000 characters, at most {MAX_CHARACTERS}") as refused:
        parse_prompt("mug " * 2500)
    assert len(str(refused.value)) < 400
    assert parse_prompt("mug".ljust(MAX_CHARACTERS)).targets == (Target("mug"),)


def test_a_refusal_says_what_was_read_why_and_what_can_be_asked():
    with pytest.raises(PromptError) as refused:
        parse_prompt("pick  the red")
    assert str(refused.value) == (
        "can't read 'pick the red': 'the red' says how the object looks, but not what it is; add the object "
        "or 'one'. Try: 'is there an apple?', 'where is the red mug?', 'how many screws are in the box?', "
        "'pick the leftmost mug'"
    )


def test_the_examples_of_a_refusal_can_be_read():
    kinds = [parse_prompt(example).kind for example in EXAMPLES]
    assert kinds == [QueryKind.PRESENCE, QueryKind.WHERE, QueryKind.COUNT, QueryKind.PICK]


@pytest.mark.parametrize(
    "noisy",
    [
        "pick\tthe\nred  mug",
        "pick\x00 the\x07 red\u200b mug",
        "“pick the ‘red’ mug”",
        "pick the red mug\u2026",
        "pick\u00a0the red mug",
        "ｐｉｃｋ the red mug",
        "pick the r\u00aded mug",
    ],
    ids=ascii,
)
def test_control_characters_quotes_and_width_make_no_difference(noisy):
    assert meaning_of(noisy) == meaning_of("pick the red mug")


@pytest.mark.parametrize(
    ("text", "noun"), [("pick the Straße sign", "strasse sign"), ("MÜSLI BOX", "müsli box")]
)
def test_umlauts_and_sharp_s_are_letters(text, noun):
    assert parse_prompt(text).targets == (Target(noun),)


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        str.title,
        lambda s: f"  {s}  ",
        lambda s: s.rstrip("?!. ") + "?",
        lambda s: s.rstrip("?!. ") + "!!",
        lambda s: s.rstrip("?!. ") + ".",
        lambda s: s.replace(" ", "  "),
        lambda s: f"please {s}",
        lambda s: f"{s.rstrip('?!. ')}, please",
        lambda s: f"hey robot, {s}",
        lambda s: f"um, {s}",
        lambda s: f"Hello! {s}",
        lambda s: f"{s} Thank you!",
    ],
    ids="upper title blanks question exclamation stop doubled please_ _please robot um hello thanks".split(),
)
def test_case_politeness_and_stops_make_no_difference(change):
    changed = {s: notation(parse_prompt(change(s))) for s in MEANINGS}
    assert changed == MEANINGS


@pytest.mark.parametrize("sentence", MEANINGS, ids=str)
def test_a_target_said_again_is_the_same_target(sentence):
    query = parse_prompt(sentence)
    for target in (*query.targets, *query.excluded, *(query.relation.references if query.relation else ())):
        assert parse_prompt(target.phrase).targets == (replace(target, size=None),)
        assert parse_prompt(str(target)).targets == (target,)


PHRASES = [
    sentence
    for sentence, meaning in MEANINGS.items()
    if meaning.startswith("where") and re.match("(the|a|all) (?!location|photo|picture)", sentence)
]


@pytest.mark.parametrize("phrase", PHRASES, ids=str)
def test_a_noun_phrase_means_the_same_in_every_sentence(phrase):
    bare = parse_prompt(phrase)
    for beginning in ("pick", "grab", "find", "show me", "where is", "could you please fetch me"):
        query = parse_prompt(f"{beginning} {phrase}")
        assert query == replace(bare, text=query.text, kind=query.kind, limit=query.limit)


@pytest.mark.parametrize(
    "verb", ["pick", "grab", "take", "get me", "please lift", "could you fetch", "I want you to pick"]
)
@pytest.mark.parametrize(
    "negation", ["don't {}", "do not {}", "never {}", "dont {}", "you must not {}", "please don't {}"]
)
def test_a_negated_pick_is_never_a_pick(verb, negation):
    with pytest.raises(PromptError):
        parse_prompt(negation.format(f"{verb} the mug"))


def check_is_valid(query: Query, text: str) -> None:
    assert query.text == text
    assert query.limit is None or query.limit >= 1
    assert query.limit is None or query.kind in (QueryKind.PICK, QueryKind.WHERE)
    assert query.targets or query.kind in (QueryKind.CLEAR, QueryKind.DESCRIBE, QueryKind.ASK)
    assert query.kind not in (QueryKind.PRESENCE, QueryKind.COUNT) or query.superlative is None
    assert not query.require_all or len(query.targets) > 1
    if query.relation:
        assert len(query.relation.references) == (2 if query.relation.kind is RelationKind.BETWEEN else 1)
    for target in query.targets:
        assert target.size in (None, "small", "large")
        assert target.noun == target.noun.strip() and "  " not in target.noun


def read_or_refuse(text: str) -> None:
    try:
        query = parse_prompt(text)
    except PromptError as error:
        assert "Try: " in str(error) and len(str(error)) < 600
    else:
        check_is_valid(query, text)
        assert parse_prompt(text) == query


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    read_or_refuse(text)


VOCABULARY = sorted({word for sentence in (*MEANINGS, *REFUSALS) for word in sentence.split()})


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=9).map(" ".join))
def test_any_order_of_known_words_is_read_or_refused(text):
    read_or_refuse(text)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.sampled_from(VOCABULARY), max_size=4),
    st.sampled_from(["not", "don't", "do not", "never", "isn't", "cannot"]),
    st.lists(
        st.sampled_from(["pick", "the", "mug", "and", "grab", "box", "red", "but", "please"]), max_size=5
    ),
)
def test_a_pick_with_a_negation_leaves_something_out(before, negation, behind):
    try:
        query = parse_prompt(" ".join([*before, negation, *behind]))
    except PromptError:
        return
    assert query.kind is not QueryKind.PICK or query.excluded


@settings(max_examples=300, deadline=None)
@given(st.text("aeinrstxyzcho", min_size=1, max_size=9))
def test_the_singular_of_a_singular_is_itself(word):
    assert singular(singular(word)) == singular(word)


PLURALS = (
    "boxes/box knives/knife batteries/battery mice/mouse dice/die tomatoes/tomato glasses/glass "
    "brushes/brush shoes/shoe vases/vase keys/key gloves/glove cookies/cookie lenses/lens "
    "shelves/shelf buses/bus axes/axe "
    "scissors/scissors pliers/pliers tongs/tongs bus/bus lens/lens glass/glass compass/compass cactus/cactus "
    "chassis/chassis bananas/banana leds/led fish/fish cans/can watches/watch torches/torch matches/match "
    "peaches/peach oranges/orange sponges/sponge pieces/piece wrenches/wrench screwdrivers/screwdriver"
).split()


@pytest.mark.parametrize("pair", PLURALS)
def test_singular(pair):
    plural, expected = pair.split("/")
    assert singular(plural) == expected
