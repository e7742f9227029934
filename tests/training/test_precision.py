"""The number format of a training is the one that the machine is faster with."""

import pytest
import torch

from vlm_picking.training import precision
from vlm_picking.training.muon import orthogonalise
from vlm_picking.training.precision import attention_for, fast_dtype
from vlm_picking.training.schedule import COARSE_PX, MIDDLE_PX, Schedule


@pytest.mark.parametrize(
    ("faster", "attention"), [(torch.float32, "sdpa"), (torch.bfloat16, "eager")], ids=["emulated", "native"]
)
def test_the_faster_format_is_chosen(monkeypatch, faster, attention):
    monkeypatch.setattr(precision, "_seconds_of_product", lambda dtype: 1.0 if dtype is faster else 2.0)
    fast_dtype.cache_clear()
    try:
        assert fast_dtype("cpu") is faster
        assert attention_for("cpu") == attention
    finally:
        fast_dtype.cache_clear()


def test_both_formats_are_measured():
    assert all(precision._seconds_of_product(dtype) > 0 for dtype in (torch.float32, torch.bfloat16))


def test_a_gpu_takes_bfloat16():
    assert fast_dtype("cuda") is torch.bfloat16
    assert attention_for("cuda") == "sdpa"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_matrices_become_orthogonal_in_either_format(monkeypatch, dtype):
    monkeypatch.setattr("vlm_picking.training.muon.fast_dtype", lambda _: dtype)
    matrices = torch.randn(3, 24, 40, generator=torch.Generator().manual_seed(0))
    singular = torch.linalg.svdvals(orthogonalise(matrices))
    assert singular.min() > 0.5 and singular.max() < 1.4


def test_what_was_trained_before_sees_no_small_views():
    assert Schedule(batch=8).views(0.0)[0] == COARSE_PX
    assert Schedule.going_on(batch=8).views(0.0) == (MIDDLE_PX, 8)
