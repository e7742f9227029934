"""Which one is meant: superlatives and relations as geometry over detections.

Left, right, above and below are the image's; on, under, on top and at the bottom are decided by heights over the bin's
floor.
"""

from collections.abc import Callable, Mapping

import numpy as np

from vlm_picking.detections import Detections
from vlm_picking.query import RelationKind, Superlative
from vlm_picking.result import LiftedObject

# Two objects are side by side when the gap between their boxes is below this share of their mean size.
NEXT_TO_GAP = 0.6
# One object is on, under or inside another when this share of its box lies over the other's.
OVERLAP = 0.5


def order_by(
    superlative: Superlative,
    detections: Detections,
    objects: Mapping[int, LiftedObject],
    *,
    resolution_wh: tuple[int, int],
) -> np.ndarray:
    """Rank detections by a superlative.

    Args:
        resolution_wh: size of the image [px].
        objects: detection id -> the object in space, for those that have depth.

    Returns:
        (M,) indices, the best fit first; detections without the depth that the superlative needs are left out.
    """
    if superlative is Superlative.CENTRAL:
        key = np.linalg.norm(detections.center_px - np.array(resolution_wh) / 2, axis=1)
    else:
        key = _SORT_KEYS[superlative](detections, objects)
    order = np.argsort(key, kind="stable")
    return order[np.isfinite(key[order])]


def _spatial(value: Callable[[LiftedObject], float]) -> Callable[[Detections, Mapping[int, LiftedObject]], np.ndarray]:
    def key(detections: Detections, objects: Mapping[int, LiftedObject]) -> np.ndarray:
        return np.array([value(objects[i]) if i in objects else np.nan for i in detections.id.tolist()], dtype=float)

    return key


def _volume(lifted: LiftedObject) -> float:
    # A flat thing has next to no volume from one side: its footprint decides first.
    length, width, height = np.sort(np.maximum(lifted.size_m, 1e-3))[::-1]
    return float(length * width * np.sqrt(height))


def _depth(lifted: LiftedObject) -> float:
    return float(np.median(lifted.points_m[:, 2]))


_SORT_KEYS: dict[Superlative, Callable[[Detections, Mapping[int, LiftedObject]], np.ndarray]] = {
    Superlative.LEFTMOST: lambda d, _: d.center_px[:, 0],
    Superlative.RIGHTMOST: lambda d, _: -d.center_px[:, 0],
    Superlative.UPPERMOST: lambda d, _: d.center_px[:, 1],
    Superlative.LOWEST: lambda d, _: -d.center_px[:, 1],
    Superlative.ON_TOP: _spatial(lambda o: -o.height_m),
    Superlative.AT_BOTTOM: _spatial(lambda o: o.height_m),
    Superlative.NEAREST: _spatial(_depth),
    Superlative.FARTHEST: _spatial(lambda o: -_depth(o)),
    Superlative.LARGEST: _spatial(lambda o: -_volume(o)),
    Superlative.SMALLEST: _spatial(_volume),
}


def holds(
    kind: RelationKind,
    targets: Detections,
    references: tuple[Detections, ...],
    objects: Mapping[int, LiftedObject],
) -> np.ndarray:
    """Say which targets stand in a relation to any of the reference objects.

    Args:
        references: one set of detections, for BETWEEN two; a target is never its own reference.
        objects: detection id -> the object in space; ids are unique over targets and references.

    Returns:
        (N,) bool; False where a height that the relation needs is not known.
    """
    return _test(kind, targets, references, objects, unknown_fits=False)


def may_hold(
    kind: RelationKind,
    targets: Detections,
    references: tuple[Detections, ...],
    objects: Mapping[int, LiftedObject],
) -> np.ndarray:
    """As `holds`, but True where only a height that is not known could tell."""
    return _test(kind, targets, references, objects, unknown_fits=True)


