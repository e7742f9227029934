"""Patches become objects: what is measured adds up, hollows and slivers find their own, equal neighbours part."""

from dataclasses import replace

import numpy as np

from tests.planning.synthetic import Ball, Box, look
from vlm_picking.joining import WEIGHTS, join, patch_graph
from vlm_picking.regions import cut
from vlm_picking.segmentation import segment_objects
from vlm_picking.support import find_support


def test_joining_adds_up_what_measuring_the_joined_patches_gives(simulated_bin):
    patches = cut(simulated_bin.frame, find_support(simulated_bin.frame))
    graph = patch_graph(simulated_bin.frame, patches)
    name = np.arange(patches.count + 1)
    name[graph.second[::3]] = graph.first[::3]
    name = np.unique(name, return_inverse=True)[1]
    joined = graph.joined(name)
    relabelled = replace(patches, label=name.astype(np.int32)[patches.label], count=int(name.max()))
    measured = patch_graph(simulated_bin.frame, relabelled)
    np.testing.assert_allclose(joined.sums[1:, :8], measured.sums[1:, :8], rtol=1e-9)
    np.testing.assert_allclose(joined.outline_px[1:], measured.outline_px[1:])
    np.testing.assert_array_equal(joined.first, measured.first)
    np.testing.assert_allclose(joined.border, measured.border)


def test_every_term_has_a_weight(simulated_bin):
    graph = patch_graph(simulated_bin.frame, cut(simulated_bin.frame, find_support(simulated_bin.frame)))
    evidence = graph.evidence()
    assert evidence.shape == (len(graph.first), len(WEIGHTS)) and np.isfinite(evidence).all()


def test_things_of_one_colour_side_by_side_stay_apart():
    shot = look([Ball((-0.03, 0, 0.03), 0.03), Ball((0.031, 0, 0.03), 0.03), Box((0, 0.08, 0.02), (0.05, 0.04, 0.04))])
    grey = replace(shot.frame, rgb=np.full_like(shot.frame.rgb, 128))
    assert len(segment_objects(grey, find_support(grey))) == 3


def test_nothing_to_join_is_no_error():
    shot = look([])
    label, count = join(shot.frame, cut(shot.frame, find_support(shot.frame)))
    assert count == label.max()


def test_a_simulated_bin_is_hardly_cut_too_often(simulated_bin):
    found = segment_objects(simulated_bin.frame, find_support(simulated_bin.frame))
    assert 6 <= len(found) <= 9
