"""Losses and optimizer as mathematics, and the loop on a handful of drawn frames."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")
pytest.importorskip("transformers", reason="training needs transformers")

from vlm_picking.training.augment import random_view  # noqa: E402
from vlm_picking.training.batch import make_batch  # noqa: E402
from vlm_picking.training.calibration import expected_calibration_error, fit_calibration  # noqa: E402
from vlm_picking.training.data import FrameFolder  # noqa: E402
from vlm_picking.training.evaluate import average_precision, evaluate  # noqa: E402
from vlm_picking.training.losses import box_losses, focal_loss  # noqa: E402
from vlm_picking.training.muon import orthogonalise  # noqa: E402
from vlm_picking.training.network import build_network, fourier_positions  # noqa: E402
from vlm_picking.training.phrases import Lexicon, PhraseSampler  # noqa: E402
from vlm_picking.training.state import TrainingState  # noqa: E402
from vlm_picking.training.tokenizer import build_tokenizer  # noqa: E402
from vlm_picking.training.train import TrainSettings, batch_loss, embed_phrases, train  # noqa: E402

LEXICON = Lexicon({"disc": ("disc",), "square": ("square", "tile")}, ("red", "blue"))
PAINT = {"red": (200, 20, 20), "blue": (20, 40, 200)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve frames with a disc, a square or both."""
    root = tmp_path_factory.mktemp("frames")
    (root / "images").mkdir()
    (root / "ids").mkdir()
    rng = np.random.default_rng(0)
    with (root / "index-0.jsonl").open("w") as index:
        for n in range(12):
            rgb, ids = np.full((288, 384, 3), 120, np.uint8), np.zeros((288, 384), np.uint8)
            objects = []
            kinds = (("disc", "square"), ("disc",), ("square",))[n % 3]
            for i, kind in enumerate(kinds, start=1):
                colour = str(rng.choice(LEXICON.colours))
                x, y = int(rng.integers(50, 130)) + 170 * (i - 1), int(rng.integers(60, 220))
                for picture, paint in ((rgb, PAINT[colour]), (ids, i)):
                    if kind == "disc":
                        cv2.circle(picture, (x, y), 40, paint, -1)
                    else:
                        cv2.rectangle(picture, (x - 35, y - 35), (x + 35, y + 35), paint, -1)
                objects.append({"kind": kind, "colour": colour, "id": i, "xyxy": [0, 0, 1, 1], "visible": 1.0})
            cv2.imwrite(str(root / f"images/{n:06}.jpg"), rgb[..., ::-1])
            cv2.imwrite(str(root / f"ids/{n:06}.png"), ids)
            entry = {"image": f"images/{n:06}.jpg", "ids": f"ids/{n:06}.png", "scene": n, "objects": objects}
            index.write(json.dumps(entry) + "\n")
    return FrameFolder(root)


def test_the_folder_takes_in_what_is_appended(folder):
    assert len(folder) == 12
    assert folder.refresh() == 12
    first = (folder.root / "index-0.jsonl").read_text().splitlines()[0]
    shard = folder.root / "index-1.jsonl"
    shard.write_text(first + "\n" + first[:20])  # a line that the renderer has not finished
    assert folder.refresh() == 13
    shard.write_text(first + "\n" + first + "\n")
    assert folder.refresh() == 14
    shard.unlink()
    del folder.frames[12:]


def test_views_keep_their_maps_aligned(folder):
    rgb, ids = folder.frames[0].read()
    for seed in range(20):
        view, view_ids, kept = random_view(rgb, ids, 128, np.random.default_rng(seed))
        assert view.shape == (128, 128, 3) and view_ids.shape == (128, 128)
        assert (kept[1:] <= 1).all()
        if (view_ids == 0).any() and (view_ids > 0).sum() > 200:
            spread = np.ptp(view.astype(int), axis=2)  # paint is colourful, the ground is grey
            assert spread[view_ids > 0].mean() > spread[view_ids == 0].mean() + 40


def test_the_loss_falls_and_a_run_goes_on_where_it_stopped(folder, tmp_path):
    tokenizer = build_tokenizer(LEXICON.known_phrases(), ("zebra",), other_merges=2)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = build_network(tokenizer, layers=2, width=96, image_px=128)
    state = TrainingState(model, minutes=60.0)
    sampler = PhraseSampler(LEXICON, n_coloured=4, n_absent=4)
    rng = np.random.default_rng(0)
    losses = []
    for _ in range(24):
        batch = make_batch(folder.frames[:6], sampler, size=128, patch_px=16, rng=rng)
        loss, _ = batch_loss(model, embed_phrases(model, tokenizer, batch.phrases), batch)
        loss.backward()
        state.step(1, views=6)
        losses.append(loss.item())
    assert np.mean(losses[-4:]) < 0.75 * np.mean(losses[:4])
    state.save(tmp_path)
    again = TrainingState(build_network(tokenizer, layers=2, width=96, image_px=128), minutes=60.0)
    assert again.load(tmp_path)
    assert (again.steps, again.views) == (24, 144)
    for (_, a), (_, b) in zip(model.named_parameters(), again.model.named_parameters(), strict=True):
        torch.testing.assert_close(a, b)
    with again.averaged() as average:
        report = evaluate(average, tokenizer, folder.frames, LEXICON, size=128)
    assert 0 <= report.map50 <= 1 and set(report.ap50) == {"disc", "square"}


