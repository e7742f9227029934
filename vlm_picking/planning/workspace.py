"""Buffers that outlive a frame: fresh pages for large arrays cost more than what is written into them."""

import threading
from math import prod

import numpy as np
from numpy.typing import DTypeLike


class Workspace(threading.local):
    """Named buffers, of their own in each thread; each grows to the largest that was asked for and stays."""

    def __init__(self) -> None:
        self._buffers: dict[tuple[str, str], np.ndarray] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
        """An array with anything in it, the same memory each time: good until `name` is asked for again."""
        dtype, size = np.dtype(dtype), prod(shape)
        key = name, dtype.str
        buffer = self._buffers.get(key)
        if buffer is None or buffer.size < size:
            buffer = self._buffers[key] = np.empty(size, dtype)
        return buffer[:size].reshape(shape)

    @property
    def size_bytes(self) -> int:
        """What this thread's buffers hold."""
        return sum(buffer.nbytes for buffer in self._buffers.values())


# glibc hands freed blocks back to the system, page by page, up to the size of the largest that was freed: with one that
# was freed and never written the temporary arrays of a plan stay at hand as well.
_KEPT_BYTES = 1 << 24
np.empty(_KEPT_BYTES, np.uint8)

WORKSPACE = Workspace()
