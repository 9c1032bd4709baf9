"""Order entry at the venue: requests, answers, sessions, fees, and what is published."""

from datetime import time
from decimal import Decimal

import pytest

from quietfill.domain.errors import BadInput
from quietfill.domain.execution_report import ReportKind
from quietfill.domain.instrument import LocalSession
from quietfill.domain.types import PRICE_SCALE, QUANTITY_SCALE, SECOND, TimeInForce
from quietfill.venue.exchange import VenueOptions
from quietfill.venue.handmade import handmade_tape
from tests.venue_floor import MIDNIGHT, B, Floor, S, add, hit, quiet_book

HOUR = 3600 * SECOND


def test_an_order_is_acknowledged_with_its_terms():
    """The first word carries the venue's number and the terms in force."""
    floor = Floor(quiet_book()).go(2).place("a", B, 5, 100).place("b", S, 7, 103)
    first, second = floor.reports

    assert (first.kind, first.broker_order_id, first.total, first.limit_price) == (ReportKind.ACCEPTED, 1, 5, 100)
    assert (second.broker_order_id, second.total, second.cumulative) == (2, 7, 0)


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"quantity": 0}, "quantity must be positive"),
        ({"quantity": -5}, "quantity must be positive"),
        ({"quantity": 15}, "quantity is not a multiple of the lot"),
        ({"price": 1005}, "limit price is off the tick"),
        ({"price": 10}, "price outside the venue's band"),
        ({"price": 100_000}, "price outside the venue's band"),
        ({"symbol": "OTHER"}, "unknown symbol OTHER"),
        ({"tif": TimeInForce.MOC}, "time in force MOC is not supported"),
        ({"displayed": 5}, "display quantity is not supported"),
        ({"good_till": 1}, "good till has passed"),
    ],
)
def test_what_the_venue_cannot_take_is_rejected_with_a_reason(terms, reason):
    """A request off the grid, the band, or the rules gets one word, and no order exists."""
    rows = [(*row[:4], row[4] * 10, row[5] * 10) for row in quiet_book()]
    floor = Floor(handmade_tape(rows, tick=10, lot=10, odd_lots=False)).go(2)
    wanted = {"quantity": 10, "price": 1000} | terms
    floor.place("a", B, **wanted)

    assert floor.words("a") == ["rejected"]
    assert floor.last("a").reason == reason
    assert floor.exchange.open_count == 0


def test_an_odd_rest_is_taken_where_odd_lots_trade():
    """Where the venue trades odd lots, a quantity off the lot is an order like any other."""
    floor = Floor(handmade_tape(quiet_book(), lot=10)).go(2).place("a", B, 3, 100)

    assert floor.words("a") == ["accepted"]


def test_a_reference_is_used_once():
    """The same reference again never makes a second order, and is not told as the end of the first, which works on."""
    floor = Floor(quiet_book()).go(2).place("a", B, 5, 100).place("a", B, 5, 100)

    assert floor.words("a") == ["accepted", "status"]
    assert floor.last("a").reason == "duplicate order reference"
    assert floor.bids[0] == (100, 15)


def test_the_reference_of_an_order_that_is_over_is_refused():
    """It is used up for ever."""
    floor = Floor(quiet_book()).go(2).place("a", B, 5, 100).cancel("a").place("a", B, 5, 100)

    assert floor.words("a")[-1] == "rejected"
    assert floor.last("a").reason == "duplicate order reference"


def test_too_many_working_orders_are_refused():
    """The venue has room for so many resting orders; a finished one makes room."""
    floor = Floor(quiet_book(), max_working=2).go(2)
    floor.place("a", B, 1, 100).place("b", B, 1, 100).place("c", B, 1, 100)
    assert floor.last("c").reason == "more than 2 orders working"

    assert floor.cancel("a").place("d", B, 1, 100).words("d") == ["accepted"]


def test_cancel_takes_the_rest_and_says_what_traded():
    """A cancel ends the order; its last word counts the fills."""
    floor = Floor([*quiet_book(), hit(5, B, 0, 100, 4)]).go(2).place("a", B, 5, 101).go(5).cancel("a")

    assert floor.words("a") == ["accepted", "fill", "cancelled"]
    assert floor.last("a").cumulative == 4
    assert floor.bids[0] == (100, 6)


