"""What fills our orders, and what does not: the traps that other simulators fall into."""

import pytest

from quietfill.domain.types import Liquidity, TimeInForce
from quietfill.venue.handmade import handmade_tape
from quietfill.venue.tape import Phase, RowKind
from tests.venue_floor import B, Floor, S, add, cut, gone, hidden, hit, quiet_book


def test_displayed_size_is_taken_once():
    """Two orders cannot both take the same shares."""
    floor = Floor(quiet_book()).go(2)
    floor.place("a", B, 10, 102).place("b", B, 10, 102)

    assert floor.filled("a") == 10
    assert floor.filled("b") == 0
    assert floor.asks == ((103, 20),)
    assert floor.bids[0] == (102, 10)  # b rests


def test_a_touched_limit_waits_for_its_place_in_the_queue():
    """A print against the order in front of ours leaves ours alone."""
    floor = Floor([*quiet_book(), hit(5, B, 0, 100, 4), hit(6, B, 0, 100, 6)]).go(2).place("a", B, 5, 100).go(10)

    assert floor.filled("a") == 0
    assert floor.bids[0] == (100, 5)


def test_a_print_behind_us_proves_that_we_were_reached():
    """An execution of an order that came after ours fills ours, up to the print's size."""
    rows = [*quiet_book(), add(4, B, 4, 100, 8), hit(5, B, 0, 100, 10), hit(6, B, 4, 100, 3), hit(7, B, 4, 100, 5)]
    floor = Floor(rows).go(2).place("a", B, 5, 100).go(10)

    assert floor.fills("a") == [(6, 100, 3), (7, 100, 2)]
    assert floor.words("a") == ["accepted", "fill", "fill"]


def test_a_fill_of_exactly_the_rest_ends_the_order():
    """A print as large as what is left fills the order and nothing stays behind."""
    floor = Floor([*quiet_book(), add(4, B, 4, 100, 8), hit(6, B, 4, 100, 5), hit(7, B, 4, 100, 3)])
    floor.go(2).place("a", B, 5, 100).go(10)

    assert floor.fills("a") == [(6, 100, 5)]
    assert floor.last("a").cumulative == 5
    assert floor.exchange.open_count == 0


def test_a_trade_through_our_price_fills_us_first():
    """An execution at a worse price than ours must have met ours."""
    floor = Floor([*quiet_book(), hit(5, B, 0, 100, 4)]).go(2).place("a", B, 3, 101).go(10)

    assert floor.fills("a") == [(5, 101, 3)]


@pytest.mark.parametrize(("price", "filled"), [(100, 3), (99, 3), (101, 0)])
def test_hidden_prints_count(price, filled):
    """A print against a hidden buy at our price or lower fills our bid: what is displayed goes first."""
    floor = Floor([*quiet_book(), hidden(5, B, price, 3)]).go(2).place("a", B, 5, 100).go(10)

    assert floor.filled("a") == filled


def test_a_hidden_print_between_two_ticks_reaches_only_what_it_passed():
    """A midpoint print is no evidence against an order one half tick away from it."""
    rows = [add(1, B, 0, 1000, 10), add(1, S, 1, 1020, 10), (5, RowKind.HIDDEN, B, -1, 1015, 4)]
    floor = Floor(handmade_tape(rows, tick=10)).go(2).place("a", B, 2, 1010).go(4).place("b", B, 1, 1000).go(10)

    assert floor.filled("a") == 0
    higher = Floor(handmade_tape([*rows[:2], (5, RowKind.HIDDEN, S, -1, 1015, 4)], tick=10)).go(2)
    assert higher.place("a", S, 2, 1010).go(10).fills("a") == [(5, 1010, 2)]


def test_orders_of_one_time_stamp_keep_their_sequence():
    """Ours arrives behind everything recorded at that instant, and before what is recorded later."""
    rows = [*quiet_book(), add(3, B, 4, 100, 2), add(3, B, 5, 100, 2), add(4, B, 6, 100, 2), *(
        hit(7, B, order, 100, size) for order, size in ((0, 10), (4, 2), (5, 2), (6, 2))
    )]  # fmt: skip
    floor = Floor(rows).go(3).place("a", B, 1, 100).place("b", B, 1, 100).go(6)
    assert floor.filled("a") == 0
    floor.go(7)

    assert [report.child_id for report in floor.reports if report.fill] == ["a", "b"]
    assert floor.fills() == [(7, 100, 1), (7, 100, 1)]


