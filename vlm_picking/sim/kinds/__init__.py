"""The kinds of objects: each module of this package registers what it builds, by being there.

`unusual` comes last: its modules give further shapes to kinds that are there.
"""

import importlib
import pkgutil

from vlm_picking.sim.kinds.model import ObjectModel, Part
from vlm_picking.sim.kinds.registry import KINDS, Kind, UnknownKindError, get_kind, kind_of_noun

for _, _module in sorted((entry.ispkg, entry.name) for entry in pkgutil.iter_modules(__path__)):
    importlib.import_module(f"{__name__}.{_module}")

__all__ = ["KINDS", "Kind", "ObjectModel", "Part", "UnknownKindError", "get_kind", "kind_of_noun"]
