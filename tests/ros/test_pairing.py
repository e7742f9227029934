"""Pairs by stamp: whatever the order, and wherever the clock jumps."""

import pytest

from vlm_picking.ros.pairing import Arrival, StampPairing

MS = 1_000_000


def arrival(stamp_ms: float, arrived_s: float = 0.0) -> Arrival:
    return Arrival(message=stamp_ms, stamp_ns=round(stamp_ms * MS), arrived_s=arrived_s)


def pair_up(slop_s: float, *messages: tuple[str, float]) -> list[tuple[float, float]]:
    """Feed (side, stamp [ms]) in turn; the pairs as (colour, depth)."""
    pairing = StampPairing(slop_s)
    pairs = [pairing.add(side, arrival(stamp)) for side, stamp in messages]
    return [(pair.color.message, pair.depth.message) for pair in pairs if pair is not None]


@pytest.mark.parametrize("first", ["color", "depth"])
def test_either_side_may_come_first(first):
    second = "depth" if first == "color" else "color"
    assert pair_up(0.02, (first, 100), (second, 100)) == [(100, 100)]


def test_the_nearest_partner_is_taken():
    assert pair_up(0.05, ("depth", 100), ("depth", 133), ("color", 130)) == [(130, 133)]


@pytest.mark.parametrize(("skew_ms", "pairs"), [(20, 1), (20.001, 0), (-20, 1), (-21, 0)])
def test_the_slop_is_the_limit(skew_ms, pairs):
    assert len(pair_up(0.02, ("color", 100), ("depth", 100 + skew_ms))) == pairs


def test_zero_slop_wants_equal_stamps():
    assert pair_up(0.0, ("color", 5), ("depth", 5), ("color", 6), ("depth", 7)) == [(5, 5)]


def test_a_message_is_used_once():
    assert pair_up(0.02, ("color", 100), ("depth", 100), ("depth", 101)) == [(100, 100)]


def test_a_looping_bag_pairs_again():
    bag = [(side, stamp) for stamp in (100, 133, 166) for side in ("color", "depth")]
    assert pair_up(0.02, *bag, *bag) == [(100, 100), (133, 133), (166, 166)] * 2


def test_a_bag_cut_off_in_the_middle_of_a_pair_pairs_again():
    assert pair_up(0.02, ("color", 9000), ("color", 100), ("depth", 100), ("depth", 9000)) == [(100, 100)]


def test_what_never_pairs_does_not_pile_up():
    pairing = StampPairing(0.02)
    for stamp in range(0, 100_000, 50):
        assert pairing.add("color", arrival(stamp)) is None
    assert len(pairing._waiting["color"]) <= 8


def test_the_nearest_miss_is_told_and_forgotten():
    pairing = StampPairing(0.02)
    pairing.add("color", arrival(100))
    pairing.add("depth", arrival(150))
    assert pairing.nearest_miss_s == pytest.approx(0.05)
    pairing.add("color", arrival(150))
    assert pairing.nearest_miss_s is None


def test_a_pair_is_as_old_as_its_earlier_half():
    pairing = StampPairing(0.02)
    pairing.add("color", arrival(100, arrived_s=1.0))
    pair = pairing.add("depth", arrival(103, arrived_s=2.0))
    assert pair.arrived_s == 1.0
    assert pair.skew_s == pytest.approx(0.003)
