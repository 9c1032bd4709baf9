"""The depth core: what a queue estimated from sizes and prints fills, and what it does not."""

import pytest

from quietfill.domain.errors import BadInput
from quietfill.domain.types import Liquidity, OrderSide, TimeInForce
from quietfill.market.triggers import LastThrough, SizeReaches, TouchLeaves, Trigger, VolumeReaches
from quietfill.venue.depth_core import DepthCore
from quietfill.venue.exchange import Exchange, VenueOptions
from quietfill.venue.handmade import Row, handmade_tape
from quietfill.venue.recorded import history_of
from quietfill.venue.tape import RowKind
from tests.venue_floor import MIDNIGHT, B, Floor, S


def level(time: int, side: int, price: int, size: int) -> Row:
    """The size at a price becomes this."""
    return time, RowKind.LEVEL, side, -1, price, size


def print_(time: int, side: int, price: int, quantity: int) -> Row:
    """Somebody takes resting size of *side*."""
    return time, RowKind.TRADE, side, -1, price, quantity


def quiet_book() -> list[Row]:
    """Bid 10 at 100, ask 10 at 102, and 20 one level behind each."""
    return [level(1, B, 100, 10), level(1, S, 102, 10), level(1, B, 99, 20), level(1, S, 103, 20)]


def market(*rows: Row, until: int = 2, **options) -> Floor:
    """A venue on the quiet book and these rows, played up to *until*."""
    return Floor(handmade_tape([*quiet_book(), *rows]), **options).go(until)


def test_the_touch_and_the_depth_follow_the_rows():
    """Level rows set sizes, and an emptied level leaves the book."""
    rows = (level(5, B, 100, 0), level(6, S, 101, 4))

    assert market(*rows).bids == ((100, 10), (99, 20))
    assert market(*rows, until=5).bids == ((99, 20),)
    assert market(*rows, until=6).asks == ((101, 4), (102, 10), (103, 20))


def test_displayed_size_is_taken_once():
    """Two orders cannot both take the same shares, however long nothing is recorded there."""
    floor = market().place("a", B, 10, 102).place("b", B, 10, 102)

    assert floor.filled("a") == 10
    assert floor.filled("b") == 0
    assert floor.asks == ((103, 20),)


def test_a_sweep_pays_each_level():
    """A market order takes level after level and reports each price, all of it aggressive."""
    floor = market().place("a", B, 25, None, TimeInForce.IOC)

    assert floor.fills("a") == [(2, 102, 10), (2, 103, 15)]
    assert {r.fill.liquidity for r in floor.reports if r.fill} == {Liquidity.AGGRESSIVE}
    assert floor.asks == ((103, 5),)


@pytest.mark.parametrize(
    ("rows", "shown"),
    [
        ([level(5, S, 102, 15)], 9),  # only what was added comes to it
        ([level(5, S, 102, 8)], 2),  # a fall comes from behind: what we took was at the front
        ([level(5, S, 102, 3)], 0),  # ... as far as it goes
        ([level(5, S, 102, 3), level(6, S, 102, 9)], 6),
        ([level(5, S, 102, 0), level(6, S, 102, 9)], 9),  # an emptied level forgets
        ([print_(5, S, 102, 6), level(5, S, 102, 4)], 4),  # the print took the front, which we had already
        ([print_(5, S, 102, 8), level(5, S, 102, 2)], 2),
        ([print_(5, S, 102, 6), level(5, S, 102, 12)], 12),
    ],
)
def test_what_we_took_stays_gone_until_history_takes_it_too(rows, shown):
    """After taking 6 of 10, later recorded sizes show the rest, less what history has not yet taken itself."""
    floor = market(*rows).place("a", B, 6, 102, TimeInForce.IOC)
    assert floor.asks[0] == (102, 4)
    floor.go(9)

    assert dict(floor.asks).get(102, 0) == shown


def test_an_order_waits_behind_all_that_was_shown():
    """Prints at our price eat what stood before us, then us, up to the print."""
    floor = market(print_(5, B, 100, 6), print_(6, B, 100, 6), print_(7, B, 100, 9)).place("a", B, 5, 100).go(9)

    assert floor.fills("a") == [(6, 100, 2), (7, 100, 3)]
    assert {r.fill.liquidity for r in floor.reports if r.fill} == {Liquidity.PASSIVE}


def test_a_print_and_the_fall_it_caused_count_once():
    """The level row that follows a print does not move us forward again."""
    rows = (print_(5, B, 100, 6), level(5, B, 100, 4), print_(6, B, 100, 4), level(6, B, 100, 0))
    floor = market(*rows).place("a", B, 5, 100).go(9)

    assert floor.filled("a") == 0


def test_a_fall_without_print_comes_from_behind():
    """Cancels move us forward only once the level shows less than what stood before us."""
    joined_late = market(level(3, B, 100, 18), level(5, B, 100, 11), print_(6, B, 100, 12)).place("a", B, 5, 100).go(9)
    assert joined_late.fills("a") == [(6, 100, 2)]  # 10 ahead all the time

    moved = market(level(5, B, 100, 4), level(6, B, 100, 30), print_(7, B, 100, 6)).place("a", B, 5, 100).go(9)
    assert moved.fills("a") == [(7, 100, 2)]  # 4 left ahead; the 26 that came later are behind us


def test_a_print_through_our_price_fills_us():
    """A sale at a worse price than our bid must have met it, whatever stood ahead."""
    floor = market(print_(5, B, 99, 3), print_(6, B, 99, 9)).place("a", B, 5, 100).go(9)

    assert floor.fills("a") == [(5, 100, 3), (6, 100, 2)]


