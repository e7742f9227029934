"""Read-only numpy arrays with a checked shape: what the frozen values hold."""

import numpy as np
from numpy.typing import ArrayLike, DTypeLike


def frozen_array(
    values: ArrayLike,
    *,
    name: str,
    shape: tuple[int | None, ...],
    dtype: DTypeLike,
    error: type[Exception] = ValueError,
) -> np.ndarray:
    """Return `values` as a read-only array of `dtype`.

    Args:
        shape: the shape asked for; None stands for any length of that axis.
        error: the exception raised when the shape is another one.

    The caller's own array stays writable: a view is frozen, not the array itself. Whoever hands over an array must not
    write to it afterwards.
    """
    array = np.asarray(values, dtype=dtype)
    if array.ndim != len(shape) or any(
        want is not None and have != want for have, want in zip(array.shape, shape, strict=True)
    ):
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise error(f"{name} must have shape ({wanted}), got {array.shape}")
    view = array.view()
    view.setflags(write=False)
    return view
