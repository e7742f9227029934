"""Detections behave as columns do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlm_picking.detections import Detections, box_iou

THREE = Detections([[0, 0, 10, 10], [1, 1, 11, 11], [50, 50, 60, 60]], [0.5, 0.9, 0.7], ["mug", "mug", "can"])
boxes = st.lists(
    st.tuples(st.floats(0, 90), st.floats(0, 90), st.floats(0.5, 50), st.floats(0.5, 50)).map(
        lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("index", [[True, False, True], [0, 2], np.array([0, 2]), slice(0, 3, 2)], ids=repr)
def test_rows_are_picked_as_an_array_s_are(index):
    picked = THREE[np.array(index) if isinstance(index, list) else index]
    assert picked.id.tolist() == [0, 2]
    assert picked.label.tolist() == ["mug", "can"]


def test_one_row_is_still_detections():
    assert len(THREE[1]) == 1
    assert THREE[1].id.tolist() == [1]


def test_nms_keeps_the_best_of_a_label():
    assert THREE.nms(0.5).id.tolist() == [1, 2]


def test_another_label_survives_nms_unless_labels_do_not_count():
    both = Detections([[0, 0, 10, 10], [0, 0, 10, 10]], [0.5, 0.9], ["mug", "cup"])
    assert len(both.nms(0.5)) == 2
    assert both.nms(0.5, class_agnostic=True).label.tolist() == ["cup"]


@given(boxes)
def test_iou_is_symmetric_one_with_itself_and_bounded(xyxy):
    iou = box_iou(np.array(xyxy), np.array(xyxy))
    assert np.allclose(iou, iou.T)
    assert np.allclose(np.diag(iou), 1)
    assert ((iou >= 0) & (iou <= 1 + 1e-9)).all()


@given(boxes, st.randoms())
def test_what_nms_keeps_does_not_depend_on_the_order(xyxy, random):
    score = np.linspace(0.1, 0.9, len(xyxy))
    order = list(range(len(xyxy)))
    random.shuffle(order)
    one = Detections(xyxy, score, ["x"] * len(xyxy))
    assert sorted(one.nms(0.4).id) == sorted(one[order].nms(0.4).id)


def test_merging_gives_new_ids_and_drops_masks_that_some_lack():
    mask = np.zeros((3, 4, 4), bool)
    assert Detections.merge([THREE, THREE]).id.tolist() == list(range(6))
    assert Detections.merge([THREE.replace(mask=mask), THREE]).mask is None
    assert Detections.merge([THREE.replace(mask=mask), Detections.empty()]).mask.shape == (3, 4, 4)
    assert len(Detections.merge([])) == 0


def test_a_union_keeps_ids():
    one, two = THREE[:1].replace(id=[7]), THREE[1:].replace(id=[3, 5])
    assert Detections.union([one, Detections.empty(), two]).id.tolist() == [7, 3, 5]
    assert len(Detections.union([])) == 0


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"score": [0.1, 0.2]}, "score must have shape"),
        ({"score": [0.1, 0.2, 1.5]}, "0..1"),
        ({"xyxy": [[5, 0, 1, 1]] * 3}, "x0 <= x1"),
        ({"id": [1, 1, 2]}, "unique"),
        ({"mask": np.zeros((2, 4, 4), bool)}, "mask must have shape"),
    ],
    ids=["short column", "score above one", "inside out", "same ids", "short mask"],
)
def test_columns_that_do_not_fit_are_refused(columns, message):
    with pytest.raises(ValueError, match=message):
        THREE.replace(**columns)
