"""Which number format a training computes in: bfloat16 where the machine is faster with it, float32 elsewhere."""

import time
from functools import cache

import torch

_SIDE, _REPEATS = 384, 5


@cache
def fast_dtype(device: str) -> torch.dtype:
    """bfloat16 or float32, whichever multiplies matrices faster on `device` ("cpu" or "cuda").

    Processors without instructions for bfloat16 (those with AVX2 alone) emulate it, ten times slower than float32, and
    no public call of torch tells them apart, so it is measured: some milliseconds, once a process.
    """
    if torch.device(device).type != "cpu":
        return torch.bfloat16
    return min((torch.float32, torch.bfloat16), key=_seconds_of_product)


def attention_for(device: str) -> str:
    """The attention of transformers whose backward pass is the faster one on `device`."""
    # On a processor the fused kernel is three times slower in bfloat16 and half as fast again in float32.
    slow_when_fused = torch.device(device).type == "cpu" and fast_dtype(device) is torch.bfloat16
    return "eager" if slow_when_fused else "sdpa"


def _seconds_of_product(dtype: torch.dtype) -> float:
    matrix = torch.ones(_SIDE, _SIDE, dtype=dtype)
    seconds = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        matrix @ matrix
        seconds.append(time.perf_counter() - started)
    return min(seconds)
