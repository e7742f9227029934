import numpy as np
import pytest


@pytest.fixture(scope="session")
def example():
    """The example scene, seen by its camera: (scene, rendered, truth)."""
    pytest.importorskip("mujoco", reason="the simulator is an extra: pip install 'vlm_picking[sim]'")
    from vlm_picking.sim.example import example_scene, example_view
    from vlm_picking.sim.render import SceneRenderer
    from vlm_picking.sim.truth import frame_truth

    scene = example_scene(0)
    with SceneRenderer(scene) as renderer:
        rendered = renderer.render(example_view())
    return scene, rendered, frame_truth(scene, rendered)


@pytest.fixture
def rng():
    return np.random.default_rng(7)
