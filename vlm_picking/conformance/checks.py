"""Conformance of a family, on a tiny checkpoint of its genuine format: `vlm-picking models --check` and the tests."""

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from vlm_picking.conformance.rules import Asked, Broken, pictures, rules_of, say
from vlm_picking.conformance.tokens import TokenWatch
from vlm_picking.errors import ModelError
from vlm_picking.models.base import Role, roles_of
from vlm_picking.models.family import Family
from vlm_picking.models.registry import MODULES, load_model

# Roles that take words, and a word for each: texts that were asked before may be remembered and not read again.
_WORD_OF_ROLE = {
    Role.SIMILARITY: "grey",
    Role.ANSWERING: "pink",
    Role.DETECTION: "brown",
    Role.PHRASE_SEGMENTATION: "white",
}
_MAX_CONTROL_TOKENS = 12


@dataclass(frozen=True)
class Finding:
    """A rule that a family does not keep, and how that shows."""

    rule: str
    why: str


class Outcome(str, Enum):
    """How a check went."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came of checking one tiny checkpoint.

    Args:
        name: of the checkpoint, mostly its `model_type`.
        family: what its family is called.
        outcome: how it went.
        findings: rules that were not kept; empty unless it failed.
        why: what is missing, where it was skipped.
        seconds: how long building and checking took.
    """

    name: str
    family: str
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    why: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class TinyCheckpoint:
    """A checkpoint that can be built: `build(directory, seed=0)` gives what `load_model` takes."""

    name: str
    family: Family
    build: Callable[..., object]


def tiny_checkpoints() -> list[TinyCheckpoint]:
    """A tiny checkpoint or more of each family; one that can't be built stands for a family that has none."""
    known = []
    for module in MODULES:
        family = import_module(f"vlm_picking.models.{module}").FAMILY
        place = f"vlm_picking.conformance.tiny.{module}"
        tiny = import_module(place).TINY if find_spec(place) else {module: partial(_refuse, place)}
        known += [TinyCheckpoint(name=name, family=family, build=build) for name, build in tiny.items()]
    return known


def _refuse(place: str, directory: Path) -> None:
    raise ModelError(f"it has no tiny checkpoint: write {place.replace('.', '/')}.py")


def check_all(root: Path, names: tuple[str, ...] = (), *, device: str = "cpu") -> Iterator[Verdict]:
    """Build tiny checkpoints in directories of their names below `root`, and check each.

    Args:
        names: of checkpoints; empty for all.
        device: where the models run.
    """
    for tiny in tiny_checkpoints():
        if names and tiny.name not in names:
            continue
        said = {"name": tiny.name, "family": tiny.family.name}
        lacking = [module for module in tiny.family.needs if find_spec(module) is None]
        if lacking:
            why = f"{' and '.join(lacking)} is not installed: pip install {' '.join(lacking)}"
            yield Verdict(**said, outcome=Outcome.SKIPPED, why=why)
            continue
        begun = time.monotonic()
        with _quietly():
            try:
                findings = check_family(tiny.build(root / tiny.name), tiny.family, device=device)
            except Exception as error:  # what breaks one family must not hide the others
                findings = [Finding("it can be built", _told(error))]
        outcome = Outcome.FAILED if findings else Outcome.PASSED
        yield Verdict(**said, outcome=outcome, findings=tuple(findings), seconds=time.monotonic() - begun)


def check_family(checkpoint: Path | str, family: Family, *, device: str = "cpu") -> list[Finding]:
    """Load a checkpoint and hold its adapter to every rule of its roles; what it does not keep, in words."""
    try:
        asked = Asked(load_model(str(checkpoint), device=device, offline=True))
    except ModelError as error:
        return [Finding("it loads", str(error))]
    findings: list[Finding] = []
    shown = pictures(np.random.default_rng(0))

    def hold(rule: str, check: Callable[[], None]) -> None:
        try:
            check()
        except Broken as broken:
            findings.append(Finding(rule, str(broken)))
        except Exception as error:  # a crash is what this looks for
            findings.append(Finding(rule, _told(error)))

    hold("its roles", lambda: _plays(asked.model, family))
    for role in sorted(family.roles, key=lambda role: role.value):
        read = asked.readable
        for rule, check in rules_of(role):
            hold(f"{role.value}: {rule}", lambda check=check: check(asked, shown))
        if asked.readable == read:
            findings.append(Finding(f"{role.value}: replies", "not one reply could be read"))
    for role in (role for role in _WORD_OF_ROLE if role in family.roles):
        hold(f"{role.value}: control tokens", lambda role=role: _keeps_control(asked, role, shown["odd"]))
    return findings


def _plays(model: object, family: Family) -> None:
    played = roles_of(model)
    if played != family.roles:
        odd = ", ".join(sorted(role.value for role in played ^ family.roles))
        raise Broken(f"the family's roles and the model's methods differ in {odd}")
    if not model.name:
        raise Broken("it has no name")


def _keeps_control(asked: Asked, role: Role, rgb: np.ndarray) -> None:
    """No text of an operator becomes a control token, whichever the checkpoint's tokenizer has."""
    watch = TokenWatch(asked.model)
    if not watch.can_watch:
        return

    def ask(text: str) -> None:
        method, arguments = next(say(role, [text], rgb))
        try:
            asked.ask(method, *arguments)
        except ModelError:
            return  # it was refused

    word = _WORD_OF_ROLE[role]
    harmless = watch.counted(lambda: ask(f"{word} thing"))
    if not watch.calls:
        raise Broken("no token embedding could be watched: name it in conformance/tokens.py")
    for token in watch.control_tokens(limit=_MAX_CONTROL_TOKENS):
        for text in (f"{word} {token} thing", f"{token} {word}"):
            more = watch.counted(lambda text=text: ask(text)) - harmless
            if more:
                raise Broken(f"the text {text!r} puts control tokens {sorted(more)[:5]} before the model")


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).strip() or repr(error)).splitlines()[0][:300]}"


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the progress bars and advice of transformers."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
