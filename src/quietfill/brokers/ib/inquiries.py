"""What is done when only the broker can say what became of an order: one reconciliation, whose answers are evidence.

Whatever the gateway lists is heard like everything else and reported as it is heard. What it does not list, although
every question was answered, is put in doubt: absence ends nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from quietfill.brokers.ib.hearing import CANCELLED
from quietfill.brokers.ib.survey import HOLDINGS
from quietfill.domain.errors import BrokerError
from quietfill.domain.execution_report import ExecutionReport, ReportKind
from quietfill.domain.messages import BrokerOrder, BrokerSnapshot, Holding
from quietfill.domain.order_state import OrderState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from quietfill.brokers.ib.children import Children, IBChild
    from quietfill.brokers.ib.hearing import Hearing
    from quietfill.brokers.ib.raw import OrderEcho
    from quietfill.brokers.ib.survey import Survey
    from quietfill.domain.types import Quantity, Timestamp

_log = structlog.get_logger(__name__)

_ENDS = {
    ReportKind.CANCELLED: OrderState.CANCELLED,
    ReportKind.EXPIRED: OrderState.EXPIRED,
    ReportKind.REJECTED: OrderState.REJECTED,
}


class Inquiries:
    """Questions about single children, asked together.

    Args:
        survey: asks the gateway everything.
        looked_up: returns the symbols of the contracts that were looked up, by number.
        place_again: places a child under a new id.
        start: runs something beside.
    """

    def __init__(
        self,
        children: Children,
        hearing: Hearing,
        *,
        survey: Callable[[], Awaitable[Survey]],
        looked_up: Callable[[], dict[int, str]],
        place_again: Callable[[IBChild], None],
        report: Callable[[ExecutionReport], None],
        now: Callable[[], Timestamp],
        start: Callable[[Awaitable[None]], None],
    ) -> None:
        """Ask nothing yet."""
        self._children = children
        self._hearing = hearing
        self._survey = survey
        self._looked_up = looked_up
        self._place_again = place_again
        self._report = report
        self._now = now
        self._start = start
        self._asked: dict[str, str] = {}
        self._to_place: set[str] = set()
        self._is_asking = False

    def ask(self, child_id: str, why: str) -> None:
        """Ask about a child; together with others that are asked about now."""
        _log.info("asking the broker", child=child_id, why=why)
        self._asked[child_id] = why
        if not self._is_asking:
            self._is_asking = True
            self._start(self._find_out())

    def place_again(self, child: IBChild) -> None:
        """Place a child again, if the broker has never heard of it."""
        self._to_place.add(child.child_id)
        self.ask(child.child_id, "its order id was used before")

    async def _find_out(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked, {}
                to_place, self._to_place = self._to_place, set()
                survey = await self._survey()
                self._conclude(asked, to_place, survey)
        except BrokerError as error:
            _log.warning("the broker could not be asked", error=str(error))  # the engine asks again
        finally:
            self._is_asking = False

    def _conclude(self, asked: dict[str, str], to_place: set[str], survey: Survey) -> None:
        listed = {echo.reference for echo in (*survey.open_orders, *survey.completed)}
        for child_id, why in asked.items():
            child = self._children.get(child_id)
            if child is None or child.end is not None or child_id in listed or not survey.is_complete:
                continue
            if child_id in to_place and not child.is_shown:
                self._place_again(child)
            elif child.is_shown:
                self._report(
                    ExecutionReport(
                        child_id=child_id,
                        kind=ReportKind.NOT_FOUND,
                        exchange_time=self._now(),
                        broker_order_id=child.order_id,
                        reason=f"the broker does not list it; asked because {why}",
                    )
                )

    # The snapshot that books are settled against

    def snapshot_of(self, survey: Survey) -> BrokerSnapshot:
        """Return what a survey brought, in the engine's words."""
        orders: dict[str, BrokerOrder] = {}
        for echo in survey.open_orders:
            order = self._open_order(echo, survey.asked_at)
            orders[order.child_id] = order
        for echo in survey.completed:
            child = self._children.get(echo.reference)
            if child is not None and not child.live_perms:
                orders[echo.reference] = _done(child, echo)
        fills = []
        for seen in survey.executions:
            child = self._children.find(seen.reference, seen.perm_id, seen.client_id, seen.order_id)
            if child is not None:
                fills.append(self._hearing.report_of(seen, child))
        return BrokerSnapshot(
            orders=tuple(orders.values()),
            fills=_newest(fills),
            complete=survey.is_complete,
            asked_at=survey.asked_at,
            positions=self._positions(survey),
            account=self._children.account,
        )

    def _positions(self, survey: Survey) -> tuple[Holding, ...] | None:
        """Return what the accounts hold of the contracts that we know; None when the gateway did not say."""
        if not any(verdict.step == HOLDINGS and verdict.is_answered for verdict in survey.verdicts):
            return None
        symbols, books = self._symbols(), self._children.books
        accounts = {self._children.account, *(account for _, account in (books.others if books is not None else ()))}
        held: dict[tuple[str, str], Quantity] = {(name, one): 0 for name in symbols.values() for one in accounts}
        for seen in survey.positions:
            symbol = symbols.get(seen.con_id)
            if symbol is not None:
                held[symbol, seen.account] = held.get((symbol, seen.account), 0) + seen.quantity
        return tuple(Holding(symbol=one[0], account=one[1], quantity=amount) for one, amount in held.items())

    def _symbols(self) -> dict[int, str]:
        """Return the symbols of all contracts whose number is known: only of these can it be said that none is held."""
        books = self._children.books
        known = {} if books is None else books.instruments
        return {
            **{one.broker_contract_id: name for name, one in known.items() if one.broker_contract_id is not None},
            **self._looked_up(),
        }

    def _open_order(self, echo: OrderEcho, asked_at: Timestamp) -> BrokerOrder:
        child = self._children.get(echo.reference) if echo.reference else None
        if child is None:
            return _foreign(echo)
        self._give_up_wanted(child, echo, asked_at)
        terms = child.shows(echo.total, echo.limit_price) or child.terms
        return BrokerOrder(
            child_id=child.child_id,
            broker_order_id=child.order_id,
            total=echo.total,
            cumulative=max(child.filled, child.expected),
            limit_price=echo.limit_price,
            is_open=child.end not in _ENDS and child.end != "filled",
            revision=terms.revision,
            state=_state(child),
        )

    @staticmethod
    def _give_up_wanted(child: IBChild, echo: OrderEcho, asked_at: Timestamp) -> None:
        """Note that a modification sent before the question did not come into force; it still may."""
        wanted = child.wanted
        if wanted is not None and child.wanted_at < asked_at and child.shows(echo.total, echo.limit_price) != wanted:
            child.wanted, child.late = None, wanted


