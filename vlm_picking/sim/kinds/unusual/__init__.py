"""Unusual shapes of the kinds, for training: a file a kind, registered by being there.

A model that has seen a wide family of a kind recognises shapes that it has not seen (domain randomisation, Tobin et
al., IROS 2017). Evaluation, picks and the demo keep to the usual shapes.
"""

import importlib
import pkgutil

for _module in sorted(entry.name for entry in pkgutil.iter_modules(__path__)):
    importlib.import_module(f"{__name__}.{_module}")
