"""Stops, trailing stops, implementation shortfall and close on the packaged hour, against the recorded prints."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from quietfill.algos.base import TRIGGERED
from quietfill.algos.registry import registry
from quietfill.algos.stops import PRICE
from quietfill.algos.trailing_stop import EXTREME
from quietfill.domain.messages import NewOrder, StartRun
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import AlertRaised, ChildFilled, ChildRequested, MemoKept
from quietfill.domain.types import MINUTE, SECOND, OrderSide, TimeInForce, price_from, quantity_from
from quietfill.engine.engine import Engine
from quietfill.engine.settings import EngineSettings
from quietfill.journal.memory import MemoryJournal
from quietfill.simulation.runner import Simulation
from quietfill.venue.exchange import Exchange
from quietfill.venue.options import VenueOptions
from quietfill.venue.samples import load_sample

if TYPE_CHECKING:
    from quietfill.domain.records import AnyRecord
    from quietfill.market.history import MarketHistory

BUY, SELL = OrderSide.BUY, OrderSide.SELL
SETTINGS = EngineSettings(max_orders_per_minute=2_700, min_order_interval=0, max_replaces_per_minute=2_700)


@cache
def recorded() -> MarketHistory:
    """The packaged hour, without anything of ours."""
    return Exchange(load_sample(), VenueOptions(), 7).history()


START = 2 * MINUTE
"""How long after the first record of the hour the orders come."""


class Run:
    """One order worked on the packaged hour."""

    def __init__(self, algo: str, side: OrderSide, *, minutes: int = 50, quantity: int = 2_000, **terms: Any) -> None:
        tape = load_sample()
        self.start = terms.pop("start", tape.first_time + START)
        self.end = self.start + minutes * MINUTE
        order = NewOrder(
            order_id="p1", decision_id="d1", symbol=tape.instrument.symbol, side=side, algo=algo,
            quantity=quantity_from(quantity), start=self.start, end=self.end, direct=True, **terms,
        )  # fmt: skip
        self.engine = Engine({tape.instrument.symbol: tape.instrument}, registry(), SETTINGS)
        journal = MemoryJournal()
        simulation = Simulation(self.engine, Exchange(tape, VenueOptions(), 7), journal)
        simulation.run([(self.start, order)], start=StartRun(run_id="r", details={}), until=tape.last_time)
        self.records: list[AnyRecord] = [entry.record for entry in journal.read()]
        self.parent = self.engine.state.parents["p1"]

    def only(self, kind: type) -> list[Any]:
        return [record for record in self.records if isinstance(record, kind)]


def price(text: str) -> int:
    return price_from(Decimal(text))


def first_through(side: OrderSide, level: int, after: int) -> tuple[int, int]:
    """Return time and price of the first recorded print at or through *level* after an instant."""
    history = recorded()
    through = history.print_price >= level if side is BUY else history.print_price <= level
    row = int(np.flatnonzero(through & (history.print_time > after))[0])
    return int(history.print_time[row]), int(history.print_price[row])


@pytest.mark.parametrize(
    ("side", "level"),
    [(BUY, "9.24"), (BUY, "9.33"), (BUY, "9.40"), (BUY, "9.42"), (SELL, "9.17"), (SELL, "9.16")],
)
@pytest.mark.parametrize("algo", ["stop", "stop_limit"])
def test_it_triggers_at_the_first_recorded_print_through(algo: str, side: OrderSide, level: str) -> None:
    """The trigger is journaled at the instant of that print, not one earlier and not one later, and the order fills."""
    limit = price(level) + side.sign * price("0.05")
    run = Run(algo, side, stop_price=price(level), limit_price=limit, minutes=57)
    at, printed = first_through(side, price(level), run.start)
    (memo,) = run.only(MemoKept)

    assert (memo.at, memo.memo[TRIGGERED]) == (at, at)
    assert side.sign * (memo.memo[PRICE] - price(level)) >= 0
    assert abs(memo.memo[PRICE] - printed) <= price("0.02")  # prints of one instant may differ
    assert run.only(ChildRequested)[0].at == at
    assert run.parent.state is OrderState.FILLED
    assert all(side.sign * (record.fill.price - limit) <= 0 for record in run.only(ChildFilled))


def test_a_print_inside_an_instant_triggers() -> None:
    """Where the last of an instant's prints is back on the good side, the one that was through counts."""
    found = 0
    for at, low in passing_lows():
        run = Run("stop", SELL, start=at - SECOND, stop_price=low)
        (memo,) = run.only(MemoKept)
        assert (memo.at, memo.memo[PRICE]) == (at, low)
        found += 1
    assert found >= 3


