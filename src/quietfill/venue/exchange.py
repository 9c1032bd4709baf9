"""The simulated exchange: our orders in a recorded market, with latency, reports, fees and sessions.

Synchronous and deterministic: the caller says how far time goes, and gets back what a broker would have told
it by then. The same requests at the same times with the same seed give the same reports, whatever happened
between; so a venue that died is rebuilt by sending it the same requests again.

Time. The agent's clock is the feed's clock (`latency`, ADR 0010). `advance(until)` replays the recorded rows
with time <= until and lets our requests arrive among them: at equal times recorded rows first, then ours in
the order in which they were sent. It comes back early when a report has become deliverable or an armed trigger was met.
The loop of a caller is

    reached = exchange.advance(min(own timers, exchange.next_report_at() or far away))
    reports = exchange.take_reports(reached)

Orders. Price-time priority among everybody; ours never trade with one another (the resting one is withdrawn); a
replace that only makes the order smaller keeps its place. Continuous trading only: outside it a new order is
rejected, what rests stays over a break, is cancelled by a halt, and expires at the day's last close.
"""

from __future__ import annotations

import heapq
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias, assert_never

from quietfill.domain.messages import BookUpdate, BrokerSnapshot
from quietfill.domain.records import CancelRequested, ChildRequested, ReplaceRequested
from quietfill.domain.types import OrderSide, Quantity, Timestamp
from quietfill.venue.averages import RecordedAverages
from quietfill.venue.core import Core, Stop
from quietfill.venue.depth_core import core_of
from quietfill.venue.entry import OrderEntry
from quietfill.venue.latency import Wire
from quietfill.venue.options import VenueOptions
from quietfill.venue.recorded import history_of
from quietfill.venue.tape import Tape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quietfill.domain.execution_report import ExecutionReport
    from quietfill.domain.instrument import Instrument
    from quietfill.domain.records import WireRequest
    from quietfill.market.history import MarketHistory
    from quietfill.market.triggers import Trigger

__all__ = ["Exchange", "VenueOptions"]

_Due: TypeAlias = "WireRequest | str | None"
# A request that arrives, the id of a child that expires, or None for the day's last close.


