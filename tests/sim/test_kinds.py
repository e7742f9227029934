import numpy as np
import pytest

pytest.importorskip("mujoco", reason="the simulator is an extra: pip install 'vlm_picking[sim]'")

from vlm_picking.sim.colours import COLOURS, colour_word, paint
from vlm_picking.sim.kinds import KINDS, UnknownKindError, get_kind, kind_of_noun
from vlm_picking.sim.scene import ObjectSpec, make_scene


@pytest.mark.parametrize("name", sorted(KINDS))
def test_kind_builds_closed_solid_objects_of_real_size(name):
    for seed in range(4):
        item = get_kind(name).build(np.random.default_rng(seed))
        assert item.kind == name
        assert item.colour in COLOURS
        assert all(part.mesh.volume_m3 > 0 for part in item.parts if part.mesh is not None)
        assert any(part.solid for part in item.parts)
        assert any(part.visible and part.rgb is None for part in item.parts), "nothing wears the colour that is named"
        assert 0.003 < item.half_extents_m.min() and item.half_extents_m.max() < 0.16


@pytest.mark.parametrize("name", sorted(KINDS))
def test_kind_dropped_into_a_bin_comes_to_rest_on_its_floor(name):
    specs = (ObjectSpec(kind=name), ObjectSpec(kind=name))
    scene = make_scene(3, objects=specs, must_keep=True)
    assert [item.kind for item in scene.objects] == [name, name]
    length, width, _ = scene.crate.inner_m
    for place, item in zip(scene.positions_m(), scene.objects, strict=True):
        assert abs(place[0]) < length / 2 and abs(place[1]) < width / 2
        reach = float(np.linalg.norm(item.half_extents_m))
        # Nothing sinks into the floor, nothing stays in the air (an object may lean on the other one).
        assert 0.0 < place[2] < 2.5 * reach


HELD_OUT = sorted((name, variant) for name, entry in KINDS.items() for variant in entry.held_out)


def test_eight_shapes_of_different_kinds_are_held_out_of_training():
    assert len({name for name, _ in HELD_OUT}) >= 8


@pytest.mark.parametrize(("name", "variant"), HELD_OUT)
def test_held_out_shape_builds_like_a_kind_and_differs_from_what_is_taught(name, variant):
    entry = get_kind(name)
    taught = {_form(entry.build(np.random.default_rng(seed))) for seed in range(20)}
    for seed in range(4):
        item = entry.build(np.random.default_rng(seed), "green", variant=variant)
        assert (item.kind, item.colour) == (name, "green")
        assert all(part.mesh.volume_m3 > 0 for part in item.parts if part.mesh is not None)
        assert any(part.solid for part in item.parts)
        assert any(part.visible and part.rgb is None for part in item.parts)
        assert 0.003 < item.half_extents_m.min() and item.half_extents_m.max() < 0.16
        assert _form(item) not in taught


@pytest.mark.parametrize(("name", "variant"), HELD_OUT)
def test_held_out_shape_dropped_into_a_bin_comes_to_rest_on_its_floor(name, variant):
    specs = (ObjectSpec(kind=name, variant=variant), ObjectSpec(kind=name, variant=variant))
    scene = make_scene(3, objects=specs, must_keep=True)
    length, width, _ = scene.crate.inner_m
    for place, item in zip(scene.positions_m(), scene.objects, strict=True):
        assert abs(place[0]) < length / 2 and abs(place[1]) < width / 2
        assert 0.0 < place[2] < 2.5 * float(np.linalg.norm(item.half_extents_m))


def _form(item) -> tuple:
    """What tells shapes apart whatever their paint: parts, meshes and proportions in steps of a third."""
    proportions = np.round(3 * np.log(item.half_extents_m / 0.05)).astype(int)
    meshes = tuple(len(part.mesh.vertices) for part in item.parts if part.mesh is not None)
    return (*proportions, len([part for part in item.parts if part.visible]), *meshes)


@pytest.mark.parametrize("colour", COLOURS)
def test_asked_colour_is_worn(colour):
    item = get_kind("mug").build(np.random.default_rng(1), colour)
    assert item.colour == colour
    nearest = min(COLOURS, key=lambda word: np.linalg.norm(np.subtract(paint(word, _Still()), item.paint_rgb)))
    assert nearest == colour


class _Still:
    """Draws the middle of every range: the paint without its jitter."""

    def uniform(self, low, high, size=None):
        return (low + high) / 2 * np.ones(size) if size else (low + high) / 2


@pytest.mark.parametrize(
    ("noun", "kind"),
    [
        ("mug", "mug"),
        ("coffee cup", "mug"),
        ("Packaging", "carton"),
        ("cardboard boxes", "carton"),
        ("spanner", "wrench"),
        ("duct tape", "tape"),
        ("soda cans", "can"),
        ("giraffe", None),
    ],
)
def test_nouns_name_kinds(noun, kind):
    assert kind_of_noun(noun) == kind


def test_no_noun_names_two_kinds():
    words = [word for name, entry in KINDS.items() for word in (name, *entry.synonyms)]
    assert len(words) == len(set(words))


def test_unknown_kind_suggests_the_nearest():
    with pytest.raises(UnknownKindError, match="did you mean 'mug'"):
        get_kind("mugg")


def test_unknown_colour_suggests_the_nearest():
    with pytest.raises(UnknownKindError, match="did you mean 'purple'"):
        get_kind("mug").build(np.random.default_rng(0), "purpel")


@pytest.mark.parametrize(("word", "colour"), [("gray", "grey"), ("Red", "red"), ("striped", None)])
def test_colour_words(word, colour):
    assert colour_word(word) == colour
