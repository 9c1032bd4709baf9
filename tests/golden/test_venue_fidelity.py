"""Would the venue have told the truth? Real orders are withheld from the recording and sent as ours instead.

An order X is taken out of the tape, its executions stay as prints that name nobody (*blind*), and an order of X's side,
price and size is sent through the public order entry in X's place, without latency; X's reductions and its cancel are
repeated. What happens to ours is compared with what happened to X. With order-by-order data and queues first in,
first out, a right book scores 100 %: this checks the machine, it does not prove a profit.
"""

import dataclasses
import random
from dataclasses import dataclass

import numpy as np
import pytest

from quietfill.domain.records import CancelRequested, ChildRequested, ReplaceRequested, WireRequest
from quietfill.domain.types import MILLISECOND, SECOND, OrderSide, TimeInForce
from quietfill.venue.core import OrderBookCore
from quietfill.venue.exchange import Exchange, VenueOptions
from quietfill.venue.feeds import load_tape
from quietfill.venue.recorded import history_of
from quietfill.venue.tape import RowKind, Tape

HORIZON = 300 * SECOND
COLUMNS = ("time", "kind", "side", "order", "price", "quantity")
SIDES = (OrderSide.BUY, OrderSide.SELL)


@dataclass(frozen=True)
class Withheld:
    """A real order: its rows, its fills as (time, quantity), and whether it traded to its end."""

    order: int
    rows: tuple[int, ...]
    fills: tuple[tuple[int, int], ...]
    filled: bool


def with_times_apart(tape: Tape) -> Tape:
    """The same rows with strictly rising times, so that a place in the sequence is an instant."""
    starts = np.flatnonzero(np.diff(tape.time, prepend=tape.time[0] - 1))
    within = np.arange(tape.rows) - np.repeat(starts, np.diff(np.append(starts, tape.rows)))
    return dataclasses.replace(tape, time=tape.time + within)


def touches_before(tape: Tape) -> np.ndarray:
    """Best bid and ask just before each row, 0 where there is none."""
    core = OrderBookCore(tape)
    touches = np.zeros((tape.rows, 2), dtype=np.int64)
    for row in range(1, tape.rows):
        core.advance(int(tape.time[row - 1]))
        touches[row] = [price or 0 for price in core.touch()]
    return touches


def contested_at_the_touch(tape: Tape) -> list[Withheld]:
    """Every eligible order: joined or made the touch, lived a while, and saw trading at its price."""
    touches = touches_before(tape)
    rows_of: dict[int, list[int]] = {}
    for row in np.flatnonzero(tape.order >= 0):
        rows_of.setdefault(int(tape.order[row]), []).append(int(row))
    first_print = int(tape.time[tape.kind == RowKind.EXECUTE][0])
    prints = tape.is_print
    found = []
    for order, rows in rows_of.items():
        added, ended = rows[0], rows[-1]
        side, price, since = int(tape.side[added]), int(tape.price[added]), int(tape.time[added])
        left = int(tape.quantity[added] - tape.quantity[rows[1:]].sum())
        if tape.kind[added] != RowKind.ADD or left != 0 or len(rows) == 1:
            continue  # unknown at the start, or never over
        if since < first_print + 60 * SECOND or not tape.day.is_open(int(tape.time[ended])):
            continue
        if int(tape.time[ended]) - since < MILLISECOND or traded_on_arrival(tape, added):
            continue
        bid, ask = touches[added]
        if (price < bid) if side == 0 else (price > ask):
            continue
        window = slice(added, ended + 1)
        beyond = tape.price[window] <= price if side == 0 else tape.price[window] >= price
        if not np.any(prints[window] & (tape.side[window] == side) & beyond):
            continue
        executed = [row for row in rows if tape.kind[row] == RowKind.EXECUTE]
        fills = tuple((int(tape.time[row]), int(tape.quantity[row])) for row in executed)
        found.append(Withheld(order, tuple(rows), fills, tape.kind[ended] == RowKind.EXECUTE))
    return found


def traded_on_arrival(tape: Tape, added: int) -> bool:
    """Whether an order is the rest of one that traded first: the row before is an execution that it reached."""
    before = added - 1
    if tape.kind[before] != RowKind.EXECUTE or tape.side[before] == tape.side[added]:
        return False
    reached = tape.price[added] - tape.price[before]
    return bool(reached >= 0 if tape.side[added] == 0 else reached <= 0)


def without(tape: Tape, order: Withheld) -> Tape:
    """The tape without the order's own rows; its executions stay as prints that name nobody."""
    kind, number = tape.kind.copy(), tape.order.copy()
    rows = np.array(order.rows)
    executed = rows[tape.kind[rows] == RowKind.EXECUTE]
    kind[executed], number[executed] = RowKind.TRADE, -1
    kept = np.ones(tape.rows, dtype=bool)
    kept[np.setdiff1d(rows, executed)] = False
    columns = {name: getattr(tape, name)[kept] for name in COLUMNS} | {"kind": kind[kept], "order": number[kept]}
    return dataclasses.replace(tape, made=tape.made[:0], **columns)