def test_focal_loss_rewards_what_is_right_and_skips_what_is_ignored():
    positive = torch.tensor([[[True], [False], [False]]])
    ignored = torch.tensor([[[False], [False], [True]]])
    right = torch.tensor([[[4.0], [-4.0], [9.0]]])
    wrong = torch.tensor([[[-4.0], [4.0], [-9.0]]])
    even = torch.ones(1, 3)
    assert focal_loss(right, positive, ignored, even) < 0.01 < focal_loss(wrong, positive, ignored, even)
    moved = right.clone()
    moved[0, 2] = -9
    assert focal_loss(right, positive, ignored, even) == focal_loss(moved, positive, ignored, even)


def test_box_losses_vanish_for_equal_boxes_and_grow_with_distance():
    box = torch.tensor([[0.5, 0.5, 0.2, 0.4]])
    assert sum(part.item() for part in box_losses(box, box, torch.ones(1))) == pytest.approx(0, abs=1e-5)
    near, far = (box + torch.tensor([[d, 0, 0, 0]]) for d in (0.05, 0.4))
    one = torch.ones(1)
    assert box_losses(near, box, one)[1] < 1 < box_losses(far, box, one)[1], "apart, the generalised IoU is negative"
    l1, giou = box_losses(box[:0], box[:0], one[:0])
    assert l1 == 0 and giou == 0
    pair, weight = torch.cat([near, far]), torch.tensor([3.0, 1.0])
    mixed = box_losses(pair, box.expand(2, -1), weight)[0]
    assert mixed == pytest.approx((3 * 0.05 + 0.4) / 4, abs=1e-5)


def test_orthogonalise_evens_out_the_singular_values():
    for shape in ((3, 8, 8), (2, 8, 32), (2, 32, 8)):
        result = orthogonalise(torch.randn(shape, generator=torch.Generator().manual_seed(0)))
        values = torch.linalg.svdvals(result)
        assert result.shape == shape
        assert values.min() > 0.4 and values.max() < 1.4


def test_positions_differ_and_neighbours_resemble_each_other():
    table = fourier_positions(16)
    near = torch.nn.functional.cosine_similarity(table[17], table[18], dim=0)
    far = torch.nn.functional.cosine_similarity(table[17], table[170], dim=0)
    assert near > far + 0.2
    assert torch.cdist(table, table).fill_diagonal_(1).min() > 0.1


def test_average_precision_by_hand():
    score = np.array([0.9, 0.8, 0.7])
    assert average_precision(score, np.array([True, True, True]), 3) == pytest.approx(1.0)
    assert average_precision(score, np.array([True, False, True]), 2) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision(score, np.array([False, False, False]), 2) == 0


def test_calibration_finds_the_curve_that_made_the_answers():
    rng = np.random.default_rng(0)
    logit = rng.normal(0, 2, 4000)
    present = rng.random(4000) < 1 / (1 + np.exp(-(1.5 * logit)))
    calibration = fit_calibration(logit, present)
    assert calibration.scale == pytest.approx(1.5, rel=0.15)
    assert calibration.bias == pytest.approx(0.0, abs=0.15)
    assert expected_calibration_error(calibration(logit), present) < 0.03
    assert expected_calibration_error(np.full(4000, 0.99), present) > 0.3


def test_a_run_from_frames_to_checkpoint(folder, tmp_path):
    """The whole way, far too short to learn anything: train, go on, export, load through the registry."""
    from vlm_picking.models.registry import load_detector
    from vlm_picking.training.export import export

    for part in ("train", "val"):
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / part).symlink_to(folder.root)
    run = tmp_path / "run"
    run.mkdir()
    tokenizer = build_tokenizer(LEXICON.known_phrases(), ("zebra",), other_merges=2)
    tokenizer.save_pretrained(run / "tokenizer")
    (run / "lexicon.json").write_text(json.dumps({"nouns": LEXICON.nouns, "colours": LEXICON.colours}))
    settings = TrainSettings(data=tmp_path / "data", run=run, minutes=0.02, processes=1, batch=2, eval_frames=4)
    train(settings)
    log = (run / "training.log").read_text()
    assert "eval" in log and "mAP50" in log
    first = torch.load(run / "state.pt", weights_only=True)
    train(replace(settings, minutes=first["minutes"] + 0.02))
    second = torch.load(run / "state.pt", weights_only=True)
    assert second["steps"] > first["steps"] and second["minutes"] > first["minutes"]
    measured = export(run, tmp_path / "data", tmp_path / "checkpoint", name="tiny")
    assert measured["frames"] == 6 and 0 <= measured["map50"] <= 1
    detector = load_detector(str(tmp_path / "checkpoint"), device="cpu")
    assert detector.name == "tiny"
    assert detector.vocabulary == {"disc", "square", "tile"} and detector.classes == ("disc", "square")
    rgb, _ = folder.frames[0].read()
    assert set(detector.detect(np.ascontiguousarray(rgb), ["disc", "red tile"]).label) == {"disc", "red tile"}


def test_without_frames_it_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="no frames in .*train: render some first"):
        train(TrainSettings(data=tmp_path, run=tmp_path / "run"))


def test_views_are_small_and_many_first():
    settings = TrainSettings(data=".", run=".", batch=16, coarse_share=0.3)
    assert settings.views(0.0) == (192, 28)
    assert settings.views(0.5) == (256, 16)
