"""The fit of which grasps hold what was asked for."""

import numpy as np
import pytest

from vlm_picking.bench.cells import episode_seed
from vlm_picking.bench.fit_holding import grasps_of, report
from vlm_picking.config import PickingConfig
from vlm_picking.holding import WEIGHTS
from vlm_picking.pipeline import PickingPipeline

pytest.importorskip("torch", reason="models need torch: pip install 'vlm_picking[models]'")
pytest.importorskip("transformers", reason="models need transformers: pip install 'vlm_picking[models]'")


def test_what_a_true_grasp_holds_is_its_own(capsys):
    pipeline = PickingPipeline.from_config(PickingConfig(grippers=("suction_30mm", "robotiq_2f85")))
    terms, own = grasps_of(episode_seed(13, 10), pipeline)  # a carrot of which all is seen
    assert terms.shape == (len(own), len(WEIGHTS)) and own.mean() > 0.5
    assert np.isfinite(terms).all() and terms[own, 0].min() > 0.5
    report([(terms + shift, own ^ bool(shift)) for shift in (0, 1) for _ in range(8)])
    assert {line.split(":")[0] for line in capsys.readouterr().out.splitlines()} == {"fitted", "ships"}
