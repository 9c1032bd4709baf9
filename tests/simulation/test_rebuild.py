"""A venue that died is the same venue again once our requests were replayed into a fresh one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from quietfill import bootstrap
from quietfill.domain.records import (
    AnyRecord,
    CancelRequested,
    ChildFilled,
    ChildRequested,
    ReplaceRequested,
    RequestWithdrawn,
    WireRequest,
)
from quietfill.domain.types import OrderSide, TimeInForce
from quietfill.simulation.rebuild import rebuild, sent_requests
from quietfill.simulation.scenario import OrderTerms
from quietfill.venue.exchange import Exchange
from quietfill.venue.options import VenueOptions
from tests.command_line import SYMBOL, write_market

if TYPE_CHECKING:
    from pathlib import Path

    from quietfill.simulation.result import SimulationResult

SEED = 5
OPTIONS = VenueOptions(latency_median_ns=300_000_000, latency_sigma=0.5)
"""Slow enough for messages to be under way at every moment."""


@pytest.fixture
def run(tmp_path: Path) -> SimulationResult:
    """A TWAP over eight minutes of the small market, with much latency."""
    recording = bootstrap.Recording(feed="lobster", data=(write_market(tmp_path),), symbol=SYMBOL)
    terms = OrderTerms(
        side="buy", quantity="1500", algo="twap", params={"slice_seconds": "20"}, start="09:30:30", end="09:38:30"
    )
    return bootstrap.simulate(recording, terms, OPTIONS, seed=SEED)


def fills_of(records: list[AnyRecord]) -> dict[str, tuple[int, int, int]]:
    """Return price, quantity and venue time of each booked execution."""
    fills = [record.fill for record in records if isinstance(record, ChildFilled)]
    return {fill.execution_id: (fill.price, fill.quantity, fill.exchange_time) for fill in fills}


def test_every_prefix_rebuilds_the_venue(run: SimulationResult) -> None:
    """Cut anywhere, the rebuilt venue has made every fill that the journal has booked, and no other by that time."""
    records = [entry.record for entry in run.entries]
    everything = fills_of(records)
    assert len(everything) > 20
    assert any(isinstance(record, ReplaceRequested) for record in records)

    for cut in range(1, len(records) + 1, 7):
        exchange = Exchange(run.tape, OPTIONS, SEED)
        reached = rebuild(exchange, records[:cut])
        made = {
            report.fill.execution_id: (report.fill.price, report.fill.quantity, report.fill.exchange_time)
            for report in exchange.snapshot(exchange.now).fills
            if report.fill is not None
        }
        assert reached == exchange.now == records[cut - 1].at
        assert fills_of(records[:cut]).items() <= made.items() <= everything.items()


def test_what_was_under_way_still_arrives(run: SimulationResult) -> None:
    """A report that was on the line at the end of the journal is delivered at the time at which it was to be."""
    records = [entry.record for entry in run.entries]
    first = next(place for place, record in enumerate(records) if isinstance(record, ChildFilled))
    booked = records[first]
    assert isinstance(booked, ChildFilled)
    exchange = Exchange(run.tape, OPTIONS, SEED)
    rebuild(exchange, records[:first])
    assert exchange.now < booked.at

    heard: dict[str, int] = {}
    while exchange.now < booked.at:
        reached = exchange.advance(booked.at)
        heard |= {report.fill.execution_id: reached for report in exchange.take_reports(reached) if report.fill}
    assert heard[booked.fill.execution_id] == booked.at


def test_an_empty_journal_rebuilds_nothing(run: SimulationResult) -> None:
    """Without a record the venue stays at the start of its tape."""
    exchange = Exchange(run.tape, OPTIONS, SEED)

    assert rebuild(exchange, []) is None
    assert exchange.now == Exchange(run.tape, OPTIONS, SEED).now


def test_withdrawn_requests_are_not_sent_again() -> None:
    """What the second gate stopped never reached the old venue, nor did cancels of a child that was not placed."""
    placed, stopped = _place("a", 1), _place("b", 2)
    replaced = ReplaceRequested(at=3, child_id="a", revision=1, total=2, limit_price=1, why="")
    again = ReplaceRequested(at=5, child_id="a", revision=2, total=3, limit_price=1, why="")
    records: list[AnyRecord] = [
        placed, stopped, replaced,
        RequestWithdrawn(at=4, child_id="b", revision=0, reason="kill switch"),
        RequestWithdrawn(at=4, child_id="a", revision=1, reason="kill switch"),
        CancelRequested(at=5, child_id="b", attempt=1, why=""), again,
    ]  # fmt: skip
    expected: list[WireRequest] = [placed, again]

    assert sent_requests(records) == expected


def _place(child_id: str, at: int) -> ChildRequested:
    return ChildRequested(
        at=at, child_id=child_id, order_id="o", key="k", symbol=SYMBOL, side=OrderSide.BUY, quantity=1, limit_price=1,
        time_in_force=TimeInForce.DAY, good_till=None, why="",
    )  # fmt: skip