@pytest.mark.parametrize(("child", "reason"), [("a", "too late: filled"), ("x", "unknown order")])
def test_a_cancel_that_comes_too_late_is_refused(child, reason):
    """Nothing working under that reference: the cancel is refused with the reason."""
    floor = Floor(quiet_book()).go(2).place("a", B, 5, 102).cancel(child)

    assert floor.words(child)[-1] == "cancel_rejected"
    assert floor.last(child).reason == reason


def test_a_smaller_order_keeps_its_place():
    """Replaced to a smaller total at the same price, the order stays where it stood in the queue."""
    rows = [*quiet_book(), add(4, B, 4, 100, 8), hit(6, B, 0, 100, 10), hit(7, B, 4, 100, 8)]
    floor = Floor(rows).go(2).place("a", B, 5, 100).go(5).replace("a", 3, 100).go(10)

    assert floor.words("a") == ["accepted", "replaced", "fill"]
    assert floor.fills("a") == [(7, 100, 3)]


@pytest.mark.parametrize(("total", "price"), [(6, 100), (5, 99)])
def test_any_other_replace_goes_to_the_end_of_the_queue(total, price):
    """More size, or another price, loses the place."""
    rows = [*quiet_book(), add(4, B, 4, 100, 8), hit(6, B, 0, 100, 10), hit(7, B, 4, 100, 8)]
    floor = Floor(rows).go(2).place("a", B, 5, 100).go(5).replace("a", total, price).go(10)

    assert floor.words("a") == ["accepted", "replaced"]
    assert floor.last("a").total == total


def test_a_replace_may_cross_and_trade():
    """A replace to a marketable price trades on arrival, after it was confirmed."""
    floor = Floor(quiet_book()).go(2).place("a", B, 5, 100).replace("a", 12, 102)

    assert floor.words("a") == ["accepted", "replaced", "fill"]
    assert floor.last("a").revision == 1
    assert floor.bids[0] == (102, 2)


def test_a_replace_counts_what_is_filled():
    """A total counts the fills; one that is not above them is refused, and the order lives on."""
    floor = Floor([*quiet_book(), hit(5, B, 0, 100, 4)]).go(2).place("a", B, 6, 101).go(5).replace("a", 4, 101)
    refusal = floor.last("a")
    assert (refusal.kind, refusal.revision, refusal.total) == (ReportKind.REPLACE_REJECTED, 1, 6)
    assert refusal.reason == "total is not above what is filled"

    floor.replace("a", 5, 101, revision=2)
    assert floor.bids[0] == (101, 1)


def test_a_replace_of_what_is_gone_is_refused():
    """Unknown and finished orders cannot be replaced."""
    floor = Floor(quiet_book()).go(2).place("a", B, 5, 102).replace("a", 9, 102).replace("x", 9, 102)

    assert floor.last("a").reason == "too late: filled"
    assert floor.last("x").reason == "unknown order"


def test_good_till_ends_an_order_on_time():
    """An order lives through its last instant and then expires."""
    floor = Floor([*quiet_book(), hit(50, B, 0, 100, 2)]).go(2).place("a", B, 5, 101, good_till=50).go(60)

    assert floor.words("a") == ["accepted", "fill", "expired"]
    assert floor.last("a").exchange_time == MIDNIGHT + 50
    assert floor.last("a").cumulative == 2


def test_sessions():
    """Orders rest over a break, are refused in it, trade after it, and expire at the last close."""
    sessions = (LocalSession(time(9), time(11)), LocalSession(time(13), time(15)))
    rows = [
        *((9 * HOUR, *row[1:]) for row in quiet_book()),
        hit(12 * HOUR, B, 0, 100, 3),
        hit(13 * HOUR, B, 0, 100, 1),
        hit(15 * HOUR, B, 0, 100, 1),
    ]
    floor = Floor(handmade_tape(rows, sessions=sessions)).go(9 * HOUR).place("a", B, 5, 101)
    floor.go(12 * HOUR).place("b", B, 5, 101)
    assert floor.last("b").reason == "not in continuous trading"
    floor.go(16 * HOUR)

    assert floor.fills("a") == [(13 * HOUR, 101, 1)]
    assert floor.words("a") == ["accepted", "fill", "expired"]
    assert floor.last("a").exchange_time == MIDNIGHT + 15 * HOUR


