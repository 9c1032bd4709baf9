"""Interactive Brokers as an agent's broker, and for those who use it without one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from quietfill.brokers.ib.contracts import ContractSpec, instrument_of
from quietfill.brokers.ib.edge import IBEdge
from quietfill.brokers.ib.errors import NotConnected, StepUnanswered
from quietfill.brokers.ib.house_clock import HouseClock
from quietfill.brokers.ib.native import Limit, Market, OnClose, Stop, StopLimit, Style
from quietfill.brokers.ib.orders import Placement
from quietfill.brokers.ib.settings import IBSettings
from quietfill.brokers.ib.survey import EXECUTIONS, HOLDINGS
from quietfill.brokers.ib.tap import TIME
from quietfill.domain.errors import BadInput, BrokerError
from quietfill.domain.events import FillEvent
from quietfill.domain.execution_report import ReportKind
from quietfill.domain.types import (
    SECOND,
    OrderType,
    datetime_of,
    price_decimal,
    price_float,
    price_from,
    quantity_exact,
    quantity_float,
    quantity_from,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.brokers.ib.contracts import Resolved
    from quietfill.brokers.ib.strategies import Strategy
    from quietfill.brokers.ib.survey import Survey
    from quietfill.domain.events import OrderEvent
    from quietfill.domain.execution_report import ExecutionReport
    from quietfill.domain.instrument import Instrument
    from quietfill.domain.messages import BrokerOrder
    from quietfill.domain.types import Price, PublicNumber, Timestamp

_log = structlog.get_logger(__name__)

_ANSWER_SECONDS = 10.0
"""How long `place_order` waits for the gateway's first word."""


