"""The number format of a training is the one that the machine is faster with."""

import time

import pytest
import torch

from vlm_picking.training.muon import orthogonalise
from vlm_picking.training.precision import attention_for, fast_dtype


def test_the_faster_format_is_chosen():
    """Emulated bfloat16 is many times slower, real one up to twice as fast: the choice never costs more than noise."""
    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        matrix = torch.ones(768, 768, dtype=dtype)
        matrix @ matrix
        times = []
        for _ in range(3):
            started = time.perf_counter()
            matrix @ matrix
            times.append(time.perf_counter() - started)
        seconds[dtype] = min(times)
    other = ({torch.float32, torch.bfloat16} - {fast_dtype("cpu")}).pop()
    assert seconds[fast_dtype("cpu")] < 3 * seconds[other]


def test_a_gpu_takes_bfloat16():
    assert fast_dtype("cuda") is torch.bfloat16
    assert attention_for("cuda") == "sdpa"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_matrices_become_orthogonal_in_either_format(monkeypatch, dtype):
    monkeypatch.setattr("vlm_picking.training.muon.fast_dtype", lambda _: dtype)
    matrices = torch.randn(3, 24, 40, generator=torch.Generator().manual_seed(0))
    singular = torch.linalg.svdvals(orthogonalise(matrices))
    assert singular.min() > 0.5 and singular.max() < 1.4
