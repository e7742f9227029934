"""What many tests share: a simulated bin whose truth is known, and the oracle that tells it."""

import os
from dataclasses import dataclass
from importlib.util import find_spec

os.environ.setdefault("MUJOCO_GL", "egl")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Tiny models gain nothing by a second thread, and threads that wait for each other take all of a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest

from vlm_picking.frame import RgbdFrame

if find_spec("hypothesis"):
    from hypothesis import settings

    settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
    settings.load_profile("untimed")


@dataclass(frozen=True, eq=False)
class SimulatedBin:
    """A rendered frame with its truth; `detector` answers from that truth."""

    frame: RgbdFrame
    truth: object
    detector: object

    def box_of(self, kind: str, colour: str | None = None) -> np.ndarray:
        """The box (4,) of the one object of a kind (and colour)."""
        (found,) = [o for o in self.truth.objects if o.kind == kind and colour in (None, o.colour)]
        return np.array(found.xyxy)

    def mask_of(self, kind: str, colour: str | None = None) -> np.ndarray:
        """The visible pixels (H, W) of the one object of a kind (and colour)."""
        (found,) = [o for o in self.truth.objects if o.kind == kind and colour in (None, o.colour)]
        return self.truth.ids == found.id


@pytest.fixture(scope="session")
def simulated_bin() -> SimulatedBin:
    """640x480, six things laid out by hand so that nothing hides."""
    from vlm_picking.sim.oracle import OracleDetector
    from vlm_picking.sim.render import SceneRenderer
    from vlm_picking.sim.scene import ObjectSpec, make_scene
    from vlm_picking.sim.truth import frame_truth
    from vlm_picking.sim.view import random_view

    layout = (
        ("mug", "red", -0.13, 0.07),
        ("mug", "blue", 0.13, 0.07),
        ("apple", "red", -0.13, -0.07),
        ("carton", "brown", 0.0, 0.06),
        ("can", "green", 0.14, -0.06),
        ("sponge", "yellow", 0.02, -0.08),
    )
    specs = tuple(ObjectSpec(kind=k, colour=c, xy_m=(x, y), yaw_rad=0.4) for k, c, x, y in layout)
    scene = make_scene(77, objects=specs, bin_inner_m=(0.42, 0.30, 0.10), must_keep=True)
    view = random_view(np.random.default_rng(3), scene.crate, width=640, height=480, max_tilt_rad=0.1)
    with SceneRenderer(scene) as renderer:
        rendered = renderer.render(view)
    truth = frame_truth(scene, rendered)
    frame = RgbdFrame(rendered.rgb, rendered.depth_m, rendered.camera, stamp_ns=1_000_000_000)
    return SimulatedBin(frame, truth, OracleDetector(truth))
