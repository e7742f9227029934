"""Pipelines of tiny checkpoints of the genuine formats: their random weights can't be right, what they say must be
well-formed, and what a family can't do must be told."""

import json
import sys
from dataclasses import replace as with_fields
from importlib import import_module
from pathlib import Path

import pytest

pytest.importorskip("transformers", reason="models need transformers")

from vlm_picking import cli  # noqa: E402
from vlm_picking.config import PickingConfig  # noqa: E402
from vlm_picking.errors import ModelError  # noqa: E402
from vlm_picking.pipeline import PickingPipeline  # noqa: E402
from vlm_picking.result import Status  # noqa: E402

BUILT_BY = {
    "clip": "clip",
    "clipseg": "clipseg",
    "florence2": "florence2",
    "llava_onevision": "llava",
    "qwen3_vl": "qwen_vl",
    "owlv2": "owl",
    "sam": "sam",
}
# Which of them say where things are.
FINDING = ("clipseg", "florence2", "qwen3_vl", "owlv2")
# The others are asked of every family in end_to_end/test_every_model_answers.py.
SENTENCES = ("pick the red mug", "what do you see?", "what colour is the mug?", "did the mug move?")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """The directory of a tiny checkpoint, by its name; built on first use."""
    built: dict[str, str] = {}

    def directory(name: str) -> str:
        if name not in built:
            module = import_module(f"vlm_picking.conformance.tiny.{BUILT_BY[name]}")
            built[name] = str(module.TINY[name](tmp_path_factory.mktemp(name) / name))
        return built[name]

    return directory


def load(**settings) -> PickingPipeline:
    return PickingPipeline.from_config(
        PickingConfig(device="cpu", offline=True, grippers=("suction_30mm",), **settings)
    )


@pytest.mark.parametrize("name", BUILT_BY)
def test_any_family_may_be_the_main_model(name, checkpoint, simulated_bin):
    pipeline = load(model=checkpoint(name))
    pipeline.remember(simulated_bin.frame)
    frame = with_fields(simulated_bin.frame, stamp_ns=simulated_bin.frame.stamp_ns + 10**9)
    for sentence in SENTENCES:
        result = pipeline.run(frame, sentence)
        assert result.answer.text and result.answer.reason, sentence
        assert result.answer.status is not Status.FAILED or not len(result.detections), sentence
        assert result.detections.mask is not None or not len(result.detections), sentence
        if sentence == "pick the red mug" and name not in FINDING:
            assert result.answer.status is Status.FAILED
            assert "set detection_model" in result.answer.reason


def test_five_models_each_in_its_role(checkpoint, simulated_bin):
    pipeline = load(
        model="embedded",
        similarity_model=checkpoint("clip"),
        answering_model=checkpoint("qwen3_vl"),
        captioning_model=checkpoint("qwen3_vl"),
        segmentation_model=checkpoint("sam"),
    )
    models = pipeline.models
    assert len(models.models) == 5, "the embedded detector brings its classifier along"
    assert models.answerer is models.captioner and models.answerer.max_images > 1
    assert pipeline.history_limit == 4
    result = pipeline.run(simulated_bin.frame, "is there an apple?")
    for model in (models.detector, models.classifier, models.scorer, models.answerer):
        assert model.name in result.model
    found = pipeline.run(simulated_bin.frame, "where is the mug?")
    assert models.scorer.name not in found.model
    assert not len(found.detections) or models.box_segmenter.name in found.model


@pytest.mark.parametrize(("at", "in_reason"), [("4", "qwen3_vl"), ("0", "none yet")])
def test_the_command_line_shows_the_moments_before(at, in_reason, checkpoint, monkeypatch, capsys):
    bag = Path(__file__).parents[1] / "examples" / "bin"
    asked = [str(bag), "did the mug move?", "--at", at, "--json", "--answering-model", checkpoint("qwen3_vl")]
    monkeypatch.setattr(sys, "argv", ["vlm-picking", "ask", *asked, "--device", "cpu", "--offline"])
    with pytest.raises(SystemExit):
        cli.main()
    assert in_reason in json.loads(capsys.readouterr().out)["reason"]


@pytest.mark.parametrize(
    ("setting", "name", "told"),
    [
        ("detection_model", "clip", "does no zero-shot detection; it can be used for image-text similarity"),
        ("answering_model", "sam", "does no visual question answering; it can be used for segmentation by box"),
        ("segmentation_model", "llava_onevision", "does no segmentation by phrase nor segmentation by box"),
    ],
)
def test_a_role_that_a_family_can_t_play_is_refused(setting, name, told, checkpoint):
    with pytest.raises(ModelError, match=told):
        load(**{setting: checkpoint(name)})
