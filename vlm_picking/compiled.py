"""How loops over pixels, cells and candidates are compiled: once a machine, kept beside the module.

What other modules define comes into a compiled function as an argument, constants included: numba's cache looks for
changes in a function's own file only. Arrays come in with one type and one layout each; another one compiles it again.
"""

from numba import njit

compiled = njit(cache=True, error_model="numpy")
"""Decorator of a function whose divisions by zero give inf or NaN, as numpy's do."""
compiled_sums = njit(cache=True, error_model="numpy", fastmath={"reassoc", "nsz", "contract"})
"""The same for sums that may be taken in any order, which is several times as fast."""
