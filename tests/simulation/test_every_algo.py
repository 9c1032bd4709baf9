"""Every algorithm on the packaged hour, both sides, undisturbed and disturbed: killed, cancelled, timed out, restarted.

Whatever happens in the middle: the order is never exceeded, nothing is left working, the venue and the journal agree
on every execution, and the parts of its shortfall add up.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from quietfill.algos.registry import registry
from quietfill.domain.messages import AnyMessage, CancelOrder, Kill, NewOrder, StartRun
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import AnyRecord, ChildFilled, OrderAccepted, OrderDone, RunStarted
from quietfill.domain.types import MINUTE, QUANTITY_SCALE, SECOND, OrderSide
from quietfill.engine.engine import Engine
from quietfill.engine.settings import EngineSettings
from quietfill.journal.memory import MemoryJournal
from quietfill.simulation.rebuild import rebuild
from quietfill.simulation.runner import Simulation
from quietfill.tca.ledger import Ledger
from quietfill.tca.summary import order_shortfall, order_summary
from quietfill.venue.exchange import Exchange
from quietfill.venue.options import VenueOptions
from quietfill.venue.samples import load_sample

if TYPE_CHECKING:
    from quietfill.market.history import MarketHistory
    from quietfill.venue.tape import Tape

SETTINGS = EngineSettings(max_orders_per_minute=2700, min_order_interval=0, max_replaces_per_minute=2700)
ALGOS = (
    "market", "limit", "twap", "vwap", "pov", "is", "midpoint_peg", "iceberg", "adaptive", "sniper",
    "stop", "stop_limit", "trailing_stop", "close",
)  # fmt: skip
SIDES = (OrderSide.BUY, OrderSide.SELL)
BEGIN, MIDDLE, LENGTH = 6 * MINUTE, 9 * MINUTE, 12 * MINUTE
AFTER = 2 * MINUTE
SMALL, LARGE = 3_000, 60_000_000
EACH = [(algo, side) for algo in ALGOS for side in SIDES]


class _PulledError(Exception):
    """The plug was pulled."""


@lru_cache(maxsize=1)
def market() -> tuple[Tape, MarketHistory]:
    """Return the packaged hour and what happened in it."""
    tape = load_sample()
    return tape, Exchange(tape, VenueOptions(), 1).history()


def instant(after: int) -> int:
    """Return an instant so long after the recording's first open."""
    tape, _ = market()
    return max(tape.first_time, tape.day.spans[0][0]) + after


def order_of(algo: str, side: OrderSide, quantity: int) -> NewOrder:
    """Return an order that the recorded market lets trade within its window."""
    tape, history = market()
    start, end = instant(BEGIN), instant(BEGIN + LENGTH)
    tick, sign = tape.tick, side.sign
    touch = int(history.touch_time.searchsorted(start, side="right")) - 1
    far = int(history.ask[touch] if side is OrderSide.BUY else history.bid[touch])
    prints = slice(*history.print_time.searchsorted([start + MINUTE, start + 3 * MINUTE]))
    extreme = int((history.print_price[prints] * sign).max()) * sign
    stop = extreme - extreme % tick
    of_algo: dict[str, dict[str, Any]] = {
        "limit": {"limit_price": far},
        "sniper": {"limit_price": far + 2 * sign * tick, "params": {"min_size": "100", "max_attempts": 10_000}},
        "is": {"params": {"volatility": 0.02, "adv": "5000000", "risk_aversion": 1e-5}},
        "iceberg": {"params": {"display_size": "600", "rest": "complete"}},
        "midpoint_peg": {"params": {"rest": "complete"}},
        "stop": {"stop_price": stop},
        "stop_limit": {"stop_price": stop, "limit_price": stop + 20 * sign * tick},
        "trailing_stop": {"params": {"trail_amount": str(2 * tick / 10**9)}},
        "close": {"params": {"minutes": 8}},
    }
    terms = of_algo.get(algo, {})
    return NewOrder(
        order_id=f"{algo}-{side}", decision_id=f"decision-{algo}-{side}", symbol=tape.instrument.symbol, side=side,
        quantity=quantity * QUANTITY_SCALE, algo=algo, start=start, end=end, decision_price=far, decided_at=start,
        **terms,
    )  # fmt: skip


