"""Laws of rigid transforms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vlm_picking.transform import Transform

quaternions = arrays(np.float64, 4, elements=st.floats(-1, 1)).filter(lambda q: np.linalg.norm(q) > 0.1)
vectors = arrays(np.float64, 3, elements=st.floats(-5, 5))
transforms = st.builds(Transform.from_quaternion, quaternions, vectors)


@given(transforms, transforms, vectors)
def test_composition_applies_right_to_left(a_from_b, b_from_c, point):
    assert np.allclose((a_from_b @ b_from_c).apply(point), a_from_b.apply(b_from_c.apply(point)))


@given(transforms, vectors)
def test_the_inverse_undoes(a_from_b, point):
    assert np.allclose(a_from_b.inverse().apply(a_from_b.apply(point)), point)


@given(transforms)
def test_a_quaternion_there_and_back_is_the_same_rotation(transform):
    again = Transform.from_quaternion(transform.quaternion_xyzw, transform.translation_m)
    assert np.allclose(again.rotation, transform.rotation, atol=1e-9)
    assert transform.quaternion_xyzw[3] >= 0


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_half_turns_have_a_quaternion(axis):
    diagonal = -np.ones(3)
    diagonal[axis] = 1
    expected = np.zeros(4)
    expected[axis] = 1
    assert np.allclose(np.abs(Transform(np.diag(diagonal), np.zeros(3)).quaternion_xyzw), expected)


@pytest.mark.parametrize(
    ("rotation", "translation", "message"),
    [
        (np.eye(3) * 2, np.zeros(3), "not a rotation"),
        (np.diag([1, 1, -1]), np.zeros(3), "not a rotation"),
        (np.eye(3), [0, 0, np.nan], "finite"),
        (np.eye(2), np.zeros(3), "shape"),
    ],
    ids=["scaled", "mirrored", "nan", "two-dimensional"],
)
def test_what_is_no_transform_is_refused(rotation, translation, message):
    with pytest.raises(ValueError, match=message):
        Transform(rotation, translation)


def test_a_quaternion_without_length_is_refused():
    with pytest.raises(ValueError, match="length zero"):
        Transform.from_quaternion(np.zeros(4), np.zeros(3))


def test_its_arrays_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        Transform.identity().translation_m[0] = 1.0


@given(st.lists(transforms, min_size=1, max_size=5))
def test_many_at_once_are_those_one_by_one(one_by_one):
    together = Transform.each([t.rotation for t in one_by_one], [t.translation_m for t in one_by_one])
    for one, other in zip(one_by_one, together, strict=True):
        assert np.array_equal(one.rotation, other.rotation) and np.array_equal(one.translation_m, other.translation_m)
        assert not other.rotation.flags.writeable and not other.translation_m.flags.writeable


def test_one_mirror_among_many_is_refused():
    with pytest.raises(ValueError, match="not a rotation"):
        Transform.each([np.eye(3), np.diag([1.0, 1.0, -1.0])], np.zeros((2, 3)))
