"""The raw callbacks: what ib_async decodes, turned into our words before anything is made of it.

ib_async's own wrapper keeps order states that are wrong in a dozen known cases (a notice cancels a live order, a
correction counts twice, a commission before its execution is lost), so it is not used: `Tap` stands in its place behind
ib_async's client and decoder. Nothing is concluded here. Each message becomes one `Raw`, and all of them are handed on
in the next turn of the event loop, in the order in which they came: neither the decoder nor the socket's callback,
which swallow exceptions, ever sees one of ours.
"""

# ruff: noqa: N802, N803, N815 - the names are those that ib_async calls

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any

from ib_async.decoder import Decoder

from quietfill.brokers.ib.raw import (
    AnswerEnded,
    AnswerSeen,
    CommissionSeen,
    DataKind,
    DepthRow,
    ErrorSeen,
    ExecutionSeen,
    NumberTick,
    OrderEcho,
    PositionSeen,
    PriceTick,
    PrintTick,
    SizeTick,
    StatusSeen,
    TextTick,
    Unreadable,
    liquidity_of,
    price_of,
    quantity_of,
    split_execution_id,
)
from quietfill.domain.types import OrderSide, timestamp_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from ib_async.contract import Contract, ContractDetails
    from ib_async.objects import CommissionReport, Execution, PriceIncrement
    from ib_async.order import Order, OrderState

    from quietfill.brokers.ib.raw import Raw

OPEN_ORDERS, COMPLETED_ORDERS, POSITIONS, TIME = "open orders", "completed orders", "positions", "time"
"""Names of questions whose answers carry no id."""

ACCOUNTS, NEXT_ID = "accounts", "next id"
"""What the gateway says by itself when a session is ready."""

_NO_LIMIT = frozenset({"MKT", "MOC", "STP", "TRAIL", "MTL", "MIT", "MKT PRT", "STP PRT"})
"""Order types without a limit price; the gateway reports one of 0 for them."""

_NO_QUOTE = frozenset({-1.0, 0.0})
"""Prices that mean, with a size of 0, that nobody quotes."""