class Run:
    """One order, worked from a journal."""

    def __init__(self, order: NewOrder) -> None:
        self.order = order
        self.journal = MemoryJournal()
        self.exchange = Exchange(market()[0], VenueOptions(), 1)

    def engine(self) -> Engine:
        """Return an empty engine."""
        instrument = market()[0].instrument
        return Engine({instrument.symbol: instrument}, registry(), SETTINGS)

    def play(self, *script: tuple[int, AnyMessage], pulled_at: int | None = None) -> None:
        """Play the order and what a test puts between; with *pulled_at* the process dies then."""
        engine = self.engine()
        self._run(engine, [(self.order.start or 0, self.order), *script], pulled_at)

    def go_on(self, at: int) -> None:
        """Start again from what the journal has, at a venue that lived on until *at*."""
        past = self.records
        self.exchange = Exchange(market()[0], VenueOptions(), 1)
        reached = rebuild(self.exchange, past)
        assert reached is not None
        self.exchange.advance(max(at, self.exchange.now))
        engine = self.engine()
        engine.restore(past)
        recovered = engine.recover(self.exchange.now)
        if recovered:
            self.journal.append(recovered)
        self._run(engine, [(self.exchange.now, self.exchange.snapshot(self.exchange.now))], None)

    @property
    def records(self) -> list[AnyRecord]:
        """Everything in the journal."""
        return [entry.record for entry in self.journal.read()]

    def _run(self, engine: Engine, script: list[tuple[int, AnyMessage]], pulled_at: int | None) -> None:
        def pull(now: int) -> None:
            if pulled_at is not None and now >= pulled_at:
                raise _PulledError

        simulation = Simulation(engine, self.exchange, self.journal, on_progress=pull)
        try:
            simulation.run(script, start=StartRun(run_id="t", details={}), until=instant(BEGIN + LENGTH + AFTER))
        except _PulledError:
            assert engine.state.live, "the plug must be pulled while something is worked"

    def check(self) -> OrderDone:
        """Hold what is left against the venue and against itself; return how the order ended."""
        records = self.records
        booked = {record.fill.execution_id: record.fill for record in records if isinstance(record, ChildFilled)}
        made = {r.fill.execution_id: r.fill for r in self.exchange.snapshot(self.exchange.now).fills if r.fill}
        assert made == booked
        assert sum(fill.quantity for fill in booked.values()) <= self.order.quantity
        assert self.exchange.open_count == 0
        (done,) = [record for record in records if isinstance(record, OrderDone)]
        ledger = Ledger.of(records).orders[self.order.order_id]
        assert ledger.filled == done.filled
        self._check_costs(ledger)
        return done

    def _check_costs(self, ledger: Any) -> None:
        history = market()[1]
        parts = order_shortfall(ledger, history)
        assert parts is not None
        assert parts.total is not None
        whole = parts.delay + parts.trading + (parts.opportunity or 0) + (parts.fees or 0)
        assert abs(whole - parts.total) <= abs(parts.total) * Fraction(1, 10**9)
        summary = order_summary(ledger, history)
        assert msgspec.json.decode(msgspec.json.encode(summary))["filled"] == summary.filled


@pytest.mark.parametrize(("algo", "side"), EACH)
def test_left_alone_it_works_its_order(algo: str, side: OrderSide) -> None:
    """Undisturbed, the order trades within its window; all but those that wait for others trade all of it."""
    run = Run(order_of(algo, side, SMALL))
    run.play()

    done = run.check()

    assert done.filled > 0
    if algo not in {"limit", "sniper", "stop_limit"}:
        assert done.state is OrderState.FILLED, done


@pytest.mark.parametrize(("algo", "side"), EACH)
def test_a_kill_in_the_middle_ends_it(algo: str, side: OrderSide) -> None:
    """After a kill nothing new leaves and the order ends with what it has."""
    run = Run(order_of(algo, side, LARGE))
    at = instant(MIDDLE)
    run.play((at, Kill(kill_id="k", by="risk", reason="test")))

    done = run.check()

    assert done.state is OrderState.CANCELLED
    assert done.at < at + 5 * SECOND
    placed = [record.at for record in run.records if type(record).__name__ in {"ChildRequested", "ReplaceRequested"}]
    assert all(time <= at for time in placed)


@pytest.mark.parametrize(("algo", "side"), EACH)
def test_a_cancel_in_the_middle_ends_it(algo: str, side: OrderSide) -> None:
    """A cancelled order ends as cancelled once the venue has said so of its children."""
    order = order_of(algo, side, LARGE)
    run = Run(order)
    run.play((instant(MIDDLE), CancelOrder(order_id=order.order_id, by="anna")))

    assert run.check().state is OrderState.CANCELLED


@pytest.mark.parametrize(("algo", "side"), EACH)
def test_at_its_deadline_it_ends_with_what_it_has(algo: str, side: OrderSide) -> None:
    """An order larger than its market ends partly filled at its deadline, and says that it timed out."""
    run = Run(order_of(algo, side, LARGE))
    run.play()

    done = run.check()

    assert done.timed_out
    assert done.state is OrderState.EXPIRED
    assert 0 < done.filled < run.order.quantity


@pytest.mark.parametrize(("algo", "side"), EACH)
def test_after_a_restart_in_the_middle_it_goes_on(algo: str, side: OrderSide) -> None:
    """A process that dies and starts again seconds later finishes the order: nothing lost, nothing sent twice."""
    run = Run(order_of(algo, side, LARGE if algo in {"market", "limit", "sniper", "stop", "stop_limit"} else SMALL))
    pulled = instant(MIDDLE)
    run.play(pulled_at=pulled)
    run.go_on(pulled + 7 * SECOND)

    done = run.check()

    records = run.records
    assert len([record for record in records if isinstance(record, OrderAccepted)]) == 1
    assert len([record for record in records if isinstance(record, RunStarted)]) == 2
    assert done.filled > 0
