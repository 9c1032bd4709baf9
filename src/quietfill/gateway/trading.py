"""Orders of all clients: placed, changed, cancelled and filled, and who is told what.

What is said about an order follows captures of the real gateway: openOrder and orderStatus when the venue has it;
for an execution execDetails first, then openOrder and orderStatus, once more with the commission when the order is
complete, and the commission report last. A cancel that was asked for is answered by Cancelled and error 202.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from quietfill.domain.execution_report import ExecutionReport, ReportKind
from quietfill.domain.records import CancelRequested, ChildRequested, ReplaceRequested
from quietfill.domain.types import Liquidity, price_decimal, quantity_decimal
from quietfill.gateway import orders
from quietfill.gateway.account import money
from quietfill.gateway.cursor import Refused
from quietfill.gateway.executions import Filter
from quietfill.gateway.order_terms import invalid, read_terms, rejected
from quietfill.gateway.orders import Execution, Listed, PaperOrder, Terms
from quietfill.gateway.stand_ins import StandIns

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.domain.records import WireRequest
    from quietfill.gateway.cursor import Cursor
    from quietfill.gateway.server import Handler, PaperGateway
    from quietfill.gateway.session import Session
    from quietfill.gateway.stand_in_terms import StandInTerms

_HOURS_IGNORED: Final = (
    "Order Event Warning:Attribute 'Outside Regular Trading Hours' is ignored based on the order type and destination."
    " PlaceOrder is now being processed."
)
_FIRST_PERM_ID: Final = 1_400_000_000
_PERM_IDS_A_SEED: Final = 100_000
_SEEDS: Final = 5_000


class Trading:
    """The gateway's order book-keeping, in front of the venue."""

    def __init__(self, gateway: PaperGateway) -> None:
        self._gateway = gateway
        self._contract = gateway.contract
        self._stand_ins = StandIns(gateway.floor, self.hear)
        self.orders: dict[tuple[int, int], PaperOrder] = {}
        self.all_orders: list[PaperOrder] = []
        self.executions: list[Execution] = []
        self.rolled_back = 0
        """By how much the next valid id is understated: a fault."""
        self._by_child: dict[str, PaperOrder] = {}
        self._highest: dict[int, int] = {}
        self._perm_ids = _FIRST_PERM_ID + gateway.seed % _SEEDS * _PERM_IDS_A_SEED
        self._answers: dict[ReportKind, Callable[[PaperOrder, ExecutionReport], None]] = {
            ReportKind.ACCEPTED: self._accepted,
            ReportKind.REJECTED: self._rejected,
            ReportKind.FILL: self._filled,
            ReportKind.CANCELLED: self._cancelled,
            ReportKind.EXPIRED: self._cancelled,
            ReportKind.REPLACED: self._replaced,
            ReportKind.REPLACE_REJECTED: self._replace_rejected,
            ReportKind.CANCEL_REJECTED: self._cancel_rejected,
        }

    def handlers(self) -> dict[int, Handler]:
        """Return what answers which request."""
        return {
            3: self._place,
            4: self._cancel,
            5: self._open_orders,
            7: self._executions,
            15: self._auto_open,
            16: self._all_open_orders,
            58: self._global_cancel,
            99: self._completed_orders,
        }

    def next_valid_id(self) -> int:
        """Return an id above every id that any client has used, less what a fault rolls it back by."""
        return max(1, max(self._highest.values(), default=0) + 1 - self.rolled_back)

    # ------------------------------------------------------------ requests

    def _place(self, session: Session, cursor: Cursor) -> None:
        number, terms = read_terms(cursor, session.version, self._contract, list(self._gateway.books))
        assert session.client_id is not None, "only clients that have started are heard"
        if terms.what_if:
            self._say_what_if(session, number, terms)
            return
        known = self.orders.get((session.client_id, number))
        if known is not None:
            self.modify(known, terms)
        elif number <= self._highest.get(session.client_id, 0) or number < 0:
            raise Refused(103, "Duplicate order id")
        else:
            self._highest[session.client_id] = number
            self.send(session.client_id, number, terms)
            if terms.fields["outsideRth"] == "1":
                session.error(number, 2109, _HOURS_IGNORED)

    def send(self, client_id: int, number: int, terms: Terms) -> PaperOrder:
        """Put a new order on the way to the venue."""
        order = PaperOrder(
            client_id=client_id,
            order_id=number,
            perm_id=self._next_perm_id(),
            child_id=f"{client_id}/{number}/{len(self.all_orders)}",
            terms=terms,
        )
        self.orders[client_id, number] = self._by_child[order.child_id] = order
        self.all_orders.append(order)
        self._submit(
            order,
            ChildRequested(
                at=self._gateway.floor.now,
                child_id=order.child_id,
                order_id=order.child_id,
                key="",
                symbol=self._contract.instrument.symbol,
                side=terms.side,
                quantity=terms.total,
                limit_price=terms.limit_price,
                time_in_force=terms.time_in_force,
                good_till=terms.good_till,
                why="client",
                account=terms.account,
            ),
        )
        return order

    def _submit(self, order: PaperOrder, request: WireRequest) -> None:
        """Send a request to the venue, or to what stands in for the algo that works the order."""
        stand_in = order.terms.stand_in
        if stand_in is None:
            self._gateway.floor.submit(request)
        elif isinstance(request, ChildRequested):
            self._say_error(order, 399, _warning(order, stand_in, self._contract.symbol))
            self._stand_ins.begin(request, stand_in)
        elif isinstance(request, ReplaceRequested):
            self._stand_ins.change(request)
        else:
            self._stand_ins.cancel(request)

    def modify(self, order: PaperOrder, terms: Terms) -> None:
        """Put new terms of a working order on the way to the venue.

        Raises:
            Refused: when it works no more, is on the way already, or becomes another order.
        """
        if order.status == orders.FILLED:
            raise Refused(104, "Cannot modify a filled order.")
        if order.is_done:
            raise Refused(103, "Duplicate order id")
        if order.asked is not None or order.status == orders.PENDING_SUBMIT:
            raise Refused(2102, "Unable to modify this order as it is still being processed.")
        old = order.terms
        same = (terms.side, terms.account, terms.exchange) == (old.side, old.account, old.exchange)
        if not same or (terms.limit_price is None) != (old.limit_price is None):
            raise Refused(105, "Order being modified does not match original order")
        if (terms.time_in_force, terms.good_till) != (old.time_in_force, old.good_till):
            raise rejected("The paper gateway changes price and size of an order, not its time in force.")
        if terms.algo != old.algo:
            raise rejected("The paper gateway changes price and size of an order, not its algo.")
        order.asked = terms
        order.revision += 1
        self._submit(
            order,
            ReplaceRequested(
                at=self._gateway.floor.now,
                child_id=order.child_id,
                revision=order.revision,
                total=terms.total,
                limit_price=terms.limit_price,
                why="client",
            ),
        )

    def _cancel(self, session: Session, cursor: Cursor) -> None:
        cursor.skip()
        number = cursor.integer()
        assert session.client_id is not None, "only clients that have started are heard"
        order = self.orders.get((session.client_id, number))
        if order is None:
            raise Refused(10147, f"OrderId {number} that needs to be cancelled is not found.")
        if order.is_done:
            raise Refused(10148, _too_late(order))
        self.cancel(order)

    def cancel(self, order: PaperOrder) -> None:
        """Put a cancel on the way to the venue, and say so."""
        order.is_cancelling = True
        self._say_status(order, orders.PENDING_CANCEL)
        self.withdraw(order)

    def withdraw(self, order: PaperOrder) -> None:
        """Put a cancel on the way to the venue and say nothing yet."""
        order.cancels += 1
        at = self._gateway.floor.now
        self._submit(order, CancelRequested(at=at, child_id=order.child_id, attempt=order.cancels, why="client"))

    def _global_cancel(self, _: Session, __: Cursor) -> None:
        for order in self.all_orders:
            if not order.is_done:
                self.cancel(order)

    # ------------------------------------------------------------ lists

    def _open_orders(self, session: Session, _: Cursor) -> None:
        self._list_open(session, [order for order in self.all_orders if order.client_id == session.client_id])

    def _all_open_orders(self, session: Session, _: Cursor) -> None:
        self._list_open(session, self.all_orders)

    def _list_open(self, session: Session, listed: list[PaperOrder]) -> None:
        for order in listed:
            if not order.is_done:
                session.say(5, *order.open_order(self._contract, session.version), about=Listed(order))
                session.say(3, *order.order_status(), about=Listed(order))
        session.say(53, 1)

    def _auto_open(self, session: Session, _: Cursor) -> None:
        if session.client_id != 0:
            raise invalid("only client id 0 may bind the orders that were placed by hand")

    def _completed_orders(self, session: Session, _: Cursor) -> None:
        for order in self.all_orders:
            if order.is_done:
                session.say(101, *order.completed_order(self._contract, session.version), about=Listed(order))
        session.say(102)

    def _executions(self, session: Session, cursor: Cursor) -> None:
        cursor.skip()
        number = cursor.integer()
        wanted = Filter.read(cursor, self._contract)
        for execution in self.executions:
            if wanted.takes(execution):
                fields = execution.details(self._contract, session.version, number)
                session.say(11, *fields, about=Listed(execution))
                session.say(59, *execution.commission_report(self._contract.currency), about=Listed(execution))
        session.say(55, 1, number)

    # ------------------------------------------------------------ what-if

    def _say_what_if(self, session: Session, number: int, terms: Terms) -> None:
        account = self._gateway.books[terms.account]
        price = self._gateway.accounts.price
        limit = None if terms.limit_price is None else price_decimal(terms.limit_price)
        at = price if limit is None else limit * self._contract.instrument.multiplier
        size = quantity_decimal(terms.total)
        before, after = account.margin(price), account.margin(price, more=size * terms.side.sign)
        equity = account.equity(price)
        fee = max(self._gateway.options.taker_fee_bps, Decimal(0)) * size * at / 10_000
        figures = {
            "initMarginBefore": before, "maintMarginBefore": before, "equityWithLoanBefore": equity,
            "initMarginChange": after - before, "maintMarginChange": after - before, "equityWithLoanChange": -fee,
            "initMarginAfter": after, "maintMarginAfter": after, "equityWithLoanAfter": equity - fee,
            "commission": fee,
        }  # fmt: skip
        more = {name: money(figure) for name, figure in figures.items()}
        more |= {"whatIf": "1", "status": "PreSubmitted", "commissionCurrency": self._contract.currency}
        asked = PaperOrder(client_id=session.client_id or 0, order_id=number, perm_id=0, child_id="", terms=terms)
        session.say(5, *asked.open_order(self._contract, session.version, more=more), about=asked)

    # ------------------------------------------------------------ the venue's words

    def hear(self, report: ExecutionReport) -> None:
        """Take one report of the venue, by way of the faults; one about a part of an order goes to what works it."""
        order = self._by_child.get(report.child_id)
        if order is None:
            self._stand_ins.hear(report)
        elif self._gateway.faults.reported(order, report):
            self.take(order, report)

    def take(self, order: PaperOrder, report: ExecutionReport) -> None:
        """Book one report of the venue and tell whom it concerns."""
        self._answers[report.kind](order, report)

    def _accepted(self, order: PaperOrder, _: ExecutionReport) -> None:
        order.status = orders.SUBMITTED
        self.say_order(order)

    def _replaced(self, order: PaperOrder, _: ExecutionReport) -> None:
        assert order.asked is not None, f"{order.child_id} was replaced without being asked"
        order.terms, order.asked = order.asked, None
        self.say_order(order)

    def _replace_rejected(self, order: PaperOrder, report: ExecutionReport) -> None:
        order.asked = None
        if report.reason.endswith("filled"):
            self._say_error(order, 104, "Cannot modify a filled order.")
        else:
            self._say_error(order, 201, f"Order rejected - reason:{report.reason}")

    def _cancel_rejected(self, order: PaperOrder, _: ExecutionReport) -> None:
        order.is_cancelling = False
        self._say_error(order, 10148, _too_late(order))

    def _rejected(self, order: PaperOrder, report: ExecutionReport) -> None:
        self.reject(order, report.reason)

    def reject(self, order: PaperOrder, reason: str) -> None:
        """End an order as rejected, and say so."""
        self._end(order, orders.INACTIVE, f"Rejected: {reason}")
        self._say_error(order, 201, f"Order rejected - reason:{reason}")
        self.say_order(order)

    def _cancelled(self, order: PaperOrder, report: ExecutionReport) -> None:
        order.asked = None
        self._end(order, orders.CANCELLED, "Cancelled by Trader" if order.is_cancelling else report.reason)
        self._say_status(order)
        self._say_error(order, 202, f"Order Canceled - reason:{'' if order.is_cancelling else report.reason}")

    def _filled(self, order: PaperOrder, report: ExecutionReport) -> None:
        execution = self._book(order, report)
        self.executions.append(execution)
        for session in self._gateway.audience(order.client_id):
            session.say(11, *execution.details(self._contract, session.version, -1), about=execution)
        self.say_order(order)
        if order.status == orders.FILLED:
            self.say_order(order, commission=order.commission)
        for session in self._gateway.audience(order.client_id):
            session.say(59, *execution.commission_report(self._contract.currency), about=execution)
        self._gateway.accounts.changed()
        self._gateway.market.traded(execution)

    def _book(self, order: PaperOrder, report: ExecutionReport) -> Execution:
        fill = report.fill
        assert fill is not None, "a fill report carries its fill"
        order.filled += fill.quantity
        order.value += fill.quantity * fill.price
        order.last_price = fill.price
        if report.cumulative == report.total:  # the venue's own words: new terms may be on their way
            size = quantity_decimal(order.filled)
            self._end(order, orders.FILLED, f"Filled Size: {size:f}")
        commission = orders.rounded(price_decimal(fill.commission or 0))
        order.commission += commission
        price = price_decimal(fill.price) * self._contract.instrument.multiplier
        account = self._gateway.books[order.terms.account]
        realized = account.book(order.terms.side, quantity_decimal(fill.quantity), price, commission)
        number = len(self.executions) + 1
        execution = Execution(
            exec_id=f"{order.perm_id:08x}.{self._contract.con_id:08x}.{number:02d}.01",
            order=order,
            at=fill.exchange_time,
            quantity=fill.quantity,
            price=fill.price,
            cumulative=order.filled,
            average=order.average,
            commission=commission,
            realized=realized,
            liquidity=1 if fill.liquidity is Liquidity.PASSIVE else 2,
        )
        order.executions.append(execution)
        return execution

    # ------------------------------------------------------------ words

    def say_order(self, order: PaperOrder, *, commission: Decimal | None = None) -> None:
        """Say openOrder and orderStatus to whom the order concerns."""
        for session in self._gateway.audience(order.client_id):
            fields = order.open_order(self._contract, session.version, commission=commission)
            session.say(5, *fields, about=order)
            session.say(3, *order.order_status(), about=order)

    def _say_status(self, order: PaperOrder, status: str | None = None) -> None:
        for session in self._gateway.audience(order.client_id):
            session.say(3, *order.order_status(status), about=order)

    def _say_error(self, order: PaperOrder, code: int, words: str) -> None:
        session = self._gateway.client(order.client_id)
        if session is not None:
            session.error(order.order_id, code, words, about=order)

    def _end(self, order: PaperOrder, status: str, ending: str) -> None:
        order.status, order.ending, order.ended_at = status, ending, self._gateway.floor.now

    def _next_perm_id(self) -> int:
        self._perm_ids += 1
        return self._perm_ids


def _warning(order: PaperOrder, stand_in: StandInTerms, symbol: str) -> str:
    size = quantity_decimal(order.terms.total)
    return f"Order Message:\n{order.terms.fields['action']} {size:f} {symbol}\nWarning: {stand_in.sentence}"


def _too_late(order: PaperOrder) -> str:
    return f"OrderId {order.order_id} that needs to be cancelled cannot be cancelled, state: {order.status}."