def test_one_print_is_shared_and_never_doubled():
    """Several of our orders share one print by price and time."""
    floor = Floor([*quiet_book(), hit(5, B, 0, 100, 6)]).go(2)
    floor.place("late", B, 4, 101).place("worse", B, 9, 100).place("later", B, 4, 101).go(10)

    assert (floor.filled("late"), floor.filled("later"), floor.filled("worse")) == (4, 2, 0)


def test_an_incoming_order_priced_through_ours_trades_with_us():
    """A recorded sell at or below our bid fills us at our price, and only its rest is shown."""
    floor = Floor([*quiet_book(), gone(4, B, 0, 100), add(5, S, 4, 101, 8)]).go(2).place("a", B, 5, 101).go(10)

    assert floor.fills("a") == [(5, 101, 5)]
    assert floor.asks[0] == (101, 3)


def test_history_that_was_taken_is_not_taken_again():
    """A recorded cut or delete of an order eats what we left of it first; a later order finds only the rest."""
    floor = Floor([*quiet_book(), cut(5, S, 1, 102, 3), cut(6, S, 1, 102, 4)]).go(2).place("a", B, 4, 102)
    assert floor.asks[0] == (102, 6)
    assert floor.go(5).asks[0] == (102, 3)
    assert floor.go(6).asks[0] == (103, 20)  # 3 left in history, all of them taken by us


def test_ghost_history_goes_on_untouched():
    """By default our fill does not change what the recorded orders behind us trade."""
    floor = Floor([*quiet_book(), add(4, B, 4, 100, 8), hit(5, B, 0, 100, 10), hit(6, B, 4, 100, 5)])
    floor.go(2).place("a", B, 5, 100).go(10)

    assert floor.filled("a") == 5
    assert floor.bids[0] == (100, 3)


def test_displacing_leaves_those_behind_us_short():
    """In displacing mode the order behind us keeps what we took, and takes from the next aggressor in its turn."""
    rows = [*quiet_book(), add(4, B, 4, 100, 8), hit(5, B, 0, 100, 10), hit(6, B, 4, 100, 8), hit(8, B, 2, 99, 4)]
    floor = Floor(rows, mode="displacing").go(2).place("a", B, 5, 100).go(7)

    assert floor.filled("a") == 5
    assert floor.bids[0] == (100, 5)  # order 4 was hit for 3 only
    assert floor.go(8).bids[:2] == ((100, 1), (99, 20))  # what hit order 2 met the spared rest of order 4 first


def test_no_fill_while_trading_is_halted():
    """A halt cancels our resting order, and nothing recorded in it fills us."""
    tape = handmade_tape([*quiet_book(), hit(6, B, 0, 100, 5), hit(9, B, 2, 99, 5)], halts=[(5, Phase.HALTED)])
    floor = Floor(tape).go(2).place("a", B, 5, 101).go(7).place("b", B, 5, 101).go(10)

    assert floor.words("a") == ["accepted", "cancelled"]
    assert floor.last("a").reason == "trading halted"
    assert floor.words("b") == ["rejected"]


def test_latency_lets_the_market_move_first():
    """An order meets the book of the moment it arrives, not of the moment it was sent."""
    rows = [*quiet_book(), gone(50, S, 1, 102), add(10_000, B, 9, 50, 1)]
    floor = Floor(rows, latency=20, latency_sigma=0.0).go(20).place("a", B, 10, 103)
    assert floor.reports == []  # it is on the line until 20 + 20 + 20
    floor.go(59)
    assert floor.reports == []
    floor.go(1000)

    assert floor.fills("a") == [(60, 103, 10)]
    assert floor.executions("a")[0].ask == 103