def passing_lows() -> list[tuple[int, int]]:
    """Return instants with a print below the last second's and below the last one of the instant itself."""
    history, found = recorded(), []
    for at in np.unique(history.print_time)[500:].tolist():
        together = history.print_price[history.print_time == at]
        low = int(together.min())
        since = max(0, int(np.searchsorted(history.print_time, at - SECOND, side="right")) - 1)
        before = history.print_price[since : int(np.searchsorted(history.print_time, at))]
        if together[-1] > low and before.min() > low:
            found.append((at, low))
    return found[:6]


@pytest.mark.parametrize(("side", "level"), [(BUY, "9.10"), (SELL, "9.40")])
@pytest.mark.parametrize("rule", ["last", "bid_ask", "mid"])
def test_already_through_triggers_at_once(side: OrderSide, level: str, rule: str) -> None:
    """The order is triggered by its own acceptance."""
    run = Run("stop", side, stop_price=price(level), params={"trigger": rule})

    assert [record.at for record in run.only(MemoKept)] == [run.start]
    assert run.parent.state is OrderState.FILLED


@pytest.mark.parametrize("side", [BUY, SELL])
def test_the_touch_triggers_when_it_gets_there(side: OrderSide) -> None:
    """With bid_ask a buy triggers at the first recorded ask at its level, a sell at the first bid."""
    level = price("9.30") if side is BUY else price("9.18")
    run = Run("stop", side, stop_price=level, params={"trigger": "bid_ask"})
    history = recorded()
    touch = history.ask if side is BUY else history.bid
    there = (touch >= level) if side is BUY else (touch <= level)
    row = int(np.flatnonzero(there & history.has_touch & (history.touch_time > run.start))[0])

    assert [record.at for record in run.only(MemoKept)] == [int(history.touch_time[row])]


def test_two_prints_in_a_row_come_later_than_one() -> None:
    """Double-last triggers at a print, at or after the one that triggers last, with the print before it through too."""
    level = price("9.33")
    one = Run("stop", BUY, stop_price=level).only(MemoKept)[-1].at
    two = Run("stop", BUY, stop_price=level, params={"trigger": "double_last"}).only(MemoKept)[-1].at
    times = recorded().print_time

    assert two > one
    assert two in times
    before = recorded().print_price[np.searchsorted(times, two) - 1]
    assert before >= level


@pytest.mark.parametrize(("side", "level"), [(BUY, "9.60"), (SELL, "9.00")])
def test_a_stop_that_is_never_met_costs_nothing(side: OrderSide, level: str) -> None:
    """It ends without a child, a memo or an alert."""
    run = Run("stop", side, stop_price=price(level))

    assert run.parent.state is OrderState.EXPIRED
    assert run.only(ChildRequested) + run.only(MemoKept) + run.only(AlertRaised) == []


@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize("trail", ["0.04", "0.08"])
def test_a_trailing_stop_follows_the_recorded_prints(side: OrderSide, trail: str) -> None:
    """It triggers where a walk over the recorded prints says; the level moved only our way on the way there."""
    run = Run("trailing_stop", side, params={"trail_amount": trail})
    at, extreme = walked(side, price(trail), run.start)
    memos = run.only(MemoKept)
    extremes = [record.memo[EXTREME] for record in memos]

    assert memos[-1].memo[TRIGGERED] == at
    assert extremes[-1] == extreme
    assert sorted(extremes, reverse=side is BUY) == extremes
    assert run.parent.state is OrderState.FILLED


