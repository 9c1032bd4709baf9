"""From requests to the wire: what is checked, in which order it leaves, and what is said when it does not leave.

A placement waits in the outbox without an id; it gets one in the step that writes it, so that ids leave in rising
order, and in that same step a kill is looked for once more. Whatever never leaves is reported as refused, with the
reason: it is known not to be at the broker. One modification of an order is on its way at a time.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import structlog

from quietfill.brokers.ib.children import IBChild
from quietfill.brokers.ib.contracts import ContractSpec
from quietfill.brokers.ib.orders import Placement, placement_of, reference_problem, wire_order
from quietfill.brokers.ib.pacing import Urgency, Waiting
from quietfill.brokers.lanes import Terms
from quietfill.domain.errors import BrokerError
from quietfill.domain.execution_report import ExecutionReport, ReportKind
from quietfill.domain.records import CancelRequested, ChildRequested, ReplaceRequested

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from quietfill.brokers.ib.children import Children
    from quietfill.brokers.ib.contracts import Contracts, Resolved
    from quietfill.brokers.ib.ids import OrderIds
    from quietfill.brokers.ib.pacing import Outbox
    from quietfill.domain.records import WireRequest
    from quietfill.domain.types import OrderSide, Price, Quantity, Timestamp

_log = structlog.get_logger(__name__)


class Wire:
    """What sending needs of the session.

    Args:
        send: writes one request of ib_async's client.
        barred: says why nothing that adds risk may leave, "" while it may.
        grid_problem: says why no priced order of a symbol may leave, None when nothing is known against it.
        push: looks at the outbox in this turn of the loop or the next.
        start: runs something beside.
        now: the time.
        report: tells an execution report.
        ask: asks the broker about a child, for a reason.
    """

    __slots__ = ("ask", "barred", "grid_problem", "now", "push", "report", "send", "start")

    def __init__(
        self,
        *,
        send: Callable[..., None],
        barred: Callable[[], str],
        grid_problem: Callable[[str], str | None],
        push: Callable[[], None],
        start: Callable[[Coroutine[Any, Any, None]], None],
        now: Callable[[], Timestamp],
        report: Callable[[ExecutionReport], None],
        ask: Callable[[str, str], None],
    ) -> None:
        self.send = send
        self.barred = barred
        self.grid_problem = grid_problem
        self.push = push
        self.start = start
        self.now = now
        self.report = report
        self.ask = ask


class Sending:
    """Puts requests on the wire."""

    def __init__(
        self,
        children: Children,
        contracts: Contracts,
        outbox: Outbox,
        ids: OrderIds,
        wire: Wire,
        working_per_side: int,
    ) -> None:
        """Send nothing yet."""
        self._children = children
        self._contracts = contracts
        self._outbox = outbox
        self._ids = ids
        self._wire = wire
        self._working_per_side = working_per_side
        self._sides: dict[tuple[str, OrderSide, str], set[IBChild]] = {}
        self.messages = 0
        """Orders, modifications and cancels that left."""

    def submit(self, request: WireRequest) -> None:
        """Start one request. What comes of it is reported, never from inside this call."""
        if isinstance(request, ChildRequested):
            self._submit_once(request)
            return
        child = self._children.get(request.child_id)
        assert child is not None, f"{request.child_id} was never placed"
        if isinstance(request, CancelRequested):
            self.cancel(child)
        else:
            self._replace(child, request)

    # Placements

    def _submit_once(self, request: ChildRequested) -> None:
        """Place a child, unless that was done: under one reference two orders could not be told apart."""
        if self._children.was_opened(request.child_id):
            _log.critical("submitted twice, and placed once", child=request.child_id)
            self._wire.ask(request.child_id, "it was submitted twice")
        else:
            self.place(request.symbol, placement_of(request, self._children.account))

    def place(self, symbol: str, placement: Placement) -> IBChild:
        """Place an order, as soon as its contract is known."""
        child = IBChild(symbol, placement)
        self._children.open(child)
        problem = reference_problem(placement.reference)
        if problem is not None:
            self._not_sent(child, problem)
        elif self._contracts.known(symbol) is not None:
            self._queue(child)
        else:
            self._wire.start(self._look_up(child))
        return child

    def place_again(self, child: IBChild) -> None:
        """Place a child under another id, which the broker has never heard of under its first."""
        child.was_renumbered, child.is_sent = True, False
        self._queue(child)

    async def _look_up(self, child: IBChild) -> None:
        try:
            await self.contract(child.symbol)
        except (BrokerError, TimeoutError) as error:
            self._refuse(child, f"not sent: {str(error) or 'the contract was not answered'}")
        else:
            if child.end is None:
                self._queue(child)

    async def contract(self, symbol: str) -> Resolved:
        """Return the contract of a symbol of the instrument table, or of a bare ticker that only one matches.

        Raises:
            BrokerError: when it is none or several, or the gateway does not say.
        """
        books = self._children.books
        instrument = None if books is None else books.instruments.get(symbol)
        spec = ContractSpec(symbol=symbol) if instrument is None else ContractSpec.of(instrument)
        return await self._contracts.resolve(symbol, spec)

    def _queue(self, child: IBChild) -> None:
        problem = self._problem(child)
        if problem is not None:
            self._not_sent(child, problem)
            return
        self._working(child).add(child)
        self._outbox.put(
            Waiting(Urgency.PLACE, child.child_id, partial(self._write_order, child), partial(self._not_sent, child))
        )
        self._wire.push()

    def _problem(self, child: IBChild) -> str | None:
        """Return why an order would be wrong, None when nothing is known against it."""
        resolved, price = self._contracts.known(child.symbol), child.placement.limit_price
        if barred := self._wire.barred():
            return barred
        if resolved is not None and price is not None and not resolved.is_on_grid(price):
            return f"{child.symbol} has no such price at its exchange: register the instrument with the broker's ladder"
        if price is not None and (doubt := self._wire.grid_problem(child.symbol)) is not None:
            return doubt
        if len(self._working(child)) >= self._working_per_side:
            return f"{self._working_per_side} orders work on that side of {child.symbol}: the broker takes no more"
        return None

    def _working(self, child: IBChild) -> set[IBChild]:
        """Return the others that may work on the same side of the same contract for the same account."""
        place = child.placement
        key = child.symbol, place.side, place.account
        if key not in self._sides:
            self._sides[key] = self._children.living(*key)
        side = self._sides[key]
        side -= {other for other in side if other.end is not None or other is child}
        return side

    def _write_order(self, child: IBChild) -> None:
        """Write an order in the step that looks for a kill once more."""
        resolved = self._contracts.known(child.symbol)
        assert resolved is not None, "an order is queued when its contract is known"
        if self._is_barred(child):
            self._not_sent(child, "kill switch")
            return
        order_id = self._ids.take()
        self._children.number(child, order_id)
        child.is_sent = True
        self._write("placeOrder", order_id, resolved.contract, wire_order(child.placement))

    def _is_barred(self, child: IBChild) -> bool:
        books = self._children.books
        if books is None or child.child_id not in books.children:
            return False
        return books.bars(books.parent_of(child.child_id))

    # Modifications

    def _replace(self, child: IBChild, request: ReplaceRequested) -> None:
        problem = self._replace_problem(child)
        if problem is not None:
            self._later(self._replace_refused, child, request.revision, problem)
            return
        self.modify(child, Terms(request.revision, request.total, request.limit_price))

    def change(self, child: IBChild, total: Quantity, limit_price: Price | None) -> bool:
        """Ask for other terms of a working order; False when that cannot be asked now."""
        if self._replace_problem(child) is not None:
            return False
        self.modify(child, Terms(child.terms.revision + 1, total, limit_price))
        return True

    def modify(self, child: IBChild, wanted: Terms) -> None:
        """Ask for other terms of a working order."""
        child.wanted, child.wanted_at = wanted, self._wire.now()
        self._outbox.put(
            Waiting(
                Urgency.MODIFY,
                child.child_id,
                partial(self._write_terms, child, wanted),
                partial(self._terms_not_sent, child, wanted),
            )
        )
        self._wire.push()

    def _replace_problem(self, child: IBChild) -> str | None:
        checks = (
            (child.end is not None, "it is over"),
            (not child.is_shown or child.order_id is None, "the broker has not shown it yet"),
            (child.wanted is not None, "another modification of it is on its way"),
            (child.client_id is not None, _not_ours(child)),
            (len(child.live_perms) > 1, "it lives more than once at the broker"),
            (self._wire.barred(), self._wire.barred()),
            (self._wire.grid_problem(child.symbol), self._wire.grid_problem(child.symbol) or ""),
        )
        return next((text for holds, text in checks if holds), None)

    def _write_terms(self, child: IBChild, wanted: Terms) -> None:
        resolved = self._contracts.known(child.symbol)
        if resolved is None:  # placed by an earlier run: its contract is looked up first
            self._wire.start(self._look_up_for_terms(child, wanted))
            return
        if self._is_barred(child) or child.end is not None:
            self._terms_not_sent(child, wanted, "kill switch" if child.end is None else "it is over")
            return
        child.placement = child.placement.with_terms(wanted.total, wanted.limit_price)
        child.wanted_at = self._wire.now()
        self._write("placeOrder", child.order_id, resolved.contract, wire_order(child.placement))

    async def _look_up_for_terms(self, child: IBChild, wanted: Terms) -> None:
        try:
            await self.contract(child.symbol)
        except (BrokerError, TimeoutError) as error:
            self._terms_not_sent(child, wanted, str(error) or "the contract was not answered")
        else:
            self.modify(child, wanted)

    # Cancels

    def cancel(self, child: IBChild) -> None:
        """Ask for a cancel. What has not left is withdrawn instead; it can trade no more, and that is certain."""
        withdrawn = self._outbox.withdraw(child.child_id, "cancelled before it was sent")
        if Urgency.PLACE in withdrawn:
            return
        if child.end is not None:
            self._wire.ask(child.child_id, "a cancel of what should be over")
        elif not child.is_sent:
            self._not_sent(child, "cancelled before it was sent")  # its contract is still being looked up
        elif child.client_id is not None:
            self._later(self._say, child, ReportKind.CANCEL_REJECTED, _not_ours(child))
        elif child.order_id is None:
            self._later(self._say, child, ReportKind.CANCEL_REJECTED, "its id at the broker is not known")
            self._wire.ask(child.child_id, "its id is not known")
        else:
            child.cancel_sent, child.note = True, ""  # what was said before is no reason of the end that this brings
            self._outbox.put(Waiting(Urgency.CANCEL, child.child_id, partial(self._write_cancel, child), _nothing))
            self._wire.push()

    def _write_cancel(self, child: IBChild) -> None:
        self._write("cancelOrder", child.order_id)

    # Common

    def _write(self, request: str, *arguments: object) -> None:
        self.messages += 1
        self._wire.send(request, *arguments)

    def _not_sent(self, child: IBChild, why: str) -> None:
        child.end = ReportKind.REJECTED
        self._later(self._say, child, ReportKind.REJECTED, f"not sent: {why}")

    def _refuse(self, child: IBChild, why: str) -> None:
        if child.end is None:
            child.end = ReportKind.REJECTED
            self._say(child, ReportKind.REJECTED, why)

    def _terms_not_sent(self, child: IBChild, wanted: Terms, why: str) -> None:
        if child.wanted is wanted:
            child.wanted = None
        self._later(self._replace_refused, child, wanted.revision, f"not sent: {why}")

    def _replace_refused(self, child: IBChild, revision: int, why: str) -> None:
        self._say(child, ReportKind.REPLACE_REJECTED, why, revision)

    def _say(self, child: IBChild, kind: ReportKind, reason: str, revision: int | None = None) -> None:
        self._wire.report(
            ExecutionReport(
                child_id=child.child_id,
                kind=kind,
                exchange_time=self._wire.now(),
                broker_order_id=child.order_id,
                revision=child.terms.revision if revision is None else revision,
                total=child.terms.total,
                limit_price=child.terms.limit_price,
                reason=reason,
            )
        )

    @staticmethod
    def _later(say: Callable[..., None], *arguments: object) -> None:
        asyncio.get_running_loop().call_soon(partial(say, *arguments))


def _not_ours(child: IBChild) -> str:
    return f"it lives under client id {child.client_id}, and only that one can touch it: start with it"


def _nothing(_why: str) -> None:
    """A cancel that could not leave is asked for again, by whoever finds its order alive."""
