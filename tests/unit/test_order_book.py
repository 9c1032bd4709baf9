"""The public order book: what it accepts, and the figures on its face."""

import copy
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from quietfill.domain.book import OrderBookLevel, OrderBookSnapshot
from quietfill.domain.types import OrderSide

NOON = datetime(2023, 7, 11, 12, tzinfo=UTC)
Level = OrderBookLevel


def book(bids=(), asks=(), **changes) -> OrderBookSnapshot:
    """Build a snapshot from (price, size) pairs."""
    return OrderBookSnapshot.from_tuples("600961", NOON, bids, asks, **changes)


def test_levels_are_built_by_position_and_by_name():
    """The contract's order of fields, one order a level unless said otherwise."""
    assert Level(100.0, 500) == Level(price=100.0, size=500, num_orders=1)
    assert Level(100.0, 500, 2).num_orders == 2


def test_figures_of_an_ordinary_book():
    """Touch, mid, spread, microprice, depth and imbalance of a book of two levels a side."""
    snapshot = OrderBookSnapshot(
        "600961", NOON, [Level(9.10, 300, 2), Level(9.09, 100)], [Level(9.12, 100), Level(9.14, 500)], tick_size=0.01
    )

    assert (snapshot.best_bid, snapshot.best_ask, snapshot.mid_price) == (9.10, 9.12, 9.11)
    assert snapshot.spread_bps == pytest.approx(0.02 / 9.11 * 1e4, rel=1e-12)
    assert snapshot.spread_ticks == 2.0
    assert snapshot.microprice == 9.115
    assert (snapshot.is_locked, snapshot.is_crossed) == (False, False)
    assert (snapshot.total_bid_depth(), snapshot.total_ask_depth(), snapshot.total_ask_depth(1)) == (400, 600, 100)
    assert snapshot.depth_imbalance() == -0.2
    assert snapshot.depth_imbalance(1) == 0.5


def test_a_missing_side_gives_none_and_never_zero():
    """With one side or none, what needs both is unknown."""
    one_sided, empty = book([(9.1, 100)]), book()

    assert (one_sided.best_bid, one_sided.best_ask) == (9.1, None)
    assert (empty.best_bid, empty.best_ask) == (None, None)
    for snapshot in (one_sided, empty):
        assert (snapshot.mid_price, snapshot.spread_bps, snapshot.microprice, snapshot.spread_ticks) == (None,) * 4
        assert (snapshot.is_locked, snapshot.is_crossed) == (False, False)
    assert one_sided.depth_imbalance() == 1.0
    assert empty.depth_imbalance() == 0.0
    assert empty.total_bid_depth() == 0


def test_locked_and_crossed_books_are_shown_as_they_are():
    """A locked book has no spread, a crossed one a negative spread."""
    locked, crossed = book([(9.1, 1)], [(9.1, 1)]), book([(9.2, 1)], [(9.1, 1)])

    assert (locked.is_locked, locked.is_crossed, locked.spread_bps) == (True, False, 0.0)
    assert (crossed.is_locked, crossed.is_crossed) == (False, True)
    assert crossed.spread_bps is not None
    assert crossed.spread_bps < 0


def test_zero_and_negative_prices_are_legal():
    """The spread keeps its sign below zero, and has no bps around a mid of zero."""
    negative = book([(-37.65, 10)], [(-37.63, 10)])
    around_zero = book([(-0.01, 10)], [(0.01, 10)])

    assert negative.mid_price == -37.64
    assert negative.spread_bps == pytest.approx(0.02 / 37.64 * 1e4, rel=1e-12)
    assert (around_zero.mid_price, around_zero.spread_bps) == (0.0, None)
    assert book([(0, 1)]).best_bid == 0.0


def test_depth_counts_as_many_levels_as_asked_for():
    """None is all, 0 is none, more than there are is all; a negative number is refused."""
    snapshot = book([(9.1, 100), (9.0, 200)])

    assert [snapshot.total_bid_depth(n) for n in (None, 0, 1, 2, 9)] == [300, 0, 100, 300, 300]
    with pytest.raises(ValueError, match="n_levels"):
        snapshot.total_bid_depth(-1)
    with pytest.raises(ValueError, match="n_levels"):
        snapshot.depth_imbalance(1.5)  # type: ignore[arg-type]


def test_empty_levels_have_no_microprice():
    """A touch without size on either side has no weights."""
    assert book([(9.1, 0)], [(9.2, 0)]).microprice is None
    assert book([(9.1, 0)], [(9.2, 0)]).depth_imbalance() == 0.0


@pytest.mark.parametrize("side", ["buy", "BUY", "Buy", OrderSide.BUY])
def test_a_buy_walks_the_asks(side):
    """Side in any letter case; the average of what is taken, and how much there was."""
    snapshot = book([(9.1, 100)], [(9.2, 100), (9.3, 300)])

    assert snapshot.vwap_to_size(side, 50) == (9.2, 50)
    assert snapshot.vwap_to_size(side, 200) == (9.25, 200)
    assert snapshot.vwap_to_size(side, 1000) == (9.275, 400)


