"""Time at the venue: latency, the order of reports, triggers, and that no step size changes anything."""

import statistics

import pytest

from quietfill.domain.types import MILLISECOND, OrderSide
from quietfill.market.triggers import LastThrough, MidLeaves, SizeReaches, TouchLeaves, VolumeReaches
from quietfill.venue.exchange import VenueOptions
from quietfill.venue.latency import Wire, delay
from tests.venue_floor import MIDNIGHT, B, Floor, S, add, gone, hit, quiet_book

BUSY = [
    *quiet_book(),
    add(10, B, 4, 100, 5),  # more behind the best bid
    hit(20, B, 0, 100, 10),
    gone(30, B, 4, 100),  # the best bid falls to 99
    add(40, S, 5, 101, 7),  # the best ask falls to 101
    hit(50, S, 5, 101, 2),
    hit(50, S, 5, 101, 5),
    add(60, B, 6, 99, 30),
]


@pytest.mark.parametrize(
    ("trigger", "at"),
    [
        (TouchLeaves(OrderSide.BUY, 100, 100), [30]),
        (TouchLeaves(OrderSide.SELL, 102, 103), [40]),
        (TouchLeaves(OrderSide.SELL, 101, 102), []),
        (MidLeaves(101, 101), [30]),
        (MidLeaves(100, 101), []),
        (SizeReaches(OrderSide.BUY, 99, 50), [60]),
        (SizeReaches(OrderSide.SELL, 101, 7), [40]),
        (SizeReaches(OrderSide.SELL, 102, 18), []),
        (VolumeReaches(12), [50, 60]),
        (LastThrough(101, rising=True), [50]),
        (LastThrough(100, rising=False), [20]),
        (LastThrough(102, rising=True), []),
    ],
)
def test_triggers_wake_when_they_are_met(trigger, at):
    """Each kind stops the clock behind the time stamp at which the market first meets it."""
    floor = Floor(BUSY).go(5)
    floor.exchange.watch([trigger])
    floor.go(100)

    assert floor.triggered_at[:1] == at[:1]


def test_a_time_stamp_is_one_event():
    """A trigger met in the middle of a time stamp is told when all of it has happened."""
    floor = Floor(BUSY).go(5)
    floor.exchange.watch([VolumeReaches(11)])
    assert floor.exchange.advance(MIDNIGHT + 99) == MIDNIGHT + 50

    assert floor.exchange.triggered
    assert floor.exchange.market_volume == 17


def test_our_own_quote_wakes_nobody():
    """Triggers look at the others' market: our better bid does not move its touch."""
    floor = Floor(quiet_book()).go(5)
    floor.exchange.watch(
        [TouchLeaves(OrderSide.BUY, 100, 100), MidLeaves(101, 101), SizeReaches(OrderSide.BUY, 99, 31)]
    )
    floor.place("a", B, 5, 101).go(50)

    assert floor.triggered_at == []


def test_what_we_take_wakes_like_anything_else():
    """When our order takes the whole touch the others' market has moved."""
    floor = Floor(quiet_book()).go(5)
    floor.exchange.watch([TouchLeaves(OrderSide.SELL, 102, 102)])
    floor.place("a", B, 10, 102).go(50)

    assert len(floor.triggered_at) == 1


def test_watching_nothing_disarms():
    """The last call of watch holds; an empty one disarms."""
    floor = Floor(BUSY).go(5)
    floor.exchange.watch([VolumeReaches(1)])
    floor.exchange.watch([])

    assert floor.go(100).triggered_at == []


def test_delays_are_drawn_from_the_message_and_not_from_a_generator():
    """The same seed, child, message and number give the same delay, whatever was drawn before."""
    options = VenueOptions()
    one = [delay(options, 7, "c1", "report", number) for number in range(50)]

    assert one == [delay(options, 7, "c1", "report", number) for number in range(50)]
    assert one != [delay(options, 8, "c1", "report", number) for number in range(50)]
    assert len(set(one)) == 50


def test_delays_are_log_normal_around_the_median():
    """Half the delays lie below the median, and their logarithms spread as asked."""
    options = VenueOptions(latency_median_ns=MILLISECOND, latency_sigma=0.25)
    drawn = [delay(options, 1, "child", "place", number) for number in range(4000)]
    ratios = sorted(took / MILLISECOND for took in drawn)

    assert statistics.median(ratios) == pytest.approx(1.0, abs=0.02)
    assert ratios[int(0.8413 * 4000)] == pytest.approx(2.718281828**0.25, rel=0.03)
    assert min(drawn) > 0


def test_messages_of_one_child_do_not_overtake():
    """Requests arrive, and reports are delivered, in the order in which they were sent."""
    wire = Wire(VenueOptions(latency_sigma=2.0), seed=3)
    arrivals = [wire.arrival("a", "ReplaceRequested", number, number) for number in range(200)]
    deliveries = [wire.delivery("a", number) for number in range(200)]

    assert arrivals == sorted(arrivals)
    assert deliveries == sorted(deliveries)
    assert all(delivery >= number for number, delivery in enumerate(deliveries))


def test_a_request_travels_the_feed_delay_and_its_own():
    """What the agent sees is old by the feed's delay, so its answer is late by both."""
    options = VenueOptions(latency_median_ns=10, latency_sigma=0.0, feed_delay_ns=4)
    wire = Wire(options, seed=0)

    assert wire.arrival("a", "ChildRequested", 0, 100) == 114
    assert wire.delivery("a", 200) == 206


def test_no_latency_means_none():
    """With a median of zero, requests and reports take no time at all."""
    floor = Floor(quiet_book()).go(2).place("a", B, 5, 102)

    assert floor.fills("a") == [(2, 102, 5)]


def test_time_never_goes_back():
    """Asked to go back, the venue says that this is our bug."""
    floor = Floor(quiet_book()).go(50)

    with pytest.raises(AssertionError, match="go back"):
        floor.exchange.advance(MIDNIGHT + 49)


def test_a_report_stops_the_clock_when_it_is_due():
    """Advance returns no later than a new report's delivery, and hands each report out once."""
    floor = Floor([*quiet_book(), hit(500, B, 0, 100, 2)], latency=100, latency_sigma=0.0, feed_delay_ns=0).go(2)
    floor.place("a", B, 5, 101)
    assert floor.exchange.advance(MIDNIGHT + 1000) == MIDNIGHT + 202  # sent at 2, accepted at 102, told at 202
    assert [report.kind for report in floor.exchange.take_reports(MIDNIGHT + 202)] == ["accepted"]
    assert floor.exchange.advance(MIDNIGHT + 1000) == MIDNIGHT + 600
    assert floor.exchange.next_report_at() == MIDNIGHT + 600
    assert len(floor.exchange.take_reports(MIDNIGHT + 600)) == 1
    assert floor.exchange.next_report_at() is None
    assert floor.exchange.finished
    assert floor.exchange.advance(MIDNIGHT + 1000) == MIDNIGHT + 1000
