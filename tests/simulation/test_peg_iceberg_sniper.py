"""Peg, iceberg and sniper in recorded markets: alone in a quiet book, killed, cancelled, cut short, restarted."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from quietfill.algos.registry import registry
from quietfill.domain.messages import CancelOrder, Kill, KillScope, NewOrder, StartRun
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import (
    AnyRecord,
    CancelRequested,
    ChildDone,
    ChildFilled,
    ChildRequested,
    OrderDone,
    OrderFrozen,
    ReplaceRequested,
)
from quietfill.domain.types import MINUTE, SECOND, Liquidity, OrderSide, TimeInForce, price_from, quantity_from
from quietfill.engine.engine import Engine
from quietfill.engine.settings import EngineSettings
from quietfill.journal.memory import MemoryJournal
from quietfill.simulation.rebuild import rebuild
from quietfill.simulation.runner import Simulation
from quietfill.tca.ledger import Ledger
from quietfill.tca.summary import order_summary
from quietfill.venue.exchange import Exchange
from quietfill.venue.handmade import handmade_tape
from quietfill.venue.options import VenueOptions
from quietfill.venue.samples import load_sample
from tests.venue_floor import B, S, add, gone, hit

if TYPE_CHECKING:
    from quietfill.domain.messages import AnyMessage
    from quietfill.venue.handmade import Row
    from quietfill.venue.tape import Tape

SETTINGS = EngineSettings(max_orders_per_minute=2_700, min_order_interval=0, max_replaces_per_minute=2_700)
SEED = 7
PARAMS: dict[str, dict[str, Any]] = {
    "midpoint_peg": {"max_deviation_bps": 5},
    "iceberg": {"display_size": 2_000, "variance_pct": 0.3},
    "sniper": {"min_size": 5_000, "min_interval_seconds": 20},
}
algos = pytest.mark.parametrize("algo", list(PARAMS))
sides = pytest.mark.parametrize("side", list(OrderSide))


class Run:
    """One order worked on a tape, from its beginning or from a journal that was cut short."""

    def __init__(self, tape: Tape, *, options: VenueOptions | None = None, settings: EngineSettings = SETTINGS) -> None:
        self.tape = tape
        self.options = options or VenueOptions()
        self.exchange = Exchange(tape, self.options, SEED)
        self.engine = Engine({tape.instrument.symbol: tape.instrument}, registry(), settings)
        self.journal = MemoryJournal()
        self.simulation = Simulation(self.engine, self.exchange, self.journal)

    def play(self, *script: tuple[int, AnyMessage]) -> Run:
        """Run the script until every order is done or the tape ends."""
        self.simulation.run(script, start=StartRun(run_id="run", details={}), until=self.tape.last_time)
        return self

    def go_on(self, past: list[AnyRecord]) -> Run:
        """Rebuild the venue from a journal, recover, reconcile, and play the rest."""
        now = rebuild(self.exchange, past)
        assert now is not None
        self.journal.append(past)
        self.engine.restore(past)
        self.simulation.now = now
        self.simulation._take(self.engine.recover(now))
        return self.play((now, self.exchange.snapshot(now)))

    @property
    def records(self) -> list[AnyRecord]:
        return [entry.record for entry in self.journal.read()]

    def only(self, kind: type) -> list[Any]:
        return [record for record in self.records if isinstance(record, kind)]

    def check(self) -> None:
        """Nothing is left working, nothing is doubled or overfilled, and the order's costs add up."""
        assert self.exchange.open_count == 0
        assert not self.engine.state.live
        assert set(Counter(record.fill.execution_id for record in self.only(ChildFilled)).values()) <= {1}
        at_venue: Counter[str] = Counter()
        for report in self.exchange.snapshot(self.exchange.now).fills:
            assert report.fill is not None
            at_venue[report.child_id.rpartition("-")[0]] += report.fill.quantity
        for parent in self.engine.state.parents.values():
            assert at_venue[parent.order_id] == parent.filled <= parent.quantity
        for order in Ledger.of(self.records).orders.values():
            figures = order_summary(order, self.exchange.history())
            if figures.total_shortfall_bps is not None and figures.shortfall_bps is not None:
                share = order.filled / order.quantity
                parts = share * figures.shortfall_bps + (figures.fees_bps or 0) + (figures.opportunity_bps or 0)
                assert figures.total_shortfall_bps == pytest.approx(parts, abs=1e-9)


