"""What the measured parts stand in: an instrument, books, a broker that says yes, a journal that keeps nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from quietfill.algos.registry import registry
from quietfill.domain.errors import JournalError
from quietfill.domain.execution_report import ExecutionReport, Fill, ReportKind
from quietfill.domain.instrument import Instrument, TickRule
from quietfill.domain.messages import BookUpdate, BrokerSnapshot, LinkState, NewOrder
from quietfill.domain.records import AnyRecord, ChildRequested, WireRequest
from quietfill.domain.types import MINUTE, SECOND, Liquidity, OrderSide, Timestamp, price_from, quantity_from
from quietfill.engine.engine import Engine
from quietfill.engine.settings import EngineSettings
from quietfill.ports.journal import JournalEntry
from quietfill.risk.limits import RiskLimits

SYMBOL = "BENCH"
NOON: Timestamp = 1_700_000_000 * SECOND
TICK = price_from(Decimal("0.01"))
LOT = quantity_from(100)
LEVELS = 10

UNPACED = EngineSettings(
    max_orders_per_minute=10**9, min_order_interval=0, max_replaces_per_minute=10**9, max_messages_per_second=10**9
)
"""Pacing is a limit of brokers; what is measured here is us."""


def instrument(symbol: str = SYMBOL, **facts: Any) -> Instrument:
    """Return a share that trades round the clock in lots of 100 and ticks of 0.01."""
    return Instrument(symbol=symbol, ticks=(TickRule(0, TICK),), lot=LOT, **facts)


def book(now: Timestamp, size: int = 50, symbol: str = SYMBOL, volume_lots: int = 10_000) -> BookUpdate:
    """Return ten levels a side around 10.01, *size* lots on each."""
    bid, ask = price_from(Decimal("10.00")), price_from(Decimal("10.02"))
    return BookUpdate(
        symbol=symbol,
        time=now,
        bids=tuple((bid - step * TICK, size * LOT) for step in range(LEVELS)),
        asks=tuple((ask + step * TICK, size * LOT) for step in range(LEVELS)),
        last=bid,
        volume=volume_lots * LOT,
    )


def engine(*symbols: str) -> Engine:
    """Return an empty engine that trades *symbols*."""
    return Engine(
        {name: instrument(name) for name in symbols or (SYMBOL,)},
        registry(),
        UNPACED,
        RiskLimits(max_open_orders=10**9),
    )


def order(name: str, algo: str, lots: int, now: Timestamp, symbol: str = SYMBOL) -> NewOrder:
    """Return a buy order of an hour; `limit` stands at the near touch."""
    return NewOrder(
        order_id=name,
        decision_id=f"decision-{name}",
        symbol=symbol,
        side=OrderSide.BUY,
        quantity=lots * LOT,
        algo=algo,
        limit_price=price_from(Decimal("10.00")) if algo == "limit" else None,
        end=now + 60 * MINUTE,
    )


def accepted(child_id: str, now: Timestamp) -> ExecutionReport:
    """Return a broker's acknowledgement."""
    return ExecutionReport(child_id=child_id, kind=ReportKind.ACCEPTED, exchange_time=now, broker_order_id=1)


def filled(child_id: str, execution_id: str, quantity: int, now: Timestamp) -> ExecutionReport:
    """Return the report of one execution at 10.00."""
    fill = Fill(
        execution_id=execution_id,
        quantity=quantity,
        price=price_from(Decimal("10.00")),
        exchange_time=now,
        liquidity=Liquidity.PASSIVE,
    )
    return ExecutionReport(child_id=child_id, kind=ReportKind.FILL, exchange_time=now, fill=fill)


class NullEdge:
    """A broker edge that notes when a request reached it, and fills it in full when told to.

    Attributes:
        sent: (request, *clock_ns* on arrival).
        report: hears reports; set by whoever listens.
    """

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self.sent: list[tuple[WireRequest, int]] = []
        self._clock_ns = clock_ns
        self.report: Callable[[ExecutionReport], None] = _deaf

    @property
    def is_connected(self) -> bool:
        """Always."""
        return True

    async def connect(self) -> None:
        """Nothing to open."""

    async def disconnect(self) -> None:
        """Nothing to close."""

    def submit(self, request: WireRequest) -> None:
        """Note the request."""
        self.sent.append((request, self._clock_ns()))

    async def snapshot(self) -> BrokerSnapshot:
        """Know of nothing."""
        return BrokerSnapshot(orders=(), fills=(), complete=True, asked_at=0)

    def on_report(self, callback: Callable[[ExecutionReport], None]) -> None:
        """Set who hears reports."""
        self.report = callback

    def on_book(self, callback: Callable[[BookUpdate], None]) -> None:
        """No market data comes from here."""

    def on_link(self, callback: Callable[[LinkState], None]) -> None:
        """The line never breaks."""

    def fill_all(self, now: Timestamp) -> None:
        """Acknowledge and fill every placement that came, then forget it."""
        requests, self.sent = self.sent, []
        for request, _ in requests:
            if isinstance(request, ChildRequested):
                self.report(accepted(request.child_id, now))
                self.report(filled(request.child_id, f"{request.child_id}.1", request.quantity, now))


def _deaf(_: object) -> None:
    """Nobody listens yet."""


class ForgetfulJournal:
    """Counts records, calls them durable at once and keeps none, so what remains in memory is not the journal's."""

    def __init__(self) -> None:
        self.sequence = 0
        self._listener: Callable[[int], None] = _deaf

    @property
    def committed(self) -> int:
        """Everything."""
        return self.sequence

    @property
    def head(self) -> str:
        """There is no chain."""
        return ""

    def append(self, records: Sequence[AnyRecord]) -> int:
        """Count the records."""
        self.sequence += len(records)
        self._listener(self.sequence)
        return self.sequence

    def on_commit(self, listener: Callable[[int], None]) -> None:
        """Set the one listener."""
        self._listener = listener

    def on_failure(self, listener: Callable[[JournalError], None]) -> None:
        """Nothing can fail."""

    def read(self, after: int = 0) -> Iterator[JournalEntry]:
        """Yield nothing."""
        del after
        return iter(())

    def close(self) -> None:
        """Nothing to close."""
