"""What a checkpoint knows of itself."""

import numpy as np
import pytest

from vlm_picking.errors import ModelError
from vlm_picking.models.sidecar import SIDECAR_FILE, Sidecar, sidecar_path


def test_it_comes_back_as_it_was_written(tmp_path):
    sidecar = Sidecar(
        name="small",
        vocabulary=frozenset({"mug"}),
        classes=("mug",),
        colours=frozenset({"red"}),
        categories={"crockery": ("mug",)},
        template="{}",
        scale=2.0,
        bias=-1.0,
        coloured=(1.5, 0.5),
        classifier="closeup",
        fusion=(1.0, 0.5, -0.25),
    )
    sidecar.write(tmp_path, measured={"map50": 0.5})
    assert Sidecar.read(tmp_path, name="other") == sidecar


def test_without_a_file_everything_is_open(tmp_path):
    sidecar = Sidecar.read(tmp_path, name="big")
    assert sidecar == Sidecar(name="big")
    assert sidecar.fusion is None and sidecar.classifier == ""
    assert sidecar.prompt("red mug") == "a photo of a red mug"
    assert sidecar.probability(np.array([0.0]), "mug")[0] == pytest.approx(0.5)


def test_probabilities_rise_with_the_logit_and_stay_within_bounds():
    logits = np.array([-1e6, -3.0, 0.5, 3.0, 1e6])
    probability = Sidecar(name="x", scale=1.7, bias=0.3).probability(logits, "mug")
    assert (np.diff(probability) >= 0).all()
    assert probability.min() >= 0 and probability.max() <= 1
    assert probability[2] == pytest.approx(1 / (1 + np.exp(-(1.7 * 0.5 + 0.3))), abs=1e-6)


def test_a_colour_before_the_noun_has_its_own_curve():
    sidecar = Sidecar(name="x", colours=frozenset({"red", "orange"}), coloured=(1.0, 3.0), bias=-2.0)
    zero = np.zeros(1)
    assert sidecar.probability(zero, "red mug")[0] == pytest.approx(1 / (1 + np.exp(-3)))
    for phrase in ("mug", "orange", "striped mug", "mug red"):
        assert sidecar.probability(zero, phrase)[0] == pytest.approx(1 / (1 + np.exp(2)))


@pytest.mark.parametrize(
    "content",
    [
        "{",
        '"text"',
        '{"vocabulary": 3}',
        '{"score_calibration": {"scale": "much"}}',
        '{"score_calibration": 1}',
        '{"score_calibration": {"coloured": [1]}}',
        '{"categories": ["fruit"]}',
        '{"categories": {"fruit": 3}}',
        '{"classifier": 3}',
        '{"fusion": 3}',
        '{"coloured_fusion": [1, 1]}',
        '{"fusion": [1, 1]}',
        '{"fusion": [1, 1, 1, 1]}',
        '{"fusion": [1, "much", 0]}',
        '{"further_bias": "much"}',
        '{"outline_fusion": [1]}',
        '{"outline_fusion": 1}',
    ],
    ids=[
        *("cut off", "no object", "vocabulary", "scale", "calibration", "coloured", "categories", "members"),
        *("classifier", "no weights", "coloured weights", "two weights", "four weights"),
        *("a word for a weight", "a word for a bias", "one weight of an outline", "no weights of an outline"),
    ],
)
def test_a_broken_file_is_refused(tmp_path, content):
    (tmp_path / SIDECAR_FILE).write_text(content)
    with pytest.raises(ModelError, match="can't be read"):
        Sidecar.read(tmp_path, name="x")