def order_for(tape: Tape, algo: str, side: OrderSide, start: int, **terms: Any) -> NewOrder:
    """Make an order of 60,000 over 10 minutes; a sniper's limit lets it pay two ticks."""
    limit = {OrderSide.BUY: "9.21", OrderSide.SELL: "9.19"}[side] if algo == "sniper" else None
    given: dict[str, Any] = {
        "order_id": "p1",
        "decision_id": "d1",
        "symbol": tape.instrument.symbol,
        "side": side,
        "quantity": quantity_from(60_000),
        "algo": algo,
        "params": PARAMS[algo],
        "limit_price": None if limit is None else price_from(limit),
        "start": start,
        "end": start + 10 * MINUTE,
        "direct": True,
    }
    return NewOrder(**(given | terms))


def start_of(tape: Tape) -> int:
    return tape.first_time + 2 * MINUTE


@cache
def whole_run(algo: str, side: OrderSide, shares: int = 60_000) -> Run:
    """One order on the packaged hour that nothing happens to."""
    tape = load_sample()
    order = order_for(tape, algo, side, start_of(tape), quantity=quantity_from(shares))
    return Run(tape).play((start_of(tape), order))


@algos
@sides
def test_it_works_on_the_packaged_hour(algo: str, side: OrderSide) -> None:
    """It fills something, at no worse than its limit, leaves nothing behind, and its costs add up."""
    run = whole_run(algo, side)

    run.check()
    parent = run.engine.state.parents["p1"]
    assert parent.filled > 0
    bound = parent.limit_price
    for record in run.only(ChildFilled):
        assert bound is None or side.sign * record.fill.price <= side.sign * bound
    assert run.only(OrderFrozen) == []


@sides
def test_a_peg_is_one_child_that_rests(side: OrderSide) -> None:
    """One placement, replaces after it, every fill passive or where our replace met a moving market."""
    run = whole_run("midpoint_peg", side)

    assert len(run.only(ChildRequested)) == 1
    assert len(run.only(ReplaceRequested)) > 0
    passive = sum(r.fill.quantity for r in run.only(ChildFilled) if r.fill.liquidity is Liquidity.PASSIVE)
    assert passive > 0.9 * run.engine.state.parents["p1"].filled


@sides
def test_shots_are_immediate_and_take_no_more_than_was_there(side: OrderSide) -> None:
    """Each shot is immediate-or-cancel, kept apart by the interval; what it misses is no reject."""
    run = whole_run("sniper", side, 1_000_000)
    shots = run.only(ChildRequested)
    done = {record.child_id: record for record in run.only(ChildDone)}

    assert len(shots) > 2
    assert {shot.time_in_force for shot in shots} == {TimeInForce.IOC}
    assert run.only(CancelRequested) == []
    for before, after in pairwise(shots):
        ended = [r.at for r in run.only(ChildFilled) if r.child_id == before.child_id]
        ended += [done[before.child_id].at] if before.child_id in done else []
        assert after.at >= max(ended) + 20 * SECOND
    assert run.engine.state.parents["p1"].consecutive_rejects == 0
    run.check()


@algos
@sides
@pytest.mark.parametrize("how", ["kill", "cancel", "time-out"])
def test_it_ends_early_with_what_it_has(algo: str, side: OrderSide, how: str) -> None:
    """A kill, a cancel or the end in the middle: a part is filled, nothing is left working, the sums agree."""
    tape, start = load_sample(), start_of(load_sample())
    stop = start + 90 * SECOND
    order = order_for(
        tape, algo, side, start, quantity=quantity_from(5_000_000), end=stop if how == "time-out" else start + HOUR
    )
    script: list[tuple[int, AnyMessage]] = [(start, order)]
    if how == "kill":
        script.append((stop, Kill(kill_id="k", by="Risk", reason="enough", scope=KillScope())))
    elif how == "cancel":
        script.append((stop, CancelOrder(order_id="p1", by="desk")))
    run = Run(tape).play(*script)

    run.check()
    (done,) = run.only(OrderDone)
    assert 0 < done.filled < order.quantity
    assert done.state is (OrderState.EXPIRED if how == "time-out" else OrderState.CANCELLED)
    assert done.timed_out is (how == "time-out")
    assert stop <= done.at < stop + SECOND
    assert all(record.at <= stop for record in run.only(ChildRequested))


