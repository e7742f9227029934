"""The checkpoint that ships, on bins that it was not trained on; loose bounds that a broken one misses."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

pytest.importorskip("torch", reason="models need torch")
pytest.importorskip("transformers", reason="models need transformers")
pytest.importorskip("mujoco", reason="the scenes are simulated (extra 'sim')")

from vlm_picking.detections import box_iou  # noqa: E402
from vlm_picking.frame_files import read_npz  # noqa: E402
from vlm_picking.models.registry import EMBEDDED_DIRECTORY, load_detector  # noqa: E402

SEED = 7_000_000  # training takes its scenes from 1,000,000 on
N_SCENES = 10
EXAMPLES = EMBEDDED_DIRECTORY.parents[2] / "examples"


@dataclass(frozen=True, eq=False)
class Picture:
    """A photograph of a bin, and what is in it."""

    rgb: np.ndarray
    objects: tuple

    def boxes_of(self, kind: str) -> np.ndarray:
        return np.array([o.xyxy for o in self.objects if o.kind == kind], float).reshape(-1, 4)


@pytest.fixture(scope="module")
def detector():
    return load_detector("embedded", device="cpu", offline=True)


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    from vlm_picking.sim.render import SceneRenderer
    from vlm_picking.sim.scene import make_scene
    from vlm_picking.sim.sensor import photograph
    from vlm_picking.sim.truth import frame_truth
    from vlm_picking.sim.view import random_view

    taken = []
    for seed in range(SEED, SEED + N_SCENES):
        rng = np.random.default_rng((seed, 3))
        scene = make_scene(seed)
        with SceneRenderer(scene) as renderer:
            rendered = renderer.render(random_view(rng, scene.crate, width=384, height=288))
        taken.append(Picture(photograph(rendered.rgb, rng), frame_truth(scene, rendered).objects))
    return taken


@pytest.fixture(scope="module")
def example():
    truth = json.loads((EXAMPLES / "truth.json").read_text())
    return read_npz(EXAMPLES / "bin_frame.npz"), truth["objects"], truth["absent"]


def test_it_says_what_it_was_taught(detector):
    assert {"mug", "cup", "packaging", "toilet roll", "fruit", "tool"} <= detector.vocabulary
    assert "giraffe" not in detector.vocabulary
    assert set(detector.classes) <= detector.vocabulary and len(detector.classes) == 40
    assert {"red", "grey", "cyan"} <= detector.colours


def test_the_library_loads_it_whole():
    from transformers import AutoProcessor, OwlViTForObjectDetection, OwlViTProcessor

    model, report = OwlViTForObjectDetection.from_pretrained(EMBEDDED_DIRECTORY, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    processor = AutoProcessor.from_pretrained(EMBEDDED_DIRECTORY)
    assert isinstance(processor, OwlViTProcessor)
    assert len(processor.tokenizer) == model.config.text_config.vocab_size
    assert sum(path.stat().st_size for path in EMBEDDED_DIRECTORY.iterdir()) < 12e6


def test_the_librarys_own_processing_finds_the_same_box(detector, example):
    import torch
    from transformers import AutoProcessor, OwlViTForObjectDetection

    rgb = example[0].rgb
    processor = AutoProcessor.from_pretrained(EMBEDDED_DIRECTORY)
    model = OwlViTForObjectDetection.from_pretrained(EMBEDDED_DIRECTORY).eval()
    with torch.no_grad():
        outputs = model(**processor(text=[["bowl"]], images=rgb, return_tensors="pt"))
    (stock,) = processor.post_process_grounded_object_detection(outputs, threshold=0.0, target_sizes=[rgb.shape[:2]])
    best = stock["boxes"][stock["scores"].argmax()].numpy()
    ours = detector.detect(rgb, ["bowl"]).by_score().xyxy[0]
    assert box_iou(best[None], ours[None])[0, 0] > 0.98


def test_the_best_box_of_a_kind_that_is_there_lies_on_one(detector, pictures):
    hits = []
    for picture in pictures:
        clear = {o.kind for o in picture.objects if o.kind and o.visible > 0.7}
        found = detector.detect(picture.rgb, sorted(clear)).by_score()
        for kind in clear:
            best = found[found.label == kind].xyxy[:1]
            hits.append(box_iou(best, picture.boxes_of(kind)).max() >= 0.5)
    assert len(hits) >= 30
    assert np.mean(hits) >= 0.7


def test_it_tells_what_is_there_from_what_is_not(detector, pictures):
    there, absent = [], []
    for picture in pictures:
        found = detector.detect(picture.rgb, detector.classes)
        for kind in detector.classes:
            score = found[found.label == kind].score.max()
            shown = [o.visible for o in picture.objects if o.kind == kind]
            if not shown:
                absent.append(score < 0.5)
            elif max(shown) > 0.7:
                there.append(score >= 0.5)
    assert len(there) >= 30 and len(absent) >= 50
    assert (np.mean(there) + np.mean(absent)) / 2 >= 0.75


def test_words_that_it_never_learnt_stay_silent(detector, pictures):
    words = ["giraffe", "sewing machine", "zorblat", "ceiling", "xylem", "periscope"]
    scores = [detector.detect(picture.rgb, words).score.max() for picture in pictures]
    assert np.mean(np.array(scores) < 0.5) >= 0.9


def test_the_example_bin(detector, example):
    frame, objects, absent = example
    found = detector.detect(frame.rgb, detector.classes)
    present = {o["kind"] for o in objects}
    for kind in present:
        best = found[found.label == kind].by_score()
        boxes = np.array([o["xyxy"] for o in objects if o["kind"] == kind], float)
        assert best.score[0] >= 0.5, f"{kind} is there, score {best.score[0]:.2f}"
        assert box_iou(best.xyxy[:1], boxes).max() >= 0.5, f"{kind} is at {boxes}, found at {best.xyxy[0]}"
    for kind in absent:
        score = found[found.label == kind].score.max()
        assert score < 0.5, f"{kind} is not there, score {score:.2f}"


def test_the_example_bins_mugs_are_counted_and_told_apart(detector, example):
    frame, objects, _ = example
    mugs = {o["colour"]: np.array([o["xyxy"]], float) for o in objects if o["kind"] == "mug"}
    found = detector.detect(frame.rgb, ["mug"])
    assert (found.score >= 0.5).sum() == len(mugs)
    for colour, box in mugs.items():
        best = detector.detect(frame.rgb, [f"{colour} mug"]).by_score()
        assert box_iou(best.xyxy[:1], box)[0, 0] >= 0.5
        assert best.score[0] >= 0.5
    assert detector.detect(frame.rgb, ["green mug"]).score.max() < 0.5


@pytest.mark.parametrize("word", ["packaging", "package", "box", "cardboard box"])
def test_the_example_bins_carton_by_its_other_names(detector, example, word):
    frame, objects, _ = example
    (box,) = (np.array([o["xyxy"]], float) for o in objects if o["kind"] == "carton")
    best = detector.detect(frame.rgb, [word]).by_score()
    assert best.score[0] >= 0.5
    assert box_iou(best.xyxy[:1], box)[0, 0] >= 0.5
