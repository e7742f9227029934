"""Losses and optimizer as mathematics, and the loop on a handful of drawn frames."""

import json
import signal
from dataclasses import replace

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")
pytest.importorskip("transformers", reason="training needs transformers")

from vlm_picking.errors import ConfigError  # noqa: E402
from vlm_picking.training import train as training  # noqa: E402
from vlm_picking.training.augment import random_view  # noqa: E402
from vlm_picking.training.batch import make_batch  # noqa: E402
from vlm_picking.training.calibration import expected_calibration_error, fit_calibration  # noqa: E402
from vlm_picking.training.data import FrameFolder  # noqa: E402
from vlm_picking.training.evaluate import average_precision, evaluate  # noqa: E402
from vlm_picking.training.losses import box_losses, focal_loss, kind_loss  # noqa: E402
from vlm_picking.training.muon import orthogonalise  # noqa: E402
from vlm_picking.training.network import build_network, fourier_positions, warm_start  # noqa: E402
from vlm_picking.training.phrases import Lexicon, PhraseSampler  # noqa: E402
from vlm_picking.training.schedule import COARSE_PX, MIDDLE_PX, Schedule  # noqa: E402
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
        loss, _ = batch_loss(model, embed_phrases(model, tokenizer, batch.phrases), batch, n_kinds=2)
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


def test_a_few_answers_that_are_all_right_make_no_certainty():
    logit = np.array([-2.0, -1.5, -1.0, 1.0, 1.5, 2.0])
    calibration = fit_calibration(logit, logit > 0)
    assert 0.6 < calibration(np.array([1.0]))[0] < 0.95
    assert calibration(np.array([0.0]))[0] == pytest.approx(0.5, abs=0.05)


@pytest.fixture
def settings(folder, tmp_path):
    """A run of two words and a network of one layer, on the drawn frames."""
    for part in ("train", "val"):
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / part).symlink_to(folder.root)
    run = tmp_path / "run"
    run.mkdir()
    tokenizer = build_tokenizer(LEXICON.known_phrases(), ("zebra",), other_merges=2)
    tokenizer.save_pretrained(run / "tokenizer")
    (run / "lexicon.json").write_text(json.dumps({"nouns": LEXICON.nouns, "colours": LEXICON.colours}))
    return TrainSettings(
        data=tmp_path / "data",
        run=run,
        minutes=0.02,
        processes=1,
        device="cpu",
        schedule=Schedule(batch=2),
        layers=1,
        width=96,
        eval_frames=4,
    )


def test_a_run_from_frames_to_checkpoint(folder, settings, tmp_path):
    """The whole way, far too short to learn anything: train, go on, export, load through the registry."""
    from vlm_picking.models.registry import load_detector
    from vlm_picking.training.export import export

    run = settings.run
    assert train(settings)
    log = (run / "training.log").read_text()
    assert "eval" in log and "mAP50" in log
    first = torch.load(run / "state.pt", weights_only=True)
    assert train(replace(settings, minutes=first["minutes"] + 0.02, layers=3)), "the network keeps its shape"
    second = torch.load(run / "state.pt", weights_only=True)
    assert second["steps"] > first["steps"] and second["minutes"] > first["minutes"]
    measured = export(run, settings.data, tmp_path / "checkpoint", name="tiny")
    assert measured["frames"] == 6 and 0 <= measured["map50"] <= 1
    assert json.loads((tmp_path / "checkpoint" / "evaluation.json").read_text()) == measured
    assert "| disc |" in (tmp_path / "checkpoint" / "evaluation.md").read_text()
    detector = load_detector(str(tmp_path / "checkpoint"), device="cpu")
    assert detector.name == "tiny"
    assert detector.vocabulary == {"disc", "square", "tile"} and detector.classes == ("disc", "square")
    rgb, _ = folder.frames[0].read()
    assert set(detector.detect(np.ascontiguousarray(rgb), ["disc", "red tile"]).label) == {"disc", "red tile"}


def test_ctrl_c_finishes_the_step_and_leaves_a_run_that_goes_on(settings, monkeypatch):
    def interrupted(*arguments, **named):
        signal.raise_signal(signal.SIGINT)
        return batch_loss(*arguments, **named)

    monkeypatch.setattr(training, "batch_loss", interrupted)
    assert not train(replace(settings, minutes=60.0))
    monkeypatch.undo()
    stopped = torch.load(settings.run / "state.pt", weights_only=True)
    assert stopped["steps"] == 1
    assert train(replace(settings, minutes=stopped["minutes"] + 0.01))
    assert torch.load(settings.run / "state.pt", weights_only=True)["steps"] > 1


def test_a_run_begins_with_the_weights_of_a_checkpoint(settings, tmp_path):
    tokenizer = build_tokenizer(LEXICON.known_phrases(), ("zebra",), other_merges=2)
    torch.manual_seed(5)
    trained = build_network(tokenizer, layers=1, width=96)
    trained.save_pretrained(tmp_path / "old")
    tokenizer.save_pretrained(tmp_path / "old")
    training.run_shape(settings.run, layers=1, width=96)
    model = training.build_model(replace(settings, start=tmp_path / "old"), tokenizer)
    torch.testing.assert_close(model.state_dict(), trained.state_dict())
    fresh = training.build_model(settings, tokenizer)
    assert not torch.equal(fresh.box_head.dense0.weight, trained.box_head.dense0.weight)


