"""The conformance of every family, and that it catches adapters that break its rules."""

import json
import re

import numpy as np
import pytest

pytest.importorskip("torch", reason="models need torch")
pytest.importorskip("transformers", reason="models need transformers")

from vlm_picking.conformance.checks import Outcome, check_all, check_family, tiny_checkpoints  # noqa: E402
from vlm_picking.conformance.tiny import clip, image_classification, owl  # noqa: E402
from vlm_picking.models import owl as owl_adapter  # noqa: E402
from vlm_picking.models.base import Role  # noqa: E402
from vlm_picking.models.clip import FAMILY as CLIP  # noqa: E402
from vlm_picking.models.image_classification import FAMILY as CLASSIFIERS  # noqa: E402
from vlm_picking.models.image_classification import ImageClassifier  # noqa: E402
from vlm_picking.models.owl import FAMILY as OWL  # noqa: E402
from vlm_picking.models.owl import OwlDetector  # noqa: E402
from vlm_picking.models.registry import families  # noqa: E402

TINY = {tiny.name: tiny for tiny in tiny_checkpoints()}
MEGABYTES = 3


@pytest.mark.parametrize("name", TINY)
def test_a_family_keeps_every_rule(name, tmp_path):
    (verdict,) = check_all(tmp_path, (name,))
    if verdict.outcome is Outcome.SKIPPED:
        pytest.skip(verdict.why)
    assert verdict.findings == ()
    files = list((tmp_path / name).glob("*"))
    assert sum(file.stat().st_size for file in files) < MEGABYTES * 1e6


def test_every_model_type_is_of_a_family_that_has_a_tiny_checkpoint():
    assert {id(family) for family in families().values()} == {id(tiny.family) for tiny in TINY.values()}


@pytest.mark.parametrize("name", ["owlvit", "paligemma2", "florence2"])
def test_a_tiny_checkpoint_is_the_same_for_a_seed_and_another_for_another(name, tmp_path):
    build = TINY[name].build
    one, same, other = (build(tmp_path / str(i), seed=seed) for i, seed in enumerate((1, 1, 2)))
    weights = [(path / "model.safetensors").read_bytes() for path in (one, same, other)]
    assert weights[0] == weights[1] != weights[2]
    assert json.loads((one / "config.json").read_text())["model_type"] in families()


@pytest.fixture(scope="module")
def owlvit(tmp_path_factory):
    return owl.TINY["owlvit"](tmp_path_factory.mktemp("owlvit"))


def rules_broken(checkpoint, family):
    return {
        finding.rule.removeprefix("zero-shot detection: "): finding.why for finding in check_family(checkpoint, family)
    }


def test_boxes_outside_of_the_image_are_found_out(owlvit, monkeypatch):
    look = OwlDetector.detect
    monkeypatch.setattr(OwlDetector, "detect", lambda self, *a: (d := look(self, *a)).replace(xyxy=d.xyxy * 3))
    assert "boxes outside" in rules_broken(owlvit, OWL)["any size of picture"]


def test_a_memory_that_knows_images_by_their_address_is_found_out(owlvit, monkeypatch):
    class ByAddress(owl_adapter.ImageMemory):
        def get(self, rgb, compute):
            self.known = getattr(self, "known", {})
            return self.known.setdefault((id(rgb), rgb.shape), compute(rgb))

    monkeypatch.setattr(owl_adapter, "ImageMemory", ByAddress)
    look = OwlDetector.detect
    seen = []

    def detect(self, rgb, phrases):
        seen.append(rgb)  # addresses are not used again
        return look(self, rgb, phrases)

    monkeypatch.setattr(OwlDetector, "detect", detect)
    assert "asking again" in rules_broken(owlvit, OWL)


