"""`SimulatedBroker`: a recorded market by file name, with the methods that every broker of the contract has."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quietfill.domain.errors import BadInput
from quietfill.domain.events import FillEvent, OrderEvent
from quietfill.domain.execution_report import ExecutionReport, ReportKind
from quietfill.domain.messages import BrokerOrder
from quietfill.domain.records import CancelRequested, ChildRequested, ReplaceRequested
from quietfill.domain.types import (
    OrderSide,
    OrderType,
    datetime_of,
    price_decimal,
    price_float,
    price_from,
    quantity_exact,
    quantity_from,
)
from quietfill.venue.broker import VenueBroker
from quietfill.venue.exchange import Exchange
from quietfill.venue.feeds import load_tape
from quietfill.venue.options import VenueOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from quietfill.domain.types import PublicNumber, Timestamp


class SimulatedBroker(VenueBroker):
    """A broker whose market is a recording.

    An agent that is given one lives by its clock. The order methods are for those who use it without an
    agent; an agent sends its requests as records.

    Args:
        data: the recorded file, or several in order of time.
        feed: `lobster`, `sse`, `nasdaq100ms` or `binance`.
        symbol: what is recorded.
        speed: simulated seconds per wall second; None is as fast as possible.
        seed: of all latencies.
        start: the first simulated instant, ns UTC; default the first open of continuous trading in the data.
        options: latency, fees and mode of the venue.

    Raises:
        BadInput: when the files cannot be read; the message names file, row and value.
    """

    def __init__(
        self,
        data: str | Path | Sequence[str | Path],
        feed: str,
        symbol: str,
        speed: float | None = None,
        seed: int = 0,
        *,
        start: Timestamp | None = None,
        options: VenueOptions | None = None,
    ) -> None:
        """Read the recording."""
        files = [Path(data)] if isinstance(data, str | Path) else [Path(name) for name in data]
        tape = load_tape(feed, files, symbol=symbol)
        begin = max(tape.first_time, tape.day.spans[0][0]) if start is None else start
        super().__init__(Exchange(tape, options or VenueOptions(), seed), start=begin, end=tape.last_time, speed=speed)
        self._fill_listeners: list[Callable[[FillEvent], None]] = []
        self._answers: dict[str, asyncio.Future[int | None]] = {}
        self._children: dict[int, str] = {}
        self._revisions: dict[str, int] = {}
        self._placed: dict[str, ChildRequested] = {}

    async def place_order(self, order_event: OrderEvent, idempotency_key: str | None = None) -> int | None:
        """Send an order and wait for the venue's first word.

        Args:
            order_event: a market or limit order.
            idempotency_key: the order reference; the same one again places nothing.

        Returns:
            The broker's order id, None when the venue refused it.

        Raises:
            BadInput: when it is neither a market nor a limit order with a price.
        """
        request = self._request_of(order_event, idempotency_key or order_event.event_id)
        answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._answers[request.child_id] = answer
        self._placed.setdefault(request.child_id, request)
        self.submit(request)
        return await answer

    async def cancel_order(self, broker_order_id: int) -> bool:
        """Ask for a cancel; True when the request was sent, False for an unknown id."""
        child = self._children.get(broker_order_id)
        if child is None:
            return False
        attempt = self._next_revision(child)
        self.submit(CancelRequested(at=self.clock.now(), child_id=child, attempt=attempt, why="cancel_order"))
        return True

    async def modify_order(self, broker_order_id: int, *, quantity: PublicNumber, limit_price: PublicNumber) -> bool:
        """Ask for new terms; *quantity* is the new total. True when the request was sent."""
        child = self._children.get(broker_order_id)
        if child is None:
            return False
        self.submit(
            ReplaceRequested(
                at=self.clock.now(),
                child_id=child,
                revision=self._next_revision(child),
                total=quantity_from(quantity),
                limit_price=price_from(limit_price, "limit_price"),
                why="modify_order",
            )
        )
        return True

    def on_fill(self, callback: Callable[[FillEvent], None]) -> None:
        """Call *callback* with every fill, as it is heard."""
        self._fill_listeners.append(callback)

    async def open_orders(self) -> list[BrokerOrder]:
        """List our orders that can still trade."""
        return [order for order in (await self.snapshot()).orders if order.is_open]

    async def executions(self) -> list[ExecutionReport]:
        """List our fills of the day."""
        return list((await self.snapshot()).fills)

    async def positions(self) -> dict[str, float]:
        """Return what we hold by symbol from today's fills, positive when long."""
        position = 0.0
        for report in (await self.snapshot()).fills:
            sent = self._placed.get(report.child_id)
            if report.fill is not None and sent is not None:
                position += sent.side.sign * float(quantity_exact(report.fill.quantity))
        return {self.instrument.symbol: position}

    def submit(self, request: Any) -> None:
        """Send one request; placements are remembered, so that fills and positions have a side."""
        if isinstance(request, ChildRequested):
            self._placed.setdefault(request.child_id, request)
        super().submit(request)

    def heard(self, report: ExecutionReport) -> None:
        """Pass a report on to whoever waits for it, to the fill listeners and to the agent."""
        if report.broker_order_id is not None:
            self._children[report.broker_order_id] = report.child_id
        answer = self._answers.pop(report.child_id, None)
        if answer is not None and not answer.done():
            answer.set_result(None if report.kind is ReportKind.REJECTED else report.broker_order_id)
        if report.fill is not None:
            for listener in self._fill_listeners:
                listener(self._fill_event(report))
        super().heard(report)

    def _request_of(self, order: OrderEvent, reference: str) -> ChildRequested:
        if order.order_type is OrderType.LIMIT and order.limit_price is None:
            raise BadInput("a limit order needs a limit_price")
        if order.order_type not in {OrderType.LIMIT, OrderType.MARKET}:
            raise BadInput(f"the simulated venue takes market and limit orders, not {order.order_type.value}")
        return ChildRequested(
            at=self.clock.now(),
            child_id=reference,
            order_id=reference,
            key="",
            symbol=order.symbol,
            side=order.side,
            quantity=quantity_from(order.quantity),
            limit_price=None if order.limit_price is None else price_from(order.limit_price, "limit_price"),
            time_in_force=order.time_in_force,
            good_till=None,
            why="place_order",
            account=order.account,
        )

    def _next_revision(self, child: str) -> int:
        self._revisions[child] = self._revisions.get(child, 0) + 1
        return self._revisions[child]

    def _fill_event(self, report: ExecutionReport) -> FillEvent:
        fill, sent = report.fill, self._placed.get(report.child_id)
        assert fill is not None, "only fills are told as fills"
        return FillEvent(
            timestamp=datetime_of(self.clock.now()),
            order_id=report.child_id if sent is None else sent.order_id,
            broker_order_id=report.broker_order_id or 0,
            symbol=self.instrument.symbol,
            side=OrderSide.BUY if sent is None else sent.side,
            filled_quantity=quantity_exact(fill.quantity),
            fill_price=price_decimal(fill.price),
            commission=price_float(fill.commission or 0),
            exchange=fill.venue,
            execution_id=fill.execution_id,
            exchange_time=datetime_of(fill.exchange_time),
            liquidity=fill.liquidity,
        )
