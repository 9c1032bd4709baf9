"""Faults in how orders, changes and cancels are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from quietfill.domain.execution_report import ExecutionReport, ReportKind
from quietfill.gateway.cursor import Cursor, Refused
from quietfill.gateway.faults.base import AFTER, CANCEL, HOW_LONG, PLACE, TIMES, Fault, Setting, register, settings
from quietfill.gateway.order_terms import read_terms
from quietfill.gateway.orders import CANCELLED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from quietfill.gateway.orders import PaperOrder, Terms
    from quietfill.gateway.server import PaperGateway
    from quietfill.gateway.session import Session
    from quietfill.gateway.wire import Message

_REFUSALS: Final = {
    "10147": "OrderId {} that needs to be cancelled is not found.",
    "10148": "OrderId {} that needs to be cancelled cannot be cancelled, state: PendingCancel.",
    "161": "Cancel attempted when order is not in a cancellable state.  Order permId = {}",
}
_NOTICES: Final = {
    "10349": "Order TIF was set to DAY based on order preset.",
    "399": "Order Message: your order will not be placed at the exchange until the market opens",
    "404": "Shares for this order are not immediately available for short sale. The order will be held while we "
    "attempt to locate the shares.",
    "2109": "Order Event Warning:Attribute 'Outside Regular Trading Hours' is ignored based on the order type and "
    "destination. PlaceOrder is now being processed.",
}


class OrderFault(Fault):
    """A fault that is about orders of clients."""

    def known(self, session: Session, number: str) -> PaperOrder | None:
        """Return the order that a client means by a number."""
        if session.client_id is None or not number.lstrip("-").isdigit():
            return None
        return self.gateway.trading.orders.get((session.client_id, int(number)))

    def new_order(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Say whether a request is a new order."""
        return kind == PLACE and bool(fields) and self.known(session, fields[0]) is None

    def change(self, session: Session, kind: int, fields: list[str]) -> PaperOrder | None:
        """Return the working order that a request changes, None when it does not."""
        order = self.known(session, fields[0]) if kind == PLACE and fields else None
        return None if order is None or order.is_done else order

    def cancel(self, session: Session, kind: int, fields: list[str]) -> PaperOrder | None:
        """Return the working order that a request cancels, None when it does not."""
        order = self.known(session, fields[1]) if kind == CANCEL and len(fields) > 1 else None
        return None if order is None or order.is_done else order

    def terms(self, session: Session, fields: list[str]) -> Terms | None:
        """Return what a placeOrder request asks for, None when it would be refused."""
        try:
            accounts = list(self.gateway.books)
            return read_terms(Cursor(fields), session.version, self.gateway.contract, accounts)[1]
        except Refused:
            return None


@register
class OrderSilent(OrderFault):
    """An order disappears."""

    name = "order-silent"
    rules = (9,)
    what = "swallows new orders: the venue never has them, and nothing is ever said"
    trap = "the order is pending for ever, or taken for rejected although nobody said so"
    settings = settings(times=TIMES, after=AFTER, lasts=HOW_LONG)

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Swallow."""
        return self.new_order(session, kind, fields) and self.strikes()


@register
class DuplicateId(OrderFault):
    """A fresh id is said to be used."""

    name = "duplicate-id"
    rules = (4, 9)
    what = "refuses a new order with error 103 although its id is new"
    trap = "the order is sent again blindly; or its siblings under that id are believed rejected"
    settings = settings(times=Setting("1", "how often"), after=AFTER)

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Refuse."""
        if not self.new_order(session, kind, fields) or not self.strikes():
            return False
        session.error(int(fields[0]), 103, "Duplicate order id")
        return True


@register
class Reject(OrderFault):
    """Every new order is refused."""

    name = "reject"
    rules = (8, 18)
    what = "rejects new orders with error 201 for want of margin"
    trap = "the agent goes on sending until its pacing or order-efficiency budget is gone"
    settings = settings(times=TIMES, after=AFTER, lasts=HOW_LONG)

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Reject."""
        if not self.new_order(session, kind, fields) or not self.strikes():
            return False
        words = "YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY MUST EXCEED THE MARGIN"
        session.error(int(fields[0]), 201, f"Order rejected - reason:{words}")
        return True


@register
class RejectAfterAck(OrderFault):
    """An order is rejected after it was acknowledged."""

    name = "reject-after-ack"
    rules = (7, 8)
    what = "acknowledges an order as Submitted, takes it back some time later, and says 201 and Inactive"
    trap = "an acknowledged order is believed to work"
    settings = settings(seconds=Setting("1", "between the two"), times=Setting("1", "how often"), after=AFTER)

    def __init__(self, gateway: PaperGateway, values: Mapping[str, str]) -> None:
        super().__init__(gateway, values)
        self._doomed: set[str] = set()

    def reported(self, order: PaperOrder, report: ExecutionReport) -> bool:
        """Plan the rejection; turn the venue's word on it into one."""
        if report.kind is ReportKind.ACCEPTED and self.strikes():
            self._doomed.add(order.child_id)
            self.gateway.floor.after(self.seconds("seconds"), lambda: self._take_back(order))
        elif report.kind is ReportKind.CANCELLED and order.child_id in self._doomed and not order.is_cancelling:
            self.gateway.trading.reject(order, "Order held by the exchange was refused")
            return False
        return True

    def _take_back(self, order: PaperOrder) -> None:
        if not order.is_done:
            self.gateway.trading.withdraw(order)