def test_a_book_that_moved_through_us_in_a_break_fills_us_when_trading_resumes():
    """Recorded orders that came on the other side of our price during a break trade with us at the reopening."""
    sessions = (LocalSession(time(9), time(11)), LocalSession(time(13), time(15)))
    rows = [*((9 * HOUR, *row[1:]) for row in quiet_book()), add(12 * HOUR, S, 7, 101, 4), add(14 * HOUR, B, 8, 50, 1)]
    floor = Floor(handmade_tape(rows, sessions=sessions)).go(9 * HOUR).place("a", B, 5, 101).go(12 * HOUR)
    assert floor.filled("a") == 0
    floor.go(14 * HOUR)

    assert floor.fills("a") == [(13 * HOUR, 101, 4)]


def test_the_published_book_holds_our_orders_and_our_volume():
    """Our resting size is published; volume counts our fills, market volume does not."""
    floor = Floor([*quiet_book(), hit(5, B, 0, 100, 4)]).go(2).place("a", B, 5, 101).place("b", B, 6, 100).go(5)
    book = floor.exchange.book("TEST")

    assert book.bids == ((101, 1), (100, 12), (99, 20))
    assert (book.volume, book.last, book.time) == (8, 100, MIDNIGHT + 5)
    assert floor.exchange.market_volume == 4
    assert floor.exchange.events_replayed == 5


def test_depth_is_published_as_far_as_asked():
    """No more levels than the options say, best first."""
    assert len(Floor(quiet_book(), levels=1).go(2).asks) == 1


def test_fees_follow_liquidity():
    """Taking pays the taker's fee and resting earns the maker's rebate, in 1e-4 of the value."""
    price, size = 100 * PRICE_SCALE, QUANTITY_SCALE
    rows = [(*row[:4], row[4] * PRICE_SCALE, row[5] * size) for row in (*quiet_book(), hit(5, B, 0, 100, 10))]
    tape = handmade_tape(rows, tick=PRICE_SCALE, lot=size)
    floor = Floor(tape, maker_fee_bps=Decimal("-0.5"), taker_fee_bps=Decimal(3)).go(2)
    floor.place("taker", S, 2 * size, price).place("maker", B, 3 * size, 101 * PRICE_SCALE).go(9)

    assert floor.executions("taker")[0].commission == 2 * price * 3 // 10_000
    assert floor.executions("maker")[0].commission == -3 * 101 * PRICE_SCALE // 20_000


def test_a_snapshot_tells_everything():
    """Asked what it knows, the venue lists every order, open and done, and every fill."""
    floor = Floor(quiet_book()).go(2).place("a", B, 5, 102).place("b", B, 5, 100).place("c", B, 0, 100)
    snapshot = floor.exchange.snapshot(asked_at=77)

    assert [(order.child_id, order.cumulative, order.is_open, order.state) for order in snapshot.orders] == [
        ("a", 5, False, "filled"),
        ("b", 0, True, "working"),
        ("c", 0, False, "rejected"),
    ]
    assert [report.fill.execution_id for report in snapshot.fills if report.fill] == ["a.1"]
    assert snapshot.complete
    assert snapshot.asked_at == 77


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "impact"}, "mode impact is not built yet"),
        ({"mode": "magic"}, "'magic' is none of"),
        ({"latency_median_ns": -1}, "no latency"),
        ({"feed_delay_ns": -1}, "negative"),
        ({"levels": 0}, "must be positive"),
    ],
)
def test_options_that_no_venue_has_are_refused(options, words):
    """A wrong option is one line of bad input."""
    with pytest.raises(BadInput, match=words):
        VenueOptions(**options)
