"""Which patch answers for which object, on maps drawn by hand."""

import numpy as np

from vlm_picking.training.augment import into_bin
from vlm_picking.training.data import Thing
from vlm_picking.training.targets import MIN_VISIBLE, assign

PATCH = 16


def view(*boxes):
    """A 64 x 64 instance map (4 x 4 patches); boxes are (id, x0, y0, x1, y1), later ones on top."""
    ids = np.zeros((64, 64), np.uint8)
    for i, x0, y0, x1, y1 in boxes:
        ids[y0:y1, x0:x1] = i
    return ids


def things(*ids, visible=1.0):
    return [Thing("mug", "red", i, visible) for i in ids]


def patches(*cells):
    """Bool (16,) with the given (row, column) patches set."""
    mask = np.zeros((4, 4), bool)
    for row, column in cells:
        mask[row, column] = True
    return mask.ravel()


def test_an_object_on_two_by_two_patches():
    target = assign(view((1, 16, 16, 48, 48)), things(1), PATCH)
    square = patches((1, 1), (1, 2), (2, 1), (2, 2))
    np.testing.assert_array_equal(target.positive[0], square)
    np.testing.assert_array_equal(target.touched[0], square)
    np.testing.assert_array_equal(target.owner >= 0, square)
    np.testing.assert_allclose(target.cxcywh[0], [0.5, 0.5, 0.5, 0.5])


def test_only_the_central_part_of_a_large_object_fires():
    target = assign(view((1, 0, 0, 64, 64)), things(1), PATCH)
    np.testing.assert_array_equal(target.positive[0], patches((1, 1), (1, 2), (2, 1), (2, 2)))
    assert target.touched[0].all()
    assert (target.owner == 0).all(), "every patch of the object learns its box"


def test_an_object_smaller_than_a_patch_fires_there():
    target = assign(view((1, 20, 36, 26, 42)), things(1), PATCH)
    np.testing.assert_array_equal(target.positive[0], patches((2, 1)))


def test_a_thin_diagonal_object_fires_where_it_is_not_in_the_corners_of_its_box():
    ids = np.zeros((64, 64), np.uint8)
    for k in range(60):
        ids[k, k : k + 4] = 1
    target = assign(ids, things(1), PATCH)
    positive = target.positive[0].reshape(4, 4)
    assert positive.any()
    off_diagonal = np.abs(np.subtract.outer(np.arange(4), np.arange(4))) > 1
    assert not positive[off_diagonal].any()


def test_what_lies_on_top_takes_the_patch_and_its_box():
    target = assign(view((1, 0, 16, 64, 48), (2, 16, 16, 48, 48)), things(1, 2), PATCH)
    middle = patches((1, 1), (1, 2), (2, 1), (2, 2))
    assert (target.owner[middle] == 1).all()
    assert not (target.positive[0] & middle).any()
    assert target.positive[0].any(), "a covered middle leaves the patches beside it"


def test_a_nearly_covered_object_is_neither_asked_for_nor_wrong():
    target = assign(view((1, 16, 16, 48, 48)), things(1, visible=MIN_VISIBLE - 0.01), PATCH)
    assert not target.positive.any()
    assert target.touched[0].sum() == 4
    assert (target.owner == -1).all()


def test_what_a_crop_cuts_off_counts_as_covered():
    kept = np.ones(256)
    kept[1] = 0.2
    target = assign(view((1, 16, 16, 48, 48)), things(1), PATCH, kept=kept)
    assert not target.positive.any()


def test_objects_without_pixels_drop_out():
    target = assign(view((2, 16, 16, 48, 48)), things(1, 2, 3), PATCH)
    assert [thing.id for thing in target.things] == [2]


def test_an_empty_view():
    target = assign(view(), things(1), PATCH)
    assert target.things == ()
    assert target.positive.shape == (0, 16)
    assert (target.owner == -1).all()


def test_a_view_into_the_bin_shows_all_things_larger():
    ids = np.zeros((120, 160), np.uint8)
    ids[40:60, 50:80], ids[70:90, 60:90] = 1, 2
    rgb = np.repeat(ids[..., None] * 90, 3, axis=2)
    for seed in range(20):
        seen, inside = into_bin(rgb, ids, np.random.default_rng(seed))
        assert seen.shape[:2] == inside.shape and inside.size < ids.size
        assert np.bincount(inside.ravel(), minlength=3)[1:].tolist() == [600, 600]
    empty = np.zeros_like(ids)
    assert into_bin(rgb, empty, np.random.default_rng(0))[1] is empty
