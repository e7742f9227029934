import numpy as np
import pytest

from vlm_picking.bench.scenes import EvaluationFrame, Thing
from vlm_picking.camera import PinholeCamera
from vlm_picking.frame import RgbdFrame

pytest.importorskip("mujoco", reason="the benchmarks need the simulator: pip install 'vlm_picking[sim]'")


def _thing(
    key, kind, box, *, colour="red", visible=1.0, half_extents_m=(0.03, 0.03, 0.03), top_m=0.05, rests_on=(), depth=0.8
):
    x0, y0, x1, y1 = box
    return Thing(
        id=key,
        kind=kind,
        colour=colour,
        xyxy=np.array(box, float),
        centre_px=np.array([(x0 + x1) / 2, (y0 + y1) / 2]),
        visible=visible,
        pixels=(x1 - x0) * (y1 - y0),
        half_extents_m=np.array(half_extents_m),
        top_m=top_m,
        distance_m=depth,
        rests_on=rests_on,
    )


def _frame(*things, number=0):
    """Boxes that fill their pixels; later things lie over earlier ones."""
    ids = np.zeros((480, 640), np.uint8)
    for thing in things:
        x0, y0, x1, y1 = thing.xyxy.astype(int)
        ids[y0:y1, x0:x1] = thing.id
    camera = PinholeCamera(640, 480, 600.0, 600.0, 319.5, 239.5)
    frame = RgbdFrame(np.zeros((480, 640, 3), np.uint8), np.ones((480, 640), np.float32), camera)
    return EvaluationFrame(number=number, scene_seed=1_000_000_000 + number, frame=frame, ids=ids, things=things)


@pytest.fixture
def thing():
    """Makes a thing that fills its box: (id, kind, box, colour=, visible=, ...)."""
    return _thing


@pytest.fixture
def frame_of():
    """Makes a frame of things."""
    return _frame
