"""Replays of whole recorded markets against books that somebody else kept."""

import dataclasses

import numpy as np
import pytest

from quietfill.domain.types import OrderSide
from quietfill.venue.core import OrderBookCore
from quietfill.venue.feeds import load_tape
from quietfill.venue.feeds.files import read_bytes
from quietfill.venue.recorded import history_of
from quietfill.venue.samples import load_sample
from quietfill.venue.tape import Tape

STOCKS = ("600961", "601825", "605580")
EMPTY = 9_999_999_999


def touch_after_each_event(tape: Tape) -> np.ndarray:
    """(ask, ask size, bid, bid size) in LOBSTER's units after each recorded event."""
    core = OrderBookCore(dataclasses.replace(tape, time=np.arange(tape.rows)))
    recorded = np.ones(tape.rows, dtype=bool)
    recorded[tape.made] = False
    touches = []
    for row in range(tape.rows):
        core.advance(row)
        if recorded[row]:
            sides = [core.depth(side, 1) for side in (OrderSide.SELL, OrderSide.BUY)]
            ((ask, ask_size),), ((bid, bid_size),) = (
                side or ((empty * 100_000, 0),) for side, empty in zip(sides, (EMPTY, -EMPTY), strict=True)
            )
            touches.append((ask // 100_000, ask_size // 10**8, bid // 100_000, bid_size // 10**8))
    return np.array(touches)


def book_file(path) -> np.ndarray:
    """The first level of each row of a LOBSTER book file."""
    return np.array([line.split(",", 4)[:4] for line in read_bytes(path).decode().split()], dtype=np.int64)


@pytest.mark.parametrize("stock", STOCKS)
def test_every_row_of_a_shanghai_day_agrees_with_its_book_file(shared_data, stock):
    """Best prices and sizes after every message are those of the ten-level book file."""
    folder = shared_data / "sse_l3" / "lobster_format"
    name = f"{stock}.SH_2023-07-11_34200000_53820000"
    tape = load_tape("lobster", [folder / f"{name}_message_10.csv.zst"], symbol=f"{stock}.SH")
    truth = book_file(folder / f"{name}_orderbook_10.csv.zst")

    assert np.array_equal(touch_after_each_event(tape), truth)


@pytest.mark.parametrize("stock", STOCKS)
def test_the_exchange_feed_and_its_lobster_form_tell_one_story(shared_data, stock):
    """Read from the exchange's own messages, the day has the same touches and the same continuous prints."""
    folder = shared_data / "sse_l3"
    orders = folder / f"{stock}.SH_2023-07-11_orders.csv.zst"
    messages = folder / "lobster_format" / f"{stock}.SH_2023-07-11_34200000_53820000_message_10.csv.zst"
    native = history_of(load_tape("sse", [orders], symbol=f"{stock}.SH"))
    other = history_of(load_tape("lobster", [messages], symbol=f"{stock}.SH"))
    opens, closes = native.day.spans[0][0], native.day.spans[-1][1]
    continuous = (native.print_time >= opens) & (native.print_time < closes)

    for name in ("touch_time", "bid", "ask"):
        assert np.array_equal(getattr(native, name), getattr(other, name)), name
    for name in ("print_time", "print_price", "print_quantity"):
        assert np.array_equal(getattr(native, name)[continuous], getattr(other, name)), name


def test_a_shanghai_day_sums_to_what_the_data_page_says(shared_data):
    """Events and shares of 600961 are the recorded ones, auctions included."""
    tape = load_tape("sse", [shared_data / "sse_l3" / "600961.SH_2023-07-11_orders.csv.zst"], symbol="600961.SH")
    core = OrderBookCore(tape)
    core.advance(tape.last_time)

    assert core.events_replayed == 35_476 + 28_937
    assert core.volume == 31_330_733 * 10**8


def test_the_aapl_hour_agrees_with_its_touch_file(shared_data):
    """From the book file's first row on, the touch is right on 91,907 of 91,997 rows, as the data page says."""
    folder = shared_data / "lobster"
    name = "AAPL_2012-06-21_34200000_37800000"
    tape = load_tape(
        "lobster",
        [folder / f"{name}_message_50.csv.zst"],
        book=folder / f"{name}_orderbook_50_first672.csv.zst",
        symbol="AAPL",
    )
    same = (touch_after_each_event(tape) == book_file(folder / f"{name}_orderbook_50_touch_only.csv.zst")).all(axis=1)

    assert (int(same.sum()), len(same)) == (91_907, 91_997)


def test_the_packaged_hour_is_the_recorded_hour(shared_data):
    """The sample's touches and prints are the day's between ten and eleven, and its volume starts right."""
    sample = load_sample()
    day = load_tape("sse", [shared_data / "sse_l3" / "600961.SH_2023-07-11_orders.csv.zst"], symbol="600961.SH")
    whole, part = history_of(day), history_of(sample)
    opens = sample.first_time
    touches = whole.touch_time[(whole.touch_time > opens) & (whole.touch_time <= sample.last_time)]
    prints = (whole.print_time >= opens) & (whole.print_time <= sample.last_time)
    core = OrderBookCore(sample)
    core.advance(sample.last_time)

    assert np.array_equal(part.touch_time[1:], touches)
    assert np.array_equal(part.print_price, whole.print_price[prints])
    assert core.volume == int(day.quantity[day.is_print & (day.time <= sample.last_time)].sum())