def test_a_bias_may_be_negative_and_a_weight_zero(tmp_path):
    Sidecar(name="x", fusion=(0.0, 1.0, -3.0)).write(tmp_path)
    assert Sidecar.read(tmp_path, name="x").fusion == (0.0, 1.0, -3.0)
    assert Sidecar.read(tmp_path, name="x").weights("red mug") == (0.0, 1.0, -3.0)
    Sidecar(name="x", fusion=(0.0, 1.0, -3.0), coloured_fusion=(1.0, 0.2, 0.0)).write(tmp_path)
    assert Sidecar.read(tmp_path, name="x").weights("red mug") == (1.0, 0.2, 0.0)
    assert Sidecar.read(tmp_path, name="x").weights("mug") == (0.0, 1.0, -3.0)
    assert Sidecar.read(tmp_path, name="x").further_bias == 0.0
    Sidecar(name="x", further_bias=2.5).write(tmp_path)
    assert Sidecar.read(tmp_path, name="x").further_bias == 2.5
    assert Sidecar.read(tmp_path, name="x").outline_fusion is None
    Sidecar(name="x", outline_fusion=(0.0, -2.0)).write(tmp_path)
    assert Sidecar.read(tmp_path, name="x").outline_fusion == (0.0, -2.0)


@pytest.mark.parametrize(
    "bad",
    [
        {"scale": 0.0},
        {"scale": float("nan")},
        {"bias": float("inf")},
        {"coloured": (0.0, 1.0)},
        {"template": "a photo"},
        {"categories": {"fruit": ()}},
        {"fusion": (-0.1, 1.0, 0.0)},
        {"fusion": (1.0, -0.1, 0.0)},
        {"fusion": (1.0, 1.0, float("nan"))},
        {"fusion": (float("inf"), 1.0, 0.0)},
        {"further_bias": -0.1},
        {"outline_fusion": (-0.1, 0.0)},
        {"outline_fusion": (1.0, float("inf"))},
        {"further_bias": float("nan")},
    ],
)
def test_values_that_make_no_sense(bad):
    with pytest.raises(ModelError):
        Sidecar(name="x", **bad)


def test_logits_come_back_from_probabilities():
    sidecar = Sidecar(name="x", scale=2.0, bias=-1.0, coloured=(0.5, 3.0))
    logits = np.linspace(-4, 4, 9)
    for phrase in ("mug", "red mug"):
        np.testing.assert_allclose(sidecar.logit(sidecar.probability(logits, phrase), phrase), logits, atol=1e-2)
    assert np.isfinite(sidecar.logit(np.array([0.0, 1.0]), "mug")).all()


def test_a_model_of_open_vocabulary_knows_a_colour_when_it_sees_one():
    sidecar = Sidecar(name="x", coloured=(1.0, 3.0))
    assert sidecar.is_coloured("turquoise mug") and not sidecar.is_coloured("striped mug")
    assert sidecar.probability(np.zeros(1), "red mug")[0] == pytest.approx(1 / (1 + np.exp(-3)))
    assert sidecar.probability(np.zeros(1), "mug")[0] == pytest.approx(0.5)


def test_categories_are_asked_by_their_members():
    sidecar = Sidecar(name="x", vocabulary=frozenset({"apple", "pear"}), categories={"fruit": ("apple", "pear")})
    assert sidecar.members("fruit") == ("apple", "pear")
    assert sidecar.members("green fruit") == ("green apple", "green pear")
    for phrase in ("apple", "red apple", "striped fruit"):
        assert sidecar.members(phrase) == (phrase,)
    assert sidecar.words == {"apple", "pear", "fruit"}
    assert Sidecar(name="open").words is None


def test_a_checkpoint_of_the_hub_has_its_sidecar_in_the_users_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = sidecar_path("google/owlv2-base")
    assert tmp_path in path.parents and path.suffix == ".json"
    assert Sidecar.read("google/owlv2-base", name="owlv2-base") == Sidecar(name="owlv2-base")
    path.parent.mkdir(parents=True)
    path.write_text('{"score_calibration": {"scale": 3.0, "bias": 1.0}}')
    assert Sidecar.read("google/owlv2-base", name="owlv2-base") == Sidecar(name="owlv2-base", scale=3.0, bias=1.0)
    assert sidecar_path(tmp_path) == tmp_path / SIDECAR_FILE