class Exchange:
    """One recorded market with our orders in it.

    Args:
        tape: the recording.
        options: what the venue does with our orders.
        seed: of the latency draws; the only chance there is.
        core: what keeps the book; None takes the one this tape needs.
        averages: whether published books carry the day's turnover and the integral of the mid. They cost a pass over
            the recording and its size in memory.
    """

    def __init__(
        self, tape: Tape, options: VenueOptions, seed: int, *, core: Core | None = None, averages: bool = True
    ) -> None:
        self._tape = tape
        self._options = options
        self._core = core or core_of(tape, options)
        self._wire = Wire(options, seed)
        self._entry = OrderEntry(
            self._core, tape.instrument, tape.unit, options, report=self._deliver_later, schedule=self._plan
        )
        self._now: Timestamp = tape.first_time - 1
        self._sequence = 0
        self._agenda: list[tuple[Timestamp, int, _Due]] = []
        self._mail: list[tuple[Timestamp, int, ExecutionReport]] = []
        self._published: BookUpdate | None = None
        self._keeps_averages = averages
        self.triggered = False
        self._plan(tape.day.spans[-1][1], None)

    @property
    def now(self) -> Timestamp:
        """The time reached; every recorded row up to and including it has been replayed."""
        return self._now

    @property
    def market_volume(self) -> Quantity:
        """Recorded volume of the day so far; our own fills are not in it."""
        return self._core.volume

    @property
    def events_replayed(self) -> int:
        """How many recorded events were replayed."""
        return self._core.events_replayed

    @property
    def finished(self) -> bool:
        """Whether the recording is over."""
        return self._core.finished

    @property
    def instrument(self) -> Instrument:
        """What is traded here."""
        return self._tape.instrument

    @property
    def has_requests_in_flight(self) -> bool:
        """Whether requests are on the line that have not met the core yet."""
        return self.next_arrival is not None

    @property
    def next_arrival(self) -> Timestamp | None:
        """When the next request that is on the line meets the core; None when there is none."""
        due = [
            at for at, _, what in self._agenda if isinstance(what, ChildRequested | ReplaceRequested | CancelRequested)
        ]
        return min(due, default=None)

    @property
    def open_count(self) -> int:
        """How many of our orders can still trade."""
        return self._entry.open_count

    def send(self, request: WireRequest, now: Timestamp) -> None:
        """Put a request on the line at agent time *now*; it meets the core one delay later."""
        arrival = self._wire.arrival(request.child_id, type(request).__name__, _number(request), now)
        self._plan(max(arrival, self._now), request)

    def watch(self, triggers: Sequence[Trigger]) -> None:
        """Arm these triggers, in place of all others; each is looked at whenever the others' market changes."""
        self._core.watch(triggers)

    def advance(self, until: Timestamp) -> Timestamp:
        """Let time go on to *until*, or to the first report due or trigger met; return the time reached.

        `triggered` says whether it was a trigger. Rows of one time stamp are never split.
        """
        assert until >= self._now, f"time would go back from {self._now} to {until}"
        self.triggered = False
        self._published = None
        while True:
            stop = max(self._now, min(until, self._mail[0][0])) if self._mail else until
            due = self._agenda[0][0] if self._agenda else stop + 1
            target = max(self._now, due) if due <= stop else stop
            reason = self._core.advance(target)
            if reason is not Stop.REACHED:
                self._now = max(self._now, self._core.now)
                self._entry.take_notes()
                if reason is Stop.TRIGGERED:
                    self.triggered = True
                    return self._now
                continue
            self._now = target
            if due > stop:
                return self._now
            self._carry_out(heapq.heappop(self._agenda)[2])

    def next_report_at(self) -> Timestamp | None:
        """Return when the next report reaches the agent, as far as is known by now."""
        return self._mail[0][0] if self._mail else None

    def take_reports(self, now: Timestamp) -> list[ExecutionReport]:
        """Return what the agent hears by *now*, in order of delivery; each report once."""
        heard: list[ExecutionReport] = []
        while self._mail and self._mail[0][0] <= now:
            heard.append(heapq.heappop(self._mail)[2])
        return heard

    def book(self, symbol: str) -> BookUpdate:
        """Return the published book at the time reached.

        Our resting orders are in it and what we took is gone; `volume` counts our fills too. `last` is the
        last recorded print. The others' market alone is what triggers look at.
        """
        assert symbol == self._tape.instrument.symbol, f"this venue trades {self._tape.instrument.symbol}, not {symbol}"
        if self._published is None:
            averages = self._averages
            mid_sum, mid_time = (None, 0) if averages is None else averages.mid(self._now)
            low, high = self._core.take_print_range() or (None, None)
            self._published = BookUpdate(
                symbol=symbol,
                time=self._now,
                bids=self._core.depth(OrderSide.BUY, self._options.levels),
                asks=self._core.depth(OrderSide.SELL, self._options.levels),
                last=self._core.last,
                volume=self._core.volume + self._entry.filled,
                turnover=None if averages is None else averages.turnover(self._now) + self._entry.filled_value,
                mid_sum=mid_sum,
                mid_time=mid_time,
                print_low=low,
                print_high=high,
            )
        return self._published

    @cached_property
    def _averages(self) -> RecordedAverages | None:
        return RecordedAverages(self.history()) if self._keeps_averages else None

    def snapshot(self, asked_at: Timestamp) -> BrokerSnapshot:
        """Return all our orders, open and done, and all fills, as the venue has them at the time reached."""
        return self._entry.snapshot(asked_at)

    def history(self) -> MarketHistory:
        """Return the recorded prints and touches of the whole tape, without anything of ours."""
        return history_of(self._tape)

    def _plan(self, at: Timestamp, due: _Due) -> None:
        self._sequence += 1
        heapq.heappush(self._agenda, (at, self._sequence, due))

    def _carry_out(self, due: _Due) -> None:
        if due is None:
            self._entry.close(self._now)
        elif isinstance(due, str):
            self._entry.expire(due, self._now)
        else:
            self._entry.handle(due, self._now)

    def _deliver_later(self, report: ExecutionReport) -> None:
        self._sequence += 1
        at = self._wire.delivery(report.child_id, report.exchange_time)
        heapq.heappush(self._mail, (at, self._sequence, report))


def _number(request: WireRequest) -> int:
    """Return what tells repeated requests on one child apart."""
    match request:
        case ChildRequested():
            return 0
        case ReplaceRequested(revision=revision):
            return revision
        case CancelRequested(attempt=attempt):
            return attempt
        case _:
            assert_never(request)