HOUR = 60 * MINUTE - 5 * MINUTE


@algos
@sides
def test_it_goes_on_after_a_crash(algo: str, side: OrderSide) -> None:
    """Cut anywhere, the journal gives back the order; it ends with nothing doubled and nothing left."""
    whole = whole_run(algo, side)
    records = whole.records
    first = next(place for place, record in enumerate(records) if isinstance(record, ChildRequested))
    last = max(place for place, record in enumerate(records) if not isinstance(record, OrderDone)) - 1
    step = max(1, (last - first) // 6)
    for cut in range(first + 1, last, step):
        run = Run(whole.tape).go_on(records[:cut])

        run.check()
        parent = run.engine.state.parents["p1"]
        assert parent.is_done
        assert parent.filled > 0
        booked = [r.fill.execution_id for r in records[:cut] if isinstance(r, ChildFilled)]
        assert [r.fill.execution_id for r in run.only(ChildFilled)][: len(booked)] == booked


@pytest.mark.parametrize("algo", ["midpoint_peg", "iceberg"])
@sides
def test_a_broker_that_cannot_replace_gets_no_more_than_the_order(algo: str, side: OrderSide) -> None:
    """There each move is a cancel, a settling and a new child; never two at once, never beyond the order."""
    tape, start = load_sample(), start_of(load_sample())
    order = order_for(tape, algo, side, start)
    run = Run(tape, settings=msgspec.structs.replace(SETTINGS, can_replace=False)).play((start, order))

    assert run.only(ReplaceRequested) == []
    assert len(run.only(CancelRequested)) > 1
    run.check()


def test_an_iceberg_keeps_its_sizes_after_a_crash() -> None:
    """A tip's size comes from the order and its number, so a recovered order shows what it would have shown."""
    whole = whole_run("iceberg", OrderSide.BUY)
    tips = [(record.key, record.quantity) for record in whole.only(ChildRequested)]
    places = [place for place, record in enumerate(whole.records) if isinstance(record, ChildRequested)]
    cut = places[len(places) // 2]
    run = Run(whole.tape).go_on(whole.records[: cut + 1])

    again = [(record.key, record.quantity) for record in run.only(ChildRequested)]
    assert len(set(tips)) > 5
    assert again[:-1] == tips[: len(again) - 1]


# A market by hand: bid 10.00, ask 10.08, and somebody who moves far behind the touch each second.

TICK = 10_000_000


def quiet_tape(*moves: Row) -> Tape:
    """Return five minutes in which the touch moves only by *moves*."""
    rows = [add(1, B, 0, 1_000 * TICK, 500 * 10**8), add(1, S, 1, 1_008 * TICK, 500 * 10**8)]
    for second in range(1, 300):
        rows.append(add(second * SECOND, second % 2, 10 + second, (990 if second % 2 == 0 else 1_018) * TICK, 10**10))
        if second > 2:
            price = (990 if second % 2 == 0 else 1_018) * TICK
            rows.append(gone(second * SECOND + 1, second % 2, 8 + second, price))
    rows = sorted([*rows, *moves], key=lambda row: row[0])
    return handmade_tape(rows, tick=TICK, lot=10**8)


def peg_on(
    tape: Tape, *more: NewOrder, latency: int = 5_000_000, side: OrderSide = OrderSide.BUY, **params: Any
) -> Run:
    """Peg 100 shares for four minutes."""
    start = tape.first_time + 2 * SECOND
    order = order_for(
        tape, "midpoint_peg", side, start, quantity=quantity_from(100), end=start + 4 * MINUTE,
        params={"max_deviation_bps": 0} | params,
    )  # fmt: skip
    run = Run(tape, options=VenueOptions(latency_median_ns=latency))
    return run.play((start, order), *((start + SECOND, one) for one in more))


@sides
@pytest.mark.parametrize("latency", [0, 5_000_000, 900_000_000])
@pytest.mark.parametrize("offset", [0, -2, 3])
def test_a_lone_peg_in_a_quiet_book_never_moves_because_of_itself(side: OrderSide, latency: int, offset: int) -> None:
    """Its own quote is the best there, and the book changes every second: one placement, no replace, one cancel."""
    run = peg_on(quiet_tape(), side=side, latency=latency, offset_ticks=offset)

    (child,) = run.only(ChildRequested)
    assert child.limit_price == (1_004 + side.sign * offset) * TICK
    assert run.only(ReplaceRequested) == []
    assert len(run.only(CancelRequested)) == 1
    run.check()


def test_two_pegs_of_ours_do_not_chase_each_other() -> None:
    """A buyer and a seller of ours a tick apart around mid: each sees the others' market alone."""
    tape = quiet_tape()
    start = tape.first_time + 3 * SECOND
    other = order_for(
        tape, "midpoint_peg", OrderSide.SELL, start, order_id="p2", decision_id="d2", quantity=quantity_from(100),
        end=start + 4 * MINUTE, params={"max_deviation_bps": 0, "offset_ticks": -1},
    )  # fmt: skip
    run = peg_on(tape, other)

    assert sorted((r.order_id, r.limit_price) for r in run.only(ChildRequested)) == [
        ("p1", 1_004 * TICK),
        ("p2", 1_005 * TICK),
    ]
    assert run.only(ReplaceRequested) == []
    run.check()


@sides
def test_a_peg_follows_the_others_once(side: OrderSide) -> None:
    """When the others' bid steps up by four ticks the peg moves up by two, in one replace, and stays."""
    moves = [add(100 * SECOND, B, 3, 1_004 * TICK, 500 * 10**8)]
    run = peg_on(quiet_tape(*moves), side=side, max_deviation_bps=5)

    assert [(r.limit_price, r.crossing) for r in run.only(ReplaceRequested)] == [(1_006 * TICK, False)]
    assert run.only(ReplaceRequested)[0].at >= run.tape.first_time
    run.check()


def test_a_peg_is_left_alone_while_a_side_is_missing() -> None:
    """The others' ask is taken out for a minute: nothing is sent, nor when the same ask comes back."""
    moves = [hit(100 * SECOND, S, 1, 1_008 * TICK, 500 * 10**8)]
    moves += [add(160 * SECOND, S, 4, 1_008 * TICK, 500 * 10**8)]
    tape = handmade_tape(
        [add(1, B, 0, 1_000 * TICK, 500 * 10**8), add(1, S, 1, 1_008 * TICK, 500 * 10**8), *moves,
         add(290 * SECOND, B, 5, 990 * TICK, 10**10)],
        tick=TICK, lot=10**8,
    )  # fmt: skip
    run = peg_on(tape)

    assert len(run.only(ChildRequested)) == 1
    assert run.only(ReplaceRequested) == []
    run.check()


@sides
def test_shots_that_come_too_late_are_no_rejects(side: OrderSide) -> None:
    """Size that is gone when the shot arrives: each miss ends by itself, none freezes the order, the last one hits."""
    here = S if side is OrderSide.BUY else B
    far = 1_006 if side is OrderSide.BUY else 1_002
    flashes = [(10 + 3 * number) * SECOND for number in range(12)]
    rows: list[Row] = []
    for number, at in enumerate(flashes):
        rows.append(add(at, here, 1_000 + number, far * TICK, 500 * 10**8))
        rows.append(gone(at + 1_000_000, here, 1_000 + number, far * TICK))
    tape = quiet_tape(*rows, add(100 * SECOND, here, 2_000, far * TICK, 500 * 10**8))
    start = tape.first_time + 2 * SECOND
    order = order_for(
        tape, "sniper", side, start, quantity=quantity_from(500), end=start + 4 * MINUTE,
        params={"min_size": 500}, limit_price=far * TICK,
    )  # fmt: skip
    run = Run(tape, options=VenueOptions(latency_median_ns=5_000_000)).play((start, order))

    assert len(run.only(ChildRequested)) == 13
    assert [(done.state, done.cumulative) for done in run.only(ChildDone)] == [(OrderState.CANCELLED, 0)] * 12
    assert run.only(OrderFrozen) == run.only(CancelRequested) == []
    assert [fill.fill.price for fill in run.only(ChildFilled)] == [far * TICK]
    (done,) = run.only(OrderDone)
    assert done.state is OrderState.FILLED
    run.check()
