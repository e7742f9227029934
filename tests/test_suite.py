"""Which model plays which role, by name and by what it can."""

import pytest

from tests.known_models import Answerer, BoxOutlines, Captioner, PhraseOutlines
from tests.ros.toys import ToyDetector
from vlm_picking.config import PickingConfig
from vlm_picking.errors import ModelError
from vlm_picking.models.base import ZeroShotDetector
from vlm_picking.models.suite import ROLES_OF_SETTING, ModelSuite


def test_every_setting_of_a_role_is_one_of_the_configuration():
    assert set(ROLES_OF_SETTING) <= set(PickingConfig.model_fields)
    assert all(PickingConfig.model_fields[name].default == "" for name in ROLES_OF_SETTING)


def test_the_first_that_can_plays_a_role():
    one, other, captioner = Answerer(), Answerer(max_images=4), Captioner()
    suite = ModelSuite.of(one, captioner, other)
    assert suite.answerer is one and suite.captioner is captioner
    assert suite.detector is None and suite.finder is None
    assert suite.name == "answerer + captioner"


def test_what_plays_no_role_is_refused_with_the_roles():
    with pytest.raises(ModelError, match="object has the methods of no role; .*zero-shot detection"):
        ModelSuite.of(object())


def test_a_segmenter_of_phrases_finds_where_nobody_detects(simulated_bin):
    outlines = PhraseOutlines(simulated_bin.truth)
    finder = ModelSuite.of(outlines).finder
    assert isinstance(finder, ZeroShotDetector)
    assert len(finder.detect(simulated_bin.frame.rgb, ["mug"])) == 2
    detector = ToyDetector()
    assert ModelSuite.of(detector, outlines).finder is detector


@pytest.mark.parametrize(
    ("model", "expected"),
    [(Answerer(), True), (Captioner(), False), (BoxOutlines(None), False), (ToyDetector(), True)],
    ids=["answers", "captions", "segments boxes", "detects"],
)
def test_who_can_tell_presence(model, expected):
    assert ModelSuite.of(model).can_tell_presence is expected


def test_the_main_model_alone():
    pytest.importorskip("transformers", reason="models need transformers")
    suite = ModelSuite.load("embedded", device="cpu")
    assert suite.detector is suite.models[0] and len(suite.models) == 1
    assert suite.scorer is suite.answerer is suite.box_segmenter is None


def test_a_checkpoint_that_is_named_twice_is_loaded_once():
    pytest.importorskip("transformers", reason="models need transformers")
    from vlm_picking.models.registry import EMBEDDED_DIRECTORY

    suite = ModelSuite.load("embedded", detection_model=str(EMBEDDED_DIRECTORY / ".." / "embedded"), device="cpu")
    assert len(suite.models) == 1


@pytest.mark.parametrize("setting", sorted(set(ROLES_OF_SETTING) - {"detection_model"}))
def test_a_model_that_can_t_play_its_role_is_refused_with_what_it_can(setting):
    with pytest.raises(ModelError, match=rf"{setting} 'embedded' \(.*\) does no .*; it can be used for .*detection"):
        ModelSuite.load("embedded", **{setting: "embedded"})


def test_an_unknown_name_is_refused_by_its_own():
    with pytest.raises(ModelError, match="unknown model 'embeded'; did you mean 'embedded'"):
        ModelSuite.load("embedded", answering_model="embeded")