class IBBroker(IBEdge):
    """Interactive Brokers, over IB Gateway or TWS and ib_async.

    Args:
        host, port: of the gateway's API socket; 4002 is IB Gateway's for paper accounts.
        client_id: of all orders, for ever: only the client id that placed an order may change it.
        account: which account to trade; None is the only one that the gateway serves. An order may name another paper
            account of the same login.
        live: allow an account of real money. Without it only paper accounts are connected to.
        settings: patience and pace.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 4002,
        client_id: int = 1,
        account: str | None = None,
        *,
        live: bool = False,
        settings: IBSettings | None = None,
    ) -> None:
        """Connect nothing yet."""
        _check_whole("port", port, 1, 65_535)
        _check_whole("client_id", client_id, 0, 2**31 - 1)
        super().__init__((host, port, client_id), account, settings or IBSettings(), live=live)
        self._fill_listeners: list[Callable[[FillEvent], None]] = []
        self._first_words: dict[str, asyncio.Future[int | None]] = {}
        self._told: dict[tuple[str, str], None] = {}

    @property
    def account(self) -> str:
        """The account that is traded; "" before the first connection."""
        return self._children.account

    # Orders

    async def place_order(
        self,
        order_event: OrderEvent,
        idempotency_key: str | None = None,
        *,
        style: Style | None = None,
        strategy: Strategy | None = None,
        displayed: PublicNumber | None = None,
        good_till: Timestamp | None = None,
    ) -> int | None:
        """Place an order and wait for the gateway's first word.

        Args:
            order_event: what to trade; its type decides how, unless *style* does.
            idempotency_key: our reference on the wire, default the event's id; the same one again places nothing.
            style: an order type that `OrderEvent` has no word for: see `quietfill.brokers.ib.native`.
            strategy: one of Interactive Brokers' own algos: see `quietfill.brokers.ib.strategies`.
            displayed: what an iceberg shows.
            good_till: when it ends at the latest, ns UTC.

        Returns:
            The order's id at the gateway; None when it was refused, and nothing is there.

        Raises:
            BadInput: when the order cannot be expressed.
            BrokerError: when there is no line, or no answer: then it may be there all the same.
        """
        reference = idempotency_key or order_event.event_id
        known = self._children.get(reference)
        if known is not None:
            return known.order_id
        placement = Placement(
            reference=reference,
            account=self._account_of(order_event),
            side=order_event.side,
            total=quantity_from(order_event.quantity),
            style=style or _style_of(order_event),
            time_in_force=order_event.time_in_force,
            good_till=good_till,
            displayed=None if displayed is None else quantity_from(displayed, "displayed"),
            algo=None if strategy is None else strategy.on_the_wire(),
            outside_rth=order_event.outside_rth,
        )
        if not self.is_connected:
            raise NotConnected("the line to the broker is down: nothing was sent")
        word: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._first_words[reference] = word
        self._sending.place(order_event.symbol, placement)
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await word
        except TimeoutError:
            raise BrokerError(f"no answer to {reference} within {_ANSWER_SECONDS:g} s: it may be working") from None
        finally:
            self._first_words.pop(reference, None)

    async def cancel_order(self, broker_order_id: int) -> bool:
        """Ask for a cancel; True when the request was sent, False for an order that is over or unknown."""
        child = self._children.of_order(broker_order_id)
        if child is None or child.end is not None:
            return False
        self._sending.cancel(child)
        return True

    async def modify_order(
        self, broker_order_id: int, *, quantity: PublicNumber | None = None, limit_price: PublicNumber | None = None
    ) -> bool:
        """Ask for new terms; *quantity* is the new total. What is None stays as it is.

        Returns:
            True when the request was sent; False while another is on its way, and for orders over or unknown.
        """
        child = self._children.of_order(broker_order_id)
        if child is None:
            return False
        total = child.terms.total if quantity is None else quantity_from(quantity)
        price = child.terms.limit_price if limit_price is None else price_from(limit_price, "limit_price")
        return self._sending.change(child, total, price)

    def on_fill(self, callback: Callable[[FillEvent], None]) -> None:
        """Call *callback* with every fill as it is heard, once; what it costs may not be known then."""
        self._fill_listeners.append(callback)

    async def open_orders(self) -> list[BrokerOrder]:
        """List what is open at the broker, orders of others included.

        Raises:
            BrokerError: when the gateway does not say.
        """
        snapshot = await self.snapshot()
        self._assert_said("open orders", "all open orders")
        return [order for order in snapshot.orders if order.is_open]

    async def executions(self) -> list[ExecutionReport]:
        """List our executions of the day.

        Raises:
            BrokerError: when the gateway does not say.
        """
        snapshot = await self.snapshot()
        self._assert_said(EXECUTIONS)
        return list(snapshot.fills)

    async def positions(self, account: str | None = None) -> dict[str, float]:
        """Return what an account holds by symbol, positive when long; default the account that is traded.

        Raises:
            BrokerError: when the gateway does not say.
        """
        survey: Survey = await self._survey()
        self._assert_said(HOLDINGS)
        wanted = account or self.account
        held: dict[str, float] = {}
        for position in survey.positions:
            if position.account == wanted:
                name = self._symbol_of(position.con_id) or position.symbol
                held[name] = held.get(name, 0.0) + quantity_float(position.quantity)
        return held

    async def gateway_clock(self) -> HouseClock:
        """Return a clock that shows the gateway's time, to the second, as long as that runs as fast as ours.

        For an agent whose gateway plays recorded data: pass it as the agent's clock. Connect first.

        Raises:
            BrokerError: when the gateway does not say.
        """
        try:
            (seconds,) = await self._surveyor.named(TIME, self.settings.step_seconds, "reqCurrentTime")
        except (TimeoutError, ValueError):
            raise StepUnanswered(TIME, self.settings.step_seconds) from None
        return HouseClock(ahead=seconds * SECOND - HouseClock().now())

    # Contracts and market data

    async def instrument(self, symbol: str, /, **what: Any) -> Instrument:
        """Look a contract up and return it as an instrument for the agent's table.

        Args:
            symbol: its name in the table, and its ticker where *what* names no other.
            what: the fields of `ContractSpec`, such as `security_type="FUT", exchange="CME", expiry="202612"`.

        Raises:
            NoSuchContract: when none matches, or several do; the message lists them.
            BadInput: when a field is unknown.
        """
        fields: dict[str, Any] = {"symbol": symbol, **what}
        try:
            spec = ContractSpec(**fields)
        except TypeError as error:
            raise BadInput(f"instrument {symbol}: {error}") from None
        resolved: Resolved = await self._contracts.resolve(symbol, spec)
        self._grids.trust(symbol)
        return instrument_of(symbol, resolved)

    async def subscribe(self, symbol: str, depth: int = 0, *, tick_by_tick: bool | None = None) -> None:
        """Listen to a symbol's market.

        Args:
            symbol: of the instrument table, or a ticker that only one contract has.
            depth: the number of rows on each side, 0 for the touch alone.
            tick_by_tick: whether each trade is told by itself, at once, and not several together a few times a second;
                None is what the settings say. Where the broker allows no more of it a notice says so.

        Raises:
            NoSuchContract: when the symbol is no contract, or several.
            BrokerError: when the gateway does not say.
        """
        _check_whole("depth", depth, 0, 60)
        self._markets.subscribe(symbol, await self._sending.contract(symbol), depth, tick_by_tick=tick_by_tick)

    def unsubscribe(self, symbol: str) -> None:
        """Listen to a symbol's market no more."""
        self._markets.unsubscribe(symbol)

    def market_problem(self, symbol: str) -> str | None:
        """Return why a symbol's quotes do not count, "" while they do, None for one that is not subscribed."""
        return self._markets.problem(symbol)

    def status(self) -> dict[str, Any]:
        """Return what the line is like: up or not, epoch, account, ids, what waits, and the last verdicts.

        `barred` says why nothing that adds risk is sent now, None while it is; `order_efficiency` counts the day.
        """
        return {
            "connected": self.is_connected,
            "epoch": self._connection.epoch,
            "account": self.account,
            "client_id": self._connection.client_id,
            "highest_order_id": self._order_ids.highest,
            "waiting": len(self._outbox),
            "messages_sent": self._outbox.sent,
            "order_messages_sent": self._sending.messages,
            "barred": self._gate.why or None,
            "order_efficiency": self._efficiency.figures(),
            "verdicts": [msgspec.to_builtins(verdict) for verdict in self.verdicts],
            "notices": list(self.notices),
        }

    # Inside

    def _tell(self, report: ExecutionReport) -> None:
        word = None if report.kind is ReportKind.NOTED else self._first_words.pop(report.child_id, None)
        if word is not None and not word.done():
            word.set_result(None if report.kind is ReportKind.REJECTED else report.broker_order_id)
        if report.fill is not None and self._is_first_word_of(report):
            for listener in self._fill_listeners:
                try:
                    listener(self._fill_event(report))
                except Exception:  # noqa: BLE001 - a stranger's code: the books must have the fill all the same
                    _log.exception("a listener to fills failed", order=report.child_id)
        super()._tell(report)

    def _is_first_word_of(self, report: ExecutionReport) -> bool:
        """Say whether a fill was not told before; a commission that comes late tells it again."""
        assert report.fill is not None, "only fills are told"
        key = report.child_id, report.fill.execution_id
        if key in self._told:
            return False
        self._told[key] = None
        while len(self._told) > _TOLD_KEPT:
            self._told.pop(next(iter(self._told)))
        return True

    def _fill_event(self, report: ExecutionReport) -> FillEvent:
        fill, child = report.fill, self._children.get(report.child_id)
        assert fill is not None, "only fills are told as fills"
        known: dict[str, Any] = {}
        if child is not None:
            known = {"symbol": child.symbol, "side": child.placement.side, "account": child.placement.account}
        return FillEvent(
            timestamp=datetime_of(self._now()),
            order_id=report.child_id,
            broker_order_id=report.broker_order_id or 0,
            **known,
            filled_quantity=quantity_exact(fill.quantity),
            fill_price=price_decimal(fill.price),
            commission=price_float(fill.commission or 0),
            exchange=fill.venue,
            execution_id=fill.execution_id,
            exchange_time=datetime_of(fill.exchange_time),
            liquidity=fill.liquidity,
        )

    def _account_of(self, order: OrderEvent) -> str:
        if order.account is not None and self.accounts and order.account not in self.accounts:
            raise BadInput(f"account {order.account} is not traded here: {', '.join(self.accounts)} may be named")
        return order.account or self.account

    def _symbol_of(self, con_id: int) -> str | None:
        return self._contracts.symbol_of(con_id)

    def _assert_said(self, *steps: str) -> None:
        for verdict in self.verdicts:
            if verdict.step in steps and not verdict.is_answered:
                raise StepUnanswered(verdict.step, self.settings.step_seconds)