def test_a_sell_walks_the_bids():
    """And finds nothing where there is nothing."""
    snapshot = book([(9.1, 100), (9.0, 100)])

    assert snapshot.vwap_to_size("SELL", 200) == (9.05, 200)
    assert snapshot.vwap_to_size("buy", 200) == (0.0, 0)


@pytest.mark.parametrize(
    ("side", "size", "named"),
    [
        ("hold", 1, "side"),
        ("", 1, "side"),
        (None, 1, "side"),
        (1, 1, "side"),
        ("buy", 0, "target_size"),
        ("buy", -1, "target_size"),
        ("buy", float("nan"), "target_size"),
        ("buy", "5", "target_size"),
        ("buy", True, "target_size"),
    ],
)
def test_a_walk_that_makes_no_sense_is_refused(side, size, named):
    """Unknown sides and sizes that are not above zero are named."""
    with pytest.raises(ValueError, match=named):
        book([(9.1, 100)], [(9.2, 100)]).vwap_to_size(side, size)


@pytest.mark.parametrize(
    ("bids", "asks", "message"),
    [
        ([(9.0, 1), (9.1, 1)], [], "600961 bids are not sorted best first: level 2 at 9.1 is above level 1 at 9.0"),
        ([], [(9.1, 1), (9.3, 1), (9.2, 1)], "asks are not sorted best first: level 3 at 9.2 is below level 2 at 9.3"),
        ([(9.0, 1), (8.9, -5)], [], "bid level 2 size must not be negative, not -5"),
        ([], [(float("nan"), 1)], "ask level 1 price must be finite, not nan"),
        ([(float("inf"), 1)], [], "bid level 1 price must be finite, not inf"),
        ([], [(Decimal("-Infinity"), 1)], "ask level 1 price must be finite"),
        ([(9.0, float("nan"))], [], "bid level 1 size must be finite"),
        ([("9.0", 1)], [], "bid level 1 price must be a number, not '9.0'"),
        ([(9.0, None)], [], "bid level 1 size must be a number, not None"),
        ([(9.0, True)], [], "bid level 1 size must be a number, not True"),
        ([(9.0,)], [], "bids: each level must be"),
        ([9.0], [], "bids: each level must be"),
    ],
)
def test_a_wrong_book_is_refused_with_side_level_and_value(bids, asks, message):
    """Nobody has to search for what was wrong."""
    with pytest.raises(ValueError, match=message):
        book(bids, asks)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"symbol": ""}, "symbol"),
        ({"timestamp": NOON.replace(tzinfo=None)}, "timestamp"),
        ({"timestamp": "noon"}, "timestamp"),
        ({"bids": [(9.0, 1)]}, "bid level 1 must be an OrderBookLevel"),
        ({"tick_size": 0}, "tick_size"),
        ({"tick_size": float("nan")}, "tick_size"),
    ],
)
def test_a_wrong_frame_is_refused_by_name(given, named):
    """Symbol, timestamp, level type and tick are checked too."""
    whole: dict[str, Any] = {"symbol": "600961", "timestamp": NOON, "bids": [], "asks": [], **given}
    with pytest.raises(ValueError, match=named):
        OrderBookSnapshot(**whole)


def test_equal_neighbouring_prices_are_sorted():
    """An order-by-order feed may show a price more than once."""
    assert book([(9.1, 100), (9.1, 50)]).total_bid_depth(2) == 150


def test_a_snapshot_is_frozen_and_detached():
    """Neither the caller's lists nor the snapshot's own can change it."""
    bids = [Level(9.1, 100)]
    snapshot = OrderBookSnapshot("600961", NOON, bids, [])

    bids.append(Level(9.0, 100))
    snapshot.bids.append(Level(9.0, 100))

    assert snapshot.bids == [Level(9.1, 100)]
    with pytest.raises(AttributeError, match="frozen"):
        snapshot.symbol = "other"
    with pytest.raises(AttributeError):
        snapshot.bids[0].size = 5  # type: ignore[misc]


def test_snapshots_compare_hash_copy_and_pickle_by_content():
    """Two snapshots of the same content are the same."""
    first, again = book([(9.1, 100)], [(9.2, 100)]), book([(9.1, 100)], [(9.2, 100)])

    assert first == again
    assert {first, again} == {first}
    assert pickle.loads(pickle.dumps(first)) == first == copy.deepcopy(first)
    assert first != book([(9.1, 101)], [(9.2, 100)])
    assert first != "book"
    assert "600961" in repr(first)


def test_decimals_and_parts_of_a_coin_are_exact():
    """Whole sizes come out as int, broken ones as an exact Decimal."""
    snapshot = book([(Decimal("65000.1"), 0.1), (65000, 0.2)], [(65000.2, Decimal("1.5")), (65000.3, 0.5)])

    assert snapshot.total_bid_depth() == Decimal("0.3")
    assert snapshot.total_ask_depth() == 2
    assert type(snapshot.total_ask_depth()) is int
    assert snapshot.best_bid == 65000.1
    assert snapshot.vwap_to_size("buy", Decimal("0.25")) == (65000.2, Decimal("0.25"))