@register
class BrokerCancels(OrderFault):
    """An order is cancelled that nobody cancelled."""

    name = "broker-cancels"
    rules = (7, 8)
    what = "cancels a working order by itself: Cancelled, and 202 with a reason"
    trap = "202 is taken for the answer to one's own cancel"
    settings = settings(
        seconds=Setting("1", "after the acknowledgement"),
        times=Setting("1", "how often"),
        after=AFTER,
    )

    def reported(self, order: PaperOrder, report: ExecutionReport) -> bool:
        """Plan the cancel."""
        if report.kind is ReportKind.ACCEPTED and self.strikes():
            self.gateway.floor.after(self.seconds("seconds"), lambda: self._cancel(order))
        return True

    def _cancel(self, order: PaperOrder) -> None:
        if not order.is_done:
            self.gateway.trading.withdraw(order)


@register
class CancelRefused(OrderFault):
    """A cancel is refused."""

    name = "cancel-refused"
    rules = (8, 10)
    what = "answers a cancel with an error; the order works on, or ends all the same"
    trap = "the code is taken for the end of the order, or for proof that it lives"
    settings = settings(
        code=Setting("10148", f"which: {', '.join(_REFUSALS)}", tuple(_REFUSALS)),
        order=Setting("works", "what becomes of the order", ("works", "ends")),
        times=TIMES,
        after=AFTER,
    )

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Refuse."""
        order = self.cancel(session, kind, fields)
        if order is None or not self.strikes():
            return False
        code = self.word("code")
        session.error(order.order_id, int(code), _REFUSALS[code].format(fields[1]))
        if self.word("order") == "ends":
            order.is_cancelling = True
            self.gateway.trading.withdraw(order)
        return True


@register
class CancelSilent(OrderFault):
    """A cancel disappears."""

    name = "cancel-silent"
    rules = (9, 10)
    what = "swallows cancels"
    trap = "the order is pending cancel for ever, or believed cancelled"
    settings = settings(times=TIMES, after=AFTER, lasts=HOW_LONG)

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Swallow."""
        return self.cancel(session, kind, fields) is not None and self.strikes()


@register
class FillAfterCancel(OrderFault):
    """A cancel is confirmed too early."""

    name = "fill-after-cancel"
    rules = (5, 7, 10)
    what = (
        "confirms a cancel at once (Cancelled and 202) while the order works on for a while: what trades then is told"
    )
    trap = "fills of a cancelled order are dropped"
    settings = settings(seconds=Setting("30", "that it works on"), times=TIMES, after=AFTER)

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Confirm now, cancel later."""
        order = self.cancel(session, kind, fields)
        if order is None or not self.strikes():
            return False
        session.say(3, *order.order_status(CANCELLED), about=order)
        session.error(order.order_id, 202, "Order Canceled - reason:", about=order)
        self.gateway.floor.after(self.seconds("seconds"), lambda: self._end(order))
        return True

    def _end(self, order: PaperOrder) -> None:
        if not order.is_done:
            order.is_cancelling = True
            self.gateway.trading.withdraw(order)


@register
class ModifyRefused(OrderFault):
    """A change is refused."""

    name = "modify-refused"
    rules = (8, 11)
    what = "refuses a change with error 201; the order works on under its old terms"
    trap = "the order is taken for rejected, and the refused terms for its own"
    settings = settings(times=TIMES, after=AFTER)

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Refuse."""
        order = self.change(session, kind, fields)
        if order is None or not self.strikes():
            return False
        session.error(order.order_id, 201, "Order rejected - reason:The order cannot be changed now.")
        return True


@register
class ModifyDoubles(OrderFault):
    """A change becomes a second order."""

    name = "modify-doubles"
    rules = (3, 11)
    what = "answers a change with a second order under the same id and reference and a new permanent id; both are live"
    trap = "the order is filled twice"
    settings = settings(times=Setting("1", "how often"), after=AFTER)

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Send a copy."""
        order = self.change(session, kind, fields)
        terms = self.terms(session, fields) if order is not None else None
        if order is None or terms is None or not self.strikes():
            return False
        self.gateway.trading.send(order.client_id, order.order_id, terms)
        return True


@register
class Notice(OrderFault):
    """A message about a live order that is no error."""

    name = "notice"
    rules = (8,)
    what = "sends an error message about an order that goes on working"
    trap = "every error that names an order is taken for its end"
    settings = settings(code=Setting("10349", "any code; known to be harmless: 10349, 399, 404, 2109"), times=TIMES)

    def reported(self, order: PaperOrder, report: ExecutionReport) -> bool:
        """Say it just before the acknowledgement."""
        session = self.gateway.client(order.client_id)
        if report.kind is ReportKind.ACCEPTED and session is not None and self.strikes():
            code = str(int(self.number("code")))
            session.error(order.order_id, int(code), _NOTICES.get(code, "A message that no table knows."))
        return True


@register
class CoarseGrid(OrderFault):
    """Prices step more coarsely than the smallest step."""

    name = "coarse-grid"
    rules = (18,)
    what = "gives the contract a market rule with a coarser step than its minTick, and refuses other prices with 110"
    trap = "prices are rounded by minTick and refused"
    settings = settings(
        step=Setting("0.05", "of prices"),
        tells=Setting("yes", "whether the market rule says so", ("yes", "no")),
        after=AFTER,
    )

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Say the coarser rule."""
        if message.kind == _MARKET_RULE and self.is_on and self.word("tells") == "yes":
            return (message._replace(fields=(message.fields[0], "1", "0", self.word("step"))),)
        return (message,)

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Refuse prices between the steps."""
        terms = self.terms(session, fields) if kind == PLACE else None
        price = None if terms is None else terms.limit_price
        step = self.gateway.contract.price_of(self.number("step"))
        if not self.is_on or price is None or not step or price % step == 0:
            return False
        words = "The price does not conform to the minimum price variation for this contract."
        session.error(int(fields[0]), 110, words)
        return True


_MARKET_RULE: Final = 93