class Tap:
    """Stands where ib_async's client expects its wrapper.

    Args:
        hear: called with each message in turn.
        pause: called when all that came together was heard.
        tws_timezone: zone of execution times from gateways too old to name one; "" is the machine's.
    """

    def __init__(self, hear: Callable[[Raw], None], pause: Callable[[], None], tws_timezone: str = "") -> None:
        """Hear nothing yet."""
        self._hear = hear
        self._pause = pause
        self._waiting: deque[Raw] = deque()
        self._is_scheduled = False
        self.messages = 0
        """How many messages came, of any kind: the sign of life."""
        # The decoder looks for these two.
        self.defaultTimezone: tzinfo = UTC
        self.ib = _Zone(tws_timezone)

    def drain(self) -> None:
        """Hand on everything that waits."""
        self._is_scheduled = False
        while self._waiting:
            self._hear(self._waiting.popleft())
        self._pause()

    def put(self, raw: Raw) -> None:
        """Take one message; it is handed on in the next turn of the loop."""
        self._waiting.append(raw)
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self.drain)

    # Session

    def tcpDataArrived(self) -> None:
        """Note a sign of life."""
        self.messages += 1

    def connectAck(self) -> None:
        """The handshake is done; the session is not ready yet."""

    def setEventsDone(self) -> None:
        """Have no events to end."""

    def connectionClosed(self) -> None:
        """Leave it to the client's own event: nothing is wiped here."""

    def nextValidId(self, reqId: int) -> None:
        """Hear from which order id on the gateway takes orders."""
        self.put(AnswerSeen(key=NEXT_ID, content=reqId))

    def managedAccounts(self, accountsList: str) -> None:
        """Hear which accounts the session may trade."""
        self.put(AnswerSeen(key=ACCOUNTS, content=tuple(name for name in accountsList.split(",") if name)))

    def currentTime(self, time: int) -> None:
        """Hear the gateway's time."""
        self.put(AnswerSeen(key=TIME, content=time))
        self.put(AnswerEnded(key=TIME))

    def error(self, reqId: int, errorCode: int, errorString: str, advancedOrderRejectJson: str = "") -> None:
        """Hear a code."""
        self.put(ErrorSeen(subject=reqId, code=errorCode, text=errorString, advanced=advancedOrderRejectJson))

    # Orders

    def openOrder(self, _orderId: int, contract: Contract, order: Order, orderState: OrderState) -> None:
        """Hear of an order that is or was open."""
        echo = _echo(contract, order, orderState.status, orderState.warningText)
        self.put(echo)

    def openOrderEnd(self) -> None:
        """Hear that all open orders were listed."""
        self.put(AnswerEnded(key=OPEN_ORDERS))

    def completedOrder(self, contract: Contract, order: Order, orderState: OrderState) -> None:
        """Hear of an order that is over."""
        echo = _echo(contract, order, orderState.status, orderState.completedStatus, is_completed=True)
        self.put(echo)

    def completedOrdersEnd(self) -> None:
        """Hear that all completed orders were listed."""
        self.put(AnswerEnded(key=COMPLETED_ORDERS))

    def orderStatus(
        self,
        orderId: int,
        status: str,
        filled: float,
        remaining: float,
        _avgFillPrice: float,
        permId: int,
        _parentId: int,
        _lastFillPrice: float,
        clientId: int,
        whyHeld: str,
        _mktCapPrice: float = 0.0,
    ) -> None:
        """Hear of an order's status."""
        self.put(
            StatusSeen(
                order_id=orderId,
                client_id=clientId,
                perm_id=permId,
                status=status,
                filled=quantity_of(filled),
                remaining=quantity_of(remaining),
                why_held=whyHeld,
            )
        )

    def execDetails(self, reqId: int, contract: Contract, execution: Execution) -> None:
        """Hear of an execution."""
        stem, revision = split_execution_id(execution.execId)
        self.put(
            ExecutionSeen(
                request_id=reqId,
                order_id=execution.orderId if execution.orderId < _UNSET_ID else 0,  # unset for manual orders
                client_id=execution.clientId,
                perm_id=execution.permId,
                reference=execution.orderRef,
                account=execution.acctNumber,
                symbol=contract.symbol,
                con_id=contract.conId,
                stem=stem,
                revision=revision,
                side=OrderSide.BUY if execution.side == "BOT" else OrderSide.SELL,
                quantity=quantity_of(execution.shares),
                price=price_of(execution.price) or 0,
                cumulative=quantity_of(execution.cumQty),
                time=timestamp_from(execution.time),
                exchange=execution.exchange,
                liquidity=liquidity_of(execution.lastLiquidity),
            )
        )

    def execDetailsEnd(self, reqId: int) -> None:
        """Hear that all executions were listed."""
        self.put(AnswerEnded(key=reqId))

    def commissionReport(self, commissionReport: CommissionReport) -> None:
        """Hear what an execution cost."""
        stem, revision = split_execution_id(commissionReport.execId)
        self.put(
            CommissionSeen(
                stem=stem,
                revision=revision,
                commission=price_of(commissionReport.commission),
                currency=commissionReport.currency,
            )
        )

    def position(self, account: str, contract: Contract, posSize: float, avgCost: float) -> None:
        """Hear what an account holds."""
        self.put(
            PositionSeen(
                account=account,
                con_id=contract.conId,
                symbol=contract.symbol,
                security_type=contract.secType,
                quantity=quantity_of(posSize),
                average_cost=price_of(avgCost),
            )
        )

    def positionEnd(self) -> None:
        """Hear that all positions were listed."""
        self.put(AnswerEnded(key=POSITIONS))

    # Contracts

    def contractDetails(self, reqId: int, contractDetails: ContractDetails) -> None:
        """Hear of a contract that matches."""
        self.put(AnswerSeen(key=reqId, content=contractDetails))

    bondContractDetails = contractDetails

    def contractDetailsEnd(self, reqId: int) -> None:
        """Hear that all contracts that match were listed."""
        self.put(AnswerEnded(key=reqId))

    def marketRule(self, marketRuleId: int, priceIncrements: list[PriceIncrement]) -> None:
        """Hear a tick ladder."""
        rows = tuple((price_of(item.lowEdge) or 0, price_of(item.increment) or 0) for item in priceIncrements)
        self.put(AnswerSeen(key=market_rule(marketRuleId), content=rows))
        self.put(AnswerEnded(key=market_rule(marketRuleId)))

    # Market data

    def priceSizeTick(self, reqId: int, tickType: int, price: float, size: float) -> None:
        """Hear a price."""
        is_absent = size == 0 and price in _NO_QUOTE and tickType in {1, 2}
        self.put(PriceTick(reqId, tickType, None if is_absent else price_of(price), quantity_of(size)))

    def tickSize(self, reqId: int, tickType: int, size: float) -> None:
        """Hear a size."""
        self.put(SizeTick(reqId, tickType, quantity_of(size)))

    def tickString(self, reqId: int, tickType: int, value: str) -> None:
        """Hear a text."""
        self.put(TextTick(reqId, tickType, value))

    def tickGeneric(self, reqId: int, tickType: int, value: float) -> None:
        """Hear a number."""
        self.put(NumberTick(reqId, tickType, value))

    def tickByTickAllLast(
        self,
        reqId: int,
        _tickType: int,
        _time: int,
        price: float,
        size: float,
        _attributes: object,
        _exchange: str,
        _conditions: str,
    ) -> None:
        """Hear a trade."""
        exact = price_of(price)
        if exact is not None:
            self.put(PrintTick(reqId, exact, quantity_of(size)))

    def marketDataType(self, reqId: int, marketDataId: int) -> None:
        """Hear whether quotes are live."""
        self.put(DataKind(reqId, marketDataId))

    def updateMktDepth(self, reqId: int, position: int, operation: int, side: int, price: float, size: float) -> None:
        """Hear a change of depth."""
        self.put(
            DepthRow(
                request_id=reqId,
                row=position,
                operation=operation,
                is_bid=side == 1,
                price=price_of(price) or 0,
                size=quantity_of(size),
            )
        )

    def updateMktDepthL2(
        self,
        reqId: int,
        position: int,
        _marketMaker: str,
        operation: int,
        side: int,
        price: float,
        size: float,
        _isSmartDepth: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        """Hear a change of depth that names who quotes."""
        self.updateMktDepth(reqId, position, operation, side, price, size)


class StrictDecoder(Decoder):
    """ib_async's decoder, except that nothing is swallowed: what cannot be decoded is said to be unreadable."""

    def __init__(self, tap: Tap, server_version: int = 0) -> None:
        """Decode for *tap*."""
        super().__init__(tap, server_version)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        self._tap = tap

    def wrap(self, methodName: str, types: list[type], skip: int = 2) -> Any:
        """Return what decodes one kind of message; kinds that nobody listens for are passed over."""

        def handle(fields: list[str]) -> None:
            method = getattr(self._tap, methodName, None)
            if method is not None:
                method(*[_read(kind, field) for kind, field in zip(types, fields[skip:], strict=False)])

        return handle

    def interpret(self, fields: list[str]) -> None:
        """Decode one message."""
        try:
            handler = self.handlers[int(fields[0])]
            # Kinds decoded by a method of their own look for a listener only after the work.
            if fields[0] not in _PASSED_OVER:
                handler(fields)
        except Exception as error:  # noqa: BLE001 - whatever it raises: something was said that we do not know
            self._tap.put(Unreadable(fields[0] if fields else "", repr(error)))


def market_rule(number: int) -> str:
    """Return the name of the question for a tick ladder."""
    return f"market rule {number}"


_UNSET_ID = 2**31 - 1

_PASSED_OVER = frozenset(
    {"7", "17", "20", "21", "56", "71", "75", "77", "78", "79", "80", "82", "85", "89", "90", "96", "97", "98",
     "106"}
)  # fmt: skip
"""Portfolio, bars, scanners, options, news, ticks of history: nobody here listens."""


class _Zone:
    """What the decoder asks for the zone of execution times."""

    def __init__(self, name: str) -> None:
        self.TimezoneTWS = name


def _read(kind: type, field: str) -> Any:
    if kind is str:
        return field
    return bool(int(field or 0)) if kind is bool else kind(field or 0)


def _echo(contract: Contract, order: Order, status: str, reason: str, *, is_completed: bool = False) -> OrderEcho:
    return OrderEcho(
        order_id=order.orderId,
        client_id=order.clientId,
        perm_id=order.permId,
        reference=order.orderRef,
        account=order.account,
        symbol=contract.symbol,
        con_id=contract.conId,
        side=OrderSide.SELL if order.action.startswith("S") else OrderSide.BUY,
        order_type=order.orderType,
        total=quantity_of(order.totalQuantity),
        limit_price=None if order.orderType in _NO_LIMIT else price_of(order.lmtPrice),
        status=status,
        displayed=quantity_of(order.displaySize) if 0 < order.displaySize < _UNSET_ID else None,
        is_completed=is_completed,
        is_what_if=order.whatIf,
        filled=quantity_of(order.filledQuantity) if is_completed else None,
        reason=reason,
    )