def test_without_frames_it_says_so(tmp_path):
    with pytest.raises(ConfigError, match="no frames in .*train: render some first"):
        train(TrainSettings(data=tmp_path, run=tmp_path / "run"))


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match="did you mean 'cuda'"):
        training.choose_device("cud")
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="torch sees no GPU"):
            training.choose_device("cuda")
        assert training.choose_device("auto") == "cpu"


def test_views_are_small_and_many_first_and_large_and_few_last():
    schedule = Schedule(batch=16, coarse_share=0.3, fine_share=0.2)
    assert schedule.views(0.0) == (COARSE_PX, 28)
    assert schedule.views(0.5) == (MIDDLE_PX, 16)
    size, n_views = schedule.views(0.9)
    assert size > MIDDLE_PX and 1 <= n_views < 16
    assert Schedule(batch=1).views(0.9)[1] == 1


def test_kind_loss_compares_kinds_where_one_shall_fire():
    kind, even = torch.tensor([[0, 1, -1]]), torch.ones(1, 3)
    right = torch.tensor([[[5.0, -5.0], [-5.0, 5.0], [3.0, 9.0]]])
    assert kind_loss(right, kind, even) < 0.01 < 5 < kind_loss(-right, kind, even)
    moved = right.clone()
    moved[0, 2] = -100.0
    assert kind_loss(moved, kind, even) == kind_loss(right, kind, even), "patches of nothing don't count"
    half_right = torch.tensor([[[5.0, -5.0], [5.0, -5.0], [0.0, 0.0]]])
    mostly_right = kind_loss(half_right, kind, torch.tensor([[9.0, 1.0, 1.0]]))
    assert mostly_right < kind_loss(half_right, kind, even)
    assert kind_loss(right, torch.full((1, 3), -1), even) == 0


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A checkpoint of one layer at 128 px, its words, and the network."""
    tokenizer = build_tokenizer(LEXICON.known_phrases(), ("zebra",), other_merges=2)
    torch.manual_seed(1)
    model = build_network(tokenizer, layers=1, width=96, image_px=128).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.02 * torch.randn_like(p))
    directory = tmp_path_factory.mktemp("trained")
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory, tokenizer, model


def answers(model, tokenizer, phrases):
    """Logits and boxes for one picture of 128 px."""
    pixels = torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        feature_map, _ = model.image_embedder(pixels, interpolate_pos_encoding=True)
        features = feature_map.flatten(1, 2)
        logits, _ = model.class_predictor(features, embed_phrases(model, tokenizer, phrases)[None])
        return logits, model.box_predictor(features, feature_map, interpolate_pos_encoding=True)


def test_a_deeper_network_of_more_words_begins_by_answering_as_the_small_one(trained):
    directory, tokenizer, small = trained
    words = build_tokenizer([*LEXICON.known_phrases(), "aardvark", "gear"], ("zebra", "zoo"), other_merges=5)
    torch.manual_seed(9)
    large = build_network(words, layers=3, width=96, image_px=128).eval()
    warm_start(large, words, directory)
    phrases = ["disc", "red tile"]
    for ours, theirs in zip(answers(large, words, phrases), answers(small, tokenizer, phrases), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)
    deeper = large.owlvit.vision_model.encoder.layers[2]
    assert deeper.self_attn.q_proj.weight.abs().sum() > 0, "what passes on what it gets can still learn"


def test_tokens_are_found_again_by_their_text(trained):
    directory, tokenizer, small = trained
    words = build_tokenizer(["aardvark", *LEXICON.known_phrases()], ("zebra",), other_merges=2)
    large = build_network(words, layers=1, width=96, image_px=128)
    fresh = large.owlvit.text_model.embeddings.token_embedding.weight.detach().clone()
    warm_start(large, words, directory)
    ours = large.owlvit.text_model.embeddings.token_embedding.weight
    theirs = small.owlvit.text_model.embeddings.token_embedding.weight
    old, new = tokenizer.get_vocab(), words.get_vocab()
    assert any(old[token] != new[token] for token in old if token in new), "the rows have moved"
    for token in ("square</w>", "blue</w>", "<|endoftext|>"):
        torch.testing.assert_close(ours[new[token]], theirs[old[token]])
    unknown = new["aardvark</w>"]
    torch.testing.assert_close(ours[unknown], fresh[unknown])


def test_a_larger_view_takes_over_the_places(trained):
    directory, tokenizer, small = trained
    large = build_network(tokenizer, layers=1, width=96, image_px=256)
    warm_start(large, tokenizer, directory)
    table = large.owlvit.vision_model.embeddings.position_embedding.weight
    old = small.owlvit.vision_model.embeddings.position_embedding.weight
    assert len(table) == 1 + 16 * 16
    torch.testing.assert_close(table[0], old[0])
    middle = table[1:].reshape(8, 2, 8, 2, -1).mean(dim=(1, 3)).flatten(0, 1)
    similarity = torch.nn.functional.cosine_similarity(middle, old[1:], dim=1)
    assert similarity.min() > 0.95


def test_a_checkpoint_that_does_not_fit_is_refused(trained, tmp_path):
    directory, tokenizer, _ = trained
    wider = build_network(tokenizer, layers=1, width=128, image_px=128)
    with pytest.raises(ConfigError, match="is 96 wide .* give --width 96"):
        warm_start(wider, tokenizer, directory)
    with pytest.raises(ConfigError, match="can't start from"):
        warm_start(wider, tokenizer, tmp_path)
