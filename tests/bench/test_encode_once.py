"""What is timed is what is said to be: new frames are looked at anew, known ones are not."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="models need torch: pip install 'vlm_picking[models]'")
pytest.importorskip("transformers", reason="models need transformers: pip install 'vlm_picking[models]'")


class Counting:
    """Costs one unit for a new frame and one for a text that was not read."""

    def __init__(self):
        self.frame, self.texts, self.calls = None, set(), []

    def detect(self, rgb, phrases):
        new_frame = self.frame is None or not np.array_equal(self.frame, rgb)
        self.calls.append((len(phrases), new_frame, len(set(phrases) - self.texts)))
        self.frame = rgb
        self.texts |= set(phrases)


def test_every_kind_of_question_is_asked_as_often():
    from vlm_picking.bench.encode_once import asker, measure

    model = Counting()
    figures = measure(asker(model), repeats=3)
    warm, *asked, unread = model.calls
    assert warm == (16, True, 16) and unread == (16, True, 16)
    assert asked == [(1, True, 0), (1, False, 0), (16, True, 0)] * 4
    assert figures.keys() >= {"first_ms", "sixteen_ms", "again_ms", "ratio_16", "ratio_again", "ratio_16_new"}


@pytest.mark.parametrize("name", ["owlvit", "clip", "siglip2", "clipseg"])
def test_a_tiny_checkpoint_is_enlarged_and_still_loads(name, tmp_path):
    from vlm_picking.bench.encode_once import PHRASES, asker, enlarge
    from vlm_picking.conformance.checks import tiny_checkpoints
    from vlm_picking.models.registry import load_model

    (tiny,) = (checkpoint for checkpoint in tiny_checkpoints() if checkpoint.name == name)
    before = sum(path.stat().st_size for path in tiny.build(tmp_path).glob("*.safetensors"))
    enlarge(tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.glob("*.safetensors")) > 20 * before
    model = load_model(str(tmp_path), device="cpu", offline=True)
    asker(model)(np.zeros((48, 64, 3), np.uint8), PHRASES[:2])


def test_the_embedded_model_is_measured():
    from vlm_picking.bench.encode_once import run_encode_once

    figures = run_encode_once(repeats=1, names=("embedded",))
    row = figures["models"]["embedded"]
    assert all(value > 0 for value in row.values())
    assert figures["worst_ratio_16"] == row["ratio_16"] and figures["worst_ratio_again"] == row["ratio_again"]