def requests_of(tape: Tape, order: Withheld, late: int = 0) -> list[tuple[int, WireRequest]]:
    """What to send and when, to do as the order did."""
    added = order.rows[0]
    at, total = int(tape.time[added]) + late, int(tape.quantity[added])
    price = int(tape.price[added])
    place = ChildRequested(
        at=at, child_id="x", order_id="p", key="k", symbol=tape.instrument.symbol, side=SIDES[tape.side[added]],
        quantity=total, limit_price=price, time_in_force=TimeInForce.DAY, good_till=None, why="",
    )  # fmt: skip
    sent: list[tuple[int, WireRequest]] = [(at, place)]
    for row in order.rows[1:]:
        when = int(tape.time[row])
        if tape.kind[row] == RowKind.EXECUTE:
            continue
        if row == order.rows[-1]:
            sent.append((when, CancelRequested(at=when, child_id="x", attempt=1, why="")))
            continue
        total -= int(tape.quantity[row])
        change = ReplaceRequested(at=when, child_id="x", revision=len(sent), total=total, limit_price=price, why="")
        sent.append((when, change))
    return sent


def simulate(tape: Tape, order: Withheld, late: int = 0) -> tuple[tuple[int, int], ...]:
    """The fills that the venue gives to ours."""
    exchange = Exchange(without(tape, order), VenueOptions(latency_median_ns=0), seed=0)
    end = min(int(tape.time[order.rows[-1]]) + HORIZON, tape.last_time)
    fills = []
    for at, request in [*requests_of(tape, order, late), (end, None)]:
        while exchange.now < at:
            exchange.take_reports(exchange.advance(at))
        if request is not None:
            exchange.send(request, at)
    fills = [report.fill for report in exchange.snapshot(end).fills if report.fill]
    return tuple((fill.exchange_time, fill.quantity) for fill in fills)


def scores(tape: Tape, orders: list[Withheld]) -> tuple[float, float]:
    """Share of filled orders filled at the very same instants, and share of unfilled ones that the venue filled."""
    filled = [order for order in orders if order.filled]
    unfilled = [order for order in orders if not order.fills]
    exact = sum(simulate(tape, order) == order.fills for order in filled)
    false = sum(bool(simulate(tape, order)) for order in unfilled)
    assert filled
    assert unfilled
    return exact / len(filled), false / len(unfilled)


def day_of(shared_data, stock: str) -> Tape:
    """One Shanghai day with times apart."""
    orders = shared_data / "sse_l3" / f"{stock}.SH_2023-07-11_orders.csv.zst"
    return with_times_apart(load_tape("sse", [orders], symbol=f"{stock}.SH"))


def sample_of(orders: list[Withheld], count: int) -> list[Withheld]:
    """Some of the orders, half of them filled, the same ones every time."""
    chance = random.Random(1)
    filled = [order for order in orders if order.filled]
    unfilled = [order for order in orders if not order.fills]
    return chance.sample(filled, min(count // 2, len(filled))) + chance.sample(unfilled, min(count // 2, len(unfilled)))


def test_withheld_orders_trade_as_they_did(shared_data):
    """A few dozen contested orders of 605580: each filled at its own instants, none filled that was not."""
    tape = day_of(shared_data, "605580")
    orders = sample_of(contested_at_the_touch(tape), 40)

    assert scores(tape, orders) == (1.0, 0.0)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("stock", ["600961", "605580", "601825"])
def test_blind_fidelity_of_a_shanghai_day(shared_data, stock):
    """At least 99.5 % of the contested orders at the touch are exact and at most 0.5 % are filled falsely."""
    tape = day_of(shared_data, stock)
    orders = sample_of(contested_at_the_touch(tape), 600)
    exact, false = scores(tape, orders)

    assert exact >= 0.995
    assert false <= 0.005


@pytest.mark.slow
def test_one_place_back_in_the_queue_is_noticed(shared_data):
    """Control: sent a second late, the order loses its place and the exact share falls."""
    tape = day_of(shared_data, "605580")
    orders = [order for order in sample_of(contested_at_the_touch(tape), 60) if order.filled]
    late = [simulate(tape, order, late=SECOND) == order.fills for order in orders]

    assert sum(late) < 0.9 * len(orders)


def test_times_apart_change_no_touch(shared_data):
    """Control: the spreading of time stamps leaves every touch of the day where it was."""
    orders = shared_data / "sse_l3" / "605580.SH_2023-07-11_orders.csv.zst"
    plain = load_tape("sse", [orders], symbol="605580.SH")
    spread = with_times_apart(plain)

    assert np.all(np.diff(spread.time) > 0)
    assert np.max(spread.time - plain.time) < 10 * MILLISECOND
    assert history_of(spread).bid[-1] == history_of(plain).bid[-1]