def test_one_print_is_shared_and_never_doubled():
    """Our better order trades first, and what it met is not given to the one behind it."""
    floor = market(print_(5, B, 100, 14)).place("best", B, 3, 101).place("one", B, 2, 100).place("two", B, 9, 100).go(9)

    # 14 came: 3 for the best, 10 for those recorded ahead, 1 left.
    assert (floor.filled("best"), floor.filled("one"), floor.filled("two")) == (3, 1, 0)


def test_two_of_ours_at_one_price_keep_their_order():
    """The later one joined behind the same crowd and gets what the earlier one left."""
    floor = market(print_(5, B, 100, 14)).place("one", B, 3, 100).place("two", B, 9, 100).go(9)

    assert (floor.filled("one"), floor.filled("two")) == (3, 1)


def test_size_arriving_through_our_price_fills_us_and_is_gone():
    """When the other side's quote comes to our bid, it trades with us, and only its rest is shown."""
    floor = market(level(5, B, 100, 0), level(5, S, 100, 8)).place("a", B, 5, 100).go(9)

    assert floor.fills("a") == [(5, 100, 5)]
    assert [r.fill.liquidity for r in floor.reports if r.fill] == [Liquidity.PASSIVE]
    assert floor.asks[0] == (100, 3)


def test_a_crossing_quote_fills_no_more_than_its_size():
    """A large order of ours takes the quote's size once, and the quote standing there gives nothing more."""
    floor = market(level(5, B, 100, 0), level(5, S, 100, 8), level(6, S, 100, 8), level(7, S, 100, 9))
    floor.place("a", B, 50, 100).go(6)
    assert floor.fills("a") == [(5, 100, 8)]
    floor.go(7)

    assert floor.fills("a") == [(5, 100, 8), (7, 100, 1)]


def test_a_fill_states_the_touch_before_its_time_stamp():
    """The rows of one stamp are one change of the book; what it was on the way is nobody's market."""
    floor = market(level(5, B, 100, 0), level(5, S, 100, 8)).place("a", B, 5, 100).go(9)

    assert [(r.fill.bid, r.fill.ask) for r in floor.reports if r.fill] == [(100, 102)]


def test_an_emptied_level_alone_fills_nothing():
    """That the crowd around us leaves proves no trade."""
    floor = market(level(5, B, 100, 0)).place("a", B, 5, 100).go(9)

    assert floor.filled("a") == 0
    assert floor.bids[0] == (100, 5)


def test_a_queue_out_of_sight_is_unknown_until_it_is_recorded():
    """Below everything recorded we stand last: the first size seen at our price is all ahead of us."""
    rows = (print_(5, B, 97, 4), level(6, B, 97, 12), print_(7, B, 97, 13))
    floor = market(*rows).place("a", B, 5, 97).go(9)

    assert floor.fills("a") == [(7, 97, 1)]


def test_our_orders_do_not_trade_with_one_another():
    """The resting one is withdrawn when our newer order would reach it, and not before."""
    floor = market().place("sell", S, 5, 102).place("small", B, 10, 102)
    assert floor.words("sell") == ["accepted"]
    floor.place("buy", B, 4, 102)

    assert floor.words("sell") == ["accepted", "cancelled"]
    assert floor.last("sell").reason == "self-match prevention"
    assert floor.filled("buy") == 0


def test_a_smaller_replace_keeps_the_place_and_a_cancel_ends_it():
    """Resizing leaves what stands ahead as it is; after a cancel nothing fills."""
    floor = market(print_(5, B, 100, 12), print_(7, B, 100, 12)).place("a", B, 5, 100).replace("a", 3, 100).go(6)
    assert floor.fills("a") == [(5, 100, 2)]

    floor.cancel("a").go(9)
    assert floor.words("a") == ["accepted", "replaced", "fill", "cancelled"]


def test_triggers_look_at_the_others_market():
    """Each kind fires at the stamp whose rows meet it; our own order at a new best price does not."""
    cases: list[tuple[Trigger, int]] = [
        (TouchLeaves(side=OrderSide.BUY, low=100, high=100), 6),
        (SizeReaches(side=OrderSide.SELL, price=102, quantity=15), 5),
        (VolumeReaches(volume=7), 7),
        (LastThrough(price=99, rising=False), 7),
    ]
    for trigger, fires in cases:
        floor = market(level(5, S, 102, 15), level(6, B, 100, 0), print_(7, B, 99, 7))
        floor.place("own", B, 1, 101)
        floor.exchange.watch([trigger])
        assert floor.go(fires).triggered_at[:1] == [fires], trigger


def test_history_holds_prints_and_touches():
    """The tape alone yields the prints and the touch as of the end of each stamp."""
    tape = handmade_tape([*quiet_book(), print_(5, B, 100, 10), level(5, B, 100, 0), level(5, S, 101, 4)])
    history = history_of(tape)

    assert history.print_quantity.tolist() == [10]
    there = history.has_touch
    assert (history.touch_time[there] - MIDNIGHT).tolist() == [1, 5]
    assert history.bid[there].tolist() == [100, 99]
    assert history.ask[there].tolist() == [102, 101]


def test_displacing_needs_orders():
    """The mode that spares recorded orders is refused where none are recorded."""
    with pytest.raises(BadInput, match="mode displacing needs recorded orders; handmade knows sizes"):
        Exchange(handmade_tape(quiet_book()), VenueOptions(mode="displacing"), 0)


def test_the_exchange_picks_the_core_by_the_tape():
    """A tape of levels gets the depth core without being asked for."""
    assert isinstance(market().exchange._core, DepthCore)
