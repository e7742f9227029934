"""What a training sees: unusual shapes; what it is validated on: the usual ones."""

import multiprocessing

import cv2
import numpy as np
import pytest

pytest.importorskip("mujoco", reason="the scenes are simulated (extra 'sim')")

from vlm_picking.sim.canvas import open_gl
from vlm_picking.sim.render import SceneRenderer
from vlm_picking.sim.scene import make_scene
from vlm_picking.sim.view import random_view
from vlm_picking.training import rendering
from vlm_picking.training.closeups import command, windows
from vlm_picking.training.rendering import TRAIN_SEED, UNUSUAL, VAL_SEED


@pytest.fixture(scope="module")
def gl():
    context = open_gl()
    yield context
    context.free()


def test_frames_of_training_show_unusual_shapes_and_those_of_validation_do_not(tmp_path, gl):
    rendering.main(tmp_path, scenes=1, views=1, val_scenes=1, val_views=1, size="96x72", workers=1)
    for part, seed, share in (("train", TRAIN_SEED, UNUSUAL), ("val", VAL_SEED, 0.0)):
        found = cv2.imread(str(tmp_path / part / "ids/000000.png"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(found, _ids(seed, share, gl))
        assert (found != _ids(seed, UNUSUAL - share, gl)).any()


def test_windows_of_training_show_unusual_shapes_and_those_of_validation_do_not(tmp_path, gl):
    # A process of its own, for it changes what its process does about signals.
    renderer = multiprocessing.get_context("spawn").Process(target=command._render, args=(tmp_path, 1, 1, 1))
    renderer.start()
    renderer.join()
    assert renderer.exitcode == 0
    for part, seed, share, views in (("train", TRAIN_SEED, UNUSUAL, 3), ("val", VAL_SEED, 0.0, 1)):
        job = windows.WindowJob(out=tmp_path, scenes=1, seed=seed, views=views, unusual=share)
        with np.load(tmp_path / part / "000000.npz") as found:
            np.testing.assert_array_equal(found["pixels"], windows._windows(job, seed, gl)["pixels"])


def _ids(seed: int, share: float, gl) -> np.ndarray:
    """The instance ids of the first view of a scene, as `dataset` takes it."""
    scene = make_scene(seed, unusual=share)
    with SceneRenderer(scene, gl=gl) as renderer:
        view = random_view(np.random.default_rng((seed, 1)), scene.crate, width=96, height=72)
        return renderer.render(view).ids