_TOLD_KEPT = 20_000


def _style_of(order: OrderEvent) -> Style:
    """Return how an order event trades."""
    limit = _needed(order, "limit_price") if order.order_type in _WITH_LIMIT else None
    stop = _needed(order, "stop_price") if order.order_type in _WITH_STOP else None
    if order.order_type is OrderType.TRAILING_STOP:
        raise BadInput("a trailing stop needs style=Trail(...): an order event does not say by how much it trails")
    styles: dict[OrderType, Callable[[], Style]] = {
        OrderType.MARKET: Market,
        OrderType.LIMIT: lambda: Limit(price=limit or 0),
        OrderType.STOP: lambda: Stop(stop=stop or 0),
        OrderType.STOP_LIMIT: lambda: StopLimit(stop=stop or 0, price=limit or 0),
        OrderType.MARKET_ON_CLOSE: OnClose,
        OrderType.LIMIT_ON_CLOSE: lambda: OnClose(price=limit),
    }
    return styles[order.order_type]()


_WITH_LIMIT = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.LIMIT_ON_CLOSE})
_WITH_STOP = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


def _needed(order: OrderEvent, name: str) -> Price:
    value = getattr(order, name)
    if value is None:
        raise BadInput(f"a {order.order_type.value} order needs a {name}")
    return price_from(value, name)


def _check_whole(name: str, value: Any, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadInput(f"{name} must be a whole number from {least} to {most}, not {value!r}")