def _test(
    kind: RelationKind,
    targets: Detections,
    references: tuple[Detections, ...],
    objects: Mapping[int, LiftedObject],
    *,
    unknown_fits: bool,
) -> np.ndarray:
    if kind is RelationKind.BETWEEN:
        first, second = references
        test = [
            any(_between(box, a, b) for a in first.xyxy for b in second.xyxy if not np.array_equal(a, b))
            for box in targets.xyxy
        ]
        return np.array(test, dtype=bool)
    (reference,) = references
    result = np.zeros(len(targets), dtype=bool)
    for i in range(len(targets)):
        for j in range(len(reference)):
            if targets.id[i] == reference.id[j] or _same_box(targets.xyxy[i], reference.xyxy[j]):
                continue
            above_m = _height_m(objects, targets.id[i]) - _height_m(objects, reference.id[j])
            if unknown_fits and not np.isfinite(above_m):
                above_m = np.inf if kind is RelationKind.ON else -np.inf
            result[i] |= bool(_PAIR_TESTS[kind](targets.xyxy[i], reference.xyxy[j], above_m))
    return result


def _height_m(objects: Mapping[int, LiftedObject], key: int) -> float:
    return objects[int(key)].height_m if int(key) in objects else float("nan")


def _same_box(a: np.ndarray, b: np.ndarray) -> bool:
    return _share_over(a, b) > 0.9 and _share_over(b, a) > 0.9


def _center(box: np.ndarray) -> np.ndarray:
    return (box[:2] + box[2:]) / 2


def _size(box: np.ndarray) -> np.ndarray:
    return box[2:] - box[:2]


def _share_over(a: np.ndarray, b: np.ndarray) -> float:
    """Share of box `a` that lies over box `b`."""
    sides = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None)
    return float(sides.prod() / max(_size(a).prod(), 1e-6))


def _toward(a: np.ndarray, b: np.ndarray, axis: int, sign: int) -> bool:
    """`a` lies clearly to one side of `b`: by a quarter of their mean size, and more that way than across."""
    offset = (_center(a) - _center(b)) * sign
    clear = 0.25 * (_size(a)[axis] + _size(b)[axis]) / 2
    return bool(offset[axis] > clear and offset[axis] > 0.5 * abs(offset[1 - axis]))


def _next_to(a: np.ndarray, b: np.ndarray) -> bool:
    gap = np.linalg.norm(np.clip(np.maximum(a[:2] - b[2:], b[:2] - a[2:]), 0, None))
    return bool(gap < NEXT_TO_GAP * (_size(a).mean() + _size(b).mean()) / 2)


def _between(box: np.ndarray, a: np.ndarray, b: np.ndarray) -> bool:
    start, line = _center(a), _center(b) - _center(a)
    length = np.linalg.norm(line)
    if length < 1e-6:
        return False
    offset = _center(box) - start
    along = float(offset @ line) / length**2
    across = abs(float(offset[0] * line[1] - offset[1] * line[0])) / length
    return bool(0.15 < along < 0.85 and across < 0.5 * length)


_PAIR_TESTS: dict[RelationKind, Callable[[np.ndarray, np.ndarray, float], bool]] = {
    RelationKind.LEFT_OF: lambda a, b, *_: _toward(a, b, axis=0, sign=-1),
    RelationKind.RIGHT_OF: lambda a, b, *_: _toward(a, b, axis=0, sign=1),
    RelationKind.ABOVE: lambda a, b, *_: _toward(a, b, axis=1, sign=-1),
    RelationKind.BELOW: lambda a, b, *_: _toward(a, b, axis=1, sign=1),
    RelationKind.ON: lambda a, b, above_m: _share_over(a, b) > OVERLAP and above_m > 0,
    RelationKind.UNDER: lambda a, b, above_m: _share_over(b, a) > OVERLAP and above_m < 0,
    RelationKind.INSIDE: lambda a, b, *_: _share_over(a, b) > 0.7,
    RelationKind.NEXT_TO: lambda a, b, *_: _next_to(a, b),
}