def walked(side: OrderSide, trail: int, start: int) -> tuple[int, int]:
    """Return when a trailing stop that came at *start* triggers, and the best price until then."""
    history, sign = recorded(), side.sign
    rows = range(int(np.searchsorted(history.print_time, start, side="right")) - 1, len(history.print_time))
    instants: dict[int, list[int]] = {}
    for row in rows:
        instants.setdefault(int(history.print_time[row]), []).append(sign * int(history.print_price[row]))
    extreme: int | None = None
    for at, prices in instants.items():
        if extreme is not None and max(prices) >= extreme + trail:
            best = min(extreme, *prices)
            return at, sign * best
        extreme = prices[-1] if extreme is None else min(extreme, *prices)
        if prices[-1] >= extreme + trail:
            return at, sign * extreme
    raise AssertionError("it never turned")


@pytest.mark.parametrize("side", [BUY, SELL])
def test_shortfall_is_faster_at_first_and_done_by_the_end(side: OrderSide) -> None:
    """By half time a risk-averse order has most of it done and an even one half; both are done by the end."""
    params = {"volatility": 0.03, "adv": "3e7", "slice_seconds": 60}
    halfway = {}
    for aversion in (0, 1):
        run = Run("is", side, minutes=20, quantity=50_000, params={**params, "risk_aversion": aversion})
        assert run.parent.filled == run.parent.quantity
        fills = [record.fill for record in run.only(ChildFilled)]
        early = sum(fill.quantity for fill in fills if fill.exchange_time < run.start + 10 * MINUTE)
        halfway[aversion] = early / run.parent.quantity
    assert 0.35 < halfway[0] < 0.65
    assert halfway[1] > 0.8


@pytest.mark.parametrize("side", [BUY, SELL])
def test_close_trades_in_its_last_minutes(side: OrderSide) -> None:
    """Nothing before them, more in the second half of them, and all of it by the end."""
    run = Run("close", side, minutes=30, quantity=20_000, params={"minutes": 8})
    times = [record.fill.exchange_time for record in run.only(ChildFilled)]
    late = [
        record.fill.quantity for record in run.only(ChildFilled) if record.fill.exchange_time > run.end - 4 * MINUTE
    ]

    assert run.parent.filled == run.parent.quantity
    assert min(times) >= run.end - 8 * MINUTE
    assert max(times) <= run.end + SECOND
    assert sum(late) > 0.6 * run.parent.quantity


def test_a_venue_without_an_auction_refuses_once() -> None:
    """The recording has no closing auction: the order says so and ends, instead of trying again and again."""
    tape = load_sample()
    close = tape.day.spans[-1][1]
    order = NewOrder(
        order_id="p1", decision_id="d1", symbol=tape.instrument.symbol, side=BUY, algo="close",
        quantity=quantity_from(2_000), params={"style": "auction"}, time_in_force=TimeInForce.MOC, direct=True,
    )  # fmt: skip
    engine = Engine({tape.instrument.symbol: tape.instrument}, registry(), SETTINGS)
    journal = MemoryJournal()
    start = tape.first_time + START
    Simulation(engine, Exchange(tape, VenueOptions(), 7), journal).run(
        [(start, order)], start=StartRun(run_id="r", details={}), until=tape.last_time
    )
    records = [entry.record for entry in journal.read()]

    parent = engine.state.parents["p1"]
    assert parent.end == close
    assert parent.is_done
    assert sum(isinstance(record, ChildRequested) for record in records) == 1
    assert any("not sent again" in record.text for record in records if isinstance(record, AlertRaised))
