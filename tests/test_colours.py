"""Colour words for pixels."""

import numpy as np
import pytest

from vlm_picking.colours import COLOURS, colour_shares, other_hues


@pytest.mark.parametrize(
    ("rgb", "word"),
    [
        ((210, 25, 30), "red"),
        ((110, 15, 20), "red"),
        ((245, 140, 25), "orange"),
        ((250, 220, 50), "yellow"),
        ((30, 140, 60), "green"),
        ((30, 200, 210), "cyan"),
        ((20, 60, 190), "blue"),
        ((120, 50, 160), "purple"),
        ((245, 150, 190), "pink"),
        ((110, 70, 40), "brown"),
        ((15, 15, 15), "black"),
        ((128, 128, 128), "grey"),
        ((245, 245, 245), "white"),
    ],
)
def test_plain_colours(rgb, word):
    shares = colour_shares(np.full((10, 3), rgb, np.uint8))
    assert max(shares, key=shares.get) == word


def test_shares_add_up_to_one_over_twelve_words():
    shares = colour_shares(np.random.default_rng(0).integers(0, 256, (500, 3), dtype=np.uint8))
    assert sum(shares.values()) == pytest.approx(1)
    assert len(COLOURS) == len(shares) == 12


def test_two_colours_share_the_pixels():
    pixels = np.concatenate([np.full((30, 3), (210, 25, 30), np.uint8), np.full((10, 3), (20, 60, 190), np.uint8)])
    shares = colour_shares(pixels)
    assert (shares["red"], shares["blue"]) == (pytest.approx(0.75), pytest.approx(0.25))


@pytest.mark.parametrize(
    ("rgb", "colours", "share"),
    [
        ((200, 30, 35), {"green"}, 1.0),
        ((200, 30, 35), {"red"}, 0.0),
        ((200, 30, 35), {"orange"}, 0.0),  # in another light
        ((120, 120, 122), {"green"}, 0.0),  # a blade
        ((200, 30, 35), set(), 0.0),
        ((200, 30, 35), {"turquoise"}, 0.0),  # no word that pixels have
    ],
)
def test_only_another_hue_speaks_against_a_colour(rgb, colours, share):
    assert other_hues(np.full((50, 3), rgb, np.uint8), colours) == pytest.approx(share)
    assert other_hues(np.zeros((0, 3), np.uint8), colours) == 0.0
