"""Spoilt text: nothing that reads it crashes, and the benchmark finds out what does."""

import json
import sys
from random import Random

import pytest

from vlm_picking import cli
from vlm_picking.bench import text as benchmark
from vlm_picking.bench.mutations import MAX_CHARACTERS, mutated
from vlm_picking.bench.text import run_text, text_figures
from vlm_picking.bench.text_readers import READERS, Reader, Unsound
from vlm_picking.errors import ModelError, PromptError

N = 3000


@pytest.fixture(scope="module")
def run():
    return run_text(N, seed=11)


def test_no_reader_crashes_or_gives_what_can_not_be(run):
    assert run.faults == []


def test_every_reader_both_reads_and_refuses(run):
    for name, tally in run.tallies.items():
        assert tally.read and tally.refused, f"{name}: the texts try only one side of it"
    figures = text_figures(run)
    assert figures["n"] == figures["read"] + figures["refused"] == N


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_what_is_spoilt_was_well_formed(reader):
    """Each format's own texts are mostly read: the mutations start from both sides of what is well-formed."""
    read = 0
    for text in reader.corpus:
        try:
            reader.read(text, False)
            read += 1
        except (ModelError, PromptError):
            continue
    assert read >= len(reader.corpus) / 2


def test_the_same_seed_gives_the_same_texts():
    texts = []
    for seed in (1, 1, 2):
        rng = Random(seed)
        texts.append([mutated("red mug", ("a", "b"), rng) for _ in range(200)])
    assert texts[0] == texts[1] != texts[2]
    assert len(set(texts[0])) > 150 and max(map(len, texts[0])) <= MAX_CHARACTERS


def test_crashes_and_unsound_results_are_found_out(monkeypatch, capsys, tmp_path):
    def crash(text, cut):
        raise KeyError("bbox_2d")

    def lie(text, cut):
        raise Unsound("a box is turned inside out")

    readers = (Reader("crashing", crash, ("a",)), Reader("lying", lie, ("b",)))
    monkeypatch.setattr(benchmark, "READERS", readers)
    status, out, err = bench_text(monkeypatch, capsys, tmp_path)
    figures = json.loads(out)
    assert status == 1
    assert (figures["crashes"], figures["unsound"], figures["read"]) == (30, 30, 0)
    assert "KeyError" in err and "inside out" in err


def test_the_command_writes_its_figures(monkeypatch, capsys, tmp_path):
    status, out, _ = bench_text(monkeypatch, capsys, tmp_path)
    assert status == 0
    assert json.loads(out)["crashes"] == 0
    assert json.loads((tmp_path / "text.json").read_text(encoding="utf-8")) == json.loads(out)
    assert len((tmp_path / "text.csv").read_text(encoding="utf-8").splitlines()) == 1 + len(READERS)


def bench_text(monkeypatch, capsys, out):
    """(exit status, stdout, stderr) of the command."""
    monkeypatch.setattr(sys, "argv", ["vlm-picking", "bench", "text", "--n", "60", "--json", "--out", str(out)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    captured = capsys.readouterr()
    return ended.value.code, captured.out, captured.err
