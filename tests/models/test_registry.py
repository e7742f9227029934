"""Names to models, and what is said when there is none."""

import json
import subprocess
import sys

import pytest

from vlm_picking.errors import ModelError
from vlm_picking.models.loading import choose_device, read_config
from vlm_picking.models.registry import EMBEDDED_DIRECTORY, families, find_model, load_detector


def test_the_registry_loads_no_heavy_module():
    code = "import sys, vlm_picking.models.registry; print({'torch', 'transformers'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


def test_the_embedded_model_is_found():
    source = find_model()
    assert source.checkpoint == str(EMBEDDED_DIRECTORY)
    assert source.family is families()["owlvit"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("embeded", "did you mean 'embedded'"),
        ("owl3", "did you mean 'owl"),
        ("", "known: "),
        ("/nowhere/at/all", "there is no directory /nowhere/at/all"),
        ("./nowhere", "there is no directory"),
    ],
)
def test_unknown_names(name, told):
    with pytest.raises(ModelError, match=told):
        find_model(name)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "lacks config.json and model.safetensors"),
        ({"config.json": "{}"}, "lacks model.safetensors"),
        ({"model.safetensors": ""}, "lacks config.json"),
        ({"config.json": "{", "model.safetensors": ""}, "no JSON"),
        ({"config.json": "[]", "model.safetensors": ""}, "no object"),
        (
            {"config.json": json.dumps({"model_type": "bert"}), "model.safetensors": ""},
            "'bert', which has no adapter",
        ),
        (
            {"config.json": json.dumps({"model_type": "owlvit2"}), "model.safetensors": ""},
            "did you mean 'owlvit'",
        ),
        (
            {"config.json": json.dumps({}), "model.safetensors": ""},
            "'None', which has no adapter|None, which has no",
        ),
    ],
    ids=["empty", "no weights", "no config", "broken", "list", "bert", "typo", "no family"],
)
def test_directories_that_are_no_model(tmp_path, files, told):
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(ModelError, match=told):
        load_detector(str(tmp_path))


def test_a_file_is_no_model(tmp_path):
    (tmp_path / "weights.pt").write_bytes(b"x")
    with pytest.raises(ModelError, match="is a file"):
        find_model(str(tmp_path / "weights.pt"))


def test_the_hub_offline_names_the_fix(tmp_path, monkeypatch):
    pytest.importorskip("transformers", reason="models need transformers")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(ModelError, match="local cache.*hf download someone/something-that-is-not-there"):
        read_config("someone/something-that-is-not-there", offline=True)


def test_without_transformers_the_command_is_named(monkeypatch):
    from vlm_picking.models import loading

    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"pip install 'vlm_picking\[models\]'"):
        load_detector()


def test_weights_that_lack_tensors_are_refused(tmp_path):
    """The library would fill the gaps with noise."""
    pytest.importorskip("transformers", reason="models need transformers")
    from safetensors.torch import load_file, save_file

    from vlm_picking.conformance.tiny.owl import build_owlvit

    directory = build_owlvit(tmp_path / "model")
    weights = load_file(directory / "model.safetensors")
    del weights["box_head.dense2.weight"]
    save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="lacks 1 weights .* 'box_head.dense2.weight'"):
        load_detector(str(directory), device="cpu")


def test_broken_weights_are_refused(tmp_path):
    pytest.importorskip("transformers", reason="models need transformers")
    from vlm_picking.conformance.tiny.owl import build_owlvit

    directory = build_owlvit(tmp_path / "model")
    (directory / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(ModelError, match="can't load the weights"):
        load_detector(str(directory), device="cpu")


def test_a_checkpoint_without_tokenizer_is_refused(tmp_path):
    pytest.importorskip("transformers", reason="models need transformers")
    from vlm_picking.conformance.tiny.owl import build_owlvit

    directory = build_owlvit(tmp_path / "model")
    for path in directory.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(ModelError, match="tokenizer"):
        load_detector(str(directory), device="cpu")


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "tpu:0"])
def test_unknown_devices(device):
    pytest.importorskip("torch", reason="devices are torch's")
    with pytest.raises(ModelError, match="unknown device"):
        choose_device(device)


def test_a_missing_gpu_says_what_to_do():
    torch = pytest.importorskip("torch", reason="devices are torch's")
    if torch.cuda.is_available():
        assert choose_device("auto") == "cuda"
        return
    assert choose_device("auto") == "cpu"
    with pytest.raises(ModelError, match="'cpu' or 'auto'"):
        choose_device("cuda")


@pytest.mark.parametrize("model_type", families())
def test_every_family_says_what_there_is_to_know(model_type):
    family = families()[model_type]
    assert model_type in family.model_types
    assert family.name and family.licence and family.roles
    assert callable(family.load)
    assert all(parameters.strip() for parameters in family.checkpoints.values())


def test_a_model_that_detects_nothing_is_no_detector(tmp_path):
    pytest.importorskip("transformers", reason="models need transformers")
    from vlm_picking.conformance.tiny.clip import build_clip

    directory = build_clip(tmp_path / "model")
    with pytest.raises(
        ModelError, match=r"CLIP\) does no zero-shot detection; it can be used for image-text similarity"
    ):
        load_detector(str(directory), device="cpu")