def _newest(fills: list[ExecutionReport]) -> tuple[ExecutionReport, ...]:
    """Return one report an execution, the highest revision of each."""
    best: dict[tuple[str, str], ExecutionReport] = {}
    for report in fills:
        assert report.fill is not None, "only fills are executions"
        key = report.child_id, report.fill.execution_id
        before = best.get(key)
        if before is None or before.fill is None or before.fill.revision <= report.fill.revision:
            best[key] = report
    return tuple(best.values())


def _state(child: IBChild) -> str:
    if child.end is None:
        return ""
    return OrderState.FILLED if child.end == "filled" else _ENDS[ReportKind(child.end)]


def _done(child: IBChild, echo: OrderEcho) -> BrokerOrder:
    cumulative = max(child.filled, child.expected, echo.filled or 0)
    if echo.status in CANCELLED:
        state = OrderState.EXPIRED if child.end == ReportKind.EXPIRED else OrderState.CANCELLED
    else:
        state = OrderState.FILLED if echo.status == "Filled" else OrderState.REJECTED
    return BrokerOrder(
        child_id=child.child_id,
        broker_order_id=child.order_id,
        total=child.terms.total,
        cumulative=cumulative,
        limit_price=child.terms.limit_price,
        is_open=False,
        revision=child.terms.revision,
        state=state,
    )


def _foreign(echo: OrderEcho) -> BrokerOrder:
    name = echo.reference or f"permanent id {echo.perm_id}"
    return BrokerOrder(
        child_id=name,
        broker_order_id=echo.order_id or None,
        total=echo.total,
        cumulative=0,
        limit_price=echo.limit_price,
        is_open=echo.status not in CANCELLED,
    )
