"""Interactive Brokers' algos on the paper gateway, worked by our own.

Theory of operation. Each order that names an algo gets an engine of its own with one parent order in it. The engine is
pure: it is told of the market and of its children's fate, and answers with requests, which go to the floor under the
gateway's own names. What its children trade is reported as executions of the client's order, so that everything behind
(books, faults, lists, words) sees one order and the venue's words about it. It is asked and answers as the venue is
and does: a placement, a replacement, a cancel; accepted, filled, replaced, cancelled, expired.

An engine sees the market every 250 ms of simulated time, on the same instants in every run, and at its own wakes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from quietfill.algos.registry import registry
from quietfill.domain.execution_report import ExecutionReport, ReportKind
from quietfill.domain.messages import AmendOrder, CancelOrder, NewOrder
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import (
    AmendRefused,
    AnyRecord,
    CancelRequested,
    ChildRequested,
    OrderAccepted,
    OrderAmended,
    OrderDone,
    OrderRefused,
    ReplaceRequested,
)
from quietfill.domain.types import DAY, MILLISECOND, price_decimal, quantity_decimal
from quietfill.engine.engine import Engine
from quietfill.engine.settings import EngineSettings
from quietfill.gateway.recorded_facts import recorded_facts
from quietfill.risk.limits import RiskLimits

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.domain.execution_report import Fill
    from quietfill.domain.records import WireRequest
    from quietfill.domain.types import Duration, Price, Quantity
    from quietfill.gateway.floor import Floor
    from quietfill.gateway.stand_in_terms import StandInTerms

LOOKS_EVERY: Final[Duration] = 250 * MILLISECOND
_NEVER: Final[Duration] = 10_000 * DAY
_PLENTY: Final = 100_000
_SETTINGS: Final = EngineSettings(
    max_orders_per_minute=_PLENTY,
    min_order_interval=0,
    max_replaces_per_minute=_PLENTY,
    max_messages_per_second=_PLENTY,
    settle=0,  # the floor's last word counts every fill
    max_slippage_bps=1_000,  # the client's limit is the bound; a market order must not reach for nonsense
    request_timeout=_NEVER,  # the floor always answers
    silence=_NEVER,
)
_ENDS: Final = {
    OrderState.CANCELLED: ReportKind.CANCELLED,
    OrderState.EXPIRED: ReportKind.EXPIRED,
    OrderState.REJECTED: ReportKind.REJECTED,
}


class StandIns:
    """All orders that stand-ins work on one floor."""

    def __init__(self, floor: Floor, hear: Callable[[ExecutionReport], None]) -> None:
        """Work none; *hear* is told what becomes of each, as the venue would tell it."""
        self._floor = floor
        self._hear = hear
        self._live: dict[str, _StandIn] = {}
        self._of_child: dict[str, _StandIn] = {}
        self._is_looking = False

    def begin(self, request: ChildRequested, terms: StandInTerms) -> None:
        """Work an order as asked; *request* is what the venue would have been sent."""
        stand_in = _StandIn(self._floor, request, self._own, self._tell)
        self._live[request.child_id] = stand_in
        stand_in.begin(terms)
        self._look_later()

    def change(self, request: ReplaceRequested) -> None:
        """Put new terms of an order in force, or say that they were refused."""
        self._live[request.child_id].change(request)

    def cancel(self, request: CancelRequested) -> None:
        """Stop an order; nothing is said of one that is over."""
        if request.child_id in self._live:
            self._live[request.child_id].cancel()

    def hear(self, report: ExecutionReport) -> None:
        """Take the venue's word about a child of a stand-in."""
        self._of_child[report.child_id].hear(report)

    def _own(self, child_id: str, stand_in: _StandIn) -> None:
        self._of_child[child_id] = stand_in

    def _tell(self, report: ExecutionReport) -> None:
        if report.kind in _OVER or (report.kind is ReportKind.FILL and report.cumulative == report.total):
            self._live.pop(report.child_id, None)
        self._hear(report)

    def _look_later(self) -> None:
        """Look at the next instant of the grid, and again, while there is anybody to look for."""
        if self._is_looking or not self._live:
            return
        self._is_looking = True
        at = (self._floor.now // LOOKS_EVERY + 1) * LOOKS_EVERY
        self._floor.after(at - self._floor.now, self._look)

    def _look(self) -> None:
        self._is_looking = False
        for stand_in in list(self._live.values()):
            stand_in.look()
        self._look_later()


_OVER: Final = frozenset({ReportKind.REJECTED, ReportKind.CANCELLED, ReportKind.EXPIRED})


class _StandIn:
    """One client's order as the parent order of an engine of its own."""

    def __init__(
        self,
        floor: Floor,
        request: ChildRequested,
        own: Callable[[str, _StandIn], None],
        tell: Callable[[ExecutionReport], None],
    ) -> None:
        instrument = floor.tape.instrument
        self._floor = floor
        self._request = request
        self._own = own
        self._tell = tell
        self._engine = Engine({instrument.symbol: instrument}, registry(), _SETTINGS, _limits())
        self._total: Quantity = request.quantity
        self._limit: Price | None = request.limit_price
        self._filled: Quantity = 0
        self._asked: ReplaceRequested | None = None
        self._is_over = False

    def begin(self, terms: StandInTerms) -> None:
        """Put the order in, with the market as it is."""
        request, floor = self._request, self._floor
        self._engine.handle(floor.book, floor.now)
        ends = [floor.tape.day.spans[-1][1], floor.end, terms.end, request.good_till]
        order = NewOrder(
            order_id=request.child_id,
            decision_id=request.child_id,
            symbol=request.symbol,
            side=request.side,
            quantity=request.quantity,
            algo=terms.algo,
            params=self._informed(terms),
            limit_price=request.limit_price,
            start=terms.start,
            end=min(at for at in ends if at is not None),
            account=request.account,
        )
        self._take(self._engine.handle(order, floor.now))

    def change(self, request: ReplaceRequested) -> None:
        """Amend the order; the new terms are said to be in force when no child can trade beyond them any more."""
        self._asked = request
        self._take(self._engine.handle(self._amendment(request.total, request.limit_price), self._floor.now))

    def cancel(self) -> None:
        """Cancel the order; it ends when its children have."""
        order = CancelOrder(order_id=self._request.child_id, by="client", reason="cancelled by its client")
        self._take(self._engine.handle(order, self._floor.now))

    def look(self) -> None:
        """See the market, and do what is due."""
        self._take(self._engine.handle(self._floor.book, self._floor.now))
        self._wake()

    def hear(self, report: ExecutionReport) -> None:
        """Take the venue's word about a child; what it traded is the order's."""
        records: list[AnyRecord] = []
        if report.fill is not None and self._is_too_late(report.fill):
            records = self._take_back()
        records += self._engine.handle(report, self._floor.now)
        if report.fill is not None:
            self._fill(report.fill)
        self._confirm()
        self._take(records)

    # Changes under way

    def _amendment(self, total: Quantity, limit: Price | None) -> AmendOrder:
        changes = {"quantity": quantity_decimal(total)}
        if limit is not None:
            changes["limit_price"] = price_decimal(limit)
        return AmendOrder(order_id=self._request.child_id, by="client", changes=changes)

    def _confirm(self) -> None:
        """Say that new terms are in force, once everything that works for the order keeps to them.

        A venue that has confirmed a smaller order fills no more than that; a child on its way there still would.
        """
        asked = self._asked
        if asked is None or not self._is_in_force(asked):
            return
        self._asked, self._total, self._limit = None, asked.total, asked.limit_price
        self._say(ReportKind.REPLACED, revision=asked.revision)

    def _is_in_force(self, asked: ReplaceRequested) -> bool:
        parent = self._engine.state.parents[self._request.child_id]
        if parent.quantity != asked.total or parent.room(self._floor.now, _SETTINGS.settle) < 0:
            return False
        bound, sign = asked.limit_price, self._request.side.sign
        prices = [child.limit_price_confirmed for child in parent.working]
        return bound is None or all(price is not None and sign * (price - bound) <= 0 for price in prices)

    def _is_too_late(self, fill: Fill) -> bool:
        """Say whether more has traded than new terms allow that are not in force yet."""
        return self._asked is not None and self._filled + fill.quantity > self._asked.total

    def _take_back(self) -> list[AnyRecord]:
        """Go on with the terms in force, and refuse the new ones."""
        assert self._asked is not None, "there is something to take back"
        revision, self._asked = self._asked.revision, None
        self._say(
            ReportKind.REPLACE_REJECTED, "more has traded meanwhile; the order goes on as it was", revision=revision
        )
        return self._engine.handle(self._amendment(self._total, self._limit), self._floor.now)

    # What follows

    def _take(self, records: list[AnyRecord]) -> None:
        """Send what was decided, say what became of the order, and be woken when the engine wants to be."""
        for record in records:
            self._announce(record)
        leaving, more = self._engine.release(self._engine.state.sequence, self._floor.now)
        for request in leaving:
            self._send(request)
        if more:
            self._take(more)
        elif not self._is_over:
            self._set_alarm()

    def _send(self, request: WireRequest) -> None:
        if isinstance(request, ChildRequested):
            self._own(request.child_id, self)
        self._floor.submit(request)

    def _set_alarm(self) -> None:
        """Ask to be woken, where that is before the next look."""
        due, now = self._engine.next_wake(), self._floor.now
        if due is not None and due < (now // LOOKS_EVERY + 1) * LOOKS_EVERY:
            self._floor.after(max(1, due - now), self._wake)

    def _wake(self) -> None:
        due = self._engine.next_wake()
        if not self._is_over and due is not None and due <= self._floor.now:
            self._take(self._engine.wake(self._floor.now))

    def _announce(self, record: AnyRecord) -> None:
        """Say what a record means for the client's order."""
        if isinstance(record, OrderAccepted):
            self._say(ReportKind.ACCEPTED)
        elif isinstance(record, OrderRefused):
            self._finish(ReportKind.REJECTED, "; ".join(record.reasons))
        elif isinstance(record, OrderAmended):
            self._confirm()
        elif isinstance(record, AmendRefused) and self._asked is not None:
            reason = f"{'; '.join(record.reasons)}; the order goes on as it was"
            revision, self._asked = self._asked.revision, None
            self._say(ReportKind.REPLACE_REJECTED, reason, revision=revision)
        elif isinstance(record, OrderDone) and record.state in _ENDS:
            asked_for = record.state is OrderState.CANCELLED  # the venue gives no reason for that either
            self._finish(_ENDS[record.state], "" if asked_for else record.reason)
        elif isinstance(record, OrderDone) and not self._is_over:  # an amendment left nothing to do
            self._finish(ReportKind.CANCELLED, record.reason)

    def _fill(self, fill: Fill) -> None:
        if self._asked is not None and self._filled + fill.quantity == self._asked.total:
            self._confirm()  # this fill completes the order as it is to be
        self._filled += fill.quantity
        self._is_over = self._is_over or self._filled >= self._total
        self._say(ReportKind.FILL, fill=fill)

    def _finish(self, kind: ReportKind, reason: str) -> None:
        self._is_over = True
        self._say(kind, reason)

    def _say(self, kind: ReportKind, reason: str = "", *, revision: int = 0, fill: Fill | None = None) -> None:
        self._tell(
            ExecutionReport(
                child_id=self._request.child_id,
                kind=kind,
                exchange_time=self._floor.now if fill is None else fill.exchange_time,
                cumulative=self._filled,
                revision=revision,
                total=self._total,
                limit_price=self._limit,
                fill=fill,
                reason=reason,
            )
        )

    def _informed(self, terms: StandInTerms) -> dict[str, Any]:
        """Add what a broker knows of the stock from earlier days; here it is taken from the recording as a whole."""
        if terms.algo != "is":
            return terms.params
        facts = recorded_facts(self._floor.tape)
        known = {
            "adv": None if facts.adv is None else format(quantity_decimal(facts.adv), "f"),
            "volatility": facts.volatility,
        }
        return terms.params | {name: value for name, value in known.items() if value is not None}


def _limits() -> RiskLimits:
    """Return limits that bind nobody: they are the clients' and the gateway's own."""
    return RiskLimits(max_children_per_parent=_PLENTY, max_limit_distance_bps=None)
