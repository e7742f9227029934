"""Superlatives and relations, on boxes laid out by hand."""

import numpy as np
import pytest

from vlm_picking.detections import Detections
from vlm_picking.query import RelationKind, Superlative
from vlm_picking.relations import holds, may_hold, order_by
from vlm_picking.result import LiftedObject
from vlm_picking.transform import Transform


def box(u, v, half=20):
    return [u - half, v - half, u + half, v + half]


def detections(*boxes, first_id=0):
    n = len(boxes)
    return Detections(boxes, np.full(n, 0.9), ["thing"] * n, np.arange(first_id, first_id + n))


def lifted(key, *, height_m, depth_m=0.8, size_m=(0.05, 0.05, 0.05)):
    points = np.array([[0, 0, depth_m]], np.float32)
    return LiftedObject(key, points, Transform(np.eye(3), np.array([0, 0, depth_m])), np.array(size_m), height_m)


# 0 on the left and flat, 1 in the middle and tall, 2 at the bottom right and large.
THINGS = detections(box(100, 240), box(320, 230), box(500, 400, 60))
OBJECTS = {
    0: lifted(0, height_m=0.02, depth_m=0.80),
    1: lifted(1, height_m=0.12, depth_m=0.70),
    2: lifted(2, height_m=0.06, depth_m=0.75, size_m=(0.2, 0.1, 0.06)),
}


@pytest.mark.parametrize(
    ("superlative", "first", "last"),
    [
        (Superlative.LEFTMOST, 0, 2),
        (Superlative.RIGHTMOST, 2, 0),
        (Superlative.UPPERMOST, 1, 2),
        (Superlative.LOWEST, 2, 1),
        (Superlative.ON_TOP, 1, 0),
        (Superlative.AT_BOTTOM, 0, 1),
        (Superlative.NEAREST, 1, 0),
        (Superlative.FARTHEST, 0, 1),
        (Superlative.CENTRAL, 1, 2),
    ],
)
def test_superlatives_rank(superlative, first, last):
    order = order_by(superlative, THINGS, OBJECTS, resolution_wh=(640, 480))
    assert (order[0], order[-1]) == (first, last)


def test_sizes_rank_by_space_not_by_pixels():
    near_small = detections(box(100, 100, 80), box(300, 300, 30))
    objects = {
        0: lifted(0, height_m=0.05, size_m=(0.03, 0.03, 0.03)),
        1: lifted(1, height_m=0.05, size_m=(0.2, 0.1, 0.1)),
    }
    assert order_by(Superlative.LARGEST, near_small, objects, resolution_wh=(640, 480)).tolist() == [1, 0]
    assert order_by(Superlative.SMALLEST, near_small, objects, resolution_wh=(640, 480)).tolist() == [0, 1]


def test_what_has_no_depth_is_left_out():
    known = {0: OBJECTS[0], 1: lifted(1, height_m=np.nan)}
    assert order_by(Superlative.ON_TOP, THINGS, known, resolution_wh=(640, 480)).tolist() == [0]
    assert len(order_by(Superlative.LEFTMOST, THINGS, {}, resolution_wh=(640, 480))) == 3


CENTRE = box(320, 240, 40)


@pytest.mark.parametrize(
    ("kind", "target", "expected"),
    [
        (RelationKind.LEFT_OF, box(200, 240), True),
        (RelationKind.LEFT_OF, box(440, 240), False),
        (RelationKind.LEFT_OF, box(315, 240), False),
        (RelationKind.LEFT_OF, box(290, 60), False),
        (RelationKind.RIGHT_OF, box(440, 250), True),
        (RelationKind.ABOVE, box(320, 120), True),
        (RelationKind.ABOVE, box(320, 360), False),
        (RelationKind.BELOW, box(330, 360), True),
        (RelationKind.NEXT_TO, box(390, 240), True),
        (RelationKind.NEXT_TO, box(600, 240), False),
        (RelationKind.INSIDE, box(320, 240, 10), True),
        (RelationKind.INSIDE, box(360, 240), False),
    ],
    ids=lambda value: value.value if isinstance(value, RelationKind) else str(value),
)
def test_relations_in_the_image(kind, target, expected):
    assert holds(kind, detections(target), (detections(CENTRE, first_id=9),), {}).tolist() == [expected]


@pytest.mark.parametrize(
    ("kind", "height_m", "expected"),
    [
        (RelationKind.ON, 0.10, True),
        (RelationKind.ON, 0.02, False),
        (RelationKind.UNDER, 0.02, False),
        (RelationKind.UNDER, 0.10, False),
    ],
)
def test_on_needs_height(kind, height_m, expected):
    objects = {0: lifted(0, height_m=height_m), 9: lifted(9, height_m=0.05)}
    assert holds(kind, detections(box(325, 240)), (detections(CENTRE, first_id=9),), objects).tolist() == [expected]


def test_under_is_on_seen_from_below():
    objects = {0: lifted(0, height_m=0.05), 9: lifted(9, height_m=0.10)}
    below, above = detections(CENTRE), detections(box(325, 240), first_id=9)
    assert holds(RelationKind.UNDER, below, (above,), objects).tolist() == [True]
    assert holds(RelationKind.ON, above, (below,), objects).tolist() == [True]


def test_without_heights_nothing_is_on_anything():
    assert holds(RelationKind.ON, detections(box(325, 240)), (detections(CENTRE, first_id=9),), {}).tolist() == [False]


def test_between_needs_both():
    ends = (detections(box(100, 240), first_id=8), detections(box(540, 240), first_id=9))
    assert holds(RelationKind.BETWEEN, detections(box(320, 250), box(320, 470), box(600, 240)), ends, {}).tolist() == [
        True,
        False,
        False,
    ]
    assert holds(RelationKind.BETWEEN, detections(box(320, 250)), (ends[0], Detections.empty()), {}).tolist() == [False]


def test_nothing_is_next_to_itself():
    both = detections(CENTRE)
    assert holds(RelationKind.NEXT_TO, both, (both,), {}).tolist() == [False]


@pytest.mark.parametrize("kind", [RelationKind.ON, RelationKind.UNDER])
def test_a_height_that_is_not_known_decides_only_where_boxes_meet(kind):
    below = detections(box(320, 240, 80), first_id=7)
    upon, apart = detections(box(320, 240, 60)), detections(box(600, 60))
    if kind is RelationKind.UNDER:
        below, upon, apart = below.replace(id=[0]), upon.replace(id=[7]), apart.replace(id=[7])
        upon, below = below, upon
    for targets, may in ((upon, True), (apart, False)):
        assert not holds(kind, targets, (below,), {})
        assert bool(may_hold(kind, targets, (below,), {})) is may
    known = {int(upon.id[0]): lifted(0, height_m=0.05), int(below.id[0]): lifted(7, height_m=0.05)}
    assert not may_hold(kind, upon, (below,), known), "as high as the other is not on it"
