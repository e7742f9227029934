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
    suite = ModelSuite.load("embedded", device="cpu", classification_model="none")
    assert suite.detector is suite.models[0] and len(suite.models) == 1
    assert suite.scorer is suite.answerer is suite.box_segmenter is None


def test_a_checkpoint_that_is_named_twice_is_loaded_once():
    pytest.importorskip("transformers", reason="models need transformers")
    from vlm_picking.models.registry import EMBEDDED_DIRECTORY

    again = str(EMBEDDED_DIRECTORY / ".." / "embedded")
    suite = ModelSuite.load("embedded", detection_model=again, classification_model="none", device="cpu")
    assert len(suite.models) == 1


def test_the_embedded_detector_brings_its_classifier_along():
    pytest.importorskip("transformers", reason="models need transformers")
    suite = ModelSuite.load("embedded", device="cpu")
    assert suite.classifier is not None and suite.classifier is not suite.detector
    assert set(suite.classifier.classes) == set(suite.detector.classes)
    assert all(map(suite.classifier.knows, suite.detector.vocabulary)), "every word of the one is one of the other"


@pytest.mark.parametrize("setting", sorted(set(ROLES_OF_SETTING) - {"detection_model"}))
def test_a_model_that_can_t_play_its_role_is_refused_with_what_it_can(setting):
    with pytest.raises(ModelError, match=rf"{setting} 'embedded' \(.*\) does no .*; it can be used for .*detection"):
        ModelSuite.load("embedded", **{setting: "embedded"})


def test_an_unknown_name_is_refused_by_its_own():
    with pytest.raises(ModelError, match="unknown model 'embeded'; did you mean 'embedded'"):
        ModelSuite.load("embedded", answering_model="embeded")


@pytest.fixture(scope="module")
def detector_with_its_own(tmp_path_factory):
    """A checkpoint of a detector whose sidecar names a classifier in a directory below it."""
    pytest.importorskip("transformers", reason="models need transformers")
    from vlm_picking.conformance.tiny.image_classification import TINY
    from vlm_picking.conformance.tiny.owl import build_owlvit
    from vlm_picking.models.sidecar import Sidecar

    root = build_owlvit(tmp_path_factory.mktemp("own") / "detector")
    Sidecar(name="detector", classifier="closeup").write(root)
    TINY["resnet"](root / "closeup")
    TINY["vit"](root.parent / "other")
    return root


def test_a_detector_brings_its_own_classifier(detector_with_its_own):
    suite = ModelSuite.load(str(detector_with_its_own), device="cpu", offline=True)
    assert suite.classifier.name == "closeup"
    assert suite.models == (suite.detector, suite.classifier)
    assert suite.name == "detector + closeup"


def test_so_does_one_that_is_not_the_main_model(detector_with_its_own):
    suite = ModelSuite.load("embedded", detection_model=str(detector_with_its_own), device="cpu", offline=True)
    assert suite.classifier.name == "closeup"


def test_another_classifier_is_taken_or_none(detector_with_its_own):
    other = str(detector_with_its_own.parent / "other")
    suite = ModelSuite.load(str(detector_with_its_own), classification_model=other, device="cpu", offline=True)
    assert suite.classifier.name == "other" and suite.detector.name == "detector"
    without = ModelSuite.load(str(detector_with_its_own), classification_model="none", device="cpu", offline=True)
    assert without.classifier is None and len(without.models) == 1


def test_only_a_classifier_may_be_left_out_by_none():
    with pytest.raises(ModelError, match="unknown model 'none'"):
        ModelSuite.load("embedded", detection_model="none")


def test_the_main_model_classifies_where_no_detector_brings_one(detector_with_its_own):
    suite = ModelSuite.load(str(detector_with_its_own.parent / "other"), device="cpu", offline=True)
    assert suite.classifier.name == "other" and suite.finder is None and not suite.can_tell_presence


def test_a_classifier_that_is_not_where_the_detector_says_is_missed(detector_with_its_own, tmp_path):
    import shutil

    lonely = tmp_path / "detector"
    shutil.copytree(detector_with_its_own, lonely, ignore=shutil.ignore_patterns("closeup"))
    with pytest.raises(ModelError, match="there is no directory .*closeup"):
        ModelSuite.load(str(lonely), device="cpu", offline=True)
