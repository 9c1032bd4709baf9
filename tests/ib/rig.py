"""The ears of the Interactive Brokers edge, spoken to by hand through the very callbacks that ib_async calls."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ib_async.contract import Contract
from ib_async.objects import CommissionReport, Execution
from ib_async.order import Order, OrderState

from quietfill.brokers.ib.children import Children, IBChild
from quietfill.brokers.ib.hearing import Hearing
from quietfill.brokers.ib.native import Limit, Market
from quietfill.brokers.ib.orders import Placement
from quietfill.brokers.ib.raw import CommissionSeen, ErrorSeen, ExecutionSeen, OrderEcho, StatusSeen
from quietfill.brokers.ib.tap import Tap
from quietfill.brokers.ib.wants import Wants
from quietfill.brokers.lanes import Terms
from quietfill.domain.types import SECOND, OrderSide, TimeInForce, price_from, quantity_from

if TYPE_CHECKING:
    from quietfill.brokers.ib.raw import Raw
    from quietfill.domain.execution_report import ExecutionReport, ReportKind

NOON = 1_700_000_000 * SECOND
CLIENT = 7
STOCK = Contract(secType="STK", conId=265598, symbol="AAPL", exchange="SMART", currency="USD")


class DirectTap(Tap):
    """A tap without a loop: each message is heard as it comes."""

    def put(self, raw: Raw) -> None:
        """Hear it now."""
        self._hear(raw)


class Ears:
    """Hearing with everything it wants written down, and time moved by hand."""

    def __init__(self) -> None:
        self.now = NOON
        self.reports: list[ExecutionReport] = []
        self.asked: list[str] = []
        self.again: list[str] = []
        self.cancelled: list[str] = []
        self.notices: list[str] = []
        self.alarms: list[tuple[int, Any]] = []
        self.children = Children(CLIENT, "DU1")
        wants = Wants(
            report=self.reports.append,
            ask=lambda child_id, _why: self.asked.append(child_id),
            place_again=lambda child: self.again.append(child.child_id),
            cancel=lambda child: self.cancelled.append(child.child_id),
            call_at=lambda when, callback: self.alarms.append((when, callback)),
            notice=lambda _subject, text: self.notices.append(text),
        )
        self.hearing = Hearing(self.children, lambda: self.now, wants)
        self.tap: Tap = DirectTap(self._hear, lambda: None)

    def _hear(self, raw: Raw) -> None:
        match raw:
            case OrderEcho():
                self.hearing.echo(raw)
            case StatusSeen():
                self.hearing.status(raw)
            case ExecutionSeen():
                self.hearing.execution(raw)
            case CommissionSeen():
                self.hearing.commission(raw)
            case ErrorSeen():
                self.hearing.code(raw)
            case _:
                raise AssertionError(raw)

    # What we did

    def placed(
        self,
        child_id: str = "p1-1",
        order_id: int = 5,
        quantity: int = 100,
        price: str | None = "10.00",
        *,
        good_till: int | None = None,
        time_in_force: TimeInForce = TimeInForce.DAY,
    ) -> IBChild:
        """Have a buy order on the wire."""
        style = Market() if price is None else Limit(price=price_from(Decimal(price)))
        placement = Placement(
            reference=child_id,
            account="DU1",
            side=OrderSide.BUY,
            total=quantity_from(quantity),
            style=style,
            good_till=good_till,
            time_in_force=time_in_force,
        )
        child = IBChild("AAPL", placement)
        self.children.open(child)
        self.children.number(child, order_id)
        child.is_sent = True
        return child

    def wants(self, child: IBChild, quantity: int, price: str, revision: int = 1) -> None:
        """Have a modification on the wire."""
        child.wanted = Terms(revision, quantity_from(quantity), price_from(Decimal(price)))
        child.wanted_at = self.now

    # What the gateway says

    def echo(
        self,
        status: str = "Submitted",
        *,
        reference: str = "p1-1",
        order_id: int = 5,
        perm_id: int = 900,
        quantity: int = 100,
        price: str = "10.00",
        client: int = CLIENT,
        kind: str = "LMT",
    ) -> None:
        """Echo an open order."""
        order = Order(
            orderId=order_id, clientId=client, permId=perm_id, action="BUY", totalQuantity=quantity, orderType=kind,
            lmtPrice=float(price), orderRef=reference, account="DU1",
        )  # fmt: skip
        self.tap.openOrder(order_id, STOCK, order, OrderState(status=status))

    def completed(
        self, status: str = "Cancelled", *, reference: str = "p1-1", perm_id: int = 900, filled: float = 0
    ) -> None:
        """List a completed order."""
        order = Order(permId=perm_id, action="BUY", totalQuantity=0, orderType="LMT", lmtPrice=10.0,
                      orderRef=reference, filledQuantity=filled)  # fmt: skip
        self.tap.completedOrder(STOCK, order, OrderState(status=status, completedStatus="Cancelled by Trader"))

    def status(
        self,
        status: str = "Submitted",
        filled: float = 0,
        remaining: float = 100,
        *,
        order_id: int = 5,
        perm_id: int = 900,
        held: str = "",
        client: int = CLIENT,
    ) -> None:
        """Say an order's status."""
        self.tap.orderStatus(order_id, status, filled, remaining, 0.0, perm_id, 0, 0.0, client, held, 0.0)

    def execution(
        self,
        execution_id: str = "a.b.c.01",
        quantity: float = 100,
        price: float = 10.0,
        *,
        cumulative: float | None = None,
        reference: str = "p1-1",
        order_id: int = 5,
        perm_id: int = 900,
        client: int = CLIENT,
        request: int = -1,
        side: str = "BOT",
    ) -> None:
        """Tell of an execution."""
        execution = Execution(
            execId=execution_id, time=datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC), acctNumber="DU1",
            exchange="ISLAND", side=side, shares=quantity, price=price, permId=perm_id, clientId=client,
            orderId=order_id, cumQty=quantity if cumulative is None else cumulative, orderRef=reference,
            lastLiquidity=2,
        )  # fmt: skip
        self.tap.execDetails(request, STOCK, execution)

    def commission(self, execution_id: str = "a.b.c.01", amount: float = 1.25) -> None:
        """Tell what an execution cost."""
        self.tap.commissionReport(CommissionReport(execution_id, amount, "USD"))

    def code(self, number: int, text: str = "because", subject: int = 5) -> None:
        """Say a code."""
        self.tap.error(subject, number, text, "")

    def wait(self, seconds: float) -> None:
        """Let time pass; what was to be done then is done."""
        self.now += round(seconds * SECOND)
        due = [callback for when, callback in self.alarms if when <= self.now]
        self.alarms = [item for item in self.alarms if item[0] > self.now]
        for callback in due:
            callback()

    # What came of it

    @property
    def kinds(self) -> list[ReportKind]:
        """The kinds of all reports, in order."""
        return [report.kind for report in self.reports]

    def fills(self) -> dict[str, tuple[int, int, int, int | None]]:
        """Return the last word on each execution: revision, quantity, price, commission."""
        return {
            report.fill.execution_id: (
                report.fill.revision, report.fill.quantity, report.fill.price, report.fill.commission
            )
            for report in self.reports
            if report.fill is not None
        }  # fmt: skip
