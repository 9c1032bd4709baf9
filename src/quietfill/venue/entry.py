"""Order entry: what the venue does with a request once it has arrived, and what it says about it."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, TypeAlias, assert_never

from quietfill.domain.execution_report import ExecutionReport, Fill, ReportKind
from quietfill.domain.messages import BrokerSnapshot
from quietfill.domain.records import CancelRequested, ChildRequested, ReplaceRequested
from quietfill.domain.types import QUANTITY_SCALE, Liquidity, Price, Quantity, TimeInForce, Timestamp
from quietfill.venue.core import Core, Note, NoteKind
from quietfill.venue.orders import VenueOrder, VenueState, price_fault, quantity_fault
from quietfill.venue.tape import Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.domain.instrument import Instrument
    from quietfill.domain.records import WireRequest
    from quietfill.venue.options import VenueOptions

_RESTING = frozenset({TimeInForce.DAY, TimeInForce.GTC, TimeInForce.GTD})
_SUPPORTED = _RESTING | {TimeInForce.IOC, TimeInForce.FOK}
_NOT_NOW = "not in continuous trading"
_DUPLICATE = "duplicate order reference"

Reporter: TypeAlias = "Callable[[ExecutionReport], None]"


class OrderEntry:
    """All our orders at one venue, and the rules they come under.

    Args:
        unit: the smallest quantity increment.
        report: hears everything the venue says, in order of happening.
        schedule: is told (when, child) for orders that expire by themselves.
    """

    def __init__(
        self,
        core: Core,
        instrument: Instrument,
        unit: Quantity,
        options: VenueOptions,
        *,
        report: Reporter,
        schedule: Callable[[Timestamp, str], None],
    ) -> None:
        self._core = core
        self._instrument = instrument
        self._unit = unit
        self._options = options
        self._tell = report
        self._schedule = schedule
        self._orders: dict[str, VenueOrder] = {}
        self._by_slot: dict[int, VenueOrder] = {}
        self._free = list(range(core.slots))
        self._numbers = 0
        self.filled: Quantity = 0
        self.filled_value = 0

    @property
    def open_count(self) -> int:
        """How many orders can still trade."""
        return len(self._by_slot)

    def handle(self, request: WireRequest, at: Timestamp) -> None:
        """Carry out a request that arrives at venue time *at*."""
        match request:
            case ChildRequested():
                self._place(request, at)
            case ReplaceRequested():
                self._replace(request, at)
            case CancelRequested():
                self._cancel(request, at)
            case _:
                assert_never(request)

    def take_notes(self) -> None:
        """Turn what happened in the core into reports."""
        for note in self._core.drain():
            if note.kind is NoteKind.PHASE:
                self._phase(Phase(note.quantity), note.time)
            elif note.kind is NoteKind.SELF_MATCH:
                self._end(self._by_slot[note.slot], VenueState.CANCELLED, note.time, "self-match prevention")
            else:
                self._fill(self._by_slot[note.slot], note)

    def expire(self, child_id: str, at: Timestamp) -> None:
        """End an order whose time is over, if it still works."""
        order = self._orders[child_id]
        if order.state is VenueState.WORKING:
            self._core.withdraw(order.slot)
            self._end(order, VenueState.EXPIRED, at, "good till")

    def close(self, at: Timestamp) -> None:
        """End all orders: the day's continuous trading is over."""
        self._end_all(VenueState.EXPIRED, at, "end of continuous trading")

    def snapshot(self, asked_at: Timestamp) -> BrokerSnapshot:
        """Return everything this venue knows of us."""
        return BrokerSnapshot(
            orders=tuple(order.listed() for order in self._orders.values()),
            fills=tuple(fill for order in self._orders.values() for fill in order.fills),
            complete=True,
            asked_at=asked_at,
        )

    # ------------------------------------------------------------ requests

    def _place(self, request: ChildRequested, at: Timestamp) -> None:
        known = self._orders.get(request.child_id)
        if known is not None:
            self._refuse_duplicate(known, at)
            return
        self._numbers += 1
        order = self._orders[request.child_id] = VenueOrder.of(request, self._numbers)
        fault = self._placement_fault(request, at)
        if fault:
            order.state = VenueState.REJECTED
            self._say(order, ReportKind.REJECTED, at, reason=fault)
            return
        order.slot = self._free.pop(0)
        self._by_slot[order.slot] = order
        self._say(order, ReportKind.ACCEPTED, at)
        if request.good_till is not None:
            self._schedule(request.good_till, request.child_id)
        if order.time_in_force is TimeInForce.FOK:
            available = self._core.available(order.side, order.limit_price)
            if available < order.total:
                self._end(order, VenueState.CANCELLED, at, "fill or kill: not enough is shown")
                return
        self._enter(order, at)

    def _refuse_duplicate(self, known: VenueOrder, at: Timestamp) -> None:
        """Place nothing; of an order that works a rejection under its reference would be read as its end."""
        if known.state is VenueState.WORKING:
            self._say(known, ReportKind.STATUS, at, reason=_DUPLICATE)
        else:
            self._tell(_refusal(known.child_id, ReportKind.REJECTED, at, _DUPLICATE))

    def _placement_fault(self, request: ChildRequested, at: Timestamp) -> str | None:
        if request.symbol != self._instrument.symbol:
            return f"unknown symbol {request.symbol}"
        if request.time_in_force not in _SUPPORTED:
            return f"time in force {request.time_in_force} is not supported"
        if request.displayed is not None and request.displayed != request.quantity:
            return "display quantity is not supported"
        if request.good_till is not None and request.good_till <= at:
            return "good till has passed"
        if not self._free:
            return f"more than {self._core.slots} orders working"
        return self._terms_fault(request.quantity, request.limit_price)

    def _terms_fault(self, quantity: Quantity, limit_price: Price | None) -> str | None:
        fault = quantity_fault(self._instrument, self._unit, quantity) or price_fault(self._instrument, limit_price)
        if fault:
            return fault
        if limit_price is not None and not self._core.takes_price(limit_price):
            return "price outside the venue's band"
        return None if self._core.phase is Phase.CONTINUOUS else _NOT_NOW

    def _replace(self, request: ReplaceRequested, at: Timestamp) -> None:
        order = self._orders.get(request.child_id)
        fault = self._replacement_fault(order, request)
        if order is None or fault:
            kind = ReportKind.REPLACE_REJECTED
            self._tell(_refusal(request.child_id, kind, at, fault or "", order, revision=request.revision))
            return
        keeps_place = request.limit_price == order.limit_price and request.total <= order.total
        order.total, order.limit_price, order.revision = request.total, request.limit_price, request.revision
        self._say(order, ReportKind.REPLACED, at)
        if keeps_place:
            self._core.resize(order.slot, order.leaves)
        else:
            self._core.withdraw(order.slot)
            self._enter(order, at)

    def _replacement_fault(self, order: VenueOrder | None, request: ReplaceRequested) -> str | None:
        if order is None:
            return "unknown order"
        if order.state is not VenueState.WORKING:
            return f"too late: {order.state}"
        if request.total <= order.cumulative:
            return "total is not above what is filled"
        return self._terms_fault(request.total - order.cumulative, request.limit_price)

    def _cancel(self, request: CancelRequested, at: Timestamp) -> None:
        order = self._orders.get(request.child_id)
        if order is None or order.state is not VenueState.WORKING:
            reason = "unknown order" if order is None else f"too late: {order.state}"
            self._tell(_refusal(request.child_id, ReportKind.CANCEL_REJECTED, at, reason, order))
            return
        self._core.withdraw(order.slot)
        self._end(order, VenueState.CANCELLED, at, "requested")

    # ------------------------------------------------------------ trading

    def _enter(self, order: VenueOrder, at: Timestamp) -> None:
        # A sweep can outgrow the ring of notes; then it is taken up again where it stopped.
        rests = order.time_in_force in _RESTING and order.limit_price is not None
        while True:
            left = self._core.submit(order.slot, order.side, order.limit_price, order.leaves, rests=rests, at=at)
            interrupted = self._core.interrupted
            self.take_notes()
            assert left == order.leaves, f"{order.child_id}: the core says {left} is left, its notes {order.leaves}"
            if not interrupted:
                break
        if left > 0 and not rests:
            reason = "no liquidity" if order.limit_price is None else "immediate or cancel"
            self._end(order, VenueState.CANCELLED, at, reason)

    def _fill(self, order: VenueOrder, note: Note) -> None:
        passive = note.kind is NoteKind.PASSIVE_FILL
        order.cumulative += note.quantity
        self.filled += note.quantity
        self.filled_value += note.quantity * note.price
        assert order.cumulative <= order.total, f"{order.child_id} is overfilled"
        fill = Fill(
            execution_id=f"{order.child_id}.{len(order.fills) + 1}",
            quantity=note.quantity,
            price=note.price,
            exchange_time=note.time,
            liquidity=Liquidity.PASSIVE if passive else Liquidity.AGGRESSIVE,
            bid=note.bid,
            ask=note.ask,
            commission=self._commission(note, passive=passive),
            venue=self._instrument.venue,
        )
        if order.cumulative == order.total:
            order.state = VenueState.FILLED
            self._release(order)
        order.fills.append(self._say(order, ReportKind.FILL, note.time, fill=fill))

    def _commission(self, note: Note, *, passive: bool) -> Price:
        bps = self._options.maker_fee_bps if passive else self._options.taker_fee_bps
        if not bps:
            return 0
        value = Decimal(abs(note.price)) * note.quantity * self._instrument.multiplier
        return int((value * bps / (QUANTITY_SCALE * 10_000)).to_integral_value(ROUND_HALF_EVEN))

    def _phase(self, phase: Phase, at: Timestamp) -> None:
        if phase is Phase.HALTED:
            self._end_all(VenueState.CANCELLED, at, "trading halted")
        elif phase is Phase.CONTINUOUS:
            # What was recorded during the break may stand on the other side of our price: ours comes anew.
            for order in list(self._by_slot.values()):
                if self._core.available(order.side, order.limit_price) > 0:
                    self._core.withdraw(order.slot)
                    self._enter(order, at)

    def _end_all(self, state: VenueState, at: Timestamp, reason: str) -> None:
        for order in list(self._by_slot.values()):
            self._core.withdraw(order.slot)
            self._end(order, state, at, reason)

    def _end(self, order: VenueOrder, state: VenueState, at: Timestamp, reason: str) -> None:
        order.state = state
        self._release(order)
        kind = ReportKind.EXPIRED if state is VenueState.EXPIRED else ReportKind.CANCELLED
        self._say(order, kind, at, reason=reason)

    def _release(self, order: VenueOrder) -> None:
        del self._by_slot[order.slot]
        self._free.append(order.slot)
        order.slot = -1

    # ------------------------------------------------------------ words

    def _say(
        self, order: VenueOrder, kind: ReportKind, at: Timestamp, *, fill: Fill | None = None, reason: str = ""
    ) -> ExecutionReport:
        report = ExecutionReport(
            child_id=order.child_id,
            kind=kind,
            exchange_time=at,
            broker_order_id=order.broker_order_id,
            cumulative=order.cumulative,
            revision=order.revision,
            total=order.total,
            limit_price=order.limit_price,
            fill=fill,
            reason=reason,
        )
        self._tell(report)
        return report


def _refusal(
    child_id: str, kind: ReportKind, at: Timestamp, reason: str, order: VenueOrder | None = None, *, revision: int = 0
) -> ExecutionReport:
    """Return the answer to a request that changes nothing."""
    return ExecutionReport(
        child_id=child_id,
        kind=kind,
        exchange_time=at,
        broker_order_id=order.broker_order_id if order else None,
        cumulative=order.cumulative if order else None,
        revision=revision,
        total=order.total if order else None,
        limit_price=order.limit_price if order else None,
        reason=reason,
    )
