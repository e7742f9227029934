"""The fit of how patches are joined."""

import numpy as np
import pytest

from tests.planning.synthetic import Box, look
from vlm_picking.bench.fit_joining import fit, pairs_of
from vlm_picking.joining import WEIGHTS


def test_neighbours_are_told_one_object_or_two():
    shot = look([Box((0, 0, 0.02), (0.12, 0.1, 0.04)), Box((0.01, 0, 0.06), (0.05, 0.05, 0.04))])
    terms, same = pairs_of(shot.frame, shot.ids.astype(np.uint8), np.random.default_rng(0))
    assert terms.shape == (len(same), len(WEIGHTS)) and len(same) and not same.any()
    terms, same = pairs_of(shot.frame, (shot.ids > 0).astype(np.uint8), np.random.default_rng(0))
    assert len(same) and same.all()


def test_a_fit_finds_what_made_the_answers():
    rng = np.random.default_rng(0)
    terms = rng.normal(size=(4000, len(WEIGHTS)))
    truth = np.linspace(-2, 2, len(WEIGHTS))
    same = rng.random(4000) < 1 / (1 + np.exp(-(terms @ truth + 0.5)))
    weights, bias = fit(terms, same)
    assert np.corrcoef(weights, truth)[0, 1] > 0.99
    assert bias == pytest.approx(0.5, abs=0.2)