def test_labels_that_nobody_asked_for_are_found_out(owlvit, monkeypatch):
    look = OwlDetector.detect

    def detect(self, rgb, phrases):
        found = look(self, rgb, phrases)
        return found.replace(label=np.array(["thing"] * len(found), dtype=object))

    monkeypatch.setattr(OwlDetector, "detect", detect)
    assert "nobody asked" in rules_broken(owlvit, OWL)["one phrase and sixteen"]


def test_an_adapter_that_swallows_empty_phrases_is_found_out(owlvit, monkeypatch):
    look = OwlDetector.detect
    monkeypatch.setattr(
        OwlDetector, "detect", lambda self, rgb, phrases: look(self, rgb, [p for p in phrases if p.strip()])
    )
    assert "detect took" in rules_broken(owlvit, OWL)["wrong input is refused"]


@pytest.fixture(scope="module")
def resnet(tmp_path_factory):
    return image_classification.TINY["resnet"](tmp_path_factory.mktemp("resnet"))


@pytest.mark.parametrize(
    ("spoilt", "rule", "why"),
    [
        (lambda look, self, frame, xyxy: look(self, frame, xyxy) * 3, "boxes of any frame", "sum to more than 1"),
        (lambda look, self, frame, xyxy: look(self, frame, xyxy) * 0.9 + 0.01, "boxes of any frame", "without an area"),
        (lambda look, self, frame, xyxy: look(self, frame, xyxy)[::-1].copy(), "boxes of any frame", "area|order"),
        (lambda look, self, frame, xyxy: look(self, frame, np.abs(np.sort(xyxy))), "wrong input is refused", "took"),
    ],
    ids=["not shares", "nothing is something", "shuffled", "boxes mended in silence"],
)
def test_classifiers_that_break_their_rules_are_found_out(resnet, monkeypatch, spoilt, rule, why):
    look = ImageClassifier.classify_boxes
    monkeypatch.setattr(ImageClassifier, "classify_boxes", lambda *arguments: spoilt(look, *arguments))
    found = {f.rule.removeprefix("image classification: "): f.why for f in check_family(resnet, CLASSIFIERS)}
    assert re.search(why, found[rule])


def test_a_classifier_that_guesses_words_is_found_out(resnet, monkeypatch):
    told = ImageClassifier.phrase_probability

    def guessed(self, probabilities, phrase):
        return told(self, probabilities, phrase if self.knows(phrase) else self.classes[0])

    monkeypatch.setattr(ImageClassifier, "phrase_probability", guessed)
    (finding,) = check_family(resnet, CLASSIFIERS)
    assert "phrase_probability took ''" in finding.why


def test_control_tokens_that_reach_the_model_are_found_out(tmp_path, monkeypatch):
    from vlm_picking.models import tokens

    checkpoint = clip.TINY["clip"](tmp_path)
    real = tokens.tokenised

    class Trusting:
        """A tokenizer that takes what an operator types for what it looks like."""

        def __init__(self, tokenizer):
            self.tokenizer = tokenizer

        def __call__(self, texts, **options):
            return self.tokenizer(texts, **(options | {"split_special_tokens": False}))

        def __getattr__(self, name):
            return getattr(self.tokenizer, name)

    from vlm_picking.models import contrastive

    monkeypatch.setattr(contrastive, "tokenised", lambda tokenizer, *a, **k: real(Trusting(tokenizer), *a, **k))
    (finding,) = (f for f in check_family(checkpoint, CLIP) if "control tokens" in f.rule)
    assert "puts control tokens" in finding.why


def test_roles_that_are_declared_and_not_played_are_found_out(owlvit):
    from dataclasses import replace

    wrong = replace(OWL, roles=OWL.roles | {Role.CAPTIONING})
    findings = {finding.rule: finding.why for finding in check_family(owlvit, wrong)}
    assert "captioning" in findings["its roles"]


def test_a_checkpoint_that_does_not_load_is_one_finding(tmp_path):
    (finding,) = check_family(tmp_path, OWL)
    assert finding.rule == "it loads" and "config.json" in finding.why