def test_a_sweep_pays_each_level_its_price():
    """An order larger than the touch walks the book; each fill knows the touch before it came."""
    floor = Floor(quiet_book()).go(2).place("a", B, 25, None)

    assert floor.fills("a") == [(2, 102, 10), (2, 103, 15)]
    seen = [(fill.bid, fill.ask, fill.liquidity) for fill in floor.executions()]
    assert seen == [(100, 102, Liquidity.AGGRESSIVE)] * 2


def test_the_limit_stops_a_sweep_and_the_rest_waits():
    """What the limit does not reach rests at the limit."""
    floor = Floor(quiet_book()).go(2).place("a", B, 25, 102)

    assert floor.fills("a") == [(2, 102, 10)]
    assert floor.bids[0] == (102, 15)
    assert floor.exchange.open_count == 1


def test_our_orders_never_trade_with_each_other():
    """Our newer order withdraws the older one that it would meet, and trades with the others behind it."""
    floor = Floor(quiet_book()).go(2).place("old", S, 5, 102).place("older", S, 5, 101).place("new", B, 12, 103)

    assert floor.words("older") == ["accepted", "cancelled"]
    assert floor.words("old") == ["accepted", "cancelled"]
    assert floor.last("old").reason == "self-match prevention"
    assert floor.fills("new") == [(2, 102, 10), (2, 103, 2)]


def test_our_order_out_of_reach_is_left_alone():
    """Self-match prevention touches only what would be met before the new order is filled."""
    floor = Floor(quiet_book()).go(2).place("old", S, 5, 102).place("new", B, 10, 102)

    assert floor.words("old") == ["accepted"]
    assert floor.filled("new") == 10


def test_an_order_from_before_the_tape_is_ahead_of_us():
    """An execution of an order that nobody saw arrive does not fill us at its own price, only at a better one."""
    unknown = (5, RowKind.EXECUTE, B, -1, 100, 4)
    floor = Floor([*quiet_book(), unknown]).go(2).place("same", B, 4, 100).place("better", B, 3, 101).go(10)

    assert floor.filled("same") == 0
    assert floor.filled("better") == 3


def test_a_print_without_a_name_is_ours_only_at_the_front():
    """A print that names no order fills us when no recorded order stands before us."""
    nameless = (5, RowKind.TRADE, B, -1, 100, 4)
    behind = Floor([*quiet_book(), nameless]).go(2).place("a", B, 4, 100).go(10)
    ahead = Floor([*quiet_book(), gone(4, B, 0, 100), nameless]).go(2).place("a", B, 3, 100).go(10)

    assert behind.filled("a") == 0
    assert ahead.filled("a") == 3


def test_the_cost_of_a_sweep_outgrowing_the_ring_is_nothing():
    """More fills than the core can note at once still arrive, each once."""
    rows = [add(1, S, number, 200 + number, 1) for number in range(60)]
    floor = Floor([*rows, add(1, B, 99, 100, 1)], ring=1, max_working=2).go(2).place("a", B, 50, None)

    assert floor.filled("a") == 50
    assert [price for _, price, _ in floor.fills("a")] == list(range(200, 250))


@pytest.mark.parametrize(
    ("tif", "price", "filled", "reason"),
    [
        (TimeInForce.IOC, 102, 10, "immediate or cancel"),
        (TimeInForce.FOK, 102, 0, "fill or kill: not enough is shown"),
        (TimeInForce.DAY, None, 30, "no liquidity"),
    ],
)
def test_what_may_not_rest_is_cancelled(tif, price, filled, reason):
    """Immediate-or-cancel, fill-or-kill and market orders leave nothing behind."""
    floor = Floor(quiet_book()).go(2).place("a", B, 31, price, tif)

    assert floor.filled("a") == filled
    assert floor.words("a")[-1] == "cancelled"
    assert floor.last("a").reason == reason
    assert floor.bids[0] == (100, 10)


def test_fill_or_kill_fills_whole():
    """A fill-or-kill order that finds enough trades all of it."""
    floor = Floor(quiet_book()).go(2).place("a", B, 25, 103, TimeInForce.FOK)

    assert floor.filled("a") == 25
